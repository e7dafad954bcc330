#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""C++ code that qdbusxml2cpp generates compiles, and passes bytes on, zero bytes too."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR, SELECT, SessionTest
from scdtest.testbed.testbed import SOURCE

# The card returns the data of this command, of which many bytes are zero.
DATA = "00FF000041000000"
ECHO = f"80100000{len(DATA) // 2:02X}{DATA}"

INTERFACES = ("Manager", "Reader", "Card", "Session")


class GeneratedCode(SessionTest):
    def find_program(self, name, version):
        found = glob.glob(f"/usr/lib/qt{version}/**/{name}", recursive=True)
        if not found:
            package = {5: "qtbase5-dev", 6: "qt6-base-dev"}[version]
            self.skipTest(f"{name} of Qt {version} is not installed (package {package})")
        return found[0]

    def run_tool(self, *command):
        result = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(result.returncode, 0, f"{command}: {result.stdout}")
        return result.stdout

    def generate(self, version):
        """Returns the names of the C++ files."""
        generator, moc = (self.find_program(name, version) for name in ("qdbusxml2cpp", "moc"))
        sources = []
        for name in INTERFACES:
            file = os.path.join(SOURCE, "introspection", f"org.smartcardd1.{name}.xml")
            for option, kind in (("-p", "proxy"), ("-a", "adaptor")):
                stem = f"{name.lower()}_{kind}"
                self.run_tool(generator, option, stem, file)
                self.run_tool(moc, "-o", f"{stem}_moc.cpp", f"{stem}.h")
                sources += [f"{stem}.cpp", f"{stem}_moc.cpp"]
        return sources

    def build(self, version):
        """One unit of translation: each one reads the headers of Qt, which takes seconds."""
        sources = self.generate(version)
        package = f"Qt{version}DBus"
        if not shutil.which("g++") or subprocess.run(["pkg-config", "--exists", package],
                                                     check=False).returncode:
            self.skipTest(f"{package} or g++ is not installed")
        with open(os.path.join(self.folder, "all.cpp"), "w", encoding="utf-8") as file:
            for source in (*sources, os.path.join(SOURCE, "tests", "generators", "qt-client.cpp")):
                file.write(f'#include "{source}"\n')
        flags = self.run_tool("pkg-config", "--cflags", "--libs", package).split()
        self.run_tool("g++", "-std=c++17", "-fPIC", "-I.", "all.cpp",
                      "-o", "client", *flags)
        return os.path.join(self.folder, "client")

    def check(self, version):
        with tempfile.TemporaryDirectory() as self.folder:
            program = self.build(version)
            self.start()
            path = self.client().reader("Reader A")
            result = subprocess.run([program, path, SELECT, ECHO], capture_output=True, text=True,
                                    check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:2], ["name " + self.pcsc_name().encode().hex().upper(),
                                     "atr " + ATR])
        self.assertRegex(lines[2], "^protocol T=[01]$")
        self.assertEqual(lines[3:], ["response 9000", f"response {DATA}9000", "one-of-many 9000",
                                     f"one-of-many {DATA}9000", "stopped ''", "descriptor valid",
                                     "sessions 1"])

    def test_qt5(self):
        self.check(5)

    def test_qt6(self):
        self.check(6)


if __name__ == "__main__":
    case.main()
