#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela,stock
"""Jumbo frames of a VF: to every port, up to what the PF grants, and none longer than asked for."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_frames import ether
from kwl_sriov import OURS, Sriov, path, with_drivers
from kwl_switch import LOCAL
from kwl_traffic import ping, transfer
from kwl_wire import Capture, send_frames

JUMBO = 9000
HEADERS = 28


def set_mtus(bench, mtu):
    """Set the MTU of wire, PF and VFs, and wait until all have their carrier back."""
    bench.env.set_mtu(mtu)
    for vf in bench.vfs:
        vf.wait_carrier()
        vf.set_link("mtu", mtu)
        vf.wait_carrier()


def jumbo(bench):
    """Full jumbo frames and bulk data pass between a VF and the wire, the PF and another VF."""
    defer(set_mtus, bench, 1500)
    set_mtus(bench, JUMBO)
    ends = bench.ends()
    for far in ("wire", "pf", "vf1"):
        target = ends[far].v4
        ksft_eq(ping(target, count=3, size=JUMBO - HEADERS, options="-M do", ns="vf0"), 3, f"vf0 to {far}")
        for direction in ("tx", "rx"):
            sent, got = transfer(path(ends["vf0"], ends[far]), direction, size=512 << 10)
            ksft_eq(sent, got, f"md5, vf0 {far} {direction}")


def largest(bench):
    """The largest MTU that the interface offers works, or is refused with the MTU unchanged."""
    vf = bench.vfs[0]
    limit = vf.link()["max_mtu"]
    ksft_ge(limit, 9000, "max_mtu")
    defer(set_mtus, bench, 1500)
    bench.env.set_peer("mtu", limit)
    vf.wait_carrier()
    vf.set_link("mtu", limit)
    vf.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=2, size=limit - HEADERS, options="-M do", ns=vf.ns), 2, f"MTU {limit}")
    ksft_true(vf.set_link("mtu", limit + 1, check=False).returncode, "one more refused")
    ksft_eq(vf.link()["mtu"], limit, "MTU afterwards")


def smallest(bench):
    """The least MTU that IPv4 knows works."""
    vf = bench.vfs[0]
    defer(vf.set_link, "mtu", 1500)
    vf.set_link("mtu", 68)
    vf.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=2, size=40, ns=vf.ns), 2, "answers")


def each_its_own(bench):
    """A VF with a small MTU gets no jumbo frames while its neighbour does."""
    one, other = bench.vfs
    env = bench.env
    defer(set_mtus, bench, 1500)
    env.set_mtu(JUMBO)
    one.wait_carrier()
    other.wait_carrier()
    one.set_link("mtu", JUMBO)
    one.wait_carrier()
    body = b"kawela-jumbo" + bytes(4000)
    for vf, count in ((one, 1), (other, 0)):
        fence = ether(vf.mac, env.peer_mac, LOCAL, b"kawela-jumbo-fence")
        with Capture(vf.ifname, vf.ns, lambda data: b"kawela-jumbo" in data) as capture:
            send_frames(env.peer_if, [ether(vf.mac, env.peer_mac, LOCAL, body), fence], env.ns)
            frames = capture.wait(count + 1)
            long = [frame for frame in frames if len(frame.data) > 1518]
            ksft_eq((len(frames), len(long)), (count + 1, count), f"frames at {vf.ns}")


def while_down(bench):
    """An MTU set while the VF is down holds when it is up."""
    vf = bench.vfs[0]
    defer(set_mtus, bench, 1500)
    bench.env.set_mtu(JUMBO)
    vf.set_link("down")
    vf.set_link("mtu", JUMBO)
    vf.set_link("up")
    vf.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=2, size=JUMBO - HEADERS, options="-M do", ns=vf.ns), 2, "answers")


def main():
    """Run the cases."""
    ours = [jumbo, largest, smallest, each_its_own, while_down]
    ksft_run(with_drivers(ours, [OURS]) + with_drivers([jumbo], ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
