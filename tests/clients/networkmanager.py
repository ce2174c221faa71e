#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=900 drivers=kawela,stock
"""NetworkManager: connections with sriov settings on the PF, a connection of a VF, and a bridge in mode switchdev."""

import os
import shutil
from pathlib import Path

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_run, ksft_true
from kwl_devlink import Devlink
from kwl_env import link, on_stock, stock_xfail
from kwl_faults import pair
from kwl_nic import driver_of, netdev_of
from kwl_sriov import Sriov, with_drivers
from kwl_sys import output, read, run, wait_for
from kwl_traffic import ping
from kwl_udev import VID, WIRE_IN_VLAN, Daemon, Udev, file, fresh, take_vfs, told, wire_in_vlan

BUS, CONF, PROFILES = "/run/dbus", "/run/kwl-nm.conf", "/run/kwl-nm-connections"
RULES = "/run/udev/rules.d/70-kawela-test.rules"
MACS, OWN_MAC, QOS = ("02:00:00:00:00:10", "02:00:00:00:00:11"), "02:00:00:00:00:30", 3
OURS = ("kawela_pf", "kawela_vf", "kawela_pf_repr", "igb", "igbvf")
# Nothing beside the card is its own, and nothing comes up without being told.
SETTINGS = f"""[main]
plugins=keyfile
auth-polkit=false
no-auto-default=*
dns=none
[keyfile]
path={PROFILES}
unmanaged-devices=*,except:interface-name:br0,{",".join("except:driver:" + name for name in OURS)}
"""
PLAIN = {"mac": "", "vlan": (0, 0), "spoofchk": True, "trust": False, "rate": 0, "state": "auto", "query_rss": False}


class Manager:
    """udevd, dbus-daemon and NetworkManager, and a PF that nobody has touched."""

    def __init__(self, bench):
        self.bench = bench
        defer(bench.spoil)
        defer(fresh, bench)
        bench.disable()
        self.udev = Udev()
        os.makedirs(BUS, exist_ok=True)
        bus = Daemon(["dbus-daemon", "--system", "--nofork", "--nopidfile"])
        bus.started(lambda: run("busctl --system status", check=False).returncode == 0)
        file(CONF, SETTINGS)
        for place in (PROFILES, "/run/NetworkManager"):
            defer(shutil.rmtree, place, ignore_errors=True)
        self.daemon = Daemon(["NetworkManager", "--debug", "--config", CONF], G_MESSAGES_DEBUG="")
        self.daemon.started(lambda: run("nmcli -t general status", check=False).returncode == 0)
        self.pf = self.udev.load(bench.env)
        self.sees(self.pf)

    def sees(self, ifname):
        """Wait until it would take an interface: 30 is "disconnected"."""
        wait_for(lambda: run(f"nmcli -g GENERAL.STATE device show {ifname}", check=False).stdout.startswith("30 "),
                 60, f"NetworkManager to know {ifname}", step=0.2)

    @staticmethod
    def add(name, ifname, *settings, kind="ethernet", address=None):
        """A connection, until the case is over; a port of a bridge has no addresses."""
        layer3 = ["ipv6.method", "disabled", "ipv4.method", "manual" if address else "disabled"]
        layer3 += ["ipv4.addresses", address] if address else []
        run(["nmcli", "connection", "add", "type", kind, "con-name", name, "ifname", ifname, "autoconnect", "no",
             *([] if "connection.controller" in settings else layer3), *settings])

    def pf_profile(self, *settings):
        """One of the PF."""
        self.add("pf", self.pf, *settings, address="192.0.2.1/24")

    @staticmethod
    def modify(name, *settings):
        """Change a connection; it counts from the next activation on."""
        run(["nmcli", "connection", "modify", name, *settings])

    def up(self, name):
        """Activate a connection; returns the VFs there are then."""
        run(f"nmcli --wait 90 connection up {name}", timeout=100)
        self.udev.settle()
        return take_vfs(self.bench)

    def down(self, name):
        """Deactivate a connection; what it undoes is undone when nmcli returns or soon after."""
        run(f"nmcli --wait 90 connection down {name}", timeout=100)
        self.udev.settle()

    def warned(self):
        """What it has warned of, of the card."""
        lines = [line for line in self.daemon.said().splitlines() if "<warn>" in line]
        return [line for line in lines if any(word in line.lower() for word in ("sriov", "sr-iov", "vf", "eswitch"))]


def addresses(ifname):
    """IPv4 addresses of an interface."""
    return output(f"ip -br -4 addr show dev {ifname}").split()[2:]


def gone(bench):
    """Deactivation removes the VFs."""
    wait_for(lambda: bench.numvfs() == 0, 30, "VFs to go")


