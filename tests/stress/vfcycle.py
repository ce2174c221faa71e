#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=900 drivers=kawela,stock
"""A hundred times from 0 to 7 VFs and back while the PF is busy in both directions."""

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_sriov import OURS, Sriov
from kwl_sys import mem_available, read, run
from kwl_traffic import Stream, ping

CYCLES, MOST = 100, 7
# Of 700 VFs with their driver; a leak of one receive ring each would be 700 MiB.
LEAK_KIB = 64 << 10


def cycles(bench):
    """The VF driver takes and leaves the VFs each time; traffic goes on, nothing is lost for good."""
    env = bench.env
    name, address = env.ifname, read(f"/sys/class/net/{env.ifname}/address")
    before = mem_available()
    with Stream(env, "tx") as tx, Stream(env, "rx") as rx:
        for at in range(CYCLES):
            bench.enable(MOST)
            for vf in bench.vfs:
                vf.bind(OURS)
            ksft_eq(bench.numvfs(), MOST, "VFs")
            bench.disable()
            if at % 10 == 9:
                tx.moves()
                rx.moves()
    env.wait_carrier()
    ksft_eq((env.ifname, read(f"/sys/class/net/{env.ifname}/address")), (name, address), "name and address")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")
    ksft_eq(before - mem_available() < LEAK_KIB, True, "memory given back")


def main():
    """Run the case."""
    run(f"modprobe {OURS}")
    ksft_run([cycles], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
