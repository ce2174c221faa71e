# SPDX-License-Identifier: GPL-2.0-only
"""Counters of an interface, from each of the places where users look for them."""

import re

from lib.py import NetdevFamily
from kwl_env import link, on_stock
from kwl_sys import output, read


def link_stats(ifname, ns=None):
    """Return the `ip -s link` counters as {"rx": {...}, "tx": {...}}."""
    return link(ifname, ns)["stats64"]


def driver_stats(ifname):
    """Return `ethtool -S` as {name: value}."""
    rows = re.findall(r"^\s*(\S[^:]*): (\d+)$", output(f"ethtool -S {ifname}"), re.M)
    return {name: int(value) for name, value in rows}


def ifindex(ifname):
    """Return the index of an interface of this namespace."""
    return int(read(f"/sys/class/net/{ifname}/ifindex"))


_NETDEV = []


def _netdev_family():
    # Reading the protocol description takes seconds on the emulated machine: do it once.
    if not _NETDEV:
        _NETDEV.append(NetdevFamily())
    return _NETDEV[0]


def queue_stats(ifname, direction):
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
    request = {"ifindex": ifindex(ifname), "scope": {"queue"}}
    answer = _netdev_family().qstats_get(request, dump=True)
    return {row["queue-id"]: {"packets": row[f"{direction}-packets"], "bytes": row[f"{direction}-bytes"]}
            for row in answer if row["queue-type"] == direction}


def moved(before, after):
    """Return after - before for every counter both have."""
    return {name: after[name] - before[name] for name in before if name in after}


def snmp(name):
    """Return a counter of /proc/net/snmp or snmp6, such as "Udp.InCsumErrors" or "Udp6InErrors"."""
    if "." not in name:
        return int(re.search(rf"^{name}\s+(\d+)", read("/proc/net/snmp6"), re.M).group(1))
    group, field = name.split(".")
    names, values = re.findall(rf"^{group}: (.*)$", read("/proc/net/snmp"), re.M)
    return int(dict(zip(names.split(), values.split()))[field])
