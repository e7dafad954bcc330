#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generates the manual page of the D-Bus interfaces from the comments in their XML files.

Arguments: the template of the page, the version, the table of errors, and the XML files. The page
is written to the standard output. @VERSION@, @INTERFACES@ and @ERRORS@ in the template are replaced.

A comment consists of paragraphs, and of lists: a line that ends in a colon, such as "Errors:", and
indented entries "term: text", whose further lines are indented deeper.

(gdbus-codegen --generate-rst drops all lines of an argument's description but the first.)
"""

import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

KINDS = [("property", "Properties"), ("method", "Methods"), ("signal", "Signals")]


def escape(text):
    """Escapes text for troff: hyphens are minus signs, "->" is an arrow, no line is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\\->", "\\(->")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def entries(pairs):
    """Formats terms and their texts in two columns, without space between the entries."""
    pairs = list(pairs)
    width = min(22, 2 + max(len(term) for term, _ in pairs))
    yield from [".RS 2", ".PD 0"]
    for term, text in pairs:
        yield from [f".TP {width}", f".I {escape(term)}", escape(text.rstrip(".")) + "."]
    yield from [".PD", ".RE"]


def is_list(lines):
    return len(lines) > 1 and lines[1].startswith("  ")


def block(lines):
    """Formats a paragraph or a list."""
    if not is_list(lines):
        return list(map(escape, lines))
    items = re.findall(r"^  (\S[^:]*): ((?:.|\n   )*)", "\n".join(lines[1:]), re.M)
    return [escape(lines[0]), *entries((term, " ".join(text.split())) for term, text in items)]


def body(text, arguments=()):
    """Formats the blocks of a comment, with the arguments before the first list."""
    blocks = [part.splitlines() for part in re.split(r"\n\s*\n", text.strip("\n"))]
    first_list = next((i for i, lines in enumerate(blocks) if is_list(lines)), len(blocks))
    output = [block(lines) for lines in blocks]
    if arguments:
        output.insert(first_list, ["Arguments:", *entries(arguments)])
    return [line for lines in output for line in [".PP", *lines]]


class Comment:
    """The comment before a member: "Name:", "@argument: text" for each argument, and the text."""

    def __init__(self, text):
        head, _, rest = textwrap.dedent(text.strip("\n")).strip().partition("\n")
        arguments, _, self.text = rest.partition("\n\n") if rest.startswith("@") else ("", "", rest)
        self.name = head.removesuffix(":")
        self.arguments = [(name, " ".join(text.split()))
                          for name, text in re.findall(r"@(\w+): ((?:.|\n(?!@))*)", arguments)]


def signature(member):
    """Returns "Name(s in, u in) -> o out", or for a property its name and type."""
    def words(direction):
        return ", ".join(f"{argument.get('type')} {argument.get('name')}"
                         for argument in member.iter("arg")
                         if argument.get("direction", "in") == direction)
    if member.tag == "property":
        return f"{member.get('name')} {member.get('type')}"
    result = words("out")
    return f"{member.get('name')}({words('in')})" + (f" -> {result}" if result else "")


def describe_member(member, comment):
    yield from [".PP", f'.B "{escape(signature(member))}"', ".PD 0", ".RS", ".PP", ".PD"]
    yield from body(comment.text, comment.arguments)[1:]
    yield ".RE"


def describe_interface(path):
    """Formats the description of an interface, then its members by kind, in the order of the file."""
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
    """Formats the table of errors: the name, the text, and the code if PC/SC has one."""
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r'X\((\w+),\s*(\w+),\s*"([\w.]+)",[\s\\]*"([^"]*)"\)', file.read())
    yield ".PD 0"
    for constant, number, name, text in rows:
        yield from [".TP 26", f".B {escape(name.removeprefix('org.smartcardd1.Error.'))}"]
        code = f" (0x801000{number.removeprefix('0x')})" if re.match("[EFWP]_", constant) else ""
        yield escape(text + code)
    yield ".PD"


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
