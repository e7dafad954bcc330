#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installation: all files, valid and in their places, and a service that starts.

The files are installed into a folder of the private namespace, and then mounted over its /usr, so that
the tools of the machine (systemd, the bus) find them where they will find them on a real one.
"""

import configparser
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import Gio, GLib

from scdtest.cases import case
from scdtest.testbed.testbed import BUILD, counts_coverage, simulated_reader

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = "/run/scd/root"
USERS = "/run/scd/users"
SYSTEM_BUS = "/usr/share/dbus-1/system.conf"
BUS = "org.freedesktop.DBus"
NAME = "org.smartcardd1"
NOBODY = "65534"

# The name of a file to which a program of a build that counts coverage writes its counts.
COUNTER_FILE = re.compile(rb"/[^\0]*\.gcda\0")

EXPECTED = {
    "bin/smartcardctl",
    "etc/polkit-1/rules.d/60-smartcardd-groups.rules",
    "etc/smartcardd/lock.conf",
    "etc/smartcardd/smartcardd.conf",
    "lib/smartcardd/libpcsclite-dbus.so.1",
    "lib/smartcardd/libpcsclite.so.1",
    "lib/security/pam_smartcardd.so",
    "lib/systemd/catalog/smartcardd.catalog",
    "lib/systemd/system/smartcardd.service",
    "lib/systemd/user/smartcardd-lock.service",
    "lib/sysusers.d/smartcardd.conf",
    "lib/tmpfiles.d/smartcardd-login.conf",
    "lib/tmpfiles.d/smartcardd.conf",
    "lib/udev/rules.d/60-smartcardd.rules",
    "lib/udev/smartcardd-reader-id",
    "libexec/smartcardd",
    "libexec/smartcardd-gnome",
    "libexec/smartcardd-lock",
    "share/bash-completion/completions/smartcardctl",
    "share/dbus-1/interfaces/org.smartcardd1.Card.xml",
    "share/dbus-1/interfaces/org.smartcardd1.Manager.xml",
    "share/dbus-1/interfaces/org.smartcardd1.Reader.xml",
    "share/dbus-1/interfaces/org.smartcardd1.Session.xml",
    "share/dbus-1/system-services/org.smartcardd1.service",
    "share/dbus-1/system.d/org.smartcardd1.conf",
    "share/doc/smartcardd/NEWS.md",
    "share/doc/smartcardd/README.md",
    "share/doc/smartcardd/SECURITY.md",
    "share/doc/smartcardd/introspection/tree.svg",
    "share/doc/smartcardd/tests/bench/bench.svg",
    "share/fish/vendor_completions.d/smartcardctl.fish",
    "share/man/man1/smartcardctl.1",
    "share/man/man5/org.smartcardd1.5",
    "share/man/man5/smartcardd.conf.5",
    "share/man/man8/pam_smartcardd.8",
    "share/man/man8/smartcardd-gnome.8",
    "share/man/man8/smartcardd-lock.8",
    "share/man/man8/smartcardd.8",
    "share/metainfo/org.smartcardd.smartcardd.metainfo.xml",
    "share/pkgconfig/smartcardd.pc",
    "share/polkit-1/actions/org.smartcardd1.policy",
    "share/polkit-1/rules.d/50-smartcardd.rules",
    "share/smartcardd/gnome.conf",
    "share/zsh/site-functions/_smartcardctl",
}


def setUpModule():
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", ROOT],
                   check=True, stdout=subprocess.DEVNULL)
    add_user()
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={ROOT}/usr:/usr",
                    "/usr"], check=True)


def add_user():
    """Adds the user of the service, as systemd-sysusers does."""
    if not shutil.which("systemd-sysusers"):
        raise unittest.SkipTest("systemd-sysusers is not installed")
    os.makedirs(USERS + "/etc")
    for name in ("passwd", "group"):
        shutil.copy("/etc/" + name, USERS + "/etc")
    with open(installed("lib/sysusers.d/smartcardd.conf"), encoding="utf-8") as file:
        subprocess.run(["systemd-sysusers", "--root=" + USERS, "-"], stdin=file, check=True,
                       capture_output=True)
    for name in ("passwd", "group"):
        subprocess.run(["mount", "--bind", f"{USERS}/etc/{name}", "/etc/" + name], check=True)


def installed(path=None):
    """The file of that place below the prefix; without one all of them, place → file.

    The folder of libraries is lib/, whatever the machine.
    """
    found = {}
    for folder, _, names in os.walk(ROOT):
        for name in names:
            file = os.path.join(folder, name)
            place = re.sub("^/(usr/local/|usr/)?", "", file.removeprefix(ROOT))
            found[re.sub("^lib(64)?/([^/]+-linux-[^/]+/)?", "lib/", place)] = file
    return found[path] if path else found


def seen(path):
    """Returns the path of the file in /usr, where the installation is mounted."""
    return installed(path).removeprefix(ROOT)


def sections(path):
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(installed(path))
    return parser


def without_debug_information(file):
    """Returns the content of a file, without debug information."""
    stripped = "/run/scd/stripped"
    strip = subprocess.run(["strip", "--strip-debug", "-o", stripped, file], capture_output=True)
    with open(file if strip.returncode else stripped, "rb") as content:
        return content.read()


def languages():
    with open(os.path.join(SOURCE, "po", "LINGUAS"), encoding="utf-8") as file:
        return [line.strip() for line in file if not line.startswith("#")]


def documents():
    """All files of docs/ and examples/ but those of the build."""
    return {f"share/doc/smartcardd/{os.path.relpath(os.path.join(path, name), SOURCE)}"
            for folder in ("docs", "examples")
            for path, _, names in os.walk(os.path.join(SOURCE, folder)) for name in names
            if name not in ("meson.build", "update-tables.py") and "__pycache__" not in path}


def client_library():
    """The files of the client library, and those for other languages if they were built."""
    headers = {name for name in os.listdir(os.path.join(SOURCE, "client"))
               if re.fullmatch(r"smartcardd-.*\.h", name)}
    files = {f"include/smartcardd-glib-1/{name}" for name in headers | {"smartcardd-enum-types.h"}}
    files |= {f"lib/libsmartcardd-glib-1.so{suffix}" for suffix in ("", ".0", ".0.0.0")}
    files.add("lib/pkgconfig/smartcardd-glib-1.pc")
    for built, places in (
            ("Smartcardd-1.typelib", ("lib/girepository-1.0/Smartcardd-1.typelib",
                                      "share/gir-1.0/Smartcardd-1.gir")),
            ("smartcardd-glib-1.vapi", ("share/vala/vapi/smartcardd-glib-1.deps",
                                        "share/vala/vapi/smartcardd-glib-1.vapi"))):
        if os.path.exists(os.path.join(BUILD, "client", built)):
            files.update(places)
    return files


def request_name(user):
    """Returns the reply of the bus to a user that requests the service's name."""
    return subprocess.run(
        ["setpriv", "--reuid", user, "--clear-groups", "gdbus", "call", "--system", "--dest", BUS,
         "--object-path", "/", "--method", BUS + ".RequestName", NAME, "4"],
        capture_output=True, text=True)


