#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time limits and names that the library passes with its calls: PC/SC waits without a limit."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.clients.program import Program
from scdtest.fakes.fake_service import FakeService
from scdtest.testbed.testbed import built

NO_LIMIT = 0xFFFFFFFF
TRANSMIT, GET_ATTRIBUTE, BEGIN, END = 0, 2, 3, 4
SUCCESS, TIMEOUT, SHARING_VIOLATION = 0, 0x8010000A, 0x8010000B
ORDERS = """connect shared Fake 00 00
begin
transmit 80100000
end leave
reconnect leave
wait Fake 00 00
disconnect reset
"""


def answer_of(code):
    return struct.pack("<II", code, 0)


class CallLifetime(case.TestBedTest):
    def setUp(self):
        super().setUp()
        self.testbed.start_bus()
        self.requests = []  # (operation, time limit)

    def run_program(self, orders, on_request=lambda operation: SUCCESS, environment=(), **answers):
        """Returns the lines of the program, and the calls of the service."""
        def on_packet(packet):
            operation, _, limit = struct.unpack("<B3xII", packet[:12])
            self.requests.append((operation, limit))
            return answer_of(on_request(operation))

        service = FakeService(on_packet, **answers)
        program = Program([built("tests/pcsc-client/scd-pcsc-client")], text=orders,
                          environment={"LD_LIBRARY_PATH": built("libpcsclite-dbus"),
                                       **dict(environment)})
        self.addCleanup(program.close)
        self.assertEqual(program.wait(), 0, program.errors)
        service.close()
        return program.lines, service.calls

    @staticmethod
    def options(calls):
        """By method, the time limit; and all call-ids."""
        options = {method: arguments[-1] for method, arguments in calls
                   if arguments and isinstance(arguments[-1], dict)}
        return ({method: given.get("timeout-ms") for method, given in options.items()},
                [given["call-id"] for given in options.values() if "call-id" in given])

    def test_calls_have_no_time_limit(self):
        lines, calls = self.run_program(ORDERS)
        self.assertEqual(lines, ["ok"] * 7)
        limits, ids = self.options(calls)
        self.assertEqual(limits, {"Connect": NO_LIMIT, "OpenChannel": None, "Reconnect": NO_LIMIT,
                                  "Refresh": 1000, "Close": NO_LIMIT})
        self.assertEqual(len(set(ids)), 3)  # nothing ends Close
        self.assertEqual(self.requests, [(BEGIN, NO_LIMIT), (TRANSMIT, NO_LIMIT), (END, NO_LIMIT)])

    def test_without_blocking(self):
        """Only what pcsc-lite does not wait for has the limit 0."""
        lines, calls = self.run_program(ORDERS, environment={"PCSCLITE_NO_BLOCKING": "1"}.items())
        self.assertEqual(lines, ["ok"] * 7)
        self.assertEqual(self.options(calls)[0],
                         {"Connect": NO_LIMIT, "OpenChannel": None, "Reconnect": 0,
                          "Refresh": 1000, "Close": NO_LIMIT})
        self.assertEqual(self.requests, [(BEGIN, NO_LIMIT), (TRANSMIT, 0), (END, NO_LIMIT)])

    def test_busy_reader_without_blocking(self):
        """A command is repeated while the reader is busy, and fails if others have it."""
        codes = {TRANSMIT: [TIMEOUT, TIMEOUT, SUCCESS, TIMEOUT],
                 GET_ATTRIBUTE: [SUCCESS, SUCCESS, SHARING_VIOLATION]}
        orders = "connect shared Fake 00 00\ntransmit 80100000\ntransmit 80100000\n"
        lines, _ = self.run_program(orders, lambda operation: codes[operation].pop(0),
                                    environment={"PCSCLITE_NO_BLOCKING": "1"}.items())
        self.assertEqual(lines, ["ok", "ok", "error 8010000B"])
        self.assertEqual(self.requests, [(TRANSMIT, 0), (GET_ATTRIBUTE, NO_LIMIT), (TRANSMIT, 0),
                                         (GET_ATTRIBUTE, NO_LIMIT), (TRANSMIT, 0), (TRANSMIT, 0),
                                         (GET_ATTRIBUTE, NO_LIMIT)])

    def test_errors_of_limits_and_arguments(self):
        for name, code in (("org.freedesktop.DBus.Error.LimitsExceeded", "80100006"),
                           ("org.freedesktop.DBus.Error.InvalidArgs", "80100004"),
                           ("org.freedesktop.DBus.Error.UnknownObject", "80100009"),
                           ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
                            "8010006A"),
                           ("org.smartcardd1.Error.NotAuthorized", "8010006A"),
                           ("org.smartcardd1.Error.RemovedCard", "80100069")):
            def refuse(invocation, name=name):
                invocation.return_dbus_error(name, "refused")
            lines, _ = self.run_program("connect shared Fake 00 00\n", Connect=refuse)
            self.assertEqual(lines, ["error " + code])

    def test_refused_close(self):
        """The session is still open, so the handle is, and can be closed later."""
        refused = []

        def close(invocation):
            if refused:
                invocation.return_value(GLib.Variant("()", ()))
                return
            refused.append(invocation)
            invocation.return_dbus_error("org.freedesktop.DBus.Error.LimitsExceeded", "refused")

        lines, _ = self.run_program("connect shared Fake 00 00\ndisconnect leave\n"
                                    "transmit 80100000\ndisconnect leave\n", Close=close)
        self.assertEqual(lines, ["ok", "error 80100006", "ok", "ok"])

    def test_cancel_names_the_call(self):
        """SCardCancel of a pending SCardConnect calls CancelCall with the call-id of Connect."""
        pending = []

        def cancel(invocation):
            pending[0].return_dbus_error("org.smartcardd1.Error.Cancelled", "cancelled")
            invocation.return_value(GLib.Variant("()", ()))

        lines, calls = self.run_program("cancelled-connect Fake 00 00\n", Connect=pending.append,
                                        CancelCall=cancel)
        self.assertEqual(lines, ["error 80100002"])
        call_id = self.options(calls)[1][0]
        self.assertIn(("CancelCall", (call_id,)), calls)


if __name__ == "__main__":
    case.main()
