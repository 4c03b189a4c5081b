"""Every form of a relation, a deletion rule, an order, a scope and a default that Django has."""

import uuid
from decimal import Decimal

from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone


class Account(models.Model):
    name = models.CharField(max_length=40)


class Owned(models.Model):
    account = models.ForeignKey(Account, models.CASCADE, related_name="owned")


class Guarded(models.Model):
    account = models.ForeignKey(Account, models.PROTECT, related_name="guarded")


class Bound(models.Model):
    account = models.ForeignKey(Account, models.RESTRICT, related_name="bound")


class Loose(models.Model):
    account = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="loose")


class Moved(models.Model):
    account = models.ForeignKey(Account, models.SET_DEFAULT, default=1, related_name="moved")


class Emptied(models.Model):
    account = models.ForeignKey(Account, models.SET(None), null=True, related_name="emptied")


class Assigned(models.Model):
    account = models.ForeignKey(Account, models.SET(2), related_name="assigned")


def second():
    return 2


class Computed(models.Model):
    account = models.ForeignKey(Account, models.SET(second), related_name="computed")


class Ignored(models.Model):
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="ignored")


class Artist(models.Model):
    name = models.CharField(max_length=40)


class Album(models.Model):
    artist = models.ForeignKey(Artist, models.CASCADE, related_name="albums")


class Song(models.Model):
    artist = models.ForeignKey(Artist, models.CASCADE, related_name="songs")
    album = models.ForeignKey(Album, models.RESTRICT, related_name="songs")


class Member(models.Model):
    name = models.CharField(max_length=40)
    friends = models.ManyToManyField("self")
    idols = models.ManyToManyField("self", symmetrical=False, related_name="fans")


class Club(models.Model):
    name = models.CharField(max_length=40)
    members = models.ManyToManyField(Member, through="Membership", related_name="clubs")
    guests = models.ManyToManyField(Member, related_name="+")
    visitors = models.ManyToManyField(Member, through="Visit", related_name="visited")


class Membership(models.Model):
    """Membership of a club: a junction with columns of its own."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="memberships")
    club = models.ForeignKey(Club, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, default="member", choices=[("member", "Member"), ("chair", "Chair")])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["club", "member"], name="once")]


class Visit(models.Model):
    """A pair may repeat: a member visits a club more than once."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="visits")
    club = models.ForeignKey(Club, models.CASCADE, related_name="visits")


class ArticleManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(is_deleted=False).exclude(writer__name="Nobody")


class Writer(models.Model):
    name = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]


class Article(models.Model):
    headline = models.CharField(max_length=80, help_text='Headline, with "quotes".')
    writer = models.ForeignKey(Writer, models.CASCADE, null=True, related_name="articles", db_column="by")
    is_deleted = models.BooleanField(default=False)
    rank = models.SmallIntegerField(default=3, db_column="place")
    price = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("1.50"))
    tags = models.JSONField(default=list)
    created = models.DateTimeField(default=timezone.now)

    objects = ArticleManager()
    everything = models.Manager()

    class Meta:
        ordering = ["-rank", "writer", models.F("headline").desc()]
        base_manager_name = "everything"


class Stars(models.IntegerChoices):
    BAD = 1, "Bad"
    GOOD = 5, "Very good"


class RatedManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(stars__in=[1, 5])


class Rating(models.Model):
    stars = models.SmallIntegerField(choices=Stars)
    mood = models.CharField(max_length=10, blank=True, choices=[("glad", "Glad")])
    taste = models.CharField(max_length=10, default="so so", choices=[("so so", "Tolerable"), ("so_so", "Passable")])

    objects = RatedManager()


class Vehicle(models.Model):
    wheels = models.IntegerField(default=4)

    class Meta:
        ordering = ["-wheels", "pk"]


class Car(Vehicle):
    doors = models.IntegerField(default=5)


class OldVehicle(Vehicle):
    class Meta:
        proxy = True


class Country(models.Model):
    code = models.CharField(max_length=2, unique=True)


class City(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=40)
    country = models.ForeignKey(Country, models.PROTECT, to_field="code", related_name="cities")
    twin = models.OneToOneField("self", models.SET_NULL, null=True, related_name="twin_of")
    founder = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")


class Tag(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveIntegerField()
    content_object = GenericForeignKey()
