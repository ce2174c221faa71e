#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela
"""The transmit limit of a VF: shown, refused where it cannot be, programmed and kept programmed.

Not seen on the emulator: it limits nobody and does not even store the registers. So this looks at
what is written to them, by the kernel's mmiotrace; see kwl_regs.py for what that costs.
"""

import sys

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_env import MODULE
from kwl_regs import RTTBCNRC, RTTDQSEL, Accesses, can_trace, start_tracer, stop_tracer
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_sys import run, write
from kwl_traffic import ping

SPEED = 1000
ENABLE, FRACTION = 1 << 31, 14


def factor(rate):
    """What the card wants to be told: link speed by rate, with 14 bits of fraction; 0 is no limit."""
    return ENABLE | (SPEED << FRACTION) // rate if rate else 0


def programmed(env, action):
    """Do something; return {queue: limit} as written last to each queue meanwhile."""
    with Accesses(env.pci) as seen:
        action()
    queue, limits = None, {}
    for one in seen:
        if (one.kind, one.offset) == ("W", RTTDQSEL):
            queue = one.value
        if (one.kind, one.offset) == ("W", RTTBCNRC):
            limits[queue] = one.value
    return limits


def set_rate(bench, index, rate):
    """Limit a VF; check that this is shown and that both queues of the VF are told."""
    wrote = programmed(bench.env, lambda: bench.set_vf(index, "max_tx_rate", rate))
    ksft_eq(wrote, {index: factor(rate), index + 8: factor(rate)}, f"limits written for {rate} Mbit/s")
    ksft_eq(bench.pf_vf(index)["rate"], {"max_tx": rate, "min_tx": 0}, f"shown for {rate} Mbit/s")


def limits_are_written(bench):
    """A limit reaches both queues of this VF and no other; zero takes it away."""
    defer(set_rate, bench, 0, 0)
    for rate in (1, 3, 100, 250, 999):
        set_rate(bench, 0, rate)
    set_rate(bench, 1, 40)
    ksft_eq(bench.pf_vf(0)["rate"]["max_tx"], 999, "limit of the other VF")
    set_rate(bench, 1, 0)


def as_fast_as_the_link(bench):
    """The link's own speed is shown as it was set; there is nothing to limit."""
    defer(set_rate, bench, 0, 0)
    wrote = programmed(bench.env, lambda: bench.set_vf(0, "max_tx_rate", SPEED))
    ksft_eq({queue: value for queue, value in wrote.items() if value != factor(SPEED)}, {0: 0, 8: 0}, "written")
    ksft_eq(bench.pf_vf(0)["rate"]["max_tx"], SPEED, "shown")


def refused(bench):
    """Limits that no link has and guarantees of any rate are refused with the errno that says so."""
    defer(set_rate, bench, 0, 0)
    set_rate(bench, 0, 100)

    def attempts():
        for words, reason in ((("max_tx_rate", 1001), "Invalid argument"),
                              (("max_tx_rate", 1 << 31), "Invalid argument"),
                              (("min_tx_rate", 10), "Operation not supported"),
                              (("max_tx_rate", 100, "min_tx_rate", 10), "Operation not supported")):
            done = bench.set_vf(0, *words, check=False)
            ksft_true(done.returncode, f"{words} refused")
            ksft_in(reason, done.stderr, words)
        ksft_true(bench.set_vf(0, "max_tx_rate", -1, check=False).returncode, "negative limit refused")
    ksft_eq(programmed(bench.env, attempts), {}, "limits written")
    ksft_eq(bench.pf_vf(0)["rate"], {"max_tx": 100, "min_tx": 0}, "shown afterwards")


def kept(bench):
    """The limit is shown and written again whenever the card has forgotten it, or the link is new."""
    env, vf = bench.env, bench.vfs[0]
    defer(bench.spoil)
    defer(env.set_link, "mtu", 1500)
    set_rate(bench, 0, 250)

    def down_up():
        env.set_link("down")
        env.set_link("up")

    def vf_again():
        vf.set_link("down")
        vf.set_link("up")

    for what, change in (("PF down and up", down_up), ("ethtool -r", lambda: env.ethtool("-r")),
                         ("MTU", lambda: env.set_link("mtu", 2000)), ("VF down and up", vf_again),
                         ("function reset of the PF", lambda: write(env.sysfs / "reset", 1))):
        def wait(change=change):
            change()
            env.wait_carrier()
            vf.wait_carrier()
        wrote = programmed(env, wait)
        # What has not been written is what it was.
        ksft_eq((wrote.get(0, factor(250)), wrote.get(8, factor(250))), (factor(250), ) * 2, f"written by {what}")
        ksft_eq(bench.pf_vf(0)["rate"]["max_tx"], 250, f"shown after {what}")
        if "reset" in what:
            limits = {queue: value for queue, value in wrote.items() if value}
            ksft_eq(limits, {0: factor(250), 8: factor(250)}, f"limits written by {what}")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers to the PF")


def gone_with_the_vf(bench):
    """The PF gets the queues back without the limits that they had as a VF's; so does the next VF."""
    defer(bench.spoil)
    set_rate(bench, 0, 5)
    wrote = programmed(bench.env, bench.disable)
    ksft_eq((wrote.get(0), wrote.get(8)), (0, 0), "limits of queues 0 and 8 that are the PF's again")
    wrote = programmed(bench.env, lambda: bench.enable(2))
    ksft_eq([value for value in wrote.values() if value], [], "limits written for new VFs")
    ksft_eq(bench.pf_vf(0)["rate"]["max_tx"], 0, "shown of a new VF")


def main():
    """Run the cases with the tracer on."""
    if not can_trace():
        print("1..0 # SKIP kernel without mmiotrace")
        sys.exit(4)
    start_tracer()
    try:
        ksft_run(with_drivers([limits_are_written, as_fast_as_the_link, refused, kept, gone_with_the_vf], [OURS]),
                 args=(Sriov(),))
    finally:
        # In this order: what was mapped under the tracer has to be gone before it.
        run(f"modprobe -r {OURS} {MODULE}")
        stop_tracer()
    ksft_exit()


if __name__ == "__main__":
    main()
