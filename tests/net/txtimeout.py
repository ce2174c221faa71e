#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock expect-log="NETDEV WATCHDOG"
"""A transmit queue that stops is noticed by the kernel's watchdog, and the driver recovers.

The device is made to stop by switching its queues off behind the driver's back, through its
I/O window: frames then stay in the ring, as with a device that hangs.
"""

import os
import socket

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import Env, on_stock
from kwl_iowindow import Registers
from kwl_sys import kernel_log, read, wait_for
from kwl_stats import driver_stats
from kwl_traffic import Stream, make_socket, ping, transfer

TXDCTL = 0xE028
QUEUES, STRIDE = 16, 0x40
ENABLE = 1 << 25
SO_SNDBUFFORCE = 32


def stop_queues(env):
    """Switch off every transmit queue; return the offsets of those that were on."""
    with Registers(env) as regs:
        on = [TXDCTL + STRIDE * queue for queue in range(QUEUES) if regs.get(TXDCTL + STRIDE * queue) & ENABLE]
        for offset in on:
            regs.put(offset, regs.get(offset) & ~ENABLE)
    return on


def timeouts(env):
    """Return how many time-outs the kernel has counted on all queues."""
    base = f"/sys/class/net/{env.ifname}/queues"
    return sum(int(read(f"{base}/{queue}/tx_timeout")) for queue in os.listdir(base) if queue.startswith("tx-"))


def inflight(env):
    """Return the bytes that byte queue limits take for given to the device and not yet sent."""
    base = f"/sys/class/net/{env.ifname}/queues"
    return sum(int(read(f"{base}/{queue}/byte_queue_limits/inflight"))
               for queue in os.listdir(base) if queue.startswith("tx-"))


def provoke(env):
    """Stop the queues, fill them to the brim, and wait until the watchdog has struck."""
    before = timeouts(env)
    # Else the frames wait for the partner's address to be asked for, on a queue that is stopped.
    ksft_eq(ping(env.peer_v4), 1, "answers before")
    ksft_ge(len(stop_queues(env)), 1, "queues switched off")
    with make_socket(socket.SOCK_DGRAM, 4) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
        sock.setblocking(False)
        for _ in range(3000):
            try:
                sock.sendto(bytes(1400), (env.peer_v4, 9))
            except BlockingIOError:
                break
        # Another processor may be the one that gives them to the device.
        wait_for(lambda: inflight(env) >= 1400, 5, "bytes in flight while stopped")
        wait_for(lambda: timeouts(env) > before, 30, "the watchdog")
    env.wait_carrier(30)


def recovers(env):
    """After a time-out the device has been reset and traffic flows."""
    env.ethtool("-G", "tx", 512)
    env.wait_carrier()
    counted = driver_stats(env.ifname).get("tx_timeouts")
    provoke(env)
    wait_for(lambda: ping(env.peer_v4, options="-W 1 -w 2"), 30, "an answer after recovery")
    if not on_stock():
        ksft_ge(driver_stats(env.ifname)["tx_timeouts"], counted + 1, "time-outs that the driver counts")
    wait_for(lambda: inflight(env) == 0, 10, "the device to have sent everything")
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, size=1 << 20)
        ksft_eq(sent, got, f"md5, {direction}")
    ksft_eq(env.ethtool_json("-g")["tx"], 512, "ring size after recovery")
    ksft_ge(kernel_log().count("NETDEV WATCHDOG"), 1, "the kernel's complaint in the log")


def again_under_traffic(env):
    """A connection survives a second time-out without a wrong byte."""
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        provoke(env)
        out.moves(timeout=60)
        back.moves(timeout=60)


def main():
    """Run the cases."""
    ksft_run([recovers, again_under_traffic], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
