#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""Headers received apart from data by a VF, as by the PF; VFs and PF choose for themselves."""

from contextlib import contextmanager

import kwl_split
import kwl_xdp
from lib.py import ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_sriov import Sriov, path, wire_end
from kwl_sys import run
from kwl_traffic import ping, transfer


def dut(bench, index=0):
    """A VF in its namespace."""
    vf = bench.use("kawela_vf").vfs[index]
    one = kwl_xdp.Dut(bench.env, vf.ifname, vf.ns, vf.mac)
    one.path = path(vf, wire_end(bench.env))
    return one


@contextmanager
def long_frames(bench):
    """The PF lets frames through that are longer than a page; gives the VF."""
    one = dut(bench)
    bench.env.set_link("mtu", 9000)
    try:
        yield one
    finally:
        bench.env.set_link("mtu", 1500)


def setting(bench):
    """On, off, and what stays."""
    kwl_split.setting(dut(bench))


def refusals(bench):
    """With XDP, and the other way round."""
    kwl_split.refusals(dut(bench))


def frames(bench):
    """All kinds."""
    kwl_split.frames(dut(bench))


def large(bench):
    """Of several buffers."""
    with long_frames(bench) as one:
        kwl_split.large(one)


def pages(bench):
    """Mapped by TCP."""
    with long_frames(bench) as one:
        kwl_split.pages(one)


def traffic(bench):
    """While it is switched."""
    kwl_split.traffic(dut(bench))


def own_memory(bench):
    """Its only queue receives into it."""
    one, vf = dut(bench), bench.vfs[0]
    kwl_split.own_memory(one, 0, lambda: ping(vf.v4, ns=bench.env.ns, count=3) == 3, vf.pci)


def out_of_memory(bench):
    """Sent from there."""
    kwl_split.out_of_memory(dut(bench))


def apart(bench):
    """Of two VFs one splits, and each gets the other's data and those of the wire."""
    one, two = dut(bench), bench.vfs[1]
    with kwl_split.On(one):
        for near, far in ((bench.vfs[0], two), (two, bench.vfs[0]), (two, wire_end(bench.env))):
            sent, got = transfer(path(near, far), "rx")
            ksft_eq(got, sent, "md5")
        bench.env.set_link("down")
        bench.env.set_link("up")
        one.wait_carrier()
        ksft_eq(kwl_split.shown(one)["tcp-data-split"], "on", "after the PF was down")
        ksft_eq(ping(bench.vfs[0].v4, ns=bench.env.ns, count=3), 3, "answers")


def not_in_switchdev(bench):
    """The PF's queue that frames of VFs come by takes them whole: the one excludes the other."""
    env = bench.env
    pf = kwl_xdp.Dut(env, env.ifname, None, env.mac)
    mode = f"devlink dev eswitch set pci/{env.pci} mode"
    with kwl_split.On(pf):
        done = run(f"{mode} switchdev", check=False)
        ksft_true(done.returncode, "refused")
        ksft_in("turn tcp-data-split off first", done.stderr, "reason")
    run(f"{mode} switchdev")
    try:
        ksft_in("no tcp-data-split in mode switchdev", kwl_split.refusal(pf), "reason")
    finally:
        run(f"{mode} legacy")


def main():
    """Run the cases."""
    bench = Sriov()
    bench.enable(2)
    ksft_run([setting, refusals, frames, large, pages, traffic, own_memory, out_of_memory, apart, not_in_switchdev], args=(bench,))
    bench.disable()
    ksft_exit()


if __name__ == "__main__":
    main()
