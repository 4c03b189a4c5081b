"""Tests: the options that are written, and the service that reads them beside Django itself."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django.setup()
