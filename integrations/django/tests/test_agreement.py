"""The service and Django on one database: both read the same, and both write the same."""

import unittest
import uuid

from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connections, transaction
from django.db.models import ProtectedError, RestrictedError

from crowsfoot_django import choices, names, scope
from tests.project.forms import models as forms
from tests.project.seed import models as seed
from tests.rows import MODELS, MOMENT, dump, make
from tests.service import Service
from tests.walk import key_field, plain, related, relations, shown

SERVED = [model for model in MODELS if not model._meta.proxy and model is not forms.Tag]


# Deletions of which the command says that no option describes them: SET of a function.
UNSAID = {(forms.Account, 11)}

# Writes through GraphQL, and what they are in Django, where `get` finds a row.
WRITES = [
    (
        'createUser(input: { username: "dan", profile: { create: { bio: "B" } } }) { id }',
        lambda get: seed.Profile.objects.using(using(get)).create(user=new(get, seed.User, username="dan"), bio="B"),
    ),
    ("createRestaurant(input: { place: { id: 3 } }) { placeId }", lambda get: new(get, seed.Restaurant, place_id=3)),
    (
        'createUserInfo(input: { user: { id: 1 }, phoneNumber: "9" }) { id }',
        lambda get: new(get, seed.UserInfo, user_id=1, phone_number="9"),
    ),
    ('createBook(input: { author: { id: 2 }, title: "T" }) { id }', lambda get: new(get, seed.Book, author_id=2, title="T")),
    (
        "updateStudent(id: 3, input: { courses: { connect: [{ id: 1 }, { id: 3 }] } }) { id }",
        lambda get: get(seed.Student, id=3).courses.add(1, 3),
    ),
    (
        "updateStudent(id: 1, input: { courses: { set: [{ id: 2 }, { id: 3 }] } }) { id }",
        lambda get: get(seed.Student, id=1).courses.set([2, 3]),
    ),
    (
        "updateCourse(id: 2, input: { students: { disconnect: [{ id: 1 }] } }) { id }",
        lambda get: get(seed.Course, id=2).students.remove(1),
    ),
    (
        "updateEmployee(id: 1, input: { reports: { disconnect: [{ id: 2 }] } }) { id }",
        lambda get: get(seed.Employee, id=1).reports.remove(get(seed.Employee, id=2)),
    ),
    (
        "updateAuthor(id: 3, input: { books: { connect: [{ id: 1 }] } }) { id }",
        lambda get: get(seed.Author, id=3).books.add(get(seed.Book, id=1)),
    ),
    (
        "updatePassport(id: 2, input: { person: { id: 2 } }) { id }",
        lambda get: change(get(seed.Passport, id=2), person_id=2),
    ),
    (
        "updatePassport(id: 2, input: { person: { id: 1 } }) { id }",
        lambda get: change(get(seed.Passport, id=2), person_id=1),
    ),
    (
        "updateMember(id: 2, input: { friends: { connect: [{ id: 4 }, { id: 1 }] } }) { id }",
        lambda get: get(forms.Member, id=2).friends.add(4, 1),
    ),
    (
        "updateMember(id: 1, input: { friends: { disconnect: [{ id: 2 }] } }) { id }",
        lambda get: get(forms.Member, id=1).friends.remove(2),
    ),
    (
        "updateMember(id: 3, input: { fans: { set: [{ id: 4 }] } }) { id }",
        lambda get: get(forms.Member, id=3).fans.set([4]),
    ),
    (
        "updateClub(id: 2, input: { members: { connect: [{ id: 2 }] } }) { id }",
        lambda get: get(forms.Club, id=2).members.add(2),
    ),
    (
        "updateClub(id: 1, input: { visitors: { disconnect: [{ id: 4 }] } }) { id }",
        lambda get: get(forms.Club, id=1).visitors.remove(4),
    ),
    (
        'createArticle(input: { headline: "H", created: "2025-01-02T03:04:05Z" }) { id }',
        lambda get: new(get, forms.Article, headline="H", created=MOMENT),
    ),
    ('updateCountry(id: 1, input: { code: "DE" }) { id }', lambda get: change(get(forms.Country, id=1), code="DE")),
    ("createMoved(input: {}) { id }", lambda get: new(get, forms.Moved)),
]


