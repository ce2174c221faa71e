#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela
"""Mode switchdev: doorbells of frames for VFs, which a bridge sends one by one.

Those that come in a burst share them, one that comes alone does not wait, and what the uplink sends in
between goes out on the wire as it is, with none of theirs.
"""

from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_run
from kwl_frames import mac_bytes
from kwl_pktgen import prepare, send
from kwl_regs import CardTrace
from kwl_repr import Switchdev, bridged
from kwl_sriov import OURS
from kwl_stats import link_stats
from kwl_sys import run, wait_for
from kwl_traffic import ping
from kwl_wire import Capture, on_wire

BURST, FRAMES = 32, 512
PINGS = 20


def doorbells(card, vfs):
    """Doorbells of the PF's queues in a trace; those of VF n are n and n + 8."""
    tails = {0xE018 + 0x40 * queue for queue in range(16) if queue % 8 >= vfs}
    return sum(one.kind == "W" and one.offset in tails for one in card)


def received(vf):
    """Frames that a VF has received."""
    return link_stats(vf.ifname, vf.ns)["rx"]["packets"]


def connected(bench, *more):
    """Two VFs on a bridge that knows where they are, and whatever else is asked for."""
    bench.ready()
    one, other = bench.vfs
    defer(bridged(bench, "r0", "r1", *more))
    for vf, num in ((one, 1), (other, 2)):
        run(f"sysctl -qw net.ipv6.conf.{vf.ifname}.disable_ipv6=1", ns=vf.ns)
        run(f"ip -n {vf.ns} addr add 203.0.113.{num}/24 dev {vf.ifname}")
        defer(run, f"ip -n {vf.ns} addr del 203.0.113.{num}/24 dev {vf.ifname}")
    wait_for(lambda: ping("203.0.113.2", ns=one.ns), 20, "an answer over the bridge")
    return one, other


def burst(bench):
    """Frames that come together are sent together."""
    one, other = connected(bench)
    prepare(one.ifname, one.ns, count=FRAMES, burst=BURST, pkt_size=60, dst_mac=other.mac, delay=0)
    before = received(other)
    with CardTrace() as card:
        send(one.ns)
        wait_for(lambda: received(other) >= before + FRAMES, what=f"{FRAMES} frames at the other VF")
    if not list(card):
        raise KsftSkipEx("this QEMU writes no traces")
    rung = doorbells(card, len(bench.vfs))
    bench.env.note(f"{rung} doorbells for {FRAMES} frames in bursts of {BURST}")
    ksft_ge(rung, 1, "doorbells that the trace sees")
    ksft_lt(rung, FRAMES / 8, "doorbells")


def alone(bench):
    """A frame that comes alone goes on at once, with a doorbell of its own."""
    one, _ = connected(bench)
    with CardTrace() as card:
        ksft_eq(ping("203.0.113.2", count=PINGS, ns=one.ns), PINGS, "answers")
    if not list(card):
        raise KsftSkipEx("this QEMU writes no traces")
    # Two may meet where a poll is late, as those of a busy host are
    ksft_ge(doorbells(card, len(bench.vfs)), 2 * PINGS * 0.9, "doorbells for requests and answers")


def mixed(bench):
    """What a bridge sends to VF and wire alike: the uplink's doorbell must not take along what waits for the VF."""
    one, other = connected(bench, bench.env.ifname)
    env = bench.env
    everyone = b"\xff" * 6

    def sent(seen):
        return seen[:12] == everyone + mac_bytes(one.mac)
    run(f"ethtool -L {env.ifname} combined 1")
    defer(run, f"ethtool -L {env.ifname} combined 2", check=False)
    # Both ends of it are in this machine: room for all, while nobody takes any
    run(f"ethtool -G {other.ifname} rx 1024", ns=other.ns)
    defer(run, f"ethtool -G {other.ifname} rx 256", ns=other.ns)
    one.wait_carrier()
    other.wait_carrier()
    prepare(one.ifname, one.ns, count=FRAMES, burst=BURST, pkt_size=60, dst_mac=everyone.hex(":"), delay=0)
    with on_wire(env, sent) as wire, Capture(other.ifname, other.ns, sent) as vf:
        send(one.ns)
        at_wire, at_vf = (end.wait(FRAMES, linger=0.5) for end in (wire, vf))
    # The generator sends some more when it finds the ring full
    ksft_ge(len(at_wire), FRAMES, "frames on the wire")
    ksft_eq(len(at_vf), len(at_wire), "frames at the VF, and on the wire")
    ksft_eq({frame.data[12:14] for frame in at_wire + at_vf}, {b"\x08\x00"}, "what follows the addresses")


def main():
    """Run the cases."""
    bench = Switchdev()
    bench.use(OURS)
    ksft_run([burst, alone, mixed], args=(bench,))
    ksft_exit()


if __name__ == "__main__":
    main()
