# SPDX-License-Identifier: LGPL-2.1-or-later
"""The virtual machines, and the readers that each has when it boots.

The machine NAME, or NAME-NUMBER, runs tests/boot/guest/test_NAME.py. Each reader has a name, a USB
port, and a card in it. That of the reader "identity" has keys and certificates, and QEMU emulates it
(tests/boot/identity); it is not in the reader yet when the machine boots.
"""

IDENTITY = "identity"


def rack(total: int, direct: int) -> list[tuple[str, str]]:
    """Returns total readers: direct ones on ports of the machine, the others behind hubs.

    Each hub has eight ports. The hubs are on the last ports of the machine.
    """
    places = [f"1-{port + 1}" for port in range(direct)]
    places += [f"1-{15 - number // 8}.{number % 8 + 1}" for number in range(total - direct)]
    return [(f"reader{number}", place) for number, place in enumerate(places)]


MACHINES = {
    "hotplug": [],
    "desk": [("a", "1-3"), ("b", "1-4.1")],
    "flatpak": [("a", "1-3")],
    "gnome": [("a", "1-3")],
    "lightdm": [(IDENTITY, "1-2.1")],
    "login": [(IDENTITY, "1-2.1")],
    "seats": [("a", "1-3"), ("b", "1-4.1"), ("c", "1-5.1")],
    "rack-16": rack(16, direct=4),
    "rack-20": rack(20, direct=4),
    "rack-56": rack(56, direct=8),
}
