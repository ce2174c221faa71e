# SPDX-License-Identifier: GPL-2.0-only
"""What sysfs and /proc tell about an 82576 function: driver, interface, interrupts."""

import re
from pathlib import Path

from kwl_sys import read

PCI_DEVICES = Path("/sys/bus/pci/devices")


def find_82576():
    """Return the PCI addresses of all 82576 functions."""
    return sorted(dev.name for dev in PCI_DEVICES.iterdir()
                  if read(dev / "vendor") == "0x8086" and read(dev / "device") == "0x10c9")


def netdev_of(pci):
    """Return the name of the network interface of a PCI function, or None without one."""
    net = PCI_DEVICES / pci / "net"
    return next((entry.name for entry in net.iterdir()), None) if net.is_dir() else None

def driver_of(pci):
    """Return the name of the driver bound to a PCI function, or None."""
    where = PCI_DEVICES / pci / "driver"
    return where.resolve().name if where.exists() else None


def irq_names(ifname):
    """Return {interrupt number: action name} of an interface's interrupts."""
    rows = re.findall(rf"^\s*(\d+):.*?\s({re.escape(ifname)}(?:-\S+)?)$", read("/proc/interrupts"), re.M)
    return {int(number): name for number, name in rows}


def irq_numbers(pci):
    """Return the numbers of all interrupts a function has, whatever they are called."""
    directory = PCI_DEVICES / pci / "msi_irqs"
    if directory.is_dir():
        return sorted(int(entry.name) for entry in directory.iterdir())
    return [int(read(PCI_DEVICES / pci / "irq"))]


def irq_count(number):
    """Return how often an interrupt has fired, on all processors; 0 if nobody has asked for it."""
    row = re.search(rf"^\s*{number}:((?:\s+\d+)+)", read("/proc/interrupts"), re.M)
    return sum(map(int, row.group(1).split())) if row else 0


def msi_mode(pci):
    """Return "msix", "msi" or "intx": how the function interrupts now."""
    directory = PCI_DEVICES / pci / "msi_irqs"
    modes = {read(entry) for entry in directory.iterdir()} if directory.is_dir() else set()
    return modes.pop() if len(modes) == 1 else "intx"
