#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of the sources: format, licence, and tables that must agree with each other."""

import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from source import SOURCE, files, read

class Habits(unittest.TestCase):
    def test_licence_is_named_in_each_file(self):
        for name in files(r"\.(c|h|py|xml|in|rules|policy|sh|build|txt|sysusers)$"
                          r"|^(check|demo|\.ci/run)$"):
            if name.startswith("tests/fuzz/corpus/"):
                continue  # all of the file is the input of a parser
            self.assertIn("SPDX-License-Identifier: LGPL-2.1-or-later", read(name)[:600], name)

    def test_format(self):
        version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                                 check=True).stdout
        if "version 14." not in version:
            self.skipTest(".clang-format is for clang-format 14, this is " + version.strip())
        sources = files(r"\.[ch]$")
        result = subprocess.run(["clang-format", "--dry-run", "--Werror", *sources], cwd=SOURCE,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.stderr[:2000], "")

    def test_interfaces_are_well_formed_and_documented(self):
        for name in files(r"^introspection/org\.smartcardd1.*\.xml$"):
            subprocess.run(["xmllint", "--noout", "--nonet", name], cwd=SOURCE, check=True)
            text = read(name)
            for member in ElementTree.fromstring(text).iter():
                if member.tag not in ("method", "signal", "property"):
                    continue
                comment = re.search(rf"<!--\s+{member.get('name')}:\n(.*?)-->", text, re.S)
                self.assertIsNotNone(comment, f"{member.get('name')} in {name}")
                for argument in member.iter("arg"):
                    self.assertIn(f"@{argument.get('name')}:", comment.group(1), name)

    def test_polkit_actions(self):
        no, yes, admin = "no", "yes", "auth_admin_keep"
        promised = {"connect": (no, no, yes), "exclusive": (no, no, yes),
                    "control": (no, no, admin), "manage": (admin, admin, admin)}
        policy = "data/org.smartcardd1.policy"
        subprocess.run(["xmllint", "--noout", "--nonet", "--dtdvalid",
                        "/usr/share/polkit-1/policyconfig-1.dtd", policy], cwd=SOURCE, check=True)
        shipped = {}
        for action in ElementTree.fromstring(read(policy)).iter("action"):
            shipped[action.get("id").removeprefix("org.smartcardd1.")] = tuple(
                action.findtext("defaults/allow_" + who) for who in ("any", "inactive", "active"))
            owners = [note.text for note in action.iter("annotate")
                      if note.get("key") == "org.freedesktop.policykit.owner"]
            self.assertEqual(owners, ["unix-user:smartcardd"])
            for text in (*action.iter("description"), *action.iter("message")):
                self.assertEqual(text.get("gettext-domain"), "smartcardd")
        self.assertEqual(shipped, promised)
        self.assertEqual(set(re.findall(r'PREFIX "(\w+)"', read("service/bus/authorization.c"))),
                         set(shipped))

    def test_error_names_are_unique(self):
        rows = re.findall(r'X\(\w+,\s*(0x\w+),\s*"([\w.]+)"', read("introspection/error-table.h"))
        self.assertGreater(len(rows), 60)
        self.assertEqual(len({number for number, _ in rows}), len(rows))
        self.assertEqual(len({name for _, name in rows}), len(rows))

    def test_error_table_has_every_code_of_winscard(self):
        table = read("introspection/error-table.h")
        with open("/usr/include/PCSC/pcsclite.h", encoding="utf-8") as file:
            codes = re.findall(r"^#define SCARD_([EFWP]_\w+)\s+\(\(LONG\)0x801000(\w\w)\)",
                               file.read(), re.M)
        self.assertGreater(len(codes), 50)
        numbers = {int(number, 16) for number in re.findall(r"X\(\w+,\s*0x(\w\w),", table)}
        for name, number in codes:
            self.assertIn(int(number, 16), numbers, name)

    def test_attribute_table_has_every_one_of_reader_h(self):
        """But orders, and names for one of two others."""
        with open("/usr/include/PCSC/reader.h", encoding="utf-8") as file:
            header = file.read()
        classes = dict(re.findall(r"^#define SCARD_CLASS_(\w+)\s+(\w+)", header, re.M))
        attributes = {
            (name.lower().replace("_", "-"), int(classes[group], 16) << 16 | int(tag, 16))
            for name, group, tag in re.findall(r"^#define SCARD_ATTR_(\w+) SCARD_ATTR_VALUE\("
                                               r"SCARD_CLASS_(\w+), (\w+)\)", header, re.M)
            if not name.startswith("ESC_")}
        self.assertGreater(len(attributes), 40)
        table = re.findall(r'\{"([\w-]+)", (0x\w+), \w+\}', read("cli/attributes.c"))
        self.assertLessEqual(attributes, {(name, int(number, 16)) for name, number in table})


