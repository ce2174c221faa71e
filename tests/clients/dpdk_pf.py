#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=900 drivers=kawela,stock expect-log="lets no interrupt through"
"""VFs whose PF is driven by DPDK's testpmd: the kernel's VF driver gets along with a PF that is none of the kernel's.

The PF is testpmd's by vfio-pci, which makes the VFs; they are the kernel's.
"""

from contextlib import contextmanager

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_run
from kwl_dpdk import Testpmd, give_to_vfio
from kwl_env import on_stock, stock_xfail
from kwl_frames import ether
from kwl_nic import driver_of, irq_count, irq_numbers
from kwl_sriov import OURS, STOCK, Sriov, Vf, path, wire_end
from kwl_sys import run, wait_for, write
from kwl_traffic import ping, transfer
from kwl_wire import Capture, send_frames

ENABLE_SRIOV = "/sys/module/vfio_pci/parameters/enable_sriov"
MAC, GROUP, VID = "02:00:00:00:dd:05", "33:33:00:00:dd:01", 100
LOCAL, FRAMES = 0x88B5, 20
IDLE = 10


def come_up(vf):
    """A VF below testpmd, up in its namespace."""
    try:
        vf.come_up()
    except TimeoutError:
        stock_xfail("has no link without the interrupts that testpmd's PF does not let through")
        raise


@contextmanager
def under_testpmd(bench, *options):
    """Two VFs, up, whose PF testpmd drives and drops what it gets."""
    env = bench.env
    driver = STOCK if on_stock() else OURS
    bench.disable()
    defer(env.bind, up=False)
    give_to_vfio(env.pci)
    write(ENABLE_SRIOV, "Y")
    write(env.sysfs / "sriov_numvfs", 2)
    defer(bench.disable)
    bench.vfs = [Vf(env, at) for at in range(2)]
    for vf in bench.vfs:
        run(f"ip netns del {vf.ns}", check=False)
    run(f"modprobe {driver}")
    with Testpmd(env.pci, *options) as pmd:
        wait_for(lambda: pmd.info().get("Link status") == "up", 20, "the port's link", step=0.5)
        pmd.say("set fwd rxonly")
        pmd.say("start")
        for vf in bench.vfs:
            vf.unbind()  # vfio-pci takes them as they appear
            vf.bind(driver)
            come_up(vf)
        run(f"ip -n {env.ns} neigh flush all")
        yield pmd


def carries(bench):
    """A VF has an address that DPDK gives, and link; it reaches the wire and its neighbour, and TCP streams arrive whole.

    Testpmd is not asked: on the emulator it gets no frame that a VF sends to its address, for DPDK has not put that
    into the PF's pool.
    """
    with under_testpmd(bench):
        vf = bench.vfs[0]
        ksft_eq(len({one.mac for one in bench.vfs}), 2, "addresses")
        for far in (wire_end(bench.env), bench.vfs[1]):
            ksft_eq(ping(far.v4, count=20, ns=vf.ns), 20, f"answers of {far.ns}")
            for direction in ("tx", "rx"):
                transfer(path(vf, far), direction)


def changes(vf):
    """How often the VF's link has come or gone."""
    return int(run(f"cat /sys/class/net/{vf.ifname}/carrier_changes", ns=vf.ns).stdout)


def stays(bench):
    """An idle VF keeps its link and its session, and PF and VF do not call each other for nothing."""
    with under_testpmd(bench) as pmd:
        vf = bench.vfs[0]
        before = changes(vf), sum(map(irq_count, irq_numbers(vf.pci)))
        ksft_eq(ping(bench.env.peer_v4, count=IDLE, options=f"-i 1 -w {2 * IDLE}", ns=vf.ns), IDLE, "answers, one a second")
        after = changes(vf), sum(map(irq_count, irq_numbers(vf.pci)))
        ksft_eq(after[0], before[0], "changes of carrier")
        ksft_pr(f"{after[1] - before[1]} interrupts in {IDLE} s")
        ksft_ge(20 * IDLE, after[1] - before[1], "interrupts")
        ksft_eq(pmd.quit(), 0, "exit status")


def taken(bench, dst, tci=None, size=60):
    """How many of some frames from the wire VF 0's interface gets."""
    vf = bench.vfs[0]
    want = ether(dst, bench.env.peer_mac, LOCAL, bytes(size), tci)
    with Capture(vf.ifname, vf.ns, lambda data: data == want) as capture:
        send_frames(bench.env.peer_if, [want] * FRAMES, bench.env.ns)
        return len(capture.wait(FRAMES, timeout=3, linger=0.2))


def asks(bench):
    """What a VF asks of DPDK's PF it gets: another address, a VLAN, a group, jumbo frames; and the session outlives it."""
    with under_testpmd(bench, "--max-pkt-len=9018"):
        vf = bench.vfs[0]
        before = changes(vf)
        vf.set_link("address", MAC)
        ksft_eq(vf.mac, MAC, "address")
        ksft_eq(taken(bench, MAC), FRAMES, "frames to its new address")
        # DPDK says yes to a VLAN and fills VFTA for it, but no entry of VLVF for the VF's pool.
        run(f"ip link add link {vf.ifname} name {vf.ifname}.{VID} type vlan id {VID}", ns=vf.ns)
        run(f"ip link set {vf.ifname}.{VID} up", ns=vf.ns)
        ksft_pr(f"frames of its VLAN: {taken(bench, MAC, tci=VID)} of {FRAMES}")
        run(f"ip maddr add {GROUP} dev {vf.ifname}", ns=vf.ns)
        wait_for(lambda: taken(bench, GROUP) == FRAMES, 20, "frames to its group")
        bench.env.set_peer("mtu", 9000)
        defer(bench.env.set_peer, "mtu", 1500)
        vf.set_link("mtu", 9000)
        vf.wait_carrier()
        wait_for(lambda: taken(bench, MAC, size=8900) == FRAMES, 20, "frames of 8914 bytes")
        ksft_eq(ping(bench.env.peer_v4, count=10, ns=vf.ns), 10, "answers of the wire")
        ksft_pr(f"{changes(vf) - before} changes of carrier")


def next_testpmd(bench):
    """Testpmd ends, and the link goes; the next one resets the card as it starts, and VFs bound after that work."""
    with under_testpmd(bench) as pmd:
        vf = bench.vfs[0]
        ksft_eq(pmd.quit(), 0, "exit status")
        vf.wait_carrier(False)
        driver = driver_of(vf.pci)
        for one in bench.vfs:
            one.unbind()
        with Testpmd(bench.env.pci) as pmd:
            wait_for(lambda: pmd.info().get("Link status") == "up", 20, "the port's link", step=0.5)
            vf.bind(driver)
            come_up(vf)
            ksft_eq(ping(bench.env.peer_v4, count=10, ns=vf.ns), 10, "answers of the wire")


def main():
    """Run the cases."""
    bench = Sriov(up=False)
    ksft_run([carries, stays, asks, next_testpmd], args=(bench,))
    ksft_exit()


if __name__ == "__main__":
    main()
