# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual machine that boots an image, runs its test, and is switched off by it.

QEMU emulates it all (TCG): it needs neither KVM nor rights. There is one processor, for
the kernel changes its own code while others run it, which QEMU 7.2 does not always get
right. What the test prints is passed on; its orders, a line each, come through a port of
their own and are carried out at the machine's USB ports.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable

from ports import DEVICE, Ports
from qmp import Qmp, Refused

# Without what costs time in emulation: a fifth level of page tables, string instructions that go
# byte by byte, wide vectors.
CPU = "max,-la57,-erms,-fsrm,-avx,-avx2,-smap,-smep"

# norandmaps: QEMU finds the code of libraries translated already.
KERNEL_OPTIONS = ("console=ttyS0 root=/dev/vda systemd.unit=boot-test.target quiet panic=-1 "
                  "mitigations=off nokaslr norandmaps no_timer_check")


class Machine:
    """image: a folder, see tests/boot/image. results: a folder for the journal and the console."""

    def __init__(self, name: str, image: str, results: str, print_line: Callable[[str], None]):
        self._name, self._image, self._results = name, image, results
        self._print_line = print_line
        self._output_ended = asyncio.Event()

    async def run(self, readers: Iterable[tuple[str, str]], limit_s: float) -> None:
        """readers: names and places of those that are there, with cards, when it starts."""
        with tempfile.TemporaryDirectory(prefix="scd-boot-") as folder:
            qmp = Qmp()
            self._ports = Ports(qmp, folder)
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
        await qmp.greet()
        for name, place in readers:
            await self._ports.plug(name, place)
            await self._ports.insert(name)
        await qmp.command("cont")
        await qemu.wait()
        await self._output_ended.wait()

    def _command(self, folder: str) -> list[str]:
        def port(name: str, backend: str) -> list[str]:
            return ["-chardev", f"{backend},id={name}",
                    "-device", f"virtserialport,chardev={name},name={name}"]

        return [
            # It ends with this process, however that ends.
            "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,tb-size=1024",
            "-machine", "q35", "-cpu", CPU, "-m", "1024", "-nodefaults", "-no-user-config",
            "-display", "none", "-nic", "none", "-no-reboot", "-S",
            "-kernel", self._image + "/vmlinuz", "-initrd", self._image + "/initrd",
            "-append", f"{KERNEL_OPTIONS} systemd.setenv=SCD_BOOT_MACHINE={self._name}",
            "-drive", f"if=virtio,file={self._image}/disk,format=raw,snapshot=on,cache=unsafe",
            "-device", DEVICE,
            "-serial", f"file:{self._results}/{self._name}.console",
            "-device", "virtio-serial-pci",
            *port("orders", f"socket,path={folder}/orders"),
            *port("output", f"socket,path={folder}/output"),
            *port("journal", f"file,path={self._results}/{self._name}.journal"),
            "-chardev", f"socket,id=qmp,path={folder}/qmp", "-mon", "chardev=qmp,mode=control",
        ]

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Each order is answered by a line: empty, or what went wrong."""
        orders = {"plug": self._ports.plug, "unplug": self._ports.unplug,
                  "unplug-hub": self._ports.unplug_hub,
                  "insert": self._ports.insert, "remove": self._ports.remove}
        while line := await reader.readline():
            order, *arguments = line.decode().split()
            try:
                await orders[order](*arguments)
                answer = ""
            except (Refused, AssertionError, KeyError, TypeError, asyncio.TimeoutError) as error:
                answer = f"{line.decode().strip()}: {error!r}"
            writer.write(answer.encode() + b"\n")
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self._print_line(line.decode(errors="replace").rstrip("\r\n"))
        self._output_ended.set()
        writer.close()
