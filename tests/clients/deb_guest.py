#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela
"""What the Debian package has installed, in a booted machine: who gets a card, by each choice of its conffile.

clients/deb.py, which runs before this on the host, leaves modules, indexes and conffile as DKMS and dpkg made
them. modprobe is called as udev calls it: by the alias of the device, heeding blacklists.
"""

import os
import re
import shutil
from pathlib import Path

from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_nic import PCI_DEVICES, driver_of, find_82576
from kwl_sys import output, read, run, wait_for, write

KERNEL = os.environ["KWL_KERNEL"]
INSTALLED = Path(f"/kawela/build/deb/guest/{KERNEL}.tar")
MODULES = Path("/lib/modules") / os.uname().release
UPDATES = MODULES / "updates"
CONF = Path("/etc/modprobe.d/kawela.conf")
ALL = ("kawela_vf", "kawela_pf", "kawela", "igbvf", "igb")


def loaded(module):
    """True if a module is loaded."""
    return Path("/sys/module", module).is_dir()


def unload():
    """Take all drivers out, and the wishes for one."""
    for module in ALL:
        if loaded(module):
            run(f"rmmod {module}")
    for override in PCI_DEVICES.glob("*/driver_override"):
        if read(override) != "(null)":
            write(override, "\n")


def install():
    """Put in place what the package has installed for this kernel."""
    if not INSTALLED.exists():
        raise KsftSkipEx("clients/deb.py has not left anything to install")
    defer(restore)
    UPDATES.unlink()
    run(f"tar -C / -xf {INSTALLED}")
    unload()


def restore():
    """Give back the modules of the bench."""
    unload()
    CONF.unlink(missing_ok=True)
    shutil.rmtree(UPDATES, ignore_errors=True)
    UPDATES.symlink_to(f"/kawela/build/mod/{KERNEL}/updates")
    Path("/run/modules-fetched").unlink(missing_ok=True)
    run("/kawela/tests/vm/guest/modules")


def plug(pci):
    """Do what udev does for a device: load what its alias asks for."""
    run(["modprobe", "-b", "-q", read(PCI_DEVICES / pci / "modalias")], check=False)


def first_vf(pci):
    """Make one VF, have it plugged, and return its address."""
    write(PCI_DEVICES / pci / "sriov_numvfs", 1)
    vf = (PCI_DEVICES / pci / "virtfn0").resolve().name
    plug(vf)
    return vf


def choose(number):
    """Edit the conffile as its own text says."""
    text = CONF.read_text(encoding="utf-8")
    if number == 2:
        text = re.sub(r"^blacklist", "#blacklist", text, flags=re.M)
        text = re.sub(r"^#softdep", "softdep", text, flags=re.M)
    CONF.write_text(text, encoding="utf-8")


def kernels_own_by_default():
    """As installed, igb and igbvf get PF and VF, and nothing of ours is loaded."""
    install()
    pci = find_82576()[0]
    plug(pci)
    ksft_eq(driver_of(pci), "igb", "driver of the PF")
    ksft_eq(driver_of(first_vf(pci)), "igbvf", "driver of the VF")
    ksft_true(not loaded("kawela"), "kawela is not loaded")


def one_card():
    """As installed, a card that is given to kawela_pf by the conffile's commands is taken from igb."""
    install()
    pci = find_82576()[0]
    plug(pci)
    commands = re.findall(r"^#\t(.*)$", CONF.read_text(encoding="utf-8"), re.M)
    ksft_eq(len(commands), 4, f"commands in the conffile: {commands}")
    run(["sh", "-ec", "\n".join(commands).replace("0000:01:00.0", pci)])
    ksft_eq(driver_of(pci), "kawela_pf", "driver")
    ksft_in("/updates/dkms/", output("modinfo -n kawela_pf"), "file of the module")
    ksft_eq(output("modinfo -F signer kawela_pf").strip(), "DKMS module signing key", "signer")


def all_cards():
    """The second choice: PF and VF go to ours, though igb is loaded beside it for other cards."""
    install()
    choose(2)
    pci = find_82576()[0]
    plug(pci)
    ksft_eq(driver_of(pci), "kawela_pf", "driver of the PF")
    ksft_true(loaded("igb"), "igb is loaded as well")
    vf = first_vf(pci)
    ksft_eq(driver_of(vf), "kawela_vf", "driver of the VF")
    names = [next((PCI_DEVICES / function / "net").iterdir()).name for function in (pci, vf)]
    for name in names:
        run(f"ip link set {name} up")
    for name in names:
        ksft_true(wait_for(lambda name=name: read(f"/sys/class/net/{name}/carrier") == "1", 20), f"carrier of {name}")


def main():
    """Each case installs the package anew and gives the bench its modules back."""
    ksft_run([kernels_own_by_default, one_card, all_cards])
    ksft_exit()


main()
