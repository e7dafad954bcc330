# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a measurement and all its processes on one CPU, with real-time priority."""

import os
import sys
from contextlib import contextmanager


@contextmanager
def one_cpu():
    """Not to be used in the first process of a PID namespace.

    When that process exits, the kernel waits for the other processes of the
    namespace without sleeping; with the same priority it would keep them from
    exiting.
    """
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cpus)})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError as error:
        print(f"No real-time priority: {error.strerror}", file=sys.stderr)
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setaffinity(0, cpus)


def in_child(function):
    """Calls a function in a child process, and returns its exit status."""
    child = os.fork()
    if child == 0:
        function()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
