#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=420 drivers=kawela
"""Mode switchdev: every frame a VF sends comes out of its representor, the other way round, and nowhere else.

KWL_CYCLES is how often the mode is toggled: 100 unless it is given, and 10 in the debug kernel, where one
takes many seconds.
"""

import errno
import os
import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import OWN_KERNEL
from kwl_frames import ether
from kwl_leaks import LeakCheck
from kwl_repr import PIPES, Switchdev, bridged
from kwl_sriov import OURS, STOCK, path, pf_end
from kwl_stats import cpu_hit, driver_stats
from kwl_switch import BROADCAST, burst_seen, ports_of
from kwl_sys import output, read, run, run_json, settle, wait_for
from kwl_traffic import ping, transfer
from kwl_wire import Capture, packet_socket
from kwl_xsk import Xsk, refusal

CYCLES = int(os.environ.get("KWL_CYCLES") or (10 if OWN_KERNEL else 100))
UNKNOWN, GROUP = "52:54:00:00:00:99", "01:00:5e:11:22:33"
ADMIN_MAC, VID = "02:00:00:00:cc:01", 333
LOCAL = 0x88B5
LOST = ("rx_dropped", "rx_errors", "tx_dropped", "tx_errors")


def sysfs(ifname, name):
    """An attribute of an interface; None if it has no value."""
    try:
        return read(f"/sys/class/net/{ifname}/{name}")
    except OSError:
        return None


def use(bench, mode="switchdev"):
    """Two running VFs in a mode."""
    if mode == "switchdev":
        return bench.ready()
    bench.use(OURS)
    if bench.mode != "legacy":
        bench.legacy()
    return bench


def tags_of_uplink(bench):
    """The features of the uplink that concern VLAN tags."""
    return {name: bench.env.feature(name) for name in ("rx-vlan-offload", "tx-vlan-offload", "rx-vlan-filter")}


def modes(bench):
    """The mode without VFs, before and after VFs are made; other modes and what goes with them are refused."""
    devlink = bench.devlink
    bench.disable()
    defer(lambda: setattr(bench, "mode", "legacy"))
    ksft_eq(bench.mode, "legacy", "at first")
    bench.mode = "switchdev"
    bench.mode = "switchdev"
    ksft_eq((bench.mode, bench.reprs()), ("switchdev", {}), "without VFs")
    ksft_eq(tags_of_uplink(bench), dict.fromkeys(tags_of_uplink(bench), False), "tags are left to the stack")
    bench.enable(3)
    ksft_eq(sorted(bench.reprs()), [0, 1, 2], "representors of VFs made afterwards")
    bench.disable()
    ksft_eq((bench.mode, bench.reprs()), ("switchdev", {}), "without VFs again")
    bench.enable(7)
    ksft_eq(len(bench.reprs()), 7, "representors of seven")
    bench.mode = "legacy"
    ksft_eq((bench.mode, bench.reprs()), ("legacy", {}), "back, with VFs")
    ksft_eq(tags_of_uplink(bench), dict.fromkeys(tags_of_uplink(bench), True), "tags as before")
    bench.mode = "switchdev"
    ksft_eq(len(bench.reprs()), 7, "representors of VFs made before")
    shown = devlink.json("dev", "eswitch", "show", "DEV")["dev"][devlink.name]
    ksft_eq((shown["inline-mode"], shown["encap-mode"]), ("none", "none"), "inline and encap mode")
    devlink.run("dev", "eswitch", "set", "DEV", "mode", "switchdev", "inline-mode", "none", "encap-mode", "none")
    ksft_in("knows nothing of tunnels", devlink.refused("dev", "eswitch", "set", "DEV", "encap-mode", "basic"), "encap")
    ksft_in("carry no headers", devlink.refused("dev", "eswitch", "set", "DEV", "inline-mode", "link"), "inline")
    ksft_in("there are VFs", devlink.refused("dev", "reload", "DEV"), "reload")
    ksft_in("forwards nothing by itself", run(["bridge", "link", "set", "dev", bench.env.ifname, "hwmode", "vepa"],
                                              check=False).stderr, "hwmode")


