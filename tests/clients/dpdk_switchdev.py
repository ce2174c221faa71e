#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=600 drivers=kawela
"""DPDK's testpmd on a VF behind a representor: it knows nothing of mode switchdev, and frames go where they should."""

from contextlib import ExitStack, contextmanager

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run
from kwl_dpdk import Testpmd, give_to_vfio
from kwl_repr import Switchdev, bridged
from kwl_sriov import OURS
from kwl_stats import cpu_hit
from kwl_sys import run, wait_for
from kwl_traffic import ping
from kwl_wire import Capture

MAC, HOST, ADDRESS = "02:00:00:00:dd:01", "198.51.100.1", "198.51.100.2"
ON_WIRE = "192.0.2.99"


@contextmanager
def behind(bench):
    """VF 0 in the hands of testpmd, which echoes pings; VF 1 is the kernel's."""
    bench.use(OURS)
    bench.enter()
    bench.set_vf(0, "mac", MAC)
    defer(bench.set_vf, 0, "mac", "00:00:00:00:00:00")
    give_to_vfio(bench.vfs[0].pci)
    defer(bench.spoil)
    with Testpmd(bench.vfs[0].pci) as pmd:
        wait_for(lambda: pmd.info().get("Link status") == "up", 20, "the port's link", step=0.5)
        ksft_eq(pmd.info()["MAC address"].lower(), MAC, "address")
        pmd.say("set fwd icmpecho")
        pmd.say("start")
        yield pmd


def pipe(bench):
    """What testpmd sends comes out of its representor and nowhere else, and the other way round, by the slow path."""
    with behind(bench) as pmd:
        run(f"ip addr add {HOST}/24 dev r0")
        defer(run, "ip addr flush dev r0")
        run(f"ip neigh replace {ADDRESS} lladdr {MAC} dev r0 nud permanent")
        before = cpu_hit("r0")
        with ExitStack() as stack:
            elsewhere = {name: stack.enter_context(Capture(end.ifname, end.ns, lambda data: data[23:24] == b"\x01"))
                         for name, end in bench.ends().items() if name in ("rep1", "vf1", "pf", "wire")}
            ksft_eq(ping(ADDRESS, count=20), 20, "answers of testpmd")
            ksft_eq({name: len(one.wait(0, linger=0.2)) for name, one in elsewhere.items()},
                    dict.fromkeys(elsewhere, 0), "pings elsewhere")
        now = cpu_hit("r0")
        ksft_eq([now[way] - before[way] for way in ("rx_packets", "tx_packets")], [20, 20], "frames of the slow path")
        run("ip link set r0 down")
        bench.env.note("the representor is down; the port's link:", pmd.info().get("Link status"))
        ksft_eq(ping(ADDRESS, count=3), 0, "answers without the representor")
        run("ip link set r0 up")
        run(f"ip neigh replace {ADDRESS} lladdr {MAC} dev r0 nud permanent")
        wait_for(lambda: ping(ADDRESS), 20, "testpmd's answer")
        ksft_eq(pmd.quit(), 0, "exit status")


def bridge(bench):
    """On a bridge with the uplink and another VF it answers both."""
    with behind(bench):
        run(f"ip addr flush dev {bench.env.ifname}")
        defer(bench.env.start)
        defer(bridged(bench, bench.env.ifname, "r0", "r1"))
        ends = {name: end for name, end in bench.ends().items() if name in ("vf1", "wire")}
        for name, end in ends.items():
            run(f"ip neigh replace {ON_WIRE} lladdr {MAC} dev {end.ifname} nud permanent", ns=end.ns)
            wait_for(lambda ns=end.ns: ping(ON_WIRE, ns=ns), 30, f"an answer to {name}")
            ksft_eq(ping(ON_WIRE, count=20, ns=end.ns), 20, f"answers to {name}")
        ksft_in(MAC, run("bridge fdb show dev r0").stdout, "where the bridge has learned its address")


def main():
    """Run the cases."""
    bench = Switchdev()
    run(f"modprobe {OURS}")
    ksft_run([pipe, bridge], args=(bench,))
    if bench.mode != "legacy":
        bench.mode = "legacy"
    ksft_exit()


if __name__ == "__main__":
    main()
