"""The README's commands for a Django project, run as they stand."""

import os
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from django.core.management import call_command

from tests.rows import make
from tests.service import Service, program, url

HERE = Path(__file__).parent
README = HERE.parents[2] / "README.md"


class ReadmeTests(unittest.TestCase):
    def test_the_commands_for_a_django_project_serve_it(self):
        chapter = README.read_text(encoding="utf-8").split("## A Django project\n")[1].split("\n## ")[0]
        install, write, serve = chapter.split("```sh\n")[1].split("\n```")[0].splitlines()
        self.assertEqual((HERE.parents[2] / install.removeprefix("pip install ")).resolve(), HERE.parent.resolve())
        call_command("migrate", "contenttypes", database="sqlite", verbosity=0, skip_checks=True)
        call_command("migrate", database="sqlite", run_syncdb=True, verbosity=0, skip_checks=True)
        make("sqlite")
        with tempfile.TemporaryDirectory() as folder:
            words = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'manage.py'))} --database sqlite"
            command = write.replace("python manage.py crowsfoot", words.replace(" --", " crowsfoot --"))
            self.assertNotEqual(command, write)
            environment = os.environ | {"PYTHONPATH": str(HERE.parent), "DJANGO_SETTINGS_MODULE": "tests.project.settings"}
            done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("warning: forms_computed: account: its on_delete calls a function", done.stderr)
            command = serve.replace("postgres://user@host/name", url("sqlite")).split()
            self.assertEqual(command[0], "crowsfoot")
            service = Service.run([program(), *command[1:]], folder)
            try:
                read = service.ask("{ authors(limit: 1) { name books { title } } }")
                books = [{"title": "The Dispossessed"}, {"title": "The Telling"}]
                self.assertEqual(read, {"authors": [{"name": "Ursula", "books": books}]})
            finally:
                service.stop()
