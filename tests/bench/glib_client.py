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
    report.timed("transmit()", sync, to=bare, most=SYNC_MARK)
    report.timed("transmit_async()", asynchronous, to=bare, most=ASYNC_MARK)
    report.timed("a bare channel, 32 in flight", bare_in_flight)
    report.timed("transmit_many() of 32", many, to=bare_in_flight, most=IN_FLIGHT_MARK)
    report.timed("transmit_many_async() of 32", many_async, to=bare_in_flight)
    report.timed("32 calls of transmit_async() in flight", in_flight, to=bare_in_flight)


def compare_load():
    objects, control, client = zip(*stage.measure("glib-client", "load", LOADS))
    report.timed("connect to the bus, GetManagedObjects", objects)
    report.control("the same again: the control", control, objects)
    report.timed("client made and loaded", client, to=objects, most=LOAD_MARK)


def compare_memory():
    """The memory that a watching program has for itself."""
    sizes = {}
    for kind in ("stock", "library"):
        with stage.running("glib-client", "watch", kind) as pid:
            sizes[kind] = memory(pid, "Private_Clean", "Private_Dirty")
    report.row("memory of a GDBusObjectManagerClient", sizes["stock"], "MiB")
    report.row("memory of a client of the library", sizes["library"], "MiB",
               ratio=sizes["library"] / sizes["stock"], most=MEMORY_MARK)
