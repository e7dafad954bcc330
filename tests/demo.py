#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ./demo shows: smartcardd at work in a world of its own."""

import os
import signal
import subprocess
import sys
import time

from scdtest import namespace

HARDWARE = "--hardware" in sys.argv
SHELL = "--shell" in sys.argv
ON_TERMINAL = sys.stdout.isatty()

CARDS = {"Office": ("3BFA1800008131FE454A434F5033315632333298", "a card of many"),
         "Home": ("3B021450", "an old one")}


def say(text=""):
    print(text, flush=True)


def show(command):
    say(f"$ {command}")
    subprocess.run(command, shell=True, check=True)
    say()


def pause(seconds):
    """For those who watch; nobody else waits."""
    if ON_TERMINAL:
        time.sleep(seconds)


def follow_cards(world):
    """Runs the monitor while cards go in and out, and waits for its word after each."""
    from scdtest.simulator import Simulator

    say("$ smartcardctl monitor")
    monitor = subprocess.Popen(["smartcardctl", "monitor"], stdout=subprocess.PIPE, text=True)
    readers = Simulator()

    def relay_until(*words):
        for line in monitor.stdout:
            print(line, end="", flush=True)
            if all(word in line for word in words):
                return
        raise SystemExit("demo: the monitor ended early")

    relay_until("Home")
    for name, step in (("Office", "insert"), ("Home", "insert"), ("Office", "remove"),
                       ("Office", "insert"), ("Home", "remove"), ("Home", "insert")):
        pause(0.8)
        readers.order(step, name, CARDS[name][0] if step == "insert" else "")
        relay_until(name, "inserted" if step == "insert" else "removed")
    monitor.send_signal(signal.SIGINT)
    assert monitor.wait() == 0
    readers.close()
    say()


def put_cards_in(world):
    from scdtest.recorder import Recorder
    from scdtest.simulator import Simulator

    client, readers = Recorder(), Simulator()
    for name, (atr, _) in CARDS.items():
        readers.insert(name, atr)
        client.wait_for_signal("CardInserted", client.reader(name))
    readers.close()
    client.close()


def shell():
    if sys.stdin.isatty():
        say("A shell in the world of the demo; 'exit' leaves it. Try:\n"
            "  smartcardctl list\n"
            "  busctl tree org.smartcardd1\n"
            "  gdbus monitor --system --dest org.smartcardd1 &\n"
            "  scd-sim remove Office; scd-sim insert Office\n")
    status = subprocess.run([os.environ.get("SHELL", "/bin/bash")], check=False).returncode
    return status if status >= 0 else 128 - status


def what_next():
    say("What to try next, in  ./demo --shell :\n"
        "  smartcardctl status\n"
        "  smartcardctl --json list | jq .\n"
        "  busctl introspect org.smartcardd1 /org/smartcardd1/readers/Office_00_00\n"
        "  gdbus monitor --system --dest org.smartcardd1\n"
        "  scd-sim remove Office; scd-sim insert Office\n"
        "With a reader of your own:  ./demo --hardware")


def main():
    from scdtest.world import World, built, simulated_reader

    os.environ["PATH"] = os.pathsep.join([built("cli"), built("tests/sim"), os.environ["PATH"]])
    world = World()
    try:
        world.start_bus()
        if not HARDWARE:
            world.start_pcscd([simulated_reader(name, name) for name in CARDS])
        world.start_service()
        if SHELL:
            put_cards_in(world)
            return shell()
        if HARDWARE:
            show("smartcardctl list")
            if ON_TERMINAL:
                subprocess.run(["smartcardctl", "monitor"], check=False)
            return 0
        show("smartcardctl list")
        follow_cards(world)
        show("busctl --no-pager tree org.smartcardd1")
        what_next()
        return 0
    finally:
        world.close()


if __name__ == "__main__":
    namespace.enter(keep_pcscd=HARDWARE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main())
