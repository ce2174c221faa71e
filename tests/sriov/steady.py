#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela,stock
"""Steady traffic of a VF costs no read of a register, by the VF or its PF, and no mailbox message.

Our VF driver looks whether its PF has said something and whether there is a link, which is one read
each: every two seconds, and ten times a second at most while interrupts come, because the emulator's
mailbox interrupts on the vector of a queue. Every two seconds it also reads what the card counts.
That is all there is, however many frames pass.
Seen by the kernel's mmiotrace; see kwl_regs.py for what that costs. Not with in-tree igbvf: it waits
busily for the PF, which cannot answer on the one processor that the tracer leaves.
"""

import socket
import sys
import time
from contextlib import ExitStack

from lib.py import KsftSkipEx, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import MODULE, stock_skip
from kwl_frames import ether
from kwl_regs import Accesses, CardTrace, can_trace, start_tracer, stop_tracer
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_sys import run
from kwl_traffic import make_socket, ping
from kwl_wire import Capture, on_wire, packet_socket, with_marker

MARK = b"kawela-steady"
LOCAL = 0x88B5
PACKETS = 300
PINGS = 150
# In the VF's registers: link state, its mailbox and the 16 words of a message.
STATUS, V2PMAILBOX, VMBMEM = 0x8, 0xC40, range(0x800, 0x840)
# What the card counts: multicast, frames and octets over the switch, drops of the queue
COUNTERS = (0xF3C, 0xF40, 0xF44, 0xF48, 0xF50, 0x2830)
# The same of VF 0 and 1 where the PF has them
COUNTERS_OF_VFS = ({0x10000 + 0x100 * vf + (one & 0xFF) for vf in range(2) for one in COUNTERS[:-1]} |
                   {0xC030 + 0x40 * vf for vf in range(2)})
# Looks of the VF's driver in a second, and seconds between its looks at the counters
LOOKS, COUNTS = 10, 2


def bound(seconds):
    """Return the reads of each register that a VF may need in that time, traffic or not."""
    looks, counts = int(seconds * LOOKS) + 2, int(seconds / COUNTS) + 1
    # Who has read the counters asks the mailbox whether they are of before a reset.
    return {STATUS: looks, V2PMAILBOX: looks + counts, **dict.fromkeys(COUNTERS, counts)}


class Go:
    """Register accesses of VF 0 and of the PF while in the context, and how long that was."""

    def __init__(self, bench):
        self.vf, self.pf = Accesses(bench.vfs[0].pci), Accesses(bench.env.pci)
        self.stack = ExitStack()
        self.seconds = time.monotonic()

    def __enter__(self):
        self.stack.enter_context(self.vf)
        self.stack.enter_context(self.pf)
        self.seconds = time.monotonic()
        return self

    def __exit__(self, *how):
        self.seconds = time.monotonic() - self.seconds
        return self.stack.__exit__(*how)

    def reads(self):
        """Return (VF's, PF's) registers that were read."""
        return tuple([one.offset for one in side if one.kind == "R"] for side in (self.vf, self.pf))

    def mail(self):
        """Return the VF's writes to the mailbox."""
        return [one for one in self.vf if one.kind == "W" and (one.offset in VMBMEM or one.offset == V2PMAILBOX)]


def costs_nothing(bench, what, action):
    """Check three goes: no mail, no read by the VF but its looks, none by the PF in the quietest go.

    The PF's driver reads its counters every few seconds; that is not the data path.
    """
    goes = []
    for _ in range(3):
        with Go(bench) as go:
            action()
        goes.append(go)
    bench.env.note(f"{PACKETS} frames {what}; seconds and registers read by VF and PF in three goes:",
                   [(round(go.seconds, 1), *map(len, go.reads())) for go in goes])
    for go in goes:
        ksft_eq(go.mail(), [], f"mailbox writes, {what}")
        reads = go.reads()[0]
        may = bound(go.seconds)
        ksft_true(all(reads.count(one) <= may.get(one, 0) for one in reads),
                  f"{what}: registers read in {go.seconds:.1f} s: {[hex(one) for one in reads]}")
        ksft_ge(sum(one.kind == "W" for one in go.vf), 1, f"writes by the VF, {what}: the trace sees it work")
    ksft_eq(min((go.reads()[1] for go in goes), key=len), [], f"registers read by the PF, {what}")


