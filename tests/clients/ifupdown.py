#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=300 drivers=kawela,stock
"""Debian's ifupdown: a PF whose stanza makes and sets up VFs, and the stanza of a VF."""

import os
import shutil

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import link
from kwl_faults import pair
from kwl_nic import driver_of, netdev_of
from kwl_sriov import Sriov, with_drivers
from kwl_sys import output, read, run, wait_for
from kwl_traffic import ping
from kwl_udev import VID, WIRE_IN_VLAN, file, fresh, take_vfs, told, wire_in_vlan

INTERFACES, STATE = "/run/kwl-interfaces", "/run/kwl-ifstate"
MAC, OWN_MAC, QOS, ROUNDS = "02:00:00:00:00:10", "02:00:00:00:00:30", 3, 3
OPTIONS = f"--interfaces={INTERFACES} --state-dir={STATE}"


def stanzas(text):
    """These are the interfaces that ifup knows, until the case is over."""
    os.makedirs(STATE, exist_ok=True)
    defer(shutil.rmtree, STATE, ignore_errors=True)
    file(INTERFACES, text)


def ifup(name):
    """`ifup NAME`, without a word of complaint."""
    done = run(f"ifup {OPTIONS} {name}", timeout=90)
    ksft_eq(done.stderr, "", "said by ifup")
    ksft_eq(output(f"ifquery {OPTIONS} --state {name}").strip(), f"{name}={name}", "state")


def ifdown(name):
    """`ifdown NAME`, without a word of complaint."""
    done = run(f"ifdown {OPTIONS} {name}", timeout=90)
    ksft_eq(done.stderr, "", "said by ifdown")


def addresses(ifname):
    """IPv4 addresses of an interface."""
    return output(f"ip -br -4 addr show dev {ifname}").split()[2:]


def ring(ifname):
    """How many receive descriptors it has, and whether it cuts long sends."""
    rings, features = output(f"ethtool --json -g {ifname}"), output(f"ethtool -k {ifname}")
    return '"rx": 512' in rings.split('"rx-max"')[-1], "tcp-segmentation-offload: on" in features


def pf_with_vfs(bench):
    """The PF's stanza: VFs before it comes up, their settings, ethtool's options; all of it undone; repeated."""
    env = bench.env
    defer(bench.spoil)
    defer(fresh, bench)
    fresh(bench, up=False)
    wire_in_vlan(env)
    name = env.ifname
    stanzas(f"""iface {name} inet static
    address 192.0.2.1/24
    hardware-dma-ring-rx 512
    offload-tso off
    pre-up echo 2 > /sys/class/net/$IFACE/device/sriov_numvfs
    pre-up ip link set $IFACE vf 0 mac {MAC} vlan {VID} qos {QOS} spoofchk off
    up ip link set $IFACE vf 1 trust on
    post-down echo 0 > /sys/class/net/$IFACE/device/sriov_numvfs
""")
    for _ in range(ROUNDS):
        ifup(name)
        vfs = take_vfs(bench)
        ksft_eq([driver_of(vf.pci) for vf in vfs], pair() * 2, "drivers of the VFs")
        first, second = told(bench, 0), told(bench, 1)
        ksft_eq([first[key] for key in ("mac", "vlan", "spoofchk", "trust")], [MAC, (VID, QOS), False, False], "VF 0")
        ksft_eq([second[key] for key in ("vlan", "spoofchk", "trust")], [(0, 0), True, True], "VF 1")
        ksft_eq(ring(name), (True, False), "512 descriptors, TSO")
        ksft_eq(addresses(name), ["192.0.2.1/24"], "addresses")
        env.wait_carrier()
        for vf in vfs:
            vf.come_up()
        ksft_eq(vfs[0].mac, MAC, "address of VF 0")
        run(f"ip -n {vfs[0].ns} addr add 198.51.100.10/24 dev {vfs[0].ifname}")
        bench.forget_neighbours()
        ksft_eq(ping(WIRE_IN_VLAN, count=5, ns=vfs[0].ns), 5, "answers to VF 0 in its VLAN")
        ksft_eq(ping(env.peer_v4, count=5, ns=vfs[1].ns), 5, "answers to VF 1")
        ksft_eq(ping(env.peer_v4, count=5), 5, "answers to the PF")
        ifdown(name)
        ksft_eq((bench.numvfs(), addresses(name), "UP" in link(name)["flags"]), (0, [], False), "VFs, addresses, up")
        bench.vfs = []


def vf(bench):
    """A VF's stanza, with an address of its own: it reaches the wire, and goes down; repeated."""
    env = bench.env
    defer(bench.spoil)
    defer(fresh, bench)
    wire_in_vlan(env)
    bench.set_vf(0, "vlan", VID)
    one = bench.vfs[0]
    # As it is before anybody moves it.
    run(f"ip -n {one.ns} link set {one.ifname} down netns 1")
    name = netdev_of(one.pci)
    stanzas(f"""iface {name} inet static
    address 198.51.100.10/24
    hwaddress ether {OWN_MAC}
    mtu 1400
""")
    for _ in range(ROUNDS):
        ifup(name)
        ksft_eq((link(name)["address"], link(name)["mtu"]), (OWN_MAC, 1400), "address and MTU")
        wait_for(lambda: "LOWER_UP" in link(name)["flags"], 30, "carrier")
        run(f"ip -n {env.ns} neigh flush all")
        ksft_ge(wait_for(lambda: ping(WIRE_IN_VLAN, count=5), 20, "answers"), 4, "answers")
        ksft_true(OWN_MAC in output(f"ip -n {env.ns} neigh show dev tagged"), "the wire knows it by this address")
        ifdown(name)
        ksft_eq((addresses(name), "UP" in link(name)["flags"]), ([], False), "addresses, up")
        ksft_eq(read(f"/sys/class/net/{env.ifname}/carrier"), "1", "the PF's carrier")


def main():
    """Run the cases."""
    ksft_run(with_drivers([pf_with_vfs, vf], pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
