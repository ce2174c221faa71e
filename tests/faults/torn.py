#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=slot timeout=300 drivers=kawela expect-log="kawela_vf 0000:01:10."
"""A card, or one VF of it, is torn out without a word under traffic: registers read all ones.

The emulator's slot always asks first. So the function loses its window and the right to write memory, and
memory that reads all ones takes the window's place. What still answers is the function's configuration,
and VFs' windows when it is the PF's turn: on a slow machine the watchdog finds that their frames do not leave.
In-tree igb warns with a stack trace of its own then, and igbvf notices nothing: not run there.
"""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_run
from kwl_env import link
from kwl_faults import Watches, carry, function_reset, now, pair, recovery
from kwl_nic import PCI_DEVICES, netdev_of
from kwl_sriov import Sriov, with_drivers
from kwl_sys import SLOW, kernel_log, run, wait_for, write

# QEMU's pci-testdev. It has a ROM of ones, as large as the PF's window, or that of all VFs.
SPARE = "1b36:0005"
ROM = 6
LOST = r"kawela_\w+ (\S+): no answer at register"
# No command on a function that has gone may take longer.
AT_MOST = 5 * SLOW


class Ones:
    """Ones in place of the memory from this address on, as long as in the context."""

    def __init__(self, address):
        self.pci = run(f"lspci -D -d {SPARE}").stdout.split()[0]
        self.own, self.address = window(self.pci, ROM), address

    def __enter__(self):
        # Of two windows at the same address, the last to come is seen.
        set_pci(self.pci, "COMMAND=2:2", f"ROM_ADDRESS={self.address | 1:x}")

    def __exit__(self, *_):
        set_pci(self.pci, f"ROM_ADDRESS={self.own:x}", "COMMAND=0:2")


def carrier(env):
    """Tell whether the PF has carrier."""
    return "LOWER_UP" in link(env.ifname)["flags"]


def set_pci(pci, *values):
    """Write registers of a function's configuration."""
    run(["setpci", "-s", pci, *values])


def window(pci, number):
    """Return the address of a function's window."""
    return int((PCI_DEVICES / pci / "resource").read_text(encoding="ascii").splitlines()[number].split()[0], 16)


def lost():
    """Return the functions of which the log says that they are lost, each as often as it does."""
    return sorted(re.findall(LOST, kernel_log()))


def noticed(pci, ready, what):
    """Wait for what the drivers do when these functions have gone."""
    wait_for(lambda: ready() and lost() == sorted(pci), 10, what)


def timed(command, ok=True):
    """Run a command, which may be refused but not be slow."""
    start = now()
    done = run(command, check=ok)
    ksft_lt(now() - start, AT_MOST, f"seconds of `{command}`")
    return done.returncode


def use_in_vain(bench):
    """What an administrator may do with a card that has gone: answered at once, with success or not."""
    env = bench.env
    for command in (f"ip -s -d link show {env.ifname}", f"devlink health show pci/{env.pci}"):
        timed(command)
    for command in (f"ethtool -S {env.ifname}", f"ethtool -d {env.ifname}", f"ethtool -t {env.ifname}",
                    f"ethtool -e {env.ifname}", f"ethtool -r {env.ifname}", f"ethtool -G {env.ifname} rx 1024",
                    f"ip link set {env.ifname} vf 0 mac 52:54:00:12:34:56", f"ip link set {env.ifname} vf 1 trust on",
                    f"ip link set {env.ifname} mtu 3000", f"ip link set {env.ifname} promisc on",
                    f"bridge fdb add 02:00:00:00:00:77 dev {env.ifname}", f"devlink dev reload pci/{env.pci}",
                    f"devlink dev eswitch set pci/{env.pci} mode switchdev",
                    f"ip link set {env.ifname} down"):
        timed(command, ok=False)
    ksft_ge(timed(f"ip link set {env.ifname} up", ok=False), 1, "refusal to open the interface")


