#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""XDP on a VF, as on the PF; it touches no other VF, and no VF's frames become another's by it."""

import kwl_xdp
from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_frames import ETH_P, ether, packet
from kwl_sriov import Pings, Sriov
from kwl_sys import write
from kwl_wire import Capture, send_frames

ENODATA, EOPNOTSUPP = -61, -95


def dut(bench, index=0):
    """A VF in its namespace."""
    vf = bench.use("kawela_vf").vfs[index]
    return kwl_xdp.Dut(bench.env, vf.ifname, vf.ns, vf.mac)


def verdicts(bench):
    """Drop, abort, pass."""
    kwl_xdp.verdicts(dut(bench))


def drops_many(bench):
    """More than there are buffers."""
    kwl_xdp.drops_many(dut(bench))


def sends_back(bench):
    """To the wire."""
    kwl_xdp.sends_back(dut(bench))


def bursts(bench):
    """More than a poll takes."""
    kwl_xdp.bursts(dut(bench))


def redirects_out(bench):
    """From the VF to another interface."""
    kwl_xdp.redirects_out(dut(bench))


def redirects_in(bench):
    """From another interface to the VF."""
    kwl_xdp.redirects_in(dut(bench))


def to_other_cpu(bench):
    """By way of another processor."""
    kwl_xdp.to_other_cpu(dut(bench))


def large(bench):
    """In several buffers."""
    one = dut(bench)
    bench.env.set_link("mtu", 9000)
    try:
        kwl_xdp.large(one)
    finally:
        bench.env.set_link("mtu", 1500)


def limits(bench):
    """With the reason."""
    kwl_xdp.limits(dut(bench))


def comes_and_goes(bench):
    """Under traffic."""
    kwl_xdp.comes_and_goes(dut(bench))


def stays(bench):
    """Down and up, rings, a larger MTU, a reset of the VF, the PF's down and up."""
    one, vf = dut(bench), bench.vfs[0]

    def bounce():
        one.set_link("down")
        one.set_link("up")

    def bounce_pf():
        bench.env.set_link("down")
        bench.env.set_link("up")
    kwl_xdp.stays(one, ("down and up", bounce),
                  ("other rings", lambda: one.ethtool("-G", "rx", 512, "tx", 512)),
                  ("a larger MTU", lambda: one.set_mtu(3000)),
                  ("the old MTU", lambda: one.set_mtu(1500)),
                  ("the PF's down and up", bounce_pf),
                  ("a function reset", lambda: write(f"/sys/bus/pci/devices/{vf.pci}/reset", 1)))


def down(bench):
    """While the VF is down."""
    kwl_xdp.down(dut(bench))


def beside_stack(bench):
    """One queue for both."""
    one, vf = dut(bench), bench.vfs[0]
    kwl_xdp.beside_stack(one, lambda: Pings(vf.v4, bench.env.ns))


def own_only(bench):
    """A program on one VF sees nothing of another's frames, and drops none of them."""
    mine, other = dut(bench, 0), dut(bench, 1)
    with kwl_xdp.Verdict(mine) as program:
        program.decide(kwl_xdp.DROP)
        with other.capture() as capture:
            other.send(*(other.frame(number) for number in range(10)))
            ksft_eq(len(capture.wait(10, 5)), 10, "frames that the neighbour got")
        ksft_eq(program.seen()[0], 0, "frames that the program saw")


def to_neighbour(bench):
    """What a VF sends back or redirects stays on the card if the address is a neighbour's."""
    mine, other = dut(bench, 0), dut(bench, 1)
    frames = [ether(mine.mac, other.mac, kwl_xdp.LOCAL, kwl_xdp.MARK + bytes([number]) * 100) for number in range(10)]
    with kwl_xdp.Verdict(mine) as program, Capture(other.ifname, other.ns, lambda data: kwl_xdp.MARK in data) as near, \
            mine.on_wire() as wire:
        program.decide(kwl_xdp.TX)
        send_frames(other.ifname, frames, other.ns)
        got = [one.data for one in near.wait(10, 5)]
        ksft_eq(kwl_xdp.brief(got), kwl_xdp.brief(map(kwl_xdp.turned, frames)), "frames that came back")
        ksft_eq(len(wire.wait(0, linger=0.3)), 0, "frames on the wire")
        ksft_ge(mine.counted("xdp_tx"), 10, "xdp_tx")


def metadata(bench):
    """A VF offers neither hash nor time; a VLAN tag is told only of VLANs that are the VF's own."""
    one, vf = dut(bench), bench.vfs[0]

    def frame(tci):
        body = packet(4, "udp", bench.env.peer_v4, vf.v4, sport=1, dport=2)
        return ether(one.mac, bench.env.peer_mac, ETH_P[4], body, tci)

    with kwl_xdp.Metadata(one) as program:
        told = program.of(frame(None))
        ksft_eq((told["hash_err"], told["vlan_err"], told["time_err"]), (EOPNOTSUPP, ENODATA, EOPNOTSUPP), "nothing to tell")
        bench.set_vf(0, "vlan", 77)
        try:
            told = program.of(frame(77))
            ksft_eq(told["vlan_err"], ENODATA, "tag of a VLAN that the VF was put into")
        finally:
            bench.set_vf(0, "vlan", 0)
            bench.spoil()


def main():
    """Run the cases."""
    ksft_run([verdicts, drops_many, sends_back, bursts, redirects_out, redirects_in, to_other_cpu, large, limits,
              comes_and_goes, stays, down, beside_stack, own_only, to_neighbour, metadata], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
