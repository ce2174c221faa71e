#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""Standard statistics: each group counts the frames that were on the wire, and outlives every change."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import Env
from kwl_frames import ether, to_dut
from kwl_stats import (device_row, driver_stats, group_stats, link_stats, moved, pause_stats, queue_rows, segments_add_up, xdp_names)
from kwl_sys import settle, write
from kwl_traffic import ping, transfer
from kwl_wire import at_dut, on_wire, send_frames

LOCAL = 0x88B5
# Without FCS, and the upper end of the histogram's range that they fall into with it.
SIZES = {60: 64, 100: 127, 200: 255, 400: 511, 777: 1023, 1514: 9728}
EACH = 8
FCS = 4
GROUPS = ("eth-mac", "eth-phy", "eth-ctrl", "rmon")
# What has no place in a standard interface, and nothing else.
REST = ["rx_total", "tx_total", "rx_total_octets", "tx_total_octets", "rx_to_host", "tx_from_host", "rx_no_buffer",
        "rx_length_events", "rx_management", "rx_management_dropped", "tx_management", "tx_tso", "tx_tso_failed",
        "tx_timeouts", "vf_mailbox_waits", "vf_mailbox_floods"]
# Errors of the wire, which the emulator's wire does not have.
FAULTS = {
    "eth-mac": ("SingleCollisionFrames", "MultipleCollisionFrames", "FrameCheckSequenceErrors", "AlignmentErrors",
                "FramesWithDeferredXmissions", "LateCollisions", "FramesAbortedDueToXSColls", "CarrierSenseErrors",
                "FramesLostDueToIntMACRcvError", "InRangeLengthErrors", "FrameTooLongErrors"),
    "eth-phy": ("SymbolErrorDuringCarrier",),
    "eth-ctrl": ("MACControlFramesTransmitted", "MACControlFramesReceived", "UnsupportedOpcodesReceived"),
    "rmon": ("etherStatsOversizePkts", "etherStatsFragments", "etherStatsJabbers"),
}


def frames_of_all_sizes(dst, src):
    """Return frames of all sizes."""
    return [ether(dst, src, LOCAL, bytes(size - 14)) for size in SIZES for _ in range(EACH)]


def everything(env):
    """Return all counters of all places, flat: {(place, name): value}."""
    def look():
        found = {("pause", name): value for name, value in pause_stats(env.ifname).items()}
        for group in GROUPS:
            found.update(((group, name), value) for name, value in group_stats(env.ifname, group).items())
        for direction, counters in link_stats(env.ifname).items():
            found.update(((f"link {direction}", name), value) for name, value in counters.items())
        found.update((("ethtool -S", name), value) for name, value in driver_stats(env.ifname).items())
        found.update((("queues", name), value) for name, value in device_row(env.ifname).items())
        return found
    return settle(look)


def received(env, dst):
    """Send known frames to the DUT; return their number, their octets on the wire, and what moved."""
    frames = frames_of_all_sizes(dst, env.peer_mac)
    # The stack counts frames that nobody takes as dropped; the capture takes them.
    with at_dut(env) as capture:
        before = everything(env)
        send_frames(env.peer_if, frames, env.ns)
        capture.wait(len(frames))
        gained = moved(before, everything(env))
    return len(frames), sum(len(one) + FCS for one in frames), gained


def show(env, gained):
    """Note what has moved."""
    env.note("moved:", ", ".join(f"{place} {name} {value}" for (place, name), value in gained.items() if value))


def complete(env):
    """Each group shows what the card counts, and ethtool -S only what no group has."""
    ksft_eq(list(driver_stats(env.ifname)), REST + xdp_names(8), "ethtool -S")
    ksft_eq(set(pause_stats(env.ifname)), {"tx_pause_frames", "rx_pause_frames"}, "pause")
    for group, names in FAULTS.items():
        ksft_eq(set(names) - set(group_stats(env.ifname, group)), set(), f"missing in {group}")


def rx_groups(env):
    """Received frames show in eth-mac, the histogram, the link and ethtool -S, frame for frame."""
    count, octets, gained = received(env, env.mac)
    show(env, gained)
    want = {("eth-mac", "FramesReceivedOK"): count, ("eth-mac", "OctetsReceivedOK"): octets,
            ("eth-mac", "MulticastFramesReceivedOK"): 0, ("eth-mac", "BroadcastFramesReceivedOK"): 0,
            ("link rx", "packets"): count, ("link rx", "bytes"): octets - FCS * count,
            ("queues", "rx-packets"): count, ("queues", "rx-bytes"): octets - FCS * count,
            ("ethtool -S", "rx_total"): count, ("ethtool -S", "rx_total_octets"): octets,
            **{("rmon", f"rx-{high}"): EACH for high in SIZES.values()}}
    # The emulator leaves out the FCS there, and has no range for what is then shorter than 64.
    want["rmon", "rx-64"] = 0
    ksft_eq({what: gained[what] for what in want}, want, "gained")


def rx_kinds(env):
    """Multicast and broadcast frames are told apart."""
    env.set_link("allmulticast", "on")
    defer(env.set_link, "allmulticast", "off")
    count, _, gained = received(env, "33:33:00:00:00:01")
    kinds = [gained["eth-mac", f"{kind}castFramesReceivedOK"] for kind in ("Multi", "Broad")]
    ksft_eq(kinds + [gained["link rx", "multicast"]], [count, 0, count], "multicast, broadcast, of the link")
    count, _, gained = received(env, "ff:ff:ff:ff:ff:ff")
    kinds = [gained["eth-mac", f"{kind}castFramesReceivedOK"] for kind in ("Multi", "Broad")]
    ksft_eq(kinds + [gained["link rx", "multicast"]], [0, count, 0], "multicast, broadcast, of the link")


