#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Rings: every size the device has works, under traffic too; others are refused without harm."""

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants
from kwl_env import Env
from kwl_sys import refused
from kwl_traffic import Stream, ping, transfer

SMALLEST, LARGEST = 64, 4096


def sizes(env):
    """Return the (rx, tx) ring sizes in use."""
    shown = env.ethtool_json("-g")
    return shown["rx"], shown["tx"]


def declared(env):
    """The maximum is the hardware's, the sizes in use lie below."""
    shown = env.ethtool_json("-g")
    ksft_eq((shown["rx-max"], shown["tx-max"]), (LARGEST, LARGEST), "maxima")
    ksft_true(SMALLEST <= shown["rx"] <= LARGEST and SMALLEST <= shown["tx"] <= LARGEST, f"in use {sizes(env)}")


@ksft_variants([(80, 80), (SMALLEST, LARGEST), (LARGEST, SMALLEST), (LARGEST, LARGEST), (256, 256)])
def works(env, rx, tx):
    """A size is taken over, shown and carries bulk data both ways."""
    # An unchanged size is refused by nobody, but by ethtool itself with an exit status.
    env.ethtool("-G", "rx", rx, "tx", tx, check=sizes(env) != (rx, tx))
    env.wait_carrier()
    shown = sizes(env)
    # Drivers may round up, to whole cache lines or to powers of two.
    ksft_true(rx <= shown[0] < 2 * rx and tx <= shown[1] < 2 * tx, f"sizes in use {shown}, asked for {(rx, tx)}")
    for direction in ("tx", "rx"):
        one, other = transfer(env, direction, size=1 << 20)
        ksft_eq(one, other, f"md5, {direction}")


def odd_sizes_rounded_up(env):
    """A size that the hardware cannot have exactly is rounded up, never down, or refused."""
    before = sizes(env)
    done = env.ethtool("-G", "rx", 1001, check=False)
    env.wait_carrier()
    rx, _ = sizes(env)
    env.note("asked for 1001, got", rx, "exit", done.returncode)
    ksft_true(rx == before[0] if done.returncode else 1001 <= rx <= 1024, f"ring of {rx}")
    env.ethtool("-G", "rx", 256, check=False)
    env.wait_carrier()


def too_large_refused(env):
    """More than the maximum is refused and changes nothing; so are kinds of ring we lack."""
    before = sizes(env)
    for words in ("rx 5000", "tx 5000", "rx-mini 64", "rx-jumbo 64"):
        ksft_true(refused(f"ethtool -G {env.ifname} {words}"), f"{words} refused")
        ksft_eq(sizes(env), before, f"sizes after {words}")
    ksft_eq(ping(env.peer_v4), 1, "answers")


def under_traffic(env):
    """Sizes change while data flows both ways; no byte is wrong."""
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        for rx, tx in ((128, 1024), (2048, 128), (256, 256)):
            env.ethtool("-G", "rx", rx, "tx", tx)
            ksft_eq(sizes(env), (rx, tx), "sizes")
            env.wait_carrier()
            out.moves()
            back.moves()
    ksft_ge(out.received, 1, "bytes")


def while_down(env):
    """A size set while down is in force after up."""
    env.set_link("down")
    env.ethtool("-G", "rx", 1024, "tx", 512)
    ksft_eq(sizes(env), (1024, 512), "sizes while down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(sizes(env), (1024, 512), "sizes after up")
    one, other = transfer(env, "rx", size=1 << 20)
    ksft_eq(one, other, "md5")


def main():
    """Run the cases."""
    ksft_run([declared, works, odd_sizes_rounded_up, too_large_refused, under_traffic, while_down], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
