"""The options that the command writes."""

import io
import tomllib
import unittest

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, models
from django.db.models import F, Value
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from crowsfoot_django import names, ordering, scope
from crowsfoot_django.literals import NotSaid
from tests.project.forms import models as forms


def written(*labels, database="postgres"):
    """Returns the text of the file, and the warnings."""
    text, warnings = io.StringIO(), io.StringIO()
    call_command("crowsfoot", *labels, database=database, stdout=text, stderr=warnings)
    return text.getvalue(), warnings.getvalue()


class OptionsTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text, cls.warnings = written()
        cls.options = tomllib.loads(cls.text)
        cls.entities = cls.options["entities"]

    def test_every_table_of_a_model_is_included_and_no_other(self):
        included = set(self.options["include"])
        self.assertEqual(included, set(self.entities))
        self.assertLess({"seed_book", "forms_member_friends", "auth_user", "auth_user_groups"}, included)
        for table in ("django_session", "django_migrations", "auth_permission", "django_content_type", "django_admin_log"):
            self.assertNotIn(table, included)
        self.assertIn("Left out, because they are Django's own: admin.LogEntry, auth.Permission,", self.text)

    def test_users_of_django_give_way_and_hide_their_password(self):
        self.assertEqual(self.entities["seed_user"]["name"], "User")
        self.assertEqual(self.entities["auth_user"]["name"], "AuthUser")
        self.assertEqual(self.entities["auth_user"]["hide"], ["password"])

    def test_every_rule_of_a_deletion_is_written(self):
        rules = {
            table.removeprefix("forms_"): section["on_delete"]["account"]
            for table, section in self.entities.items()
            if "account" in section.get("on_delete", {})
        }
        expected = {
            "owned": "cascade",
            "guarded": "protect",
            "bound": "restrict",
            "loose": "set_null",
            "moved": "set_default",
            "emptied": "set_null",
            "computed": "do_nothing",
            "ignored": "do_nothing",
        }
        self.assertEqual(rules, expected)
        self.assertEqual(self.entities["forms_moved"]["default"], {"account_id": 1})
        self.assertEqual(self.entities["forms_assigned"]["set_on_delete"], {"account": 2})
        self.assertEqual(self.entities["forms_car"]["parents"], ["vehiclePtr"])
        self.assertNotIn("parents", self.entities["seed_restaurant"])

    def test_relations_have_the_names_and_forms_of_django(self):
        self.assertEqual(self.entities["seed_userinfo"]["many"], ["user"])
        self.assertNotIn("many", self.entities["seed_profile"])
        self.assertEqual(self.entities["seed_book"]["reverse"], {"author": "books"})
        self.assertEqual(self.entities["seed_student_courses"]["list_through"], {"course": "courses", "student": "students"})
        self.assertEqual(self.entities["forms_member_friends"]["symmetrical"], "friends")
        self.assertEqual(self.entities["forms_member_idols"]["list_through"], {"toMember": "idols", "fromMember": "fans"})
        self.assertIs(self.entities["forms_membership"]["shown"], True)
        visits = [
            {"from": "club", "to": "member", "field": "visitors"},
            {"from": "member", "to": "club", "field": "visited"},
        ]
        self.assertEqual(self.entities["forms_visit"]["many_to_many"], visits)
        self.assertEqual(self.entities["forms_member"]["hide"], ["cityFounderHidden", "clubGuestsHidden"])
        self.assertEqual(self.entities["forms_article"]["rename"], {"by": "writerId", "place": "rank"})

    def test_texts_defaults_order_and_scope_are_written(self):
        article = self.entities["forms_article"]
        self.assertEqual(article["comments"], {"headline": 'Headline, with "quotes".'})
        self.assertEqual(article["default"], {"is_deleted": False, "place": 3, "price": "1.50", "tags": []})
        self.assertEqual(article["order_by"], "[{ rank: DESC }, { writer: { name: ASC } }, { headline: DESC }]")
        self.assertTrue(article["scope"].startswith("{ and: [{ isDeleted: { eq: false } }, { not: "), article["scope"])
        self.assertEqual(self.entities["forms_membership"]["comment"], "Membership of a club: a junction with columns of its own.")
        self.assertEqual(self.entities["forms_car"]["order_by"], "[{ vehiclePtr: { wheels: DESC } }, { vehiclePtrId: ASC }]")

    def test_choices_are_written_with_their_names(self):
        membership = self.entities["forms_membership"]
        self.assertEqual(membership["choices"], {"role": {"MEMBER": "member", "CHAIR": "chair"}})
        self.assertEqual(membership["default"], {"role": "MEMBER"})
        rating = self.entities["forms_rating"]
        self.assertEqual(rating["choices"], {"stars": {"BAD": 1, "VERY_GOOD": 5}, "mood": {"GLAD": "glad", "EMPTY": ""}})
        self.assertEqual(rating["default"], {"mood": "EMPTY", "taste": "so so"})
        self.assertEqual(rating["scope"], "{ stars: { in: [BAD, VERY_GOOD] } }")

    def test_sqlite_spells_uuids_as_hexadecimal_digits(self):
        city = tomllib.loads(written(database="sqlite")[0])["entities"]["forms_city"]
        self.assertEqual(city["spelling"], {"id": "hex", "twin_id": "hex"})
        self.assertNotIn("spelling", self.entities["forms_city"])

    def test_sqlite_orders_nulls_first_and_holds_json_as_text(self):
        article = tomllib.loads(written(database="sqlite")[0])["entities"]["forms_article"]
        self.assertIn("{ writer: { name: ASC_NULLS_FIRST } }", article["order_by"])
        self.assertEqual(article["default"]["tags"], "[]")

    def test_what_the_options_cannot_say_is_a_comment_and_a_warning(self):
        for table, part in (
            ("forms_computed", "account: its on_delete calls a function"),
            ("forms_article", "default of created: not among the options"),
            ("forms_rating", "choices of taste: not among the options, because of two choices that would both be named SO_SO"),
            ("forms_tag", "content_object: a GenericForeignKey is no relation of the database"),
        ):
            self.assertIn(f"\n# {part}", self.text)
            self.assertIn(f"warning: {table}: {part}", self.warnings)

    def test_applications_can_be_chosen_and_unknown_ones_are_refused(self):
        self.assertEqual(set(tomllib.loads(written("sessions")[0])["entities"]), {"django_session"})
        with self.assertRaisesRegex(CommandError, "No installed app with label 'shop'"):
            written("shop")


