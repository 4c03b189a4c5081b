# The models that Django 5.2.19 made sqlite.sql and postgres.sql of (app "library").

from django.db import models
class Author(models.Model):
    name = models.CharField(max_length=100)
    class Meta: db_table = "authors"
class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    class Meta: db_table = "books"
class User(models.Model):
    username = models.CharField(max_length=50, unique=True)
    class Meta: db_table = "users"
class UserInfo(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, unique=True)
    phone_number = models.CharField(max_length=20)
    class Meta: db_table = "user_infos"
class Profile(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    bio = models.TextField(default="")
    class Meta: db_table = "profiles"
class Student(models.Model):
    name = models.CharField(max_length=100)
    class Meta: db_table = "students"
class Course(models.Model):
    title = models.CharField(max_length=100)
    students = models.ManyToManyField(Student, related_name="courses")
    class Meta: db_table = "courses"
class Badge(models.Model):
    code = models.CharField(max_length=20, unique=True)
    class Meta: db_table = "badges"
class Employee(models.Model):
    name = models.CharField(max_length=100)
    badge = models.OneToOneField(Badge, on_delete=models.PROTECT)
    manager = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="reports")
    class Meta: db_table = "employees"
class Person(models.Model):
    name = models.CharField(max_length=100)
    class Meta: db_table = "persons"
class Passport(models.Model):
    person = models.OneToOneField(Person, on_delete=models.CASCADE, primary_key=True)
    number = models.CharField(max_length=20, unique=True)
    class Meta: db_table = "passports"
class Place(models.Model):
    name = models.CharField(max_length=50)
    address = models.CharField(max_length=80)
    class Meta: db_table = "places"
class Restaurant(models.Model):
    place = models.OneToOneField(Place, on_delete=models.CASCADE, primary_key=True)
    serves_hot_dogs = models.BooleanField(default=False)
    class Meta: db_table = "restaurants"
class Waiter(models.Model):
    restaurant = models.ForeignKey(Restaurant, on_delete=models.CASCADE)
    name = models.CharField(max_length=50)
    class Meta: db_table = "waiters"
