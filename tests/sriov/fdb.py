#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=420 drivers=kawela
"""Mode switchdev below a bridge: what the card forwards from VF to VF in the bridge's stead, and what it leaves alone.

   vf0   vf1   vf2                 wire
    |     |     |                    |
   r0 -- r1 -- r2 -- the bridge -- uplink
"""

import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_run
from lib.py.ksft import KsftCaseFunction, KsftNamedVariant
from kwl_frames import ether
from kwl_repr import Switchdev, bridged
from kwl_sriov import OURS
from kwl_stats import cpu_hit
from kwl_switch import BROADCAST, LOCAL, ports_of
from kwl_sys import run, run_json, settle, wait_for
from kwl_wire import Capture, send_frames

UNKNOWN, GROUP, STRANGE = "52:54:00:00:00:99", "01:00:5e:11:22:33", "02:00:00:00:5b:"
VFS, COUNT, VID = 3, 200, 77
# A frame or two may be of a VF's own stack
NOISE = 5


def plain(bench):
    """The ports as the card can stand in for the bridge: each address has its place, each source is its owner's word."""
    for num in range(VFS):
        run(f"bridge link set dev r{num} flood off")
        bench.set_vf(num, "spoofchk", "off")


def use(bench):
    """Three VFs whose representors are ports of one bridge, along with the uplink."""
    if len(bench.vfs) != VFS or bench.driver != OURS:
        bench.start(OURS, VFS)
    bench.enter()
    defer(bridged(bench))
    plain(bench)
    speak(bench)


def speak(bench):
    """All say who they are, so that the bridge learns it."""
    for name, end in bench.ends().items():
        if not name.startswith("rep"):
            send_frames(end.ifname, [ether(BROADCAST, end.mac, LOCAL, bytes(60))], end.ns)
    wait_for(lambda: None not in (entry_of(f"r{num}", vf.mac) for num, vf in enumerate(bench.vfs)),
             what="the bridge to learn")


def entry_of(port, mac):
    """The flags of an address that a bridge has learned at a port, with or without a VLAN; None if it has not."""
    found = [entry for entry in run_json(f"bridge -j fdb show dev {port}")
             if entry["mac"] == mac and entry.get("state") != "permanent"]
    return [flag for entry in found for flag in entry["flags"]] if found else None


def in_card(bench):
    """For each VF whether `bridge fdb` says of its address that it is offloaded; None if unknown."""
    found = [entry_of(f"r{num}", vf.mac) for num, vf in enumerate(bench.vfs)]
    return [None if flags is None else "offload" in flags for flags in found]


def wait_in_card(bench, want, what):
    """Wait until `bridge fdb` says so of all VFs."""
    wait_for(lambda: in_card(bench) == want, what=f"{what}: offloaded {want}")


