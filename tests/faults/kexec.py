#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""kexec: the kernel that comes next finds a card that is quiet, and works with it, VFs and all.

Two runs of this file. The first one leaves PF and VFs under traffic and asks for another kernel; the
second one runs there. The card is not reset in between: no firmware runs, and no bus goes down.
"""

import struct
import sys
from types import SimpleNamespace

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_env import OWN_KERNEL
from kwl_faults import carry, pair
from kwl_iowindow import Registers
from kwl_nic import PCI_DEVICES, find_82576
from kwl_sriov import Pings, Sriov
from kwl_sys import read

# Exit status that asks the bench for it
KEXEC = 75
RCTL, TCTL, ENABLE = 0x0100, 0x0400, 1 << 1
COMMAND, MASTER = 4, 1 << 2


def leave_busy():
    """Both VFs and the PF have traffic when this kernel ends."""
    if OWN_KERNEL:
        print("1..0 # SKIP the image of this kernel is not on the guest's disk")
        sys.exit(4)
    bench = Sriov()
    bench.start(pair()[0])
    carry(bench)
    one, other = bench.vfs
    for target, ns in ((bench.env.peer_v4, one.ns), (bench.env.v4, other.ns), (bench.env.v4, bench.env.ns)):
        Pings(target, ns)
    print("# VFs and PF are busy; the next kernel, please", flush=True)
    sys.exit(KEXEC)


def found_quiet(pci):
    """No driver has touched the card yet: it may not write memory, neither receives nor sends, and has no VFs."""
    command, = struct.unpack_from("<H", (pci / "config").read_bytes(), COMMAND)
    ksft_eq(command & MASTER, 0, "may write memory")
    with Registers(SimpleNamespace(sysfs=pci)) as registers:
        ksft_eq([registers.get(at) & ENABLE for at in (RCTL, TCTL)], [0, 0], "receiver and transmitter on")
    ksft_eq(read(pci / "sriov_numvfs"), "0", "VFs")
    ksft_eq(list(pci.glob("virtfn*")), [], "functions of VFs")


def works(_pci):
    """The driver takes the card as if it were new: VFs carry traffic to each other, the PF and the wire."""
    bench = Sriov()
    bench.start(pair()[0])
    carry(bench)


def main():
    """Run the half that this kernel is for."""
    if "kexec=" not in read("/proc/cmdline"):
        leave_busy()
    ksft_run([found_quiet, works], args=(PCI_DEVICES / find_82576()[0],))
    ksft_exit()


if __name__ == "__main__":
    main()
