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


def default_forward(key, target):
    """Returns the field that the service gives to a foreign key by itself; `target` is the type of the other table."""
    column, target = "_".join(words(key.column)), "_".join(words(target))
    referenced = "_".join(words(key.target_field.column))
    if column == f"{target}{referenced}":
        return field(target)
    ends = ("_id", "_fk", "_uuid", f"_{referenced}")
    stem = next((column.removesuffix(end) for end in ends if column.endswith(end)), column)
    stem = next((stem.removeprefix(begin) for begin in ("id_", "fk_") if stem.startswith(begin)), stem)
    if stem != column and stem[:1].isalpha():
        return field(stem)
    return field(f"{column}_{target}" if key.related_model._meta.concrete_model is key.model else target)


def relation(key):
    """Returns the field of a foreign key."""
    return field(key.name)
