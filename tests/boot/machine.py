# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual machine that boots an image, runs its test, and is switched off by the test.

QEMU emulates the processor (TCG), so neither KVM nor permissions are needed. There is only one
processor, because QEMU 7.2 has a bug when the kernel patches its own code while another processor
runs it. The output of the test is passed on. The test sends orders, one per line, through a serial
port, and they are executed on the USB ports of the machine.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable

from machines import IDENTITY
from ports import UHCI, XHCI, Ports
from qmp import Qmp, Refused

# Without features that are slow in emulation: five-level page tables, string instructions that are
# emulated byte by byte, wide vectors.
CPU = "max,-la57,-erms,-fsrm,-avx,-avx2,-smap,-smep"

# norandmaps: libraries are at the same address in each process, so QEMU reuses translated code.
KERNEL_OPTIONS = ("console=ttyS0 root=/dev/vda systemd.unit=boot-test.target quiet panic=-1 "
                  "mitigations=off nokaslr norandmaps no_timer_check")


class Machine:
    """image: a folder, see tests/boot/image. results: a folder for the journal and the console."""

    def __init__(self, name: str, image: str, results: str, print_line: Callable[[str], None]):
        self._name, self._image, self._results = name, image, results
        self._print_line = print_line
        self._output_ended = asyncio.Event()

    async def run(self, readers: Iterable[tuple[str, str]], limit_s: float) -> None:
        """Boots, and returns when the machine is off. readers: names and ports at boot."""
        with tempfile.TemporaryDirectory(prefix="scd-boot-") as folder:
            qmp = Qmp()
            has_identity = any(name == IDENTITY for name, _ in readers)
            self._controller = UHCI if has_identity else XHCI
            self._qmp = qmp
            self._ports = Ports(qmp, folder, self._image + "/identity")
            await qmp.listen(folder + "/qmp")
            await asyncio.start_unix_server(self._obey, folder + "/orders")
            await asyncio.start_unix_server(self._pass_on, folder + "/output")
            qemu = await asyncio.create_subprocess_exec(
                *self._command(folder), stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "TMPDIR": folder}, start_new_session=True)
            try:
                await asyncio.wait_for(self._live(qemu, qmp, readers), limit_s)
            finally:
                if qemu.returncode is None:
                    qemu.kill()
                    await qemu.wait()

    async def _live(self, qemu: asyncio.subprocess.Process, qmp: Qmp,
                    readers: Iterable[tuple[str, str]]) -> None:
        start = asyncio.create_task(self._start(qmp, readers))
        end = asyncio.create_task(qemu.wait())
        await asyncio.wait((start, end), return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            await start
            await end
            await self._output_ended.wait()
        else:
            start.cancel()
            self._print_line(f"# QEMU ended with status {qemu.returncode}")

    async def _start(self, qmp: Qmp, readers: Iterable[tuple[str, str]]) -> None:
        await qmp.greet()
        for name, place in readers:
            await self._ports.plug(name, place)
            if name != IDENTITY:
                await self._ports.insert(name)
        await qmp.command("cont")

    def _command(self, folder: str) -> list[str]:
        def port(name: str, backend: str) -> list[str]:
            return ["-chardev", f"{backend},id={name}",
                    "-device", f"virtserialport,chardev={name},name={name}"]

        return [
            # QEMU is killed when this process ends.
            "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,tb-size=1024",
            "-machine", "q35", "-cpu", CPU, "-m", "1024", "-nodefaults", "-no-user-config",
            "-display", "none", "-nic", "none", "-no-reboot", "-S",
            "-kernel", self._image + "/vmlinuz", "-initrd", self._image + "/initrd",
            "-append", f"{KERNEL_OPTIONS} systemd.setenv=SCD_BOOT_MACHINE={self._name}",
            "-drive", f"if=virtio,file={self._image}/disk,format=raw,snapshot=on,cache=unsafe",
            "-device", self._controller,
            "-serial", f"file:{self._results}/{self._name}.console",
            "-device", "virtio-serial-pci",
            *port("orders", f"socket,path={folder}/orders"),
            *port("output", f"socket,path={folder}/output"),
            *port("journal", f"file,path={self._results}/{self._name}.journal"),
            "-chardev", f"socket,id=qmp,path={folder}/qmp", "-mon", "chardev=qmp,mode=control",
        ]

    async def _wake(self, *order: str) -> None:
        """Wakes the machine, once, when it has gone to sleep: until then it may do other things.

        order: is executed while the machine sleeps.
        """
        async def wake() -> None:
            await self._qmp.suspended.wait()
            try:
                if order:
                    await self._execute(*order)
            finally:
                await self._qmp.command("system_wakeup")

        self._qmp.suspended.clear()
        self._waking = asyncio.create_task(wake())

    async def _execute(self, order: str, *arguments: str) -> None:
        orders = {"plug": self._ports.plug, "unplug": self._ports.unplug,
                  "unplug-hub": self._ports.unplug_hub,
                  "insert": self._ports.insert, "remove": self._ports.remove,
                  "wake": self._wake, "off": lambda: self._qmp.command("quit")}
        await orders[order](*arguments)

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Executes orders. Replies to each with a line: empty, or an error message."""
        with contextlib.suppress(ConnectionError):  # after the order "off"
            while line := await reader.readline():
                try:
                    await self._execute(*line.decode().split())
                    answer = ""
                except (Refused, AssertionError, KeyError, TypeError,
                        asyncio.TimeoutError) as error:
                    answer = f"{line.decode().strip()}: {error!r}"
                writer.write(answer.encode() + b"\n")
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self._print_line(line.decode(errors="replace").rstrip("\r\n"))
        self._output_ended.set()
        writer.close()
