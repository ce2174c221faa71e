#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=1200 drivers=kawela
"""Open vSwitch over the uplink and representors of mode switchdev: the kernel's datapath, hw-offload off and on."""

import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_lt, ksft_pr, ksft_run, ksft_true
from lib.py.ksft import KsftCaseFunction, KsftNamedVariant
from kwl_env import link
from kwl_frames import ether
from kwl_ovs import BRIDGE, OUTER, OvsBench, arrivals, connected, everywhere, filters_of, reach
from kwl_repr import PIPES
from kwl_sriov import OURS, path
from kwl_switch import BROADCAST, LOCAL, MARK
from kwl_sys import output, run, settle, wait_for
from kwl_traffic import ping, transfer
from kwl_wire import Capture, packet_socket, send_frames

UNKNOWN, GROUP = "52:54:00:00:00:99", "01:00:5e:11:22:33"
VID = 333
SIZE = 256 << 10


def end(v4, ns):
    """An end of checked traffic."""
    return type("End", (), {"v4": v4, "v6": None, "ns": ns})


def checked(near, far, what):
    """TCP both ways with checked content."""
    for direction in ("tx", "rx"):
        sent, got = transfer(path(near, far), direction, size=SIZE)
        ksft_eq(sent, got, f"md5, {what}, {direction}")


def tagged(bench, vid=VID):
    """VF 0, VF 1 and the wire on VLAN devices, by name."""
    ends = {}
    for at, name in enumerate(("vf0", "vf1", "wire")):
        one = bench.ends()[name]
        run(f"ip -n {one.ns} link add link {one.ifname} name kvlan type vlan id {vid}")
        defer(run, f"ip -n {one.ns} link del kvlan")
        run(f"ip -n {one.ns} addr add 198.51.100.{1 + at}/24 dev kvlan")
        run(f"ip -n {one.ns} link set kvlan up")
        ends[name] = end(f"198.51.100.{1 + at}", one.ns)
    return ends


def traffic(bench, offload):
    """VFs, wire and host reach each other, with tags and without, and are learned; nothing claims to be offloaded."""
    ovs = connected(bench, offload)
    ends = {name: end(one.v4, one.ns) for name, one in bench.ends().items() if name in OUTER}
    in_vlan = tagged(bench)
    for what, group in (("untagged", ends), ("tagged", in_vlan)):
        for one, other in (("vf0", "vf1"), ("vf0", "wire"), ("wire", "vf1")):
            near, far = group[one], group[other]
            wait_for(lambda ns=near.ns, to=far.v4: ping(to, ns=ns), 30, f"{one} to reach {other}, {what}")
            ksft_eq(ping(far.v4, count=20, ns=near.ns), 20, f"answers, {one} to {other}, {what}")
            checked(near, far, f"{one} and {other}, {what}")
    checked(ends["host"], ends["vf0"], "host and vf0")
    macs = {name: one.mac for name, one in bench.ends().items()}
    ports = {"vf0": "r0", "vf1": "r1", "wire": bench.env.ifname}
    table = ovs.learned()
    ksft_eq({(name, vid): table.get((macs[name], vid)) for name in ports for vid in (0, VID)},
            {(name, vid): port for name, port in ports.items() for vid in (0, VID)}, "ports in fdb/show")
    told(bench, ovs, offload)


def told(bench, ovs, offload):
    """The flow from VF 0 to VF 1 is in tc with hw-offload, else in the datapath; none is said to be in hardware."""
    ping(bench.vfs[1].v4, count=5, ns="vf0")
    near, far = (vf.mac for vf in bench.vfs)
    for kind in ("tc", "ovs"):
        found = [flow for flow in ovs.flows(f"type={kind}")
                 if "in_port(r0)" in flow and f"src={near}" in flow and f"dst={far}" in flow]
        ksft_eq(bool(found), (kind == "tc") == (offload == "true"), f"flows from VF 0 to VF 1 of type {kind}: {found}")
        ksft_true(all("actions:r1" in flow for flow in found), f"what they do: {found}")
    ksft_eq(ovs.flows("type=offloaded"), [], "flows that are said to be offloaded")
    for port in (bench.env.ifname, "r0", "r1"):
        filters = filters_of(port)
        ksft_eq([one for one in filters if one != "not_in_hw"], [], f"filters said to be in hardware, {port}")
        ksft_eq(bool(filters), offload == "true", f"filters of tc, {port}")
        ksft_eq(ovs.error(port), "", f"error of {port}")
    for line in ovs.switch.complaints():
        ksft_pr(f"ovs-vswitchd: {line}")


