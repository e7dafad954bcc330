#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples for greeters, which run for a user without permissions, and their pictures.

SCD_PICTURES: a folder to which the pictures are copied.
"""

import glob
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.glib_library import Smartcardd, environment
from scdtest.cases.login import OTHER_ATR, LoginTest
from scdtest.clients.program import Program
from scdtest.testbed import events
from scdtest.testbed.display import Display, png
from scdtest.testbed.simulator import ATR
from scdtest.testbed.testbed import SOURCE

AS_GREETER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
EXAMPLES = os.path.join(SOURCE, "examples")
QML = "/usr/lib/qt6/bin/qml"
QML_MODULES = ("Qt/labs/folderlistmodel", "QtQml/WorkerScript", "QtQuick/Window")
INSERT, PIN = "Insert your smart card.", "Enter the PIN of your smart card."


def has_qml():
    return os.path.exists(QML) and all(glob.glob(f"/usr/lib/*/qt6/qml/{module}/qmldir")
                                       for module in QML_MODULES)


def has_gtk():
    return subprocess.run(["/usr/bin/python3", "-c",
                           "import gi; gi.require_version('Gtk', '4.0')"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def documented(lines):
    """Whether docs/login.md has these lines, one after the other."""
    with open(os.path.join(SOURCE, "docs", "login.md"), encoding="utf-8") as file:
        return "\n".join(lines) + "\n" in file.read()


def keep_picture(name, content):
    if "SCD_PICTURES" in os.environ:
        with open(os.path.join(os.environ["SCD_PICTURES"], name), "wb") as file:
            file.write(content)


@unittest.skipUnless(Smartcardd, "built without introspection")
class GreeterTest(LoginTest):
    def start_greeter(self, *command, **more):
        program = Program([*AS_GREETER, *command],
                          environment={**environment(), "HOME": "/nonexistent", **more})
        self.addCleanup(program.close)
        return program


class LoginCardFile(GreeterTest):
    """The file that QML greeters follow."""

    def start_file(self, *arguments):
        self.folder = os.path.join(self.testbed.folder, "state")
        os.mkdir(self.folder)
        os.chown(self.folder, 65534, 65534)
        os.chmod(self.testbed.folder, 0o755)
        self.path = os.path.join(self.folder, "inserted")
        return self.start_greeter("/usr/bin/python3",
                                  os.path.join(EXAMPLES, "sddm", "login-card-file.py"),
                                  self.folder, *arguments)

    def wait_for_no_file(self):
        events.poll_until(lambda: not os.path.exists(self.path), "the file is removed")

    def test_card_that_is_there(self):
        self.start(("Desk", ATR))
        self.start_file()
        events.wait_for_file(self.path)

    def test_insertion_and_removal(self):
        self.start()
        self.start_file()
        for _ in range(3):
            self.insert()
            events.wait_for_file(self.path)
            self.readers.remove("Desk")
            self.wait_for_no_file()

    def test_cards_and_readers_that_do_not_count(self):
        """The last event is the one that counts."""
        self.start(("Desk", ATR))
        self.start_file()
        events.wait_for_file(self.path)
        self.insert("Other", ATR)
        self.readers.swap("Desk", OTHER_ATR)
        self.wait_for_no_file()
        self.readers.swap("Desk", ATR)
        events.wait_for_file(self.path)

    def test_end_of_the_program(self):
        self.start(("Desk", ATR))
        program = self.start_file()
        events.wait_for_file(self.path)
        program.send_signal(15)
        self.assertEqual(program.wait(), 0, program.errors)
        self.assertEqual(os.listdir(self.folder), [])

    def test_restart_of_the_service(self):
        self.start(("Desk", ATR))
        self.start_file()
        events.wait_for_file(self.path)
        self.testbed.stop_service()
        self.wait_for_no_file()
        self.start_service()
        events.wait_for_file(self.path)

    @unittest.skipUnless(has_qml(), "there is no QML")
    def test_qml(self):
        """A greeter that shows the item of the example."""
        self.start()
        self.start_file()
        folder = self.testbed.folder
        os.symlink(os.path.join(EXAMPLES, "sddm"), os.path.join(folder, "sddm"))
        qml = shutil.copy(os.path.join(SOURCE, "tests", "login", "greeter.qml"), folder)
        os.chown(folder, 65534, 65534)
        runtime = os.path.join(folder, "runtime")
        os.mkdir(runtime, 0o700)
        os.chown(runtime, 65534, 65534)
        greeter = self.start_greeter("sh", "-c", f"cd {folder} && exec {QML} {qml} 2>&1",
                                     QT_QPA_PLATFORM="offscreen", QT_QUICK_BACKEND="software",
                                     XDG_RUNTIME_DIR=runtime, QT_LOGGING_TO_CONSOLE="1",
                                     LC_ALL="C.UTF-8")
        greeter.wait_for_lines(2)
        self.insert()
        greeter.wait_for_lines(4)
        self.readers.remove("Desk")
        greeter.wait_for_lines(6)
        lines = [line.removeprefix("qml: ") for line in greeter.lines]
        self.assertTrue(documented([lines[0], lines[2]]))
        self.assertEqual(lines,
                         [f"Password: {INSERT}", "saved", f"PIN: {PIN}", "saved",
                          f"Password: {INSERT}", "saved"])
        pictures = []
        for name in ("empty.png", "inserted.png"):
            with open(os.path.join(folder, name), "rb") as file:
                pictures.append(file.read())
            keep_picture("sddm-" + name, pictures[-1])
        self.assertNotEqual(*pictures)


@unittest.skipUnless(shutil.which("Xvfb") and has_gtk(), "there is no GTK 4 or no Xvfb")
class Panel(GreeterTest):
    """A window with the panel for greeters with GTK."""

    def setUp(self):
        super().setUp()
        os.chmod(self.testbed.folder, 0o755)
        self.display = Display(self.testbed.folder)
        self.addCleanup(self.display.close)

    def start_panel(self, *arguments):
        panel = self.start_greeter("/usr/bin/python3",
                                   os.path.join(EXAMPLES, "lightdm", "login-card-panel.py"),
                                   "--announce", *arguments, **self.display.environment())
        panel.wait_for_lines(2)
        return panel

    def test_what_it_shows(self):
        self.start()
        panel = self.start_panel()
        reader, size = panel.lines[0].partition(": ")[0], panel.lines[1]
        empty = self.display.picture(*map(int, size.split()))
        self.readers.insert("Desk", OTHER_ATR)
        panel.wait_for_lines(3)
        self.readers.swap("Desk", ATR)
        panel.wait_for(PIN)
        self.readers.remove("Desk")
        panel.wait_for_lines(len(panel.lines) + 1)
        messages = [line.removeprefix(reader + ": ") for line in panel.lines]
        self.assertEqual([messages[0], *messages[2:4], *messages[-2:]],
                         [INSERT, "Take this card out first, then insert your smart card.",
                          INSERT, PIN, INSERT])
        self.assertTrue(documented([panel.lines[0], panel.lines[2], panel.lines[-2]]))
        self.assertGreater(len(set(empty)), 20)  # text
        keep_picture("lightdm-empty.png", png(empty))

    def test_mute_card(self):
        self.start()
        self.readers.order("mute", "Desk", "on")
        panel = self.start_panel()
        self.insert()
        panel.wait_for("does not respond")

    def test_other_seat(self):
        self.start(("Desk", ATR))
        panel = self.start_panel("--seat", "seat1")
        self.assertEqual(panel.lines[0], "No reader for smart cards is connected.")

    def test_pcscd_that_goes(self):
        self.start(("Desk", ATR))
        panel = self.start_panel()
        self.testbed.stop_pcscd()
        panel.wait_for("No reader")


if __name__ == "__main__":
    case.main()
