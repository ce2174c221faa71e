# SPDX-License-Identifier: GPL-2.0-only
"""Queues, NAPI instances, interrupts and page pools of an interface as the kernel's netdev family shows them."""

import re

from kwl_nic import irq_names
from kwl_stats import ifindex, netdev_family
from kwl_sys import read


def napis(ifname, ns=None):
    """Return {id: attributes} of the NAPI instances that are in use."""
    rows = netdev_family(ns).napi_get({"ifindex": ifindex(ifname, ns)}, dump=True)
    # 6.12 also shows those of queues that have been switched off.
    return {row["id"]: row for row in rows if "irq" in row}


def set_napi(number, ns=None, **values):
    """Configure one NAPI instance; names with underscores."""
    netdev_family(ns).napi_set({"id": number, **{name.replace("_", "-"): value for name, value in values.items()}})


def queues(ifname, ns=None):
    """Return {("rx" or "tx", number): id of its NAPI instance or None}."""
    rows = netdev_family(ns).queue_get({"ifindex": ifindex(ifname, ns)}, dump=True)
    return {(row["type"], row["id"]): row.get("napi-id") for row in rows}


def pools(ifname, ns=None):
    """Return the page pools in use, as a list of attributes."""
    index = ifindex(ifname, ns)
    return [row for row in netdev_family(ns).page_pool_get({}, dump=True)
            if row.get("ifindex") == index and "detach-time" not in row]


def queue_irqs(ifname):
    """Return {queue pair: interrupt number} by the names in /proc/interrupts."""
    found = {}
    for number, name in irq_names(ifname).items():
        match = re.search(r"-TxRx-(\d+)$", name)
        if match:
            found[int(match.group(1))] = number
    return found


def switches(pid):
    """Return how often a process has gone to sleep by itself."""
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", read(f"/proc/{pid}/status"), re.M).group(1))
