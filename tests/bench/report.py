# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table that the bench prints: a row a figure, with its mark and whether it was missed."""

import statistics


def median(values):
    return statistics.median(values)


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def heading():
    row("what", "median", "mark")


def row(what, value, mark="", verdict=""):
    print(f"{what:<52} {value:>16}  {mark:>10}  {verdict}", flush=True)


def judged(what, value, mark, kept):
    row(what, value, mark, "" if kept else "MISSED")


def at_most(what, value, unit, limit):
    judged(what, f"{value:.2f} {unit}", f"≤ {limit:g}", value <= limit)


def at_least(what, value, unit, limit):
    judged(what, f"{value:.2f} {unit}", f"≥ {limit:g}", value >= limit)


def within(what, value, unit, least, most):
    judged(what, f"{value:.2f} {unit}", f"{least:g}–{most:g}", least <= value <= most)


def control(value):
    """The same measured twice in the same rounds: what its ratio says of the machine."""
    row("  control: direct to direct", f"{value:.2f}", "0.9–1.1",
        "" if 0.9 <= value <= 1.1 else "REPEAT THE RUN")
