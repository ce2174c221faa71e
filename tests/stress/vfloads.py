#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=400 drivers=kawela
"""The driver of a VF goes and comes again and again; its busy neighbour loses nothing.

KWL_CYCLES is how often: 30 unless it is given; the long run has 100.
"""

import os

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_leaks import LeakCheck
from kwl_sriov import OURS, Pings, Sriov, path, pf_end, wire_end
from kwl_sys import run
from kwl_traffic import Stream, ping

CYCLES = int(os.environ.get("KWL_CYCLES") or 30)


def loads(bench):
    """Checked data flows from the neighbour to the wire and from the PF to it; all its pings are answered."""
    vf, neighbour = bench.start(OURS, 2)
    # Room for all that TCP has under way: what a full ring drops says nothing.
    run(f"ethtool -G {neighbour.ifname} rx 4096", ns=neighbour.ns)
    neighbour.wait_carrier()
    leaks = LeakCheck()
    pings = Pings(bench.env.peer_v4, neighbour.ns)
    wire, pf = path(neighbour, wire_end(bench.env)), path(neighbour, pf_end(bench.env))
    with Stream(wire, "tx") as out, Stream(pf, "rx") as back:
        for number in range(CYCLES):
            vf.unbind()
            vf.bind(OURS)
            vf.attach()
            if number % 10 == 9:
                vf.wait_carrier()
                out.moves()
                back.moves()
    sent, lost = pings.lost()
    bench.env.note(f"{sent} pings of the neighbour, {lost} without an answer")
    # The last one may be on its way.
    ksft_true(sent > 10 * CYCLES and lost <= 1, f"{lost} of {sent} pings lost")
    vf.wait_carrier()
    bench.forget_neighbours()
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=vf.ns), 3, "answers to the VF")
    leaks.verify(bench.env)


def main():
    """Run the case."""
    ksft_run([loads], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
