# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of the repository, and a small parser for C as clang-format writes it."""

import functools
import os
import re
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

C = r"\.[ch]$"
LITERAL_OR_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'",
                                re.S)


@functools.cache
def _listed():
    return subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others",
                           "--exclude-standard"], cwd=SOURCE, capture_output=True, text=True,
                          check=True).stdout.split()


def files(pattern):
    """The files whose path matches, as a commit would have them."""
    return [name for name in _listed()
            if re.search(pattern, name) and os.path.exists(os.path.join(SOURCE, name))]


@functools.cache
def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def is_comment(piece):
    return piece.startswith(("/*", "//"))


def comments(text):
    """The text of all comments of a C file, except for the licence."""
    found = filter(is_comment, LITERAL_OR_COMMENT.findall(text))
    return "\n".join(piece for piece in found if "SPDX-License-Identifier" not in piece)


def code(text):
    """The C code without comments and without the content of literals, on the same lines."""
    return LITERAL_OR_COMMENT.sub(
        lambda match: "\n" * match[0].count("\n") if is_comment(match[0]) else '""', text)


def functions(text):
    """The functions that a C file defines: (name, line of its brace, number of lines)."""
    head, start = "", None
    for number, line in enumerate(code(text).splitlines(), 1):
        if line == "{":
            start = number
        elif line.startswith("}"):
            name = re.findall(r"(\w+) ?\(", head)
            if line == "}" and name:
                yield name[0], start, number - start + 1
            head, start = "", None
        elif start is None:
            head = f"{head} {line}" if line.strip() and not line.startswith("#") else ""


def type_definitions(text):
    """Names that a C file gives to structs, unions and enums by typedef.

    (name, tag): the tag is None where the typedef has the body; else the body is where the tag is
    defined, perhaps in another file.
    """
    text = code(text)
    body = r"^typedef (?:struct|union|enum)\b[^;{]*\{(?:[^\n]*\} (\w+);|.*?^\} (\w+);)"
    for on_one_line, on_last_line in re.findall(body, text, re.S | re.M):
        yield on_one_line or on_last_line, None
    for tag, name in re.findall(r"^typedef (?:struct|union|enum) (\w+) (\w+);", text, re.M):
        yield name, tag


def tag_definitions(text):
    """Tags of the structs, unions and enums whose body is in the C file, without a typedef."""
    return set(re.findall(r"^(?:struct|union|enum) (\w+)\s*\{", code(text), re.M))
