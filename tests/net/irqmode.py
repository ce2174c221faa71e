#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Without MSI-X the driver falls back to MSI, without that to INTx, and traffic flows in each mode."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import Env, on_stock
from kwl_nic import irq_count, irq_names, irq_numbers, msi_mode
from kwl_sys import read, run, wait_for, write
from kwl_traffic import Stream, ping, transfer, udp_exchange


def rebind(env):
    """Bind the driver anew, so that it asks for interrupts again."""
    env.unbind()
    env.bind()


def works(env, mode):
    """Check the mode, and that traffic, link events and reconfiguration work in it."""
    ksft_eq(msi_mode(env.pci), mode, "interrupt mode")
    numbers = irq_numbers(env.pci)
    env.note(mode, "interrupts:", numbers, irq_names(env.ifname))
    if mode != "msix":
        ksft_eq(len(numbers), 1, "interrupts")
    before = sum(map(irq_count, numbers))
    ksft_eq(ping(env.peer_v4, count=5), 5, "answers")
    ksft_ge(sum(map(irq_count, numbers)) - before, 5, "interrupts for five answers")
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, size=1 << 20)
        ksft_eq(sent, got, f"md5, {direction}")
        sent, got = udp_exchange(env, direction)
        ksft_eq(got, sent, f"datagrams, {direction}")
    env.ethtool("-r")
    wait_for(lambda: not env.carrier(), 10, "loss of carrier after -r")
    env.wait_carrier()
    with Stream(env, "rx") as stream:
        env.ethtool("-G", "rx", 1024)
        env.wait_carrier()
        stream.moves()
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers after down and up")


def msix(env):
    """The normal case."""
    works(env, "msix")


def msi(env):
    """No MSI-X to be had: one MSI serves everything."""
    run("modprobe nomsix")
    defer(run, "modprobe -r nomsix")
    rebind(env)
    works(env, "msi")
    if not on_stock():
        ksft_in("moderation needs MSI-X", env.ethtool("-C", "rx-usecs", 50, check=False).stderr, "moderation")
        ksft_eq(read(env.sysfs / "sriov_totalvfs"), "0", "VFs that can be had")
        ksft_true(run(["sh", "-c", f"echo 1 >{env.sysfs}/sriov_numvfs"], check=False).returncode, "VFs refused")


def intx(env):
    """No message signalled interrupts at all: the line serves everything."""
    write(env.sysfs / "msi_bus", 0)
    defer(write, env.sysfs / "msi_bus", 1)
    rebind(env)
    works(env, "intx")


def msix_again(env):
    """Once vectors are to be had again they are used."""
    rebind(env)
    works(env, "msix")


def main():
    """Run the cases."""
    ksft_run([msix, msi, intx, msix_again], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
