# SPDX-License-Identifier: GPL-2.0-only
"""Registers: their values as `ethtool -d` shows them, and each access as the kernel sees it."""

import re
import struct
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from kwl_env import OWN_KERNEL
from kwl_nic import PCI_DEVICES
from kwl_qmp import Qmp
from kwl_sys import read, run, write

TRACING = Path("/sys/kernel/tracing")

DTXSWC, RTTDQSEL, RTTBCNRC = 0x3500, 0x3604, 0x36B0


def vmolr(pool):
    """What a pool lets in."""
    return 0x5AD0 + 4 * pool


def dump(env):
    """Return {offset: value} of the registers in kawela_pf's dump, which is pairs of these."""
    raw = subprocess.run(["ethtool", "-d", env.ifname, "raw", "on"], capture_output=True, check=True).stdout
    words = struct.unpack(f"<{len(raw) // 4}I", raw)
    return dict(zip(words[::2], words[1::2]))


class Access(NamedTuple):
    """One read or write ("R" or "W") of a register."""

    kind: str
    offset: int
    value: int


def can_trace():
    """Tell whether this kernel has the tracer, and can bear it.

    Lockdep cannot: stepping over an access leaves it with a wrong idea of whether interrupts are on.
    """
    return "mmiotrace" in read(TRACING / "available_tracers") and not OWN_KERNEL


def start_tracer():
    """From now on mappings of registers are traced.

    It works on one processor only and takes the others off line meanwhile.
    """
    write(TRACING / "current_tracer", "mmiotrace")


def stop_tracer():
    """Only when the drivers that were loaded under it are gone."""
    write(TRACING / "current_tracer", "nop")
    write(TRACING / "tracing_on", 1)


class Accesses:
    """Accesses to a function's registers while in the context; list(self) gives them."""

    def __init__(self, pci):
        first, last = (int(word, 16) for word in read(PCI_DEVICES / pci / "resource").split()[:2])
        self.start, self.size = first, last + 1 - first
        self.seen = []

    def __enter__(self):
        write(TRACING / "trace", "")
        write(TRACING / "tracing_on", 1)
        return self

    def __exit__(self, *_):
        # Reading the trace takes a while, and what happens then does not count.
        write(TRACING / "tracing_on", 0)
        text = (TRACING / "trace").read_text(encoding="ascii", errors="replace")
        for kind, address, value in re.findall(r"^([RW]) \d \S+ \d+ 0x([0-9a-f]+) 0x([0-9a-f]+) ", text, re.M):
            offset = int(address, 16) - self.start
            if 0 <= offset < self.size:
                self.seen.append(Access(kind, offset, int(value, 16)))

    def __iter__(self):
        return iter(self.seen)


class CardTrace:
    """The same as the emulated card sees it, from all its functions at once: needs QEMU's own traces.

    VFs' registers show with the address that the PF has for them.
    """

    EVENTS = ("e1000e_core_read", "e1000e_core_write", "igb_set_vfmailbox")
    SHARE = "trans=virtio,version=9p2000.L,msize=524288,ro"

    def __init__(self):
        self.name = f"trace-{time.monotonic_ns()}.log"
        self.seen = []
        self.mailboxes = 0

    def __enter__(self):
        with Qmp() as emulator:
            # Relative to where the emulator runs, which is a directory of its own.
            emulator.monitor(f"logfile {self.name}")
            emulator.monitor("log " + ",".join(f"trace:{event}" for event in self.EVENTS))
        return self

    def __exit__(self, *_):
        with Qmp() as emulator:
            emulator.monitor("log none")
            for event in self.EVENTS:
                emulator.monitor(f"trace-event {event} off")
        text = self._read()
        self.seen = [Access(way[0].upper(), int(offset, 16), int(value, 16)) for way, offset, value in
                     re.findall(r"e1000e_core_(read|write).* register 0x([0-9a-f]+), .*value: 0x([0-9a-f]+)", text)]
        self.mailboxes = len(re.findall("igb_set_vfmailbox", text))

    def _read(self):
        """What the emulator has written, in a directory of the tree; tests have a copy of that, from before."""
        with TemporaryDirectory() as tree:
            run(f"mount -t 9p -o {self.SHARE} kawela {tree}")
            try:
                return "".join(log.read_text(encoding="ascii", errors="replace")
                               for log in Path(tree).glob(f"build/run/*/{self.name}"))
            finally:
                run(f"umount {tree}")

    def __iter__(self):
        return iter(self.seen)
