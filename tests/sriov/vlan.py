#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""VLANs that a VF joins itself, and the port VLAN that its administrator puts it into."""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import BROADCAST, frames_seen, ports_of, tag_of
from kwl_sys import batch, run, wait_for
from kwl_traffic import ping

VID, QOS = 100, 5
NEAR, FAR, THIRD = "198.51.100.1", "198.51.100.2", "198.51.100.3"


def join(end, address, vid=VID):
    """Give an end a VLAN device with an address; gone when the case ends."""
    where = f"ip -n {end.ns}" if end.ns else "ip"
    run(f"{where} link add link {end.ifname} name vlan{vid} type vlan id {vid}")
    leave = defer(run, f"{where} link del vlan{vid}", check=False)
    batch("ip", [f"addr add {address}/24 dev vlan{vid}", f"link set vlan{vid} up"], ns=end.ns)
    return leave


def port_vlan(bench, index, vid, qos=0):
    """Put a VF into a port VLAN."""
    bench.set_vf(index, "vlan", vid, "qos", qos)
    vf = bench.vfs[index]
    # A VF that is told to reset itself does so when it likes, or not at all: have it start anew.
    vf.set_link("down")
    vf.set_link("up")
    vf.wait_carrier()


def leave_port_vlan(bench):
    """Take the VF out again; the next case needs a VF whose driver has started afresh."""
    bench.set_vf(0, "vlan", 0)
    bench.spoil()


def joined(bench):
    """A VLAN device on a VF talks to the wire and to another VF, tagged; who has left hears nothing."""
    ends = bench.ends()
    leave = join(bench.vfs[0], NEAR)
    join(ends["wire"], FAR)
    ksft_eq(ping(FAR, count=3, ns="vf0"), 3, "answers from the wire")
    seen = frames_seen(bench, "vf0", ends["wire"].mac, tci=QOS << 13 | VID)
    ksft_eq([tag_of(one) for one in seen.get("wire", ())], [QOS << 13 | VID], "tag on the wire")
    join(bench.vfs[1], THIRD)
    ksft_eq(ping(THIRD, count=3, ns="vf0"), 3, "answers from the other VF")
    leave.exec()
    got = ports_of(bench, "wire", BROADCAST, tci=VID)
    ksft_eq(got, {"vf1": 1}, "who hears the VLAN when VF 0 has left it")


def members_only(bench):
    """Tagged frames reach members only, with their tag, by unicast and by broadcast."""
    one, other = bench.vfs
    join(one, NEAR)
    for tci in (VID, QOS << 13 | VID):
        seen = frames_seen(bench, "wire", one.mac, tci=tci)
        ksft_eq({name: [tag_of(frame) for frame in got] for name, got in seen.items()}, {"vf0": [tci]}, "unicast")
        ksft_eq(ports_of(bench, "wire", BROADCAST, tci=tci), {"vf0": 1}, "broadcast")
    ksft_eq(ports_of(bench, "wire", other.mac, tci=VID).get("vf1"), None, "unicast to a VF that is no member")
    ksft_eq(ports_of(bench, "wire", one.mac, tci=VID + 1).get("vf0"), None, "another VLAN")
    ksft_eq(ports_of(bench, "wire", one.mac), {"vf0": 1}, "untagged")


def rejoined_after_down(bench):
    """VLANs are in force again after the VF was down."""
    vf = bench.vfs[0]
    join(vf, NEAR)
    join(bench.ends()["wire"], FAR)
    vf.set_link("down")
    vf.set_link("up")
    vf.wait_carrier()
    batch("ip", [f"link set vlan{VID} up", f"addr replace {NEAR}/24 dev vlan{VID}"], ns=vf.ns)
    ksft_eq(ping(FAR, count=2, ns=vf.ns), 2, "answers")


