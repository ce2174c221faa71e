#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela,stock
"""VFs, their drivers and the PF come and go while others work."""

import threading

from lib.py import defer, ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_env import on_stock, stock_skip
from kwl_nic import driver_of, netdev_of
from kwl_sriov import OURS, Pings, Sriov, with_drivers
from kwl_sys import CommandFailed, read, run, wait_for, write
from kwl_traffic import Stream, ping

MOST = 7


def pf_state(env):
    """What must not change of the PF when VFs come and go; the stock driver drops its link."""
    base = f"/sys/class/net/{env.ifname}"
    downs = None if on_stock() else read(f"{base}/carrier_down_count")
    return env.ifname, read(f"{base}/address"), downs


def pf_through_cycles(bench):
    """0, 7, 0 VFs ten times: the PF keeps its name, address and carrier, its traffic goes on."""
    defer(bench.spoil)
    env = bench.env
    bench.disable()
    env.wait_carrier()
    before = pf_state(env)
    with Stream(env, "tx") as tx, Stream(env, "rx") as rx:
        for _ in range(10):
            bench.enable(MOST)
            ksft_eq((bench.numvfs(), len(bench.vfs)), (MOST, MOST), "VFs")
            bench.disable()
        tx.moves()
        rx.moves()
    env.wait_carrier()
    ksft_eq(pf_state(env), before, "name, address, times without carrier")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers to the PF")


def all_seven(bench):
    """Seven VFs, all with a driver: each has an address of its own and reaches wire, PF and the last one."""
    defer(bench.spoil)
    vfs = bench.start(bench.driver, MOST)
    ksft_eq(len({vf.mac for vf in vfs} | {bench.env.mac}), MOST + 1, "different addresses")
    for vf in vfs:
        ksft_eq(ping(bench.env.peer_v4, ns=vf.ns), 1, f"{vf.ns} to the wire")
        ksft_eq(ping(vf.v4), 1, f"the PF to {vf.ns}")
        ksft_eq(ping(vfs[-1].v4, ns=vf.ns), 1, f"{vf.ns} to the last VF")


def too_many(bench):
    """An eighth VF is refused and those that are there stay."""
    for count in (8, 1):
        try:
            write(bench.env.sysfs / "sriov_numvfs", count)
            ksft_true(False, f"{count} VFs while there are two refused")
        except OSError:
            pass
    ksft_eq(bench.numvfs(), 2, "VFs afterwards")
    ksft_eq(ping(bench.env.peer_v4, ns="vf0"), 1, "answers")


def busy_neighbour(bench):
    """The driver of one VF goes and comes five times; its busy neighbour loses nothing."""
    vf, neighbour = bench.vfs
    pings = Pings(bench.env.peer_v4, neighbour.ns)
    for _ in range(5):
        vf.unbind()
        vf.bind(bench.driver)
        vf.attach()
        vf.wait_carrier()
    sent, lost = pings.lost()
    ksft_true(sent > 50 and lost <= 1, f"{lost} of {sent} pings lost")
    bench.forget_neighbours()
    ksft_eq(ping(bench.env.peer_v4, ns=vf.ns), 1, "answers")


def removed_while_busy(bench):
    """VFs that are up and busy can be removed; the PF works on."""
    defer(bench.spoil)
    pings = [Pings(bench.env.peer_v4, vf.ns) for vf in bench.vfs]
    write(bench.env.sysfs / "sriov_numvfs", 0)
    for one in pings:
        one.lost()
    bench.env.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=2), 2, "answers to the PF")


def come_back(bench, what):
    """Wait until every VF has its carrier and reaches the wire again."""
    bench.env.wait_carrier()
    for vf in bench.vfs:
        vf.wait_carrier()
        wait_for(lambda one=vf: ping(bench.env.peer_v4, ns=one.ns), 20, f"{vf.ns} to be back after {what}")


def pf_down_up(bench):
    """VFs are back after the PF was down and up."""
    for _ in range(3):
        bench.env.set_link("down")
        bench.env.set_link("up")
        come_back(bench, "PF down and up")


