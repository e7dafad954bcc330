# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which methods take options, and the names of errors without their prefixes."""

PREFIXES = ("org.smartcardd1.Error.", "org.freedesktop.DBus.Error.")

# The number of arguments before the options that most tests do not give.
ARGUMENTS = {"EndTransaction": 1, "Reconnect": 3, "GetStatus": 0, "GetAttribute": 1,
             "SetAttribute": 2, "Control": 2, "Close": 1, "Refresh": 0}


def needs_options(method, count):
    """Whether a call with so many arguments has no options yet."""
    return ARGUMENTS.get(method) == count


def short_name(name):
    """Of an error of the service."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
