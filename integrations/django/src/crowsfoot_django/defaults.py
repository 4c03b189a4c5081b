"""Values that Django gives to a column when a row is created without it."""

import datetime
import decimal
import json
import uuid

from django.db.models import NOT_PROVIDED, AutoField, JSONField

from . import choices
from .literals import NotSaid


def default_of(column, connection, listed=None):
    """Returns the constant default of a column, as a value of TOML; None without one.

    A default in the database needs no option. Neither does NULL. `listed` are the column's choices by name.
    """
    value = plain_default(column, connection)
    return value if listed is None or value is None else choices.name_in(listed, value)


def plain_default(column, connection):
    """Returns the constant default as the database stores it."""
    if column.db_default is not NOT_PROVIDED or isinstance(column, AutoField):
        return None
    if getattr(column, "auto_now", False) or getattr(column, "auto_now_add", False):
        raise NotSaid("a value that Django computes for each row")
    if not column.has_default():
        is_empty_text = column.blank and not column.null and column.empty_strings_allowed and not column.is_relation
        return "" if is_empty_text and column.get_internal_type() in ("CharField", "TextField", "SlugField") else None
    if callable(column.default) and column.default not in (dict, list, str, int, float, bool):
        raise NotSaid("a value that Django computes for each row")
    value = column.get_default()
    # A database without a type of its own holds these values as text.
    if isinstance(column, JSONField) and not connection.features.has_native_json_field:
        return json.dumps(value, cls=column.encoder)
    return constant(value)


def constant(value):
    """Returns a constant as a value of TOML."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            # A member of an enumeration is its value.
            return str(value)
        case decimal.Decimal() | uuid.UUID():
            return str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case dict():
            return {name: constant(inner) for name, inner in value.items()}
        case list() | tuple():
            return [constant(inner) for inner in value]
    raise NotSaid(f"a value of type {type(value).__name__}")
