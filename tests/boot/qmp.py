# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of QMP, the control protocol of QEMU: commands, and the removal of devices."""

import asyncio
import contextlib
import json

LIMIT_S = 30


class Refused(Exception):
    """An error that QEMU returned, with its message."""


class Qmp:
    """The server of the socket to which QEMU connects when it starts."""

    def __init__(self):
        self._answers: asyncio.Queue[dict] = asyncio.Queue()
        self._leaving: dict[str, asyncio.Future] = {}
        self.suspended = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._greeted = asyncio.Event()

    async def listen(self, path: str) -> None:
        await asyncio.start_unix_server(self._read, path)

    async def greet(self) -> None:
        await asyncio.wait_for(self._greeted.wait(), LIMIT_S)
        await self.command("qmp_capabilities")

    async def command(self, name: str, **arguments) -> None:
        """Sends a command and waits for its reply. Only one command may be running."""
        self._writer.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        answer = await asyncio.wait_for(self._answers.get(), LIMIT_S)
        if "error" in answer:
            raise Refused(answer["error"]["desc"])

    async def delete(self, device: str) -> None:
        """Removes a device, and waits until the guest has released it."""
        gone = self._leaving[device] = asyncio.get_running_loop().create_future()
        await self.command("device_del", id=device)
        await asyncio.wait_for(gone, LIMIT_S)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        with contextlib.suppress(ConnectionError):  # after the command "quit"
            await self._read_lines(reader)
        writer.close()

    async def _read_lines(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if "QMP" in message:
                self._greeted.set()
            elif "event" not in message:
                self._answers.put_nowait(message)
            elif message["event"] == "SUSPEND":
                self.suspended.set()
            elif message["event"] == "DEVICE_DELETED":
                gone = self._leaving.pop(message["data"].get("device"), None)
                if gone:
                    gone.set_result(None)
