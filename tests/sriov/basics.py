#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""Virtual functions appear and carry traffic to the wire, to the PF and to each other."""

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_ne, ksft_run, ksft_true
from kwl_nic import PCI_DEVICES, driver_of
from kwl_sriov import Sriov, path, with_drivers
from kwl_sys import ethtool_table, output, read, run
from kwl_traffic import ping, transfer, udp_exchange

# Of the paths between two ends one suffices: transfers run both ways.
PATHS = (("vf0", "wire"), ("vf0", "pf"), ("vf0", "vf1"))


def appear(bench):
    """As many functions as asked for, with their PCI ids, driver, interface and address."""
    ksft_eq(bench.numvfs(), 2, "sriov_numvfs")
    ksft_eq(len(list(bench.env.sysfs.glob("virtfn*"))), 2, "virtfn links")
    macs = set()
    for vf in bench.vfs:
        shown = output(f"lspci -Dns {vf.pci}")
        ksft_true("8086:10ca" in shown, f"lspci: {shown}")
        ksft_eq((PCI_DEVICES / vf.pci / "physfn").resolve().name, bench.env.pci, "physfn")
        ksft_eq(driver_of(vf.pci), bench.driver, "driver")
        info = ethtool_table(output(f"ethtool -i {vf.ifname}", ns=vf.ns))
        ksft_eq((info["driver"], info["bus-info"]), (bench.driver, vf.pci), "ethtool -i")
        first = int(vf.mac[:2], 16)
        ksft_eq(first & 1, 0, f"{vf.mac} is unicast")
        ksft_ne(vf.mac, "00:00:00:00:00:00", "address")
        macs.add(vf.mac)
    ksft_eq(len(macs | {bench.env.mac}), 3, "addresses that differ")


def ping_all(bench):
    """Each end reaches each other one, by IPv4 and IPv6."""
    ends = bench.ends()
    for near, far in (*PATHS, ("vf1", "wire"), ("vf1", "pf")):
        for one, other in ((near, far), (far, near)):
            ksft_eq(ping(ends[other].v4, count=3, ns=ends[one].ns), 3, f"{one} to {other}, IPv4")
            ksft_eq(ping(ends[other].v6, ns=ends[one].ns), 1, f"{one} to {other}, IPv6")


def pf_and_wire(bench):
    """The PF still reaches the wire."""
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")


def bulk(bench):
    """Bulk data arrives intact on every path, both ways."""
    ends = bench.ends()
    for near, far in PATHS:
        for direction in ("tx", "rx"):
            sent, got = transfer(path(ends[near], ends[far]), direction, size=1 << 20)
            ksft_eq(sent, got, f"md5, {near} {far} {direction}")
    sent, got = transfer(path(ends["vf0"], ends["wire"]), "tx", version=6, size=1 << 20)
    ksft_eq(sent, got, "md5, IPv6")


def datagrams(bench):
    """Datagrams from one byte on arrive intact."""
    ends = bench.ends()
    for near, far in PATHS:
        for direction in ("tx", "rx"):
            sent, got = udp_exchange(path(ends[near], ends[far]), direction)
            ksft_eq(sent, got, f"payloads, {near} {far} {direction}")


def counters(bench):
    """The VF's own counters tell what it has sent and received."""
    vf = bench.vfs[0]
    before = vf.stats()
    ksft_eq(ping(bench.env.peer_v4, count=20, size=1000, ns=vf.ns), 20, "answers")
    after = vf.stats()
    for way in ("rx", "tx"):
        packets = after[way]["packets"] - before[way]["packets"]
        size = after[way]["bytes"] - before[way]["bytes"]
        ksft_ge(packets, 20, f"{way} packets")
        # ARP and its like may add a few small ones
        ksft_true(packets < 30, f"{way} packets {packets}")
        ksft_true(20 * 1042 <= size < 20 * 1042 + 10 * 100, f"{way} bytes {size}")
    ksft_eq(after["rx"]["errors"] + after["tx"]["errors"], 0, "errors")


def down_up(bench):
    """A VF that was down works again, and the other one has not been disturbed."""
    one, other = bench.vfs
    one.set_link("down")
    ksft_eq(ping(other.v4, ns=bench.env.ns), 1, "the other VF meanwhile")
    ksft_eq(ping(one.v4, options="-W 1", ns=bench.env.ns), 0, "answers of a VF that is down")
    one.set_link("up")
    one.wait_carrier()
    ksft_eq(ping(one.v4, count=2, ns=bench.env.ns), 2, "answers of a VF that is up again")


def module_again(bench):
    """The VF driver goes and comes with VFs in use."""
    run(f"modprobe -r {bench.driver}")
    ksft_eq([driver_of(vf.pci) for vf in bench.vfs], [None, None], "drivers after modprobe -r")
    ksft_eq(ping(bench.env.peer_v4), 1, "the PF meanwhile")
    run(f"modprobe {bench.driver}")
    for vf in bench.vfs:
        vf.come_up()
    ping_all(bench)


def gone(bench):
    """Without VFs the PF is as it was."""
    bench.disable()
    ksft_eq(list(bench.env.sysfs.glob("virtfn*")), [], "virtfn links")
    ksft_eq(read(bench.env.sysfs / "sriov_numvfs"), "0", "sriov_numvfs")
    bench.env.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")


def main():
    """Run the cases."""
    ksft_run(with_drivers([appear, ping_all, pf_and_wire, bulk, datagrams, counters, down_up, module_again, gone]),
             args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
