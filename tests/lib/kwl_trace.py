# SPDX-License-Identifier: GPL-2.0-only
"""What passes between driver and stack, seen by the kernel's own tracepoints.

A frame's metadata (queue, hash, VLAN tag, checksum verdict, segment size) is what a driver
promises about it; tests compare that promise with the frame they know.
"""

import re
from pathlib import Path

from kwl_sys import write

TRACING = Path("/sys/kernel/tracing")
RX = ("net/napi_gro_receive_entry", "net/napi_gro_frags_entry", "net/netif_receive_skb_entry")
TX = ("net/net_dev_start_xmit",)
# Values of skb->ip_summed.
NONE, UNNECESSARY, COMPLETE, PARTIAL = 0, 1, 2, 3


class Trace:
    """Record some tracepoints in a trace instance of its own."""

    def __init__(self, events, where="", name="kawela"):
        self.base = TRACING / "instances" / name
        self.events = events
        self.where = where

    def __enter__(self):
        self.base.mkdir(exist_ok=True)
        write(self.base / "buffer_size_kb", 4096)
        for event in self.events:
            if self.where:
                write(self.base / "events" / event / "filter", self.where)
            write(self.base / "events" / event / "enable", 1)
        return self

    def __exit__(self, *_):
        write(self.base / "events" / "enable", 0)
        self.base.rmdir()

    def rows(self):
        """Return what was recorded: a dictionary of integers for each event, oldest first."""
        found = []
        for line in (self.base / "trace").read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                continue
            # skbaddr is a hashed pointer, all digits now and then: not a number.
            fields = re.findall(r"\b(?!skbaddr)(\w+)=(0x[0-9a-f]+|-?\d+)\b", line)
            found.append({name: int(value, 0) for name, value in fields})
        return found


def rx_trace(ifname):
    """Trace frames as a driver hands them to the stack."""
    return Trace(RX, f'name == "{ifname}"', "kawela_rx")


def tx_trace(ifname):
    """Trace frames as the stack hands them to a driver."""
    return Trace(TX, f'name == "{ifname}"', "kawela_tx")
