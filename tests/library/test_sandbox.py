#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library in a sandbox such as that of Flatpak, and with an older C library than it was built with."""

import os
import platform
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case
from scdtest.cases.sessions import ATR
from scdtest.clients.library import LIBRARY_FOLDER, preload
from scdtest.clients.script import Script
from scdtest.testbed import events, translation
from scdtest.testbed.process import Process
from scdtest.testbed.testbed import SOURCE, built, simulated_reader, writable_counts

LIBRARY = os.path.join(LIBRARY_FOLDER, "libpcsclite-dbus.so.1")
OLDEST_GLIBC = (2, 34)
HOST_FOLDER = "/run/host/usr/lib/smartcardd"
PROXY = "/run/scd/proxy"
SYSTEM_BUS = "/run/dbus/system_bus_socket"
COMPLETE = {"SMARTCARDCTL_LIBRARY_DIR": HOST_FOLDER,
            "LIBPCSCLITE_DELEGATE": HOST_FOLDER + "/libpcsclite-dbus.so.1",
            "LD_LIBRARY_PATH": HOST_FOLDER + ":/app/lib"}
SUCCESS, NO_SERVICE = "00000000", "8010001D"


@unittest.skipIf(preload(), "a sanitizer needs functions of its own")
class Symbols(unittest.TestCase):
    """The names of the symbols are texts in the file."""

    @classmethod
    def setUpClass(cls):
        with open(LIBRARY, "rb") as file:
            cls.content = file.read()

    @unittest.skipIf(platform.machine() != "x86_64", "the versions are those of amd64")
    def test_versions_of_glibc(self):
        versions = {tuple(map(int, version.decode().split(".")))
                    for version in re.findall(rb"\0GLIBC_(2\.[0-9.]+)\0", self.content)}
        self.assertTrue(versions)
        self.assertLessEqual(max(versions), OLDEST_GLIBC)

    def test_no_functions_of_new_c_standards(self):
        self.assertEqual(re.findall(rb"__isoc23_\w+", self.content), [])


def use_card():
    code, context = establish()
    say("establish", code)
    if code:
        return
    readers = names(context)[1]
    say("readers", len(readers))
    card = new_card(context, readers[0])
    say("transmit", *transmit(card, "00A4040000"))
    say("wait", wait(context, INFINITE, (readers[0], 0))[0])
    say("waiting")
    say("removed", wait(context, INFINITE, (readers[0], 0x20))[0])
    say("release", release(context))


@unittest.skipUnless(shutil.which("bwrap") and shutil.which("xdg-dbus-proxy"),
                     "bubblewrap or xdg-dbus-proxy is not installed")