class Files(unittest.TestCase):
    def test_list_of_files(self):
        catalogs = {f"share/locale/{language}/LC_MESSAGES/smartcardd.mo"
                    for language in languages()}
        reference = {place for place in installed()
                     if place.startswith("share/doc/smartcardd-glib-1/reference/")}
        self.assertEqual(set(installed()) - reference,
                         EXPECTED | catalogs | documents() | client_library())
        self.assertEqual(bool(reference), os.path.exists(os.path.join(BUILD, "client",
                                                                      "reference")))

    def test_unit_is_valid(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        unit = installed("lib/systemd/system/smartcardd.service")
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                capture_output=True, text=True)
        complaints = [line for line in result.stderr.splitlines() if "smartcardd" in line]
        self.assertEqual((result.returncode, complaints), (0, []))

    def test_unit_is_confined(self):
        """systemd-analyze gives at most 1.0; its threshold is ten times the score."""
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        unit = installed("lib/systemd/system/smartcardd.service")
        result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                 "--threshold=10", unit], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_unit_unsets_variables_that_load_code(self):
        with open(installed("lib/systemd/system/smartcardd.service"), encoding="utf-8") as file:
            unset = [name for line in file if line.startswith("UnsetEnvironment=")
                     for name in line.strip().partition("=")[2].split()]
        for name in ("LD_LIBRARY_PATH", "LD_PRELOAD", "LIBPCSCLITE_DELEGATE"):
            self.assertIn(name, unset)

    def test_readers_start_the_unit(self):
        """systemd has a rule that pulls in smartcard.target for each reader."""
        unit = sections("lib/systemd/system/smartcardd.service")
        self.assertEqual(unit["Install"]["WantedBy"], "smartcard.target")

    def test_unit_may_execute_itself(self):
        """The service executes itself to recover from a libpcsclite that hangs."""
        unit = sections("lib/systemd/system/smartcardd.service")["Service"]
        self.assertEqual(unit["NoExecPaths"], "/")
        self.assertIn(unit["ExecStart"], unit["ExecPaths"].split())

    def test_files_do_not_contain_the_build_path(self):
        for path, file in installed().items():
            content = without_debug_information(file)
            if counts_coverage():
                content = COUNTER_FILE.sub(b"", content)
            for folder in (BUILD, SOURCE):
                self.assertFalse(folder.encode() in content, path)

    def test_udev_rule_is_valid(self):
        """It imports a program that is there; tests/usb/test_udev_rule.py has what it does."""
        rule = installed("lib/udev/rules.d/60-smartcardd.rules")
        with open(rule, encoding="utf-8") as file:
            program, = re.findall(r'IMPORT\{program\}="([^ ]*) ', file.read())
        self.assertTrue(os.access(os.path.join(os.path.dirname(rule), "..", program), os.X_OK))
        if subprocess.run("udevadm verify --version", shell=True, capture_output=True).returncode:
            self.skipTest("udevadm verify is not installed")
        subprocess.run(["udevadm", "verify", rule], stdout=sys.stderr, check=True)  # it is no TAP

    def test_activation_and_unit_agree(self):
        activation = sections("share/dbus-1/system-services/org.smartcardd1.service")
        unit = sections("lib/systemd/system/smartcardd.service")["Service"]
        service = activation["D-BUS Service"]
        self.assertEqual(service["Name"], NAME)
        self.assertEqual(service["SystemdService"], "smartcardd.service")
        self.assertEqual(service["User"], unit["User"])
        self.assertEqual(service["Exec"], unit["ExecStart"])
        self.assertEqual(service["Exec"], seen("libexec/smartcardd"))

    def test_polkit_actions_speak_each_language(self):
        path = installed("share/polkit-1/actions/org.smartcardd1.policy")
        subprocess.run(["xmllint", "--noout", "--nonet", "--dtdvalid",
                        "/usr/share/polkit-1/policyconfig-1.dtd", path], check=True)
        for action in ElementTree.parse(path).iter("action"):
            for tag in ("description", "message"):
                spoken = [text.get("{http://www.w3.org/XML/1998/namespace}lang")
                          for text in action.iter(tag)]
                self.assertEqual(sorted(filter(None, spoken)), sorted(languages()))

    def test_manual_pages_have_no_faults(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        for path, file in installed().items():
            if path.startswith("share/man/"):
                page = subprocess.run(["groff", "-ww", "-K", "utf8", "-man", "-Tutf8", file],
                                      capture_output=True, text=True, check=True)
                self.assertEqual(page.stderr, "", path)
                self.assertNotRegex(page.stdout, r"@[A-Z]+@", path)

    def test_manual_page_has_each_member(self):
        with open(installed("share/man/man5/org.smartcardd1.5"), encoding="utf-8") as file:
            page = file.read()
        for path, file in installed().items():
            if not path.startswith("share/dbus-1/interfaces/"):
                continue
            for interface in ElementTree.parse(file).iter("interface"):
                part = page.partition(f'"INTERFACE {interface.get("name")}"')[2].partition(".SH")[0]
                told = re.findall(r'^\.B "(\w+)', part, re.M)
                self.assertCountEqual(told, [member.get("name") for member in interface
                                             if member.tag != "annotation"])

    def test_interfaces_are_found_by_pkg_config(self):
        folder = os.path.dirname(installed("share/pkgconfig/smartcardd.pc"))
        answer = subprocess.run(["pkg-config", "--variable=interfaces_dir", "smartcardd"],
                                env={**os.environ, "PKG_CONFIG_PATH": folder}, check=True,
                                capture_output=True, text=True).stdout.strip()
        self.assertTrue(os.path.exists(f"{ROOT}{answer}/org.smartcardd1.Reader.xml"), answer)

    def test_metainfo_is_valid(self):
        """The missing web page, which newer validators require, is tolerated."""
        if not shutil.which("appstreamcli"):
            self.skipTest("appstreamcli is not installed")
        told = subprocess.run(["appstreamcli", "validate", "--no-net", installed(
            "share/metainfo/org.smartcardd.smartcardd.metainfo.xml")], capture_output=True,
            text=True).stdout
        self.assertIn("alidation", told)
        self.assertEqual([line for line in re.findall(r"^[EW]: .*", told, re.M)
                          if "url-homepage-missing" not in line], [])

    def test_catalog_is_valid(self):
        """journalctl reads the catalog and prints a subject for each message."""
        if not shutil.which("journalctl"):
            self.skipTest("journalctl is not installed")
        with open(installed("lib/systemd/catalog/smartcardd.catalog"), encoding="utf-8") as file:
            numbers = re.findall(r"^-- ([0-9a-f]{32})$", file.read(), re.M)
        root = "/run/scd/catalog"
        shutil.copytree(os.path.dirname(installed("lib/systemd/catalog/smartcardd.catalog")),
                        root + "/usr/lib/systemd/catalog")
        os.makedirs(root + "/var/lib/systemd/catalog")
        subprocess.run(["journalctl", "--root=" + root, "--update-catalog"], check=True)
        listed = subprocess.run(["journalctl", "--root=" + root, "--no-pager", "--list-catalog"],
                                check=True, capture_output=True, text=True).stdout
        self.assertCountEqual(re.findall(r"^([0-9a-f]{32}) smartcardd: \S.*$", listed, re.M),
                              numbers)

    def test_bus_policy_is_well_formed(self):
        subprocess.run(["xmllint", "--noout", "--nonet",
                        installed("share/dbus-1/system.d/org.smartcardd1.conf")], check=True)


class Service(case.TestBedTest):
    """The service on a bus with the installed policy."""

    def setUp(self):
        super().setUp()
        self.testbed.start_bus(policy=installed("share/dbus-1/system.d/org.smartcardd1.conf"))
        self.testbed.start_pcscd([simulated_reader("A")])

    def start_as(self, user):
        self.testbed.start_service(
            program=seen("libexec/smartcardd"),
            command=["setpriv", "--reuid", user, "--regid", user, "--clear-groups",
                     "--no-new-privs", "--bounding-set=-all"])

    def test_runs_as_its_user_for_everybody(self):
        self.start_as("smartcardd")
        status = subprocess.run(["setpriv", "--reuid", NOBODY, "--clear-groups",
                                 seen("bin/smartcardctl"), "list"],
                                capture_output=True, text=True)
        self.assertEqual((status.returncode, status.stderr), (0, ""))
        self.assertIn("Reader A 00 00", status.stdout)

    def test_other_users_cannot_own_the_name(self):
        refused = request_name(NOBODY)
        self.assertIn("AccessDenied", refused.stderr)
        granted = request_name("smartcardd")
        self.assertEqual(granted.stdout, "(uint32 1,)\n", granted.stderr)


class SystemBus(case.TestBedTest):
    """A bus with the configuration of the machine, which activates the service."""

    def setUp(self):
        super().setUp()
        if not os.path.exists(SYSTEM_BUS):
            self.skipTest(SYSTEM_BUS + " is not installed")
        if not seen("bin/smartcardctl").startswith("/usr/bin/"):
            self.skipTest("another prefix than /usr, where a system bus does not look")
        self.testbed.start_bus(config=SYSTEM_BUS)

    def test_first_call_starts_it_as_its_user(self):
        client = self.recorder()
        self.assertEqual(client.readers(), {})
        (pid,) = client.connection.call_sync(
            BUS, "/", BUS, "GetConnectionUnixProcessID", GLib.Variant("(s)", (NAME,)), None,
            Gio.DBusCallFlags.NONE, -1, None).unpack()
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), seen("libexec/smartcardd"))
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            uid = re.search(r"^Uid:\t(\d+)", file.read(), re.M).group(1)
        self.assertEqual(uid, subprocess.run(["id", "-u", "smartcardd"], capture_output=True,
                                             text=True, check=True).stdout.strip())
        os.kill(pid, signal.SIGTERM)
        client.wait(lambda: any(signal.member == "NameOwnerChanged" and not signal.arguments[2]
                                for signal in client.signals), "the service ends")


if __name__ == "__main__":
    case.main()
