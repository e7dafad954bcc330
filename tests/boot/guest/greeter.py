#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A greeter of LightDM without a window. It is controlled by test_lightdm.py through a socket.

It sends a line for each message and each question of the stack, and for each result. It executes
the orders "authenticate USER", "respond ANSWER" and "start SESSION".
"""

import socket

import gi

gi.require_version("LightDM", "1")
from gi.repository import GLib, LightDM

CONTROL = "/run/greeter"

control = socket.socket(socket.AF_UNIX)
control.connect(CONTROL)
lines = control.makefile("rw", buffering=1, encoding="utf-8")
greeter = LightDM.Greeter()


def say(*words):
    print(*words, file=lines, flush=True)


def obey(*_):
    order, _, argument = lines.readline().rstrip("\n").partition(" ")
    if order == "authenticate":
        greeter.authenticate(argument)
    elif order == "respond":
        greeter.respond(argument)
    elif order == "start":
        greeter.start_session_sync(argument)
    return GLib.SOURCE_CONTINUE


greeter.connect("show-message", lambda _, text, kind: say("message:", text))
greeter.connect("show-prompt", lambda _, text, kind: say("prompt:", text))
greeter.connect("authentication-complete",
                lambda _: say("authenticated:", greeter.get_is_authenticated()))
greeter.connect_to_daemon_sync()
GLib.io_add_watch(control, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, obey)
say("ready")
GLib.MainLoop().run()