def check(bench, manager, wanted, what):
    """The VFs read back as wanted; a key that is not named is as by default."""
    rows = [told(bench, at) for at in range(bench.numvfs())]
    full = [{**PLAIN, **want, "mac": want.get("mac", row["mac"])} for want, row in zip(wanted, rows)]
    if rows != full or manager.warned():
        ksft_pr(*(manager.warned() or ["no warning of NetworkManager's"]))
        differ = [sorted(key for key in row if row[key] != want[key]) for row, want in zip(rows, full)]
        stock_xfail(f"{what}: {differ} differ")
    ksft_eq(rows, full, what)
    ksft_eq(len(rows), len(wanted), "VFs")
    ksft_eq(manager.warned(), [], "warnings")


def up_and_down(bench):
    """The PF's connection makes and sets up its VFs, and removes them when it goes down; three times."""
    manager = Manager(bench)
    wire_in_vlan(bench.env)
    manager.pf_profile("sriov.total-vfs", "2", "sriov.vfs",
                       f"0 mac={MACS[0]} spoof-check=false vlans={VID}.{QOS}, 1 trust=true")
    for _ in range(3):
        vfs = manager.up("pf")
        check(bench, manager, [{"mac": MACS[0], "spoofchk": False, "vlan": (VID, QOS)}, {"trust": True}], "read back")
        ksft_eq({driver_of(vf.pci) for vf in vfs}, set(pair()), "drivers")
        bench.env.wait_carrier()
        for vf in vfs:
            vf.come_up()
        ksft_eq(vfs[0].mac, MACS[0], "address of VF 0")
        run(f"ip -n {vfs[0].ns} addr add 198.51.100.10/24 dev {vfs[0].ifname}")
        bench.forget_neighbours()
        ksft_eq(ping(WIRE_IN_VLAN, count=5, ns=vfs[0].ns), 5, "answers to VF 0 in its VLAN")
        ksft_eq(ping(bench.env.peer_v4, ns=vfs[0].ns), 0, "answers to it outside of that")
        ksft_eq(ping(bench.env.peer_v4, count=5, ns=vfs[1].ns), 5, "answers to VF 1")
        ksft_eq(ping(bench.env.peer_v4, count=5), 5, "answers to the PF")
        manager.down("pf")
        gone(bench)
        ksft_eq(addresses(manager.pf), [], "the PF's addresses afterwards")


def rate(bench):
    """max-tx-rate, with a carrier that has only just come."""
    manager = Manager(bench)
    manager.pf_profile("sriov.total-vfs", "2", "sriov.vfs", "0 max-tx-rate=100, 1 max-tx-rate=250")
    manager.up("pf")
    check(bench, manager, [{"rate": 100}, {"rate": 250}], "rates")
    manager.down("pf")
    gone(bench)


def trusted_address(bench):
    """A VF that gets an address and is trusted has that address once it comes up."""
    manager = Manager(bench)
    manager.pf_profile("sriov.total-vfs", "1", "sriov.vfs", f"0 mac={MACS[0]} trust=true")
    vfs = manager.up("pf")
    check(bench, manager, [{"mac": MACS[0], "trust": True}], "read back")
    bench.env.wait_carrier()
    vfs[0].come_up()
    if vfs[0].mac != MACS[0]:
        stock_xfail(f"the VF keeps {vfs[0].mac}")
    ksft_eq(vfs[0].mac, MACS[0], "the VF's address")
    manager.down("pf")
    gone(bench)


def edited(bench):
    """An edited connection is activated over itself: other VFs, other settings."""
    manager = Manager(bench)
    manager.pf_profile("sriov.total-vfs", "3", "sriov.vfs", f"0 mac={MACS[0]} vlans={VID}, 2 spoof-check=false")
    manager.up("pf")
    check(bench, manager, [{"mac": MACS[0], "vlan": (VID, 0)}, {}, {"spoofchk": False}], "at first")
    manager.modify("pf", "sriov.total-vfs", "2", "sriov.vfs", f"1 mac={MACS[1]} trust=true")
    manager.up("pf")
    check(bench, manager, [{}, {"mac": MACS[1], "trust": True}], "then")
    bench.env.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=5), 5, "answers to the PF")
    manager.modify("pf", "sriov.total-vfs", "", "sriov.vfs", "")
    manager.up("pf")
    manager.down("pf")
    gone(bench)


def without_drivers(bench):
    """sriov.autoprobe-drivers=false leaves the VFs for vfio-pci or a guest; with true they have drivers again."""
    manager = Manager(bench)
    manager.pf_profile("sriov.total-vfs", "2", "sriov.autoprobe-drivers", "false", "sriov.vfs", f"0 mac={MACS[0]}")
    defer(Path(bench.env.sysfs / "sriov_drivers_autoprobe").write_text, "1", encoding="ascii")
    vfs = manager.up("pf")
    ksft_eq([driver_of(vf.pci) for vf in vfs], [None, None], "drivers")
    check(bench, manager, [{"mac": MACS[0]}, {}], "read back")
    manager.down("pf")
    gone(bench)
    manager.modify("pf", "sriov.autoprobe-drivers", "true")
    vfs = manager.up("pf")
    ksft_eq([driver_of(vf.pci) for vf in vfs], pair() * 2, "drivers")
    manager.down("pf")
    gone(bench)


