# SPDX-License-Identifier: GPL-2.0-only
"""Virtual functions: each in a network namespace of its own, as a guest would own it.

    namespace "vf0"   namespace "vf1"        this namespace
    +-------------+   +-------------+   +-------------------+
    | v0          |   | v1          |   | PF, 192.0.2.1     |
    | 192.0.2.11  |   | 192.0.2.12  |   |                   |
    +------+------+   +------+------+   +---------+---------+
           +-------- on-card switch --------------+
                             |  the wire                       namespace "peer"
                             +--------------------------------- wire0, 192.0.2.2

KWL_DRIVER names the PF's driver. KWL_VF_DRIVER limits the tests to one VF driver (kawela_vf or
igbvf); without it those that concern both run with both.
"""

import os
import re
import subprocess
import time
from types import SimpleNamespace

from lib.py.ksft import KsftCaseFunction
from kwl_env import Env, link
from kwl_nic import PCI_DEVICES, driver_of, netdev_of
from kwl_sys import SLOW, batch, output, read, run, settle, wait_for, write

OURS, STOCK = "kawela_vf", "igbvf"
BOTH = (OURS, STOCK)
CALM = ("accept_dad=0", "dad_transmits=0", "router_solicitations=0", "accept_ra=0", "keep_addr_on_down=1")


def chosen(drivers):
    """Return those of some VF drivers that KWL_VF_DRIVER lets run."""
    only = os.environ.get("KWL_VF_DRIVER")
    return [driver for driver in drivers if only in (None, "", driver)]


class Vf:
    """A virtual function and the namespace it lives in."""

    def __init__(self, env, index):
        self.env = env
        self.index = index
        self.pci = (env.sysfs / f"virtfn{index}").resolve().name
        self.ns, self.ifname = f"vf{index}", f"v{index}"
        self.v4, self.v6 = f"192.0.2.{11 + index}", f"2001:db8::{11 + index}"

    def bind(self, driver):
        """Give the function to a driver, whichever others would take it."""
        write(PCI_DEVICES / self.pci / "driver_override", driver)
        write("/sys/bus/pci/drivers_probe", self.pci)
        if driver_of(self.pci) != driver:
            raise RuntimeError(f"{self.pci} is bound to {driver_of(self.pci)}, not {driver}")

    def unbind(self):
        """Take the driver off the function; its interface goes."""
        write(PCI_DEVICES / self.pci / "driver" / "unbind", self.pci)

    def attach(self, up=True):
        """Move the new interface into its namespace, address it and bring it up."""
        name = wait_for(lambda: netdev_of(self.pci), what=f"an interface of {self.pci}")
        if run(f"ip netns add {self.ns}", check=False).returncode == 0:
            run(["sysctl", "-qw", *(f"net.ipv6.conf.default.{rule}" for rule in CALM)], ns=self.ns)
        run(f"ip link set {name} netns {self.ns} name {self.ifname}")
        batch("ip", [f"addr replace {self.v4}/24 dev {self.ifname}", "link set lo up",
                     f"addr replace {self.v6}/64 dev {self.ifname} nodad"], ns=self.ns)
        if up:
            self.set_link("up")

    def set_link(self, *words, check=True):
        """`ip link set VF words...` in its namespace; returns the finished process."""
        return run(["ip", "-n", self.ns, "link", "set", self.ifname, *map(str, words)], check=check)

    def link(self):
        """What `ip -s -d link show` knows about the VF."""
        return link(self.ifname, self.ns)

    def stats(self):
        """Return the `ip -s link` counters as {"rx": {...}, "tx": {...}}."""
        return self.link()["stats64"]

    @property
    def mac(self):
        """The interface's address."""
        return self.link()["address"]

    def carrier(self):
        """Tell whether the VF has carrier."""
        return "LOWER_UP" in self.link()["flags"]

    def wait_carrier(self, want=True, timeout=20):
        """Wait until the VF has carrier, or has lost it."""
        wait_for(lambda: self.carrier() == want, timeout, f"carrier of VF {self.index} to be {want}")

    def come_up(self):
        """attach(), then wait until the VF has carrier and the PF has its list of groups.

        igbvf waits for each answer of the PF without letting go of its processor, up to a second, and
        gives up its link for some eight seconds if none comes. It sends its groups when the link comes
        up. Two VFs that do so at once hold both processors of this machine, and the PF cannot answer:
        so there is never more than one that starts.
        """
        self.attach()
        self.wait_carrier()
        if driver_of(self.pci) == STOCK:
            settle(lambda: output(f"ip maddr show dev {self.ifname}", ns=self.ns), quiet=0.5)


def pf_end(env):
    """The PF as an end of traffic."""
    return SimpleNamespace(v4=env.v4, v6=env.v6, ns=None, ifname=env.ifname, mac=env.mac)