def frames(bench, offload):
    """Four ends, one switch: known addresses come out of their port alone, others once of each but the sender's."""
    connected(bench, offload)
    ends = {name: one for name, one in bench.ends().items() if name in OUTER}
    for name in ends:
        # All are learned in the VLAN as well.
        arrivals(bench, name, [(BROADCAST, VID)], dict.fromkeys(everywhere(name), 1))
    for sender in ends:
        dsts = {name: one.mac for name, one in ends.items() if name != sender}
        dsts |= {"unknown": UNKNOWN, "group": GROUP, "broadcast": BROADCAST}
        targets = [(dst, tci) for tci in (None, VID) for dst in dsts.values()]
        wanted = {port: [] for port in everywhere(sender)}
        for name, dst in dsts.items():
            for port in wanted if name not in ends else {PIPES.get(sender), name} & set(wanted):
                wanted[port] += [(dst, None), (dst, VID)]
        seen = arrivals(bench, sender, targets, {port: len(found) for port, found in wanted.items()})
        ksft_eq(seen, {port: sorted(found, key=str) for port, found in wanted.items()}, f"from {sender}")


def drop_rule(bench, offload):
    """A rule of OpenFlow that drops stops one VF's frames to the other and nothing else, as long as it is there."""
    ovs = connected(bench, offload)
    near, far = bench.vfs
    match = f"dl_src={near.mac},dl_dst={far.mac}"
    ovs.add_flow(f"priority=100,{match},actions=drop")
    seen = arrivals(bench, "vf0", [(far.mac, None)] * 5, {"rep0": 5}, ready=lambda: ovs.hits(match) >= 5)
    ksft_eq({port: len(found) for port, found in seen.items()}, {"rep0": 5}, "where five frames came")
    ksft_eq(ping(far.v4, count=3, ns=near.ns), 0, "answers of the other VF")
    ksft_eq(ping(near.v4, count=3, ns=far.ns), 0, "answers to the other VF")
    for one in (near, far):
        ksft_eq(ping(bench.env.peer_v4, count=10, ns=one.ns), 10, f"answers of the wire to {one.ns}")
    run(["ovs-ofctl", "del-flows", BRIDGE, match])
    wait_for(lambda: ping(far.v4, ns=near.ns), 30, "the other VF's answer")
    ksft_eq(ping(far.v4, count=10, ns=near.ns), 10, "answers without the rule")


