# SPDX-License-Identifier: LGPL-2.1-or-later
"""Private namespaces for one process and its children.

Inside, /run is empty, so that pcscd, the bus and their clients use the paths that are compiled
into them, and do not touch the machine's. The network is private, and PIDs are: when the first
process ends, the kernel ends all others.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys

INSIDE = "SCD_INSIDE"
KEPT_PCSCD = "/run/pcscd"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def enter(keep_pcscd=False, preload=None):
    """Runs this program again inside, unless it is inside already.

    preload: a library for that program, but not for its children.
    """
    if os.environ.get(INSIDE):
        os.environ.pop("LD_PRELOAD", None)
        _furnish()
        return
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: needs root for a private mount namespace: try sudo")
    environment = dict(os.environ)
    environment[INSIDE] = "pcscd" if keep_pcscd else "alone"
    unshare = ["unshare", "--mount", "--propagation", "private", "--net"]
    if subprocess.run([*unshare, "true"]).returncode != 0:
        sys.exit(f"{sys.argv[0]}: needs namespaces, which this container does not allow: "
                 "start it as a privileged one")
    command = [*unshare, "--pid", "--fork", "--kill-child", "--mount-proc"]
    if preload:
        command += ["env", "LD_PRELOAD=" + preload]
    command += [sys.executable, *sys.argv]
    os.execvpe(command[0], command, environment)


def _furnish():
    def mount(*arguments):
        subprocess.run(["mount", *arguments], check=True)

    keep = os.environ[INSIDE] == "pcscd" and os.path.isdir(KEPT_PCSCD)
    shelf = "/mnt"
    if keep:
        mount("-t", "tmpfs", "tmpfs", shelf)
        os.mkdir(shelf + "/pcscd")
        mount("--move" if os.path.ismount(KEPT_PCSCD) else "--bind", KEPT_PCSCD, shelf + "/pcscd")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for folder in ("dbus", "lock", "scd"):
        os.mkdir("/run/" + folder)
    if keep:
        os.mkdir(KEPT_PCSCD)
        mount("--bind", shelf + "/pcscd", KEPT_PCSCD)
    _raise_loopback()


def _raise_loopback():
    """A new network namespace has a loopback device only, which is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
