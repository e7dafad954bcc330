#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Identity of readers: object path, USB path, vendor, product and serial number."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gi.repository import GLib

from scdtest.cases import case
from scdtest.cases.identity import (CHANNEL_ID, GET_FEATURES, PRODUCT, READERS, SERIAL, USB_PATH,
                                    VENDOR, VERSION, IdentityTest, channel, text)
from scdtest.clients import client
from scdtest.clients.pcsc_client import PcscClient
from scdtest.testbed.faults import Faults
from scdtest.testbed.simulator import ATR

# The examples of libccid's documentation: path, label, bus, address.
EXAMPLES = (("1-3:1.0", "usb_1_3", 1, 4), ("1-6:1.0", "usb_1_6", 1, 5),
            ("1-3.1:1.0", "usb_1_3_1", 1, 17), ("1-3.4:1.0", "usb_1_3_4", 1, 18))


class UsbPath(IdentityTest):
    def add_examples(self):
        for path, _, _, address in EXAMPLES:
            self.sysfs.add(path.partition(":")[0], address)

    def assert_examples(self):
        for name, (path, label, bus, address) in zip("ABCD", EXAMPLES):
            self.assert_has("Reader " + name, label, UsbPath=path, UsbBus=bus, UsbAddress=address,
                            LoginCandidate=True, Seat="seat0")
            self.assertEqual(self.find(path), label)
            self.assertEqual(self.find(path.partition(":")[0]), label)

    def test_path_from_the_driver(self):
        self.add_examples()
        self.start(*"ABCD")
        for name, (path, *_) in zip("ABCD", EXAMPLES):
            self.control(name, USB_PATH, text(path))
        self.start_service()
        self.assert_examples()

    def test_path_from_the_channel_id(self):
        self.add_examples()
        self.start(*"ABCD")
        for name, (_, _, bus, address) in zip("ABCD", EXAMPLES):
            self.attribute(name, CHANNEL_ID, channel(bus, address))
        self.start_service()
        self.assert_examples()

    def test_path_precedes_channel_id(self):
        self.add_examples()
        self.start("A")
        self.control("A", USB_PATH, text("1-3:1.0"))
        self.attribute("A", CHANNEL_ID, channel(1, 5))
        self.start_service()
        self.assert_has("Reader A", "usb_1_3", UsbPath="1-3:1.0", UsbAddress=4)

    def test_without_sysfs(self):
        """The path of the driver is used; a channel ID alone does not yield one."""
        self.start(*"AB")
        self.control("A", USB_PATH, text("12-3:1.0"))
        self.attribute("A", CHANNEL_ID, channel(12, 4))
        self.attribute("B", CHANNEL_ID, channel(12, 5))
        self.start_service()
        self.assert_has("Reader A", "usb_12_3", UsbPath="12-3:1.0", UsbBus=12, UsbAddress=4)
        self.assert_has("Reader B", "Simulated_Reader_B_01_00", UsbPath="", UsbBus=12,
                        UsbAddress=5)

    def test_malformed_paths_are_ignored(self):
        """Each is ignored in favor of the channel ID, if there is one."""
        self.add_examples()
        wrong = ("1-6:1.0".encode().hex(), "silent", "31" * 300, text("no path"), text(""),
                 text("../1-6:1.0"), text("1-6:1.0\n"), text("1-6"), text("1-6:1.0") + "00")
        names = [f"R{number}" for number in range(2 * len(wrong))]
        self.start(*names[:len(wrong)])
        for name, answer in zip(names, wrong):
            self.control(name, USB_PATH, answer)
        self.start_service()
        for name in names[:len(wrong)]:
            label, properties = self.reader(f"Reader {name} ")
            self.assertTrue(label.startswith("Simulated_Reader_"), label)
            self.assertEqual(properties["UsbPath"], "")
            self.assertTrue(properties["LoginCandidate"])
        self.testbed.stop_service()
        for number, answer in enumerate(wrong):
            self.control("R0", USB_PATH, answer)
            self.attribute("R0", CHANNEL_ID, channel(1, 17))
            self.start_service()
            self.assert_has("Reader R0 ", "usb_1_3_1", UsbPath="1-3.1:1.0")
            self.testbed.stop_service()

    def test_drivers_of_other_buses(self):
        self.add_examples()
        self.start("A")
        self.start_service()
        self.assert_has("Reader A", "Simulated_Reader_A_00_00", UsbPath="", UsbBus=0,
                        UsbAddress=0, LoginCandidate=True, Seat="seat0", Features=[])

    def test_only_matching_device(self):
        self.sysfs.add("1-1", 2, serial="S1")
        self.sysfs.add("1-2", 3, serial="S2")
        self.sysfs.add("2-1", 2, manufacturer="Twin", product="Reader")
        self.sysfs.add("2-2", 3, manufacturer="Twin", product="Reader")
        self.start_pcscd(self.simulated_reader("A", "Some Reader (S2)"),
                         self.simulated_reader("B", "Twin Reader"))
        self.start_service()
        self.assert_has("Some Reader", "usb_1_2", UsbPath="1-2:1.0", UsbAddress=3, Serial="S2")
        self.assert_has("Twin Reader", "Twin_Reader_01_00", UsbPath="", UsbBus=0)

    def test_four_slots(self):
        self.sysfs.add("1-3", 4)
        self.start_pcscd(self.simulated_reader("A", slots=4))
        slots = ["A", "A@1", "A@2", "A@3"]
        for slot in slots:
            self.control(slot, USB_PATH, text("1-3:1.0"))
        self.start_service()
        labels = {properties["Slot"]: path.removeprefix(READERS)
                  for path, properties in self.client.readers().values()}
        self.assertEqual(labels, {0: "usb_1_3", 1: "usb_1_3_slot1", 2: "usb_1_3_slot2",
                                  3: "usb_1_3_slot3"})
        self.assert_refused("InvalidArgs", "1-3", "Several readers match '1-3'")
        self.assert_refused("InvalidArgs", "1-3:1.0", "Several readers match '1-3:1.0'")
        self.assertEqual(self.find(READERS + "usb_1_3_slot2"), "usb_1_3_slot2")

    def test_two_interfaces(self):
        self.sysfs.add("1-3", 4, interfaces=(("0b", "Contact"), ("03", ""), ("0b", "NFC")))
        self.start_pcscd(self.simulated_reader("A", "X [Contact]"),
                         self.simulated_reader("B", "X [NFC]"))
        self.control("A", USB_PATH, text("1-3:1.0"))
        self.attribute("B", CHANNEL_ID, channel(1, 4))
        self.start_service()
        self.assert_has("[Contact]", "usb_1_3", UsbPath="1-3:1.0")
        self.assert_has("[NFC]", "usb_1_3_if2", UsbPath="1-3:1.2")
        self.assert_refused("InvalidArgs", "1-3")
        self.assertEqual(self.find("1-3:1.2"), "usb_1_3_if2")
        self.assert_refused("UnknownReader", "1-3:1.1")

    def test_two_readers_with_one_path(self):
        self.sysfs.add("1-3", 4)
        self.start(*"AB")
        for name in "AB":
            self.control(name, USB_PATH, text("1-3:1.0"))
        self.start_service()
        labels = {self.reader("Reader " + name)[0] for name in "AB"}
        self.assertEqual(len(labels), 2)
        self.assertIn("usb_1_3", labels)
        self.assertIn("seems to be at the USB port of another reader", self.testbed.service.output)

    def test_serial_number_that_looks_like_a_port(self):
        self.sysfs.add("1-3", 4, serial="1-6")
        self.sysfs.add("1-6", 5, serial="1-3:1.0")
        self.start(*"AB")
        self.control("A", USB_PATH, text("1-3:1.0"))
        self.control("B", USB_PATH, text("1-6:1.0"))
        self.start_service()
        for selector, label in (("1-6", "usb_1_6"), ("1-3:1.0", "usb_1_3"), ("1-3", "usb_1_3")):
            self.assertEqual(self.find(selector), label)
        self.assert_refused("UnknownReader", "1-")
        self.assert_refused("UnknownReader", "1-3:1")