def names(bench):
    """Representors say which VF they belong to, all ports which switch; nothing of it in mode legacy."""
    use(bench, "legacy")
    env = bench.env
    ksft_eq((sysfs(env.ifname, "phys_switch_id"), sysfs(env.ifname, "phys_port_name")), (None, "p0"), "in mode legacy")
    name = env.ifname
    use(bench)
    ksft_eq(env.ifname, name, "name of the uplink")
    ids = {sysfs(one, "phys_switch_id") for one in (env.ifname, *bench.reprs().values())}
    ksft_eq(len(ids - {None}), 1, "switches of three ports")
    ksft_eq({num: sysfs(one, "phys_port_name") for num, one in bench.reprs().items()}, {0: "pf0vf0", 1: "pf0vf1"},
            "names of ports")
    ksft_eq(sysfs(env.ifname, "phys_port_name"), "p0", "name of the uplink's port")
    for number, port in bench.devlink.ports().items():
        if number:
            ksft_eq((port["flavour"], port["controller"], port["pfnum"], port["vfnum"], port["external"]),
                    ("pcivf", 0, 0, number - 1, False), f"port {number}")
            ksft_eq(port["function"]["hw_addr"], bench.vfs[number - 1].mac, "address of its function")
    ksft_true(not os.path.exists("/sys/class/net/r0/device"), "no representor claims to be the PCI device")
    about = dict(line.split(": ", 1) for line in output("ethtool -i r0").splitlines() if ": " in line)
    ksft_eq((about["driver"], about["bus-info"]), ("kawela_pf_repr", env.pci), "what ethtool says of a representor")
    before = sysfs("r0", "address")
    bench.devlink.run("port", "function", "set", "DEV/1", "hw_addr", ADMIN_MAC)
    defer(bench.set_vf, 0, "mac", "00:00:00:00:00:00")
    wait_for(lambda: bench.vfs[0].mac == ADMIN_MAC, what="the running VF to take its address")
    ksft_eq(sysfs("r0", "address"), before, "the representor has one of its own")
    bench.spoil()


def sockets(bench):
    """An AF_XDP socket has the PF's queue, or frames of VFs come by it: not both, and the first one stays."""
    use(bench, "legacy")
    end = pf_end(bench.env)
    with Xsk(end) as xsk:
        ksft_true(xsk.zero_copy(), "zero copy")
        ksft_in("AF_XDP socket has the queue", bench.devlink.refused("dev", "eswitch", "set", "DEV", "mode", "switchdev"),
                "the reason")
        ksft_eq(bench.mode, "legacy", "mode")
    use(bench)
    ksft_eq(refusal(end), errno.EBUSY, "a socket while representors have the queue")
    ksft_eq(ping(bench.env.peer_v4), 1, "answers to the uplink")


def destinations(bench):
    """Addresses that a frame may go to: everybody's, nobody's, a group, all."""
    ends = {name: end.mac for name, end in bench.ends().items()}
    return {**ends, "unknown": UNKNOWN, "group": GROUP, "broadcast": BROADCAST}


def frames(bench):
    """Six ends, three pipes: whatever a frame's address and tag, it comes out of the other end, once, as it went in."""
    use(bench)
    for sender, far in PIPES.items():
        targets = [(dst, tci) for tci in (None, VID, 0) for name, dst in destinations(bench).items() if name != sender]
        seen = burst_seen(bench, sender, targets, [far])
        # GRO hands on frames of different flows in an order of its own.
        ksft_eq({port: sorted(found, key=str) for port, found in seen.items()}, {far: sorted(targets, key=str)},
                f"from {sender}")


def down_and_gone(bench):
    """What comes for a representor that is down is dropped and counted; nobody else gets it."""
    use(bench)
    run("ip link set r0 down")
    defer(bench.start_reprs)
    wait_for(lambda: not bench.vfs[0].carrier(), what="VF 0 to lose its carrier")
    ksft_true(bench.vfs[1].carrier(), "VF 1 keeps its")
    run("ip link set r0 up")
    wait_for(bench.vfs[0].carrier, what="VF 0 to have its carrier back")
    bench.set_vf(0, "state", "disable")
    wait_for(lambda: not bench.vfs[0].carrier(), what="VF 0 to lose it by `ip link set vf`, too")
    bench.set_vf(0, "state", "auto")
    wait_for(bench.vfs[0].carrier, what="VF 0 to have its carrier back")


