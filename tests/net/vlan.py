#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""VLANs: tags are inserted, stripped and filtered, with or without the device's help."""

import struct
from types import SimpleNamespace

from lib.py import ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true, ksft_variants, defer
from kwl_env import Env, stock_xfail
from kwl_frames import to_dut
from kwl_sys import run
from kwl_trace import RxTrace
from kwl_traffic import ping, transfer
from kwl_wire import handed_to_driver, never_reaches_dut, on_wire, reaches_dut

MARK = b"kawela-vlan"
VIDS = (1, 100, 4094)


def add_vlan(env, vid, options=""):
    """Make VLAN devices at both ends, addressed 10.<vid>.1 and .2; gone when the case ends."""
    high, low = vid >> 8, vid & 255
    for where, parent, host, extra in (("", env.ifname, 1, options), (f"-n {env.ns}", env.peer_if, 2, "")):
        run(f"ip {where} link add link {parent} name vlan{vid} type vlan id {vid} {extra}")
        defer(run, f"ip {where} link del vlan{vid}", check=False)
        run(f"ip {where} link set vlan{vid} up")
        run(f"ip {where} addr add 10.{high}.{low}.{host}/24 dev vlan{vid}")
    return f"10.{high}.{low}.1", f"10.{high}.{low}.2"


def tci_of(frame):
    """Return the tag of a frame's bytes, None if it has none."""
    return struct.unpack_from("!H", frame, 14)[0] if frame[12:14] == b"\x81\x00" else None


@ksft_variants(VIDS)
def talk(env, vid):
    """Traffic flows within the VLAN in both directions."""
    near, far = add_vlan(env, vid)
    ksft_eq(ping(far, count=3), 3, "answers to the DUT")
    ksft_eq(ping(near, count=3, ns=env.ns), 3, "answers to the partner")
    ksft_eq(ping(far, size=1472, options="-M do"), 1, "full frames")


@ksft_variants(["on", "off"])
def insert(env, txvlan):
    """Tag and priority are on the wire, whoever puts them there."""
    if txvlan == "off":
        stock_xfail("ties txvlan to rxvlan")
    env.ethtool("-K", "txvlan", txvlan)
    defer(env.ethtool, "-K", "txvlan", "on")
    _, far = add_vlan(env, 100, "egress-qos-map 0:5")
    icmp = lambda data: data[12:14] == b"\x81\x00" and data[16:18] == b"\x08\x00"
    with on_wire(env, icmp) as wire, handed_to_driver(env, icmp) as handed:
        ksft_eq(ping(far), 1, "answers")
        tags = {tci_of(one.data) for one in wire.wait(1)}
        apart = {one.tci is not None for one in handed.wait(1)}
    ksft_eq(tags, {5 << 13 | 100}, "tags on the wire")
    ksft_eq(apart, {txvlan == "on"}, "tag left to the device")


@ksft_variants(["on", "off"])
def strip(env, rxvlan):
    """A tagged frame reaches its VLAN device with its priority, whoever strips the tag."""
    env.ethtool("-K", "rxvlan", rxvlan)
    defer(env.ethtool, "-K", "rxvlan", "on")
    env.wait_carrier()
    _, far = add_vlan(env, 100)
    for pcp in (0, 3, 7):
        tci = pcp << 13 | 100
        frames = reaches_dut(env, to_dut(env, 4, "udp", tci=tci, payload=MARK), MARK)
        ksft_eq([one.tci for one in frames], [tci], "tag as received")
    ksft_eq(ping(far, count=2), 2, "answers")


def stripped_by_device(env):
    """With rxvlan on the tag is taken out by the device, with it off the frame comes as it was."""
    add_vlan(env, 100)
    frame = to_dut(env, 4, "udp", tci=3 << 13 | 100, payload=MARK)
    with RxTrace(env.ifname) as trace:
        for state, tagged, tci in (("on", 1, 3 << 13 | 100), ("off", 0, 0), ("on", 1, 3 << 13 | 100)):
            env.ethtool("-K", "rxvlan", state, check=False)
            env.wait_carrier()
            trace.take()
            reaches_dut(env, frame, MARK)
            seen = {(row["vlan_tagged"], row["vlan_tci"]) for row in trace.take() if row["protocol"] in (0x800, 0x8100)}
            ksft_true((tagged, tci) in seen, f"rxvlan {state}: (tag apart, tag) {seen}, expected {(tagged, tci)}")


