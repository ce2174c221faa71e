#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=nested timeout=300 drivers=kawela
"""However VFs go and whoever has them: it ends cleanly, and the PF works afterwards.

They go by `sriov_numvfs`, with the PF's module, or with the PF's function, which is taken off the bus
and found again; they belong to our driver or the in-tree one, up and busy, to vfio-pci, or to nobody;
the PF is up or down.
"""

import os

from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_run, ksft_true, ksft_variants
from kwl_env import MODULE
from kwl_nic import PCI_DEVICES, driver_of
from kwl_sriov import OURS, STOCK, Pings, Sriov
from kwl_sys import run, wait_for, write
from kwl_traffic import ping

VFIO = "vfio-pci"
WAYS = ("numvfs", "module", "device")
HOLDERS = (OURS, STOCK, VFIO, "nobody")


def hand_out(bench, holder):
    """Make two VFs and give them to a driver."""
    if holder in (OURS, STOCK):
        bench.start(holder)
        return
    bench.enable(2)
    if holder == VFIO:
        run(f"modprobe {VFIO}")
        for vf in bench.vfs:
            vf.bind(VFIO)
    ksft_eq([driver_of(vf.pci) for vf in bench.vfs], [VFIO if holder == VFIO else None] * 2, "drivers of the VFs")


def keep_busy(bench, holder):
    """Have the VFs talk to each other, which works with the PF down as well."""
    if holder not in (OURS, STOCK):
        return []
    one, other = bench.vfs
    ksft_eq(ping(other.v4, count=2, ns=one.ns), 2, "answers between the VFs")
    return [Pings(other.v4, one.ns), Pings(one.v4, other.ns)]


def take_away(bench, way):
    """Remove the VFs; return once the PF has its driver, whatever was removed with them."""
    env = bench.env
    device = PCI_DEVICES / env.pci
    if way == "numvfs":
        write(device / "sriov_numvfs", 0)
    elif way == "module":
        run(f"modprobe -r {MODULE}")
        ksft_eq(driver_of(env.pci), None, "driver of the PF without its module")
        run(f"modprobe {MODULE}")
    else:
        write(device / "remove", 1)
        ksft_eq(device.exists(), False, "the PF is on the bus")
        write("/sys/bus/pci/rescan", 1)
    wait_for(lambda: env.ifname, what="the PF's interface")


def restore(bench):
    """Leave a PF that is up without VFs, whatever has happened."""
    bench.vfs, bench.driver = [], None
    bench.env.start()


def combinations():
    """All ways with all holders; the PF is up in one half of them, and both with our own driver."""
    for at, way in enumerate(WAYS):
        for number, holder in enumerate(HOLDERS):
            for state in ("up", "down"):
                if holder == OURS or (at + number) % 2 == (state == "up"):
                    yield way, holder, state


@ksft_variants(combinations())
def goes(bench, way, holder, state):
    """VFs go in one of these ways."""
    if not os.path.isdir("/sys/kernel/iommu_groups/0") and holder == VFIO:
        raise KsftSkipEx("no IOMMU in this machine")
    hand_out(bench, holder)
    functions = [vf.pci for vf in bench.vfs]
    defer(restore, bench)
    if state == "down":
        bench.env.set_link("down")
    busy = keep_busy(bench, holder)
    take_away(bench, way)
    for one in busy:
        sent, _ = one.lost()
        ksft_true(sent > 10, f"{sent} pings sent by a VF that was busy")
    ksft_eq([(PCI_DEVICES / pci).exists() for pci in functions], [False, False], "the VFs are on the bus")
    ksft_eq(bench.numvfs(), 0, "VFs afterwards")
    bench.env.start()
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")


def main():
    """Run the cases."""
    ksft_run([goes], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
