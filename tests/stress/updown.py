#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela,stock
"""A hundred times up and down: traffic works in between and at the end, nothing is left behind."""

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_env import Env
from kwl_leaks import LeakCheck
from kwl_traffic import Stream, ping, transfer

CYCLES = 100


def hundred_ups(env):
    """Down and up without a pause; in every tenth cycle the link is awaited and used."""
    leaks = LeakCheck()
    for number in range(CYCLES):
        env.set_link("down")
        env.set_link("up")
        if number % 10 == 9:
            env.wait_carrier()
            ksft_eq(ping(env.peer_v4, count=3), 3, f"answers after {number + 1} cycles")
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction)
        ksft_eq(sent, got, f"md5 at the end, {direction}")
    leaks.verify(env)


def under_traffic(env):
    """Connections survive the interface going down and up under them."""
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        for _ in range(5):
            env.set_link("down")
            env.set_link("up")
            env.wait_carrier()
            out.moves(timeout=60)
            back.moves(timeout=60)


def main():
    """Run the cases."""
    ksft_run([hundred_ups, under_traffic], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
