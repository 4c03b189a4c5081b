"""Fields of the schema that lead from a model to another."""

from . import names
from .literals import NotSaid


def step(relation):
    """Returns the field of a single relation: a key, or the other side of a one-to-one."""
    if relation.many_to_one or relation.one_to_one:
        if relation.concrete:
            return names.relation(relation)
        return reverse(relation)
    raise NotSaid(f"{relation.name} is a list")


def reverse(relation):
    """Returns the field of the other side of a one-to-one."""
    named = relation.related_name
    return names.field(named or relation.related_model._meta.object_name)


def ancestors(model, field):
    """Returns the fields that lead to the table of an inherited field."""
    owner = field.model._meta.concrete_model
    path, current = [], model._meta.concrete_model
    while current is not owner:
        link = current._meta.get_ancestor_link(owner)
        if link is None:
            break
        path.append(names.relation(link))
        current = link.related_model._meta.concrete_model
    return path
