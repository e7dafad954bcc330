#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the tables of errors, attributes and features into docs/api.md, from the sources.

Run it after a change of introspection/error-table.h, of the attributes in cli/ or the features in
service/base/; tests/docs checks that the page is up to date. Each table is between the comments
"table: NAME" and "table: end".
"""

import glob
import os
import re

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = "docs/api.md"
OWN_ERRORS = 0xF0  # errors from this number on are not in PC/SC
FORMS = {"BYTES": "bytes", "TEXT": "text", "NUMBER": "number", "BITS": "bits", "KHZ": "kHz",
         "BIT_S": "bit/s", "VERSION": "version, 0xMMmmbbbb"}


def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def read_all(pattern):
    return "".join(map(read, sorted(glob.glob(pattern, root_dir=SOURCE))))


def table(heading, rows):
    """Returns a Markdown table. The first cell of each row is code."""
    lines = ["| " + " | ".join(heading) + " |", "| " + " | ".join("---" for _ in heading) + " |"]
    lines += [f"| `{row[0]}` | " + " | ".join(row[1:]) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def errors():
    """Each error: constant, number, name (the whole one for own errors), text."""
    return [(constant, int(number, 16), name, text)
            for constant, number, name, text in re.findall(
                r'X\((\w+),\s*(0x\w+),\s*"([\w.]+)",[\s\\]*"([^"]*)"\)',
                read("introspection/error-table.h"))]


def pcsc_errors():
    return table(("name", "PC/SC", "code", "meaning"),
                 [(name, f"`SCARD_{constant}`", f"0x{0x80100000 + number:08X}", text)
                  for constant, number, name, text in errors() if number < OWN_ERRORS])


def own_errors():
    return table(("name", "meaning"),
                 [(name, text) for _, number, name, text in errors() if number >= OWN_ERRORS])


def attributes():
    return table(("attribute", "id", "form"),
                 [(name, number, FORMS[form]) for name, number, form in re.findall(
                     r'\{"([a-z0-9-]+)", (0x\w+), ([A-Z_]+)\}', read_all("cli/*.c"))])


def pin_features():
    """Returns the tags of the features that need the permission "connect" only."""
    body = re.search(r"pin_features\[\] = \{(.*?)\};", read_all("service/base/*.c"), re.S)[1]
    return {int(tag, 16) for tag in re.findall(r"0x\w+", re.sub(r"/\*.*?\*/", "", body))}


def features():
    header = dict(re.findall(r"#define (SCD_FEATURE_\w+) (0x\w+)", read_all("service/base/*.h")))
    found = [(int(header.get(tag, tag), 16), word) for tag, word in re.findall(
        r'^    \{(0x\w+|SCD_FEATURE_\w+), "([\w-]+)"\},', read_all("service/base/*.c"), re.M)]
    return table(("feature", "tag", "permission"),
                 [(word, f"0x{tag:02X}", "connect" if tag in pin_features() else "control")
                  for tag, word in found])


TABLES = {"errors of PC/SC": pcsc_errors, "other errors": own_errors, "attributes": attributes,
          "features": features}


def updated():
    """Returns the page with its tables replaced."""
    text = read(PAGE)
    for name, make in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- table: end -->"
        before, mark, rest = text.partition(begin)
        _, other_mark, after = rest.partition(end)
        assert mark and other_mark, f"{PAGE} has no place for the table of {name}"
        text = before + begin + make() + end + after
    return text


if __name__ == "__main__":
    with open(os.path.join(SOURCE, PAGE), "r+", encoding="utf-8") as page:
        new = updated()
        page.truncate(0)
        page.write(new)
