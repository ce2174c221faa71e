#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela,stock
"""Fifty changes of MTU, rings and channels under running traffic: not a wrong byte, nothing left behind."""

import random

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import Env
from kwl_leaks import LeakCheck
from kwl_traffic import Stream, transfer

CHANGES = 50


def change(env, number, dice):
    """Make one change, of each kind in turn; return what it was."""
    kind = number % 3
    if kind == 0:
        words = ("mtu", dice.choice((1500, 1600, 3000, 5000, 9000)))
        env.set_link(*words)
    elif kind == 1:
        words = ("-G", "rx", dice.choice((128, 256, 512, 2048)), "tx", dice.choice((128, 256, 1024)))
        env.ethtool(*words, check=False)
    else:
        words = ("-L", "combined", dice.choice((1, 2, 3, 5, 8)))
        env.ethtool(*words, check=False)
    return words


def fifty_changes(env):
    """Data flows both ways all the time; after every change it is seen to move."""
    dice = random.Random(82576)
    env.ethtool("-L", "combined", 8)
    env.wait_carrier()
    transfer(env, "rx")
    env.ethtool("-L", "combined", 2)
    env.wait_carrier()
    leaks = LeakCheck()
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        for number in range(CHANGES):
            words = change(env, number, dice)
            env.wait_carrier()
            try:
                out.moves(timeout=60)
                back.moves(timeout=60)
            except (RuntimeError, TimeoutError):
                env.note("stuck or corrupt after", *words, f"(change {number + 1})")
                raise
        ksft_ge(out.received + back.received, CHANGES << 17, "bytes that arrived right")
    env.set_link("mtu", 1500)
    env.ethtool("-G", "rx", 256, "tx", 256, check=False)
    env.ethtool("-L", "combined", 2, check=False)
    env.wait_carrier()
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction)
        ksft_eq(sent, got, f"md5 at the end, {direction}")
    leaks.verify(env)


def main():
    """Run the case."""
    ksft_run([fifty_changes], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
