#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela,stock
"""The data path reads no register, and a burst of frames rings the doorbell once.

The kernel's mmiotrace shows every access to the device's registers. It works on one processor
only, takes the others off line meanwhile, and sees what a driver maps after it was started.
"""

import socket
import sys

import kwl_pktgen
from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import MODULE, Env
from kwl_regs import Accesses, can_trace, start_tracer, stop_tracer
from kwl_sys import read, run
from kwl_traffic import make_socket
from kwl_wire import on_wire, packet_socket, with_marker
from kwl_frames import to_dut

MARK = b"kawela-doorbell"
PACKETS = 300
# Transmit tail registers, 16 queues, and the place where old hardware has the first four.
TAILS = {0xE018 + 0x40 * queue for queue in range(16)} | {0x3818 + 0x100 * queue for queue in range(4)}


def touched(env, kind, action):
    """Return the offsets of registers that are read ("R") or written ("W") while something is done."""
    with Accesses(env.pci) as seen:
        action()
    return [one.offset for one in seen if one.kind == kind]


def least_reads(env, action):
    """Return the registers read in the quietest of three goes.

    Counters are refreshed every few seconds, by reading them; that is not the data path.
    """
    goes = []
    for _ in range(3):
        goes.append([hex(offset) for offset in touched(env, "R", action)])
    env.note("registers read in three goes:", [len(go) for go in goes])
    return min(goes, key=len)


def trace_works(env):
    """The trace sees accesses at all: reading the counters reads registers."""
    seen = touched(env, "R", lambda: run(f"ethtool -d {env.ifname}"))
    ksft_ge(len(seen), 30, "register reads of a register dump")


def transmit_reads_nothing(env):
    """Sending, completion included, reads no register."""
    def send():
        with make_socket(socket.SOCK_DGRAM, 4) as sock, on_wire(env, with_marker(MARK)) as wire:
            for _ in range(PACKETS):
                sock.sendto(MARK, (env.peer_v4, 5995))
            ksft_eq(len(wire.wait(PACKETS, 20)), PACKETS, "frames on the wire")
    ksft_eq(least_reads(env, send), [], f"registers read while {PACKETS} frames were sent")


def receive_reads_nothing(env):
    """Receiving reads no register."""
    frame = to_dut(env, 4, "udp", dport=5994, payload=MARK)

    def receive():
        with make_socket(socket.SOCK_DGRAM, 4) as sock, packet_socket(env.peer_if, env.ns) as wire:
            sock.bind((env.v4, 5994))
            for _ in range(PACKETS // 10):
                for _ in range(10):
                    wire.send(frame)
                for _ in range(10):
                    sock.recv(100)
    ksft_eq(least_reads(env, receive), [], f"registers read while {PACKETS} frames came in")


def burst_rings_once(env):
    """Frames given to the driver with more to come share a doorbell."""
    kwl_pktgen.prepare(env.ifname, None, count=160, burst=16, pkt_size=100, dst=env.peer_v4, dst_mac=env.peer_mac)

    def send():
        with on_wire(env, lambda data: len(data) == 100) as wire:
            kwl_pktgen.send(None)
            ksft_eq(len(wire.wait(160, 10)), 160, "frames on the wire")
    bells = [offset for offset in touched(env, "W", send) if offset in TAILS]
    env.note("doorbells:", len(bells))
    ksft_ge(len(bells), 10, "doorbells")
    ksft_ge(14, len(bells), "doorbells at most, for 160 frames in bursts of 16")


def main():
    """Run the cases with the tracer on."""
    if not can_trace():
        print("1..0 # SKIP kernel without mmiotrace")
        sys.exit(4)
    start_tracer()
    try:
        env = Env()
        env.quiet()
        env.note("tracing", MODULE, "with processors", read("/sys/devices/system/cpu/online"), "on line")
        ksft_run([trace_works, transmit_reads_nothing, receive_reads_nothing, burst_rings_once], args=(env,))
    finally:
        # In this order: what was mapped under the tracer has to be gone before it.
        run(f"modprobe -r {MODULE}")
        stop_tracer()
    ksft_exit()


if __name__ == "__main__":
    main()
