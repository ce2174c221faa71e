#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""The on-card switch: each frame comes out of the ports it must come out of, once, and of no other.

What the emulator cannot show: it delivers a pool's own broadcasts and multicasts back to it, so
that part is the drivers' doing; a promiscuous PF hears no unicast of VFs there. The card itself has
one table of groups: who has joined any group hears those of all others, too.
"""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_env import on_stock
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import BROADCAST, ports_of
from kwl_sys import run, wait_for

UNKNOWN = "52:54:00:00:00:99"
# They end unlike every address here, or the hash would let them in for somebody else.
GROUP, FOREIGN_GROUP = "01:00:5e:11:22:33", "01:00:5e:44:55:66"
VID = 333


def others(bench, sender, dst):
    """Send a frame; return who but the sender got how many of it."""
    got = ports_of(bench, sender, dst)
    got.pop(sender, None)
    return got


def unicast_known(bench):
    """A frame to the address of a port comes out of this port only."""
    ends = bench.ends()
    for sender in ends:
        for target in set(ends) - {sender}:
            got = ports_of(bench, sender, ends[target].mac)
            ksft_eq(got, {target: 1}, f"{sender} to {target}")


def unicast_unknown(bench):
    """A frame to nobody's address goes out on the wire; from the wire no VF gets it."""
    for sender in ("pf", "vf0", "vf1"):
        ksft_eq(ports_of(bench, sender, UNKNOWN), {"wire": 1}, f"from {sender}")
    got = ports_of(bench, "wire", UNKNOWN)
    # The PF is the default port of the switch.
    got.pop("pf", None)
    ksft_eq(got, {}, "VFs that got a foreign frame from the wire")


def broadcast(bench):
    """A broadcast comes out of all other ports."""
    for sender in bench.ends():
        expected = {name: 1 for name in bench.ends() if name != sender}
        ksft_eq(others(bench, sender, BROADCAST), expected, f"from {sender}")


def multicast_not_joined(bench):
    """A group nobody has joined goes out on the wire and reaches nobody from there."""
    for sender in ("pf", "vf0"):
        ksft_eq(ports_of(bench, sender, GROUP), {"wire": 1}, f"from {sender}")
    ksft_eq(ports_of(bench, "wire", GROUP), {}, "from the wire")


def multicast_joined(bench):
    """Who has joined a group gets its frames, from wherever; and no longer when it has left."""
    for name in ("vf1", "pf"):
        end = bench.ends()[name]
        where = f"-n {end.ns}" if end.ns else ""
        run(f"ip {where} maddr add {GROUP} dev {end.ifname}")
        leave = defer(run, f"ip {where} maddr del {GROUP} dev {end.ifname}")
        # VF drivers may tell the PF a little later.
        wait_for(lambda who=name: who in others(bench, "wire", GROUP), what=f"{name} to be in the group")
        for sender in ("wire", "vf0"):
            got = others(bench, sender, GROUP)
            ksft_eq(got.get(name), 1, f"copies for {name} from {sender}")
            if sender != "wire":
                ksft_eq(got.get("wire"), 1, f"copies on the wire from {sender}")
        for sender in ("wire", "vf0"):
            expected = {"wire": 1} if sender == "vf0" else {}
            ksft_eq(others(bench, sender, FOREIGN_GROUP), expected, f"frames to a group nobody has joined from {sender}")
        leave.exec()
        wait_for(lambda: not others(bench, "wire", GROUP), what=f"{name} to have left the group")


def promiscuous_pf(bench):
    """A PF that is promiscuous hears foreign unicast from the wire, all groups and all VLANs; no VF does more."""
    env = bench.env
    tagged = {"tci": VID, "fenced": ["pf", "vf0", "vf1"]}
    ksft_eq(ports_of(bench, "wire", UNKNOWN, **tagged), {}, "a foreign VLAN before")
    defer(env.set_link, "promisc", "off")
    env.set_link("promisc", "on")
    for sender, wire in (("wire", {}), ("vf0", {"wire": 1})):
        got = others(bench, sender, GROUP)
        # The emulator has no such mode by pool: VFs that listen to any group hear it as well.
        ksft_eq({name: got.get(name) for name in ("pf", *wire)}, {"pf": 1, **wire}, f"a group from {sender}")
        got = ports_of(bench, sender, bench.vfs[1].mac)
        got.pop("pf", None)
        ksft_eq(got, {"vf1": 1}, f"unicast to VF 1 from {sender}")
    ksft_eq(ports_of(bench, "wire", UNKNOWN), {"pf": 1}, "foreign unicast")
    ksft_eq(ports_of(bench, "wire", UNKNOWN, **tagged), {"pf": 1}, "a foreign VLAN")
    ksft_eq(ports_of(bench, "vf0", UNKNOWN).get("wire"), 1, "foreign unicast from VF 0, on the wire")
    env.set_link("promisc", "off")
    ksft_eq(ports_of(bench, "wire", GROUP), {}, "a group afterwards")
    ksft_eq(ports_of(bench, "wire", UNKNOWN, **tagged), {}, "a foreign VLAN afterwards")


def all_groups_of_pf(bench):
    """So does a PF that wants all groups, and only as long as it does."""
    defer(bench.env.set_link, "allmulticast", "off")
    bench.env.set_link("allmulticast", "on")
    for sender in ("wire", "vf0"):
        ksft_eq(others(bench, sender, GROUP).get("pf"), 1, f"a group from {sender}")
    bench.env.set_link("allmulticast", "off")
    ksft_eq(ports_of(bench, "wire", GROUP), {}, "afterwards")


def own_frames(bench):
    """Nobody gets back what it has sent itself."""
    # The in-tree igb and igbvf hand on what the emulator returns to the sender.
    senders = [vf.ns for vf in bench.vfs if bench.driver == OURS] + ([] if on_stock() else ["pf"])
    for sender in senders:
        ksft_eq(ports_of(bench, sender, BROADCAST).get(sender), None, f"own broadcasts of {sender}")


def main():
    """Run the cases."""
    cases = [unicast_known, unicast_unknown, broadcast, multicast_not_joined, multicast_joined]
    ksft_run(with_drivers(cases + [own_frames] + ([] if on_stock() else [promiscuous_pf, all_groups_of_pf]), [OURS]) + with_drivers(cases, ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
