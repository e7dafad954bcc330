#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The structure of the sources: layers, includes without circles, sizes of files and functions."""

import ast
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from source import C, code, files, functions, read

LAYERS = ["base", "pcsc", "bus"]
FOREIGN = {"base": r"<(winscard|pcsclite|gio/|systemd/|pthread)",
           "pcsc": r"<(systemd/(?!sd-device\.h)|polkit)", "bus": r"<(winscard|pcsclite)"}

PROGRAMS = ["service", "libpcsclite-dbus", "cli", "client", "login"]

LONGEST_FUNCTION = 50  # lines, with its braces
LONGEST_FILE = 600  # lines


def include_graph(program):
    """Maps each unit, a .c and a .h of one name, to the units that it includes."""
    graph = {}
    names = set(files(rf"^{program}/.*{C}"))
    for name in names:
        unit = name[:-2]
        graph.setdefault(unit, set())
        for included in re.findall(r'^#include "([^"]+)"', read(name), re.M):
            for folder in (os.path.dirname(name), program):
                path = os.path.normpath(os.path.join(folder, included))
                if path in names:
                    graph[unit].add(path[:-2])
                    break
        graph[unit].discard(unit)
    return graph


def shortest_circle(graph, start):
    """The shortest way along the graph from a unit back to it; None when there is none."""
    ways, seen = [[start]], set()
    for way in ways:
        for unit in sorted(graph.get(way[-1], ())):
            if unit == start:
                return [*way, start]
            if unit not in seen:
                seen.add(unit)
                ways.append([*way, unit])
    return None


class Includes(unittest.TestCase):
    def test_includes_point_down(self):
        for name in files(r"^service/[a-z]+/.*\.[ch]$"):
            layer = name.split("/")[1]
            above = LAYERS[LAYERS.index(layer) + 1:]
            for included in re.findall(r'#include "([a-z]+)/', read(name)):
                self.assertNotIn(included, above, f"{name} includes {included}/")

    def test_layer_includes_only_its_foreign_headers(self):
        for name in files(r"^service/[a-z]+/.*\.[ch]$"):
            layer = name.split("/")[1]
            self.assertIsNone(re.search("#include " + FOREIGN[layer], read(name)), name)
        for name in files(r"^service/.*\.h$"):
            self.assertNotIn("winscard.h>", read(name), name)

    def test_client_library_has_code_of_its_own(self):
        """It may include what is generated from introspection/, but nothing of the service."""
        for name in files(rf"^client/.*{C}"):
            self.assertEqual(re.findall(r'#include "[^"]*/', read(name)), [], name)
        declared = re.findall(r"^(?:[A-Z_]+ )?(?:const )?\w+ \**(\w+)\(", "\n".join(
            code(read(name)) for name in files(r"^client/.*\.h$")), re.M)
        self.assertGreater(len(declared), 100)
        self.assertEqual([name for name in declared
                          if not name.startswith(("smartcardd_", "G_D"))], [])

    def test_no_circle_of_includes(self):
        circles = {}
        for program in PROGRAMS:
            graph = include_graph(program)
            self.assertTrue(graph, program)
            for unit in graph:
                if way := shortest_circle(graph, unit):
                    circles[unit] = " → ".join(way)
        self.assertEqual(circles, {}, "these files include each other in a circle")


class Sizes(unittest.TestCase):
    def test_functions_are_short(self):
        found, long = 0, []
        for name in files(C):
            for function, line, count in functions(read(name)):
                found += 1
                if count > LONGEST_FUNCTION:
                    long.append(f"{name}:{line} {function}: {count} lines")
        self.assertGreater(found, 1000)
        self.assertEqual(long, [])

    def test_python_functions_are_short(self):
        long = [f"{name}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
                for name in files(r"\.py$") for node in ast.walk(ast.parse(read(name)))
                if isinstance(node, ast.FunctionDef)
                and node.end_lineno - node.lineno >= LONGEST_FUNCTION]
        self.assertEqual(long, [])

    def test_files_are_short(self):
        lengths = {name: len(read(name).splitlines()) for name in files(r"\.(c|h|py)$")}
        self.assertEqual([f"{name}: {count} lines" for name, count in lengths.items()
                          if count > LONGEST_FILE], [])

    def test_no_goto(self):
        self.assertEqual([name for name in files(C) if re.search(r"\bgoto\b", code(read(name)))],
                         [])


if __name__ == "__main__":
    case.main(private=False)
