#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the total of passed and failed test cases in logs of "meson test".

Arguments: the logs in JSON. A program that ended without a failed case and with an error, such as a
timeout, counts as one failure.
"""

import json
import re
import sys


def count(log):
    """Returns the numbers of passed, failed and skipped cases of one program."""
    verdicts = re.findall(r"^(ok|not ok)\b[^#\n]*(#\s*SKIP)?", log.get("stdout", ""), re.M)
    skipped = sum(1 for verdict, skip in verdicts if skip)
    failed = sum(1 for verdict, _ in verdicts if verdict == "not ok")
    passed = len(verdicts) - skipped - failed
    if log["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not failed:
        failed = 1
    if log["result"] == "OK" and not verdicts:
        passed = 1
    return passed, failed, skipped


def main():
    total = [0, 0, 0]
    for log in sys.argv[1:]:
        with open(log, encoding="utf-8") as file:
            for line in file:
                total = [a + b for a, b in zip(total, count(json.loads(line)))]
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
