# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections of other users."""

import contextlib
import os
import pwd


@contextlib.contextmanager
def as_user(user):
    """The kernel notes this user, a name or a number, for sockets that are connected meanwhile."""
    os.seteuid(user if isinstance(user, int) else pwd.getpwnam(user).pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
