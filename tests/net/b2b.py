#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=b2b timeout=180 drivers=kawela,stock
"""Two 82576 back to back, both on the driver under test: it understands its own frames."""

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_variants, KsftNamedVariant
from kwl_env import MODULE, Env
from kwl_sys import ethtool_table, output, wait_for
from kwl_traffic import Stream, ping, transfer, udp_exchange

FAMILIES = [KsftNamedVariant("v4", 4), KsftNamedVariant("v6", 6)]


def both_ends(env):
    """Both ends run the driver under test and have a gigabit link."""
    for ifname, space in ((env.ifname, None), (env.peer_if, env.ns)):
        ksft_eq(ethtool_table(output(f"ethtool -i {ifname}", ns=space)).get("driver"), MODULE, f"driver of {ifname}")
        ksft_eq(ethtool_table(output(f"ethtool {ifname}", ns=space)).get("Speed"), "1000Mb/s", f"speed of {ifname}")


@ksft_variants(FAMILIES)
def tcp(env, version):
    """Bulk data arrives intact in both directions."""
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, version, 2 << 20)
        ksft_eq(sent, got, f"md5, {direction}")


@ksft_variants(FAMILIES)
def udp(env, version):
    """Datagrams of all kinds of size arrive intact in both directions."""
    for direction in ("tx", "rx"):
        sent, got = udp_exchange(env, direction, version, (0, 1, 18, 512, 1452, 9000, 60000))
        ksft_eq([got_one == one for one, got_one in zip(sent, got)], [True] * len(sent), f"datagrams, {direction}")


def jumbo(env):
    """Jumbo frames pass whole in both directions."""
    env.set_mtu(9000)
    ksft_eq(ping(env.peer_v4, count=3, size=8972, options="-M do"), 3, "full frames answered")
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, 4, 4 << 20)
        ksft_eq(sent, got, f"md5, {direction}")
    env.set_mtu(1500)


def one_end_restarts(env):
    """One end goes down and up; a connection in both directions survives."""
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        env.set_peer("down")
        env.set_peer("up")
        env.wait_carrier()
        wait_for(lambda: ping(env.peer_v4), 20, "an answer")
        out.moves(timeout=60)
        back.moves(timeout=60)


def main():
    """Run the cases."""
    ksft_run([both_ends, tcp, udp, jumbo, one_end_restarts], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