def uplink_down(bench):
    """The pipes go through the uplink's queue: without it they have no carrier, and come back with it."""
    use(bench)
    env = bench.env
    run(f"ip link set {env.ifname} down")
    defer(env.start)
    for vf in bench.vfs:
        vf.wait_carrier(False)
    ksft_eq([sysfs(one, "carrier") for one in ("r0", "r1")], ["0", "0"], "carrier of the representors")
    env.start()
    for vf in bench.vfs:
        vf.wait_carrier()
    ksft_eq([sysfs(one, "carrier") for one in ("r0", "r1")], ["1", "1"], "carrier of the representors")
    ksft_eq(ports_of(bench, "vf0", UNKNOWN, fenced=["rep0"]), {"rep0": 1}, "frames pass again")


def mtu(bench):
    """A representor's MTU is its VF's limit; longer frames go through where both ends allow them."""
    use(bench)
    vf = bench.vfs[0]
    most = vf.link()["max_mtu"]
    ksft_eq(most, 1500, "limit at first")
    run("ip link set r0 mtu 9000")
    defer(run, "ip link set r0 mtu 1500")
    wait_for(lambda: vf.link()["max_mtu"] == 9000, what="VF 0 to have the limit")
    ksft_eq(bench.vfs[1].link()["max_mtu"], 1500, "limit of the other VF")
    vf.set_link("mtu", 9000)
    vf.wait_carrier()
    pipe(bench, 0)
    ksft_eq(ping("198.51.100.2", count=3, size=8900, options="-M do"), 3, "long answers")
    run("ip link set r0 mtu 1400")
    wait_for(lambda: (vf.link()["mtu"], vf.link()["max_mtu"]) == (1400, 1400), what="VF 0 to take the shorter one")
    vf.wait_carrier()
    ksft_eq(ping("198.51.100.2", count=3, size=1300), 3, "answers")
    run("ip link set r0 mtu 1500")
    wait_for(lambda: vf.link()["max_mtu"] == 1500, what="VF 0 to have the limit")
    vf.set_link("mtu", 1500)
    vf.wait_carrier()
    ksft_true(run("ip link set r0 mtu 9800", check=False).returncode, "too long for the card")


def mtu_at_start(bench):
    """A VF whose representor has a smaller MTU has no larger one when its driver starts."""
    use(bench)
    vf = bench.vfs[0]
    defer(bench.spoil)
    vf.unbind()
    run("ip link set r0 mtu 1400")
    vf.bind(OURS)
    vf.attach()
    vf.wait_carrier()
    ksft_eq((vf.link()["mtu"], vf.link()["max_mtu"]), (1400, 1400), "MTU and limit")
    pipe(bench, 0)
    ksft_eq(ping("198.51.100.2", count=3, size=1372, options="-M do"), 3, "answers as long as may be")


def pipe(bench, num, vid=None):
    """Give a representor and its VF addresses, on VLAN devices if asked for; return the path between them."""
    vf, near, far = bench.vfs[num], f"r{num}", bench.vfs[num].ifname
    if vid:
        for where, dev in (("ip", near), (f"ip -n {vf.ns}", far)):
            run(f"{where} link add link {dev} name kvlan type vlan id {vid}")
            defer(run, f"{where} link del kvlan", check=False)
            run(f"{where} link set kvlan up")
        near = far = "kvlan"
    run(f"ip addr add 198.51.100.1/24 dev {near}")
    defer(run, f"ip addr del 198.51.100.1/24 dev {near}", check=False)
    run(f"ip -n {vf.ns} addr add 198.51.100.2/24 dev {far}")
    defer(run, f"ip -n {vf.ns} addr del 198.51.100.2/24 dev {far}", check=False)
    ends = [type("End", (), {"v4": v4, "v6": None, "ns": ns}) for v4, ns in (("198.51.100.1", None), ("198.51.100.2", vf.ns))]
    wait_for(lambda: ping("198.51.100.2"), what="an answer of the VF")
    return path(*ends)


def longest(capture):
    """The longest frame of a capture."""
    return max(len(one.data) for one in capture.wait(1))