def pf_resets(bench):
    """VFs are back after a reset of the PF: by an MTU change, new rings, a renewed negotiation."""
    env = bench.env
    defer(env.set_link, "mtu", 1500)
    for change in (lambda: env.set_link("mtu", 4000), lambda: env.ethtool("-G", "rx", 512),
                   lambda: env.ethtool("-r"), lambda: env.set_link("mtu", 1500)):
        change()
        come_back(bench, "a reset of the PF")


def pf_function_reset(bench):
    """The PF's function is reset by sysfs under its VFs: it is back, and so are they."""
    stock_skip("does not take part in function resets")
    defer(bench.spoil)
    write(bench.env.sysfs / "reset", 1)
    bench.env.wait_carrier()
    ksft_eq(bench.numvfs(), 2, "VFs afterwards")
    ksft_eq(ping(bench.env.peer_v4, count=2), 2, "answers to the PF")
    come_back(bench, "a function reset of the PF")


def vf_function_reset(bench):
    """A VF's function is reset by sysfs while it is up: it is back, its neighbour loses nothing."""
    vf, neighbour = bench.vfs
    pings = Pings(bench.env.peer_v4, neighbour.ns)
    write(f"/sys/bus/pci/devices/{vf.pci}/reset", 1)
    come_back(bench, "its own function reset")
    sent, lost = pings.lost()
    ksft_true(lost <= 1, f"{lost} of {sent} pings lost")


def pf_driver_goes(bench):
    """The PF's driver is unbound with VFs in use: the VFs go, and all works when it is bound again."""
    defer(bench.spoil)
    bench.env.unbind()
    ksft_eq((bench.numvfs(), [driver_of(vf.pci) for vf in bench.vfs]), (0, [None, None]), "VFs afterwards")
    bench.env.bind()
    ksft_eq(ping(bench.env.peer_v4, count=2), 2, "answers to the PF")
    for vf in bench.vfs:
        run(f"ip netns del {vf.ns}")


class AsSoonAs(threading.Thread):
    """Do something the moment that an interface of a PCI function appears, as a rule of udev does.

    The machine has no udev; this looks once a millisecond.
    """

    def __init__(self, pci, action):
        super().__init__(daemon=True)
        self.pci, self.action, self.problem = pci, action, None
        self.start()

    def run(self):
        try:
            self.action(wait_for(lambda: netdev_of(self.pci), 20, "an interface", step=0.001))
        except (OSError, TimeoutError, CommandFailed) as problem:
            self.problem = problem


def by_rule(bench):
    """VFs asked for while the PF's driver is still binding, by one process, as another brings the PF up."""
    env = bench.env
    defer(bench.spoil)
    bench.disable()
    run(f"modprobe {OURS}")
    for _ in range(5):
        env.unbind()
        rules = [AsSoonAs(env.pci, lambda name: write(f"/sys/class/net/{name}/device/sriov_numvfs", 3)),
                 AsSoonAs(env.pci, lambda name: run(f"ip link set {name} up"))]
        env.bind()
        for rule in rules:
            rule.join(30)
            ksft_eq(rule.problem, None, "what the rules met with")
        ksft_eq(bench.numvfs(), 3, "VFs")
        functions = [vf.resolve().name for vf in sorted(env.sysfs.glob("virtfn*"))]
        ksft_eq([driver_of(pci) for pci in functions], [OURS] * 3, "drivers of the VFs")
        ksft_eq([bool(netdev_of(pci)) for pci in functions], [True] * 3, "VFs with an interface")
        env.wait_carrier()
        ksft_eq(ping(env.peer_v4, count=2), 2, "answers to the PF")
    bench.disable()


def main():
    """Run the cases."""
    both = [busy_neighbour, pf_down_up]
    ours = [all_seven, pf_through_cycles, too_many, pf_resets, pf_function_reset, vf_function_reset, removed_while_busy,
            pf_driver_goes, by_rule]
    ksft_run(with_drivers(both + ours, [OURS]) + with_drivers(both, ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
