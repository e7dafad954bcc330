# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a script in the shell of ./demo --shell, without building anything."""

import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def environment():
    """Of a user: outside of any test bed, in English."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ("DBUS_SYSTEM_BUS_ADDRESS", "LANGUAGE")}
    return {**kept, "LC_ALL": "C.UTF-8", "SHELL": "/bin/bash", "PYTHONDONTWRITEBYTECODE": "1"}


def run(script):
    """Runs a bash script, whose standard input is empty. Returns its status and all output.

    Its working directory is temporary, and has links to the files and folders of the repository: a
    file that the script writes there is removed at the end.
    """
    folder = tempfile.mkdtemp(prefix="scd-docs.")
    try:
        for name in os.listdir(SOURCE):
            if not name.startswith(("build", ".")):
                os.symlink(os.path.join(SOURCE, name), os.path.join(folder, name))
        with open(os.path.join(folder, ".script"), "w", encoding="utf-8") as file:
            file.write(script)
        result = subprocess.run(
            [sys.executable, os.path.join(SOURCE, "tests", "demo.py"), "--shell"], cwd=folder,
            env=environment(), input="exec bash .script </dev/null\n", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        return result.returncode, result.stdout
    finally:
        shutil.rmtree(folder)
