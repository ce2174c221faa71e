#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela expect-log="NETDEV WATCHDOG"
"""Tracepoints of the PF and the library: each tells of what it is named after, and drops give a reason."""

import socket

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import Env
from kwl_events import Events
from kwl_faults import hang_transmit
from kwl_iowindow import Registers
from kwl_nic import PCI_DEVICES
from kwl_sriov import pf_end
from kwl_stats import link_stats, queue_rows
from kwl_sys import wait_for, write
from kwl_traffic import make_socket, ping

TXDCTL, ENABLE = 0xE028, 1 << 25


def link_events(bench):
    """Down and up of the link are told, with speed and duplex."""
    env, events = bench
    events.clear()
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    up = events.wait("kpf_link", " up ")[0]
    ksft_eq((up.fields["speed"], up.fields["duplex"]), ("1000", "1"), "speed and duplex")
    ksft_true(env.pci in up.text, "the function's name")
    env.ethtool("-r")
    events.wait("kpf_link", "down")
    env.wait_carrier()


def reset_events(bench):
    """A reset is told at its begin and its end."""
    env, events = bench
    events.clear()
    write(PCI_DEVICES / env.pci / "reset", 1)
    env.wait_carrier()
    ksft_eq([event.name for event in events.seen() if event.name.startswith("kpf_reset")],
            ["kpf_reset_begin", "kpf_reset_end"], "events")
    ksft_eq(events.seen("kpf_reset_end")[0].fields["err"], "0", "error")


def stop_and_wake(bench):
    """A queue that fills up is stopped, and woken when there is room again; counters agree with the events."""
    env, events = bench
    env.ethtool("-G", "tx", 64)
    defer(env.ethtool, "-G", "tx", 256)
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4), 1, "answers before")
    events.clear()
    before = queue_rows(env.ifname, "tx")
    with Registers(env) as regs, make_socket(socket.SOCK_DGRAM, 4) as sock:
        on = [TXDCTL + 0x40 * queue for queue in range(16) if regs.get(TXDCTL + 0x40 * queue) & ENABLE]
        for offset in on:
            regs.put(offset, regs.get(offset) & ~ENABLE)
        sock.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)  # SO_SNDBUFFORCE
        sock.setblocking(False)
        # Byte queue limits start at nothing and would stop a queue before it is full.
        for queue in on:
            at = (queue - TXDCTL) // 0x40
            write(f"/sys/class/net/{env.ifname}/queues/tx-{at}/byte_queue_limits/limit_min", 1 << 20)
        def filled():
            for _ in range(100):
                sock.sendto(bytes(100), (env.peer_v4, 9))
            return events.seen("kwl_tx_stop")
        # The scheduler may have it send by one queue, then by another
        stopped = wait_for(filled, what="a queue to be stopped")[0]
        for offset in on:
            regs.put(offset, regs.get(offset) | ENABLE)
        # The emulator takes up what waits when the tail moves: the watchdog or another frame would do it.
        wait_for(lambda: events.seen("kwl_tx_wake") or not ping(env.peer_v4, options="-W 1"), 30, "the queue to be woken")
    for at in range(len(on)):
        write(f"/sys/class/net/{env.ifname}/queues/tx-{at}/byte_queue_limits/limit_min", 0)
    env.note("stop:", stopped.text)
    queue = int(stopped.fields["queue"])
    ksft_true(int(stopped.fields["room"]) < 28, "room in the ring that was stopped")
    now = wait_for(lambda: queue_rows(env.ifname, "tx"), what="counters")
    ksft_ge(now[queue]["stop"] - before[queue]["stop"], 1, "stops counted")


def hang(bench):
    """A queue that hangs is told with where driver and device have got to; what it held is dropped with a reason."""
    env, events = bench
    wait_for(lambda: ping(env.peer_v4), 30, "an answer")
    events.clear()
    before = link_stats(env.ifname)["tx"]["dropped"]
    hang_transmit(env, pf_end(env), range(8))
    told = events.wait("kwl_tx_hang", timeout=20)[0]
    env.note("hang:", told.text)
    ksft_true(int(told.fields["ntu"]) != int(told.fields["ntc"]), "frames in the ring")
    events.wait("kpf_reset_end", timeout=30)
    dropped = link_stats(env.ifname)["tx"]["dropped"] - before
    ksft_ge(dropped, 1, "frames dropped")
    ksft_eq(events.reasons(), ["QUEUE_PURGE"] * dropped, "reasons of the frames dropped")
    wait_for(lambda: ping(env.peer_v4), 30, "an answer afterwards")


def quiet_traffic(bench):
    """Traffic that goes well meets no tracepoint at all."""
    env, events = bench
    wait_for(lambda: ping(env.peer_v4), 30, "an answer")
    events.clear()
    ksft_eq(ping(env.peer_v4, count=50), 50, "answers")
    ksft_eq([event.text for event in events.seen() if event.name.startswith(("kwl_", "kpf_"))], [], "events")


def main():
    """Run the cases."""
    env = Env()
    env.quiet()
    with Events("kawela", "kawela_pf", "skb/kfree_skb") as events:
        ksft_run([quiet_traffic, link_events, reset_events, stop_and_wake, hang], args=((env, events),))
    ksft_exit()


if __name__ == "__main__":
    main()
