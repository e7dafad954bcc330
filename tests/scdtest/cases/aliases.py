# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests of aliases: readers at USB ports, a state and a settings folder."""

import os

from scdtest.cases.identity import SERIAL, USB_PATH, IdentityTest, text
from scdtest.clients import client
from scdtest.clients.client import Client, Refused

READER = "org.smartcardd1.Reader"


class AliasTest(IdentityTest):
    """Readers A, B, … at the ports 1-1, 1-2, …"""

    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.testbed.folder, "state")
        self.settings = os.path.join(self.testbed.folder, "settings")
        os.mkdir(self.state)
        os.mkdir(self.settings)

    def new_caller(self):
        caller = Client()
        self._clients.append(caller)
        return caller

    def start_at_ports(self, ports="AB", serials=""):
        """ports: the reader at each port, in the order of ports."""
        self.start(*sorted(ports))
        for number, name in enumerate(ports, 1):
            self.control(name, USB_PATH, text(f"1-{number}:1.0"))
        for name, serial in zip(sorted(ports), serials):
            self.attribute(name, SERIAL, text(serial))
        self.start_service()
        self.caller = self.new_caller()

    def start_service(self, *options, **keywords):
        super().start_service("--config", os.path.join(self.settings, "smartcardd.conf"),
                              *(options or ("--state", self.state)), **keywords)

    def restart_service(self, *options, **keywords):
        self.testbed.stop_service()
        self.start_service(*options, **keywords)

    def send_alias(self, name, alias, **options):
        return self.caller.send(self.client.reader("Reader " + name), READER, "SetAlias", alias,
                                client.options(**options))

    def set_alias(self, name, alias, **options):
        self.send_alias(name, alias, **options).wait()

    def refusal(self, name, alias, **options):
        """Returns name and message of the error."""
        with self.assertRaises(Refused) as caught:
            self.set_alias(name, alias, **options)
        return caught.exception.name, caught.exception.message

    def assert_invalid(self, words, name, alias, **options):
        error, message = self.refusal(name, alias, **options)
        self.assertEqual(error, "InvalidArgs", alias)
        self.assertIn(words, message)

    def aliases(self):
        """Returns a map of readers that have an alias to it."""
        return {properties["Name"].split()[2]: properties["Alias"]
                for _, properties in self.client.readers().values() if properties["Alias"]}

    def setting(self, name, *lines, group="Aliases"):
        """Returns the path of the new file, whose second line is the first one of lines."""
        path = os.path.join(self.settings, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join([f"[{group}]", *lines, ""]))
        return path

    def file(self):
        with open(os.path.join(self.state, "aliases"), encoding="utf-8") as file:
            return file.read()

    def write_many(self, count):
        """Writes aliases of readers that are absent."""
        lines = "".join(f"n{number}=port 200-{number // 255 + 1}.{number % 255 + 1}\n"
                        for number in range(count))
        self.write_file(b"[Aliases]\n" + lines.encode())

    def write_file(self, content):
        with open(os.path.join(self.state, "aliases"), "wb") as file:
            file.write(content)
