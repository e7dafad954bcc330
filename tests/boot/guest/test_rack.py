#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with many readers, most of them behind hubs, and restarts of pcscd."""

from booted import (PCSCD, READER, UNIT, BootTest, interfaces, main, object_path, run, sysfs)

HUB = "1-15"


class Rack(BootTest):
    def setUp(self):
        super().setUp()
        self.wait_for_places()

    def assert_nothing_is_lost(self):
        """Waits for all readers, each with its card."""
        self.wait_for_places()
        expected = {object_path(place): name for name, place in self.places.items()}
        self.client.wait_for_state(lambda client: self.cards() == expected, "all cards are there")

    def cards(self):
        """Returns a dictionary: path of the reader to the name in its card's historical bytes."""
        return {card["Reader"]: bytes(card["HistoricalBytes"]).decode()
                for card in self.client.cards().values()}

    def unplug_hub(self):
        """Unplugs a hub, and returns the readers that were behind it."""
        behind = {name: place for name, place in self.places.items() if place.startswith(HUB + ".")}
        self.host.order("unplug-hub", HUB)
        for name in behind:
            del self.places[name]
        return behind

    def plug_all(self, readers):
        for name, place in readers.items():
            self.plug(name, place)

    def test_all_are_where_the_kernel_says(self):
        self.assert_nothing_is_lost()
        self.assertEqual({place + ":1.0" for place in self.places.values()}, interfaces())
        objects = self.client.objects()
        for place in self.places.values():
            properties = objects[object_path(place)][READER]
            self.assertEqual((properties["UsbPath"], properties["UsbAddress"]),
                             (place + ":1.0", int(sysfs(place, "devnum"))))

    def test_a_hub_leaves_and_comes_back(self):
        behind = self.unplug_hub()
        self.assertEqual(len(behind), 8)
        self.wait_for_places()
        self.plug_all(behind)
        self.assert_nothing_is_lost()

    def test_pcscd_is_restarted(self):
        number = len(self.client.signals)
        run("systemctl", "restart", PCSCD)
        self.client.wait_for_signal("InterfacesRemoved", since=number)
        self.assert_nothing_is_lost()

    def test_pcscd_comes_back_with_fewer_readers(self):
        run("systemctl", "stop", "pcscd.socket", PCSCD)
        behind = self.unplug_hub()
        run("systemctl", "start", "pcscd.socket")
        self.assert_nothing_is_lost()
        name = next(iter(self.places))
        self.host.order("remove", name)
        self.client.wait_for_signal("CardRemoved", object_path(self.places[name]))
        self.host.order("insert", name)
        self.plug_all(behind)
        self.assert_nothing_is_lost()

    def test_the_service_is_restarted(self):
        run("systemctl", "restart", UNIT)
        self.assert_nothing_is_lost()


if __name__ == "__main__":
    main()
