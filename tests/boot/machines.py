# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines that are booted, by their names, and the readers that are there from the start.

NAME, or NAME-NUMBER, runs tests/boot/guest/test_NAME.py. Each reader has a name and
a place, and a card in it.
"""


def rack(total: int, direct: int) -> list[tuple[str, str]]:
    """The others behind hubs of eight ports, from the last port of the machine down."""
    places = [f"1-{port + 1}" for port in range(direct)]
    places += [f"1-{15 - number // 8}.{number % 8 + 1}" for number in range(total - direct)]
    return [(f"reader{number}", place) for number, place in enumerate(places)]


MACHINES = {
    "hotplug": [],
    "desk": [("a", "1-3"), ("b", "1-4.1")],
    "rack-16": rack(16, direct=4),
    "rack-20": rack(20, direct=4),
    "rack-56": rack(56, direct=8),
}
