#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=slot timeout=180 drivers=kawela,stock
"""Shutdown: before a reboot or kexec the card is made quiet, so that it writes nothing into the next kernel's memory.

A test module shuts the functions down as the kernel does at its end, in its order, and the machine goes
on. Memory that a device writes cannot be watched from here; that it may not (bus mastering), that it receives
and sends no more, and that no interrupt comes while the partner sends, can.
"""

import os
import struct

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import stock_xfail
from kwl_faults import Watches, carry, mend, pair
from kwl_frames import ether
from kwl_iowindow import Registers
from kwl_nic import PCI_DEVICES, irq_count, irq_numbers
from kwl_sriov import Sriov, with_drivers
from kwl_sys import run, settle, write
from kwl_wire import send_frames

RCTL, TCTL, ENABLE = 0x0100, 0x0400, 1 << 1
COMMAND, MASTER = 4, 1 << 2
BROADCAST, LOCAL = "ff:ff:ff:ff:ff:ff", 0x88B5
FRAMES = 200


def masters(functions):
    """Return those functions that may write memory."""
    found = []
    for pci in functions:
        with open(PCI_DEVICES / pci / "config", "rb", buffering=0) as config:
            if struct.unpack("<H", os.pread(config.fileno(), 2, COMMAND))[0] & MASTER:
                found.append(pci)
    return found


def interrupts(functions):
    """Return how often all of them have interrupted."""
    return sum(irq_count(number) for pci in functions for number in irq_numbers(pci))


def noise(bench):
    """Have the partner send to everybody."""
    env = bench.env
    targets = [BROADCAST, env.mac] + bench.macs
    frames = [ether(dst, env.peer_mac, LOCAL, bytes(60)) for dst in targets]
    send_frames(env.peer_if, frames * (FRAMES // len(targets)), env.ns)


def quiet(bench):
    """VFs, then the PF, all of them busy, are shut down; all works when the drivers are bound again."""
    stock_xfail("leaves its receiver on, and igbvf cannot be unbound afterwards: that hangs in napi_disable()")
    defer(bench.spoil)
    run("modprobe devshutdown")
    defer(run, "modprobe -r devshutdown")
    functions = [vf.pci for vf in reversed(bench.vfs)] + [bench.env.pci]
    bench.macs = [vf.mac for vf in bench.vfs]
    ksft_eq(masters(functions), functions, "functions that may write memory before")
    before = interrupts(functions)
    noise(bench)
    ksft_ge(settle(lambda: interrupts(functions)), before + 1, "interrupts before")

    with Watches(bench):
        for pci in functions:
            write("/sys/module/devshutdown/parameters/device", pci)
    ksft_eq(masters(functions), [], "functions that may write memory")
    with Registers(bench.env) as registers:
        ksft_eq([registers.get(at) & ENABLE for at in (RCTL, TCTL)], [0, 0], "receiver and transmitter on")
    before = settle(lambda: interrupts(functions))
    noise(bench)
    ksft_eq(settle(lambda: interrupts(functions)), before, "interrupts after")

    mend(bench)
    bench.start(pair()[0])
    carry(bench)


def main():
    """Run the cases."""
    ksft_run(with_drivers([quiet], pair()), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