def access_vlan(bench, offload):
    """A tag at a representor's port: its VF is in that VLAN without knowing, and in no other."""
    ovs = connected(bench, offload)
    near, far = bench.vfs
    macs = {name: one.mac for name, one in bench.ends().items()}
    ovs.set_port("r0", f"tag={VID}")
    # What is not tagged: the VLAN's tag is put on for the trunks.
    trunks = {"vf1": [(BROADCAST, VID)], "wire": [(BROADCAST, VID)], "host": [(BROADCAST, VID)]}
    ksft_eq(arrivals(bench, "vf0", [(BROADCAST, None)], dict.fromkeys(["rep0", *trunks], 1)),
            {"rep0": [(BROADCAST, None)], **trunks}, "a broadcast of VF 0")
    # Towards it: its VLAN without the tag, and nothing else.
    outside = [name for name in everywhere("wire") if name != "vf0"]
    targets = [(BROADCAST, VID), (BROADCAST, VID + 1), (BROADCAST, None)]
    seen = arrivals(bench, "wire", targets, {**dict.fromkeys(outside, 3), "vf0": 1}, fenced=outside)
    all_of = dict.fromkeys(outside, sorted(targets, key=str))
    ksft_eq(seen, {"vf0": [(BROADCAST, None)], **all_of}, "broadcasts of the wire")
    ksft_eq(arrivals(bench, "vf1", [(macs["vf0"], VID)], {"rep1": 1, "vf0": 1}, fenced=["rep1", "wire", "host"]),
            {"rep1": [(macs["vf0"], VID)], "vf0": [(macs["vf0"], None)]}, "VF 1 to VF 0 with the tag")
    # A VF that puts tags on itself does not get out of its VLAN.
    refused = arrivals(bench, "vf0", [(BROADCAST, VID + 1)], {"rep0": 1})
    ksft_eq(refused, {"rep0": [(BROADCAST, VID + 1)]}, "a tag of VF 0's own")
    ksft_eq(ping(far.v4, count=3, ns=near.ns), 0, "answers of VF 1 outside of the VLAN")
    ovs.set_port("r1", f"tag={VID}")
    bench.forget_neighbours()
    wait_for(lambda: ping(far.v4, ns=near.ns), 30, "VF 1 to answer within the VLAN")
    checked(near, far, "within the VLAN")
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=near.ns), 0, "answers of the wire outside of the VLAN")
    run(f"ip -n {bench.env.ns} link add link {bench.env.peer_if} name kvlan type vlan id {VID}")
    defer(run, f"ip -n {bench.env.ns} link del kvlan")
    run(f"ip -n {bench.env.ns} addr add 198.51.100.1/24 dev kvlan")
    run(f"ip -n {bench.env.ns} link set kvlan up")
    run(f"ip -n {near.ns} addr add 198.51.100.2/24 dev {near.ifname}")
    defer(run, f"ip -n {near.ns} addr del 198.51.100.2/24 dev {near.ifname}")
    wait_for(lambda: ping("198.51.100.1", ns=near.ns), 30, "the wire's VLAN to answer")
    checked(end("198.51.100.2", near.ns), end("198.51.100.1", bench.env.ns), "VF 0 and the wire's VLAN")


def flood(bench, sender, receiver, seconds=4, size=1000):
    """Send for a while from a VF to another end; return (frames sent, frames that came, seconds)."""
    ends = bench.ends()
    near, far = ends[sender], ends[receiver]
    frame = ether(far.mac, near.mac, LOCAL, MARK + bytes(size - 14 - len(MARK)))
    sent, start = 0, time.monotonic()
    with Capture(far.ifname, far.ns, lambda data: MARK in data) as capture, packet_socket(near.ifname, near.ns) as sock:
        while time.monotonic() < start + seconds:
            try:
                sock.send(frame)
                sent += 1
            except OSError:  # the VF's own ring is full
                time.sleep(0.001)
            if sent % 16 == 0:
                time.sleep(0.004)
        took = time.monotonic() - start
        came = settle(lambda: len(capture.wait(0)), quiet=1, timeout=60)
    return sent, came, took


def policing(bench, offload, kbps=1000, burst=100, size=1000):
    """ingress_policing_rate at a representor limits what its VF sends, to VF and wire, and nothing else."""
    ovs = connected(bench, offload)
    ovs.vsctl("set", "Interface", "r0", f"ingress_policing_rate={kbps}", f"ingress_policing_burst={burst}")

    def measured(sender, receiver):
        sent, came, took = flood(bench, sender, receiver, size=size)
        most = (kbps * 1000 * took + burst * 1000) / 8 / size
        bench.env.note(f"{sender} to {receiver}: {sent} sent in {took:.1f} s, {came} came, {most:.0f} at the rate")
        ksft_ge(sent, 2 * most, "frames sent: enough to be too many")
        return came, most

    for receiver in ("vf1", "wire"):
        came, most = measured("vf0", receiver)
        ksft_lt(came, 1.3 * most, f"frames that came, to {receiver}")
        ksft_ge(came, 0.3 * most, f"frames that came, to {receiver}")
    for sender, receiver in (("vf1", "vf0"), ("wire", "vf0")):
        came, most = measured(sender, receiver)
        ksft_ge(came, 1.3 * most, f"frames that came, {sender} to {receiver}")
    ovs.vsctl("set", "Interface", "r0", "ingress_policing_rate=0")
    came, most = measured("vf0", "vf1")
    ksft_ge(came, 1.3 * most, "frames that came without a limit")


