#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela
"""NAPI of a VF as of the PF: known to sockets, threaded, polled by those who wait. What is shown: sriov/vfstats."""

import re
import socket

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import KERNEL
from kwl_napi import napis, switches, wait_busily
from kwl_nic import PCI_DEVICES
from kwl_sriov import Sriov, path, wire_end
from kwl_sys import output, read, run, write
from kwl_traffic import make_socket, ping, transfer

SO_INCOMING_NAPI_ID = 56


def polled(ns):
    """Return how many frames busy polling has taken in a namespace."""
    names, values = (line.split() for line in re.findall(r"^TcpExt: (.*)$", output("cat /proc/net/netstat", ns=ns), re.M))
    return int(values[names.index("BusyPollRxPackets")])


def socket_knows_napi(bench):
    """A socket can tell which NAPI instance its data came by, and that is the queue's."""
    vf = bench.use("kawela_vf").vfs[0]
    with make_socket(socket.SOCK_DGRAM, 4, vf.ns) as sock, make_socket(socket.SOCK_DGRAM, 4, bench.env.ns) as partner:
        sock.bind((vf.v4, 0))
        partner.sendto(b"x", sock.getsockname())
        sock.recv(10)
        number = sock.getsockopt(socket.SOL_SOCKET, SO_INCOMING_NAPI_ID)
    ksft_eq([number], list(napis(vf.ifname, vf.ns)), "NAPI of the socket")


def threaded(bench):
    """With `threaded` the queue's NAPI has a thread that does its work, over every change, until it is off."""
    vf = bench.use("kawela_vf").vfs[0]

    def knob(value):
        run(["sh", "-c", f"echo {value} >/sys/class/net/{vf.ifname}/threaded"], ns=vf.ns)

    def down_up():
        vf.set_link("down")
        vf.set_link("up")
    knob(1)
    defer(knob, 0)
    for what, change in (("switching it on", lambda: None), ("down and up", down_up),
                         ("a change of rings", lambda: run(["ethtool", "-G", vf.ifname, "rx", "512"], ns=vf.ns)),
                         ("a function reset", lambda: write(PCI_DEVICES / vf.pci / "reset", 1))):
        change()
        vf.wait_carrier()
        pids = [napi.get("pid") for napi in napis(vf.ifname, vf.ns).values()]
        ksft_true(pids and all(pids), f"threads after {what}: {pids}")
        ksft_eq({read(f"/proc/{pid}/comm")[:5] for pid in pids}, {"napi/"}, "their names")
        before = sum(map(switches, pids))
        ksft_eq(ping(bench.env.peer_v4, ns=vf.ns, count=10), 10, f"answers after {what}")
        ksft_ge(sum(map(switches, pids)) - before, 10, "times that the thread has worked")
    sent, got = transfer(path(vf, wire_end(bench.env)), "rx", size=500_000)
    ksft_eq(sent, got, "md5")
    knob(0)
    # 6.12 keeps the threads and gives them nothing to do.
    if KERNEL != "6.12":
        ksft_eq([napi["pid"] for napi in napis(vf.ifname, vf.ns).values() if "pid" in napi], [], "threads when it is off")
    ksft_eq(ping(bench.env.peer_v4, ns=vf.ns, count=3), 3, "answers without threads")


def busy_polling(bench):
    """A socket that polls by itself gets its data that way."""
    vf = bench.use("kawela_vf").vfs[0]
    before = polled(vf.ns)
    wait_busily((vf.v4, vf.ns), (bench.env.peer_v4, bench.env.ns))
    ksft_ge(polled(vf.ns) - before, 10, "frames taken by busy polling")


def main():
    """Run the cases."""
    ksft_run([socket_knows_napi, threaded, busy_polling], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