def offloads(bench):
    """TCP both ways between a VF and its representor: every byte arrives; long sends are cut by the card, GRO joins."""
    use(bench)
    way = pipe(bench, 0)
    before = lost(bench)
    for direction in ("tx", "rx"):
        with Capture("r0") as received, Capture("r0", outgoing=True) as handed:
            one, other = transfer(way, direction, size=1 << 20)
            ksft_eq(one, other, f"md5, {direction}")
            capture = handed if direction == "tx" else received
            ksft_ge(longest(capture), 2000, f"longest frame, {direction}: not cut or joined by the stack")
            if direction == "rx":
                data = [one for one in received.frames if len(one.data) > 1000]
                ksft_eq(sum(not (one.csum_valid or one.csum_open) for one in data), 0, "frames whose checksum the stack had to look at")
    ksft_eq(lost(bench), before, "frames lost")
    for feature in ("tso", "tx", "rx", "gro"):
        run(f"ethtool -K r0 {feature} off")
        defer(run, f"ethtool -K r0 {feature} on")
    for direction in ("tx", "rx"):
        one, other = transfer(way, direction, size=1 << 18)
        ksft_eq(one, other, f"md5 without offloads, {direction}")


def lost(bench):
    """What the ends of pipe 0 count as lost."""
    return {name: {key: stats[key] for key in LOST} for name, stats in
            (("rep0", flat("r0")), ("vf0", flat(bench.vfs[0].ifname, bench.vfs[0].ns)))}


def flat(ifname, ns=None):
    """Counters of an interface, {"rx_packets": ...}."""
    stats = run_json(f"ip {'-n ' + ns if ns else ''} -j -s link show dev {ifname}")[0]["stats64"]
    return {f"{way}_{what}": count for way, counts in stats.items() for what, count in counts.items()}


def vlans(bench):
    """VLAN devices of VFs work, and as many as they like: tags are payload here."""
    use(bench)
    vf = bench.vfs[0]
    way = pipe(bench, 0, vid=VID)
    for direction in ("tx", "rx"):
        one, other = transfer(way, direction, size=1 << 19)
        ksft_eq(one, other, f"md5 in a VLAN, {direction}")
    for vid in range(1000, 1040):
        run(f"ip -n {vf.ns} link add link {vf.ifname} name v{vid} type vlan id {vid}")
        defer(run, f"ip -n {vf.ns} link del v{vid}", check=False)
    ksft_eq(ports_of(bench, "rep0", vf.mac, tci=1039, fenced=["vf0"]), {"vf0": 1}, "a VLAN beyond the card's table")
    ksft_ge(bench.set_vf(0, "vlan", 100, check=False).returncode, 1, "a port VLAN is refused")
    bench.set_vf(0, "vlan", 0)


def stopped(bench, counter, num=0):
    """What the police has stopped of a VF's frames, by one of its counters."""
    ksft_in(counter, driver_stats(f"r{num}"), "counters of the representor")
    return driver_stats(f"r{num}")[counter]


def spoofing(bench):
    """Sources that are not the VF's are stopped and counted as long as spoofchk is on, as the card does in mode legacy."""
    use(bench)
    vf, strange = bench.vfs[0], "02:00:00:00:5b:01"
    defer(bench.set_vf, 0, "spoofchk", "on")
    before, dropped = stopped(bench, "rx_spoofed"), flat("r0")["rx_dropped"]
    ksft_eq(ports_of(bench, "vf0", UNKNOWN, src=strange, fenced=["rep0"]), {}, "ports that a strange source reaches")
    ksft_eq(stopped(bench, "rx_spoofed") - before, 1, "rx_spoofed")
    ksft_eq(flat("r0")["rx_dropped"] - dropped, 1, "rx_dropped")
    ksft_eq(ports_of(bench, "vf0", UNKNOWN, src=bench.vfs[1].mac, fenced=["rep0"]), {}, "ports that the neighbour's reaches")
    ksft_eq(ports_of(bench, "vf0", UNKNOWN, fenced=["rep0"]), {"rep0": 1}, "ports that its own source reaches")
    ksft_eq(ports_of(bench, "rep0", vf.mac, src=strange, fenced=["vf0"]), {"vf0": 1}, "sources of the host are its business")
    bench.set_vf(0, "spoofchk", "off")
    ksft_eq(ports_of(bench, "vf0", UNKNOWN, src=strange, fenced=["rep0"]), {"rep0": 1}, "ports, spoofchk off")
    bench.set_vf(0, "spoofchk", "on")
    run(f"ip -n {vf.ns} link add link {vf.ifname} name kmac address {strange} type macvlan mode private")
    defer(run, f"ip -n {vf.ns} link del kmac", check=False)
    run(f"ip -n {vf.ns} link set kmac up")
    wait_for(lambda: ports_of(bench, "vf0", UNKNOWN, src=strange, fenced=["rep0"]) == {"rep0": 1},
             what="the address of a macvlan to be the VF's own")
    run(f"ip -n {vf.ns} link del kmac")
    wait_for(lambda: ports_of(bench, "vf0", UNKNOWN, src=strange, fenced=["rep0"]) == {},
             what="the address to be a strange one again")


