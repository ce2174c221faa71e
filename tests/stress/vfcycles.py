#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=600 drivers=kawela
"""From 0 to 7 VFs and back again and again while the PF is busy, and how long its traffic pauses.

KWL_CYCLES is how often: 20 unless it is given; the long run has 100.
"""

import os
import statistics
import time

from lib.py import ksft_eq, ksft_exit, ksft_lt, ksft_run
from kwl_beat import Beat
from kwl_leaks import LeakCheck
from kwl_sriov import OURS, Sriov
from kwl_sys import read, run
from kwl_traffic import Stream, ping

CYCLES, MOST = int(os.environ.get("KWL_CYCLES") or 20), 7
# Milliseconds. Only a bound for "traffic goes on"; what it is, is printed.
GAP = 3000


def pf_state(env):
    """What must not change of the PF when VFs come and go."""
    base = f"/sys/class/net/{env.ifname}"
    return env.ifname, read(f"{base}/address"), read(f"{base}/carrier_down_count")


def cycles(bench):
    """From 0 to 7 VFs that our driver takes, and back, while checked data flows through the PF both ways."""
    env = bench.env
    bench.enable(MOST)
    bench.disable()
    leaks, before = LeakCheck(), pf_state(env)
    with Stream(env, "tx") as tx, Stream(env, "rx") as rx:
        for number in range(CYCLES):
            bench.enable(MOST)
            if number % 4 == 3:
                for vf in bench.vfs:
                    vf.bind(OURS)
            ksft_eq(bench.numvfs(), MOST, "VFs")
            bench.disable()
            if number % 10 == 9:
                tx.moves()
                rx.moves()
    ksft_eq(pf_state(env), before, "name, address, times without carrier")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers to the PF")
    leaks.verify(env)


def gaps(bench):
    """How long the PF's traffic pauses when VFs are made and when they go, measured in both directions."""
    env = bench.env
    changes = {"0 to 7": [], "7 to 0": []}
    with Beat(env, "tx") as tx, Beat(env, "rx") as rx:
        time.sleep(0.5)
        for _ in range(10):
            for what, action in (("0 to 7", lambda: bench.enable(MOST)), ("7 to 0", bench.disable)):
                start = time.monotonic()
                action()
                changes[what].append((start, time.monotonic()))
                time.sleep(0.3)
        time.sleep(0.5)
        idle = time.monotonic()
        time.sleep(5)
    for name, beat in (("sent", tx), ("received", rx)):
        env.note(f"{name}: longest pause in 4 s without a change: {beat.longest(idle, idle + 4)} ms;"
                 f" (datagrams, lost): {beat.lost()}")
        for what, times in changes.items():
            found = [beat.longest(*one) for one in times]
            env.note(f"{name}, {what} VFs: pause in ms: median {statistics.median(found):.1f}, longest {max(found)}")
            ksft_lt(max(found), GAP, f"ms, {name}, {what}")


def main():
    """Run the cases."""
    run(f"modprobe {OURS}")
    ksft_run([gaps, cycles], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
