# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library, compared with a bare channel and with GDBus."""

import report
import stage
from life import memory
from scdtest.testbed.simulator import ATR

SIZES = (5, 261)
ROUNDS, CALLS = 40, 64
LOADS = 100
READERS = [f"R{number}" for number in range(16)]

ONE, MANY = "channel, one at a time", "channel, 32 in flight"
SYNC_MARK, ASYNC_MARK, IN_FLIGHT_MARK = 1.15, 1.35, 1.1
LOAD_MARK = 1.5
MEMORY_MARK = 1


def bench_glib():
    """the client library for applications"""
    with stage.testbed(card=ATR):
        for length in SIZES:
            with report.table(f"client library: a command, {length} bytes"):
                compare_commands(length)
    with stage.testbed(READERS, card=ATR), \
            report.table(f"client library: {len(READERS)} readers with cards"):
        compare_load()
        compare_memory()


def compare_commands(length):
    bare, control, sync, asynchronous, bare_in_flight, many, many_async, in_flight = zip(*stage.measure(
        "glib-client", "transmit", stage.reader_name("A"), length, ROUNDS, CALLS))
    report.timed("a bare channel, one at a time", bare)
    report.control("the same again: the control", control, bare)
    report.timed("a bare channel, 32 in flight", bare_in_flight)
    for what, times, floor, of, mark in (
            ("transmit()", sync, bare, ONE, SYNC_MARK),
            ("transmit_async()", asynchronous, bare, ONE, ASYNC_MARK),
            ("transmit_many() of 32", many, bare_in_flight, MANY, IN_FLIGHT_MARK),
            ("transmit_many_async() of 32", many_async, bare_in_flight, MANY, IN_FLIGHT_MARK)):
        report.judge(f"client library: {what}, {length} bytes", times, floor, of, mark)
    report.timed("32 calls of transmit_async() in flight", in_flight, to=bare_in_flight)


def compare_load():
    objects, control, client = zip(*stage.measure("glib-client", "load", LOADS))
    report.timed("connect to the bus, GetManagedObjects", objects)
    report.control("the same again: the control", control, objects)
    report.judge(f"client library: made and loaded, {len(READERS)} readers", client, objects,
                 "connect to the bus, GetManagedObjects", LOAD_MARK)


def compare_memory():
    """The memory that a watching program has for itself."""
    sizes = {}
    for kind in ("stock", "library"):
        with stage.running("glib-client", "watch", kind) as pid:
            sizes[kind] = memory(pid, "Private_Clean", "Private_Dirty")
    report.row("memory of a GDBusObjectManagerClient", sizes["stock"], "MiB")
    report.judge(f"client library: memory of a program that watches {len(READERS)} readers",
                 sizes["library"], sizes["stock"], "GDBusObjectManagerClient", MEMORY_MARK, "MiB")
