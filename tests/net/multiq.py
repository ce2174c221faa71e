#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=90 drivers=kawela,stock
"""Transmit queues: senders on different processors use different queues, which all work."""

import os
import socket

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import Env
from kwl_stats import queue_stats
from kwl_sys import read, settle, write
from kwl_traffic import make_socket
from kwl_wire import on_wire, with_marker

MARK = b"kawela-multiq"
BURST = 40


def queues(env):
    """Return the transmit queue numbers of the interface."""
    return sorted(int(name[3:]) for name in os.listdir(f"/sys/class/net/{env.ifname}/queues") if name.startswith("tx-"))


def xps(env, queue):
    """Return the path of a queue's transmit steering mask."""
    return f"/sys/class/net/{env.ifname}/queues/tx-{queue}/xps_cpus"


def in_use(env):
    """Return the number of queue pairs."""
    return len(queue_stats(env.ifname, "tx"))


def send_from(env, cpu):
    """Send a burst of datagrams from one processor; return {queue: packets sent}."""
    packets = lambda: settle(lambda: {queue: row["packets"] for queue, row in queue_stats(env.ifname, "tx").items()})
    before = packets()
    with on_wire(env, with_marker(MARK)) as wire:
        os.sched_setaffinity(0, {cpu})
        with make_socket(socket.SOCK_DGRAM, 4) as sock:
            for _ in range(BURST):
                sock.sendto(MARK, (env.peer_v4, 5995))
        os.sched_setaffinity(0, range(os.cpu_count()))
        ksft_eq(len(wire.wait(BURST)), BURST, f"frames on the wire from processor {cpu}")
    after = packets()
    return {queue: after[queue] - before[queue] for queue in after if after[queue] != before[queue]}


def steering_set_up(env):
    """Every processor has a queue of its own by default."""
    masks = [int(read(xps(env, queue)).replace(",", ""), 16) for queue in range(in_use(env))]
    env.note("xps masks", masks)
    for cpu in range(os.cpu_count()):
        ksft_ge(sum(mask >> cpu & 1 for mask in masks), 1, f"queues for processor {cpu}")


def processors_use_own_queues(env):
    """Bursts from two processors go out on two queues."""
    busiest = []
    for cpu in range(2):
        counts = send_from(env, cpu)
        ksft_ge(max(counts.values()), BURST, f"packets of one queue among {counts}")
        busiest.append(max(counts, key=counts.get))
    ksft_eq(len(set(busiest)), 2, f"queues used {busiest}")


def each_queue_sends(env):
    """Every transmit queue works when steering points to it."""
    masks = {queue: read(xps(env, queue)) for queue in range(in_use(env))}
    for chosen in masks:
        for queue in masks:
            write(xps(env, queue), "1" if queue == chosen else "0")
        counts = send_from(env, 0)
        ksft_ge(counts.get(chosen, 0), BURST, f"packets of queue {chosen} among {counts}")
    for queue, mask in masks.items():
        write(xps(env, queue), mask)


def with_eight(env):
    """The same with all eight queues."""
    env.ethtool("-L", "combined", 8)
    env.wait_carrier()
    ksft_eq(in_use(env), 8, "queues")
    each_queue_sends(env)


def main():
    """Run the cases."""
    env = Env()
    env.quiet()
    ksft_run([steering_set_up, processors_use_own_queues, each_queue_sends, with_eight], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
