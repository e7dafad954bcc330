# SPDX-License-Identifier: LGPL-2.1-or-later
"""PC/SC programs in Python: the functions of winscard.h by ctypes, and their process.

A test writes a program as a function, which command_of() makes a process of its own. It prints
lines by say(), and stops at step() until the test lets it go on.
"""

import ctypes
import inspect
import os
import sys

SHARED, EXCLUSIVE, DIRECT = 2, 1, 3
LEAVE, RESET = 0, 1
INFINITE = 0xFFFFFFFF
PNP = "\\\\?PnP?\\Notification"
CHANGED, UNKNOWN, UNAVAILABLE, PRESENT, IN_USE = 2, 4, 8, 0x20, 0x100
DWORD, LONG = ctypes.c_ulong, ctypes.c_long


class _State(ctypes.Structure):
    _fields_ = [("reader", ctypes.c_char_p), ("data", ctypes.c_void_p), ("current", DWORD),
                ("event", DWORD), ("atr_length", DWORD), ("atr", ctypes.c_ubyte * 33)]


class _Request(ctypes.Structure):
    _fields_ = [("protocol", DWORD), ("length", DWORD)]


_library = None


def call(function, *arguments):
    """Calls a function of the library that the process finds; returns the code, 32 bits."""
    global _library
    if not _library:
        _library = ctypes.CDLL("libpcsclite.so.1")
    return getattr(_library, function)(*arguments) & 0xFFFFFFFF


def establish():
    """(code, context)"""
    context = LONG()
    return call("SCardEstablishContext", DWORD(2), None, None, ctypes.byref(context)), context


def release(context):
    return call("SCardReleaseContext", context)


def names(context):
    """(code, list of readers)"""
    buffer, length = ctypes.create_string_buffer(10000), DWORD(10000)
    code = call("SCardListReaders", context, None, buffer, ctypes.byref(length))
    text = buffer.raw[:length.value].decode() if code == 0 else ""
    return code, [name for name in text.split("\0") if name]


def wait(context, timeout, *pairs):
    """pairs: reader, current state. Returns the code and the new states."""
    states = (_State * len(pairs))(*[_State(name.encode(), None, state) for name, state in pairs])
    code = call("SCardGetStatusChange", context, DWORD(timeout), states, DWORD(len(pairs)))
    return code, *(state.event for state in states)


def connect(context, reader, mode=SHARED):
    """(code, card, protocol)"""
    card, protocol = LONG(), DWORD()
    code = call("SCardConnect", context, reader.encode(), DWORD(mode), DWORD(3),
                ctypes.byref(card), ctypes.byref(protocol))
    return code, card, protocol.value


def reconnect(card, mode=SHARED, initialization=LEAVE):
    protocol = DWORD()
    return call("SCardReconnect", card, DWORD(mode), DWORD(3), DWORD(initialization),
                ctypes.byref(protocol))


def transmit(card, command, protocol=2):
    """(code, response in hex)"""
    command = bytes.fromhex(command)
    response, length = ctypes.create_string_buffer(300), DWORD(300)
    code = call("SCardTransmit", card, ctypes.byref(_Request(protocol, ctypes.sizeof(_Request))),
                command, DWORD(len(command)), None, response, ctypes.byref(length))
    return code, response.raw[:length.value].hex().upper() if code == 0 else ""


def control(card, code, data):
    """(code, response in hex)"""
    data = bytes.fromhex(data)
    response, length = ctypes.create_string_buffer(300), DWORD()
    result = call("SCardControl", card, DWORD(code), data, DWORD(len(data)), response, DWORD(300),
                  ctypes.byref(length))
    return result, response.raw[:length.value].hex().upper() if result == 0 else ""


def status(card):
    """(code, state)"""
    state = DWORD()
    code = call("SCardStatus", card, None, None, ctypes.byref(state), None, None, None)
    return code, state.value


def begin(card):
    return call("SCardBeginTransaction", card)


def end(card, disposition=LEAVE):
    return call("SCardEndTransaction", card, DWORD(disposition))


def disconnect(card, disposition=LEAVE):
    return call("SCardDisconnect", card, DWORD(disposition))


def is_valid(context):
    return call("SCardIsValidContext", context)


def cancel(context):
    return call("SCardCancel", context)


def say(*values):
    """Prints a line: numbers in hex, texts as they are. One write: a child may print too."""
    text = " ".join(f"{value:08X}" if isinstance(value, int) else str(value) for value in values)
    os.write(1, (text + "\n").encode())


def step():
    """Waits until the test sends a line, or has ended."""
    if not os.read(0, 1):
        os._exit(1)


def new_context():
    code, context = establish()
    assert code == 0, f"establish: {code:08X}"
    return context


def new_card(context, reader, mode=SHARED):
    code, card, _ = connect(context, reader, mode)
    assert code == 0, f"connect: {code:08X}"
    return card


def command_of(function, *arguments):
    """The command line of a Python program that calls the function, which uses names of here.

    The function must not use other names of its own module.
    """
    folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    lines = inspect.getsource(function).splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(line[indent:] for line in lines if "@staticmethod" not in line)
    name, words = function.__name__, ", ".join(map(repr, arguments))
    return [sys.executable, "-c",
            f"import os, sys, threading, time\nsys.path.insert(0, {folder!r})\n"
            f"from scdtest.clients.winscard import *\n{text}\n{name}({words})\n"]
