"""The Python of the guide's page, with clients that the generators make of the served schema.

    CROWSFOOT_BIN=… node ../with-service.mjs python test_python.py {}
"""

import asyncio
import datetime
import importlib
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs/guide/src/clients/python.md"
SCHEMA = HERE.parents[2] / "schema.graphql"
ORIGIN = sys.argv.pop(1)
BESIDE = Path(sys.executable).parent


def blocks(text, fence):
    """Returns the blocks of a language."""
    return [block.split("\n```")[0] for block in text.split(f"\n```{fence}\n")[1:]]


def module_of(chapter, name):
    """Imports the Python of a chapter."""
    (text,) = blocks(chapter, "python")
    address = ORIGIN.removeprefix("http://")
    Path(f"{name}.py").write_text(text.replace("127.0.0.1:8000", address), encoding="utf-8")
    return importlib.import_module(name)


def run(line):
    """Runs a command of the page."""
    program, *words = line.replace("http://127.0.0.1:8000", ORIGIN).split()
    subprocess.run([BESIDE / program, *words], check=True, capture_output=True)


class PythonTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        os.chdir(cls.folder.name)
        sys.path.insert(0, cls.folder.name)
        Path("schema.graphql").write_text(SCHEMA.read_text(encoding="utf-8"), encoding="utf-8")
        text = PAGE.read_text(encoding="utf-8")
        cls.chapters = {part.split("\n")[0]: part for part in re.split(r"\n## ", text)}

    def test_ariadne_codegen(self):
        chapter = self.chapters["ariadne-codegen"]
        Path("queries.graphql").write_text("\n\n".join(blocks(chapter, "graphql")), encoding="utf-8")
        Path("pyproject.toml").write_text("\n".join(blocks(chapter, "toml config")), encoding="utf-8")
        (commands,) = blocks(chapter, "sh")
        run(commands.splitlines()[-1])
        page = module_of(chapter, "with_ariadne")

        async def visit():
            self.assertEqual(await page.birthdates(), [datetime.date(1985, 12, 10), None])
            self.assertEqual(await page.rename(1, "björn"), "UNIQUE_VIOLATION")
            results = page.watch()
            self.assertEqual(await anext(results), ["ada", "björn"])
            self.assertIsNone(await page.rename(1, "ada l."))
            self.assertEqual(await anext(results), ["ada l.", "björn"])
            await results.aclose()

        asyncio.run(asyncio.wait_for(visit(), 60))

    def test_sgqlc(self):
        chapter = self.chapters["sgqlc"]
        (commands,) = blocks(chapter, "sh")
        for line in commands.splitlines()[1:]:
            run(line)
        page = module_of(chapter, "with_sgqlc")
        expected = [("Demon Dogs", None), ("Ace Hardware", None), ("Café Zürich", False), ("Joe's Diner", True)]
        self.assertEqual(page.pizzerias(), expected)
        self.assertEqual(page.create("björn"), "UNIQUE_VIOLATION")
        self.assertIsNone(page.create("ida"))


if __name__ == "__main__":
    unittest.main()