def sent_for(bench, num, seconds, size=1000):
    """Have a VF send for a while; return (frames sent, frames at its representor, seconds)."""
    vf = bench.vfs[num]
    frame = ether(UNKNOWN, vf.mac, LOCAL, bytes(size - 14))
    before, sent, start = cpu_hit(f"r{num}")["rx_packets"], 0, time.monotonic()
    with packet_socket(vf.ifname, vf.ns) as sock:
        while time.monotonic() < start + seconds:
            try:
                sock.send(frame)
                sent += 1
            except OSError:  # the VF's own ring is full
                time.sleep(0.001)
            # The uplink's ring is not to run over, which says nothing about a limit.
            if sent % 32 == 0:
                time.sleep(0.002)
    took = time.monotonic() - start
    return sent, settle(lambda: cpu_hit(f"r{num}")["rx_packets"]) - before, took


def limited(bench, rate=1, size=1000, seconds=4):
    """max_tx_rate, in Mbit/s, holds for what comes out of the pipe; without it, and for the neighbour, nothing is stopped."""
    use(bench)
    defer(bench.set_vf, 0, "max_tx_rate", 0)
    bench.set_vf(0, "max_tx_rate", rate)
    before = [stopped(bench, "rx_above_rate", num) for num in (0, 1)]
    sent, came, took = sent_for(bench, 0, seconds, size)
    fair = rate * 1e6 / 8 / size * took
    bench.env.note(f"{sent} frames in {took:.1f} s, {came} came, {fair:.0f} at {rate} Mbit/s")
    ksft_ge(sent, 2 * fair, "frames sent: enough to be too many")
    ksft_true(0.8 * fair <= came <= 1.1 * fair + 3, f"{came} frames came, {fair:.0f} at {rate} Mbit/s")
    # The VF's stack may have sent a frame of its own meanwhile. And where the uplink's ring was full on a busy
    # host some never got so far, which the emulator does not count.
    count = stopped(bench, "rx_above_rate") - before[0]
    ksft_true(0.98 * (sent - came) <= count <= sent - came + 2, f"rx_above_rate {count}, {sent} sent, {came} came")
    for num, what in ((1, "the neighbour"), (0, "without a limit")):
        bench.set_vf(0, "max_tx_rate", rate if num else 0)
        count = stopped(bench, "rx_above_rate", num)
        pipe(bench, num)
        ksft_eq(ping("198.51.100.2", count=200, size=size, options="-i 0.002"), 200, f"answers, {what}")
        ksft_eq(stopped(bench, "rx_above_rate", num), count, f"rx_above_rate, {what}")
        run(f"ip addr flush dev r{num}")
        run(f"ip -n {bench.vfs[num].ns} addr del 198.51.100.2/24 dev {bench.vfs[num].ifname}")


