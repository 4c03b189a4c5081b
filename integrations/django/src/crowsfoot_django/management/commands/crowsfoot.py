"""The command `crowsfoot`: prints the options of the project's models."""

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from crowsfoot_django.options import Options


class Command(BaseCommand):
    help = "Prints the options with which Crowsfoot serves the models: manage.py crowsfoot > crowsfoot.toml"
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("app_label", nargs="*", help="Applications to serve; default: all of the project.")

        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="Database to serve; default: default.")

    def handle(self, *args, app_label, database, **settings):
        try:
            chosen = [apps.get_app_config(label) for label in app_label] or apps.get_app_configs()
        except LookupError as error:
            raise CommandError(str(error)) from None
        models = [model for application in chosen for model in application.get_models()]
        options = Options(models, connections[database], are_chosen=bool(app_label))
        self.stdout.write(options.text(), ending="")
        for warning in options.warnings:
            self.stderr.write(self.style.WARNING(f"warning: {warning}"))
