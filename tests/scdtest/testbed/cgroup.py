# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cgroup with a limit on memory, as systemd makes one for MemoryMax= of a unit."""

import contextlib
import os

# The folder of each version, and the names of its files: the limit, and the count of processes that
# the kernel has killed.
VERSIONS = (("/sys/fs/cgroup", "memory.max", "memory.events"),
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.oom_control"))


class MemoryLimit:
    """command: the prefix of a command line that runs in the cgroup."""

    def __init__(self, size):
        """size: in bytes. Raises OSError if the machine does not allow it."""
        for root, limit, events in VERSIONS:
            self._folder = os.path.join(root, f"scd-test-{os.getpid()}-{id(self)}")
            try:
                os.mkdir(self._folder)
                self._write(limit, size)
            except OSError:
                with contextlib.suppress(OSError):
                    os.rmdir(self._folder)
            else:
                self._events = events
                break
        else:
            raise OSError("no cgroup with a limit on memory can be made")
        self.command = ("sh", "-c", f'echo $$ >{self._folder}/cgroup.procs && exec "$@"', "sh")

    def _write(self, name, value):
        """The file exists already, unless the cgroup has no such limit."""
        descriptor = os.open(os.path.join(self._folder, name), os.O_WRONLY)
        try:
            os.write(descriptor, str(value).encode())
        finally:
            os.close(descriptor)

    def count_killed(self):
        with open(os.path.join(self._folder, self._events), encoding="ascii") as file:
            return int(dict(line.split() for line in file)["oom_kill"])

    def close(self):
        """Its processes must have ended."""
        os.rmdir(self._folder)
