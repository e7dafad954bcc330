# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locales with the translations of this build, for programs that a test starts."""

import functools
import gettext
import os
import re
import subprocess

from scdtest.testbed.testbed import SOURCE, built

LOCALES = "/run/scd/locales/"
COUNTRIES = {"cs": "CZ", "de": "DE", "es": "ES", "fr": "FR", "ja": "JP"}


def languages():
    """Returns the languages that have a catalog."""
    with open(os.path.join(SOURCE, "po", "LINGUAS"), encoding="utf-8") as file:
        return [line.strip() for line in file if not line.startswith("#")]


def environment(language):
    """Returns the environment for the language."""
    return {"LOCPATH": LOCALES, "LC_ALL": f"{language}_{COUNTRIES[language]}.UTF-8"}


def catalog(language):
    """Returns the translations of this build, after why_not() has returned None."""
    with open(built(f"po/{language}/LC_MESSAGES/smartcardd.mo"), "rb") as file:
        return gettext.GNUTranslations(file)


@functools.cache
def _empty_folder():
    """Mounts an empty folder where the program searches for catalogs, and returns it."""
    with open(built("cli/cli-config.h"), encoding="utf-8") as file:
        folder = there = re.search('LOCALEDIR "(.*)"', file.read()).group(1)
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", there], check=True)
    return folder


@functools.cache
def why_not(language):
    """Installs the catalog of the language; returns None, or the reason why that is impossible."""
    os.makedirs(LOCALES, exist_ok=True)
    # C.UTF-8 does not do: where glibc is newer than that of Debian 12, nothing is translated in it.
    name = environment(language)["LC_ALL"]
    if subprocess.run(["localedef", "--no-archive", "-i", name.partition(".")[0], "-f", "UTF-8",
                       LOCALES + name], capture_output=True, check=False).returncode != 0:
        return f"there is nothing to make the locale {name} of (package locales)"
    catalog = language + "/LC_MESSAGES/smartcardd.mo"
    if not os.path.exists(built("po/" + catalog)):
        return "built without translations"
    there = os.path.join(_empty_folder(), catalog)
    os.makedirs(os.path.dirname(there))
    with open(built("po/" + catalog), "rb") as file, open(there, "wb") as copy:
        copy.write(file.read())
    return None
