# SPDX-License-Identifier: LGPL-2.1-or-later
"""Private namespaces for one process and its children.

Inside, /run is empty, so that pcscd, the bus and their clients use the paths that are compiled
into them, and do not touch the machine's. The network is private, and PIDs are: when the first
process ends, the kernel ends all others.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys

# In the environment of a program that was executed anew, for a library to be preloaded.
INSIDE = "SCD_INSIDE"
KEPT_PCSCD = "/run/pcscd"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def enter(keep_pcscd=False, preload=None):
    """Returns inside, in a child of the process that called: that one ends with the same status.

    preload: a library for this program, which is executed anew for it, but not for its children.
    """
    if os.environ.pop(INSIDE, None):
        del os.environ["LD_PRELOAD"]
        return
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: needs root for a private mount namespace: try sudo")
    if _libc.unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) != 0:
        sys.exit(f"{sys.argv[0]}: needs namespaces, which this container does not allow: "
                 "start it as a privileged one")
    _fork()
    _furnish(keep_pcscd)
    if preload:
        environment = {**os.environ, INSIDE: "1", "LD_PRELOAD": preload}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def _fork():
    """Returns in the child, the first process of the PID namespace.

    Signals of the terminal are for the child, which receives them too.
    """
    sys.stdout.flush()
    signals = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in signals]
    if child := os.fork():
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number, handler in zip(signals, before):
        signal.signal(number, handler)


def _furnish(keep_pcscd):
    def mount(*arguments):
        subprocess.run(["mount", *arguments], check=True)

    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    keep = keep_pcscd and os.path.isdir(KEPT_PCSCD)
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
