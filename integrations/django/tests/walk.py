"""Relations of the models, as GraphQL and Django name them."""

import datetime
import decimal
import uuid

from django.core.exceptions import ObjectDoesNotExist

from crowsfoot_django import names

# Other sides without a related name: the service's rule names them.
BY_RULE = {
    "Profile.user": "profile",
    "UserInfo.user": "userInfos",
    "Passport.person": "passport",
    "Restaurant.place": "restaurant",
    "Waiter.restaurant": "waiters",
    "Car.vehicle_ptr": "car",
}


def relations(model):
    """Returns the fields of a model's relations, each with its target and the name in Django."""
    found = {}
    for relation in model._meta.get_fields():
        if not relation.is_relation or relation.related_model is None:
            continue
        if relation.model._meta.concrete_model is not model or relation.related_model._meta.app_label not in ("seed", "forms"):
            continue
        if relation.concrete:
            found[names.field(relation.name)] = (relation.related_model, relation.name)
        else:
            key = f"{relation.related_model._meta.object_name}.{relation.field.name}"
            name = names.field(relation.related_name) if relation.related_name else BY_RULE[key]
            found[name] = (relation.related_model, relation.get_accessor_name())
    return found


def key_field(model):
    return names.field(model._meta.pk.attname)


def related(row, name):
    """Returns the keys that a relation of a row has in Django: a key, None or a list."""
    try:
        value = getattr(row, name)
    except ObjectDoesNotExist:
        return None
    if value is None or not hasattr(value, "all"):
        return None if value is None else plain(value.pk)
    keys = [plain(key) for key in value.all().values_list("pk", flat=True)]
    return keys if value.all().query.order_by or value.model._meta.ordering else sorted(keys)


def shown(value, target, is_ordered):
    """Returns the keys of an answer, in the form of `related`."""
    if isinstance(value, list):
        keys = [plain(item[key_field(target)]) for item in value]
        return keys if is_ordered else sorted(keys)
    return None if value is None else plain(value[key_field(target)])


def plain(value):
    """Returns a value as text, in one form for GraphQL, Django and both databases."""
    match value:
        case datetime.datetime():
            return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        case uuid.UUID():
            return value.hex
        case str() if len(value) == 36:
            return value.replace("-", "")
        case decimal.Decimal() | float():
            return str(decimal.Decimal(str(value)).normalize())
        case bool() | None:
            return str(value)
        case list():
            return str(value)
    return str(value)
