#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Ping crosses the wire: both protocols, every kind of size, whole and in fragments."""

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_variants, KsftNamedVariant
from kwl_env import Env
from kwl_traffic import ping

# ICMP payloads: empty, around the minimum frame, odd, the largest that fits an MTU of 1500.
SIZES = {4: (0, 1, 17, 18, 19, 64, 333, 1471, 1472), 6: (0, 1, 2, 64, 333, 1451, 1452)}
FAMILIES = [KsftNamedVariant("v4", 4), KsftNamedVariant("v6", 6)]


def targets(env, version):
    """Return the partner's and the DUT's address of a protocol."""
    return (env.peer_v4, env.v4) if version == 4 else (env.peer_v6, env.v6)


@ksft_variants(FAMILIES)
def from_dut(env, version):
    """Each size is answered with its own content when the DUT asks."""
    for size in SIZES[version]:
        ksft_eq(ping(targets(env, version)[0], count=2, size=size), 2, f"answers, {size} bytes")


@ksft_variants(FAMILIES)
def from_peer(env, version):
    """Each size is answered when the partner asks."""
    for size in SIZES[version]:
        ksft_eq(ping(targets(env, version)[1], count=2, size=size, ns=env.ns), 2, f"answers, {size} bytes")


@ksft_variants(FAMILIES)
def fragments(env, version):
    """Payloads above the MTU are fragmented, carried and put together again."""
    for size in (1473, 5000, 20001, 65000):
        ksft_eq(ping(targets(env, version)[0], count=2, size=size), 2, f"answers, {size} bytes")


@ksft_variants(FAMILIES)
def do_not_fragment(env, version):
    """What exceeds the MTU does not leave with "do not fragment" set: the sizes above are exact."""
    largest = SIZES[version][-1]
    ksft_eq(ping(targets(env, version)[0], size=largest, options="-M do"), 1, f"{largest} bytes fit")
    ksft_eq(ping(targets(env, version)[0], size=largest + 1, options="-M do -W 1 -w 1"), 0, "one more does not")


def main():
    """Run the cases."""
    ksft_run([from_dut, from_peer, fragments, do_not_fragment], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
