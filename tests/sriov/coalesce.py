#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""Coalescing of a VF, as of the PF: by interval, by DIM, with limits; and no VF sets another's."""

import kwl_coalesce
from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_frames import ether
from kwl_sriov import Sriov
from kwl_traffic import ping

LOCAL = 0x88B5


def vectors(vf):
    """Return where the PF has the two vectors of a VF's queue pair: transmit, receive."""
    first = 22 - 3 * vf.index
    return first, first + 1


def moderated(bench, index=0):
    """Return what the cases need that the PF passes as well."""
    vf = bench.use("kawela_vf").vfs[index]
    frame = ether(vf.mac, bench.env.peer_mac, LOCAL, bytes(60))
    return kwl_coalesce.Moderated(bench.env, vf.ifname, vf.ns, vectors(vf)[1:], frame, False)


def by_default(bench):
    """What a guest finds."""
    kwl_coalesce.by_default(moderated(bench, 1))


def adaptive(bench):
    """By the traffic."""
    kwl_coalesce.adaptive(moderated(bench))


def by_queue(bench):
    """For its only queue."""
    kwl_coalesce.by_queue(moderated(bench))


def refusals(bench):
    """With the reason."""
    kwl_coalesce.limits(moderated(bench))


def own_only(bench):
    """Both vectors of the VF follow; those of its neighbour and of the PF stay."""
    mine, other = moderated(bench, 0), moderated(bench, 1)
    mine.vectors = vectors(bench.vfs[0])
    other.vectors = (*vectors(bench.vfs[1]), 1)
    for one in (mine, other):
        one.ethtool("-C", "adaptive-rx", "off", check=False)
    bench.env.ethtool("-C", "adaptive-rx", "off")
    mine.ethtool("-C", "rx-usecs", 30)
    before = other.of_queues()
    mine.ethtool("-C", "rx-usecs", 444)
    ksft_eq(mine.of_queues(), [444, 444], "intervals of the VF")
    ksft_eq(other.of_queues(), before, "intervals of the neighbour and of the PF")
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=bench.vfs[0].ns), 3, "answers")
    mine.ethtool("-C", "rx-usecs", 20)


def main():
    """Run the cases."""
    ksft_run([by_default, adaptive, by_queue, refusals, own_only], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
