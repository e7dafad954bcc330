#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages: their links lead somewhere, and their tables agree with the sources."""

import importlib.util
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pages
from scdtest.cases import case

# console and sh are run by test_commands.py; text is output.
LANGUAGES = {"console", "sh", "text"}


class Pages(unittest.TestCase):
    def test_links(self):
        for name in pages.names():
            text = pages.read(name)
            for link in pages.links(text):
                if re.match(r"https?://", link):
                    continue
                path, _, anchor = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path \
                    else name
                self.assertTrue(os.path.exists(os.path.join(pages.SOURCE, target)),
                                f"{name}: {link}")
                if anchor:
                    self.assertIn(anchor, pages.anchors(pages.read(target)), f"{name}: {link}")

    def test_lines_of_prose_are_short(self):
        """But those of tables, and words that cannot be broken."""
        for name in pages.names():
            for line in pages.without_blocks(pages.read(name)).splitlines():
                if not line.startswith("|") and " " in re.sub(r"\S*\[[^]]*\]\S+", "", line.strip()):
                    self.assertLessEqual(len(line), 100, f"{name}: {line}")

    def test_files_that_are_named_exist(self):
        """But those of builds, those of the examples in hacking.md, and patterns."""
        folders = {name for name in os.listdir(pages.SOURCE)
                   if os.path.isdir(os.path.join(pages.SOURCE, name))
                   and not name.startswith("build")}
        for name in pages.names():
            for code in pages.inline_code(pages.read(name)):
                path = re.fullmatch(r"(\w[\w-]*)(/[\w.-]+)*/?", code)
                if path and path[1] in folders and "/" in code and "example." not in code \
                        and not re.search(r"[A-Z]{4}", os.path.dirname(code)):
                    self.assertTrue(os.path.exists(os.path.join(pages.SOURCE, code))
                                    or re.search(r"[A-Z]{4}|_example", code), f"{name}: {code}")

    def test_tests_that_are_named_exist(self):
        meson = pages.read("tests/meson.build")
        suites = dict(re.findall(r"^  '(\w+)': \[(.*?)\],$", meson, re.M | re.S))
        self.assertIn("docs", suites)
        for name in ("docs/hacking.md", "tests/README.md"):
            for code in pages.inline_code(pages.read(name)):
                suite, _, test = code.partition("-")
                if suite in suites and re.fullmatch(r"\w+", test):
                    self.assertIn(f"'{test}'", suites[suite], f"{name}: {code}")

    def test_each_folder_of_tests_is_described(self):
        tests = os.path.join(pages.SOURCE, "tests")
        described = pages.inline_code(pages.read("tests/README.md"))
        for name in os.listdir(tests):
            if os.path.isdir(os.path.join(tests, name)) and not name.startswith("__"):
                self.assertIn(name + "/", described)

    def test_walks_name_functions_of_the_files(self):
        walks = pages.read("docs/architecture.md").partition("<!-- walks: begin -->")[2]
        rows = re.findall(r"^\| \d+ \| \w* ?\| `(\w+/[\w-]+\.c)` \| (.*) \|$", walks, re.M)
        self.assertGreater(len(rows), 20)
        for file, functions in rows:
            source = pages.read("service/" + file)
            for function in re.findall(r"`(\w+)`", functions):
                self.assertTrue(re.search(rf"^{function}\(", source, re.M), f"{file}: {function}")

    def test_walks_count_their_files(self):
        """The last numbers below the table of a walk are its files, and the changes between them."""
        walks = pages.read("docs/architecture.md").partition("<!-- walks: begin -->")[2]
        counted = 0
        for section in walks.split("\n### ")[1:]:
            steps = re.findall(r"^\| \d+ \| \w* ?\| `([\w/-]+\.c)`", section, re.M)
            if not steps:
                continue
            counted += 1
            changes = sum(step != last for last, step in zip(steps, steps[1:]))
            text = re.findall(r"(\d+)\s+files and (\d+)\s+changes\s+of\s+file", section)
            self.assertEqual(text[-1], (str(len(set(steps))), str(changes)),
                             section.partition("\n")[0])
        self.assertEqual(counted, 2)

    def test_each_page_is_linked(self):
        linked = {os.path.normpath(os.path.join(os.path.dirname(name), link.partition("#")[0]))
                  for name in pages.names() for link in pages.links(pages.read(name))}
        self.assertEqual([name for name in pages.names()
                          if name.startswith("docs/") and name not in linked], [])

    def test_blocks_have_a_language(self):
        for name in pages.names():
            text = pages.read(name)
            self.assertIsNone(re.search(r"^ {4}.*", pages.without_blocks(text), re.M),
                              f"{name}: use a fenced block")
            for block in pages.blocks(text):
                self.assertIn(block.language, LANGUAGES, f"{name}:\n{block.text}")
                if block.language == "console":
                    self.assertRegex(block.text, r"\A\$ ", name)

    def test_readme_is_short(self):
        self.assertLessEqual(len(pages.read("README.md").splitlines()), 150)

    def test_each_example_is_listed(self):
        listed = {link for link in pages.links(pages.read("examples/README.md"))
                  if not link.startswith("../")}
        examples = os.path.join(pages.SOURCE, "examples")
        programs = {os.path.relpath(os.path.join(path, name), examples)
                    for path, _, names in os.walk(examples) for name in names
                    if name != "README.md" and not path.endswith("__pycache__")}
        self.assertEqual(listed, programs)


class Tables(unittest.TestCase):
    def test_tables_of_api_are_up_to_date(self):
        """Otherwise run docs/update-tables.py."""
        path = os.path.join(pages.SOURCE, "docs", "update-tables.py")
        update = importlib.util.module_from_spec(
            spec := importlib.util.spec_from_file_location("update_tables", path))
        spec.loader.exec_module(update)
        self.assertGreater(len(update.errors()), 60)
        self.assertGreater(update.attributes().count("\n"), 40)
        self.assertGreater(update.features().count("\n"), 15)
        self.assertEqual(update.updated(), pages.read("docs/api.md"))


if __name__ == "__main__":
    case.main(private=False)