# Configuration 1, interface 0, and its class descriptor: short APDUs, a display of 4 lines with 40
# characters.
DESCRIPTORS = ("0902510001010080320904000003" "0B000000"
               "36211001000703000000A00F0000A00F00000000320000003200000" "0FE000000"
               "0000000000000000" "BA0402000F010000FFFF28040001")


class Properties(IdentityTest):
    def test_properties_from_the_kernel(self):
        self.sysfs.add("1-3", 4, idVendor="08e6", idProduct="3437", manufacturer="Gemalto",
                       product="PC Twin Reader", serial="X1", removable="fixed")
        self.sysfs.add("1-4", 5, idVendor="08e6", idProduct="3438", removable="removable")
        self.start(*"AB")
        for name, path in (("A", "1-3:1.0"), ("B", "1-4:1.0")):
            self.control(name, USB_PATH, text(path))
            self.attribute(name, VENDOR, text("the driver's author"))
            self.control(name, GET_FEATURES, "120442330012")
            self.control(name, 0x42330012, "0b020100" "0c020200")
        self.start_service()
        self.assert_has("Reader A", "usb_1_3", Vendor="Gemalto", Product="PC Twin Reader",
                        Serial="X1", UsbVendorId=0x08E6, UsbProductId=0x3437, BuiltIn=True)
        self.assert_has("Reader B", "usb_1_4", Vendor="the driver's author", Product="",
                        UsbProductId=0x3438, BuiltIn=False)
        self.assertEqual(self.find("X1"), "usb_1_3")

    def test_properties_from_the_driver(self):
        self.start("A")
        self.attribute("A", VENDOR, text("Maker\x1b[2J"))
        self.attribute("A", PRODUCT, text("Model"))
        self.attribute("A", SERIAL, text("S77"))
        self.attribute("A", VERSION, "05000102")
        self.control("A", GET_FEATURES, "0604420000dc" "120442330012" "0a0142")
        self.control("A", 0x42330012, "0b02e608" "0c023734")
        self.start_service()
        self.assert_has("Reader A", "Simulated_Reader_A_00_00", Vendor="Maker\ufffd[2J",
                        Product="Model", Serial="S77", DriverVersion="2.1.5",
                        UsbVendorId=0x08E6, UsbProductId=0x3437,
                        Features=["verify-pin-direct", "get-tlv-properties"])
        self.assertEqual(self.find("S77"), "Simulated_Reader_A_00_00")

    def test_command_length_and_display(self):
        """From the driver's properties, else from the device's class descriptor."""
        self.start(*"ABC")
        for name, place in (("A", "1-3"), ("B", "1-4")):
            self.sysfs.add(place, 4, descriptors=bytes.fromhex(DESCRIPTORS))
            self.control(name, USB_PATH, text(place + ":1.0"))
        self.control("A", GET_FEATURES, "120442000DBE")
        self.control("A", 0x42000DBE, "0A0400000100" "01021402")
        self.start_service()
        self.assert_has("Reader A", "usb_1_3", MaxCommandLength=65536, DisplayLines=2,
                        DisplayColumns=20)
        self.assert_has("Reader B", "usb_1_4", MaxCommandLength=255, DisplayLines=4,
                        DisplayColumns=40)
        self.assert_has("Reader C", "Simulated_Reader_C_02_00", MaxCommandLength=0,
                        DisplayLines=0, DisplayColumns=0)

    def test_properties_are_not_asked_for_by_other_commands(self):
        """A driver whose code for its properties is an escape to the device as well."""
        self.start("A")
        self.control("A", GET_FEATURES, "120442000001")
        self.control("A", 0x42000001, "0A0400000100")
        self.start_service()
        self.assert_has("Reader A", "Simulated_Reader_A_00_00", MaxCommandLength=0,
                        Features=["get-tlv-properties"])


