# SPDX-License-Identifier: LGPL-2.1-or-later
"""One CPU with real-time priority, for a measurement and all that it starts."""

import os
import sys
from contextlib import contextmanager


@contextmanager
def one_cpu():
    """Not for the first process of a namespace.

    When that ends the kernel waits, without ever sleeping, for the end of all
    others in there; with a priority like theirs it would keep them from ending.
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
    """Calls it in a child process, and gives its exit status."""
    child = os.fork()
    if child == 0:
        function()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
