#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The function need_packages of tests/setup/machine.sh, with a real apt and dpkg.

apt works in folders of the test: its lists, its cache, the database of dpkg and the place where
packages are installed. It downloads from a repository of one package in a folder, so neither the
network nor the packages of the machine are involved.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scdtest.cases import case

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE = "scd-test-package"
CONTROL = f"""Package: {PACKAGE}
Version: 1
Architecture: all
Maintainer: test <test@localhost>
Description: a package for a test
"""
SETTINGS = """Dir::State "{0}/state";
Dir::State::status "{0}/dpkg/status";
Dir::Cache "{0}/cache";
Dir::Log "{0}/log";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/nonexistent";
Dir::Etc::sourcelist "{0}/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Sandbox::User "root";
DPkg::Options {{ "--admindir={0}/dpkg"; "--instdir={0}/root"; "--force-not-root";
                 "--log={0}/log/dpkg.log"; }};
"""


class Packages(unittest.TestCase):
    def setUp(self):
        for program in ("apt-get", "dpkg-deb"):
            if not shutil.which(program):
                self.skipTest(program + " is not installed")
        self.folder = tempfile.mkdtemp(prefix="scd-packages.")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("state/lists/partial", "cache/archives/partial", "dpkg/info", "dpkg/updates",
                     "log/apt", "root", "repository", "package/DEBIAN"):
            os.makedirs(self.path(name))
        self.write("dpkg/status", "")
        self.write("dpkg/available", "")
        self.write("apt.conf", SETTINGS.format(self.folder))
        self.write("wanted", PACKAGE + "\n")
        self.make_repository()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def make_repository(self):
        self.write("package/DEBIAN/control", CONTROL)
        package = self.path(f"repository/{PACKAGE}.deb")
        subprocess.run(["dpkg-deb", "--build", self.path("package"), package], check=True,
                       stdout=subprocess.DEVNULL)
        digest = subprocess.run(["sha256sum", package], check=True, capture_output=True,
                                text=True).stdout.split()[0]
        self.write("repository/Packages", CONTROL + f"Filename: ./{PACKAGE}.deb\n"
                   f"Size: {os.path.getsize(package)}\nSHA256: {digest}\n")
        self.write("sources.list", f"deb [trusted=yes] file:{self.path('repository')} ./\n")

    def start(self):
        """Starts need_packages for the one package."""
        script = f". tests/setup/machine.sh; need_packages {self.path('wanted')}"
        process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], cwd=SOURCE,
                                   env={**os.environ, "APT_CONFIG": self.path("apt.conf")},
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        return process

    def finish(self, process, status=0):
        """Returns the rest of its messages."""
        text = process.stderr.read()
        self.assertEqual(process.wait(), status, text)
        return text

    def assert_installed(self):
        with open(self.path("dpkg/status"), encoding="utf-8") as file:
            self.assertIn(f"Package: {PACKAGE}\nStatus: install ok installed", file.read())

    def wait_with_lock(self, name):
        """Starts need_packages while this process has the lock, and releases it on the message."""
        with open(self.path(name), "w", encoding="utf-8") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            process = self.start()
            line = process.stderr.readline()
        self.assertIn("Waiting until another program has finished with apt: ", line)
        self.assertIn(self.path(name), line)
        self.assertIn(f"process {os.getpid()}", line)
        self.assertEqual(self.finish(process), "")
        self.assert_installed()

    def test_installs(self):
        self.assertEqual(self.finish(self.start()), "")
        self.assert_installed()

    def test_waits_for_the_frontend_lock(self):
        self.wait_with_lock("dpkg/lock-frontend")

    def test_waits_for_the_lock_of_dpkg(self):
        self.wait_with_lock("dpkg/lock")

    def test_waits_for_the_lock_of_the_lists(self):
        self.wait_with_lock("state/lists/lock")

    def test_waits_for_the_lock_of_the_cache(self):
        self.wait_with_lock("cache/archives/lock")

    def test_unknown_package(self):
        self.write("wanted", "scd-no-such-package\n")
        text = self.finish(self.start(), 1)
        self.assertIn("Unable to locate package scd-no-such-package", text)
        self.assertIn("dpkg --configure -a", text)
        self.assertIn("apt-get install --no-install-recommends scd-no-such-package", text)

    def test_no_source(self):
        self.write("sources.list", "deb [trusted=yes] file:/nonexistent ./\n")
        text = self.finish(self.start(), 1)
        self.assertIn("Check the network", text)


if __name__ == "__main__":
    case.main()
