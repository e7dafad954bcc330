# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the Markdown pages of the repository: code blocks, commands, links and headings."""

import glob
import os
import re
from collections import namedtuple

from demo_shell import SOURCE

Block = namedtuple("Block", "language text")


def names():
    """The paths of all pages, relative to the repository."""
    found = []
    for pattern in ("*.md", "docs/*.md", "examples/*.md", "tests/*.md"):
        found += glob.glob(pattern, root_dir=SOURCE)
    return sorted(found)


def read(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """The fenced blocks. The language of a block without one is ""."""
    return [Block(language, body) for language, body in
            re.findall(r"^```(\S*)[^\n]*\n(.*?)^```$", text, re.M | re.S)]


def console_commands(body):
    """The commands of a console block: lines that begin with "$ ", continued after a backslash."""
    found = []
    continued = False
    for line in body.splitlines():
        if continued:
            found[-1] += "\n" + line
        elif line.startswith("$ "):
            found.append(line[2:])
        continued = (continued or line.startswith("$ ")) and line.endswith("\\")
    return found


def commands(text):
    """What a page tells its readers to run, in order: commands, and whole scripts."""
    found = []
    for block in blocks(text):
        if block.language == "console":
            found += console_commands(block.text)
        elif block.language == "sh":
            found.append(f"(\nset -eu\n{block.text})")
    return found


def in_one_line(command):
    """Joins the lines of a command that is continued after a backslash."""
    return re.sub(r"\\\n\s*", "", command)


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def links(text):
    """The targets of links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", without_blocks(text))


def inline_code(text):
    """The words between single backquotes."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", without_blocks(text))


def anchors(text):
    """The anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
