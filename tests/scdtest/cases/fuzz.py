# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random D-Bus messages: valid, nearly valid, and invalid ones; the same ones in each run."""

import xml.etree.ElementTree as ElementTree

from gi.repository import GLib

WORDS = ["", "shared", "exclusive", "direct", "T=0", "T=1", "raw", "T=15", "leave", "reset",
         "unpower", "eject", "00A40400", "80 10 00 00 01 AA", "9000", "61xx", "yes",
         "Simulated Reader A 00 00", "org.smartcardd1.Session", "org.smartcardd1.Reader", "Card",
         "Reader", "Protocol", "\U0001f0a1" * 50, "%s%n", "x" * 5000]
KEYS = ["timeout-ms", "follow", "expect", "protocol", "disposition", "reader", "atr", "atr-mask",
        "new", "", "nonsense"]
PATHS = ["/", "/org", "/org/smartcardd1", "/org/smartcardd1/sessions",
         "/org/smartcardd1/sessions/0", "/org/smartcardd1/cards/18446744073709551616",
         "/org/smartcardd1/readers/_", "/" + "x" * 1000, "/a/b/c/d/e/f/g/h/i/j/k/l/m"]
TYPES = ["y", "b", "n", "q", "i", "u", "x", "t", "d", "s", "o", "g", "v", "ay", "aay", "as", "ao",
         "a{sv}", "(su)", "a(oa{sv})", "aaaaay", "av"]
LONGEST = 8 * 1024 * 1024  # the bus closes connections that send much more
TUPLES = {"(su)": ["s", "u"], "(oa{sv})": ["o", "a{sv}"]}
APDUS = ["00A40400", "00200080083132333435363738", "80160100", "8012FFFF", "80180020", "80"]


def methods(client, path="/"):
    """Yields (path, interface, method, types of its arguments) of all objects below the path."""
    text = client.ask(path, "org.freedesktop.DBus.Introspectable", "Introspect")
    node = ElementTree.fromstring(text)
    for interface in node.iter("interface"):
        for method in interface.iter("method"):
            types = [arg.get("type") for arg in method.iter("arg")
                     if arg.get("direction") == "in"]
            yield path, interface.get("name"), method.get("name"), types
    for child in node.findall("node"):
        yield from methods(client, path.rstrip("/") + "/" + child.get("name"))


class Values:
    """Generates values. dice: the source of random numbers."""

    def __init__(self, dice):
        self._dice = dice

    def bytes(self):
        dice = self._dice
        if dice.random() < 0.6:
            return bytes.fromhex(dice.choice(APDUS))
        if dice.random() < 0.05:
            return dice.randbytes(dice.choice((65544, 65545, 300000)))
        return dice.randbytes(dice.choice((0, 1, 4, 5, 33, 34, 261)))

    def of_type(self, kind, depth=0):
        dice = self._dice
        if kind in "ynqiuxt":
            bits = {"y": 8, "n": 16, "q": 16, "i": 32, "u": 32, "x": 64, "t": 64}[kind]
            number = dice.choice((0, 1, 2, dice.getrandbits(bits), (1 << bits) - 1))
            if kind in "nix" and number >= 1 << bits - 1:
                number -= 1 << bits
            return GLib.Variant(kind, number)
        if kind == "b":
            return GLib.Variant("b", dice.random() < 0.5)
        if kind == "d":
            return GLib.Variant("d", dice.choice((0.0, -1.5, float("inf"), float("nan"))))
        if kind == "s":
            return GLib.Variant("s", dice.choice(WORDS))
        if kind == "o":
            return GLib.Variant("o", dice.choice(PATHS))
        if kind == "g":
            return GLib.Variant("g", dice.choice(("", "s", "a{sv}")))
        if kind == "v":
            return GLib.Variant.new_variant(self.of_any_type(depth + 1))
        return self._of_container(kind, depth)

    def _of_container(self, kind, depth):
        dice = self._dice
        if kind == "ay":
            return GLib.Variant.new_from_bytes(GLib.VariantType("ay"),
                                               GLib.Bytes.new(self.bytes()), True)
        if kind == "a{sv}":
            keys = [dice.choice(KEYS) for _ in range(dice.choice((0, 0, 0, 1, 2, 20)))]
            entries = [GLib.Variant.new_dict_entry(GLib.Variant("s", key),
                                                   self.of_type("v", depth + 1)) for key in keys]
            return GLib.Variant.new_array(GLib.VariantType("{sv}"), entries)
        if kind[0] == "a" and kind[1] != "{":
            count = dice.choice((0, 1, 1, 2, 3)) if depth < 4 else 0
            if dice.random() < 0.03:
                count = 1100 if depth == 0 else 40
            return GLib.Variant.new_array(GLib.VariantType(kind[1:]), self._some(kind, count, depth))
        return GLib.Variant.new_tuple(*[self.of_type(part, depth + 1) for part in TUPLES[kind]])

    def _some(self, kind, count, depth):
        """Returns items of an array; many are the same object, which is fast."""
        few = [self.of_type(kind[1:], depth + 1) for _ in range(min(count, 4))]
        return [self._dice.choice(few) for _ in range(count)]

    def of_any_type(self, depth=0):
        kinds = TYPES if depth < 3 else TYPES[:12]
        return self.of_type(self._dice.choice(kinds), depth)

    def arguments(self, types):
        """Returns arguments: mostly valid ones; else too few, too many, or of other types."""
        dice = self._dice
        values = [self.of_type(kind) for kind in types]
        chance = dice.random()
        if chance < 0.1:
            values.append(self.of_any_type())
        elif chance < 0.2 and values:
            values.pop()
        elif chance < 0.35 and values:
            values[dice.randrange(len(values))] = self.of_any_type()
        all_values = GLib.Variant.new_tuple(*values)
        return all_values if all_values.get_size() < LONGEST else self.arguments(types)
