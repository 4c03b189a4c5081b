"""Default scope of a model: the rows of its default manager, as a value of the argument `where`."""

from django.db.models import lookups
from django.db.models.expressions import Col
from django.db.models.sql.datastructures import Join
from django.db.models.sql.where import AND, OR, WhereNode

from . import choices, names
from .literals import NotSaid, nested, scalar
from .paths import step

OPERATORS = {
    "exact": "eq",
    "gt": "gt",
    "gte": "gte",
    "lt": "lt",
    "lte": "lte",
    "in": "in",
    "isnull": "isNull",
    "contains": "contains",
    "startswith": "startsWith",
    "endswith": "endsWith",
    "iexact": "iEq",
    "icontains": "iContains",
    "istartswith": "iStartsWith",
    "iendswith": "iEndsWith",
    "regex": "regex",
}


def literal(model):
    """Returns the scope of a model's lists; None if the default manager returns all rows."""
    query = model._default_manager.all().query
    if query.is_sliced or query.combinator or query.distinct or query.group_by or query.extra:
        raise NotSaid("the default manager's query is more than a filter")
    return condition(query, query.where) if query.where else None


def condition(query, node):
    """Returns the filter of a condition."""
    if not isinstance(node, WhereNode):
        return lookup(query, node)
    inner = [condition(query, child) for child in node.children]
    if len(inner) == 1:
        both = inner[0]
    elif node.connector in (AND, OR):
        both = f"{{ {node.connector.lower()}: [{', '.join(inner)}] }}"
    else:
        raise NotSaid(f"a condition with {node.connector}")
    return f"{{ not: {both} }}" if node.negated else both


def lookup(query, node):
    """Returns the filter of one comparison of a column with a constant."""
    if not isinstance(node, lookups.Lookup) or not isinstance(node.lhs, Col):
        raise NotSaid("a condition that compares no column")
    operator = OPERATORS.get(node.lookup_name)
    if operator is None:
        raise NotSaid(f"the lookup {node.lookup_name}")
    target = node.lhs.target
    path = joined(query, node.lhs.alias) + [names.field(getattr(target, "attname", target.name))]
    listed = named(target)
    constant = scalar(node.rhs) if listed is None else choices.literal(listed, operator, node.rhs)
    return nested(path + [operator], constant)


def named(column):
    """Returns the choices of a column; None if the options do not list them."""
    try:
        return choices.named(column)
    except NotSaid:
        return None


def joined(query, alias):
    """Returns the fields that lead to a joined table."""
    table = query.alias_map[alias]
    if not isinstance(table, Join):
        return []
    return joined(query, table.parent_alias) + [step(table.join_field)]
