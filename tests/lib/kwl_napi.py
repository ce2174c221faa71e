# SPDX-License-Identifier: GPL-2.0-only
"""Queues, NAPI instances, interrupts and page pools of an interface as the kernel's netdev family shows them."""

import re
import socket
import threading

from lib.py import ksft_eq
from kwl_nic import irq_names
from kwl_stats import ifindex, netdev_family
from kwl_sys import read
from kwl_traffic import make_socket

SO_BUSY_POLL = 46


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


def wait_busily(near, far):
    """Wait for datagrams in a socket that polls by itself; the ends are (address, namespace)."""
    with make_socket(socket.SOCK_DGRAM, 4, near[1]) as sock, make_socket(socket.SOCK_DGRAM, 4, far[1]) as partner:
        partner.bind((far[0], 0))
        sock.bind((near[0], 0))
        sock.setsockopt(socket.SOL_SOCKET, SO_BUSY_POLL, 200_000)
        # With a time-out Python would wait by poll(), and the kernel would not look at the option.
        sock.setblocking(True)
        sock.connect(partner.getsockname())
        partner.connect(sock.getsockname())
        # The first one tells the socket which NAPI instance to poll.
        partner.send(b"first")
        ksft_eq(sock.recv(10), b"first", "the first datagram")
        for number in range(20):
            threading.Timer(0.03, partner.send, [bytes([number])]).start()
            ksft_eq(sock.recv(10), bytes([number]), "datagram")
