"""GraphQL literals: default orders and scopes."""

import datetime
import decimal
import json
import uuid


class NotSaid(Exception):
    """The options have no word for a part of a model; the text is the reason."""


def scalar(value):
    """Returns the literal of a constant."""
    match value:
        case None | bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False)
        case decimal.Decimal() | uuid.UUID():
            return json.dumps(str(value))
        # A moment is computed when the project starts, and means nothing later.
        case datetime.date() if not isinstance(value, datetime.datetime):
            return json.dumps(value.isoformat())
        case list() | tuple() | set() | frozenset():
            return f"[{', '.join(map(scalar, value))}]"
    raise NotSaid(f"a value of type {type(value).__name__} is no constant")


def nested(path, inner):
    """Returns the literal of an object with one field at each step: `{ author: { name: ASC } }`."""
    for step in reversed(path):
        inner = f"{{ {step}: {inner} }}"
    return inner
