"""Names of Crowsfoot's schema, as far as the options have to state them."""

import re


def words(name):
    """Returns the words of a name, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", name)]


def field(name):
    """Returns a name in camelCase: the field of a column, or of a relation."""
    first, *rest = words(name)
    return first + "".join(word.capitalize() for word in rest)


def table(model):
    """Returns the table of a model as the options name it, with its schema if the model states one."""
    return model._meta.db_table.replace('"', "")


def key_variant(key):
    """Returns the name of a foreign key after its table and column, which no other option changes."""
    return f"{table(key.model)} ({key.column})"


def default_forward(key):
    """Returns the default field of a foreign key, or None if the target's name decides."""
    stem = key.column.removesuffix("_id")
    return field(stem) if stem != key.column and not stem.startswith(("id_", "fk_")) else None


def relation(key):
    """Returns the field of a foreign key."""
    return field(key.name)
