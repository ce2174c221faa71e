#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""Link state of a VF: the administrator's word, seen by the VF at once and without a reset."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_sys import read
from kwl_traffic import ping

# Seconds; generous for the emulator. The periodic look of a VF driver comes after two.
AT_ONCE = 1.0


def state(bench, value):
    """Set the link state of VF 0 and check that it is shown."""
    bench.set_vf(0, "state", value)
    ksft_eq(bench.pf_vf(0)["link_state"], value, "ip -d link show PF")


def disable_and_auto(bench):
    """`disable` takes the VF's carrier away, and only this VF's; `auto` gives it back."""
    one, other = bench.vfs
    defer(bench.set_vf, 0, "state", "auto")
    state(bench, "disable")
    one.wait_carrier(False, AT_ONCE if bench.driver == OURS else 10)
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=other.ns), 2, "answers to the other VF")
    ksft_eq(ping(one.v4, options="-W 1", ns=bench.env.ns), 0, "answers of the disabled VF")
    state(bench, "auto")
    one.wait_carrier(True, AT_ONCE if bench.driver == OURS else 15)
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=one.ns), 2, "answers to the VF again")


def disabled_from_the_start(bench):
    """A VF that is disabled before its driver loads has no carrier until it is enabled."""
    vf = bench.vfs[0]
    defer(bench.set_vf, 0, "state", "auto")
    vf.unbind()
    state(bench, "disable")
    vf.bind(bench.driver)
    vf.attach()
    # The other VF's round trip gives this one time to get it wrong.
    ksft_eq(ping(bench.env.peer_v4, count=20, ns=bench.vfs[1].ns), 20, "answers to the other VF")
    ksft_eq(vf.carrier(), False, "carrier")
    state(bench, "auto")
    vf.wait_carrier(True, 15)
    bench.forget_neighbours()
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=vf.ns), 2, "answers")


def enable_with_link(bench):
    """`enable` on a port that has its link changes nothing for the VF."""
    vf = bench.vfs[0]
    defer(bench.set_vf, 0, "state", "auto")
    before = read_changes(vf)
    state(bench, "enable")
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=vf.ns), 3, "answers")
    ksft_eq(read_changes(vf), before, "carrier changes")


def read_changes(vf):
    """How often the VF's carrier has changed."""
    return vf.link()["carrier_changes"] if "carrier_changes" in vf.link() else None


def survives(bench):
    """The state holds over PF down and up."""
    one = bench.vfs[0]
    defer(bench.set_vf, 0, "state", "auto")
    state(bench, "disable")
    one.wait_carrier(False)
    bench.env.set_link("down")
    bench.env.set_link("up")
    bench.env.wait_carrier()
    bench.vfs[1].wait_carrier()
    ksft_eq(bench.pf_vf(0)["link_state"], "disable", "shown afterwards")
    ksft_eq(one.carrier(), False, "carrier of the disabled VF")
    ksft_eq(read(f"/sys/class/net/{bench.env.ifname}/carrier"), "1", "carrier of the PF")


def main():
    """Run the cases."""
    cases = [disable_and_auto, disabled_from_the_start, enable_with_link, survives]
    ksft_run(with_drivers(cases, [OURS]) + with_drivers([disable_and_auto], ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