def trace_works(bench):
    """The trace sees both sides: a VF that comes up reads registers and writes to its mailbox."""
    vf = bench.vfs[0]
    with Go(bench) as go:
        vf.set_link("down")
        vf.set_link("up")
        vf.wait_carrier()
    ksft_ge(len(go.mail()), 10, "mailbox writes of a VF that comes up")
    ksft_true(all(go.reads()), "registers read by VF and PF")


def quiet(bench):
    """Leave nothing on the wire but what a test sends: no IPv6, fixed ARP entries."""
    bench.env.quiet()
    vf = bench.vfs[0]
    run(f"sysctl -qw net.ipv6.conf.{vf.ifname}.disable_ipv6=1", ns=vf.ns)
    run(f"ip -n {vf.ns} neigh replace {bench.env.peer_v4} lladdr {bench.env.peer_mac} dev {vf.ifname}")
    run(f"ip -n {bench.env.ns} neigh replace {vf.v4} lladdr {vf.mac} dev {bench.env.peer_if}")


def transmit(bench):
    """Sending, completion included."""
    vf, env = bench.vfs[0], bench.env
    quiet(bench)

    def send():
        with make_socket(socket.SOCK_DGRAM, 4, vf.ns) as sock, on_wire(env, with_marker(MARK)) as wire:
            for _ in range(PACKETS):
                sock.sendto(MARK, (env.peer_v4, 5995))
            ksft_eq(len(wire.wait(PACKETS, 20)), PACKETS, "frames on the wire")
    costs_nothing(bench, "sent", send)


def receive(bench):
    """Receiving."""
    vf, env = bench.vfs[0], bench.env
    quiet(bench)
    frame = ether(vf.mac, env.peer_mac, LOCAL, MARK + bytes(60))

    def get():
        with Capture(vf.ifname, vf.ns, with_marker(MARK)) as capture, packet_socket(env.peer_if, env.ns) as wire:
            for at in range(PACKETS // 10):
                for _ in range(10):
                    wire.send(frame)
                ksft_eq(len(capture.wait(10 * at + 10, 20)), 10 * at + 10, "frames at the VF")
    costs_nothing(bench, "received", get)


def both_ways(bench):
    """As the emulated card sees it: nothing but the looks, and no mailbox is rung."""
    stock_skip("its watchdog reads much, and the card cannot tell who does")
    vf, env = bench.vfs[0], bench.env
    quiet(bench)
    with CardTrace() as card:
        run(f"ethtool -d {env.ifname}")
    if not list(card):
        raise KsftSkipEx("this QEMU writes no traces")
    goes = []
    for _ in range(3):
        started = time.monotonic()
        with CardTrace() as card:
            ksft_eq(ping(env.peer_v4, count=PINGS, ns=vf.ns), PINGS, "answers")
        goes.append((time.monotonic() - started, [one for one in card if one.kind == "R"], card))
    env.note(f"{PINGS} pings; seconds and registers read in three goes:",
             [(round(seconds, 1), len(reads)) for seconds, reads, _ in goes])
    for seconds, _, card in goes:
        ksft_eq(card.mailboxes, 0, "times that a VF has rung a mailbox")
        # Doorbells of both directions, that is: the card's trace sees the traffic.
        ksft_ge(sum(one.kind == "W" for one in card), PINGS, "registers written")
    # Two VFs look, and one of them has no traffic. The PF's counters are read every few seconds.
    seconds, reads, _ = min(goes, key=lambda go: len(go[1]))
    looks = [one for one in reads if one.offset not in COUNTERS_OF_VFS]
    ksft_ge(2 * len(COUNTERS) * (int(seconds / COUNTS) + 1), len(reads) - len(looks), "reads of what the card counts")
    reads = looks
    ksft_true({one.offset for one in reads} <= {STATUS, V2PMAILBOX, V2PMAILBOX + 4},
              f"registers read: {sorted({hex(one.offset) for one in reads})}")
    ksft_true(len(reads) <= 4 * (int(seconds * LOOKS) + 2), f"{len(reads)} registers read in {seconds:.1f} s")


def main():
    """Run the cases with the tracer on."""
    if not can_trace():
        print("1..0 # SKIP a kernel that cannot trace registers (mmiotrace)")
        sys.exit(4)
    start_tracer()
    try:
        ksft_run(with_drivers([trace_works, transmit, receive, both_ways], [OURS]), args=(Sriov(),))
    finally:
        # In this order: what was mapped under the tracer has to be gone before it.
        run(f"modprobe -r {OURS} {MODULE}")
        stop_tracer()
    ksft_exit()


if __name__ == "__main__":
    main()