def burst(bench, num, far):
    """Send from one VF to another; return (frames that came, those that the host has seen, those it has sent)."""
    one, other = bench.vfs[num], bench.vfs[far]
    before = cpu_hit(f"r{num}")["rx_packets"], cpu_hit(f"r{far}")["tx_packets"]
    frame = ether(other.mac, one.mac, LOCAL, b"kawela-fdb" + bytes(60))
    with Capture(other.ifname, other.ns, lambda data: b"kawela-fdb" in data) as capture:
        for _ in range(COUNT // 20):
            send_frames(one.ifname, [frame] * 20, one.ns)
            settle(lambda: len(capture.frames), quiet=0.02)
        came = len(capture.wait(COUNT, 5, linger=0.2))
    return came, cpu_hit(f"r{num}")["rx_packets"] - before[0], cpu_hit(f"r{far}")["tx_packets"] - before[1]


def passes(bench, what):
    """The card forwards, and the host has next to nothing to do with it: a frame in 100 ms, to learn from."""
    came, seen, sent = burst(bench, 0, 1)
    ksft_eq(came, COUNT, f"frames of VF 0 that VF 1 has received, {what}")
    ksft_lt(seen, COUNT / 2, f"of these seen by the host, {what}")
    ksft_lt(sent, NOISE, f"of these sent by the host, {what}")


def far_ports(bench, num, dst, **how):
    """Where a VF's frame comes out, but for its own representor, which shows not all that the card forwards."""
    return {name: count for name, count in ports_of(bench, f"vf{num}", dst, **how).items() if name != f"rep{num}"}


def others(bench, name):
    """The other VFs, each with one copy."""
    return {vf.ns: 1 for vf in bench.vfs if vf.ns != name}


def places(bench, tci=None):
    """A frame to anybody comes out where a bridge would send it, once."""
    ends = bench.ends()
    for num, vf in enumerate(bench.vfs):
        own = vf.ns
        far = bench.vfs[(num + 1) % VFS]
        for dst, want in ((far.mac, {far.ns: 1}), (UNKNOWN, {"wire": 1}), (ends["wire"].mac, {"wire": 1}),
                          (BROADCAST, {"wire": 1, **others(bench, own)}), (GROUP, {"wire": 1, **others(bench, own)})):
            ksft_eq(far_ports(bench, num, dst, tci=tci, fenced=[f"rep{num}", *others(bench, own)]), want,
                    f"ports that a frame of {own} to {dst} comes out of, tag {tci}")
    for dst, want in ((bench.vfs[1].mac, {"vf1": 1}), (UNKNOWN, {}), (BROADCAST, others(bench, None)),
                      (GROUP, others(bench, None))):
        ksft_eq(ports_of(bench, "wire", dst, tci=tci, fenced=["pf", "vf0", "vf1", "vf2"]), {"pf": 1, **want},
                f"ports that a frame of the wire to {dst} comes out of, tag {tci}")


def forwarded(bench):
    """The card forwards what the bridge has learned; the host sends nothing of it, and everything else as before."""
    use(bench)
    wait_in_card(bench, [True] * VFS, "learned")
    places(bench)
    places(bench, VID)
    passes(bench, "at first")
    ksft_eq(ports_of(bench, "vf0", bench.vfs[0].mac, fenced=["rep0"]), {"rep0": 1}, "ports of a frame to oneself")


SPOILERS = {"flood": ("bridge link set dev r0 flood on", "bridge link set dev r0 flood off"),
            "mcast_flood": ("bridge link set dev r1 mcast_flood off", "bridge link set dev r1 mcast_flood on"),
            "isolated": ("bridge link set dev r2 isolated on", "bridge link set dev r2 isolated off"),
            "hairpin": ("bridge link set dev r0 hairpin on", "bridge link set dev r0 hairpin off"),
            "vlan_filtering": ("ip link set kbr0 type bridge vlan_filtering 1",
                               "ip link set kbr0 type bridge vlan_filtering 0"),
            "vlan": ("ip link add link r1 name r1.10 type vlan id 10", "ip link del r1.10"),
            "tc": ("tc qdisc add dev r1 clsact", "tc qdisc del dev r1 clsact"),
            "spoofchk": ("ip link set PF vf 0 spoofchk on", "ip link set PF vf 0 spoofchk off"),
            "rate": ("ip link set PF vf 1 max_tx_rate 900", "ip link set PF vf 1 max_tx_rate 0")}


def spoiled(bench, name):
    """What the card can not do for the bridge ends it, nothing is lost or doubled, and it comes back."""
    use(bench)
    wait_in_card(bench, [True] * VFS, "at first")
    on, off = (command.replace("PF", bench.env.ifname) for command in SPOILERS[name])
    run(on)
    defer(run, off, check=False)
    speak(bench)
    wait_in_card(bench, [False] * VFS, name)
    came, seen, sent = burst(bench, 0, 1)
    ksft_eq(came, COUNT, "frames of VF 0 that VF 1 has received")
    ksft_ge(min(seen, sent), COUNT, "of these seen and sent by the host")
    run(off)
    speak(bench)
    wait_in_card(bench, [True] * VFS, f"without {name}")
    passes(bench, f"without {name}")


def apart(bench):
    """Bridges stay apart, even if both know the same address; a VF that is alone in one has the host."""
    use(bench)
    run("ip link add kbr1 type bridge")
    defer(run, "ip link del kbr1")
    run("ip link set r2 master kbr1")
    run("bridge link set dev r2 flood off")
    run("ip link set kbr1 up")
    run(f"bridge fdb add {bench.vfs[1].mac} dev r2 master static")
    speak(bench)
    wait_in_card(bench, [True, True, False], "r2 in a bridge of its own")
    for dst, want in ((bench.vfs[1].mac, {"vf1": 1}), (bench.vfs[2].mac, {"wire": 1}), (BROADCAST, {"vf1": 1, "wire": 1}),
                      (GROUP, {"vf1": 1, "wire": 1})):
        ksft_eq(far_ports(bench, 0, dst, fenced=["rep0", "vf1"]), want, f"ports of a frame to {dst}")
    for dst in (bench.vfs[0].mac, bench.vfs[1].mac, BROADCAST, UNKNOWN):
        ksft_eq(ports_of(bench, "vf2", dst, fenced=["rep2"]), {"rep2": 1}, f"ports of a frame of VF 2 to {dst}")
    for dst in (bench.vfs[0].mac, bench.vfs[1].mac, bench.vfs[2].mac, UNKNOWN, GROUP):
        ksft_eq(ports_of(bench, "rep2", dst, fenced=["vf2"]), {"vf2": 1}, f"ports of a frame sent to VF 2, for {dst}")
    run("bridge fdb del " + f"{bench.vfs[1].mac} dev r2 master")


def too_many(bench):
    """A VF with more addresses than its share of the card's table ends it for its bridge, and nothing is lost."""
    use(bench)
    wait_in_card(bench, [True] * VFS, "at first")
    vf = bench.vfs[0]
    for at in range(20):
        send_frames(vf.ifname, [ether(BROADCAST, f"{STRANGE}{at:02x}", LOCAL, bytes(60))], vf.ns)
    wait_in_card(bench, [False] * VFS, "twenty addresses of one VF")
    for at in (0, 19):
        ksft_eq(far_ports(bench, 1, f"{STRANGE}{at:02x}", fenced=["rep1", "vf0"]), {"vf0": 1}, f"ports of a frame to address {at}")
    run("ip link set r0 nomaster")
    ksft_eq(ports_of(bench, "vf1", vf.mac, fenced=["rep1"]), {"rep1": 1, "wire": 1}, "ports, VF 0 in no bridge")
    run("ip link set r0 master kbr0")
    plain(bench)
    speak(bench)
    wait_in_card(bench, [True] * VFS, "once more")


def moved(bench):
    """An address is forwarded to where the bridge has heard it last."""
    use(bench)
    strange = f"{STRANGE}77"
    for num, far in ((0, 1), (2, 1), (1, 0)):
        vf = bench.vfs[num]
        send_frames(vf.ifname, [ether(BROADCAST, strange, LOCAL, bytes(60))], vf.ns)
        wait_for(lambda port=f"r{num}": "offload" in (entry_of(port, strange) or []), what=f"the address at r{num}")
        ksft_eq(far_ports(bench, far, strange, fenced=[f"rep{far}", f"vf{num}"]), {f"vf{num}": 1},
                f"ports of a frame to the address at r{num}")
    run(f"bridge fdb replace {strange} dev r2 master static")
    wait_for(lambda: "offload" in (entry_of("r2", strange) or []), what="the address at r2, by hand")
    ksft_eq(far_ports(bench, 0, strange, fenced=["rep0", "vf2"]), {"vf2": 1}, "ports of a frame to the address at r2, by hand")
    run(f"bridge fdb replace {strange} dev {bench.env.ifname} master static")
    ksft_eq(far_ports(bench, 0, strange, fenced=["rep0"]), {"wire": 1}, "ports, the address moved to the wire by hand")
    run(f"bridge fdb del {strange} dev {bench.env.ifname} master")
    ksft_eq(ports_of(bench, "vf0", strange, fenced=["rep0"]), {"rep0": 1, "wire": 1}, "ports, the address forgotten")


def state_of(port):
    """The state of a port of a bridge."""
    return run_json(f"bridge -j link show dev {port}")[0]["state"]


def namespaces(bench):
    """Bridges of different namespaces stay apart, whatever their numbers are."""
    if len(bench.vfs) != VFS or bench.driver != OURS:
        bench.start(OURS, VFS)
    defer(bench.spoil)
    bench.enter()
    for num in (0, 1):
        run(f"ip netns add kns{num}")
        defer(run, f"ip netns del kns{num}")
        # A representor goes home when its namespace ends, but not at once
        defer(run, f"ip -n kns{num} link set r{num} netns 1")
        run(f"ip link set r{num} netns kns{num}")
        run(f"ip -n kns{num} link add kbr index 77 type bridge")
        run(f"ip -n kns{num} link set r{num} master kbr up")
        run(f"ip -n kns{num} link set kbr up")
        run(f"bridge -n kns{num} link set dev r{num} flood off")
        bench.set_vf(num, "spoofchk", "off")
    for vf in bench.vfs[:2]:
        vf.wait_carrier()
    time.sleep(1)
    one, other = bench.vfs[:2]
    with Capture(other.ifname, other.ns, lambda data: b"kawela-fdb" in data) as capture:
        send_frames(one.ifname, [ether(dst, one.mac, LOCAL, b"kawela-fdb" + bytes(60)) for dst in (BROADCAST, GROUP, other.mac)],
                    one.ns)
        ksft_eq(len(capture.wait(0, linger=1)), 0, "frames of VF 0 that VF 1 has received")


def lasting(bench):
    """It survives resets of card and VFs, follows ports that go down, and ends with the mode."""
    use(bench)
    one, other = bench.vfs[:2]
    for step in ("uplink", "reset", "vf", "repr"):
        if step == "uplink":
            run(f"ip link set {bench.env.ifname} down")
            bench.env.start()
        elif step == "reset":
            bench.devlink.run("health", "recover", "DEV", "reporter", "tx")
            bench.env.wait_carrier()
        elif step == "vf":
            other.set_link("down")
            other.set_link("up")
        else:
            run("bridge link set dev r1 state disabled")
            wait_in_card(bench, [True, False, True], "r1 disabled")
            for dst, want in ((BROADCAST, {"vf2": 1, "wire": 1}), (other.mac, {}), (GROUP, {"vf2": 1, "wire": 1})):
                ksft_eq(ports_of(bench, one.ns, dst, fenced=["rep0", "vf2"]), {"rep0": 1, **want},
                        f"ports of a frame to {dst}, r1 disabled")
            run("bridge link set dev r1 state forwarding")
        for vf in bench.vfs:
            vf.wait_carrier()
        wait_for(lambda: all(state_of(f"r{num}") == "forwarding" for num in range(VFS)), what="the ports to forward")
        speak(bench)
        wait_in_card(bench, [True] * VFS, f"after {step}")
        passes(bench, f"after {step}")
    bench.legacy()
    ksft_eq(ports_of(bench, one.ns, other.mac, fenced=["vf1"]), {"vf1": 1}, "ports in mode legacy")
    bench.enter()
    ksft_eq(ports_of(bench, one.ns, other.mac, fenced=["rep0"]), {"rep0": 1}, "ports without a bridge")


def main():
    """Run the cases."""
    bench = Switchdev()
    run(f"modprobe {OURS}")
    spoilers = KsftCaseFunction("spoiled", spoiled, [KsftNamedVariant(name, name) for name in SPOILERS])
    ksft_run([forwarded, spoilers, apart, too_many, moved, lasting, namespaces], args=(bench, ))
    bench.mode = "legacy"
    bench.disable()
    ksft_exit()


if __name__ == "__main__":
    main()
