#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program behind ./demo: runs smartcardd in a test bed, and shows its output."""

import os
import signal
import subprocess
import sys
import time

from scdtest.clients.recorder import Recorder
from scdtest.testbed import namespace
from scdtest.testbed.simulator import Simulator
from scdtest.testbed.testbed import TestBed, built, simulated_reader

HARDWARE = "--hardware" in sys.argv
SHELL = "--shell" in sys.argv
ON_TERMINAL = sys.stdout.isatty()

CARDS = {"Office": "3BDA18FF81B1FE751F030031C573C001400090000C", "Home": "3B021450"}
USB_PATH = "1-3.4:1.0"  # that the driver of the reader Home returns; the other reader has none
GET_USB_PATH = "42000E11"
STEPS = (("insert", "Office"), ("insert", "Home"), ("remove", "Office"),
         ("insert", "Office"), ("remove", "Home"), ("insert", "Home"))


def say(text=""):
    print(text, flush=True)


def show(command):
    say(f"$ {command}")
    subprocess.run(command, shell=True, check=True)
    say()


def in_foreground(*command):
    """Runs a program, which alone handles Ctrl-C, and returns its exit status."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = child.wait()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return status if status >= 0 else 128 - status


def follow_cards():
    """Runs the monitor while cards are inserted and removed.

    On a terminal there is a pause after each step, so that it can be read. Otherwise each step
    follows when the monitor has printed the one before.
    """
    def wait_for(*words):
        if ON_TERMINAL:
            time.sleep(0.8)
            return
        for line in monitor.stdout:
            print(line, end="", flush=True)
            if all(word in line for word in words):
                return
        raise SystemExit("demo: the monitor ended early")

    say("$ smartcardctl monitor")
    readers = Simulator()
    with subprocess.Popen(["smartcardctl", "monitor"], text=True,
                          stdout=None if ON_TERMINAL else subprocess.PIPE) as monitor:
        for _ in CARDS:
            wait_for("reader-present")
        for order, name in STEPS:
            readers.order(order, name, *([CARDS[name]] if order == "insert" else []))
            wait_for(name, "inserted" if order == "insert" else "removed")
        monitor.send_signal(signal.SIGINT)
    readers.close()
    say()


def plug_in():
    readers = Simulator()
    readers.order("control", "Home", GET_USB_PATH, USB_PATH.encode().hex() + "00")
    readers.close()


def put_cards_in():
    client, readers = Recorder(), Simulator()
    for name, atr in CARDS.items():
        readers.insert(name, atr)
        client.wait_for_signal("CardInserted", client.reader(name))
    readers.close()
    client.close()


def shell():
    """Runs a shell. If the input is a terminal, script(1) provides another one for it.

    A shell with job control has to return the terminal to its previous foreground process group,
    which is impossible here: that group is not in this PID namespace.
    """
    put_cards_in()
    program = os.environ.get("SHELL", "/bin/bash")
    if not sys.stdin.isatty():
        return in_foreground(program)
    say("This shell reaches the service of the demo; 'exit' ends it. Try:\n"
        "  smartcardctl list\n"
        "  busctl tree org.smartcardd1\n"
        "  gdbus monitor --system --dest org.smartcardd1 &\n"
        "  scd-sim remove Office; scd-sim insert Office\n"
        "  smartcardctl alias 1-3.4 login; smartcardctl show login\n")
    os.environ["debian_chroot"] = "demo"  # Debian's prompt shows it
    return in_foreground("script", "--quiet", "--return", "--command", program, "/dev/null")


def show_hardware():
    say("$ smartcardctl list")
    status = in_foreground("smartcardctl", "list")
    if status or not ON_TERMINAL:
        return status
    say("\n$ smartcardctl monitor")
    return in_foreground("smartcardctl", "monitor")


def show_simulated():
    show("smartcardctl list")
    follow_cards()
    show("busctl --no-pager tree org.smartcardd1")
    say("Try these next, in  ./demo --shell :\n"
        "  smartcardctl status\n"
        "  smartcardctl --json list\n"
        "  busctl introspect org.smartcardd1 /org/smartcardd1/readers/Office_00_00\n"
        "  gdbus monitor --system --dest org.smartcardd1\n"
        "  scd-sim remove Office; scd-sim insert Office\n"
        "  smartcardctl alias 1-3.4 login; smartcardctl show login\n"
        "To see your own readers, run:  ./demo --hardware")
    return 0


def main():
    os.environ["PATH"] = os.pathsep.join([built("cli"), built("tests/sim"), os.environ["PATH"]])
    os.environ["SMARTCARDCTL_LIBRARY_DIR"] = built("libpcsclite-dbus")
    testbed = TestBed()
    try:
        testbed.start_bus()
        if HARDWARE:
            testbed.start_service()
        else:
            testbed.start_pcscd([simulated_reader(name, name) for name in CARDS])
            plug_in()
            # In the /sys of this machine, another device may be at that port.
            testbed.start_service("--sysfs", testbed.folder)
        if SHELL:
            return shell()
        return show_hardware() if HARDWARE else show_simulated()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        testbed.close()


def ended_by(number, _frame):
    sys.exit(128 + number)


if __name__ == "__main__":
    namespace.enter(keep_pcscd=HARDWARE)
    signal.signal(signal.SIGTERM, ended_by)
    signal.signal(signal.SIGHUP, ended_by)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
