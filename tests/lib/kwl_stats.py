# SPDX-License-Identifier: GPL-2.0-only
"""Counters of an interface, from each of the places where users look for them."""

import re

from lib.py import NetdevFamily, NetNSEnter, ksft_eq, ksft_ge
from kwl_env import link, on_stock
from kwl_sys import output, read, run_json


def link_stats(ifname, ns=None):
    """Return the `ip -s link` counters as {"rx": {...}, "tx": {...}}."""
    return link(ifname, ns)["stats64"]


def driver_stats(ifname, ns=None):
    """Return `ethtool -S` as {name: value}."""
    rows = re.findall(r"^\s*(\S[^:]*): (\d+)$", output(f"ethtool -S {ifname}", ns=ns), re.M)
    return {name: int(value) for name, value in rows}


def cpu_hit(ifname):
    """The slow path's counters of a representor: what the host has seen."""
    text = output(f"ip stats show dev {ifname} group offload subgroup cpu_hit")
    rx, tx = re.findall(r"^\s+(\d+)\s+(\d+)\s+\d+\s+\d+", text, re.M)[:2]
    return {"rx_packets": int(rx[1]), "tx_packets": int(tx[1]), "rx_bytes": int(rx[0]), "tx_bytes": int(tx[0])}


def xdp_names(queues):
    """Return the names that `ethtool -S` ends with: what XDP programs and sockets do, by queue."""
    return [name for queue in range(queues)
            for name in (*(f"rx{queue}_xdp_{what}" for what in ("drop", "tx", "tx_full", "redirect", "error")),
                         f"tx{queue}_xdp")]


def group_stats(ifname, group):
    """Return a standard group of `ethtool -S` as {name: value}; histograms as rx-64, rx-127 and so on."""
    shown = run_json(f"ethtool --json -S {ifname} --groups {group}")[0][group]
    found = {}
    for name, value in shown.items():
        if isinstance(value, list):
            found.update((f"{name[:2]}-{row['high']}", row["val"]) for row in value)
        else:
            found[name] = value
    return found


def pause_stats(ifname):
    """Return the pause frames that `ethtool -I -a` shows."""
    return run_json(f"ethtool --json -I -a {ifname}")[0]["statistics"]


def ifindex(ifname, ns=None):
    """Return the index of an interface."""
    return link(ifname, ns)["ifindex"]


_NETDEV = {}


def new_netdev_family(ns=None):
    """Return the kernel's netdev family (YNL) as seen from a namespace, by a socket of its own."""
    if not ns:
        return NetdevFamily()
    with NetNSEnter(ns):
        return NetdevFamily()


def netdev_family(ns=None):
    """Return the same, by a socket that all share."""
    # Reading the protocol description takes seconds on the emulated machine: do it once.
    if ns not in _NETDEV:
        _NETDEV[ns] = new_netdev_family(ns)
    return _NETDEV[ns]


def queue_rows(ifname, direction, ns=None):
    """Return {queue: {name: value}}: the kernel's per-queue statistics of "rx" or "tx" queues."""
    request = {"ifindex": ifindex(ifname, ns), "scope": {"queue"}}
    return {row["queue-id"]: {name[3:]: value for name, value in row.items() if name.startswith(direction + "-")}
            for row in netdev_family(ns).qstats_get(request, dump=True) if row["queue-type"] == direction}


def device_row(ifname, ns=None):
    """Return the kernel's sums over all queues, past ones included, as {"rx-packets": n, ...}."""
    # A dump without scope asks for devices.
    rows = netdev_family(ns).qstats_get({"ifindex": ifindex(ifname, ns)}, dump=True)
    return {name: value for name, value in rows[0].items() if name[:3] in ("rx-", "tx-")}


def queue_stats(ifname, direction, ns=None):
    """Return {queue: {"packets": n, "bytes": n}} of "rx" or "tx" queues.

    Ours answers the kernel's per-queue statistics; the stock driver only has ethtool -S rows.
    """
    if on_stock():
        rows = re.findall(rf"^{direction}_queue_(\d+)_(packets|bytes)$", "\n".join(driver_stats(ifname)), re.M)
        values = driver_stats(ifname)
        queues = {}
        for queue, what in rows:
            queues.setdefault(int(queue), {})[what] = values[f"{direction}_queue_{queue}_{what}"]
        return queues
    return {queue: {what: row[what] for what in ("packets", "bytes")}
            for queue, row in queue_rows(ifname, direction, ns).items()}


def moved(before, after):
    """Return after - before for every counter both have."""
    return {name: after[name] - before[name] for name in before if name in after}


def segments_add_up(gained):
    """What queues have gained by TCP over IPv4: large frames, each of their segments, and checksums to be filled in."""
    large, pieces = gained["tx-hw-gso-packets"], gained["tx-hw-gso-wire-packets"]
    ksft_ge(large, 1, "large frames")
    ksft_ge(pieces, 2 * large, "their segments")
    # Each segment but the first has its own copy of the headers: Ethernet, IPv4, TCP with time stamps.
    ksft_eq(gained["tx-hw-gso-wire-bytes"] - gained["tx-hw-gso-bytes"], 66 * (pieces - large), "bytes of copied headers")
    ksft_ge(gained["tx-needs-csum"], large, "frames with a checksum to be filled in")


def snmp(name):
    """Return a counter of /proc/net/snmp or snmp6, such as "Udp.InCsumErrors" or "Udp6InErrors"."""
    if "." not in name:
        return int(re.search(rf"^{name}\s+(\d+)", read("/proc/net/snmp6"), re.M).group(1))
    group, field = name.split(".")
    names, values = re.findall(rf"^{group}: (.*)$", read("/proc/net/snmp"), re.M)
    return int(dict(zip(names.split(), values.split()))[field])
