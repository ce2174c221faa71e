# SPDX-License-Identifier: GPL-2.0-only
"""The bench as a test sees it.

        this namespace                     namespace "peer"
    +-------------------+   the wire    +-------------------+
    | 82576, "the DUT"  |===============| wire0, the partner|
    | 192.0.2.1         |               | 192.0.2.2         |
    | 2001:db8::1       |               | 2001:db8::2       |
    +-------------------+               +-------------------+

KWL_DRIVER chooses the driver of the 82576: ours or the stock igb. The partner is a virtio
NIC (topology `wire`) or a second 82576 on the same driver (topology `b2b`).
"""

import os

from lib.py import KsftSkipEx, KsftXfailEx, ksft_pr
from kwl_nic import PCI_DEVICES, driver_of, find_82576, netdev_of
from kwl_sys import output, read, run, run_json, wait_for, write

DRIVER = os.environ.get("KWL_DRIVER", "kawela")
KERNEL = os.environ.get("KWL_KERNEL", "")
OWN_KERNEL = "-" in KERNEL              # built here, with checkers
TOPOLOGY = os.environ.get("KWL_TOPOLOGY", "wire")
PEER_NS = os.environ.get("KWL_PEERNS", "peer")
MODULE = {"kawela": "kawela_pf", "stock": "igb"}[DRIVER]

DUT_MAC = "52:54:00:82:57:01"
PARTNER_MAC = "52:54:00:82:57:02" if TOPOLOGY == "b2b" else "52:54:00:82:57:ff"


def on_stock():
    """True when the stock driver is under test."""
    return DRIVER == "stock"


def stock_xfail(reason):
    """Say why the stock driver, or the emulator under it, cannot pass, and stop the case."""
    if on_stock():
        raise KsftXfailEx("stock igb: " + reason)


def stock_skip(reason):
    """Stop a case that makes no sense on the stock driver, with the reason."""
    if on_stock():
        raise KsftSkipEx("stock igb: " + reason)


def link(ifname, ns=None):
    """Return what `ip -s -d link show` knows about an interface."""
    where = f"-n {ns} " if ns else ""
    return run_json(f"ip {where}-j -s -d link show dev {ifname}")[0]


def addresses(ifname, host, ns=None):
    """Give an interface its two addresses; 1 is the DUT, 2 the partner."""
    where = f"-n {ns} " if ns else ""
    run(f"ip {where}addr replace 192.0.2.{host}/24 dev {ifname}")
    run(f"ip {where}-6 addr replace 2001:db8::{host}/64 dev {ifname} nodad")


def calm_ipv6(ifname, ns=None):
    """Keep IPv6 from adding frames and delays of its own, and from dropping addresses."""
    for name, value in (("accept_dad", 0), ("dad_transmits", 0), ("router_solicitations", 0),
                        ("accept_ra", 0), ("keep_addr_on_down", 1)):
        run(f"sysctl -qw net.ipv6.conf.{ifname}.{name}={value}", ns=ns)