class FirstReply(IdentityTest):
    """The first GetManagedObjects returns all readers of pcscd."""

    def test_slow_driver(self):
        self.start(*"AB")
        self.control("A", USB_PATH, text("1-3:1.0"))
        self.driver.order("delay", "A", 200)
        self.start_service()
        self.assert_has("Reader A", "usb_1_3")
        self.assert_has("Reader B", "Simulated_Reader_B_01_00")

    def test_pcscd_restarts(self):
        names = [f"R{number}" for number in range(8)]
        self.start(*names)
        self.start_service()
        self.testbed.stop_pcscd()
        self.client.wait_for_state(lambda c: not c.manager("Available"), "pcscd is away")
        self.client.signals.clear()
        self.start_pcscd(*map(self.simulated_reader, names))
        self.client.wait_for_signal("PropertiesChanged", "/org/smartcardd1")
        self.assertEqual(len(self.client.readers()), len(names))


class QueriesOfHeldReaders(IdentityTest):
    """The service does not disturb another program, and retries when the reader is free."""

    def start_held(self, *order, **keywords):
        """Starts a reader whose card another PC/SC program holds before the service starts.

        keywords: of start_service().
        """
        self.start_pcscd(self.simulated_reader("A", "Held (S1)", card=ATR),
                         self.simulated_reader("B"))
        self.control("A", USB_PATH, text("1-3:1.0"))
        self.control("A", GET_FEATURES, "0604420000dc")
        self.holder = PcscClient()
        self.addCleanup(self.holder.close)
        self.holder.do("connect", "exclusive" if not order else "shared", "Held (S1) 00 00")
        for words in order:
            self.holder.do(*words.split())
        self.start_service(**keywords)

    def wait_until_asked(self):
        self.client.wait_for_state(lambda c: self.reader("Held")[1]["Features"],
                                   "the driver has been asked")

    def test_shared_holder_is_not_disturbed(self):
        self.start_pcscd(self.simulated_reader("A", card=ATR))
        user = PcscClient()
        self.addCleanup(user.close)
        user.do("connect", "shared", "Simulated Reader A 00 00")
        user.do("begin")
        user.do("transmit", "00A4040000")
        user.do("end", "leave")
        before = self.driver.status("A")
        self.start_service()
        _, properties = self.reader("Reader A")
        self.assertEqual(self.driver.status("A"), before)
        self.assertEqual((properties["EventCount"], properties["CardPresent"]), (0, True))
        user.do("transmit", "00A4040000")

    def test_exclusive_holder_with_one_matching_device(self):
        self.sysfs.add("1-3", 4, serial="S1")
        self.start_held()
        self.assert_has("Held", "usb_1_3", UsbPath="1-3:1.0", Features=[], Serial="S1")
        self.assert_has("Reader B", "Simulated_Reader_B_01_00")
        self.holder.do("disconnect", "leave")
        self.driver.swap("A")
        self.wait_until_asked()
        self.assert_has("Held", "usb_1_3", UsbPath="1-3:1.0", Features=["verify-pin-direct"])

    def test_exclusive_holder_with_two_matching_devices(self):
        self.sysfs.add("1-3", 4, serial="S1")
        self.sysfs.add("1-4", 5, serial="S1")
        self.start_held()
        label = "Held___28S1__29_00_00"
        self.assert_has("Held", label, UsbPath="", UsbBus=0, Serial="S1")
        self.holder.do("disconnect", "leave")
        self.driver.swap("A")
        self.wait_until_asked()
        self.assert_has("Held", label, UsbPath="1-3:1.0", UsbBus=1, UsbAddress=4)
        self.assertEqual(self.find("1-3"), label)

    def test_retried_at_the_next_event(self):
        self.sysfs.add("1-3", 4, serial="S1")
        self.start_held()
        self.driver.swap("A")
        self.client.wait_for_signal("CardInserted")
        self.assert_has("Held", "usb_1_3", Features=[])
        self.holder.do("disconnect", "leave")
        self.driver.swap("A")
        self.wait_until_asked()

    def test_event_during_the_queries(self):
        """Those that have failed by then, but have not ended, do not stand for it."""
        faults = Faults(self.testbed)
        self.start_held(environment=faults.environment)
        faults.order("probe-dwells")
        self.driver.swap("A")
        faults.wait_for("probe-dwells")
        self.client.signals.remove(self.client.wait_for_signal("CardInserted"))
        self.holder.do("disconnect", "leave")
        self.driver.swap("A")
        self.client.wait_for_signal("CardInserted")
        faults.end("probe-dwells")
        self.wait_until_asked()

    def test_wait_for_card_by_a_port_that_is_found_later(self):
        self.start_held()
        caller = client.Client()
        self._clients.append(caller)
        waiting = caller.send("/org/smartcardd1", "org.smartcardd1.Manager", "WaitForCard",
                              client.options(reader="1-3"))
        caller.manager("Version")
        self.holder.do("disconnect", "leave")
        caller.ask(self.client.reader("Held"), "org.smartcardd1.Reader", "Refresh")
        self.assertEqual(waiting.wait()[0], self.client.reader("Held"))

    def test_known_path_is_kept(self):
        """A second device of that kind would make a new search ambiguous."""
        self.sysfs.add("1-3", 4, serial="S1")
        self.start_held()
        self.sysfs.add("1-4", 5, serial="S1")
        self.driver.swap("A")
        self.client.wait_for_signal("CardInserted")
        self.holder.do("disconnect", "leave")
        self.driver.swap("A")
        self.wait_until_asked()
        self.assertEqual([signal for signal in self.client.signals
                          if signal.member == "PropertiesChanged"
                          and "UsbPath" in signal.arguments[1]], [])

    def test_queried_once(self):
        self.start("A")
        self.control("A", GET_FEATURES, "0604420000dc")
        self.start_service()
        before = self.driver.status("A")["commands"]
        for _ in range(3):
            self.driver.insert("A")
            self.client.signals.remove(self.client.wait_for_signal("CardInserted"))
            self.driver.remove("A")
            self.client.signals.remove(self.client.wait_for_signal("CardRemoved"))
        self.assertEqual((before, self.driver.status("A")["commands"]), ("1", "1"))

    def test_transaction_begins_during_the_queries(self):
        """Queries that it blocked are repeated at the next event."""
        self.start_held()
        self.control("A", GET_FEATURES, "120442330012")
        self.control("A", 0x42330012, "0c023734")
        self.driver.order("delay", "A", 300)
        self.holder.do("disconnect", "leave")
        self.holder.do("connect", "shared", "Held (S1) 00 00")
        self.client.call(self.client.reader("Held"), "org.smartcardd1.Reader", "Refresh",
                         GLib.Variant("(a{sv})", ({},)))
        self.driver.wait_for("A", "busy=1")
        self.holder.do("begin")
        self.client.wait_for_state(lambda c: self.reader("Held")[1]["UsbPath"],
                                   "the first answer is used")
        self.assert_has("Held", "Held___28S1__29_00_00", UsbPath="1-3:1.0", UsbProductId=0)
        self.driver.order("delay", "A", 0)
        self.holder.do("end", "leave")
        self.driver.swap("A")
        self.client.wait_for_state(lambda c: self.reader("Held")[1]["UsbProductId"],
                                   "the driver has been asked again")
        self.assert_has("Held", "Held___28S1__29_00_00", UsbPath="1-3:1.0", UsbProductId=0x3437)

    def test_transaction_delays_the_queries(self):
        """The delayed result is used without a further event."""
        self.sysfs.add("1-3", 4, serial="S1")
        self.start_held("begin")
        self.assert_has("Held", "usb_1_3", UsbPath="1-3:1.0", Features=[])
        self.holder.do("end", "leave")
        self.wait_until_asked()
        self.assert_has("Held", "usb_1_3", UsbPath="1-3:1.0", Features=["verify-pin-direct"])

    def test_service_stops_while_queries_are_delayed(self):
        self.start_held("begin")
        self.testbed.stop_service()


if __name__ == "__main__":
    case.main()
