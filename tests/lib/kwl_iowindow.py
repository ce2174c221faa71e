# SPDX-License-Identifier: GPL-2.0-only
"""The PF's registers while a driver has them."""

import os
import struct

PCI_COMMAND, PCI_COMMAND_IO = 4, 1


class Registers:
    """The device's registers, through the index and data ports of its I/O window.

    The memory window is the driver's alone while it is bound; the I/O window reaches the same.
    """

    def __init__(self, env):
        command = env.sysfs / "config"
        handle = os.open(command, os.O_RDWR)
        now, = struct.unpack("<H", os.pread(handle, 2, PCI_COMMAND))
        os.pwrite(handle, struct.pack("<H", now | PCI_COMMAND_IO), PCI_COMMAND)
        os.close(handle)
        self.window = os.open(env.sysfs / "resource2", os.O_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.window)

    def get(self, offset):
        """Read a register."""
        os.pwrite(self.window, struct.pack("<I", offset), 0)
        return struct.unpack("<I", os.pread(self.window, 4, 4))[0]

    def put(self, offset, value):
        """Write a register."""
        os.pwrite(self.window, struct.pack("<I", offset), 0)
        os.pwrite(self.window, struct.pack("<I", value), 4)
