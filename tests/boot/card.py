# SPDX-License-Identifier: LGPL-2.1-or-later
"""The card of a virtual reader, as a peer of QEMU's ccid-card-passthru.

The protocol is that of libcacard (vscard_common.h): messages with a header of three big-endian
numbers (type, reader, length). QEMU sends INIT when the card device is created, COMMAND for each
APDU, and RESULT as the reply to each message of this program. QEMU's reader supports T=0 only.
"""

import asyncio
import collections
import struct

INIT, RESULT, READER_ADD, _, ATR, CARD_REMOVE, COMMAND = range(1, 8)
HEADER = struct.Struct(">III")
LIMIT_S = 10


class Card:
    """Its historical bytes, and the response to GET DATA (INS CA), are the name of its owner."""

    def __init__(self, owner: str):
        assert len(owner) < 16
        self._owner = owner.encode()
        self._inserted = False
        self._writer: asyncio.StreamWriter | None = None
        self._has_device = False
        self._results: collections.deque[asyncio.Future] = collections.deque()

    async def listen(self, path: str) -> None:
        await asyncio.start_unix_server(self._serve, path)

    async def insert(self) -> None:
        self._inserted = True
        if self._has_device:
            await self._send_checked(ATR, self._atr())

    async def remove(self) -> None:
        self._inserted = False
        if self._has_device:
            await self._send_checked(CARD_REMOVE)

    def unplugged(self) -> None:
        self._has_device = False

    def _atr(self) -> bytes:
        return bytes([0x3B, len(self._owner)]) + self._owner

    def _respond(self, command: bytes) -> bytes:
        if command[1] == 0xA4:
            return b"\x90\x00"
        if command[1] == 0xCA:
            return self._owner + b"\x90\x00"
        return b"\x6D\x00"

    def _send(self, kind: int, body: bytes = b"") -> None:
        self._writer.write(HEADER.pack(kind, 0, len(body)) + body)

    def _send_for_result(self, kind: int, body: bytes = b"") -> asyncio.Future:
        self._send(kind, body)
        result = asyncio.get_running_loop().create_future()
        self._results.append(result)
        return result

    async def _send_checked(self, kind: int, body: bytes = b"") -> None:
        result = await asyncio.wait_for(self._send_for_result(kind, body), LIMIT_S)
        assert result == 0, f"QEMU refuses message {kind}: {result}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while True:
                kind, _, length = HEADER.unpack(await reader.readexactly(HEADER.size))
                self._handle(kind, await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _handle(self, kind: int, body: bytes) -> None:
        if kind == INIT:
            self._has_device = True
            self._results.clear()
            self._send_for_result(READER_ADD)
            if self._inserted:
                self._send_for_result(ATR, self._atr())
        elif kind == RESULT:
            self._results.popleft().set_result(int.from_bytes(body[:4], "big"))
        elif kind == COMMAND and self._inserted:
            self._send(COMMAND, self._respond(body))
