#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=90 drivers=kawela,stock
"""Coalescing: the interval is shown as set, lowers the interrupt rate, and has limits.

Where the driver does not mind it, the emulator stretches the interval about four times, so rates are only compared with each other.
"""

import time

import kwl_coalesce
from lib.py import KsftSkipEx, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_run, ksft_true
from kwl_env import Env, stock_skip
from kwl_frames import to_dut
from kwl_napi import queues
from kwl_nic import irq_count, irq_names
from kwl_sys import SLOW, refused
from kwl_traffic import ping, transfer
from kwl_wire import packet_socket

# Twice what 5000 us leave of them in rate(), the emulator's echoes included
ENOUGH = 1200


def usecs(env):
    """Return the receive interval in use."""
    return env.ethtool_json("-c")["rx-usecs"]


def fired(env):
    """Return how many queue interrupts have fired so far."""
    return sum(irq_count(number) for number, name in irq_names(env.ifname).items() if name != env.ifname)


def rate(env, interval):
    """Return interrupts in one second while single frames come in steadily."""
    env.ethtool("-C", "rx-usecs", interval, check=usecs(env) != interval)
    frame = to_dut(env, 4, "udp", dport=5990, payload=b"kawela-coalesce")
    with packet_socket(env.peer_if, env.ns) as sock:
        sock.send(frame)
        time.sleep(0.3)
        before, end = fired(env), time.monotonic() + 1.5
        while time.monotonic() < end:
            sock.send(frame)
            time.sleep(0.0002)
        return fired(env) - before


def by_default(env):
    """What a user finds."""
    kwl_coalesce.by_default(moderated(env))


def shown_as_set(env):
    """Every interval is shown as it was set, while up and after down and up."""
    env.ethtool("-C", "adaptive-rx", "off", check=False)
    for value in (0, 10, 50, 125, 1000, 0, 20):
        env.ethtool("-C", "rx-usecs", value)
        ksft_eq(usecs(env), value, "interval")
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(usecs(env), 20, "interval after down and up")


def lowers_rate(env):
    """A long interval makes clearly fewer interrupts than none."""
    free, held = rate(env, 0), rate(env, 5000)
    env.note("interrupts:", free, "with 0 us,", held, "with 5000 us")
    ksft_ge(free, 50, "interrupts without moderation")
    # As many as frames: where there are few of those, an interval saves little
    if SLOW > 1 and free < ENOUGH:
        raise KsftSkipEx(f"a kernel too slow for more than {free} frames in 1.5 s")
    # Each of those may bring the emulator's echo with it
    ksft_lt(held * 2, free, "twice the interrupts with 5000 us")


def limits(env):
    """More than the register holds is refused, as are parameters the device lacks."""
    env.ethtool("-C", "rx-usecs", 30)
    for words in ("rx-usecs 100000", "rx-frames 16", "rx-usecs-high 10"):
        ksft_true(refused(f"ethtool -C {env.ifname} {words}"), f"{words} refused")
        ksft_eq(usecs(env), 30, f"interval after {words}")


def traffic_at_extremes(env):
    """Data arrives with the shortest and with a long interval."""
    for value in (0, 2000):
        env.ethtool("-C", "rx-usecs", value)
        for direction in ("tx", "rx"):
            sent, got = transfer(env, direction, size=256 << 10)
            ksft_eq(sent, got, f"md5 with {value} us, {direction}")
        ksft_eq(ping(env.peer_v4, count=3), 3, "answers")


def moderated(env):
    """Return what the cases need that a VF passes as well."""
    stock_skip("it has no adaptive moderation and no interval of one queue")
    pairs = len(queues(env.ifname)) // 2
    frame = to_dut(env, 4, "udp", dport=5990, payload=b"kawela-coalesce")
    return kwl_coalesce.Moderated(env, env.ifname, None, range(1, pairs + 1), frame, True)


def adaptive(env):
    """By DIM."""
    kwl_coalesce.adaptive(moderated(env))


def by_queue(env):
    """For one queue."""
    kwl_coalesce.by_queue(moderated(env))


def refusals(env):
    """With the reason."""
    kwl_coalesce.limits(moderated(env))


def main():
    """Run the cases."""
    ksft_run([by_default, shown_as_set, lowers_rate, limits, adaptive, by_queue, refusals, traffic_at_extremes], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
