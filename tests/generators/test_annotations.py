#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Code generators accept the interfaces: the annotations that they need, and Qt's own generator.

qdbusxml2cpp refuses an argument of a type that Qt has no C++ type for, unless the method says which
one to use; the annotation has the number of the argument in its direction. gdbus-codegen makes a
C string of "ay", which ends at the first zero byte, unless the argument says otherwise.
"""

import glob
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.testbed.testbed import SOURCE

FILES = [os.path.join(SOURCE, "introspection", f"org.smartcardd1.{name}.xml")
         for name in ("Manager", "Reader", "Card", "Session")]

QT_TYPE = "org.qtproject.QtDBus.QtTypeName"
BYTES = "org.gtk.GDBus.C.ForceGVariant"
DESCRIPTORS = "org.gtk.GDBus.C.UnixFD"

KNOWN_TO_QT = {*"ybnqiuxtdsogvh", "as", "ay", "ao", "ag", "av"}
QT_TYPES = {"a{sv}": "QVariantMap", "aa{sv}": "QList<QVariantMap>", "aay": "QList<QByteArray>"}


def annotations(element):
    return {child.get("name"): child.get("value") for child in element.findall("annotation")}


def expected_types(member):
    """Of a method or signal: the annotations that Qt needs."""
    found = {}
    for direction, word in (("in", "In"), ("out", "Out")):
        arguments = [argument for argument in member.findall("arg")
                     if argument.get("direction", "out") == direction]
        for number, argument in enumerate(arguments):
            if argument.get("type") not in KNOWN_TO_QT:
                found[f"{QT_TYPE}.{word}{number}"] = QT_TYPES[argument.get("type")]
    return found


def members(*kinds):
    """Names with their elements, of all interfaces."""
    for file in FILES:
        interface = ElementTree.parse(file).find("interface")
        for kind in kinds:
            for member in interface.findall(kind):
                yield f"{interface.get('name')}.{member.get('name')}", member


class Annotations(unittest.TestCase):
    def test_types_of_qt(self):
        count = 0
        for name, member in members("method", "signal"):
            types = {key: value for key, value in annotations(member).items()
                     if key.startswith(QT_TYPE)}
            self.assertEqual(types, expected_types(member), name)
            count += len(types)
        self.assertGreater(count, 0)

    def test_properties_have_types_of_qt(self):
        for name, member in members("property"):
            self.assertIn(member.get("type"), KNOWN_TO_QT, name)

    def test_bytes_in_c(self):
        count = 0
        for name, member in members("method", "signal", "property"):
            for value in [member, *member.findall("arg")]:
                if value.get("type") in ("ay", "aay"):
                    self.assertEqual(annotations(value).get(BYTES), "true", name)
                    count += 1
        self.assertGreater(count, 0)

    def test_descriptors_in_c(self):
        for name, member in members("method"):
            passes = any("h" in argument.get("type") for argument in member.findall("arg"))
            self.assertEqual(annotations(member).get(DESCRIPTORS), "true" if passes else None,
                             name)


class Qt(unittest.TestCase):
    """Needs no headers of Qt: test_qt.py compiles the generated code."""

    def generate(self, version):
        programs = glob.glob(f"/usr/lib/qt{version}/**/qdbusxml2cpp", recursive=True)
        if not programs:
            package = {5: "qtbase5-dev-tools", 6: "qt6-base-dev-tools"}[version]
            self.skipTest(f"qdbusxml2cpp of Qt {version} is not installed (package {package})")
        for file in FILES:
            for option, suffix in (("-p", "Interface"), ("-a", "Adaptor")):
                self.run_generator(programs[0], option, suffix, file)

    def run_generator(self, program, option, suffix, file):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([program, option, "generated", file], cwd=folder,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                    check=False)
            self.assertEqual(result.returncode, 0, f"{option} {file}: {result.stdout}")
            self.check_header(os.path.join(folder, "generated.h"), file, suffix)

    def check_header(self, header, file, suffix):
        """All methods are in it, none without its type."""
        with open(header, encoding="utf-8") as generated:
            text = generated.read()
        interface = ElementTree.parse(file).find("interface")
        name = interface.get("name").rpartition(".")[2]
        self.assertRegex(text, rf"\bclass \w*{name}{suffix}: public QDBusAbstract{suffix}\b")
        for method in interface.findall("method"):
            self.assertRegex(text, rf"\b{method.get('name')}\(")

    def test_qt5(self):
        self.generate(5)

    def test_qt6(self):
        self.generate(6)


if __name__ == "__main__":
    case.main(private=False)
