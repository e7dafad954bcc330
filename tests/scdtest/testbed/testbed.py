# SPDX-License-Identifier: LGPL-2.1-or-later
"""A system bus, pcscd with simulated readers, and smartcardd: real parts, all private.

Everything that is started is stopped by close(), which also checks that it ended
as it should.
"""

import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile

from gi.repository import Gio

from scdtest.testbed import events
from scdtest.testbed.bus import write_bus_config
from scdtest.testbed.process import Process

BUS_SOCKET = "/run/dbus/system_bus_socket"
BUS_ADDRESS = "unix:path=" + BUS_SOCKET
PCSCD_SOCKET = "/run/pcscd/pcscd.comm"
NOTIFY_SOCKET = "/run/scd/notify"
SIMULATOR_SOCKET = "/run/scd/simulator"

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.path.abspath(os.environ.get("SCD_BUILD", os.path.join(SOURCE, "build")))


def built(path):
    return os.path.join(BUILD, path)


def counts_coverage():
    """Returns whether the programs count which of their lines are reached."""
    return os.path.exists(built("libpcsclite-dbus/libpcsclite-dbus.so.1.p/card.c.gcno"))


def writable_counts(*folders):
    """Returns words for bwrap(1), for programs of these folders to write their counts, if any."""
    return [word for folder in folders if counts_coverage()
            for word in ("--bind", built(folder), built(folder))]


def exported_symbols(library):
    """Returns the names that the library defines, without those of sanitizers and of gcov."""
    output = subprocess.run(["nm", "--dynamic", "--defined-only", library], check=True,
                            capture_output=True, text=True).stdout
    names = [line.split()[-1] for line in output.splitlines()]
    foreign = re.compile("__asan|__odr_asan|__ubsan|__gcov|mangle_path$")
    return sorted(name for name in names if not foreign.match(name))


def output_of_pcscd(option):
    return subprocess.run(["pcscd", option], capture_output=True, text=True, check=True).stdout


@functools.cache
def pcscd_version():
    """As a tuple: (2, 5, 3)."""
    return tuple(map(int, re.search(r"\d+(\.\d+)+", output_of_pcscd("--version"))[0].split(".")))


@functools.cache
def pcscd_options():
    """Returns the options without which some builds require a polkitd, which may not run."""
    return [option for option in ("--disable-polkit",) if option in output_of_pcscd("--help")]


def connect_to_bus():
    """Returns a new connection to the private bus, for the current effective user."""
    flags = Gio.DBusConnectionFlags
    return Gio.DBusConnection.new_for_address_sync(
        BUS_ADDRESS, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None)


class TestBed:
    """Starts each part separately; close() stops all."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(dir="/run/scd")
        self.bus = None
        self.pcscd = None
        self.service = None
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = BUS_ADDRESS
        os.environ["SCD_SIM_SOCKET"] = SIMULATOR_SOCKET

    def start_bus(self, config=None,
                  policy=os.path.join(SOURCE, "data", "org.smartcardd1.conf")):
        """config: of a whole bus, which listens on BUS_ADDRESS; else policy: our part of it."""
        if not config:
            config = os.path.join(self.folder, "bus.conf")
            write_bus_config(config, BUS_ADDRESS, policy)
        ready, child_end = os.pipe()
        self.bus = Process("dbus-daemon",
                           ["dbus-daemon", "--config-file", config, "--nofork", "--nopidfile",
                            f"--print-address={child_end}"], pass_fds=[child_end])
        os.close(child_end)
        with os.fdopen(ready) as pipe:
            assert pipe.readline(), f"the bus does not start:\n{self.bus.output}"

    def start_pcscd(self, readers=(), command=("pcscd",), environment=None, options=()):
        """readers: lines of reader.conf, as simulated_reader() makes them."""
        config = os.path.join(self.folder, "readers")
        os.makedirs(config, exist_ok=True)
        with open(os.path.join(config, "simulated"), "w", encoding="utf-8",
                  errors="surrogateescape") as file:
            file.write("\n".join(readers))
        os.makedirs(os.path.dirname(PCSCD_SOCKET), exist_ok=True)
        for left_over in (PCSCD_SOCKET, "/run/pcscd/pcscd.pid"):
            if os.path.exists(left_over):
                os.unlink(left_over)
        self.pcscd = Process("pcscd", [*command, "--foreground", "--config", config,
                                       *pcscd_options(), *options], environment)
        events.wait_for_listener(PCSCD_SOCKET)

    def stop_pcscd(self, number=signal.SIGTERM):
        if number == signal.SIGKILL:
            self.pcscd.kill()
        else:
            self.pcscd.stop(number)
        self.pcscd = None

    def start_service(self, *options, command=(), environment=None, program=None):
        """Returns when the service has notified that it is ready."""
        notify = events.NotifySocket(NOTIFY_SOCKET)
        program, checker = (program, {}) if program else service_program()
        variables = {"NOTIFY_SOCKET": NOTIFY_SOCKET, **checker, **(environment or {})}
        if "LD_PRELOAD" in checker and "LD_PRELOAD" in (environment or {}):
            variables["LD_PRELOAD"] = checker["LD_PRELOAD"] + ":" + environment["LD_PRELOAD"]
        self.service = Process("smartcardd", [*command, program, *options], variables)
        try:
            notify.wait_for("READY=1")
        except TimeoutError:
            raise AssertionError(f"not ready:\n{self.service.output}") from None
        finally:
            notify.close()

    def stop_service(self):
        self.service.stop()
        self.service = None

    def close(self):
        try:
            for process in (self.service, self.pcscd):
                if process:
                    process.stop()
            if self.bus:
                # It has its address before it handles the signal.
                self.bus.stop(expect=(0, -signal.SIGTERM))
        finally:
            shutil.rmtree(self.folder)


def service_program():
    """Returns the path of the service and variables of its environment.

    SCD_TSAN_SERVICE=FOLDER, a build with the thread sanitizer, has the service that is tested.
    """
    folder = os.environ.get("SCD_TSAN_SERVICE")
    if not folder:
        return built("service/smartcardd"), {}
    folder = os.path.abspath(folder)
    return (os.path.join(folder, "service/smartcardd"),
            {"LD_PRELOAD": os.path.join(folder, "tests/sanitizers/libscd-glib-locks.so"),
             "TSAN_OPTIONS": "ignore_noninstrumented_modules=1"})


def simulated_reader(name, friendly_name=None, card=None, slots=1, library="libscd-sim.so"):
    """Returns the lines of reader.conf. card: the ATR, in hex, of a card that is already inserted.

    library: in the build folder, or a copy with an absolute path.
    """
    device = "sim:" + name
    if slots > 1:
        device += f"/{slots}"
    if card:
        device += ":" + card
    return (f'FRIENDLYNAME "{friendly_name or "Simulated Reader " + name}"\n'
            f"DEVICENAME {device}\n"
            f"LIBPATH {os.path.join(built('tests/sim'), library)}\n")
