# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the tables of the bench: one row for each figure, with its mark and a note if it is missed.

The mark applies to the ratio of a row if it has one, else to its value. On a
terminal the last line shows the current measurement.
"""

import json
import platform
import re
import statistics
import subprocess
import sys
from contextlib import contextmanager

CONTROL = (0.90, 1.10)
COLUMNS = "{:<54} {:>14} {:>10} {:>8} {:>9}  {}"

rows = []
judgements = []  # the rows of the table for docs/performance.md
_table = None
_quiet = False


def median(values):
    return statistics.median(values)


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def ratios(times, to):
    """Returns the median of the ratios of each round."""
    return median(mine / its for mine, its in zip(times, to))


def be_quiet():
    """Prints nothing; the rows are kept for print_json()."""
    global _quiet
    _quiet = True


def _print(text=""):
    if not _quiet:
        print(text, flush=True)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@contextmanager
def table(title):
    global _table
    _table = title
    _print(COLUMNS.format(title, "median", "p99", "ratio", "mark", "").rstrip())
    progress(f"{title} …")
    yield
    _print()
    progress("")


def _number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _ratio(value):
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}" if value >= 0.1 else f"{value:.4f}"


def _mark(least, most):
    if least is not None and most is not None:
        return f"{least:g}–{most:g}"
    if most is not None:
        return f"≤ {most:g}"
    return f"≥ {least:g}" if least is not None else ""


def row(what, value, unit="", tail=None, ratio=None, least=None, most=None, note=""):
    """value: a median; tail: the p99; ratio: to the base that the table or the row names."""
    judged = value if ratio is None else ratio
    missed = (most is not None and judged > most) or (least is not None and judged < least)
    rows.append({"table": _table, "what": what.strip(), "value": value, "unit": unit, "p99": tail,
                 "ratio": ratio, "least": least, "most": most, "missed": missed, "note": note})
    verdict = "  ".join(filter(None, ("MISSED" if missed else "", note)))
    shown = "" if ratio is None else _ratio(ratio)
    progress("")
    _print(COLUMNS.format(what, f"{_number(value)} {unit}".rstrip(), _number(tail), shown,
                          _mark(least, most), verdict).rstrip())
    progress(f"{_table} …")


def timed(what, times, unit="µs", to=None, **options):
    """times: one for each round; to: the times with which they are compared."""
    row(what, median(times), unit, p99(times), None if to is None else ratios(times, to), **options)


def rate(what, rates, to=None, least=None):
    row(what, median(rates), "APDU/s", ratio=None if to is None else ratios(rates, to), least=least)


def control(what, times, to, unit="µs"):
    """The base measured twice in the same rounds: its ratio shows whether the machine is quiet."""
    fair = CONTROL[0] <= ratios(times, to) <= CONTROL[1]
    timed(what, times, unit, to, least=CONTROL[0], most=CONTROL[1],
          note="" if fair else "REPEAT THE RUN")


def _text(value, unit):
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


def judge(what, figures, floors, of, most, unit="µs"):
    """A row that is judged by a floor of the same run, and of the table for docs/performance.md.

    figures, floors: one for each round, or one number. of: what the floor is.
    """
    figures, floors = ([one] if isinstance(one, (int, float)) else one for one in (figures, floors))
    ratio = (ratios(figures, floors) if len(figures) == len(floors)
             else median(figures) / median(floors))
    row(f"{what}, to: {of}", median(figures), unit, p99(figures), ratio, most=most)
    judgements.append({"what": what, "floor": f"{of}: {_text(median(floors), unit)}",
                       "figure": _text(median(figures), unit), "ratio": _ratio(ratio),
                       "mark": f"{most:g}", "missed": ratio > most})


def judge_alone(what, figure, most, unit):
    """Like judge(), for a figure that has no floor, and is judged by its own mark."""
    row(what, figure, unit, most=most)
    judgements.append({"what": what, "floor": "", "figure": _text(figure, unit), "ratio": "",
                       "mark": _text(most, unit), "missed": figure > most})


def _print_judgements():
    _print("| | floor | figure | ratio | mark | |\n| --- | --- | --- | --- | --- | --- |")
    for one in judgements:
        _print("| {what} | {floor} | {figure} | {ratio} | {mark} | {} |".format(
            "MISSED" if one["missed"] else "met", **one))
    _print()


def machine():
    """Returns one line about the machine and its software."""
    def version(*command):
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found = re.search(r"\d+(\.\d+)+", text)
        return found[0] if found else "?"

    with open("/proc/cpuinfo", encoding="utf-8") as file:
        info = file.read()
    model = re.search(r"^model name\s*: (.*)$", info, re.M)
    return (f"{model[1].strip() if model else platform.machine()}, "
            f"{info.count('processor	:')} CPUs, Linux {platform.release()}, "
            f"{platform.freedesktop_os_release()['PRETTY_NAME']}, "
            f"pcscd {version('pcscd', '--version')}, "
            f"GLib {version('pkg-config', '--modversion', 'glib-2.0')}, "
            f"dbus-daemon {version('dbus-daemon', '--version')}")


def print_json():
    print(json.dumps({"machine": machine(), "rows": rows, "judgements": judgements},
                     ensure_ascii=False, indent=1))


def heading():
    _print(f"# {machine()}")


def ending():
    if judgements:
        _print_judgements()
    missed = sum(1 for entry in rows if entry["missed"])
    marks = sum(1 for entry in rows if entry["least"] is not None or entry["most"] is not None)
    _print(f"{marks - missed} of {marks} marks met")