def wire_end(env):
    """The partner on the wire as an end of traffic."""
    return SimpleNamespace(v4=env.peer_v4, v6=env.peer_v6, ns=env.ns, ifname=env.peer_if, mac=env.peer_mac)


def path(near, far):
    """Two ends in the shape in which the traffic helpers take an Env: "tx" goes from near to far."""
    return SimpleNamespace(v4=near.v4, v6=near.v6, near_ns=near.ns, peer_v4=far.v4, peer_v6=far.v6, ns=far.ns)


class Pings:
    """Pings that run in the background, each of them waited for; lost() tells how many failed."""

    def __init__(self, target, ns):
        self.process = subprocess.Popen(["ip", "netns", "exec", ns, "ping", "-n", "-q", "-i", "0.02", "-W", "2", target],
                                        stdout=subprocess.PIPE, text=True)
        time.sleep(0.5 * SLOW)  # ping has started by then even on the emulator

    def lost(self):
        """Stop; return (pings sent, pings unanswered)."""
        # ping counts what is in flight at this moment as lost; callers allow for that one.
        self.process.send_signal(2)
        text, _ = self.process.communicate(timeout=20)
        sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", text).groups())
        return sent, sent - got


class Sriov:
    """The PF with some VFs enabled, bound to a VF driver, addressed, up, with carrier."""

    def __init__(self, up=True):
        self.env = Env(up=up)
        self.driver = None
        self.vfs = []

    def numvfs(self):
        """How many VFs there are now."""
        return int(read(self.env.sysfs / "sriov_numvfs"))

    def enable(self, count):
        """Create VFs that no driver has taken."""
        self.disable()
        for at in range(count):
            # No namespace of an earlier VF may hand on its addresses or settings.
            run(f"ip netns del vf{at}", check=False)
        write(self.env.sysfs / "sriov_drivers_autoprobe", 0)
        try:
            write(self.env.sysfs / "sriov_numvfs", count)
        finally:
            write(self.env.sysfs / "sriov_drivers_autoprobe", 1)
        self.vfs = [Vf(self.env, at) for at in range(count)]

    def disable(self):
        """Remove all VFs."""
        self.driver = None
        self.vfs = []
        if self.numvfs():
            write(self.env.sysfs / "sriov_numvfs", 0)

    def start(self, driver=OURS, count=2):
        """Enable VFs, bind all of them to a driver and bring them up."""
        run(f"modprobe {driver}")
        self.enable(count)
        # The in-tree PF loses its link by this.
        self.env.wait_carrier()
        for vf in self.vfs:
            vf.bind(driver)
            vf.come_up()
        self.forget_neighbours()
        self.driver = driver
        return self.vfs

    def forget_neighbours(self):
        """Have everybody ask anew: VFs may get new addresses each time they are made."""
        run("ip neigh flush all")
        for end in (self.env, *self.vfs):
            run(f"ip -n {end.ns} neigh flush all")

    def use(self, driver):
        """Return this bench with two VFs on `driver`, built anew only if they are not there."""
        whole = self.driver == driver and all(driver_of(vf.pci) == driver for vf in self.vfs)
        if not whole or len(self.vfs) != 2:
            self.start(driver)
        return self

    def spoil(self):
        """Have the next case start from fresh VFs."""
        self.driver = None

    def ends(self):
        """All ends of traffic by name: wire, pf, and vf0, vf1 as far as a driver has them."""
        ends = {"wire": wire_end(self.env), "pf": pf_end(self.env)}
        ends.update((vf.ns, vf) for vf in self.vfs if driver_of(vf.pci))
        return ends

    def pf_vf(self, index):
        """What `ip link show PF` tells about a VF."""
        return link(self.env.ifname)["vfinfo_list"][index]

    def vf_stats(self, index):
        """What `ip -s link show PF` counts of a VF: {"rx": {...}, "tx": {...}}."""
        shown = self.pf_vf(index)["stats"]
        # ip names the counters of one direction tx_packets, of the other just packets.
        return {way: {name.removeprefix("tx_"): value for name, value in shown[way].items()} for way in shown}

    def set_vf(self, index, *words, check=True):
        """`ip link set PF vf INDEX words...`; returns the finished process."""
        return run(["ip", "link", "set", self.env.ifname, "vf", str(index), *map(str, words)], check=check)


def with_drivers(cases, drivers=BOTH):
    """Return the cases for ksft_run, all of them with the first VF driver, then with the next.

    Each case gets a Sriov with two running VFs.
    """
    def on(case):
        return lambda bench, driver: case(bench.use(driver))
    return [KsftCaseFunction(case.__name__, on(case), [driver])
            for driver in chosen(drivers) for case in cases]
