"""The guide's commands for the example project, run as they stand: its admin and the service work beside each other."""

import http.cookiejar
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tests.service import PATIENCE, Service, program

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs/guide/src/django.md"
EXAMPLE = ROOT / "examples/django"
# Of the guide.
ADDRESS = "127.0.0.1:8001"


def commands(heading):
    """Returns the commands of a chapter of the guide."""
    chapter = GUIDE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line for block in chapter.split("```sh\n")[1:] for line in block.split("\n```")[0].splitlines()]


def free_address():
    """Returns an address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Admin:
    """A browser of the admin, without pictures."""

    def __init__(self, address):
        self.origin = f"http://{address}/admin/"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def page(self, path, form=None):
        """Returns the text of a page, after its form has been sent."""
        text = self.opener.open(self.origin + path, timeout=PATIENCE).read().decode()
        if form is None:
            return text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text).group(1)
        # Hidden fields of the rows below, which the admin counts.
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+_FORMS)" value="([^"]+)"', text))
        body = urllib.parse.urlencode(hidden | form | {"csrfmiddlewaretoken": token}).encode()
        return self.opener.open(self.origin + path, body, timeout=PATIENCE).read().decode()


class BesideAdminTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.example = os.path.join(cls.folder.name, "django")
        shutil.copytree(EXAMPLE, cls.example, ignore=shutil.ignore_patterns("*.sqlite3*", "crowsfoot.toml"))
        address = free_address()
        install, enter, *steps = commands("The admin beside the service")
        if (install, enter) != ("pip install ./integrations/django", "cd examples/django"):
            raise AssertionError(f"other first commands: {install}, {enter}")
        for line in steps:
            if line.startswith("crowsfoot "):
                cls.service = Service.run([program(), *shlex.split(line)[1:]], cls.example)
                cls.addClassCleanup(cls.service.stop)
            elif ADDRESS in line:
                cls.serve(line.replace(ADDRESS, address))
            else:
                done = cls.run_line(line)
                if done.returncode:
                    raise AssertionError(f"{line}: {done.stderr}")
        cls.admin = Admin(address)
        cls.admin.page("login/", {"username": "admin", "password": "admin", "next": "/admin/"})

    @classmethod
    def environment(cls):
        return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    @classmethod
    def run_line(cls, line):
        command = line.replace("python ", f"{shlex.quote(sys.executable)} ", 1)
        return subprocess.run(command, shell=True, cwd=cls.example, env=cls.environment(), capture_output=True, text=True)

    @classmethod
    def serve(cls, line):
        words = [sys.executable, *shlex.split(line)[1:], "--noreload"]
        log = open(os.path.join(cls.folder.name, "admin.log"), "w")
        child = subprocess.Popen(words, cwd=cls.example, env=cls.environment(), stdout=log, stderr=log)
        cls.addClassCleanup(log.close)
        cls.addClassCleanup(child.wait, PATIENCE)
        cls.addClassCleanup(child.kill)
        address = words[3]
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return urllib.request.urlopen(f"http://{address}/admin/login/", timeout=PATIENCE).close()
            except urllib.error.URLError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def test_both_write_the_same_rows(self):
        form = {"title": "The Telling", "binding": "paper", "published": "2000-09-11", "author": "1", "subjects": "1"}
        self.assertIn("was added successfully", self.admin.page("library/book/add/", form))
        query = '{ book: books(where: { title: { eq: "The Telling" } }) { published binding author { name } subjects { name } } }'
        book = {"published": "2000-09-11", "binding": "PAPER", "author": {"name": "Ursula"}, "subjects": [{"name": "Moons"}]}
        self.assertEqual(self.service.ask(query), {"book": [book]})

        create = 'mutation { createBook(input: { title: "Eden", author: { id: 2 }, subjects: { connect: [{ id: 1 }] } }) { id } }'
        self.service.ask(create)
        self.assertIn("Eden", self.admin.page("library/book/"))

    def test_deletions_follow_the_models(self):
        self.assertEqual(self.service.code("mutation { deleteAuthor(id: 1) { id } }"), "DELETE_RESTRICTED")
        query = "mutation { deleteBooks(where: { id: { eq: 1 } }) { affected cascaded { entity count } } }"
        cascaded = [{"entity": "BookSubjects", "count": 1}, {"entity": "Loan", "count": 1}]
        self.assertEqual(self.service.ask(query), {"deleteBooks": {"affected": 1, "cascaded": cascaded}})
        self.assertNotIn("The Dispossessed", self.admin.page("library/book/"))