def vf_connection(bench):
    """A VF's own connection: an address of its choice, MTU, traffic in the VLAN that the PF's connection sets."""
    manager = Manager(bench)
    wire_in_vlan(bench.env)
    manager.pf_profile("sriov.total-vfs", "1", "sriov.vfs", f"0 vlans={VID}")
    vf = manager.up("pf")[0]
    bench.env.wait_carrier()
    name = netdev_of(vf.pci)
    ksft_eq(name, "enp1s0v0", "name")
    manager.sees(name)
    before = link(name)["address"]
    manager.add("vf", name, "ethernet.cloned-mac-address", OWN_MAC, "ethernet.mtu", "1400", address="198.51.100.10/24")
    for _ in range(2):
        manager.up("vf")
        ksft_eq((link(name)["address"], link(name)["mtu"]), (OWN_MAC, 1400), "address and MTU")
        wait_for(lambda: "LOWER_UP" in link(name)["flags"], 30, "carrier")
        run(f"ip -n {bench.env.ns} neigh flush all")
        ksft_ge(wait_for(lambda: ping(WIRE_IN_VLAN, count=5), 20, "answers"), 4, "answers")
        ksft_true(OWN_MAC in output(f"ip -n {bench.env.ns} neigh show dev tagged"), "the wire knows it by this address")
        manager.down("vf")
        ksft_eq(addresses(name), [], "its addresses afterwards")
        wait_for(lambda: link(name)["address"] == before, 20, "its address to be what it was")
    manager.down("pf")
    gone(bench)


def switchdev_bridge(bench):
    """sriov.eswitch-mode=switchdev, a bridge of uplink and representors: VFs reach each other and the wire."""
    if on_stock():
        stock_xfail("no mode switchdev")
    manager = Manager(bench)
    devlink = Devlink(bench.env)
    defer(devlink.run, "dev", "eswitch", "set", "DEV", "mode", "legacy")
    file(RULES, 'SUBSYSTEM=="net", ACTION=="add", ATTR{phys_port_name}=="pf0vf*", NAME="rep_$attr{phys_port_name}"\n')
    manager.udev.reload()
    defer(run, "ip link del br0", check=False)
    manager.add("br", "br0", "bridge.stp", "no", kind="bridge")
    port = ("connection.controller", "br0", "connection.port-type", "bridge")
    manager.add("pf", manager.pf, *port, "sriov.total-vfs", "2", "sriov.eswitch-mode", "switchdev",
                "sriov.vfs", f"0 mac={MACS[0]}")
    for num in range(2):
        manager.add(f"rep{num}", f"rep_pf0vf{num}", *port)
    for _ in range(2):
        manager.up("br")
        vfs = manager.up("pf")
        ksft_eq(devlink.json("dev", "eswitch", "show", "DEV")["dev"][devlink.name]["mode"], "switchdev", "mode")
        for num in range(2):
            manager.sees(f"rep_pf0vf{num}")
            manager.up(f"rep{num}")
        ksft_eq({name: read(f"/sys/class/net/{name}/master/uevent").split("INTERFACE=")[1].split()[0]
                 for name in (manager.pf, "rep_pf0vf0", "rep_pf0vf1")},
                dict.fromkeys((manager.pf, "rep_pf0vf0", "rep_pf0vf1"), "br0"), "ports")
        bench.env.wait_carrier()
        for vf in vfs:
            vf.come_up()
        check(bench, manager, [{"mac": MACS[0]}, {}], "read back")
        ksft_eq(vfs[0].mac, MACS[0], "address of VF 0")
        bench.forget_neighbours()
        for vf in vfs:
            wait_for(lambda one=vf: ping(bench.env.peer_v4, ns=one.ns), 40, "the bridge to forward")
            ksft_eq(ping(bench.env.peer_v4, count=5, ns=vf.ns), 5, "answers to the wire")
        ksft_eq(ping(vfs[1].v4, count=5, ns=vfs[0].ns), 5, "answers of the neighbour")
        manager.down("pf")
        gone(bench)
        manager.down("br")
        ksft_eq([name for name in os.listdir("/sys/class/net") if name.startswith("rep_")], [], "representors left")


def main():
    """Run the cases."""
    cases = [up_and_down, rate, trusted_address, edited, without_drivers, vf_connection, switchdev_bridge]
    ksft_run(with_drivers(cases, pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