class Env:
    """The DUT bound to the driver under test, both ends up, addressed, with carrier."""

    v4, v6 = "192.0.2.1", "2001:db8::1"
    peer_v4, peer_v6 = "192.0.2.2", "2001:db8::2"
    mac, peer_mac = DUT_MAC, PARTNER_MAC
    peer_if, ns = "wire0", PEER_NS

    def __init__(self, up=True):
        functions = find_82576()
        if not functions:
            raise RuntimeError("no 82576 (8086:10c9) in this machine")
        self.pci = functions[0]
        run(f"modprobe {MODULE}")
        for pci in functions:
            wait_for(lambda p=pci: netdev_of(p), what=f"a network interface of {pci}")
            if read(f"{self.netdir(pci)}/address") == DUT_MAC:
                self.pci = pci
        if driver_of(self.pci) != MODULE:
            raise RuntimeError(f"{self.pci} is bound to {driver_of(self.pci)}, not {MODULE}")
        self._prepare_partner(functions)
        if up:
            self.start()

    @staticmethod
    def netdir(pci):
        """The sysfs directory of a function's network interface."""
        return f"/sys/class/net/{netdev_of(pci)}"

    @property
    def ifname(self):
        """The DUT's interface; looked up each time because rebinding may rename it."""
        return netdev_of(self.pci)

    @property
    def sysfs(self):
        """The DUT's PCI directory in sysfs."""
        return PCI_DEVICES / self.pci

    def _prepare_partner(self, functions):
        if TOPOLOGY == "b2b":
            for pci in functions:
                if pci != self.pci and netdev_of(pci):
                    run(f"ip link set {netdev_of(pci)} down")
                    run(f"ip link set {netdev_of(pci)} netns {self.ns} name {self.peer_if}")
        # Each frame must be seen as it was on the wire, not merged.
        run(f"ethtool -K {self.peer_if} gro off", ns=self.ns)
        run(f"ip -n {self.ns} link set lo up")
        calm_ipv6(self.peer_if, self.ns)
        # Promiscuous, or the virtio device filters VLANs that the partner has not joined.
        run(f"ip -n {self.ns} link set {self.peer_if} mtu 1500 promisc on up")
        addresses(self.peer_if, 2, self.ns)

    def start(self):
        """Address the DUT, bring it up and wait for its carrier."""
        calm_ipv6(self.ifname)
        addresses(self.ifname, 1)
        run(f"ip link set {self.ifname} up")
        self.wait_carrier()

    def carrier(self, ifname=None):
        """Tell whether the DUT has carrier; an interface that is down has none."""
        try:
            return read(f"/sys/class/net/{ifname or self.ifname}/carrier") == "1"
        except OSError:
            return False

    def wait_carrier(self, timeout=20):
        """Wait until both ends have carrier."""
        wait_for(self.carrier, timeout, f"carrier of {self.ifname}")
        wait_for(lambda: "LOWER_UP" in link(self.peer_if, self.ns)["flags"], timeout, "partner's carrier")

    def set_link(self, *words):
        """`ip link set DUT words...`"""
        run(["ip", "link", "set", self.ifname, *map(str, words)])

    def set_peer(self, *words):
        """`ip link set PARTNER words...`"""
        run(["ip", "-n", self.ns, "link", "set", self.peer_if, *map(str, words)])

    def set_mtu(self, mtu):
        """Set the MTU of both ends and wait for the link to come back."""
        self.set_peer("mtu", mtu)
        self.set_link("mtu", mtu)
        self.wait_carrier()

    def ethtool(self, option, *words, check=True):
        """`ethtool OPTION DUT words...`; returns the finished process."""
        return run(["ethtool", option, self.ifname, *map(str, words)], check=check)

    def ethtool_json(self, option):
        """Return the parsed output of `ethtool --json OPTION DUT`."""
        return run_json(f"ethtool --json {option} {self.ifname}")[0]

    def feature(self, name):
        """Return True or False for a feature of `ethtool -k`, None if it is fixed or unknown."""
        for row in output(f"ethtool -k {self.ifname}").splitlines():
            words = row.split()
            if words[0] == name + ":":
                return None if "[fixed]" in words else words[1] == "on"
        return None

    def quiet(self):
        """Leave nothing on the wire but what a test sends: no IPv6, fixed ARP entries."""
        run(f"sysctl -qw net.ipv6.conf.{self.ifname}.disable_ipv6=1")
        run(f"sysctl -qw net.ipv6.conf.{self.peer_if}.disable_ipv6=1", ns=self.ns)
        run(f"ip neigh replace {self.peer_v4} lladdr {self.peer_mac} dev {self.ifname}")
        run(f"ip -n {self.ns} neigh replace {self.v4} lladdr {self.mac} dev {self.peer_if}")

    def unbind(self):
        """Take the driver off the DUT."""
        write(f"/sys/bus/pci/drivers/{MODULE}/unbind", self.pci)

    def bind(self, up=True):
        """Give the DUT to the driver under test again."""
        write(f"/sys/bus/pci/drivers/{MODULE}/bind", self.pci)
        wait_for(lambda: self.ifname, what="a network interface after bind")
        if up:
            self.start()

    def note(self, *words):
        """Print a diagnostic line."""
        ksft_pr(*words)
