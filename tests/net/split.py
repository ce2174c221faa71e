#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""Headers received apart from data (ethtool's tcp-data-split), and what applications have of it."""

import kwl_split
import kwl_xdp
from lib.py import defer, ksft_exit, ksft_run
from kwl_env import Env
from kwl_traffic import ping


def setting(dut):
    """On, off, and what stays."""
    kwl_split.setting(dut)


def refusals(dut):
    """With XDP, and the other way round."""
    kwl_split.refusals(dut)


def frames(dut):
    """All kinds."""
    kwl_split.frames(dut)


def large(dut):
    """Of several buffers."""
    kwl_split.large(dut)


def pages(dut):
    """Mapped by TCP."""
    kwl_split.pages(dut)


def traffic(dut):
    """While it is switched."""
    kwl_split.traffic(dut)


def own_memory(dut):
    """One queue receives into it, which all frames are steered to; the other one does without."""
    env = dut.env
    env.ethtool("-L", "combined", 2)
    env.ethtool("-X", "weight", "0", "1")
    defer(env.ethtool, "-X", "default")
    env.wait_carrier()
    kwl_split.own_memory(dut, 1, lambda: ping(env.peer_v4, count=3) == 3, env.pci)


def out_of_memory(dut):
    """Sent from there."""
    kwl_split.out_of_memory(dut)


def main():
    """Run the cases."""
    env = Env()
    dut = kwl_xdp.Dut(env, env.ifname, None, env.mac)
    dut.path = env
    ksft_run([setting, refusals, frames, large, pages, traffic, own_memory, out_of_memory], args=(dut,))
    ksft_exit()


if __name__ == "__main__":
    main()
