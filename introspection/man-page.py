#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the manual page of the D-Bus interfaces out of their descriptions.

Arguments: the page with the marks @VERSION@, @INTERFACES@ and @ERRORS@ for what is generated, the
table of errors, and one XML file an interface. The page goes to the standard output.

(gdbus-codegen makes reStructuredText of the same comments, but for all lines of an argument's
description after the first.)
"""

import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

KINDS = [("property", "Properties"), ("method", "Methods"), ("signal", "Signals")]


def escape(text):
    """For troff: hyphens are minus signs, "->" is an arrow, no line begins with a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\\->", "\\(->")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def paragraph(lines):
    """As it is when it has columns, else filled."""
    if any(re.match(r"\s|\S  ", line) for line in lines):
        return [".nf", *map(escape, lines), ".fi"]
    return list(map(escape, lines))


def body(text):
    """Paragraphs, without the space that would come before the first."""
    output = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        output += [".sp", *paragraph(block.splitlines())]
    return output[1:]


class Comment:
    """What precedes a member: "Name:", a line for each "@argument: text", and the rest."""

    def __init__(self, text):
        head, _, rest = textwrap.dedent(text.strip("\n")).strip().partition("\n")
        arguments, _, self.text = rest.partition("\n\n") if rest.startswith("@") else ("", "", rest)
        self.name = head.removesuffix(":")
        self.arguments = [(name, " ".join(text.split()))
                          for name, text in re.findall(r"@(\w+): ((?:.|\n(?!@))*)", arguments)]


def signature(member):
    """As it is called: Name(s in, u in) -> o out; of a property its name and type."""
    def words(direction):
        return ", ".join(f"{argument.get('type')} {argument.get('name')}"
                         for argument in member.iter("arg")
                         if argument.get("direction", "in") == direction)
    if member.tag == "property":
        return f"{member.get('name')} {member.get('type')}"
    result = words("out")
    return f"{member.get('name')}({words('in')})" + (f" -> {result}" if result else "")


def describe_member(member, comment):
    yield ".TP"
    yield f'.B "{escape(signature(member))}"'
    for number, (name, text) in enumerate(comment.arguments):
        if number > 0:
            yield ".br"
        yield f".IR {escape(name)} :"
        yield escape(text) + "."
    if comment.arguments:
        yield ".sp"
    yield from body(comment.text)


def describe_interface(path):
    """Its description, then its members by kind, in the order of the file."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    comments = {}
    members = {kind: [] for kind, _ in KINDS}
    for node in ElementTree.parse(path, parser).getroot().iter():
        if node.tag is ElementTree.Comment:
            comment = Comment(node.text)
            comments[comment.name] = comment
        elif node.tag == "interface":
            about = comments[node.get("name")]
            yield f'.SH "INTERFACE {escape(node.get("name"))}"'
            yield from body(about.text)
        elif node.tag in members:
            members[node.tag].append((node, comments[node.get("name")]))
    for kind, title in KINDS:
        if members[kind]:
            yield f".SS {title}"
        for member, comment in members[kind]:
            yield from describe_member(member, comment)


def describe_errors(path):
    """A paragraph an error: its name, its code where PC/SC has one, what it means."""
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r'X\((\w+),\s*(\w+),\s*"(\w+)",\s*"([^"]*)"\)', file.read())
    for constant, number, name, text in rows:
        yield ".TP"
        yield f".B {name}"
        code = f"SCARD_{constant}, 0x801000{number.removeprefix('0x')}: "
        yield escape((code if re.match("[EFWP]_", constant) else "") + text) + "."


def main():
    template, version, errors, *interfaces = sys.argv[1:]
    parts = {
        "VERSION": [version],
        "INTERFACES": [line for path in interfaces for line in describe_interface(path)],
        "ERRORS": list(describe_errors(errors)),
    }
    with open(template, encoding="utf-8") as file:
        page = file.read()
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(re.sub(r"@(VERSION|INTERFACES|ERRORS)@",
                            lambda mark: "\n".join(parts[mark[1]]), page))


if __name__ == "__main__":
    main()