class Translations(unittest.TestCase):
    """A program in C that is translated uses the keywords of glib/gi18n.h."""

    KEYWORDS = ("_", "N_", "C_:1c,2", "NC_:1c,2", "ngettext:1,2")

    def listed(self):
        return [line for line in read("po/POTFILES.in").splitlines() if not line.startswith("#")]

    def extract(self):
        """The template, as text; a warning is an error."""
        result = subprocess.run(["xgettext", "--from-code=UTF-8", "--add-comments", "--output=-",
                                 *("--keyword=" + keyword for keyword in self.KEYWORDS),
                                 *self.listed()], cwd=SOURCE, capture_output=True, text=True,
                                check=True)
        self.assertEqual(result.stderr, "")
        return result.stdout.replace("charset=CHARSET", "charset=UTF-8")

    def test_each_file_with_text_is_listed(self):
        with_text = [name for name in files(r"^(cli|login|service)/.*\.[ch]$")
                     if re.search(r"\b(_|N_|C_|NC_|ngettext)\(", read(name))]
        self.assertEqual([name for name in self.listed() if name.endswith((".c", ".h"))],
                         sorted(with_text))

    def test_each_language_is_complete(self):
        template = self.extract()
        languages = [line for line in read("po/LINGUAS").splitlines() if not line.startswith("#")]
        self.assertEqual([f"po/{language}.po" for language in languages],
                         sorted(files(r"^po/.*\.po$")))
        for language in languages:
            catalog = f"po/{language}.po"
            for command in (["msgfmt", "--check", "--output-file=/dev/null", catalog],
                            ["msgcmp", catalog, "-"]):
                result = subprocess.run(command, cwd=SOURCE, input=template, capture_output=True,
                                        text=True, check=False)
                self.assertEqual((result.returncode, result.stderr), (0, ""), catalog)
            self.assertNotRegex(read(catalog), r"(?m)^#(~|, fuzzy)")


class Settings(unittest.TestCase):
    """The table in config.c, the example of the file and its man page agree."""

    def table(self):
        rows = re.findall(r'\{"(\w+)", "(\w+)",\s*offsetof\(ScdConfig, \w+\),\s*'
                          r'(\d+),\s*(\d+),\s*(\d+)\}', read("service/base/config.c"))
        self.assertEqual(len(rows), len(re.findall(r"offsetof\(", read("service/base/config.c"))))
        return rows

    def test_example_has_each_with_its_default(self):
        example, group = [], None
        for line in read("data/smartcardd.conf").splitlines():
            if match := re.fullmatch(r"\[(\w+)\]", line):
                group = match[1]
            elif match := re.fullmatch(r"#(\w+)=(\w+)", line):
                example.append((group, match[1], match[2]))
            else:
                self.assertRegex(line, r"^(# .*|#|)$")
        self.assertEqual(example, [row[:3] for row in self.table()])

    def test_man_page_has_each_with_its_range(self):
        page = read("data/smartcardd.conf.5")
        parts = dict(re.findall(r"^\.TP\n\.B (\w+)\n((?:[^.].*\n|\.IR .*\n)+)", page, re.M))
        self.assertEqual(list(parts), [row[1] for row in self.table()])
        for _, key, standard, least, most in self.table():
            self.assertRegex(parts[key], rf"\b{least}\b.* to {most}; default {standard}\.\n", key)

    def test_man_page_has_each_option(self):
        options = re.findall(r'^        \{"([a-z-]+)", 0, 0, G_OPTION', read("service/main.c"), re.M)
        page = read("data/smartcardd.8").replace("\\-", "-")
        self.assertEqual(sorted(options),
                         sorted(re.findall(r"^\.BI? --([a-z-]+)", page, re.M)))
        self.assertIn("state", options)


if __name__ == "__main__":
    case.main(private=False)
