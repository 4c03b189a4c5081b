"""Each kind of relation, and each kind of deletion that a library needs."""

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=80, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class Biography(models.Model):
    """One to one: an author has one, or none."""

    author = models.OneToOneField(Author, models.CASCADE)
    text = models.TextField(help_text="A few sentences.")

    class Meta:
        verbose_name_plural = "biographies"

    def __str__(self):
        return f"Biography of {self.author}"


class Subject(models.Model):
    name = models.CharField(max_length=40, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class Book(models.Model):
    class Binding(models.TextChoices):
        HARDCOVER = "hard", "Hardcover"
        PAPERBACK = "paper", "Paperback"

    title = models.CharField(max_length=200)
    binding = models.CharField(max_length=5, choices=Binding, default=Binding.PAPERBACK)
    published = models.DateField(null=True, blank=True)
    # An author of books cannot be deleted.
    author = models.ForeignKey(Author, models.PROTECT, related_name="books")
    subjects = models.ManyToManyField(Subject, related_name="books", blank=True)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title


class Loan(models.Model):
    """A row that goes with its book."""

    book = models.ForeignKey(Book, models.CASCADE, related_name="loans")
    reader = models.CharField(max_length=80)

    def __str__(self):
        return f"{self.book}, {self.reader}"
