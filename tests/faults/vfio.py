#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=nested timeout=180 drivers=kawela,stock
"""A VF in the hands of vfio: reset as its owner opens it, asks for it, and dies. Neighbour and PF notice nothing.

What a guest's life and death amount to, without a guest. tests/nested does it with guests.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_env import stock_skip
from kwl_faults import Watches, carry, function_reset, now, pair, recovery
from kwl_nic import PCI_DEVICES
from kwl_sriov import Sriov, with_drivers
from kwl_sys import run

# VFIO's ioctl numbers, from linux/vfio.h
SET_IOMMU, SET_CONTAINER, GET_DEVICE_FD, RESET = (0x3B00 + 100 + nr for nr in (2, 4, 6, 11))
TYPE1_IOMMU = 1
TIMES = 5


def own(pci, resets):
    """Be the owner of a VF: open it, reset it, say so, and wait to be killed."""
    group = os.path.basename(os.readlink(PCI_DEVICES / pci / "iommu_group"))
    container = os.open("/dev/vfio/vfio", os.O_RDWR)
    handle = os.open(f"/dev/vfio/{group}", os.O_RDWR)
    fcntl.ioctl(handle, SET_CONTAINER, container.to_bytes(4, sys.byteorder))
    fcntl.ioctl(container, SET_IOMMU, TYPE1_IOMMU)
    # A buffer that can be changed is what makes ioctl() return the new handle, not the buffer.
    device = fcntl.ioctl(handle, GET_DEVICE_FD, bytearray(pci.encode() + b"\0"))
    for _ in range(resets):
        fcntl.ioctl(device, RESET, 0)
    print("mine", flush=True)
    signal.pause()


@contextmanager
def owner_of(vf, resets):
    """Give a VF to vfio and an owner, who is killed in the end."""
    run("modprobe vfio-pci")
    vf.unbind()
    vf.bind("vfio-pci")
    words = [sys.executable, __file__, "own", vf.pci, str(resets)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as owner:
        if owner.stdout.readline() != b"mine\n":
            raise RuntimeError("vfio does not give the VF")
        yield owner
        owner.kill()
    vf.unbind()


def owned(bench):
    """A VF goes from a driver to vfio and back, five times; owners reset it and are killed."""
    defer(bench.spoil)
    vf = bench.vfs[0]
    with Watches(bench) as watches:
        for at in range(TIMES):
            start = now()
            with owner_of(vf, 2 * at):
                bench.env.note(f"taken, opened and reset {2 * at} times in {round(1000 * (now() - start))} ms")
                time.sleep(0.1)
            start = now()
            vf.bind(bench.driver)
            vf.come_up()
            recovery("VF taken back from a vfio owner that was killed, bind to carrier", now() - start)
        watches.unhurt(("PF", "VF 1"), "the life and death of a VF's owner")
    carry(bench)


def pf_is_reset(bench):
    """The PF is reset while vfio owns a VF: PF and neighbour are back, the owner keeps its VF, and a driver can have it."""
    stock_skip("does not take part in function resets")
    defer(bench.spoil)
    vf, neighbour = bench.vfs
    with owner_of(vf, 1) as owner:
        bench.vfs = [neighbour]
        with Watches(bench) as watches:
            start = now()
            function_reset(bench.env.pci)
            watches.back(start, "PF reset, a VF in the hands of vfio")
        ksft_eq(owner.poll(), None, "status of the owner")
        bench.vfs = [vf, neighbour]
    vf.bind(bench.driver)
    vf.come_up()
    carry(bench)


def main():
    """Run the cases, or be the owner of a VF."""
    if sys.argv[1:2] == ["own"]:
        own(sys.argv[2], int(sys.argv[3]))
    ksft_run(with_drivers([owned, pf_is_reset], pair()), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
