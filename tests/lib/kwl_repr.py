# SPDX-License-Identifier: GPL-2.0-only
"""Mode switchdev: each VF with its representor, and what a frame into one end of a pipe comes out of.

    namespace "vf0"   namespace "vf1"                     namespace "peer"
       +----+            +----+                              +-------+
       | v0 |            | v1 |                              | wire0 |
       +-+--+            +-+--+                              +---+---+
         |                 |                                     |
       +-+--+            +-+--+        +----+                    |
       | r0 |            | r1 |        | PF +--------------------+
       +----+            +----+        +----+
                   this namespace
"""

from pathlib import Path
from types import SimpleNamespace

from kwl_devlink import Devlink
from kwl_env import link
from kwl_nic import driver_of
from kwl_sriov import OURS, Sriov
from kwl_sys import batch, read, run, wait_for

PIPES = {"wire": "pf", "vf0": "rep0", "vf1": "rep1"}
PIPES.update({far: near for near, far in PIPES.items()})


class Switchdev(Sriov):
    """A PF whose switch can be run by the host, its VFs and their representors."""

    def __init__(self):
        super().__init__()
        self.devlink = Devlink(self.env)

    @property
    def mode(self):
        """What `devlink dev eswitch show` says."""
        return self.devlink.json("dev", "eswitch", "show", "DEV")["dev"][self.devlink.name]["mode"]

    @mode.setter
    def mode(self, mode):
        self.devlink.run("dev", "eswitch", "set", "DEV", "mode", mode)

    def start(self, driver=OURS, count=2):
        """Begin in mode legacy: in the other one a VF has no carrier before its representor is up."""
        if self.mode != "legacy":
            self.mode = "legacy"
        return super().start(driver, count)

    def reprs(self):
        """The representors' interfaces by VF, as devlink names them."""
        return {port["vfnum"]: port["netdev"] for port in self.devlink.ports().values()
                if port["flavour"] == "pcivf" and "netdev" in port}

    def enter(self):
        """Switch to mode switchdev and bring the representors up, as r0, r1 and so on."""
        self.mode = "switchdev"
        self.start_reprs()
        return self

    def ready(self):
        """Two running VFs of ours in mode switchdev, whose representors are up."""
        self.use(OURS)
        if self.mode == "switchdev":
            self.start_reprs()
        else:
            self.enter()
        return self

    def start_reprs(self):
        """Name the representors, calm them and bring them up; wait for the VFs' carrier."""
        for num, name in self.reprs().items():
            run(f"ip link set {name} down")
            if name != f"r{num}":
                run(f"ip link set {name} name r{num}")
            run(f"sysctl -qw net.ipv6.conf.r{num}.disable_ipv6=1")
            run(f"ip link set r{num} up")
        for vf in self.vfs:
            if driver_of(vf.pci):
                vf.wait_carrier()

    def ends(self):
        """All ends of traffic by name: wire, pf, vf0, vf1, and rep0, rep1 where there are representors."""
        ends = super().ends()
        for num, vf in enumerate(self.vfs):
            address = Path(f"/sys/class/net/r{num}/address")
            if vf.ns in ends and address.exists():
                ends[f"rep{num}"] = SimpleNamespace(ns=None, ifname=f"r{num}", mac=read(address))
        return ends

    def legacy(self):
        """Switch back."""
        self.mode = "legacy"
        for vf in self.vfs:
            if driver_of(vf.pci):
                vf.wait_carrier()


def bridged(bench, *names):
    """Put the uplink and all representors, or these, into a bridge; return a function that takes it away again."""
    names = names or (bench.env.ifname, *bench.reprs().values())
    run("ip link add kbr0 type bridge")
    run("sysctl -qw net.ipv6.conf.kbr0.disable_ipv6=1")
    batch("ip", [f"link set {name} master kbr0" for name in names] + ["link set kbr0 up"])
    wait_for(lambda: "LOWER_UP" in link("kbr0")["flags"], what="the bridge")
    return lambda: run("ip link del kbr0")