def filter_foreign(env):
    """Frames of VLANs nobody joined are kept out by the device; joined ones and untagged pass."""
    add_vlan(env, 100)
    untagged = to_dut(env, 4, "udp", payload=b"")
    for vid in (2, 101, 4094):
        frame = to_dut(env, 4, "udp", tci=vid, payload=MARK)
        ksft_eq(never_reaches_dut(env, frame, MARK, untagged), [], f"frames of VLAN {vid} let in")
    ksft_eq(len(reaches_dut(env, to_dut(env, 4, "udp", tci=100, payload=MARK), MARK)), 1, "joined VLAN 100")


def filter_forgets(env):
    """A VLAN that was left is filtered again."""
    add_vlan(env, 7)
    frame = to_dut(env, 4, "udp", tci=7, payload=MARK)
    ksft_eq(len(reaches_dut(env, frame, MARK)), 1, "while joined")
    run("ip link del vlan7")
    ksft_eq(never_reaches_dut(env, frame, MARK, to_dut(env, 4, "udp", payload=b"")), [], "after leaving")


def promiscuous_sees_all(env):
    """In promiscuous mode foreign VLANs are seen, and no longer afterwards."""
    frame = to_dut(env, 4, "udp", tci=333, payload=MARK)
    env.set_link("promisc", "on")
    ksft_eq(len(reaches_dut(env, frame, MARK)), 1, "promiscuous")
    env.set_link("promisc", "off")
    ksft_eq(never_reaches_dut(env, frame, MARK, to_dut(env, 4, "udp", payload=b"")), [], "normal again")


def filter_toggle(env):
    """rx-vlan-filter off lets foreign VLANs in, where the driver offers the switch."""
    frame = to_dut(env, 4, "udp", tci=334, payload=MARK)
    if env.feature("rx-vlan-filter") is None:
        env.note("rx-vlan-filter is fixed")
        ksft_eq(never_reaches_dut(env, frame, MARK, to_dut(env, 4, "udp", payload=b"")), [], "fixed on")
        return
    env.ethtool("-K", "rx-vlan-filter", "off")
    ksft_eq(len(reaches_dut(env, frame, MARK)), 1, "filter off")
    env.ethtool("-K", "rx-vlan-filter", "on")
    ksft_eq(never_reaches_dut(env, frame, MARK, to_dut(env, 4, "udp", payload=b"")), [], "filter on")


def priority_tag(env):
    """A tag with VLAN id 0 carries only a priority: the frame is the port's own."""
    run("modprobe 8021q")
    frames = reaches_dut(env, to_dut(env, 4, "udp", tci=6 << 13, payload=MARK), MARK)
    ksft_eq([one.tci for one in frames], [6 << 13], "priority tagged frames")


def many_and_down_up(env):
    """Thirty VLANs work at once and all still do after the interface was down."""
    vids = range(200, 3200, 100)
    for vid in vids:
        run(f"ip link add link {env.ifname} name vlan{vid} type vlan id {vid}")
        defer(run, f"ip link del vlan{vid}")
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    for vid in vids:
        frames = reaches_dut(env, to_dut(env, 4, "udp", tci=vid, payload=MARK), MARK)
        ksft_eq([one.tci for one in frames], [vid], f"frames of VLAN {vid}")


def offloads_within(env):
    """Checksum and segmentation offloads work on tagged frames: bulk data arrives intact."""
    near, far = add_vlan(env, 100)
    inside = SimpleNamespace(v4=near, peer_v4=far, ns=env.ns)
    for direction in ("tx", "rx"):
        with on_wire(env, lambda data: len(data) > 1500) as wire:
            sent, got = transfer(inside, direction, size=512 << 10)
            ksft_eq(sent, got, f"md5, {direction}")
            if direction == "tx":
                wire.wait(1, 1)
                ksft_in(100, {(tci_of(one.data) or 0) & 0xFFF for one in wire.frames}, "VLAN ids on the wire")
                ksft_eq(max(len(one.data) for one in wire.frames), 1518, "largest tagged frame")


def main():
    """Run the cases."""
    ksft_run([talk, insert, strip, stripped_by_device, filter_foreign, filter_forgets, promiscuous_sees_all,
              filter_toggle, priority_tag, many_and_down_up, offloads_within], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