def software_bridge(bench):
    """A bridge over uplink and representors connects VFs, host and wire; the wire sees no private tag."""
    use(bench)
    env = bench.env
    run(f"ip addr flush dev {env.ifname}")
    defer(env.start)
    defer(bridged(bench))
    run("ip addr add 192.0.2.1/24 dev kbr0")
    with Capture(env.peer_if, env.ns, lambda data: 0xE100 <= int.from_bytes(data[12:14], "big") < 0xEC00) as strange:
        for one, other in ((bench.vfs[0].ns, bench.vfs[1].v4), (bench.vfs[0].ns, env.peer_v4), (env.ns, bench.vfs[1].v4),
                           (bench.vfs[1].ns, "192.0.2.1"), (None, bench.vfs[0].v4), (None, env.peer_v4)):
            wait_for(lambda ns=one, to=other: ping(to, ns=ns), what=f"{one} to reach {other}")
            ksft_eq(ping(other, count=20, ns=one), 20, f"answers, {one} to {other}")
        wire = type("Wire", (), {"v4": env.peer_v4, "v6": None, "ns": env.ns})
        for near, far in ((bench.vfs[0], bench.vfs[1]), (bench.vfs[0], wire)):
            for direction in ("tx", "rx"):
                one, other = transfer(path(near, far), direction, size=1 << 20)
                ksft_eq(one, other, f"md5, {near.v4} and {far.v4}, {direction}")
        ksft_eq([one.data[:20].hex() for one in strange.wait(0, linger=0.3)], [], "private tags on the wire")


def stats(bench):
    """A representor counts what its VF sent as received, in the card and in the slow path, and the other way round."""
    use(bench)
    pipe(bench, 0)
    count, size = 50, 400
    settle(lambda: flat("r0"))
    before, slow = flat("r0"), cpu_hit("r0")
    others = flat("r1"), flat(bench.env.ifname)
    ksft_eq(ping("198.51.100.2", count=count, size=size), count, "answers")
    after, hit = settle(lambda: flat("r0")), cpu_hit("r0")
    for way in ("rx", "tx"):
        found = []
        for what, old, new in (("card", before, after), ("slow path", slow, hit)):
            packets, octets = (new[f"{way}_{key}"] - old[f"{way}_{key}"] for key in ("packets", "bytes"))
            # An ARP exchange more, perhaps.
            ksft_true(count <= packets <= count + 2, f"{way}, {what}: {packets} packets for {count}")
            ksft_ge(octets, count * (size + 42), f"{way}, {what}: bytes")
            found.append((packets, octets))
        ksft_eq(found[0], found[1], f"packets and bytes, {way}, in the card and in the slow path")
    now = flat("r1"), flat(bench.env.ifname)
    for name, new, old in zip(("r1", "the uplink"), now, others):
        # Their stacks may have a word to say
        ksft_true(new["rx_packets"] - old["rx_packets"] <= 2, f"frames received by {name}, of {count} for r0")


def restored(bench):
    """Back in mode legacy the card forwards as the administrator and the VFs want it, without their doing anything."""
    use(bench, "legacy")
    bench.set_vf(0, "mac", ADMIN_MAC)
    defer(bench.spoil)
    defer(bench.set_vf, 0, "mac", "00:00:00:00:00:00")
    wait_for(lambda: bench.vfs[0].mac == ADMIN_MAC, what="VF 0 to have its address")
    bench.set_vf(1, "vlan", VID)
    defer(bench.set_vf, 1, "vlan", 0)
    bench.set_vf(0, "spoofchk", "off", "trust", "on", "max_tx_rate", 100)
    run("ip -n vf0 link add link v0 name v77 type vlan id 77")
    defer(run, "ip -n vf0 link del v77", check=False)
    run(f"ip maddr add {GROUP} dev {bench.env.ifname}")
    defer(run, f"ip maddr del {GROUP} dev {bench.env.ifname}")
    wait_for(bench.vfs[1].carrier, what="carrier of VF 1")

    def state():
        info = [bench.pf_vf(num) for num in (0, 1)]
        return [{key: one[key] for key in ("address", "vlan_list", "rate", "spoofchk", "link_state", "trust")} for one in info]

    def tables():
        return {name: used for name, (_, used) in bench.devlink.resources().items()}

    before, full = state(), settle(tables)
    bench.enter()
    ksft_eq(state(), before, "ip link show, in mode switchdev")
    ksft_eq(ports_of(bench, "vf1", UNKNOWN, fenced=["rep1"]), {"rep1": 1}, "the port VLAN is not in force meanwhile")
    bench.legacy()
    ksft_eq(state(), before, "ip link show, afterwards")
    wait_for(lambda: tables() == full, what=f"the card's tables to be as before: {full}")
    ends = bench.ends()
    ksft_eq(sorted(ends), ["pf", "vf0", "vf1", "wire"], "ends")
    ksft_eq(ports_of(bench, "wire", ADMIN_MAC, fenced=["pf"]), {"vf0": 1}, "from the wire to VF 0")
    ksft_eq(ports_of(bench, "vf0", ends["pf"].mac, fenced=["pf", "wire"]), {"pf": 1}, "VF 0 to the PF")
    ksft_eq(ports_of(bench, "vf0", ends["wire"].mac, fenced=["pf", "wire"]), {"wire": 1}, "VF 0 to the wire")
    ksft_eq(ports_of(bench, "wire", ADMIN_MAC, tci=77, fenced=["pf"]), {"vf0": 1}, "its VLAN")
    ksft_eq(ports_of(bench, "wire", ends["vf1"].mac, tci=VID, fenced=["pf"]), {"vf1": 1}, "the port VLAN of VF 1")
    ksft_eq(ports_of(bench, "wire", GROUP, fenced=["pf"]).get("pf"), 1, "a group of the PF")
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")


