#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The symbols of the client library: all of the list "symbols", and no others.

A symbol that a release has had must never be removed from the list.
"""

import os
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.testbed.testbed import SOURCE, built, exported_symbols

LIBRARY = built("client/libsmartcardd-glib-1.so.0")


class Symbols(unittest.TestCase):
    def listed(self):
        with open(os.path.join(SOURCE, "tests", "client", "symbols"), encoding="ascii") as file:
            return file.read().split()

    def test_symbols(self):
        self.assertEqual(exported_symbols(LIBRARY), sorted(self.listed()))

    def test_headers_declare_all(self):
        text = ""
        for name in os.listdir(os.path.join(SOURCE, "client")):
            if re.fullmatch(r"smartcardd-.*\.h", name):
                with open(os.path.join(SOURCE, "client", name), encoding="utf-8") as file:
                    text += file.read()
        with open(built("client/smartcardd-enum-types.h"), encoding="utf-8") as file:
            text += file.read()
        declared = set(re.findall(r"\b(smartcardd_\w+)\s*\(", text))
        for klass in re.findall(r"G_DECLARE_FINAL_TYPE\(\w+,\s*(\w+)", text):
            declared.add(klass + "_get_type")
        self.assertLessEqual(set(self.listed()), declared)

    def test_each_class_has_an_example(self):
        examples = {}
        for name in os.listdir(os.path.join(SOURCE, "client")):
            if not name.endswith(".c"):
                continue
            with open(os.path.join(SOURCE, "client", name), encoding="utf-8") as file:
                for klass, comment in re.findall(r"/\*\*\n \* (Smartcardd\w+):\n(.*?)\*/",
                                                 file.read(), re.S):
                    examples[klass] = "```c" in comment
        self.assertEqual(set(examples), {"Smartcardd" + name for name in (
            "Card", "Client", "Command", "PinFormat", "Reader", "Session", "Transaction")})
        self.assertTrue(all(examples.values()), examples)

    def test_package_has_the_same_list(self):
        path = os.path.join(SOURCE, "debian", "libsmartcardd-glib-1-0.symbols")
        with open(path, encoding="ascii") as file:
            self.assertEqual(re.findall(r"^ (\w+)@Base", file.read(), re.M), self.listed())

    def test_objects_have_the_properties_of_the_service(self):
        """But those that other properties imply."""
        implied = {"reader": {"CardPresent"}, "card": {"Reader"}, "client": {"ReaderChanges"}}
        for name, source, interface in (("reader", "reader.c", "Reader"), ("card", "card.c", "Card"),
                                        ("client", "client-connection.c", "Manager")):
            with open(os.path.join(SOURCE, "client", source), encoding="utf-8") as file:
                fields = set(re.findall(r'= \{"(\w+)",\s*(?:"|NULL)', file.read()))
            path = os.path.join(SOURCE, "introspection", f"org.smartcardd1.{interface}.xml")
            properties = {node.get("name") for node in ElementTree.parse(path).iter("property")}
            self.assertEqual(fields, properties - implied[name], name)

    def test_errors_are_those_of_the_service(self):
        """The enumeration has the number and the name of each row of the table.

        Those from 0xE0 to 0xEF are the library's own.
        """
        with open(os.path.join(SOURCE, "introspection", "error-table.h"), encoding="utf-8") as file:
            table = file.read()
        with open(os.path.join(SOURCE, "client", "smartcardd-enums.h"), encoding="utf-8") as file:
            header = file.read()
        numbers = dict(re.findall(r"SMARTCARDD_ERROR_(\w+) = (0x\w+)", header))
        rows = re.findall(r"X\((?:[EFWP]_)?(\w+),\s*(0x\w+),", table)
        self.assertGreater(len(rows), 60)
        own = {name for name, number in numbers.items() if number.startswith("0xE")}
        self.assertEqual(own, {"SERVICE_NOT_FOUND", "SERVICE_UNREACHABLE", "SERVICE_TOO_OLD",
                               "BUS_ACCESS_DENIED"})
        self.assertEqual({name: numbers[name] for name in numbers if name not in own}, dict(rows))


if __name__ == "__main__":
    case.main(private=False)
