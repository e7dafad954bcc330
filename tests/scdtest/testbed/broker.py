# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs dbus-broker instead of dbus-daemon, if it is installed.

Its launcher requires a socket passed as systemd does it, and a socket for its log; it needs systemd
itself only to start a service.
"""

import os
import shutil
import socket

from scdtest.testbed import events
from scdtest.testbed.bus import write_bus_config
from scdtest.testbed.process import Process
from scdtest.testbed.testbed import BUS_ADDRESS, BUS_SOCKET

JOURNAL = "/run/systemd/journal/socket"


def is_there():
    return all(map(shutil.which, ("dbus-broker-launch", "systemd-socket-activate")))


class Broker(Process):
    def __init__(self, folder, policy):
        config = os.path.join(folder, "broker.conf")
        write_bus_config(config, BUS_ADDRESS, policy)
        os.makedirs(os.path.dirname(JOURNAL), exist_ok=True)
        self._journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._journal.bind(JOURNAL)
        super().__init__("dbus-broker", ["systemd-socket-activate", "--listen=" + BUS_SOCKET,
                                         "dbus-broker-launch", "--scope=system",
                                         "--config-file=" + config])
        events.wait_for_listener(BUS_SOCKET)
        os.chmod(BUS_SOCKET, 0o666)

    def stop(self, *arguments, **options):
        super().stop(*arguments, **options)
        self._journal.close()
        os.unlink(JOURNAL)
        os.unlink(BUS_SOCKET)
