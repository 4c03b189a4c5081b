"""The program that CROWSFOOT_BIN names, as a service of one database."""

import json
import os
import re
import subprocess
import tempfile
import urllib.request

from django.conf import settings
from django.core.management import call_command

PATIENCE = 60


def program():
    """Returns the path of the program."""
    path = os.environ.get("CROWSFOOT_BIN")
    if not path:
        raise RuntimeError("CROWSFOOT_BIN must name the program")
    return os.path.abspath(path)


def url(using):
    """Returns the URL of a database of the settings."""
    database = settings.DATABASES[using]
    if "sqlite" in database["ENGINE"]:
        return f"sqlite://{database['NAME']}"
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    return f"postgres://{database['USER']}{password}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"


class Service:
    """`crowsfoot serve --from-database` with the options that the command of the package prints."""

    def __init__(self, using):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "crowsfoot.toml")
        with open(path, "w", encoding="utf-8") as file, open(os.devnull, "w") as warnings:
            call_command("crowsfoot", database=using, stdout=file, stderr=warnings)
        self.start([program(), "serve", "--from-database", "--options", path, "--database-url", url(using)])

    @classmethod
    def run(cls, command, folder):
        """Starts a whole command in a folder."""
        service = cls.__new__(cls)
        service.folder = tempfile.TemporaryDirectory()
        service.start(command, folder)
        return service

    def start(self, command, folder=None):
        """Starts the service, and waits for its address."""
        known = ("DATABASE_URL", "CROWSFOOT_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(known)}
        self.log = open(os.path.join(self.folder.name, "log.txt"), "w+")
        self.child = subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0"],
            cwd=folder or self.folder.name,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        line = self.child.stdout.readline()
        address = re.search(r"http://[^ ]+/graphql", line)
        if address is None:
            self.stop()
            raise RuntimeError(f"the service gave no address: {line}{self.text}")
        self.address = address.group()

    def answer(self, query):
        """Returns the whole answer."""
        body = json.dumps({"query": query}).encode()
        headers = {"content-type": "application/json", "accept": "application/json"}
        request = urllib.request.Request(self.address, body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)

    def ask(self, query):
        """Returns the data of an answer without errors."""
        answer = self.answer(query)
        if "errors" in answer:
            raise AssertionError(f"{query}: {answer['errors']}")
        return answer["data"]

    def code(self, query):
        """Returns the code of the first error."""
        answer = self.answer(query)
        if "errors" not in answer:
            raise AssertionError(f"{query}: no error, but {answer['data']}")
        return answer["errors"][0]["extensions"]["code"]

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(PATIENCE)
        finally:
            self.child.kill()
            self.log.seek(0)
            self.text = self.log.read()
            self.log.close()
            self.child.stdout.close()
            self.folder.cleanup()
