"""Rows of the test project, made by Django."""

import datetime

from django.apps import apps
from django.core.management.color import no_style
from django.db import connections, transaction

from tests.project.forms import models as forms
from tests.project.seed import models as seed

MODELS = [model for label in ("seed", "forms") for model in apps.get_app_config(label).get_models()]


def clear(using):
    """Removes all rows, and starts all numbers anew."""
    connection = connections[using]
    tables = connection.introspection.django_table_names(only_existing=True)
    tables = [table for table in tables if table.startswith(("seed_", "forms_"))]
    if connection.vendor == "postgresql":
        # TRUNCATE makes new files for each table; the keys are checked at the end of the transaction.
        sequences = [sequence for sequence in connection.introspection.sequence_list() if sequence["table"] in tables]
        flush = [f'DELETE FROM "{table}"' for table in tables]
        flush += connection.ops.sequence_reset_by_name_sql(no_style(), sequences)
    else:
        flush = connection.ops.sql_flush(no_style(), tables, reset_sequences=True)
    connection.ops.execute_sql_flush([";".join(flush)] if connection.vendor == "postgresql" else flush)


def make(using):
    """Makes the rows anew."""
    clear(using)

    def create(model, **values):
        return model._base_manager.using(using).create(**values)

    with transaction.atomic(using):
        make_seed(create)
        make_forms(create)


def make_seed(create):
    ada, bea, cid = (create(seed.User, username=name) for name in ("ada", "bea", "cid"))
    create(seed.Profile, user=ada, bio="Machines", birthdate=datetime.date(1985, 12, 10))
    create(seed.Profile, user=bea)
    create(seed.UserInfo, user=ada, phone_number="1")
    create(seed.UserDetail, user=cid, phone_number="2")
    ursula, terry, _ = (create(seed.Author, name=name) for name in ("Ursula", "Terry", "Nobody"))
    for author, title in ((ursula, "The Dispossessed"), (terry, "Mort"), (ursula, "The Telling")):
        create(seed.Book, author=author, title=title)
    one, two, three = (create(seed.Student, name=name) for name in ("One", "Two", "Three"))
    maths, art, _ = (create(seed.Course, title=title) for title in ("Maths", "Art", "Music"))
    one.courses.add(maths, art)
    two.courses.add(art)
    badges = [create(seed.Badge, code=code) for code in ("A", "B", "C", "D")]
    boss = create(seed.Employee, name="Boss", badge=badges[0])
    create(seed.Employee, name="Hand", badge=badges[1], manager=boss)
    create(seed.Employee, name="Foot", badge=badges[2], manager=boss)
    person, _ = (create(seed.Person, name=name) for name in ("Iris", "Karl"))
    create(seed.Passport, person=person, number="P1")
    create(seed.Passport, person=None, number="P2")
    dogs, diner, _ = (create(seed.Place, name=name, address="1 Main") for name in ("Dogs", "Diner", "Field"))
    dog_house = create(seed.Restaurant, place=dogs, serves_hot_dogs=True)
    create(seed.Restaurant, place=diner, serves_pizza=True)
    for name in ("Joe", "Jill"):
        create(seed.Waiter, restaurant=dog_house, name=name)


def make_forms(create):
    accounts = [create(forms.Account, name=f"account {number}") for number in range(1, 12)]
    kinds = (forms.Owned, forms.Guarded, forms.Bound, forms.Loose, forms.Moved, forms.Emptied, forms.Assigned, forms.Ignored, forms.Computed)
    for account, kind in zip(accounts[2:], kinds):
        create(kind, account=account)
        create(kind, account=account)
    one, other = (create(forms.Artist, name=name) for name in ("One", "Other"))
    album = create(forms.Album, artist=one)
    create(forms.Song, artist=one, album=album)
    create(forms.Song, artist=other, album=create(forms.Album, artist=other))
    create(forms.Song, artist=one, album=create(forms.Album, artist=other))
    anna, bert, cara, dora = (create(forms.Member, name=name) for name in ("Anna", "Bert", "Cara", "Dora"))
    anna.friends.add(bert, cara)
    dora.friends.add(dora)
    anna.idols.add(cara, dora)
    cara.idols.add(anna)
    chess, choir = (create(forms.Club, name=name) for name in ("Chess", "Choir"))
    chess.members.add(anna, bert)
    choir.members.add(anna, through_defaults={"role": "chair"})
    chess.guests.add(dora)
    for club, member in ((chess, dora), (chess, dora), (choir, cara)):
        create(forms.Visit, club=club, member=member)
    writers = [create(forms.Writer, name=name) for name in ("Zoe", "Amy", "Nobody")]
    for rank, headline, writer in ((1, "A", 0), (1, "B", 1), (2, "C", 1), (1, "D", 0), (2, "E", 2), (2, "F", None)):
        writer = None if writer is None else writers[writer]
        create(forms.Article, rank=rank, headline=headline, writer=writer, created=MOMENT)
    create(forms.Article, headline="G", writer=writers[1], is_deleted=True, created=MOMENT)
    create(forms.Rating, stars=1, mood="glad")
    create(forms.Rating, stars=5)
    create(forms.Vehicle, wheels=2)
    create(forms.Car, doors=3)
    create(forms.Car, wheels=6)
    denmark = create(forms.Country, code="DK")
    create(forms.Country, code="NO")
    ribe = create(forms.City, id=CITIES[0], name="Ribe", country=denmark, founder=anna)
    create(forms.City, id=CITIES[1], name="Arhus", country=denmark, twin=ribe)


MOMENT = datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
CITIES = ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"]


def dump(using):
    """Returns all rows by table, junctions included."""
    found = {}
    for model in MODELS:
        junctions = [field.remote_field.through for field in model._meta.local_many_to_many]
        for table in [model] + [junction for junction in junctions if junction._meta.auto_created]:
            if table._meta.proxy:
                continue
            # The rows of a link have no order, so neither have their numbers.
            is_link = bool(table._meta.auto_created)
            columns = [field.attname for field in table._meta.local_concrete_fields if not (is_link and field.primary_key)]
            found[table._meta.db_table] = sorted(map(repr, table._base_manager.using(using).values(*columns)))
    return found