def port_vlan_tags(bench):
    """In a port VLAN the VF sends and receives untagged; the wire sees tag and priority."""
    ends = bench.ends()
    defer(leave_port_vlan, bench)
    port_vlan(bench, 0, VID, QOS)
    shown = bench.pf_vf(0)["vlan_list"][0]
    ksft_eq((shown["vlan"], shown.get("qos")), (VID, QOS), "ip -d link show PF")
    seen = frames_seen(bench, "vf0", ends["wire"].mac, fenced=["wire"])
    ksft_eq([tag_of(one) for one in seen.get("wire", ())], [QOS << 13 | VID], "tag on the wire")
    seen = frames_seen(bench, "wire", bench.vfs[0].mac, tci=VID, fenced=["pf", "vf1"])
    ksft_eq([tag_of(one) for one in seen.get("vf0", ())], [None], "tag at the VF")
    join(ends["wire"], FAR)
    batch("ip", [f"addr replace {NEAR}/24 dev v0"], ns="vf0")
    defer(run, f"ip -n vf0 addr del {NEAR}/24 dev v0", check=False)
    ksft_eq(ping(FAR, count=3, ns="vf0"), 3, "answers")


def port_vlan_isolates(bench):
    """Neither the other VF nor the PF hears a VF in a port VLAN, nor it them."""
    defer(leave_port_vlan, bench)
    port_vlan(bench, 0, VID)
    mac = bench.vfs[0].mac
    got = ports_of(bench, "vf0", BROADCAST, fenced=["wire"])
    ksft_eq({name: got.get(name) for name in ("wire", "pf", "vf1")}, {"wire": 1, "pf": None, "vf1": None}, "from it")
    for sender, fenced in (("wire", ["pf", "vf1"]), ("vf1", ["pf", "wire"])):
        for dst in (mac, BROADCAST):
            got = ports_of(bench, sender, dst, fenced=fenced)
            ksft_eq(got.get("vf0"), None, f"untagged from {sender} to {dst}")
    got = ports_of(bench, "wire", BROADCAST, tci=VID, fenced=["pf", "vf1"])
    ksft_eq(got, {"vf0": 1}, "who hears the VLAN")


def port_vlan_left(bench):
    """VLAN 0 takes the VF out of its port VLAN."""
    port_vlan(bench, 0, VID)
    bench.set_vf(0, "vlan", 0)
    defer(bench.spoil)
    vf = bench.vfs[0]
    vf.set_link("down")
    vf.set_link("up")
    vf.wait_carrier()
    ksft_eq(bench.pf_vf(0)["vlan_list"][0].get("vlan", 0), 0, "ip -d link show PF")
    ksft_eq(ports_of(bench, "wire", vf.mac), {"vf0": 1}, "untagged from the wire")
    wait_for(lambda: ping(bench.env.peer_v4, ns="vf0"), what="an answer")


def no_vlan_of_its_own(bench):
    """A VF in a port VLAN may not join others."""
    defer(leave_port_vlan, bench)
    port_vlan(bench, 0, VID)
    done = run("ip -n vf0 link add link v0 name vlan7 type vlan id 7", check=False)
    defer(run, "ip -n vf0 link del vlan7", check=False)
    ksft_true(done.returncode, "joining refused")


def refused_values(bench):
    """Impossible VLANs are refused with a reason that tells which."""
    for words, reason in ((("vlan", VID, "qos", 8), "Invalid argument"),
                          (("vlan", VID, "proto", "802.1ad"), "Protocol not supported")):
        done = bench.set_vf(0, *words, check=False)
        ksft_true(done.returncode and re.search(reason, done.stderr), f"{words}: {done.stderr}")


def main():
    """Run the cases."""
    ours = [joined, members_only, rejoined_after_down, port_vlan_tags, port_vlan_isolates, port_vlan_left,
            no_vlan_of_its_own, refused_values]
    run("modprobe 8021q")
    ksft_run(with_drivers(ours, [OURS]) + with_drivers([joined, port_vlan_tags], ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
