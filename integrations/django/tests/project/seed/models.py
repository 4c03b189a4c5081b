"""Models of Django's documentation: the kinds of relations, and their walk."""

from django.db import models


class User(models.Model):
    username = models.CharField(max_length=40, unique=True)


class Profile(models.Model):
    user = models.OneToOneField(User, models.CASCADE)
    bio = models.TextField(blank=True)
    birthdate = models.DateField(null=True, blank=True)


class UserInfo(models.Model):
    """Contact of a user. The key is unique, yet the other side is a list, as in Django."""

    user = models.ForeignKey(User, models.CASCADE, unique=True)
    phone_number = models.CharField(max_length=20)


class UserDetail(models.Model):
    user = models.OneToOneField(User, models.CASCADE, related_name="detail")
    phone_number = models.CharField(max_length=20)


class Author(models.Model):
    name = models.CharField(max_length=80)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    title = models.CharField(max_length=80, help_text="Title on the cover.")


class Course(models.Model):
    title = models.CharField(max_length=80)


class Student(models.Model):
    name = models.CharField(max_length=80)
    courses = models.ManyToManyField(Course, related_name="students")


class Badge(models.Model):
    code = models.CharField(max_length=10)


class Employee(models.Model):
    name = models.CharField(max_length=80)
    badge = models.OneToOneField(Badge, models.CASCADE, related_name="employee")
    manager = models.ForeignKey("self", models.SET_NULL, null=True, related_name="reports")


class Person(models.Model):
    name = models.CharField(max_length=80)


class Passport(models.Model):
    person = models.OneToOneField(Person, models.SET_NULL, null=True)
    number = models.CharField(max_length=20, unique=True)


class Place(models.Model):
    name = models.CharField(max_length=50)
    address = models.CharField(max_length=80)


class Restaurant(models.Model):
    place = models.OneToOneField(Place, models.CASCADE, primary_key=True)
    serves_hot_dogs = models.BooleanField(default=False)
    serves_pizza = models.BooleanField(default=False)


class Waiter(models.Model):
    restaurant = models.ForeignKey(Restaurant, models.CASCADE)
    name = models.CharField(max_length=50)