def observer(ovs):
    """A port of the bridge whose other end is in a namespace of its own."""
    run("ip netns add watch")
    defer(run, "ip netns del watch")
    run("ip link add kmirror type veth peer name seen netns watch")
    defer(run, "ip link del kmirror")
    for where, name in (("", "kmirror"), ("-n watch ", "seen")):
        run(f"sysctl -qw net.ipv6.conf.{name}.disable_ipv6=1", ns="watch" if where else None)
        run(f"ip {where}link set {name} up")
    ovs.vsctl("add-port", BRIDGE, "kmirror")


def mirror(bench, offload):
    """A mirror of all ports sees each frame between VFs once, as it was; without it nothing of them."""
    ovs = connected(bench, offload)
    observer(ovs)
    near, far = bench.vfs
    targets = [(far.mac, None), (far.mac, VID), (BROADCAST, None)]
    sent = [ether(dst, near.mac, LOCAL, MARK + bytes([at] * 60), tci) for at, (dst, tci) in enumerate(targets)]
    arrivals(bench, "vf1", [(BROADCAST, VID)], dict.fromkeys(everywhere("vf1"), 1))
    ovs.vsctl("--", "--id=@port", "get", "Port", "kmirror", "--", "--id=@mirror", "create", "Mirror", "name=all",
              "select_all=true", "output_port=@port", "--", "set", "Bridge", BRIDGE, "mirrors=@mirror")
    with Capture("seen", "watch", lambda data: MARK in data) as watch, \
         Capture(far.ifname, far.ns, lambda data: MARK in data) as other:
        send_frames(near.ifname, sent, near.ns)
        ksft_eq(sorted(one.data for one in other.wait(3, 20)), sorted(sent), "frames at VF 1")
        ksft_eq(sorted(one.data for one in watch.wait(3, 20, linger=0.5)), sorted(sent), "frames in the mirror")
    with Capture("seen", "watch", lambda data: data[12:14] == b"\x08\x00" and data[23] == 1) as watch:
        ksft_eq(ping(far.v4, count=5, ns=near.ns), 5, "answers under the mirror")
        ksft_eq({(one.data[6:12].hex(":"), one.data[:6].hex(":")) for one in watch.wait(10, 20)},
                {(near.mac, far.mac), (far.mac, near.mac)}, "who speaks to whom in the mirror")
        ksft_eq(len(watch.frames), 10, "requests and answers in the mirror")
    ovs.vsctl("clear", "Bridge", BRIDGE, "mirrors")
    # Open vSwitch 3.5.0 does not look at flows again that the datapath has, and these go on to mirror what they did.
    ovs.appctl("revalidator/purge")
    # Addresses are forgotten with a mirror, and the port is one like others now: what is unknown comes there, too.
    wait_for(lambda: ping(near.v4, ns=far.ns) and ovs.learned().get((far.mac, 0)) == "r1", 30, "VF 1 in the table")
    with Capture("seen", "watch", lambda data: MARK in data) as watch:
        ksft_eq(arrivals(bench, "vf0", [(far.mac, None)] * 3, {"vf1": 3}),
                dict.fromkeys(("rep0", "vf1"), [(far.mac, None)] * 3), "to VF 1 without the mirror")
        ksft_eq(len(watch.wait(0, linger=0.5)), 0, "frames in the mirror that is none any more")


def restart(bench, offload):
    """ovs-vswitchd ended or killed: what is known still flows, and it comes back with its configuration."""
    ovs = connected(bench, offload)
    near, far = bench.vfs
    for port in ("r0", "r1"):
        ovs.set_port(port, f"tag={VID}")
    bench.forget_neighbours()
    for how in (ovs.exit, ovs.switch.kill):
        wait_for(lambda: ping(far.v4, ns=near.ns), 30, "VF 1 to answer")
        # Its neighbours are not to ask while nobody can learn.
        for one, other in ((near, far), (far, near)):
            run(f"ip -n {one.ns} neigh replace {other.v4} lladdr {other.mac} dev {one.ifname}")
        ksft_eq(ping(far.v4, count=10, ns=near.ns), 10, "answers before")
        if how is ovs.exit:
            ovs.exit()
        else:
            ovs.switch.kill()
        ksft_eq(ping(far.v4, count=10, ns=near.ns), 10, f"answers while it is gone, {how.__name__}")
        ovs.start()
        bench.forget_neighbours()
        wait_for(lambda: ping(far.v4, ns=near.ns), 30, "VF 1 to answer")
        checked(near, far, f"after {how.__name__}")
        trunks = {name: [(BROADCAST, VID)] for name in ("wire", "host")}
        ksft_eq(arrivals(bench, "vf0", [(BROADCAST, None)], dict.fromkeys(["rep0", "vf1", *trunks], 1)),
                {"rep0": [(BROADCAST, None)], "vf1": [(BROADCAST, None)], **trunks}, "the access VLAN is as before")