class LiteralTests(unittest.TestCase):
    def order(self, given):
        with isolate_apps("tests.project.forms"):

            class Ordered(models.Model):
                up = models.ForeignKey("self", models.CASCADE, null=True)
                writer = models.ForeignKey(forms.Writer, models.CASCADE)
                name = models.CharField(max_length=4)

                class Meta:
                    app_label = "forms"
                    ordering = given

            return ordering.literal(Ordered, connections["postgres"])

    def test_orders_follow_relations_keys_and_the_order_of_the_target(self):
        self.assertEqual(self.order(["-writer"]), "[{ writer: { name: DESC } }]")
        self.assertEqual(self.order(["writer_id", "-pk"]), "[{ writerId: ASC }, { id: DESC }]")
        self.assertEqual(self.order(["up__up__name"]), "[{ up: { up: { name: ASC } } }]")
        self.assertEqual(self.order([F("name").desc(nulls_last=True)]), "[{ name: DESC_NULLS_LAST }]")
        self.assertIsNone(self.order([]))

    def test_an_order_without_a_word_is_refused(self):
        for given in (["?"], [Lower("name")], ["up"]):
            with self.assertRaises(NotSaid, msg=given):
                self.order(given)

    def rows(self, filtered):
        with isolate_apps("tests.project.forms"):

            class Scoped(models.Manager):
                def get_queryset(self):
                    return filtered(super().get_queryset())

            class Row(models.Model):
                writer = models.ForeignKey(forms.Writer, models.CASCADE, null=True)
                kind = models.CharField(max_length=4)
                objects = Scoped()

                class Meta:
                    app_label = "forms"

            return scope.literal(Row)

    def test_scopes_are_filters(self):
        self.assertEqual(self.rows(lambda rows: rows.filter(kind__in=["a"])), '{ kind: { in: ["a"] } }')
        both = "{ or: [{ kind: { iContains: \"x\" } }, { writerId: { isNull: true } }] }"
        either = models.Q(kind__icontains="x") | models.Q(writer=None)
        self.assertEqual(self.rows(lambda rows: rows.filter(either)), both)
        self.assertEqual(self.rows(lambda rows: rows.filter(writer__name="N")), '{ writer: { name: { eq: "N" } } }')
        self.assertIsNone(self.rows(lambda rows: rows))

    def test_a_scope_without_a_word_is_refused(self):
        for filtered in (
            lambda rows: rows.filter(kind=F("id")),
            lambda rows: rows.distinct(),
            lambda rows: rows.annotate(one=Value(1)).filter(one=1),
            lambda rows: rows[:3],
        ):
            with self.assertRaises(NotSaid):
                self.rows(filtered)

    def test_names_are_those_of_the_service(self):
        for name, field in (("phone_number", "phoneNumber"), ("HTMLText", "htmlText"), ("line_1", "line1"), ("x", "x")):
            self.assertEqual(names.field(name), field)
        self.assertTrue(all(names.field(model._meta.object_name) for model in apps.get_models()))
