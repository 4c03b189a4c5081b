"""Default order of a model, as a value of the argument `orderBy`."""

from dataclasses import dataclass, replace

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import OrderBy

from . import names
from .literals import NotSaid, nested
from .paths import ancestors, step

DIRECTIONS = {
    (False, None): "ASC",
    (True, None): "DESC",
    (False, "first"): "ASC_NULLS_FIRST",
    (False, "last"): "ASC_NULLS_LAST",
    (True, "first"): "DESC_NULLS_FIRST",
    (True, "last"): "DESC_NULLS_LAST",
}


def literal(model, connection):
    """Returns the default order of a model's lists; None without one.

    An order of the default manager precedes that of `Meta`, as in Django.
    """
    query = model._default_manager.all().query
    if query.extra_order_by:
        raise NotSaid("an order by extra() is SQL")
    given = query.order_by or (model._meta.ordering if query.default_ordering else ())
    keys = [key for item in given for key in keys_of(model, item, frozenset())]
    if connection.features.order_by_nulls_first:
        keys = [with_smallest_nulls(key) for key in keys]
    keys = [key.text for key in keys]
    # A key that repeats an earlier one decides nothing.
    return f"[{', '.join(dict.fromkeys(keys))}]" if keys else None


@dataclass(frozen=True)
class Key:
    """Sort key: the fields that lead to a column, and the direction."""

    path: tuple
    is_nullable: bool
    is_descending: bool
    nulls: str | None

    @property
    def text(self):
        return nested(self.path, DIRECTIONS[self.is_descending, self.nulls])

    def below(self, path, is_nullable):
        return replace(self, path=(*path, *self.path), is_nullable=self.is_nullable or is_nullable)

    def reversed(self):
        opposite = {"first": "last", "last": "first", None: None}
        return replace(self, is_descending=not self.is_descending, nulls=opposite[self.nulls])


def with_smallest_nulls(key):
    """Returns the key with NULL before every value, as SQLite orders it; the service orders NULL after every value."""
    if key.is_nullable and key.nulls is None:
        return replace(key, nulls="last" if key.is_descending else "first")
    return key


def keys_of(model, item, seen):
    """Returns the sort keys of one item of an ordering. The order of a relation is the target's own."""
    name, is_descending, nulls = parts(item)
    path, owner, is_nullable = [], model, False
    for part in name.split(LOOKUP_SEP):
        if owner is None:
            raise NotSaid(f"the order {name}")
        try:
            found = owner._meta.pk if part == "pk" else owner._meta.get_field(part)
        except FieldDoesNotExist:
            raise NotSaid(f"the order {name}") from None
        path += ancestors(owner, found)
        is_nullable |= found.null
        if found.is_relation and part != getattr(found, "attname", None) and part != "pk":
            path.append(step(found))
            owner = found.related_model
        else:
            path.append(names.field(found.attname))
            owner = None
    if owner is None:
        return [Key(tuple(path), is_nullable, is_descending, nulls)]
    if owner in seen:
        raise NotSaid("an order that leads back to itself")
    of_target = owner._meta.ordering or ["pk"]
    inner = [key for item in of_target for key in keys_of(owner, item, seen | {model})]
    if is_descending:
        inner = [key.reversed() for key in inner]
    return [key.below(path, is_nullable) for key in inner]


def parts(item):
    """Returns the name of an item of an ordering, its direction, and its place of nulls."""
    if isinstance(item, str):
        if item == "?":
            raise NotSaid("a random order")
        return item.lstrip("-+"), item.startswith("-"), None
    if isinstance(item, F):
        item = item.asc()
    if isinstance(item, OrderBy) and isinstance(item.expression, F):
        nulls = "first" if item.nulls_first else "last" if item.nulls_last else None
        return item.expression.name, item.descending, nulls
    raise NotSaid("an expression in the order")