def tx_groups(env):
    """Sent frames show in the same places."""
    groups = {"33:33:00:00:00:01": "MulticastFramesXmittedOK", "ff:ff:ff:ff:ff:ff": "BroadcastFramesXmittedOK",
              env.peer_mac: None}
    for dst, kind in groups.items():
        frames = frames_of_all_sizes(dst, env.mac)
        before = everything(env)
        with on_wire(env, lambda data: data[12:14] == LOCAL.to_bytes(2, "big")) as wire:
            send_frames(env.ifname, frames)
            ksft_eq(len(wire.wait(len(frames))), len(frames), "frames on the wire")
        gained = moved(before, everything(env))
        count, octets = len(frames), sum(len(one) + FCS for one in frames)
        want = {("eth-mac", "FramesTransmittedOK"): count, ("eth-mac", "OctetsTransmittedOK"): octets,
                ("eth-mac", "MulticastFramesXmittedOK"): 0, ("eth-mac", "BroadcastFramesXmittedOK"): 0,
                ("link tx", "packets"): count, ("link tx", "bytes"): octets - FCS * count,
                ("queues", "tx-packets"): count, ("queues", "tx-bytes"): octets - FCS * count,
                ("queues", "tx-csum-none"): count, ("queues", "tx-needs-csum"): 0,
                ("ethtool -S", "tx_total"): count, ("ethtool -S", "tx_total_octets"): octets,
                **{("rmon", f"tx-{high}"): EACH for high in SIZES.values()}}
        if kind:
            want["eth-mac", kind] = count
        ksft_eq({what: gained[what] for what in want}, want, f"gained, to {dst}")


def checksums(env):
    """Queues count frames by what the device says of their checksums: good, bad, none at all."""
    good = to_dut(env, 4, "udp", payload=b"good")
    bad = bytearray(good)
    bad[-1] ^= 1
    none = ether(env.mac, env.peer_mac, LOCAL, bytes(60))
    with at_dut(env) as capture:
        before = everything(env)
        send_frames(env.peer_if, [good] * 3 + [bytes(bad)] * 5 + [none] * 7, env.ns)
        capture.wait(15)
        gained = moved(before, everything(env))
    kinds = [gained["queues", f"rx-csum-{kind}"] for kind in ("unnecessary", "bad", "none")]
    ksft_eq(kinds, [3, 5, 7], "good, bad, none")


def segmentation(env):
    """Large frames count once as they came from the stack, and with each of their segments on the wire."""
    before = everything(env)
    with on_wire(env, lambda data: data[12:14] == b"\x08\x00") as wire:
        sent, got = transfer(env, "tx", size=400_000)
        ksft_eq(sent, got, "md5")
        seen = len(wire.wait(200))
    gained = {name: value for (place, name), value in moved(before, everything(env)).items() if place == "queues"}
    segments_add_up(gained)
    ksft_eq(gained["tx-packets"], seen, "packets on the wire")


def no_faults(env):
    """A clean wire leaves no error in any place."""
    for group, names in FAULTS.items():
        shown = group_stats(env.ifname, group)
        ksft_eq({name: shown[name] for name in names if shown[name]}, {}, f"errors in {group}")
    shown = link_stats(env.ifname)
    for direction, names in (("rx", ("errors", "over_errors")), ("tx", ("errors", "carrier_errors", "collisions"))):
        ksft_eq([shown[direction][name] for name in names], [0] * len(names), f"link {direction} {names}")
    missed = sum(row.get("hw-drop-overruns", -1) for row in queue_rows(env.ifname, "rx").values())
    ksft_eq(missed, 0, "frames that found no buffer")


def add_up(env, what):
    """Queues, with what past ones have counted, add up to the link's counters."""
    shown = everything(env)
    for direction in ("rx", "tx"):
        for name in ("packets", "bytes"):
            ksft_eq(shown["queues", f"{direction}-{name}"], shown[f"link {direction}", name],
                    f"{direction} {name} of queues and link after {what}")


def survive(env):
    """No counter of any place goes back, or stops, over any change; and the sums hold."""
    def flap():
        env.set_link("down")
        env.set_link("up")

    changes = {"fewer channels": lambda: env.ethtool("-L", "combined", 1),
               "more channels": lambda: env.ethtool("-L", "combined", 8),
               "rings": lambda: env.ethtool("-G", "rx", 512, "tx", 128),
               "down and up": flap,
               "function reset": lambda: write(env.sysfs / "reset", 1),
               "offline self test": lambda: env.ethtool("-t", "offline"),
               "usual channels": lambda: env.ethtool("-L", "combined", 2)}
    transfer(env, "tx", size=100_000)
    transfer(env, "rx", size=100_000)
    before = everything(env)
    for what, change in changes.items():
        change()
        env.wait_carrier()
        now = everything(env)
        ksft_eq({name: (before[name], now[name]) for name in before if now[name] < before[name]}, {},
                f"counters that went back at {what}")
        ksft_eq(ping(env.peer_v4, count=10), 10, f"answers after {what}")
        later = everything(env)
        for place, name in (("link rx", "packets"), ("link tx", "packets"), ("eth-mac", "FramesReceivedOK"),
                            ("eth-mac", "FramesTransmittedOK"), ("queues", "rx-packets"), ("queues", "tx-packets"),
                            ("rmon", "rx-127"), ("rmon", "tx-127"), ("ethtool -S", "rx_total")):
            ksft_ge(later[place, name] - now[place, name], 10, f"{place} {name} goes on after {what}")
        add_up(env, what)
        before = later


def main():
    """Run the cases."""
    env = Env()
    env.quiet()
    ksft_run([complete, rx_groups, rx_kinds, tx_groups, checksums, segmentation, survive, no_faults], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