def modes(bench, offload):
    """To mode legacy and back below a running Open vSwitch: the card forwards meanwhile, whatever its rules say."""
    ovs = connected(bench, offload)
    near, far = bench.vfs
    rule = f"dl_src={near.mac},dl_dst={far.mac}"
    ovs.add_flow(f"priority=100,{rule},actions=drop")
    wait_for(lambda: not ping(far.v4, ns=near.ns), 30, "the rule to hold")
    bench.legacy()
    ksft_eq(bench.reprs(), {}, "representors in mode legacy")
    wait_for(lambda: ovs.error("r0") and ovs.error("r1"), 30, "word of the ports that are gone")
    ksft_eq(ovs.error(bench.env.ifname), "", "error of the uplink")
    bench.forget_neighbours()
    reach(bench)
    ksft_eq(ping(far.v4, count=10, ns=near.ns), 10, "answers that the rule does not hold up in mode legacy")
    checked(near, bench.ends()["wire"], "VF 0 and wire, in mode legacy")
    checked(bench.ends()["host"], near, "host and VF 0, in mode legacy")
    bench.enter()
    again(bench, ovs)
    for one in bench.vfs:
        reach(bench, (one.ns, "wire"))
    ksft_eq(ping(far.v4, count=3, ns=near.ns), 0, "answers that the rule stops")
    run(["ovs-ofctl", "del-flows", BRIDGE, rule])
    works(bench)


def again(bench, ovs):
    """Representors of the same names are taken by Open vSwitch as soon as they are there."""
    for port in ("r0", "r1"):
        wait_for(lambda one=port: not ovs.error(one) and link(one).get("master"), 30, f"{port} as a port")
    bench.forget_neighbours()


def works(bench):
    """All reach each other through the bridge, and frames come out where they should."""
    reach(bench)
    checked(bench.vfs[0], bench.vfs[1], "VF 0 and VF 1")
    checked(bench.vfs[1], bench.ends()["wire"], "VF 1 and wire")
    ksft_eq(arrivals(bench, "vf0", [(UNKNOWN, None)], dict.fromkeys(everywhere("vf0"), 1)),
            {port: [(UNKNOWN, None)] for port in everywhere("vf0")}, "an unknown address from VF 0")


def vfs_anew(bench, offload):
    """VFs removed and made below a running Open vSwitch, which keeps the uplink: new ones are connected as well."""
    ovs = connected(bench, offload)
    defer(bench.spoil)
    bench.disable()
    wait_for(lambda: ovs.error("r0") and ovs.error("r1"), 30, "word of the ports that are gone")
    ksft_eq(ping(bench.env.peer_v4, count=5), 5, "answers to the host without VFs")
    bench.enable(2)
    bench.start_reprs()
    for vf in bench.vfs:
        vf.bind(OURS)
        vf.come_up()
    again(bench, ovs)
    works(bench)
    ksft_in("master ovs-system", output(f"ip link show {bench.env.ifname}"), "the uplink's master")


def main():
    """Run the cases."""
    cases = [traffic, frames, drop_rule, access_vlan, policing, mirror, restart, modes, vfs_anew]
    variants = [KsftNamedVariant(name, value) for name, value in (("software", "false"), ("hw_offload", "true"))]
    bench = OvsBench()
    run(f"modprobe {OURS}")
    ksft_run([KsftCaseFunction(case.__name__, case, variants) for case in cases], args=(bench,))
    if bench.mode != "legacy":
        bench.mode = "legacy"
    ksft_exit()


if __name__ == "__main__":
    main()
