"""Options of relations: foreign keys, and lists through junctions."""

from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT, SET_DEFAULT, SET_NULL

from . import names
from .defaults import constant

RULES = {
    CASCADE: "cascade",
    PROTECT: "protect",
    RESTRICT: "restrict",
    SET_NULL: "set_null",
    SET_DEFAULT: "set_default",
    DO_NOTHING: "do_nothing",
}


def add_key(options, section, key):
    """Adds the options of a foreign key, and of its other side."""
    if not options.serves(key.related_model):
        section.notes.append(f"{key.name}: {key.related_model._meta.label} is left out.")
        return
    if not key.db_constraint:
        options.cannot_say(section, key.name, "the database has no foreign key (db_constraint=False)")
        return
    field = names.relation(key)
    default = names.default_forward(key, options.section(key.related_model).values["name"])
    if default != field:
        section.map("rename")[default] = field
    if not key.one_to_one and is_unique(key.model, {key.column}):
        section.list("many").append(default)
    add_rule(options, section, key)
    if key.remote_field.parent_link:
        # Deleting a row deletes its parent, too.
        section.list("parents").append(field)
    if key.remote_field.hidden:
        # A name of its own, which the other side then hides.
        hidden = names.field(f"{key.model._meta.object_name}_{key.name}_hidden")
        section.map("reverse")[default] = hidden
        options.section(key.related_model).list("hide").append(hidden)
    elif key.remote_field.related_name:
        section.map("reverse")[default] = names.field(key.remote_field.related_name)


def add_rule(options, section, key):
    """Adds the rule of a key when the referenced row is deleted."""
    field, given = names.relation(key), key.remote_field.on_delete
    rule = RULES.get(given)
    if rule is None:
        # SET(…), or a function of the project.
        value = given.deconstruct()[1][0] if hasattr(given, "deconstruct") else given
        if callable(value):
            reason = "its on_delete calls a function; the database refuses to delete the referenced rows"
            options.cannot_say(section, key.name, reason)
            rule = "do_nothing"
        elif value is None:
            rule = "set_null"
        else:
            section.map("set_on_delete")[field] = constant(getattr(value, "pk", value))
            return
    section.map("on_delete")[field] = rule


def is_unique(model, columns):
    """Returns true if exactly these columns are a key of the table."""
    meta = model._meta
    sets = [{field.column} for field in meta.local_concrete_fields if field.unique]
    named = list(meta.unique_together) + [constraint.fields for constraint in meta.total_unique_constraints]
    sets += [{meta.get_field(name).column for name in key} for key in named]
    return columns in sets


def add_list(options, relation):
    """Adds the options of a many-to-many field."""
    remote = relation.remote_field
    through = remote.through
    section = options.section(relation.model)
    if not options.serves(relation.related_model):
        section.notes.append(f"{relation.name}: {relation.related_model._meta.label} is left out.")
        return
    if not through._meta.auto_created and not options.serves(through):
        section.notes.append(f"{relation.name}: {through._meta.label} is left out.")
        return
    near = through._meta.get_field(relation.m2m_field_name())
    far = through._meta.get_field(relation.m2m_reverse_field_name())
    if not (near.db_constraint and far.db_constraint):
        options.cannot_say(section, relation.name, "the junction has no foreign keys (db_constraint=False)")
        return
    junction = options.section(through)
    if through._meta.auto_created:
        # Counts of deletions name it.
        junction.values["name"] = "".join(word.capitalize() for word in names.words(through._meta.object_name))
        for key in (near, far):
            junction.map("on_delete")[names.relation(key)] = "cascade"
            options.add_spelling(junction, key)
    field = names.field(relation.name)
    if remote.symmetrical:
        junction.values["symmetrical"] = field
        return
    is_hidden = bool(remote.related_name) and remote.hidden
    other = names.field(f"{relation.model._meta.object_name}_{relation.name}_hidden" if is_hidden else remote.related_name or "")
    if is_unique(through, {near.column, far.column}):
        lists = junction.map("list_through")
        lists[names.relation(far)] = field
        if other:
            lists[names.relation(near)] = other
        if not through._meta.auto_created:
            junction.values["shown"] = True
    else:
        other = other or names.field(remote.get_accessor_name())
        pairs = [(near, far, field)] + ([] if is_hidden else [(far, near, other)])
        junction.list("many_to_many").extend(
            {"from": names.relation(start), "to": names.relation(end), "field": name} for start, end, name in pairs
        )
        return
    if is_hidden:
        options.section(relation.related_model).list("hide").append(other)