def using(get):
    """Returns the database in which `get` finds rows."""
    return get(seed.User, id=1)._state.db


def new(get, model, **values):
    return model._base_manager.using(using(get)).create(**values)


def change(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def type_of(model):
    return model._meta.object_name


def entity_of(label):
    """Returns the entity of a model that Django counts: `seed.Student_courses` is `StudentCourses`."""
    return "".join(word[0].upper() + word[1:] for word in label.split(".")[1].split("_"))


def code_of(error):
    """Returns the code of a refusal of the database."""
    return "UNIQUE_VIOLATION" if "unique" in str(error).lower() else "FOREIGN_KEY_VIOLATION"


class Agreement:
    """Tests of one database; a subclass names it."""

    using = None

    @classmethod
    def setUpClass(cls):
        cls.maxDiff = None
        cls.copy = f"{cls.using}_copy"
        for using in (cls.using, cls.copy):
            cls.create(using)
            # Tables of applications without migrations come first, and one of them references content types.
            call_command("migrate", "contenttypes", database=using, verbosity=0, skip_checks=True)
            call_command("migrate", database=using, run_syncdb=True, verbosity=0, skip_checks=True)
            make(using)
        cls.service = Service(cls.using)
        cls.addClassCleanup(cls.service.stop)
        fields = cls.service.ask(
            "{ __schema { queryType { fields { name type { kind ofType { kind ofType { ofType { name } } } } } } } }"
        )["__schema"]["queryType"]["fields"]
        listed = [(field["name"], field["type"].get("ofType") or {}) for field in fields]
        cls.roots = {
            of["ofType"]["ofType"]["name"]: name
            for name, of in listed
            if of.get("kind") == "LIST" and name != "nodes" and of["ofType"]["ofType"]
        }

    @classmethod
    def create(cls, using):
        pass

    def rows(self, model, using):
        return list(model._default_manager.using(using).all())

    def check_reading(self):
        """Compares every column and relation of every row."""
        for model in SERVED:
            with self.subTest(type_of(model)):
                links = relations(model)
                columns = {
                    names.field(column.attname): column
                    for column in model._meta.local_concrete_fields
                    if column.get_internal_type() != "JSONField"
                }
                inside = "".join(f" {field} {{ {key_field(target)} }}" for field, (target, _) in links.items())
                root = self.roots[type_of(model)]
                answer = self.service.ask(f"{{ {root} {{ {' '.join(columns)}{inside} }} }}")[root]
                rows = self.rows(model, self.using)
                if not rows:
                    self.fail("the test has no rows of this model")
                if not model._meta.ordering:
                    answer.sort(key=lambda row: plain(row[key_field(model)]))
                    rows.sort(key=lambda row: plain(row.pk))
                self.assertEqual([plain(row[key_field(model)]) for row in answer], [plain(row.pk) for row in rows])
                for told, row in zip(answer, rows):
                    for field, column in columns.items():
                        value = column.value_from_object(row)
                        read = told[field]
                        listed = scope.named(column)
                        if listed is not None:
                            value = choices.name_in(listed, value)
                        if column.get_internal_type() == "DateTimeField":
                            read = read and read.replace("+00:00", "Z")
                        elif column.get_internal_type() == "DecimalField":
                            read = float(read)
                        self.assertEqual(plain(read), plain(value), field)
                    for field, (target, name) in links.items():
                        is_ordered = bool(target._meta.ordering)
                        self.assertEqual(shown(told[field], target, is_ordered), related(row, name), f"{row} {field}")

    def test_every_relation_is_read_as_django_reads_it(self):
        make(self.using)
        self.check_reading()

    def test_what_is_no_relation_of_django_is_no_field(self):
        for query in (
            "{ members { clubsByGuest { id } } }",
            "{ members { cities { id } } }",
            "{ members { clubGuestsHidden { id } } }",
            "{ users { userInfo { id } } }",
            "{ sessions { sessionKey } }",
            "{ contentTypes { id } }",
            "{ authUsers { password } }",
        ):
            self.assertEqual(self.service.code(query), "GRAPHQL_VALIDATION_FAILED", query)

    def test_a_write_has_the_result_that_it_has_in_django(self):
        for query, write in WRITES:
            with self.subTest(query):
                make(self.using)
                make(self.copy)
                expected = None
                try:
                    with transaction.atomic(self.copy):
                        write(lambda model, **key: model._base_manager.using(self.copy).get(**key))
                        connections[self.copy].check_constraints()
                except IntegrityError as error:
                    expected = code_of(error)
                if expected:
                    self.assertEqual(self.service.code(f"mutation {{ {query} }}"), expected)
                else:
                    self.service.ask(f"mutation {{ {query} }}")
                self.assertEqual(dump(self.using), dump(self.copy))
        self.check_reading()

    def delete_in_django(self, row):
        """Returns the counts or the refusal of a deletion, and the rows afterwards; undoes the deletion."""
        connection = connections[self.copy]
        with transaction.atomic(self.copy):
            try:
                with transaction.atomic(self.copy):
                    outcome = row.delete()[1]
                    connection.check_constraints()
            # A rule that protects or restricts, or the foreign key of DO_NOTHING.
            except (ProtectedError, RestrictedError, IntegrityError):
                outcome = "DELETE_RESTRICTED"
            rows = dump(self.copy)
            transaction.set_rollback(True, self.copy)
        return outcome, rows

    def test_every_row_is_deleted_as_django_deletes_it(self):
        make(self.copy)
        is_made = False
        for model in SERVED:
            for row in model._base_manager.using(self.copy).order_by("pk"):
                if (model, row.pk) in UNSAID:
                    continue
                with self.subTest(f"{type_of(model)} {row.pk}"):
                    if not is_made:
                        make(self.using)
                    condition = f"{{ {key_field(model)}: {{ eq: {self.key(row)} }} }}"
                    many = self.roots[type_of(model)]
                    query = f"mutation {{ delete{many[0].upper()}{many[1:]}(where: {condition}) {{ affected cascaded {{ entity count }} }} }}"
                    expected, rows = self.delete_in_django(row)
                    if isinstance(expected, str):
                        self.assertEqual(self.service.code(query), expected)
                        is_made = True
                    else:
                        is_made = False
                        (result,) = self.service.ask(query).values()
                        told = {type_of(model): result["affected"]}
                        for item in result["cascaded"]:
                            told[item["entity"]] = told.get(item["entity"], 0) + item["count"]
                        counts = {entity_of(label): count for label, count in expected.items() if count}
                        self.assertEqual(told, counts)
                    self.assertEqual(dump(self.using), rows)

    def key(self, row):
        """Returns the literal of a row's key."""
        return f'"{row.pk}"' if isinstance(row.pk, uuid.UUID) else str(row.pk)


class SqliteTests(Agreement, unittest.TestCase):
    using = "sqlite"


class PostgresTests(Agreement, unittest.TestCase):
    using = "postgres"

    @classmethod
    def create(cls, using):
        import psycopg

        if settings.POSTGRES.hostname is None:
            raise RuntimeError("CROWSFOOT_TEST_POSTGRES must name a server where tests may make databases")
        name = settings.DATABASES[using]["NAME"]
        with psycopg.connect(settings.POSTGRES.geturl(), autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
        cls.addClassCleanup(cls.drop, using)

    @classmethod
    def drop(cls, using):
        import psycopg

        connections[using].close()
        with psycopg.connect(settings.POSTGRES.geturl(), autocommit=True) as server:
            server.execute(f'DROP DATABASE "{settings.DATABASES[using]["NAME"]}" WITH (FORCE)')
