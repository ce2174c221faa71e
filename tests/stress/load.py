#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela,stock
"""A hundred times loaded and unloaded: traffic works in between and at the end, nothing is left behind."""

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_env import MODULE, Env
from kwl_leaks import LeakCheck
from kwl_sys import run, wait_for
from kwl_traffic import ping, transfer

CYCLES = 100


def cycle(env, traffic):
    """Load, use if asked to, unload."""
    run(f"modprobe {MODULE}")
    wait_for(lambda: env.ifname, what="a network interface")
    if traffic:
        env.start()
        ksft_eq(ping(env.peer_v4, count=3), 3, "answers")
        sent, got = transfer(env, "rx", size=200_000)
        ksft_eq(sent, got, "md5")
    run(f"modprobe -r {MODULE}")


def hundred_loads(env):
    """Traffic flows in every tenth cycle; half of the others bring the interface up without it."""
    run(f"modprobe -r {MODULE}")
    cycle(env, True)
    leaks = LeakCheck()
    for number in range(CYCLES):
        cycle(env, number % 10 == 9)
    leaks.verify(env)
    run(f"modprobe {MODULE}")
    wait_for(lambda: env.ifname, what="a network interface")
    env.start()
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction)
        ksft_eq(sent, got, f"md5 at the end, {direction}")


def main():
    """Run the case."""
    ksft_run([hundred_loads], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
