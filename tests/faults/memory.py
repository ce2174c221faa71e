#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela,stock
"""Out of memory with VFs: each allocation that a driver makes fails in turn, in all that allocates.

What was asked for is refused with an error, what ran goes on, and once nothing fails any more it
succeeds. A test module makes the calls fail; only calls from the drivers' own code count.
"""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_env import MODULE, stock_xfail
from kwl_failcall import RINGS, Failures, load, shell, unload
from kwl_faults import carry, pair
from kwl_leaks import LeakCheck
from kwl_nic import driver_of
from kwl_sriov import Sriov, path, pf_end, wire_end, with_drivers
from kwl_sys import read, run, wait_for, write
from kwl_traffic import Stream

def numvfs(bench):
    """VFs that cannot be made are not there, and the PF goes on."""
    defer(bench.spoil)
    bench.disable()
    bench.env.wait_carrier()
    write(bench.env.sysfs / "sriov_drivers_autoprobe", 0)
    defer(write, bench.env.sysfs / "sriov_drivers_autoprobe", 1)
    with Stream(bench.env, "tx") as stream:
        def undisturbed(when):
            ksft_eq(bench.numvfs(), 0, f"VFs {when}")
            stream.moves()
        Failures(bench, "sh", shell(f"echo 2 >{bench.env.sysfs}/sriov_numvfs"), undisturbed).all(3)
    bench.start(pair()[0])
    carry(bench)


def vf_probe(bench):
    """A VF whose driver cannot start has none; its neighbour goes on."""
    defer(bench.spoil)
    vf, neighbour = bench.vfs
    vf.unbind()
    with Stream(path(neighbour, wire_end(bench.env)), "tx") as stream:
        def undisturbed(when):
            ksft_eq(driver_of(vf.pci), None, f"driver {when}")
            stream.moves()
        Failures(bench, "sh", shell(f"echo {vf.pci} >/sys/bus/pci/drivers/{bench.driver}/bind"), undisturbed).all(3)
    vf.come_up()
    carry(bench)


def vf_open(bench):
    """A VF's interface that cannot be opened stays down; its neighbour goes on."""
    vf, neighbour = bench.vfs
    vf.set_link("down")
    with Stream(path(neighbour, wire_end(bench.env)), "tx") as stream:
        def undisturbed(when):
            ksft_eq("UP" in vf.link()["flags"], False, f"interface up {when}")
            stream.moves()
        Failures(bench, "ip", ["ip", "-n", vf.ns, "link", "set", vf.ifname, "up"], undisturbed).all(3, RINGS)
    vf.wait_carrier()
    carry(bench)


def vf_rings(bench):
    """A VF whose new rings cannot be had goes on with the old ones."""
    vf = bench.vfs[0]
    enter = ["ip", "netns", "exec", vf.ns, "ethtool", "-G", vf.ifname]
    run([*enter, "rx", "256", "tx", "256"], check=False)
    vf.wait_carrier()
    with Stream(path(vf, wire_end(bench.env)), "tx") as stream:
        Failures(bench, "ethtool", [*enter, "rx", "512", "tx", "512"], lambda when: stream.moves()).all(3, RINGS)
    vf.wait_carrier()
    carry(bench)


def pf_rings(bench):
    """The PF's rings likewise, with VFs in use, which notice nothing of the failures."""
    env = bench.env
    env.ethtool("-G", "rx", 256, "tx", 256, check=False)
    env.wait_carrier()
    for vf in bench.vfs:
        vf.wait_carrier()
    wire = wire_end(env)
    with Stream(path(pf_end(env), wire), "tx") as own, Stream(path(bench.vfs[0], wire), "tx") as other:
        def undisturbed(_when):
            own.moves()
            other.moves()
        Failures(bench, "ethtool", ["ethtool", "-G", env.ifname, "rx", "512", "tx", "512"], undisturbed).all(3, RINGS)
    carry(bench)


def pf_open(bench):
    """A PF's interface that cannot be opened stays down; VFs go on."""
    stock_xfail("its VFs have no link while its interface is down")
    env = bench.env
    env.set_link("down")
    with Stream(path(bench.vfs[0], bench.vfs[1]), "tx") as stream:
        def undisturbed(when):
            ksft_eq(read(f"/sys/class/net/{env.ifname}/operstate"), "down", f"interface {when}")
            stream.moves()
        Failures(bench, "ip", ["ip", "link", "set", env.ifname, "up"], undisturbed).all(3, RINGS)
    env.wait_carrier()
    carry(bench)


def pf_probe(bench):
    """A PF whose driver cannot start has none, and starts when there is memory."""
    defer(bench.spoil)
    env = bench.env
    env.unbind()
    Failures(bench, "sh", shell(f"echo {env.pci} >/sys/bus/pci/drivers/{MODULE}/bind"),
             lambda when: ksft_eq(driver_of(env.pci), None, f"driver {when}")).all(4)
    wait_for(lambda: env.ifname, what="the PF's interface")
    env.start()
    bench.start(pair()[0])
    carry(bench)


def nothing_left(bench):
    """All those failures have left nothing behind."""
    bench.before.verify(bench.env)


def main():
    """Run the cases."""
    bench = Sriov()  # first of all: not every function is there without the drivers
    load()
    bench.use(pair()[0])
    bench.before = LeakCheck()
    ksft_run(with_drivers([vf_open, vf_rings, vf_probe, pf_rings, pf_open, numvfs, pf_probe, nothing_left], pair()),
             args=(bench, ))
    unload()
    ksft_exit()


if __name__ == "__main__":
    main()
