#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Channels: one to eight queue pairs, changed under traffic, each with its interrupt, all in use."""

import re

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants
from kwl_env import Env, on_stock
from kwl_nic import irq_names
from kwl_rss import RxMeta, flow, rxfh, spread_ports
from kwl_sys import refused
from kwl_traffic import Stream, ping

PORTS = spread_ports(96)


def channels(env):
    """Return (largest, present) number of queue pairs."""
    largest, present = re.findall(r"^Combined:\s+(\d+)$", env.ethtool("-l").stdout, re.M)
    return int(largest), int(present)


def pairs(env):
    """Return the number of queue pairs in use."""
    return channels(env)[1]


def declared(env):
    """The hardware has eight queue pairs for one function without pools."""
    ksft_eq(channels(env)[0], 8, "largest number of pairs")
    ksft_ge(pairs(env), 2, "pairs in use: at least one for each of two processors")


def reached(env):
    """Return the queues that flows reach."""
    with RxMeta(env) as meta:
        return {meta.send(flow(env, "tcp", 4, port))[0] for port in PORTS}


@ksft_variants([1, 3, 8, 4, 2])
def works(env, count):
    """A number of pairs is taken over and shown, and every one of them receives."""
    if count != pairs(env):
        env.ethtool("-L", "combined", count)
        env.wait_carrier()
    ksft_eq(pairs(env), count, "pairs shown")
    ksft_eq(sorted(set(rxfh(env)[0])), list(range(count)), "queues in the RSS table")
    ksft_eq(reached(env), set(range(count)), "queues that frames reach")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")
    if not on_stock():
        queues = [name for name in irq_names(env.ifname).values() if name[-1].isdigit()]
        ksft_ge(len(queues), count, f"queue interrupts {queues}")


def refusals(env):
    """None, too many, and kinds of channel the device lacks are refused without harm."""
    before = pairs(env)
    for words in ("combined 0", "combined 9", "rx 2", "tx 2", "other 5"):
        ksft_true(refused(f"ethtool -L {env.ifname} {words}"), f"{words} refused")
        ksft_eq(pairs(env), before, f"pairs after {words}")
    ksft_eq(ping(env.peer_v4), 1, "answers")


def user_table_protected(env):
    """Queues that a table set by the user names cannot be taken away."""
    env.ethtool("-L", "combined", 4)
    env.wait_carrier()
    env.ethtool("-X", "weight", 1, 1, 1, 1)
    table = rxfh(env)[0]
    ksft_true(refused(f"ethtool -L {env.ifname} combined 2"), "fewer pairs than the table names refused")
    ksft_eq((pairs(env), rxfh(env)[0]), (4, table), "pairs and table afterwards")
    env.ethtool("-X", "default")
    env.ethtool("-L", "combined", 2)
    env.wait_carrier()
    ksft_eq(pairs(env), 2, "pairs, with the default table")


def under_traffic(env):
    """The number changes while data flows both ways; no byte is wrong."""
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        for count in (1, 8, 3, 2):
            env.ethtool("-L", "combined", count)
            env.wait_carrier()
            out.moves()
            back.moves()
    ksft_eq(pairs(env), 2, "pairs at the end")


def while_down(env):
    """A number set while down is in force after up."""
    env.set_link("down")
    env.ethtool("-L", "combined", 5)
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(pairs(env), 5, "pairs after up")
    ksft_eq(reached(env), set(range(5)), "queues that frames reach")


def main():
    """Run the cases."""
    ksft_run([declared, works, refusals, user_table_protected, under_traffic, while_down], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
