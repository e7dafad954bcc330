# SPDX-License-Identifier: LGPL-2.1-or-later
"""Locales with the translations of this build, for programs that a test starts."""

import functools
import gettext
import os
import re
import subprocess

from scdtest.testbed.testbed import SOURCE, built

LOCALES = built("tests/locales/")


def languages():
    """Returns the languages that have a catalog."""
    with open(os.path.join(SOURCE, "po", "LINGUAS"), encoding="utf-8") as file:
        return [line.strip() for line in file if not line.startswith("#")]


def _locale(language):
    """Returns the name of the locale that tests/setup/make-locales has made, or None."""
    return next((name for name in os.listdir(LOCALES) if name.startswith(language + "_")), None)


def environment(language):
    """Returns the environment for the language, after why_not() has returned None."""
    return {"LOCPATH": LOCALES, "LC_ALL": _locale(language)}


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
    if not _locale(language):
        return f"this build has no locale of {language} (package locales)"
    catalog = language + "/LC_MESSAGES/smartcardd.mo"
    if not os.path.exists(built("po/" + catalog)):
        return "built without translations"
    there = os.path.join(_empty_folder(), catalog)
    os.makedirs(os.path.dirname(there))
    with open(built("po/" + catalog), "rb") as file, open(there, "wb") as copy:
        copy.write(file.read())
    return None