@unittest.skipIf(preload(), "a sanitizer does not find its library in the sandbox")
class Sandbox(case.TestBedTest):
    """A file system of its own, no socket of pcscd, and the bus by a proxy, as Flatpak does it."""

    def start_sandbox(self, talk=True, **variables):
        """Starts the program as an application whose runtime is the /usr of this machine."""
        script = Script(self.make_sandbox(talk, **variables), use_card)
        self.addCleanup(script.close)
        return script

    def make_sandbox(self, talk=True, library=True, more=(), **variables):
        """Returns how a command line begins that runs in the sandbox; more: words for bwrap."""
        self.testbed.start_bus()
        self.testbed.start_pcscd([simulated_reader("A", card=ATR)])
        self.testbed.start_service()
        os.makedirs(PROXY, exist_ok=True)
        self.addCleanup(shutil.rmtree, PROXY)
        proxy = Process("xdg-dbus-proxy",
                        ["xdg-dbus-proxy", os.environ["DBUS_SYSTEM_BUS_ADDRESS"], PROXY + "/bus",
                         "--filter", *(["--talk=org.smartcardd1"] if talk else [])])
        self.addCleanup(proxy.kill)
        events.wait_for_listener(PROXY + "/bus")
        return ["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--die-with-parent",
               "--ro-bind", "/usr", "/usr",
               *(word for name in ("bin", "lib", "lib64")
                 for word in ("--symlink", f"usr/{name}", f"/{name}")),
               "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run",
               "--dir", "/app/lib", "--ro-bind", LIBRARY if library else SOURCE,
               HOST_FOLDER + ("/libpcsclite-dbus.so.1" if library else "/nothing"),
               "--symlink", "libpcsclite-dbus.so.1", HOST_FOLDER + "/libpcsclite.so.1",
               "--ro-bind", os.path.join(SOURCE, "LICENSE"), "/.flatpak-info",
               "--ro-bind", built("cli/smartcardctl"), built("cli/smartcardctl"),
               "--ro-bind", os.path.join(SOURCE, "tests"), os.path.join(SOURCE, "tests"),
               "--ro-bind", PROXY + "/bus", SYSTEM_BUS,
               *writable_counts("libpcsclite-dbus/libpcsclite-dbus.so.1.p", "cli/smartcardctl.p",
                                 "cli/libsmartcardctl-objects.a.p"),
               *more, "--clearenv",
               *(word for name, value in variables.items() for word in ("--setenv", name, value))]

    def run_check(self, *lines, status=1, **options):
        """smartcardctl run --check prints these lines."""
        result = subprocess.run([*self.make_sandbox(**options), built("cli/smartcardctl"), "run",
                                 "--check"], check=False, text=True, timeout=events.LIMIT_S,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = result.stdout.splitlines()
        self.assertEqual(len(said), len(lines), said)
        for line, words in zip(said, lines):
            self.assertIn(words, line)
        self.assertEqual(result.returncode, status)

    def test_check_of_a_complete_sandbox(self):
        self.run_check("can be loaded", "can be reached", "is complete", status=0, **COMPLETE)

    def test_check_without_the_permission_to_talk(self):
        self.run_check("can be loaded", "--system-talk-name=org.smartcardd1", talk=False,
                       **COMPLETE)

    def test_check_without_the_file_system(self):
        self.run_check("--filesystem=host-os:ro", library=False, **COMPLETE)

    def test_check_without_variables(self):
        self.run_check("can be loaded", "can be reached", "LIBPCSCLITE_DELEGATE=" + HOST_FOLDER,
                       SMARTCARDCTL_LIBRARY_DIR=HOST_FOLDER)

    def test_check_without_the_folders_of_the_application(self):
        self.run_check("can be loaded", "can be reached",
                       f"LD_LIBRARY_PATH={HOST_FOLDER}:/app/lib",
                       **{**COMPLETE, "LD_LIBRARY_PATH": HOST_FOLDER})

    def test_check_in_each_language(self):
        """The runtime has no catalogs of smartcardd, the system has."""
        for language in translation.languages():
            if translation.why_not(language):
                self.skipTest(translation.why_not(language))
        catalogs = ("--tmpfs", "/usr/share/locale", "--ro-bind", built("po"),
                    "/run/host/usr/share/locale", "--ro-bind", translation.LOCALES,
                    translation.LOCALES)
        sandbox = self.make_sandbox(more=catalogs, **COMPLETE)
        for language in translation.languages():
            speak = translation.catalog(language).gettext
            words = [f"{name}={value}" for name, value in translation.environment(language).items()]
            output = subprocess.run([*sandbox, "env", *words, built("cli/smartcardctl"), "run",
                                     "--check"], check=True, text=True, timeout=events.LIMIT_S,
                                    stdout=subprocess.PIPE).stdout
            library = os.path.join(HOST_FOLDER, os.path.basename(LIBRARY))
            self.assertEqual(output.splitlines(),
                             [speak("The library can be loaded: %s") % library,
                              speak("smartcardd can be reached"),
                              speak("The environment of the sandbox is complete")])

    def check(self, script):
        self.assertEqual(script.line(), f"establish {SUCCESS}")
        self.assertEqual(script.line(), "readers 00000001")
        self.assertEqual(script.line(), f"transmit {SUCCESS} 9000")
        self.assertEqual(script.line(), f"wait {SUCCESS}")
        self.assertEqual(script.line(), "waiting")
        self.simulator().remove("A")
        self.assertEqual(script.rest(), [f"removed {SUCCESS}", f"release {SUCCESS}"])

    def test_as_documented(self):
        """For a runtime with any version of pcsc-lite."""
        self.check(self.start_sandbox(**COMPLETE))

    def test_without_the_library(self):
        """The socket of pcscd is not there."""
        script = self.start_sandbox()
        self.assertEqual(script.rest(), [f"establish {NO_SERVICE}"])

    def test_without_the_permission_to_talk(self):
        script = self.start_sandbox(talk=False, LD_LIBRARY_PATH=HOST_FOLDER)
        self.assertEqual(script.rest(), [f"establish {NO_SERVICE}"])


if __name__ == "__main__":
    case.main()
