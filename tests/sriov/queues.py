#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""The one receive queue of a VF, restarted by the core."""

import kwl_queue
from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_sriov import Pings, Sriov
from kwl_traffic import ping


def restarts(bench):
    """It comes back with other memory and works."""
    vf = bench.use("kawela_vf").vfs[0]
    kwl_queue.restarts(vf.ifname, 0, lambda: ping(vf.v4, ns=bench.env.ns) == 1, ns=vf.ns)
    kwl_queue.no_such_queue(vf.ifname, ns=vf.ns)


def others_run(bench):
    """Another VF and the PF lose nothing by it."""
    kwl_queue.wants_newer_kernel()
    first, second = bench.use("kawela_vf").vfs[:2]
    pings = [Pings(second.v4, bench.env.ns), Pings(bench.env.v4, bench.env.ns)]
    ksft_eq(kwl_queue.restart(first.ifname, 0, first.ns, times=20), 0, "restarts")
    for which, one in zip(("VF 1", "PF"), pings):
        sent, lost = one.lost()
        bench.env.note(f"{which}: {sent} pings, {lost} without an answer")
        ksft_true(sent > 20 and lost <= 1, f"{which}: at most the one on its way at the end lost")


def main():
    """Run the cases."""
    bench = Sriov()
    bench.enable(2)
    kwl_queue.prepare()
    ksft_run([restarts, others_run], args=(bench,))
    kwl_queue.clean_up()
    bench.disable()
    ksft_exit()


if __name__ == "__main__":
    main()
