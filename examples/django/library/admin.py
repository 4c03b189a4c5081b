"""The admin, as it was before the service."""

from django.contrib import admin

from library.models import Author, Biography, Book, Loan, Subject


class BiographyInline(admin.StackedInline):
    model = Biography


class LoanInline(admin.TabularInline):
    model = Loan
    extra = 0


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    inlines = [BiographyInline]


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "binding", "published"]
    filter_horizontal = ["subjects"]
    inlines = [LoanInline]


admin.site.register(Subject)
