#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""AF_XDP on a VF without copies, as on the PF, with another VF beside it."""

import errno

import kwl_xdp
import kwl_xsk
from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_sriov import Pings, Sriov
from kwl_sys import refused, wait_for, write
from kwl_traffic import ping


def dut(bench, index=0):
    """A VF in its namespace."""
    vf = bench.use("kawela_vf").vfs[index]
    return kwl_xdp.Dut(bench.env, vf.ifname, vf.ns, vf.mac)


def receives(bench):
    """From the wire to a socket."""
    kwl_xsk.receives(dut(bench))


def sends(bench):
    """From a socket to the wire."""
    kwl_xsk.sends(dut(bench))


def checksums(bench):
    """By what is in front of a frame."""
    kwl_xsk.checksums(dut(bench))


def no_stamps(bench):
    """A VF has no clock."""
    kwl_xsk.no_stamps(dut(bench))


def large(bench):
    """In several chunks."""
    one = dut(bench)
    bench.env.set_link("mtu", 9000)
    try:
        kwl_xsk.large(one, 4096)
    finally:
        bench.env.set_link("mtu", 1500)


def limits(bench):
    """With an errno."""
    kwl_xsk.limits(dut(bench))


def starves(bench):
    """Without chunks."""
    kwl_xsk.starves(dut(bench))


def verdicts(bench):
    """Beyond the socket."""
    kwl_xsk.verdicts(dut(bench))


def stays(bench):
    """Down and up, rings, the PF's down and up, a reset of the VF."""
    one, vf = dut(bench), bench.vfs[0]

    def bounce():
        one.set_link("down")
        one.set_link("up")

    def bounce_pf():
        bench.env.set_link("down")
        bench.env.set_link("up")
    kwl_xsk.stays(one, ("down and up", bounce),
                  ("other rings", lambda: one.ethtool("-G", "rx", 512, "tx", 512)),
                  ("the PF's down and up", bounce_pf),
                  ("a function reset", lambda: write(f"/sys/bus/pci/devices/{vf.pci}/reset", 1)))


def shared_queue(bench):
    """With the same memory."""
    kwl_xsk.shared_queue(dut(bench))


def comes_and_goes(bench):
    """Under traffic."""
    one, vf = dut(bench), bench.vfs[0]
    kwl_xsk.comes_and_goes(one, lambda: ping(bench.env.peer_v4, ns=vf.ns) == 1)


def beside_stack(bench):
    """One queue for both."""
    one, vf = dut(bench), bench.vfs[0]
    kwl_xsk.beside_stack(one, lambda: Pings(vf.v4, bench.env.ns))


def to_neighbour(bench):
    """Two VFs with a socket each: frames between them stay on the card, and nobody else gets them."""
    mine, other = dut(bench, 0), dut(bench, 1)
    frames = [kwl_xdp.ether(other.mac, mine.mac, kwl_xdp.LOCAL, kwl_xdp.MARK + bytes([number]) * 100)
              for number in range(50)]
    with kwl_xdp.Verdict(other) as program, kwl_xsk.Xsk(mine) as near, kwl_xsk.Xsk(other) as far, mine.on_wire() as wire:
        far.redirect(program).offer()
        program.decide(kwl_xsk.TO_SOCKET)
        near.send(frames)
        ksft_eq(kwl_xdp.brief(far.receive(50)), kwl_xdp.brief(frames), "frames of the neighbour")
        near.drain()
        ksft_eq(len(wire.wait(0, linger=0.3)), 0, "frames on the wire")


def gone(bench):
    """With the driver, and with all VFs."""
    one, vf = dut(bench), bench.vfs[0]
    kwl_xsk.gone(one, vf.unbind)
    bench.spoil()
    one = dut(bench)
    kwl_xsk.gone(one, bench.disable)
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers")


def make_vfs(bench, count):
    """Write to sriov_numvfs; return the errno, or 0."""
    try:
        write(bench.env.sysfs / "sriov_numvfs", count)
    except OSError as fault:
        return fault.errno
    return 0


def queue_of_the_pf(bench):
    """VFs that would take a queue away from a socket of the PF are refused."""
    env = bench.env
    bench.disable()
    env.ethtool("-L", "combined", 8)
    pf = kwl_xdp.Dut(env, env.ifname, None, env.mac)
    try:
        with kwl_xsk.Xsk(pf, queue=7) as xsk:
            ksft_true(xsk.zero_copy(), "zero copy")
            ksft_eq(make_vfs(bench, 2), errno.EBUSY, "errno")
            ksft_eq(bench.numvfs(), 0, "VFs")
        # The kernel gives the queue back some time after the socket is closed
        wait_for(lambda: make_vfs(bench, 2) == 0, what="VFs after the socket is gone")
        with kwl_xsk.Xsk(pf, queue=0):
            ksft_true(not refused(f"ip link set {env.ifname} vf 0 trust on"), "the PF's business goes on")
    finally:
        bench.disable()
        env.ethtool("-L", "combined", 2)


def main():
    """Run the cases."""
    ksft_run([receives, sends, checksums, no_stamps, large, limits, starves, verdicts, stays, shared_queue, comes_and_goes, beside_stack,
              to_neighbour, gone, queue_of_the_pf], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
