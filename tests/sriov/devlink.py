#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""devlink of VFs: a port for each with its address and rate, shared tables, and VFs that were shut off.

Ports are other doors to what `ip link set PF vf N` does: each sees what the other has set.
"""

import time
from pathlib import Path

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_devlink import Devlink
from kwl_events import Events
from kwl_nic import PCI_DEVICES
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import ports_of
from kwl_sys import SLOW, run, wait_for, write
from kwl_traffic import ping

MAC, OTHER_MAC = "02:00:00:00:bb:01", "02:00:00:00:bb:02"
MBIT = 125000  # bytes a second, devlink's unit
TOOL = "/tmp/kwl_hostile"


def ports(bench):
    """A port for each VF that says which it is; none when VFs go, all when they come back."""
    devlink = Devlink(bench.env)
    shown = devlink.ports()
    ksft_eq(sorted(shown), [0, 1, 2], "ports")
    for number in (1, 2):
        port = shown[number]
        ksft_eq((port["flavour"], port["controller"], port["pfnum"], port["vfnum"], port["external"]),
                ("pcivf", 0, 0, number - 1, False), f"port {number}")
    defer(bench.spoil)
    for count in (0, 7, 0, 1):
        bench.disable()
        if count:
            bench.enable(count)
        ksft_eq(sorted(devlink.ports()), list(range(count + 1)), f"ports with {count} VFs")


def addresses(bench):
    """The port function's address is the VF's, for `ip link`, for the running VF and for the switch."""
    devlink, vf = Devlink(bench.env), bench.vfs[0]
    defer(bench.set_vf, 0, "mac", "00:00:00:00:00:00")
    ksft_eq(devlink.ports()[1]["function"]["hw_addr"], vf.mac, "at first")
    devlink.run("port", "function", "set", "DEV/1", "hw_addr", MAC)
    ksft_eq(bench.pf_vf(0)["address"], MAC, "ip link shows")
    wait_for(lambda: vf.mac == MAC, what="the running VF to take it")
    wait_for(vf.carrier, what="its carrier")
    ksft_eq(ports_of(bench, "wire", MAC, fenced=["pf"]), {"vf0": 1}, "who gets a frame to it")
    bench.set_vf(0, "mac", OTHER_MAC)
    ksft_eq(devlink.ports()[1]["function"]["hw_addr"], OTHER_MAC, "as set by ip link")
    for wrong, reason in (("01:00:5e:00:00:01", "not a unicast address"), (bench.env.mac, "has that address"),
                          (bench.vfs[1].mac, "has that address"), (f"{MAC}:02:03", "six octets")):
        ksft_in(reason, devlink.refused("port", "function", "set", "DEV/1", "hw_addr", wrong), f"reason for {wrong}")
    ksft_eq(bench.pf_vf(0)["address"], OTHER_MAC, "after refusals")


def rates(bench):
    """A rate object for each VF; its limit is that of `ip link`. What the card cannot do is refused with the reason."""
    devlink = Devlink(bench.env)
    defer(bench.set_vf, 0, "max_tx_rate", 0)
    ksft_eq({number: rate["type"] for number, rate in devlink.rates().items()}, {1: "leaf", 2: "leaf"}, "objects")
    devlink.run("port", "function", "rate", "set", "DEV/1", "tx_max", "100mbit")
    ksft_eq(bench.pf_vf(0)["rate"]["max_tx"], 100, "ip link shows")
    bench.set_vf(0, "max_tx_rate", 250)
    ksft_eq(devlink.rates()[1]["tx_max"], 250 * MBIT, "as set by ip link, in bytes a second")
    for words, reason in ((("tx_max", "1500kbit"), "whole Mbit/s"), (("tx_max", "2gbit"), "up to 1000"),
                          (("tx_share", "10mbit"), "guarantees none")):
        ksft_in(reason, devlink.refused("port", "function", "rate", "set", "DEV/1", *words), f"reason for {words}")
    ksft_eq(bench.pf_vf(0)["rate"], {"max_tx": 250, "min_tx": 0}, "after refusals")
    devlink.run("port", "function", "rate", "set", "DEV/1", "tx_max", "0")
    ksft_eq(bench.pf_vf(0)["rate"]["max_tx"], 0, "no limit any more")


def not_there(bench):
    """No groups of rates, no parents, no state of a port to set: devlink says so, and nothing changes."""
    devlink = Devlink(bench.env)
    before = devlink.ports(), devlink.rates()
    for words in (("rate", "add", "DEV/group"), ("rate", "set", "DEV/1", "parent", "group"),
                  ("set", "DEV/1", "state", "active"), ("set", "DEV/1", "roce", "enable")):
        ksft_true(devlink.refused("port", "function", *words), f"a reason for {words}")
    ksft_eq((devlink.ports(), devlink.rates()), before, "ports and rates after refusals")


def tables(bench):
    """Pools and shared tables follow what VFs have."""
    devlink, vf = Devlink(bench.env), bench.vfs[0]
    before = devlink.resources()
    ksft_eq(before["pools"], (8, 3), "pools of two VFs and the PF")
    ksft_ge(before["unicast_filters"][1], 3, "addresses of two VFs and the PF")
    bench.set_vf(1, "vlan", 300)
    defer(bench.set_vf, 1, "vlan", 0)
    ksft_eq(devlink.resources()["vlan_pool_filters"][1], before["vlan_pool_filters"][1] + 1, "VLANs")
    run(f"ip maddr add 33:33:00:00:77:77 dev {vf.ifname}", ns=vf.ns)
    defer(run, f"ip maddr del 33:33:00:00:77:77 dev {vf.ifname}", ns=vf.ns)
    wait_for(lambda: devlink.resources()["multicast_buckets"][1] == before["multicast_buckets"][1] + 1,
             what="one more bucket")


def asks_now_and_then(vf):
    """A VF whose PF does not answer resets itself and asks again every two seconds, not all the time."""
    with Events("kawela_vf") as events:
        vf.attach()
        time.sleep(5)
        asked = len(events.seen("kvf_reset"))
    ksft_eq(2 <= asked <= 4, True, f"asked {asked} times in five seconds")


def shut_off(bench):
    """A VF that floods the mailbox shows as an error with its dump, until its time is over or somebody pardons it."""
    devlink, vf = Devlink(bench.env), bench.vfs[0]
    defer(bench.spoil)
    run(f"gcc -O2 -Wall -o {TOOL} {Path(__file__).parents[1]}/lib/kwl_hostile.c", timeout=60 * SLOW)
    ksft_eq(devlink.health("vf")["state"], "healthy", "at first")
    before = devlink.health("vf")
    vf.unbind()
    write(PCI_DEVICES / vf.pci / "enable", 1)
    run(f"setpci -s {vf.pci} COMMAND=2:6")
    run(["timeout", "60", "sh", "-c",
         f"{TOOL} {PCI_DEVICES / vf.pci}/resource0 1 1000000000 reset & "
         f"while devlink health show {devlink.name} reporter vf | grep -q healthy; do sleep 0.2; done; kill $!"],
        check=False, timeout=70)
    now = devlink.health("vf")
    ksft_eq((now["state"], now["error"]), ("error", before["error"] + 1), "state, errors")
    dump = devlink.run("health", "dump", "show", "DEV", "reporter", "vf").stdout
    ksft_in("vf: 0 in service: false extension: 0 shut off: true strikes: 1", dump, "the dump")
    ksft_in("vf: 1 in service: true", dump, "the dump")
    write(PCI_DEVICES / vf.pci / "enable", 0)
    vf.bind(bench.driver)
    asks_now_and_then(vf)
    devlink.run("health", "dump", "clear", "DEV", "reporter", "vf")
    devlink.run("health", "recover", "DEV", "reporter", "vf")
    ksft_eq(devlink.health("vf")["state"], "healthy", "after the pardon")
    ksft_true("shut off: true" not in devlink.run("health", "diagnose", "DEV", "reporter", "vf").stdout, "none is")
    vf.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=5, ns=vf.ns), 5, "answers to its next owner")


def main():
    """Run the cases."""
    ksft_run(with_drivers([ports, addresses, rates, not_there, tables, shut_off], [OURS]), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
