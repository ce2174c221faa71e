#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela,stock
"""Out of memory with VFs: each allocation that a driver makes fails in turn, in all that allocates.

What was asked for is refused with an error, what ran goes on, and once nothing fails any more it
succeeds. A test module makes the calls fail; only calls from the drivers' own code count.
"""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import MODULE, on_stock, stock_xfail
from kwl_faults import carry, mend, pair
from kwl_leaks import LeakCheck
from kwl_nic import driver_of
from kwl_sriov import Sriov, path, pf_end, wire_end, with_drivers
from kwl_sys import read, run, wait_for, write
from kwl_traffic import Stream

PARAMETERS = "/sys/module/failcall/parameters"
# What each function returns when it fails.
CALLS = {"__kmalloc_noprof": 0, "__kmalloc_cache_noprof": 0, "__kmalloc_cache_node_noprof": 0,
         "__kvmalloc_node_noprof": 0, "page_pool_create": -12, "page_pool_alloc_netmems": 0, "dma_alloc_attrs": 0,
         "request_threaded_irq": -12, "alloc_etherdev_mqs": 0, "mdiobus_alloc_size": 0}
# What new rings of ours take
RINGS = {"page_pool_create", "page_pool_alloc_netmems", "dma_alloc_attrs"}
# So many calls of each function are made to fail: receive buffers are hundreds, and one like the other.
MOST = 8


class Failures:
    """Make a command's allocations fail one after the other until it succeeds."""

    def __init__(self, bench, comm, command, undisturbed):
        self.bench = bench
        self.command = command
        self.undisturbed = undisturbed
        self.seen = {}
        write(f"{PARAMETERS}/comm", comm)

    def one(self, number):
        """Run the command with that call failing; tell whether it has failed for it."""
        write(f"{PARAMETERS}/nth", number)
        done = run(self.command, check=False)
        fired = read(f"{PARAMETERS}/nth") == "0"
        write(f"{PARAMETERS}/nth", 0)
        if not fired:
            ksft_eq(done.returncode, 0, f"`{' '.join(self.command)}` with nothing failing: {done.stderr}")
            return False
        name = read(f"{PARAMETERS}/last")
        self.seen[name] = self.seen.get(name, 0) + 1
        if not done.returncode and on_stock():
            mend(self.bench)
            stock_xfail(f"`{' '.join(self.command)}` reports success although {name} has failed")
        ksft_true(done.returncode, f"refused although {name}, call {number}, failed")
        self.undisturbed(f"after {name}, call {number}, has failed: {done.stderr.strip()}")
        return done.returncode != 0

    def all(self, least, take=()):
        """Each call in turn; these functions have to be among those that were called."""
        number = 1
        while self.one(number):
            number += 1
        self.bench.env.note("calls made to fail:", ", ".join(f"{name} {count}" for name, count in self.seen.items()))
        ksft_ge(sum(self.seen.values()), least, "calls that were made to fail")
        if not on_stock():
            ksft_eq(set(take) - set(self.seen), set(), "functions of which no call has failed")


def shell(line):
    """A command line for a shell, whose builtins fail with an error text."""
    return ["sh", "-c", line]


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
    known = set(re.findall(r"^\S+ \w (\w+)", read("/proc/kallsyms"), re.M))
    names = [name for name in CALLS if name in known]
    run(f"modprobe failcall symbol={','.join(names)} value={','.join(str(CALLS[name]) for name in names)} "
        f"caller={'[igb' if on_stock() else '[kawela'} most={MOST}")
    bench.use(pair()[0])
    bench.before = LeakCheck()
    ksft_run(with_drivers([vf_open, vf_rings, vf_probe, pf_rings, pf_open, numvfs, pf_probe, nothing_left], pair()),
             args=(bench, ))
    run("modprobe -r failcall")
    ksft_exit()


if __name__ == "__main__":
    main()
