# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of tests of the client library (client/), by its introspection data."""

import os
import unittest

import gi
from gi.repository import Gio, GLib

from scdtest.cases.sessions import SessionTest
from scdtest.testbed import events
from scdtest.testbed.testbed import SOURCE, built

TYPELIB = built("client/Smartcardd-1.typelib")

DEFAULT, NO_LIMIT = -1, 2147483647


def environment():
    """For programs that use the library of the build folder."""
    return {"GI_TYPELIB_PATH": built("client"), "LD_LIBRARY_PATH": built("client")}


def load():
    """Returns the namespace, or None if the build has no introspection data."""
    if not os.path.exists(TYPELIB):
        return None
    from gi.repository import GIRepository
    repository = (GIRepository.Repository.dup_default()
                  if hasattr(GIRepository.Repository, "dup_default") else
                  GIRepository.Repository.get_default())
    repository.prepend_search_path(built("client"))
    repository.prepend_library_path(built("client"))
    gi.require_version("Smartcardd", "1")
    from gi.repository import Smartcardd
    return Smartcardd


Smartcardd = load()


def to_bytes(text):
    return GLib.Bytes.new(bytes.fromhex(text))


class Result:
    """The result of an asynchronous call, which a test waits for."""

    def __init__(self):
        self._result = None

    def callback(self, source, result, *_data):
        self._result = (source, result)

    @property
    def is_there(self):
        return self._result is not None

    def wait(self):
        events.wait_until(lambda: self._result, "an asynchronous call ends")
        return self._result


@unittest.skipUnless(Smartcardd, "built without introspection")
class LibraryTest(SessionTest):
    def make_client(self):
        return Smartcardd.Client.new(None)

    def start_client(self, settings=""):
        self.start(settings)
        self.library = self.make_client()
        return self.library

    def start_bus_without_channels(self):
        """Starts a bus that denies OpenChannel: commands are method calls."""
        with open(os.path.join(SOURCE, "data", "org.smartcardd1.conf"), encoding="utf-8") as file:
            policy = file.read()
        path = os.path.join(self.testbed.folder, "policy.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(policy.replace("</busconfig>", """
  <policy context="mandatory">
    <deny send_interface="org.smartcardd1.Session" send_member="OpenChannel"/>
  </policy>
</busconfig>"""))
        self.testbed.start_bus(policy=path)

    def card(self):
        return self.library.get_cards()[0]

    def connect(self, share_mode=None, card=None):
        return (card or self.card()).open_session(
            share_mode or Smartcardd.ShareMode.SHARED, Smartcardd.Protocols.ANY, DEFAULT, None)

    def transmit(self, session, command, timeout=DEFAULT, cancellable=None):
        """Hex in, upper-case hex out."""
        response = session.transmit(to_bytes(command), timeout, cancellable)
        return response.get_data().hex().upper()

    def start_call(self, method, *arguments):
        """Starts the asynchronous twin of a method; the last argument is its cancellable."""
        result = Result()
        method(*arguments, result.callback)
        return result

    def assert_error(self, code, words, function, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            function(*arguments)
        error = caught.exception
        self.assertTrue(error.matches(Smartcardd.error_quark(), code),
                        f"{error.domain} {error.code} {error.message}")
        self.assertEqual(error.domain, "smartcardd-error-quark")
        self.assertIn(words, error.message)

    def cancel_soon(self, cancellable):
        GLib.idle_add(lambda: cancellable.cancel() and False)

    def follow(self, *signals):
        """Records signals of the client, as (name, object)."""
        seen = []
        for name in signals:
            self.library.connect(name, lambda _client, thing, name=name: seen.append((name, thing)))
        return seen


def new_cancellable():
    return Gio.Cancellable.new()
