#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with Flatpak: an application in its sandbox uses a card, as docs/pcsc-library.md says.

The runtime is made here, of files of this machine. It has opensc-tool, a PC/SC program.
"""

import itertools
import os
import re
import shutil

from booted import BootTest, main, on_seat, run

PAGE = "/src/docs/pcsc-library.md"
APP, RUNTIME, BRANCH = "org.smartcardd1.Test", "org.smartcardd1.Platform", "stable"
FOLDER = "/home/tester/made"
REPO = FOLDER + "/repo"
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
PROGRAMS = ("env", "opensc-tool", "sh")
LOADED = (LIBRARIES + "libpcsclite.so.1", LIBRARIES + "libpcsclite_real.so.1")
FROM_HOST = ("/usr/bin/smartcardctl", LIBRARIES + "smartcardd/libpcsclite-dbus.so.1")
USE_CARD = ("flatpak", "run", APP, "--send-apdu", "00CA000000")

# The sessions of logind have CAP_WAKE_ALARM, with which bwrap does not start.
WITHOUT_CAPABILITIES = ("setpriv", "--ambient-caps=-all", "--inh-caps=-all")


def documented(command):
    """Returns the words of the command of the page that begins like this."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    return re.search(rf"^\$ ({command} .*)$", text, re.M)[1].split()


def libraries(program):
    """Returns the files of the shared libraries of a program or library, and of the linker."""
    return re.findall(r"(/\S+) \(0x", run("ldd", program))


def copy_files(target):
    """Copies programs with their libraries to the folder that is /usr in the sandbox."""
    files = {os.path.realpath(shutil.which(name)) for name in PROGRAMS} | set(LOADED)
    for program in (*files, *FROM_HOST):
        files.update(libraries(program))
    files.add(os.path.realpath(shutil.which("ldconfig")))  # flatpak runs it
    for file in files:
        place = target + file.removeprefix("/usr")  # /lib is a link to /usr/lib
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy(file, place)
    os.symlink("dash", target + "/bin/sh")
    os.makedirs(target + "/etc")


def make_part(folder, kind, name):
    os.makedirs(folder + "/files/lib")
    os.makedirs(folder + "/export")
    with open(folder + "/metadata", "w", encoding="ascii") as file:
        file.write(f"[{kind}]\nname={name}\nruntime={RUNTIME}/x86_64/{BRANCH}\n"
                   f"sdk={RUNTIME}/x86_64/{BRANCH}\ncommand=opensc-tool\n")


class Flatpak(BootTest):
    @classmethod
    def setUpClass(cls):
        make_part(FOLDER + "/app", "Application", APP)
        make_part(FOLDER + "/runtime", "Runtime", RUNTIME)
        copy_files(FOLDER + "/runtime/usr")
        run("chown", "-R", "tester:", FOLDER)
        cls.terminals = itertools.count(8)
        for words in (["--runtime", REPO, FOLDER + "/runtime"], [REPO, FOLDER + "/app"]):
            cls.as_user("flatpak", "build-export", *words, BRANCH)
        cls.as_user("flatpak", "--user", "remote-add", "--no-gpg-verify", "here",
                    "file://" + REPO)
        cls.as_user("flatpak", "--user", "install", "--noninteractive", "here", APP)
        cls.as_user(*documented("flatpak override"))

    @classmethod
    def as_user(cls, *command):
        """Runs a command in a session of tester, in front."""
        terminal = next(cls.terminals)
        run("chvt", str(terminal))
        return run(*on_seat(terminal), *WITHOUT_CAPABILITIES,
                   *(APP if word == "APP" else word for word in command))

    def setUp(self):
        super().setUp()
        self.wait_for_service()
        self.wait_for_places()
        self.wait_for_card("a")

    def test_the_sandbox_is_complete(self):
        said = self.as_user(*documented("flatpak run"))
        self.assertIn("The environment of the sandbox is complete", said)

    def test_a_program_uses_a_card(self):
        said = self.as_user(*USE_CARD)
        self.assertIn("SW1=0x90", said)

    def test_a_sandbox_without_the_permission_to_talk(self):
        self.as_user("flatpak", "override", "--user", "--system-no-talk-name=org.smartcardd1", APP)
        self.addCleanup(self.as_user, *documented("flatpak override"))
        with self.assertRaisesRegex(AssertionError, "--system-talk-name=org.smartcardd1"):
            self.as_user(*documented("flatpak run"))
        with self.assertRaisesRegex(AssertionError, "No smart card readers found"):
            self.as_user(*USE_CARD)


if __name__ == "__main__":
    main()
