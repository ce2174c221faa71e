#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""Link state of a VF: the administrator's word, seen by the VF at once and without a reset."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_qmp import Qmp
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_sys import output, read, settle, wait_for
from kwl_traffic import ping

# Seconds; generous for the emulator. The periodic look of a VF driver comes after two.
AT_ONCE = 1.0


def state(bench, value):
    """Set the link state of VF 0 and check that it is shown."""
    bench.set_vf(0, "state", value)
    ksft_eq(bench.pf_vf(0)["link_state"], value, "ip -d link show PF")


def carrier_changes(vf):
    """How often the VF's carrier has come or gone."""
    return output(f"cat /sys/class/net/{vf.ifname}/carrier_changes", ns=vf.ns)


def disable_and_auto(bench):
    """`disable` takes the VF's carrier away, and only this VF's; `auto` gives it back."""
    one, other = bench.vfs
    defer(bench.set_vf, 0, "state", "auto")
    state(bench, "disable")
    one.wait_carrier(False, AT_ONCE)
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=other.ns), 2, "answers to the other VF")
    ksft_eq(ping(one.v4, options="-W 1", ns=bench.env.ns), 0, "answers of the disabled VF")
    state(bench, "auto")
    one.wait_carrier(True, AT_ONCE)
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=one.ns), 2, "answers to the VF again")


def at_once_under_traffic(bench):
    """The VF is told at once as well when it has just been busy: mail then shares an interrupt with frames."""
    vf = bench.vfs[0]
    defer(bench.set_vf, 0, "state", "auto")
    for _ in range(8):
        ksft_eq(ping(bench.env.peer_v4, ns=vf.ns), 1, "answers")
        state(bench, "disable")
        vf.wait_carrier(False, AT_ONCE)
        state(bench, "auto")
        vf.wait_carrier(True, AT_ONCE)


def disabled_without_our_driver(bench):
    """A disabled VF is off the switch whatever its driver makes of it; `auto` lets it in again."""
    one, other = bench.vfs
    defer(bench.set_vf, 0, "state", "auto")
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=one.ns), 2, "answers before")
    state(bench, "disable")
    for target, ns in ((one.v4, bench.env.ns), (one.v4, other.ns), (bench.env.peer_v4, one.ns)):
        ksft_eq(ping(target, options="-W 1", ns=ns), 0, f"answers of {target} to {ns}")
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=other.ns), 2, "answers to the other VF")
    state(bench, "auto")
    wait_for(lambda: ping(bench.env.peer_v4, ns=one.ns), 20, "the VF to be back")


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
    before = carrier_changes(vf)
    state(bench, "enable")
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=vf.ns), 3, "answers")
    ksft_eq(carrier_changes(vf), before, "carrier changes")


def plug_in():
    """Give the port its link back."""
    with Qmp() as emulator:
        emulator.execute("set_link", name="dut", up=True)


def enable_without_link(bench):
    """When the wire's plug is pulled, VFs with `enable` keep their carrier, one with `auto` loses it.

    Not seen on the emulator: the card could switch between VFs without a link, the emulator does not.
    """
    env = bench.env
    one, other = bench.vfs
    for index in (0, 1):
        defer(bench.set_vf, index, "state", "auto")
    state(bench, "enable")
    changes = settle(lambda: carrier_changes(one), quiet=0.5)
    with Qmp() as emulator:
        emulator.execute("set_link", name="dut", up=False)
    plug = defer(plug_in)
    wait_for(lambda: not env.carrier(), 10, "the PF to lose its carrier")
    other.wait_carrier(False)
    ksft_eq(one.carrier(), True, "carrier of the enabled VF without a link")
    bench.set_vf(1, "state", "enable")
    other.wait_carrier(True, AT_ONCE)
    ksft_eq(ping(other.v4, options="-W 1", ns=one.ns), 0, "answers between VFs without a link, on the emulator")
    bench.set_vf(1, "state", "auto")
    other.wait_carrier(False, AT_ONCE)
    plug.exec()
    env.wait_carrier()
    other.wait_carrier()
    ksft_eq(carrier_changes(one), changes, "carrier changes of the enabled VF")
    for vf in (one, other):
        ksft_eq(ping(env.peer_v4, count=2, ns=vf.ns), 2, f"answers to {vf.ns}")


def enable_while_negotiating(bench):
    """A new negotiation of the link takes the carrier of a VF with `auto`, and not that of one with `enable`."""
    one, other = bench.vfs
    defer(bench.set_vf, 0, "state", "auto")
    state(bench, "enable")
    bench.env.wait_carrier()
    other.wait_carrier()
    before, theirs = settle(lambda: (carrier_changes(one), int(carrier_changes(other))), quiet=0.5)
    for flaps in (1, 2, 3):
        bench.env.ethtool("-r")
        wait_for(lambda want=theirs + 2 * flaps: int(carrier_changes(other)) >= want, what="the other VF to have lost it")
        bench.env.wait_carrier()
        other.wait_carrier()
    ksft_eq(carrier_changes(one), before, "carrier changes of the enabled VF")
    ksft_eq(int(carrier_changes(other)), theirs + 6, "carrier changes of the other VF")
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=one.ns), 2, "answers")


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
    cases = [disable_and_auto, at_once_under_traffic, disabled_from_the_start, enable_with_link, enable_without_link,
             enable_while_negotiating, survives]
    ksft_run(with_drivers(cases, [OURS]) + with_drivers([disabled_without_our_driver], ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
