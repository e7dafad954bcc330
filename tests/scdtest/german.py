# SPDX-License-Identifier: LGPL-2.1-or-later
"""A German locale with the translations of this build, for programs that a test starts."""

import functools
import os
import re
import subprocess

from .world import built

LOCALES, LOCALE = "/run/scd/locales/", "de_DE.UTF-8"


def _mount(content, path):
    """A file at that place, in this private namespace alone."""
    there = path
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", there], check=True)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


@functools.cache
def why_not():
    """None when all is ready for it: the catalog is where the program looks for it."""
    os.makedirs(LOCALES, exist_ok=True)
    # C.UTF-8 does not do: where glibc is newer than that of Debian 12, nothing is translated in it.
    if subprocess.run(["localedef", "--no-archive", "-i", "de_DE", "-f", "UTF-8", LOCALES + LOCALE],
                      capture_output=True, check=False).returncode != 0:
        return "there is nothing to make a German locale of (package locales)"
    catalog = "de/LC_MESSAGES/smartcardd.mo"
    if not os.path.exists(built("po/" + catalog)):
        return "built without translations"
    with open(built("cli/cli-config.h"), encoding="utf-8") as file:
        folder = re.search('LOCALEDIR "(.*)"', file.read()).group(1)
    with open(built("po/" + catalog), "rb") as file:
        _mount(file.read(), os.path.join(folder, catalog))
    return None
