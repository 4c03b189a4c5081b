"""Settings of the test project: each database, and a copy of it that Django alone changes."""

import os
import tempfile
from urllib.parse import urlsplit

SECRET_KEY = "of a test"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "crowsfoot_django",
    "tests.project.seed",
    "tests.project.forms",
]

FOLDER = tempfile.mkdtemp(prefix="crowsfoot-django-")
POSTGRES = urlsplit(os.environ.get("CROWSFOOT_TEST_POSTGRES", ""))


def sqlite(name):
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(FOLDER, f"{name}.db")}


def postgres(name):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": f"crowsfoot_django_{name}_{os.getpid()}",
        "USER": POSTGRES.username,
        "PASSWORD": POSTGRES.password or "",
        "HOST": POSTGRES.hostname,
        "PORT": POSTGRES.port,
    }


DATABASES = {
    "default": {},
    "sqlite": sqlite("served"),
    "sqlite_copy": sqlite("copy"),
    "postgres": postgres("served"),
    "postgres_copy": postgres("copy"),
}
