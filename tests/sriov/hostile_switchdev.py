#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=600 drivers=kawela
"""A hostile guest as in hostile.py, in mode switchdev: nothing it says changes where frames go.

The neighbour's representor and the uplink are in a bridge, which has the PF's addresses.
"""

from lib.py import ksft_eq, ksft_run, ksft_exit, ksft_lt
from hostile import (HOSTILE, LONGEST_FRAME, NEIGHBOUR, Target, calm, clean_after_flr, floods, groups, pokes, rar, resets,
                     shut_off_and_back, talks)
from kwl_regs import DTXSWC, vmolr
from kwl_repr import Switchdev, bridged
from kwl_sys import batch, run

VFRE = 0x0C8C
POOLS = range(4)
LENGTH = 0x3FFF


class Switched(Target):
    """The same, with a switch that the host runs."""

    def make_bench(self):
        return Switchdev()

    def prepare(self):
        bench, env = self.bench, self.env
        bench.enter()
        run(f"ip addr flush dev {env.ifname}")
        bridged(bench, env.ifname, f"r{NEIGHBOUR}")
        batch("ip", [f"addr add {env.v4}/24 dev kbr0"])

    def switch(self):
        """What decides where frames go, in the registers."""
        regs = self.dump()
        return {"pools": [regs[vmolr(pool)] & ~LENGTH for pool in POOLS], "switch": regs[DTXSWC],
                "addresses": list(rar(regs)), "groups": groups(regs), "others": regs[VFRE] & 0b1110}

    def check_policy(self):
        regs = self.dump()
        ksft_lt(regs[vmolr(HOSTILE)] & LENGTH, LONGEST_FRAME + 1, "longest frame")
        ksft_eq((self.switch(), self.bench.mode), (self.before, "switchdev"), "where frames go, and the mode")


def next_guest(target):
    """After a function level reset, with its representor in the bridge, it is a VF like any other."""
    run(f"ip link set r{HOSTILE} master kbr0")
    clean_after_flr(target)


def main():
    """Run the cases."""
    try:
        target = Switched()
        target.before = target.switch()
        ksft_run([calm, talks, floods, resets, pokes, shut_off_and_back, next_guest], args=(target,))
    finally:
        # It has the PF's addresses, which later files want
        run("ip link del kbr0", check=False)
    ksft_exit()


if __name__ == "__main__":
    main()
