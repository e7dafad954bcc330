#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that boots without readers: readers are plugged in and unplugged."""

from booted import (CARD, READER, UNIT, BootTest, interfaces, main, object_path, run, sysfs, unit)
from scdtest.clients.recorder import INSERTION, REMOVAL

AT_BOOT = unit("ActiveState")


class HotplugTest(BootTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.unplug_all)

    def unplug_all(self):
        for name in list(self.places):
            self.unplug(name)
            self.host.order("remove", name)
        self.wait_for_places()

    def plug_and_wait(self, *readers):
        for name, place in readers:
            self.plug(name, place)
        self.wait_for_places()

    def since(self, number, *members):
        """Returns the signals from number on that have one of these names."""
        return [signal for signal in self.client.signals[number:] if signal.member in members]


class Start(HotplugTest):
    def test_a_reader_starts_the_service(self):
        self.assertEqual(AT_BOOT, "inactive")
        run("systemctl", "stop", UNIT)
        self.plug("a", "1-3")
        self.wait_for_service()
        self.assertIn(unit("ActiveState"), ("activating", "active"))
        self.wait_for_places()

    def test_the_bus_starts_the_service(self):
        run("systemctl", "stop", UNIT)
        self.assertEqual(self.client.readers(), {})
        self.assertIn(unit("ActiveState"), ("activating", "active"))


class Places(HotplugTest):
    PLACES = (("a", "1-3"), ("b", "1-4.1"), ("c", "1-7.2.3"))

    def test_a_reader_is_where_the_kernel_says(self):
        self.plug_and_wait(*self.PLACES)
        self.assertEqual({place + ":1.0" for _, place in self.PLACES}, interfaces())
        for _, place in self.PLACES:
            properties = self.client.objects()[object_path(place)][READER]
            expected = {"UsbPath": place + ":1.0", "UsbBus": int(sysfs(place, "busnum")),
                        "UsbAddress": int(sysfs(place, "devnum")),
                        "UsbVendorId": int(sysfs(place, "idVendor"), 16),
                        "UsbProductId": int(sysfs(place, "idProduct"), 16),
                        "Vendor": sysfs(place, "manufacturer"),
                        "Product": sysfs(place, "product"), "Serial": sysfs(place, "serial"),
                        "Slot": 0, "Seat": "seat0", "LoginCandidate": True}
            self.assertEqual({name: properties[name] for name in expected}, expected)

    def test_a_card_is_in_the_reader_that_shows_it(self):
        self.plug_and_wait(*self.PLACES)
        for name, _ in self.PLACES:
            self.host.order("insert", name)
            self.wait_for_card(name)

    def test_same_port_same_path(self):
        self.plug_and_wait(*self.PLACES)
        for name, place in self.PLACES:
            self.unplug(name)
            self.wait_for_places()
            self.plug_and_wait((name, place))

    def test_another_port_another_path(self):
        self.plug_and_wait(*self.PLACES)
        self.unplug("a")
        self.unplug("b")
        self.wait_for_places()
        self.plug_and_wait(("a", "1-4.1"), ("b", "1-6"))
        for name in ("a", "b"):
            self.host.order("insert", name)
            self.wait_for_card(name)

    def test_a_hub_goes_with_all_behind_it(self):
        self.plug_and_wait(("a", "1-3"), ("b", "1-4.1"), ("c", "1-4.2"), ("d", "1-4.3.1"))
        self.host.order("unplug-hub", "1-4")
        for name in ("b", "c", "d"):
            del self.places[name]
        self.wait_for_places()
        self.plug_and_wait(("b", "1-4.2"), ("d", "1-4.3.1"))


class Cards(HotplugTest):
    def test_in_and_out(self):
        self.plug_and_wait(("a", "1-3"))
        reader, cards = object_path("1-3"), set()
        for _ in range(5):
            number = len(self.client.signals)
            self.host.order("insert", "a")
            self.client.wait_for_signal("CardInserted", reader, number)
            self.assertEqual([signal.member for signal in self.since(number, *INSERTION)],
                             INSERTION)
            cards.add(self.wait_for_card("a"))
            number = len(self.client.signals)
            self.host.order("remove", "a")
            self.client.wait_for_signal("InterfacesRemoved", since=number)
            self.assertEqual([signal.member for signal in self.since(number, *REMOVAL)], REMOVAL)
        self.assertEqual(len(cards), 5)

    def test_a_reader_leaves_with_its_card(self):
        self.plug_and_wait(("a", "1-3"))
        self.host.order("insert", "a")
        card = self.wait_for_card("a")
        number = len(self.client.signals)
        self.unplug("a")
        self.wait_for_places()
        gone = [signal.arguments for signal in self.since(number, "InterfacesRemoved")]
        self.assertEqual(gone, [(card, [CARD]), (object_path("1-3"), [READER])])
        number = len(self.client.signals)
        self.plug_and_wait(("a", "1-3"))
        self.assertNotEqual(self.wait_for_card("a"), card)
        come = [signal.arguments[0] for signal in self.since(number, "InterfacesAdded")]
        self.assertEqual(come[0], object_path("1-3"))


if __name__ == "__main__":
    main()