def stock_driver(bench):
    """The in-tree igbvf behind a representor, with its tags in the frames: the same pipes."""
    bench.use(STOCK)
    defer(bench.spoil)
    bench.enter()
    for sender in ("vf0", "rep0", "vf1", "rep1"):
        targets = [(dst, tci) for tci in (None, VID) for name, dst in destinations(bench).items() if name != sender]
        seen = burst_seen(bench, sender, targets, [PIPES[sender]])
        ksft_eq({port: sorted(found, key=str) for port, found in seen.items()},
                {PIPES[sender]: sorted(targets, key=str)}, f"from {sender}")
    pipe(bench, 0)
    ksft_eq(ping("198.51.100.2", count=20), 20, "answers")


def resets(bench):
    """A reset of the card, of a VF and of the VF's driver in mode switchdev: the pipes are there again."""
    use(bench)
    bench.devlink.run("health", "recover", "DEV", "reporter", "tx")
    bench.env.wait_carrier()
    for vf in bench.vfs:
        vf.wait_carrier()
    run("ip -n vf0 link set v0 down")
    run("ip -n vf0 link set v0 up")
    bench.vfs[0].wait_carrier()
    bench.vfs[1].unbind()
    bench.vfs[1].bind(OURS)
    bench.vfs[1].come_up()
    for sender in ("vf0", "rep0", "vf1", "rep1", "pf", "wire"):
        wait_for(lambda who=sender: ports_of(bench, who, UNKNOWN, fenced=[PIPES[who]]) == {PIPES[who]: 1},
                 what=f"the pipe of {sender}")


def toggling(bench):
    """In and out of the mode, with VFs at work: nothing is lost on the way, and the pipes and the switch work."""
    use(bench, "legacy")
    for _ in range(3):
        bench.mode = "switchdev"
        bench.mode = "legacy"
    leaks = LeakCheck()
    for _ in range(CYCLES):
        bench.mode = "switchdev"
        ksft_eq(len(bench.reprs()), 2, "representors")
        bench.mode = "legacy"
    leaks.verify(bench.env)
    bench.enter()
    ksft_eq(ports_of(bench, "vf0", UNKNOWN, fenced=["rep0"]), {"rep0": 1}, "the pipe")
    bench.legacy()
    ksft_eq(ports_of(bench, "vf0", bench.vfs[1].mac, fenced=["wire"]), {"vf1": 1}, "the card's switch")


def main():
    """Run the cases."""
    cases = [modes, names, sockets, frames, down_and_gone, uplink_down, mtu, mtu_at_start, offloads, vlans, stats, spoofing, limited,
             software_bridge, resets, stock_driver, restored, toggling]
    bench = Switchdev()
    run(f"modprobe -a {OURS} {STOCK}")
    ksft_run(cases, args=(bench,))
    if bench.mode != "legacy":
        bench.mode = "legacy"
    ksft_exit()


if __name__ == "__main__":
    main()
