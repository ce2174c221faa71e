#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""Which messages are stamped on reception, as a driver on silicon grants, refuses and programs it.

Not seen on the emulator, which stamps PTP 2 over Ethernet only: see net/ptp for that.
"""

import errno
import struct

from lib.py import defer, ksft_eq, ksft_in
from kwl_ptp import FILTERS, TX_OFF, TX_ON, configuration, configure, why_refused
from kwl_silicon import last_writes, run_on_silicon
from kwl_sys import run

FTQF, SPQF, IMIR, ETQF = (row + 4 * 3 for row in (0x59E0, 0x59C0, 0x5A80, 0x5CB0))
TSYNCRXCFG, TSYNCTXCTL, TSYNCRXCTL = 0x5F50, 0xB614, 0xB620
ENABLE = 1 << 4
L2_V2, L4_V1, EVENT_V2 = (ENABLE | kind << 1 for kind in (0, 1, 5))
BY_ETHERTYPE = 1 << 30 | 1 << 26 | 0x88F7
# UDP from and to port 319, of any address and pool, marked for a stamp
BY_PORT = 1 << 27 | 1 << 15 | 1 << 29 | 1 << 30 | 17
NOTHING = 0xF << 28
EVENT_PORT = struct.unpack("<H", struct.pack(">H", 319))[0]


def programmed(env):
    """What is asked for is stamped, or more: the card tells two messages of PTP 1, and of PTP 2 it stamps all events."""
    defer(configure, env.ifname, TX_OFF, FILTERS["none"])
    every = {name: "v2-event" for name in FILTERS if name.startswith("v2-")}
    for name, granted in {"v1-l4-sync": "v1-l4-sync", "v1-l4-delay-req": "v1-l4-delay-req", **every, "none": "none"}.items():
        wrote = last_writes(env, lambda name=name: configure(env.ifname, TX_ON, FILTERS[name]))
        ksft_eq(configuration(env.ifname), (TX_ON, FILTERS[granted]), f"granted for {name}")
        udp, v2 = granted != "none", granted == "v2-event"
        ksft_eq([wrote.get(at) for at in (ETQF, FTQF)], [BY_ETHERTYPE if v2 else 0, BY_PORT if udp else NOTHING], f"filters for {name}")
        if udp:
            ksft_eq([wrote.get(at) for at in (SPQF, IMIR)], [EVENT_PORT] * 2, f"ports for {name}")
        ksft_eq(wrote.get(TSYNCRXCTL), {"none": 0, "v2-event": EVENT_V2}.get(granted, L4_V1), f"TSYNCRXCTL for {name}")
        ksft_eq(wrote.get(TSYNCRXCFG, 0) & 0xFF, int(granted == "v1-l4-delay-req"), f"TSYNCRXCFG for {name}")
        ksft_eq(wrote.get(TSYNCTXCTL), ENABLE, f"TSYNCTXCTL for {name}")


def refused(env):
    """Both messages of PTP 1 at once, all frames, and what is no PTP are refused; what was set stays."""
    defer(configure, env.ifname, TX_OFF, FILTERS["none"])
    configure(env.ifname, TX_ON, FILTERS["v1-l4-sync"])
    for name in ("v1-l4-event", "all", "some", "ntp-all"):
        wrote = last_writes(env, lambda name=name: ksft_eq(why_refused(env.ifname, TX_ON, FILTERS[name]), errno.ERANGE, name))
        ksft_eq([hex(at) for at in wrote if at in (ETQF, FTQF, TSYNCRXCTL)], [], f"written for {name}")
        ksft_eq(configuration(env.ifname), (TX_ON, FILTERS["v1-l4-sync"]), f"after {name}")


def shown(env):
    """What it can do is what is granted."""
    text = run(f"ethtool -T {env.ifname}").stdout
    for name in ("ptpv1-l4-sync", "ptpv1-l4-delay-req", "ptpv2-event"):
        ksft_in(name, text, "ethtool -T")
    ksft_eq("ptpv2-l2-event" in text, False, "what the emulator alone has")


def main():
    """Run the cases."""
    run_on_silicon([programmed, refused, shown], lambda env: env)


if __name__ == "__main__":
    main()
