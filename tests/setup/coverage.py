#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports which lines and branches the tests have reached, and checks them against the marks.

Argument: a build folder with -Db_coverage=true in which the tests have run. Writes index.html and
coverage.json into its folder "report", prints a line for each folder of the sources, and then the
lines that were not reached. Fails if a folder is below its mark.
"""

import json
import os
import re
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Percent of lines and of branches.
MARKS = {"service": (98, 88), "libpcsclite-dbus": (97, 86), "cli": (97, 86), "client": (97, 86),
         "login": (97, 86)}

# Lines that no test of a shipped program can reach, or that say nothing by themselves: the end of a
# block, a switch that has all cases, and what follows when memory has run out.
TRIVIAL = re.compile(r"[{};)]*|default:|break;|else|g_assert_not_reached\(\);|g_error\(.*"
                     r"|return -ENOMEM;|return SCARD_E_NO_MEMORY;")


def run_gcovr(build):
    report = os.path.join(build, "report")
    os.makedirs(report, exist_ok=True)
    data = os.path.join(report, "coverage.json")
    command = ["gcovr", "--root", SOURCE, "--object-directory", build, build,
               "--gcov-ignore-parse-errors", "--exclude-unreachable-branches", "--json", data,
               "--html-details", os.path.join(report, "index.html")]
    for folder in MARKS:
        command += ["--filter", os.path.join(SOURCE, folder) + "/"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    with open(data, encoding="utf-8") as file:
        return json.load(file)["files"]


def counted(entry):
    return [line for line in entry["lines"] if not line.get("gcovr/noncode")]


def percent(reached, total):
    return 100 * reached / total if total else 100.0


def check_folder(folder, files):
    """Prints the figures of the folder, and returns whether they reach its mark."""
    lines = [line for entry in files for line in counted(entry)]
    branches = [branch for line in lines for branch in line["branches"]]
    of_lines = percent(sum(line["count"] > 0 for line in lines), len(lines))
    of_branches = percent(sum(branch["count"] > 0 for branch in branches), len(branches))
    line_mark, branch_mark = MARKS[folder]
    passed = of_lines >= line_mark and of_branches >= branch_mark
    print(f"{folder + '/':18} {of_lines:5.1f} % of {len(lines):5} lines (mark {line_mark}), "
          f"{of_branches:5.1f} % of {len(branches):5} branches (mark {branch_mark})"
          + ("" if passed else ": BELOW THE MARK"))
    return passed


def unreached_blocks(entry):
    """Runs of lines that were not reached, as lists of numbers; trivial ones are left out."""
    with open(os.path.join(SOURCE, entry["file"]), encoding="utf-8") as file:
        text = [line.strip() for line in file]
    block, blocks = [], []
    for line in counted(entry):
        if line["count"] == 0:
            block.append(line["line_number"])
        elif block:
            blocks.append(block)
            block = []
    blocks.append(block)
    for block in blocks:
        telling = [number for number in block if not TRIVIAL.fullmatch(text[number - 1])]
        if telling:
            yield block, text[telling[0] - 1]


def print_unreached(files):
    for entry in sorted(files, key=lambda entry: entry["file"]):
        for block, text in unreached_blocks(entry):
            last = f"-{block[-1]}" if block[-1] != block[0] else ""
            print(f"{entry['file']}:{block[0]}{last}: {text}")


def main():
    files = run_gcovr(os.path.abspath(sys.argv[1]))
    by_folder = {folder: [entry for entry in files if entry["file"].startswith(folder + "/")]
                 for folder in MARKS}
    print("Lines that no test has reached:")
    print_unreached(files)
    print()
    passed = [check_folder(folder, entries) for folder, entries in by_folder.items()]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
