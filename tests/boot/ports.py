# SPDX-License-Identifier: LGPL-2.1-or-later
"""The USB ports of a virtual machine, with readers and hubs.

A place is a port in the kernel's notation: 1-3, or 1-4.1 behind a hub at 1-4. Hubs are plugged in
as they are needed.
"""

from card import Card
from machines import IDENTITY
from qmp import Qmp

CONTROLLER = "usb"
XHCI = f"qemu-xhci,id={CONTROLLER},p2=15,p3=4"

# With XHCI, QEMU's reader sends an empty packet after a response of 64 bytes as a second transfer,
# which libccid takes for the next response. A card with certificates has such responses.
UHCI = f"piix3-usb-uhci,id={CONTROLLER}"


def parent(place: str) -> str:
    """Returns the place of the hub that the place is behind, or an empty string."""
    return place.rpartition(".")[0]


def hub_id(place: str) -> str:
    return "hub-" + place.replace(".", "-")


class IdentityCard:
    """A card with keys, which QEMU emulates. It is a device of QEMU while it is in the reader.

    folder: made by tests/boot/identity.
    """

    def __init__(self, qmp: Qmp, folder: str):
        self._qmp, self._folder = qmp, folder
        self._inserted = False

    async def insert(self) -> None:
        await self._qmp.command("device_add", driver="ccid-card-emulated", id=IDENTITY + "-card",
                                bus=IDENTITY + ".0", backend="certificates",
                                db=f"sql:{self._folder}/card", cert1="id", cert2="signing",
                                cert3="encryption")
        self._inserted = True

    async def remove(self) -> None:
        if self._inserted:
            await self._qmp.delete(IDENTITY + "-card")
        self._inserted = False

    def unplugged(self) -> None:
        """QEMU removes the card with the reader."""
        self._inserted = False


class Ports:
    """folder: where the sockets of cards are created. identity: that of an IdentityCard."""

    def __init__(self, qmp: Qmp, folder: str, identity: str):
        self._qmp, self._folder = qmp, folder
        self._cards: dict[str, Card | IdentityCard] = {IDENTITY: IdentityCard(qmp, identity)}
        self._readers: dict[str, str] = {}  # that are plugged in, with their places
        self._hubs: set[str] = set()

    async def plug(self, name: str, place: str) -> None:
        """Plugs in a reader. A new one has no card; any other keeps its card, unless QEMU does."""
        if name not in self._cards:
            await self._new_card(name)
        await self._need_hub(parent(place))
        await self._add("usb-ccid", name, place)
        if name != IDENTITY:
            await self._qmp.command("device_add", driver="ccid-card-passthru", id=name + "-card",
                                    bus=name + ".0", chardev=name + "-socket")
        self._readers[name] = place

    async def unplug(self, name: str) -> None:
        self._cards[name].unplugged()
        await self._qmp.delete(name)
        del self._readers[name]

    async def unplug_hub(self, place: str) -> None:
        """Unplugs a hub and everything behind it."""
        for name in [name for name, at in self._readers.items() if at.startswith(place + ".")]:
            self._cards[name].unplugged()
            del self._readers[name]
        await self._qmp.delete(hub_id(place))
        self._hubs = {hub for hub in self._hubs if not (hub + ".").startswith(place + ".")}

    async def insert(self, name: str) -> None:
        await self._cards[name].insert()

    async def remove(self, name: str) -> None:
        await self._cards[name].remove()

    async def _new_card(self, name: str) -> None:
        path = f"{self._folder}/{name}"
        card = Card(name)
        await card.listen(path)
        address = {"type": "unix", "data": {"path": path}}
        await self._qmp.command("chardev-add", id=name + "-socket", backend={
            "type": "socket", "data": {"addr": address, "server": False}})
        self._cards[name] = card

    async def _need_hub(self, place: str) -> None:
        if not place or place in self._hubs:
            return
        await self._need_hub(parent(place))
        await self._add("usb-hub", hub_id(place), place)
        self._hubs.add(place)

    async def _add(self, driver: str, name: str, place: str) -> None:
        port = place.removeprefix("1-")
        await self._qmp.command("device_add", driver=driver, id=name, bus=CONTROLLER + ".0",
                                port=port)
