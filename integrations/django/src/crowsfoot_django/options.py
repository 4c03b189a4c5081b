"""Options file of a set of models."""

from collections import Counter

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import UUIDField

from . import choices, names, ordering, scope, toml
from .defaults import default_of
from .literals import NotSaid
from .relations import add_key, add_list

HEAD = """\
Options of `crowsfoot serve --from-database --options FILE`, written by `manage.py crowsfoot` after the models of the project.
"""

# Types of every schema: a model of such a name is a record.
RESERVED = {
    *("Query", "Mutation", "Subscription", "Node", "PageInfo", "Direction", "DeleteResult", "CascadedCount"),
    *("Int", "Float", "String", "Boolean", "ID", "BigInt", "Decimal", "UUID", "Date", "DateTime", "Time", "JSON", "Bytes"),
}


class Section:
    """Options of one table."""

    def __init__(self, table):
        self.table = table
        self.notes = []
        self.values = {}

    def list(self, word):
        return self.values.setdefault(word, [])

    def map(self, word):
        return self.values.setdefault(word, {})

    def text(self):
        lines = [f"[entities.{toml.key(self.table)}]"]
        for note in self.notes:
            lines += toml.comment(note)
        lines += [f"{word} = {toml.value(value)}" for word, value in self.values.items()]
        return "".join(f"\n{line}" for line in lines) + "\n"


class Options:
    """Options of the models, and warnings about the parts that no option says."""

    def __init__(self, models, connection, are_chosen=False):
        self.connection = connection
        self.warnings = []
        self.left_out = []
        self.sections = {}
        self.models = []
        for model in sorted(models, key=lambda model: model._meta.label):
            if model._meta.proxy:
                continue
            if not are_chosen and is_of_django(model):
                self.left_out.append(model)
            else:
                self.models.append(model)
        # Users and groups of Django give way to models of the project.
        of_project = [model for model in self.models if not is_contributed(model)]
        count = Counter(model._meta.object_name for model in of_project)
        for model in self.models:
            self.section(model).values["name"] = type_name(model, count)
        for model in self.models:
            self.add_model(self.section(model), model)
        for model in self.models:
            for relation in model._meta.local_many_to_many:
                add_list(self, relation)

    def section(self, model):
        """Returns the section of a model's table."""
        table = names.table(model)
        return self.sections.setdefault(table, Section(table))

    def serves(self, model):
        return model._meta.concrete_model in self.models

    def cannot_say(self, section, part, reason):
        """Notes a part of a model that no option says."""
        section.notes.append(f"{part}: {reason}")
        self.warnings.append(f"{section.table}: {part}: {reason}")

    def try_to(self, section, part, literal):
        """Returns a literal; None if the options cannot say it."""
        try:
            return literal()
        except NotSaid as reason:
            self.cannot_say(section, part, f"not among the options, because of {reason}")
            return None

    def add_model(self, section, model):
        meta = model._meta
        doc = model.__doc__ or ""
        # Django itself describes a model without a description by its fields.
        if not doc.startswith(f"{meta.object_name}("):
            section.values["comment"] = " ".join(doc.split())
        if issubclass(model, AbstractBaseUser):
            section.list("hide").append("password")
            section.notes.append("The password is hidden: Django alone hashes it, and creates users.")
        for column in meta.local_concrete_fields:
            self.add_column(section, column)
        for key in meta.local_concrete_fields:
            if key.is_relation:
                add_key(self, section, key)
        for field in meta.private_fields:
            if field.model is model:
                self.cannot_say(section, field.name, f"a {type(field).__name__} is no relation of the database")
        order = self.try_to(section, "order_by", lambda: ordering.literal(model, self.connection))
        rows = self.try_to(section, "scope", lambda: scope.literal(model))
        section.values |= {word: value for word, value in (("order_by", order), ("scope", rows)) if value is not None}

    def add_column(self, section, column):
        field = names.field(column.attname)
        if names.field(column.column) != field:
            section.map("rename")[column.column] = field
        self.add_spelling(section, column)
        if column.help_text:
            section.map("comments")[column.column] = str(column.help_text)
        listed = self.try_to(section, f"choices of {column.name}", lambda: choices.named(column))
        if listed:
            section.map("choices")[column.column] = listed
        value = self.try_to(section, f"default of {column.name}", lambda: default_of(column, self.connection, listed))
        if value is not None:
            section.map("default")[column.column] = value

    def add_spelling(self, section, column):
        """Adds the spelling of UUIDs, which a database without a type of their own holds as text."""
        if is_uuid(column) and not self.connection.features.has_native_uuid_field:
            section.map("spelling")[column.column] = "hex"

    def text(self):
        """Returns the text of the file."""
        lines = toml.comment(HEAD)
        if self.left_out:
            labels = ", ".join(model._meta.label for model in self.left_out)
            lines += toml.comment(f"Left out, because they are Django's own: {labels}.")
        tables = "".join(f"    {toml.string(table)},\n" for table in sorted(self.sections))
        sections = "".join(section.text() for _, section in sorted(self.sections.items()))
        return "\n".join(lines) + f"\n\ninclude = [\n{tables}]\n{sections}"


def is_uuid(column):
    """Returns true for UUIDs, and keys to them."""
    while column.is_relation:
        column = column.target_field
    return isinstance(column, UUIDField)


def is_of_django(model):
    """Returns true for the models of Django's own applications, except users and groups."""
    return is_contributed(model) and model._meta.label not in ("auth.User", "auth.Group")


def is_contributed(model):
    return model._meta.app_config.name.startswith("django.contrib.")


def type_name(model, count):
    """Returns the type of a model: its class, after its application if several have the name."""
    name = model._meta.object_name
    if count[name] > (0 if is_contributed(model) else 1):
        return "".join(word.capitalize() for word in names.words(model._meta.app_label)) + name
    return f"{name}Record" if name in RESERVED else name
