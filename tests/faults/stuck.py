#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""Queues that do not stop or start when they are told, and frames that cannot be mapped: PF and VF go on.

The emulated card always obeys. So the driver's own function for it fails in its place, and what it has not
switched off is still running.
"""

import re
from contextlib import contextmanager

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import KERNEL
from kwl_events import Events
from kwl_failcall import PARAMETERS
from kwl_faults import carry
from kwl_queue import clean_up, prepare, restart
from kwl_sriov import Sriov, path, pf_end, wire_end
from kwl_stats import link_stats
from kwl_sys import kernel_log, output, read, run, wait_for, write
from kwl_traffic import ping, transfer
from kwl_xsk import Xsk

NO_ANSWER, MAPPING_ERROR = -110, -1
OURS = read("/proc/self/comm")


@contextmanager
def failing(comm, symbol, value, nth):
    """A call of a function by our drivers fails for processes of a name, the nth one, or (-1) all; it has to come."""
    run(f"modprobe failcall symbol={symbol} value={value} caller=[kawela")
    try:
        write(f"{PARAMETERS}/comm", comm)
        write(f"{PARAMETERS}/nth", nth)
        yield
        ksft_eq(read(f"{PARAMETERS}/last"), symbol, "what has failed")
    finally:
        run("modprobe -r failcall")


def ends(bench):
    """PF and VF."""
    bench.use("kawela_vf")
    return pf_end(bench.env), bench.vfs[0]


def alive(bench, what):
    """All of them answer, soon."""
    for end in (pf_end(bench.env), *bench.vfs):
        wait_for(lambda end=end: ping(bench.env.peer_v4, ns=end.ns), 30, f"an answer to {end.ifname} after {what}")


def unmapped(bench):
    """Frames that the device cannot be given are dropped, counted and told; what comes after them goes out."""
    for end in ends(bench):
        ksft_eq(ping(bench.env.peer_v4, ns=end.ns), 1, "answers before")
        before = link_stats(end.ifname, end.ns)["tx"]["dropped"]
        with Events("skb/kfree_skb") as events:
            with failing("ping", "dma_map_page_attrs", MAPPING_ERROR, -1):
                ksft_eq(ping(bench.env.peer_v4, count=3, options="-W 1", ns=end.ns), 0, "answers without mappings")
            ksft_in("NOMEM", events.reasons(), f"reasons, {end.ifname}")
        ksft_ge(link_stats(end.ifname, end.ns)["tx"]["dropped"] - before, 3, f"frames dropped, {end.ifname}")
        ksft_eq(ping(bench.env.peer_v4, count=3, ns=end.ns), 3, "answers afterwards")
    carry(bench)


def half_mapped(bench):
    """Of a frame in pieces the second cannot be mapped: the first is taken back, and TCP sends it once more."""
    for end in ends(bench):
        before = link_stats(end.ifname, end.ns)["tx"]["dropped"]
        with failing(OURS, "dma_map_page_attrs", MAPPING_ERROR, 6):
            ksft_eq(*transfer(path(end, wire_end(bench.env)), "tx", size=1 << 20), f"md5, {end.ifname}")
        ksft_ge(link_stats(end.ifname, end.ns)["tx"]["dropped"] - before, 1, f"frames dropped, {end.ifname}")
    carry(bench)


def no_stop(bench):
    """A queue that does not stop is told, and not left with memory that is somebody else's by now: its function is reset."""
    for end in ends(bench):
        for symbol, name in (("kwl_tx_ring_stop", "Tx"), ("kwl_rx_ring_stop", "Rx")):
            told = rf"{end.ifname}: {name} queue \d does not stop"
            before = len(re.findall(told, kernel_log()))
            with failing("ethtool", symbol, NO_ANSWER, 1):
                output(f"ethtool -G {end.ifname} rx 512", ns=end.ns)
            ksft_eq(len(re.findall(told, kernel_log())) - before, 1, f"messages, {end.ifname} {name}")
            alive(bench, f"a queue that does not stop, {end.ifname} {name}")
            ksft_in("512", output(f"ethtool -g {end.ifname}", ns=end.ns), "the new ring")
            output(f"ethtool -G {end.ifname} rx 256", ns=end.ns)
            alive(bench, "new rings")
        with failing("ip", "kwl_rx_ring_stop", NO_ANSWER, 1):
            output(f"ip link set {end.ifname} down", ns=end.ns)
        output(f"ip link set {end.ifname} up", ns=end.ns)
        alive(bench, f"{end.ifname} down, with a queue that does not stop")
    carry(bench)


def one_no_stop(bench):
    """The same when one queue alone is to stop, for a socket, or because the kernel has it restarted."""
    prepare()
    defer(clean_up)
    for end in ends(bench):
        with failing(OURS, "kwl_rx_ring_stop", NO_ANSWER, 1):
            Xsk(end).close()
        alive(bench, f"a socket on a queue that does not stop, {end.ifname}")
        if KERNEL != "6.12":
            with failing("python3", "kwl_rx_ring_stop", NO_ANSWER, 1):
                restart(end.ifname, 0, end.ns)
            alive(bench, f"a restart of a queue that does not stop, {end.ifname}")
    carry(bench)


def no_start(bench):
    """A queue that does not start: the interface cannot be opened, and can the next time; a running function is reset."""
    prepare()
    defer(clean_up)
    for end in ends(bench):
        output(f"ip link set {end.ifname} down", ns=end.ns)
        with failing("ip", "kwl_rx_ring_start", NO_ANSWER, 1):
            ksft_true(run(f"ip link set {end.ifname} up", ns=end.ns, check=False).returncode, f"refusal, {end.ifname}")
        output(f"ip link set {end.ifname} up", ns=end.ns)
        alive(bench, f"{end.ifname} up in its second try")
        with failing("ethtool", "kwl_rx_ring_start", NO_ANSWER, 1):
            run(f"ethtool -G {end.ifname} rx 512", ns=end.ns, check=False)
        alive(bench, f"new rings that do not start, {end.ifname}")
        with failing(OURS, "kwl_rx_ring_start", NO_ANSWER, 1):
            Xsk(end).close()
        alive(bench, f"a socket on a queue that does not start, {end.ifname}")
        if KERNEL != "6.12":
            with failing("python3", "kwl_rx_ring_start", NO_ANSWER, 1):
                restart(end.ifname, 0, end.ns)
            alive(bench, f"a restart of a queue that does not start, {end.ifname}")
        output(f"ethtool -G {end.ifname} rx 256", ns=end.ns)
        alive(bench, "new rings")
    carry(bench)


def main():
    """Run the cases."""
    ksft_run([unmapped, half_mapped, no_stop, one_no_stop, no_start], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
