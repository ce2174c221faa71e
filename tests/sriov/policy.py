#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""Trust and the check of sources: what they allow, that they are shown, and that they are kept.

Not seen on the emulator: it drops no forged frame, so that of `spoofchk` only the register shows.
It knows no "all multicast" of a pool either: where one VF hears all groups, others that listen to
any group do so, too. So nothing is said here of what the neighbour hears.
"""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_env import stock_skip
from kwl_regs import DTXSWC, dump, vmolr
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import ports_of
from kwl_sys import wait_for, write

# A group that nobody has joined
GROUP = "01:00:5e:11:22:33"
# By pool: addresses, VLANs
CHECKED = 0x0101
ALL_GROUPS = 1 << 28


def hears_group(bench, name="vf0", **how):
    """Tell whether a port gets frames to a group that it has not joined."""
    return name in ports_of(bench, "wire", GROUP, **how)


def set_shown(bench, index, name, key, value):
    """Set an on/off attribute and check that it is shown."""
    bench.set_vf(index, name, "on" if value else "off")
    ksft_eq(bench.pf_vf(index)[key], value, f"{name} of VF {index}")


def untrust(bench):
    """Leave VF 0 as it was."""
    bench.vfs[0].set_link("allmulticast", "off")
    bench.set_vf(0, "trust", "off")
    bench.vfs[0].wait_carrier()


def all_groups_need_trust(bench):
    """All-multicast works for a trusted VF only, from the moment it is trusted to the moment it is not."""
    stock_skip("grants it to anybody, and the emulator knows no such bit")
    vf = bench.vfs[0]
    defer(untrust, bench)
    vf.set_link("allmulticast", "on")
    ksft_eq(hears_group(bench), False, "heard by an untrusted VF that wants all groups")
    ksft_eq(dump(bench.env)[vmolr(0)] & ALL_GROUPS, 0, "VMOLR.MPME of an untrusted VF")

    set_shown(bench, 0, "trust", "trust", True)
    # The driver is told and asks again, without anybody doing anything here.
    wait_for(lambda: hears_group(bench, fenced=["pf", "vf1"]), 20, "the trusted VF to hear all groups")
    ksft_eq(dump(bench.env)[vmolr(0)] & ALL_GROUPS, ALL_GROUPS, "VMOLR.MPME of a trusted VF")

    set_shown(bench, 0, "trust", "trust", False)
    ksft_eq(dump(bench.env)[vmolr(0)] & ALL_GROUPS, 0, "VMOLR.MPME as soon as trust is gone")
    ksft_eq(hears_group(bench, fenced=["pf", "vf1"]), False, "heard as soon as trust is gone")
    vf.wait_carrier()
    ksft_eq(hears_group(bench), False, "heard by the VF that has settled without trust")


def all_groups_left(bench):
    """A trusted VF that wants all groups no longer gets them no longer."""
    stock_skip("the emulator knows no such bit")
    vf = bench.vfs[0]
    defer(untrust, bench)
    bench.set_vf(0, "trust", "on")
    vf.set_link("allmulticast", "on")
    wait_for(lambda: hears_group(bench, fenced=["pf", "vf1"]), 20, "the VF to hear all groups")
    vf.set_link("allmulticast", "off")
    wait_for(lambda: not hears_group(bench), 20, "the VF to hear its own groups only")
    ksft_eq(dump(bench.env)[vmolr(0)] & ALL_GROUPS, 0, "VMOLR.MPME")


def trust_is_not_inherited(bench):
    """All groups end with the driver that wanted them; trust itself, the administrator's word, stays."""
    stock_skip("the emulator knows no such bit")
    vf = bench.vfs[0]
    defer(bench.spoil)
    defer(bench.set_vf, 0, "trust", "off")
    bench.set_vf(0, "trust", "on")
    vf.set_link("allmulticast", "on")
    wait_for(lambda: hears_group(bench, fenced=["pf", "vf1"]), 20, "the VF to hear all groups")
    vf.unbind()
    vf.bind(bench.driver)
    vf.come_up()
    ksft_eq(hears_group(bench), False, "heard by the next driver, which wants none")
    ksft_eq(bench.pf_vf(0)["trust"], True, "trust afterwards")


def checked(bench, index):
    """What the card does about a VF's sources: both bits of its pool, or none."""
    return dump(bench.env)[DTXSWC] >> index & CHECKED


def spoofchk_is_set(bench):
    """On for every VF to begin with; off and on for one of them, as shown and as programmed."""
    ksft_eq([bench.pf_vf(at)["spoofchk"] for at in (0, 1)], [True, True], "to begin with")
    defer(bench.set_vf, 0, "spoofchk", "on")
    for value in (False, True, False):
        set_shown(bench, 0, "spoofchk", "spoofchk", value)
        ksft_eq(bench.pf_vf(1)["spoofchk"], True, "the other VF's")
    stock_skip("registers: its dump has another layout")
    ksft_eq([checked(bench, at) for at in (0, 1)], [0, CHECKED], "DTXSWC, off for VF 0")
    set_shown(bench, 0, "spoofchk", "spoofchk", True)
    ksft_eq([checked(bench, at) for at in (0, 1)], [CHECKED, CHECKED], "DTXSWC, on for both")


def pf_is_not_checked(bench):
    """The PF may send with foreign sources, as bridges do."""
    stock_skip("registers: its dump has another layout")
    ksft_eq(checked(bench, len(bench.vfs)), 0, "DTXSWC of the PF's pool")


def kept(bench):
    """Both are kept, shown and programmed, over PF down and up, MTU, negotiation, resets of PF and VF."""
    stock_skip("does not take part in function resets, and its dump has another layout")
    env, vf = bench.env, bench.vfs[0]
    defer(bench.spoil)
    defer(env.set_link, "mtu", 1500)
    bench.set_vf(0, "spoofchk", "off")
    bench.set_vf(0, "trust", "on")

    def down_up():
        env.set_link("down")
        env.set_link("up")

    for what, change in (("PF down and up", down_up), ("MTU", lambda: env.set_link("mtu", 2000)),
                         ("ethtool -r", lambda: env.ethtool("-r")),
                         ("function reset of the VF", lambda: write(f"/sys/bus/pci/devices/{vf.pci}/reset", 1)),
                         ("function reset of the PF", lambda: write(env.sysfs / "reset", 1))):
        change()
        env.wait_carrier()
        shown = bench.pf_vf(0)
        ksft_eq((shown["spoofchk"], shown["trust"]), (False, True), f"shown after {what}")
        ksft_eq([checked(bench, at) for at in (0, 1)], [0, CHECKED], f"DTXSWC after {what}")


def fresh_for_the_next(bench):
    """VFs that are made anew start without trust and checked."""
    defer(bench.spoil)
    bench.set_vf(0, "spoofchk", "off")
    bench.set_vf(0, "trust", "on")
    bench.enable(2)
    shown = bench.pf_vf(0)
    ksft_eq((shown["spoofchk"], shown["trust"]), (True, False), "spoofchk, trust")


def main():
    """Run the cases."""
    ksft_run(with_drivers([all_groups_need_trust, all_groups_left, trust_is_not_inherited, spoofchk_is_set,
                           pf_is_not_checked, kept, fresh_for_the_next], [OURS]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
