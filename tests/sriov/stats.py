#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""Statistics of VFs as the PF's owner sees them: they match the traffic and never run backwards."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_frames import ether
from kwl_sriov import Sriov, with_drivers
from kwl_switch import BROADCAST, LOCAL
from kwl_sys import settle, write
from kwl_traffic import ping
from kwl_wire import send_frames

COUNT, SIZE = 100, 1000
# Of which every host with IPv4 is a member
ALL_HOSTS = "01:00:5e:00:00:01"
# Ethernet, IPv4 and ICMP headers; the device counts four bytes of CRC as well, or leaves them out.
HEADERS, CRC = 42, 4
# Neighbour discovery and its like
SPARE_FRAMES, SPARE_BYTES = 10, 1000


def gained(before, after, way, what):
    """How much a counter has grown."""
    return after[way][what] - before[way][what]


def ping_counted(bench):
    """Packets and bytes of pings are counted, in both directions, for the right VF."""
    before = [bench.vf_stats(at) for at in (0, 1)]
    ksft_eq(ping(bench.env.peer_v4, count=COUNT, size=SIZE, ns="vf0"), COUNT, "answers")
    after = settle(lambda: [bench.vf_stats(at) for at in (0, 1)])
    for way in ("rx", "tx"):
        packets = gained(before[0], after[0], way, "packets")
        ksft_true(COUNT <= packets <= COUNT + SPARE_FRAMES, f"{way} packets {packets}")
        size = gained(before[0], after[0], way, "bytes")
        low, high = COUNT * (SIZE + HEADERS), COUNT * (SIZE + HEADERS + CRC) + SPARE_BYTES
        ksft_true(low <= size <= high, f"{way} bytes {size} of {low}..{high}")
        ksft_true(gained(before[1], after[1], way, "packets") <= SPARE_FRAMES, f"{way} packets of the other VF")


def groups_counted(bench):
    """Multicasts and broadcasts are counted as received, and multicasts show in a counter of their own."""
    for addr, multicasts in ((BROADCAST, 0), (ALL_HOSTS, COUNT)):
        before = bench.vf_stats(0)
        frame = ether(addr, bench.env.peer_mac, LOCAL, bytes(60))
        send_frames(bench.env.peer_if, [frame] * COUNT, bench.env.ns)
        after = settle(lambda: bench.vf_stats(0))
        ksft_ge(gained(before, after, "rx", "packets"), COUNT, f"rx packets to {addr}")
        ksft_ge(gained(before, after, "rx", "multicast"), multicasts, f"rx multicasts to {addr}")


def flaps(end):
    """Down and up."""
    end.set_link("down")
    end.set_link("up")


def monotonic(bench):
    """Counters go on from where they were when the VF, or the PF, was down and up again, or the PF was reset."""
    one = bench.vfs[0]
    ksft_eq(ping(bench.env.peer_v4, count=20, ns="vf0"), 20, "answers")
    before = settle(lambda: bench.vf_stats(0))
    ksft_ge(before["tx"]["packets"], 20, "packets before")
    for flap in (lambda: flaps(one), lambda: flaps(bench.env), lambda: write(bench.env.sysfs / "reset", 1)):
        flap()
        bench.env.wait_carrier()
        one.wait_carrier()
        ksft_eq(ping(bench.env.peer_v4, count=20, ns="vf0"), 20, "answers")
        after = settle(lambda: bench.vf_stats(0))
        for way in ("rx", "tx"):
            for what in ("packets", "bytes"):
                ksft_ge(gained(before, after, way, what), 20, f"{way} {what} gained")
        before = after


def fresh_after_removal(bench):
    """A VF that is made anew starts from zero: nothing of its predecessor shows."""
    defer(bench.spoil)
    ksft_eq(ping(bench.env.peer_v4, count=20, ns="vf0"), 20, "answers")
    bench.enable(2)
    after = bench.vf_stats(0)
    ksft_eq([after[way]["packets"] for way in ("rx", "tx")], [0, 0], "packets of a new VF")


def main():
    """Run the cases."""
    ksft_run(with_drivers([ping_counted, groups_counted, monotonic], ["kawela_vf"])
             + with_drivers([ping_counted], ["igbvf"]) + with_drivers([fresh_after_removal], ["kawela_vf"]),
             args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