def card(bench):
    """All that the card can do is go: its drivers notice, say so once, and leave in good time."""
    env = bench.env
    defer(bench.spoil)
    functions = [env.pci] + [vf.pci for vf in bench.vfs]
    with Watches(bench):
        run("dmesg -C")
        start = now()
        for pci in reversed(functions):
            set_pci(pci, "COMMAND=0:4")
        with Ones(window(env.pci, 0)):
            set_pci(env.pci, "COMMAND=0:2")
            noticed([env.pci], lambda: not carrier(env), "the PF's carrier to go, and a message")
            recovery("card torn out: noticed", now() - start)
            use_in_vain(bench)
            start = now()
            write(env.sysfs / "remove", 1)
            recovery("card torn out: removed", now() - start)
            ksft_lt(now() - start, AT_MOST, "seconds to remove it")
            ksft_eq(lost(), [env.pci], "functions said to be lost")
    ksft_eq([pci for pci in functions if (PCI_DEVICES / pci).exists()], [], "functions left")
    write("/sys/bus/pci/rescan", 1)
    wait_for(lambda: netdev_of(env.pci), 30, "the PF's interface")
    env.start()
    bench.start(bench.driver)
    carry(bench)


def card_reset(bench):
    """A card whose window comes back works again after a function reset, with all settings."""
    env = bench.env
    run("dmesg -C")
    env.ethtool("-G", "rx", 1024)
    defer(env.ethtool, "-G", "rx", 256)
    with Watches(bench) as watches:
        with Ones(window(env.pci, 0)):
            noticed([env.pci], lambda: not carrier(env), "the PF's carrier to go")
        start = now()
        function_reset(env.pci)
        watches.back(start, "window away and reset")
    ksft_eq(env.ethtool_json("-g")["rx"], 1024, "ring")
    carry(bench)


def card_back(bench):
    """A card whose window comes back works again by itself."""
    with Watches(bench) as watches:
        run("dmesg -C")
        with Ones(window(bench.env.pci, 0)):
            noticed([bench.env.pci], lambda: not carrier(bench.env), "the PF's carrier to go")
        watches.back(now(), "window away and back")
        ksft_eq(lost(), [bench.env.pci], "functions said to be lost")
    carry(bench)


def reloaded(bench):
    """A card that is away when it is reloaded cannot be, and can once it is back."""
    env, driver = bench.env, bench.driver
    defer(bench.spoil)
    bench.disable()
    reload = f"devlink dev reload pci/{env.pci}"
    run("dmesg -C")
    with Ones(window(env.pci, 0)):
        noticed([env.pci], lambda: not carrier(env), "the PF's carrier to go")
        ksft_ge(timed(reload, ok=False), 1, "refusal to reload")
    run(reload)
    wait_for(lambda: netdev_of(env.pci), 30, "the PF's interface")
    env.start()
    bench.start(driver)
    carry(bench)


def one_vf(bench):
    """A VF that leaves the bus takes nobody along, and works again by itself when it is back."""
    vf, neighbour = bench.vfs
    with Watches(bench) as watches:
        run("dmesg -C")
        start = now()
        with Ones(window(bench.env.pci, 7)):
            noticed([vf.pci, neighbour.pci], lambda: not vf.carrier(), "the VF's carrier to go, and messages")
            recovery("VFs off the bus: noticed", now() - start)
            watches.unhurt(["PF"], "VFs off the bus")
            for command in ("ethtool -S", "ethtool", "ip -s link show dev"):
                timed(f"ip netns exec {vf.ns} {command} {vf.ifname}")
            timed(f"ip -n {vf.ns} link set {vf.ifname} mtu 1400", ok=False)
            vf.set_link("down")
            timed(f"ip -n {vf.ns} link set {vf.ifname} up", ok=False)
            start = now()
            neighbour.unbind()
            ksft_lt(now() - start, AT_MOST, "seconds to unbind a VF that has gone")
        vf.set_link("mtu", 1500)
        vf.set_link("up")
        vf.wait_carrier()
        neighbour.bind(bench.driver)
        neighbour.come_up()
    carry(bench)


def main():
    """Run the cases."""
    ksft_run(with_drivers([one_vf, card_reset, card_back, reloaded, card], pair()), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
