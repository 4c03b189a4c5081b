"""Choices of a column as an enum: names of its values."""

import re

from django.db.models import CharField, IntegerField, TextField

from . import names
from .literals import NotSaid, scalar

# Name of the empty text, which Django stores for "no choice".
EMPTY = "EMPTY"


def named(column):
    """Returns the stored values of a column by name; None for a column without choices."""
    if not column.choices or column.is_relation:
        return None
    if not isinstance(column, (CharField, TextField, IntegerField)) or hasattr(column, "from_db_value"):
        raise NotSaid(f"choices of a {type(column).__name__}")
    listed = [(value, label) for value, label in column.flatchoices if value is not None]
    kind = int if isinstance(column, IntegerField) else str
    if any(not isinstance(value, kind) or isinstance(value, bool) for value, _ in listed):
        raise NotSaid(f"choices that are not all of type {kind.__name__}")
    if kind is str and column.blank and "" not in (value for value, _ in listed):
        listed.append(("", ""))
    found = {}
    for value, label in listed:
        name = name_of(value, label)
        if name in found:
            raise NotSaid(f"two choices that would both be named {name}")
        found[name] = kind(value)
    return found


def name_of(value, label):
    """Returns the name of a choice: its value, or its label if the value begins with no letter."""
    if value == "":
        return EMPTY
    for text in (value, label):
        name = "_".join(names.words(str(text))).upper()
        if re.match("[A-Z]", name):
            return name
    raise NotSaid(f"the choice {value!r}, which has no name")


def name_in(found, value):
    """Returns the name of a stored value."""
    for name, stored in found.items():
        if stored == value:
            return name
    raise NotSaid(f"the value {value!r}, which is not among the choices")


def literal(found, operator, value):
    """Returns the literal of a constant that a filter compares with a column of choices."""
    match operator:
        case "eq":
            return name_in(found, value)
        case "in":
            return f"[{', '.join(name_in(found, one) for one in value)}]"
        case "isNull":
            return scalar(value)
    raise NotSaid(f"the operator {operator} of a column with choices")
