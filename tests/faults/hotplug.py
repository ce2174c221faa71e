#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=slot timeout=300 drivers=kawela,stock
"""The card is unplugged and plugged with VFs up and busy; everything works again, three times over.

The kernel's hotplug driver runs the slot. The emulator asks it for the card as one would by the slot's
button, waits until power is off, and takes the card: the drivers leave while their registers still answer.
A card that is torn out without a word does not exist there; `removed` is what comes closest, the kernel
giving up the function at once, and finding it again.
"""

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_faults import Watches, carry, now, pair, recovery
from kwl_nic import PCI_DEVICES, netdev_of
from kwl_qmp import Qmp
from kwl_sriov import Sriov, with_drivers
from kwl_sys import run, wait_for, write

CARD = {"driver": "igb", "id": "nic", "bus": "rp0", "netdev": "dut", "mac": "52:54:00:82:57:01", "romfile": ""}
TIMES = 3


def gone(bench, functions):
    """Check that card, VFs and interfaces have gone."""
    for pci in functions:
        ksft_eq((PCI_DEVICES / pci).exists(), False, f"{pci} there")
    for vf in bench.vfs:
        ksft_eq(run(f"ip -n {vf.ns} link show {vf.ifname}", check=False).returncode, 1, f"{vf.ifname} gone")


def back(bench, start, what):
    """Bring PF and two VFs up again and check them."""
    env = bench.env
    wait_for(lambda: netdev_of(env.pci), 30, "the PF's interface")
    env.start()
    recovery(f"{what}: plugged to carrier of the PF", now() - start)
    bench.start(bench.driver)
    recovery(f"{what}: plugged to carrier of two new VFs", now() - start)
    carry(bench)


def unplugged(bench):
    """The slot gives the card back to the emulator, and gets it again."""
    env = bench.env
    for _ in range(TIMES):
        functions = [env.pci] + [vf.pci for vf in bench.vfs]
        with Qmp() as qmp, Watches(bench):
            start = now()
            qmp.execute("device_del", id="nic")
            # Five seconds are for changing one's mind, says the specification of the slot.
            wait_for(lambda: not (PCI_DEVICES / functions[0]).exists(), 60, "the card to leave")
            recovery("device_del under traffic, asked for to gone", now() - start)
        gone(bench, functions)
        with Qmp() as qmp:
            wait_for(lambda: plug(qmp), 30, "the emulator to take the card back")
        start = now()
        wait_for(lambda: (PCI_DEVICES / functions[0]).exists(), 60, "the card")
        back(bench, start, "device_add")


def plug(qmp):
    """Plug the card; False while the emulator is still busy with the one that left."""
    try:
        qmp.execute("device_add", **CARD)
        return True
    except RuntimeError as problem:
        if "uplicate" in str(problem) or "in use" in str(problem):
            return False
        raise


def removed(bench):
    """The kernel gives up the function under traffic (sysfs remove) and finds it again (rescan)."""
    env = bench.env
    for _ in range(TIMES):
        functions = [env.pci] + [vf.pci for vf in bench.vfs]
        with Watches(bench):
            start = now()
            write(env.sysfs / "remove", 1)
            recovery("sysfs remove under traffic", now() - start)
        gone(bench, functions)
        start = now()
        write("/sys/bus/pci/rescan", 1)
        back(bench, start, "rescan")


def main():
    """Run the cases."""
    ksft_run(with_drivers([unplugged, removed], pair()), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
