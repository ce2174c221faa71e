#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela
"""Statistics of a VF as its own owner sees them: exact, in every place, and kept over resets."""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import KERNEL
from kwl_faults import function_reset
from kwl_frames import ether
from kwl_napi import napis, pools, queues, set_napi
from kwl_sriov import Sriov, path, wire_end
from kwl_stats import device_row, driver_stats, moved, queue_rows, segments_add_up, xdp_names
from kwl_sys import output, run, settle, wait_for
from kwl_traffic import ping, transfer
from kwl_wire import Capture, send_frames

LOCAL = 0x88B5
SIZES = (60, 200, 777, 1514)
EACH = 8
REST = ["rx_switched", "tx_switched", "rx_switched_octets", "tx_switched_octets"]
# The card's own counters are fetched every two seconds.
LOOK = 2.5


def everything(vf, quiet=0.3):
    """Return all counters of a VF, flat: {(place, name): value}."""
    def look():
        found = {(f"link {way}", name): value for way, row in vf.stats().items() for name, value in row.items()}
        found.update((("queues", name), value) for name, value in device_row(vf.ifname, vf.ns).items())
        found.update((("ethtool -S", name), value) for name, value in driver_stats(vf.ifname, vf.ns).items())
        return found
    return settle(look, quiet=quiet)


def frames_of_all_sizes(dst, src):
    """Return frames of all sizes."""
    return [ether(dst, src, LOCAL, bytes(size - 14)) for size in SIZES for _ in range(EACH)]


def received(bench):
    """Frames from the wire are counted by link and queue, multicast as such."""
    vf = bench.use("kawela_vf").vfs[0]
    env = bench.env
    vf.set_link("allmulticast", "on")
    defer(vf.set_link, "allmulticast", "off")
    for dst, multicast in ((vf.mac, False), ("33:33:00:00:00:01", True)):
        frames = frames_of_all_sizes(dst, env.peer_mac)
        # Somebody has to take them, or the stack counts them as dropped.
        with Capture(vf.ifname, vf.ns) as capture:
            before = everything(vf, LOOK)
            send_frames(env.peer_if, frames, env.ns)
            capture.wait(len(frames))
            gained = moved(before, everything(vf, LOOK))
        count, size = len(frames), sum(map(len, frames))
        want = {("link rx", "packets"): count, ("link rx", "bytes"): size, ("link rx", "errors"): 0,
                ("link rx", "dropped"): 0, ("link rx", "multicast"): count if multicast else 0,
                ("queues", "rx-packets"): count, ("queues", "rx-bytes"): size, ("queues", "rx-csum-none"): count,
                ("queues", "rx-hw-drop-overruns"): 0}
        ksft_eq({what: gained[what] for what in want}, want, f"gained, to {dst}")


def sent(bench):
    """Frames sent are counted by link and queue as they are on the wire."""
    vf = bench.use("kawela_vf").vfs[0]
    env = bench.env
    frames = frames_of_all_sizes(env.peer_mac, vf.mac)
    before = everything(vf)
    with Capture(env.peer_if, env.ns, lambda data: data[12:14] == LOCAL.to_bytes(2, "big")) as wire:
        send_frames(vf.ifname, frames, vf.ns)
        ksft_eq(len(wire.wait(len(frames))), len(frames), "frames on the wire")
    gained = moved(before, everything(vf))
    count, size = len(frames), sum(map(len, frames))
    want = {("link tx", "packets"): count, ("link tx", "bytes"): size, ("link tx", "errors"): 0,
            ("queues", "tx-packets"): count, ("queues", "tx-bytes"): size, ("queues", "tx-csum-none"): count}
    ksft_eq({what: gained[what] for what in want}, want, "gained")


def offloaded(bench):
    """Large frames count with each of their segments; what was checked or filled in by the device counts as such."""
    vf = bench.use("kawela_vf").vfs[0]
    ends = path(vf, wire_end(bench.env))
    before = everything(vf)
    ksft_eq(*transfer(ends, "tx", size=400_000), "md5 of what was sent")
    gained = {name: value for (place, name), value in moved(before, everything(vf)).items() if place == "queues"}
    segments_add_up(gained)
    before = everything(vf)
    ksft_eq(*transfer(ends, "rx", size=400_000), "md5 of what came")
    gained = {name: value for (place, name), value in moved(before, everything(vf)).items() if place == "queues"}
    ksft_ge(gained["rx-csum-unnecessary"], 200, "frames with a checksum that was seen to be right")
    ksft_eq(gained["rx-csum-bad"], 0, "frames with a wrong one")


def only_the_rest(bench):
    """ethtool -S has what no standard place has; frames over the switch are not counted there by the emulator."""
    vf = bench.use("kawela_vf").vfs[0]
    ksft_eq(list(driver_stats(vf.ifname, vf.ns)), REST + xdp_names(1), "ethtool -S")
    ksft_eq(ping(bench.vfs[1].v4, count=5, ns=vf.ns), 5, "answers over the switch")


def survive(bench):
    """No counter goes back, or stops, over down and up, rings, and resets of VF and PF; and the sums hold."""
    env, vf = bench.env, bench.use("kawela_vf").vfs[0]

    def flap():
        vf.set_link("down")
        vf.set_link("up")

    def pf_flap():
        env.set_link("down")
        env.set_link("up")

    changes = {"down and up": flap,
               "rings": lambda: run(f"ethtool -G {vf.ifname} rx 512 tx 128", ns=vf.ns),
               "reset of the VF": lambda: function_reset(vf.pci),
               "PF down and up": pf_flap,
               "reset of the PF": lambda: function_reset(env.pci)}
    ksft_eq(ping(env.peer_v4, count=10, ns=vf.ns), 10, "answers before")
    # Groups that the partner sends to show in a counter of the card's.
    vf.set_link("allmulticast", "on")
    defer(vf.set_link, "allmulticast", "off")
    group = [ether("33:33:00:00:00:01", env.peer_mac, LOCAL, bytes(60))] * 20
    send_frames(env.peer_if, group, env.ns)
    before = everything(vf, LOOK)
    ksft_ge(before["link rx", "multicast"], 20, "multicast before")
    for what, change in changes.items():
        change()
        env.wait_carrier()
        vf.wait_carrier()
        wait_for(lambda: ping(env.peer_v4, ns=vf.ns), 20, f"an answer after {what}")
        now = everything(vf)
        ksft_eq({name: (before[name], now[name]) for name in before if now[name] < before[name]}, {},
                f"counters that went back at {what}")
        # A jump over a whole circle of the card's counters would be no better.
        ksft_ge(1000, now["link rx", "multicast"] - before["link rx", "multicast"], f"multicast gained at {what}")
        ksft_eq(ping(env.peer_v4, count=10, ns=vf.ns), 10, f"answers after {what}")
        send_frames(env.peer_if, group, env.ns)
        later = everything(vf, LOOK)
        for place, name in (("link rx", "packets"), ("link tx", "packets"), ("queues", "rx-packets"),
                            ("queues", "tx-packets"), ("link rx", "multicast")):
            ksft_ge(later[place, name] - now[place, name], 10, f"{place} {name} goes on after {what}")
        for way in ("rx", "tx"):
            ksft_eq(later["queues", f"{way}-packets"], later[f"link {way}", "packets"], f"sum of queues after {what}")
        before = later


def linked(bench):
    """The VF's one queue pair, its NAPI instance, interrupt and page pool show and belong together."""
    vf = bench.use("kawela_vf").vfs[0]
    shown, instances = queues(vf.ifname, vf.ns), napis(vf.ifname, vf.ns)
    ksft_eq(len(instances), 1, "NAPI instances")
    number, = instances
    ksft_eq(shown, {("rx", 0): number, ("tx", 0): number}, "queues")
    ksft_ge(instances[number]["irq"], 1, "interrupt")
    used = pools(vf.ifname, vf.ns)
    ksft_eq(len(used), 1, "page pools")
    # 6.12 does not show whose they are.
    if KERNEL != "6.12":
        ksft_eq([pool["napi-id"] for pool in used], [number], "page pools by NAPI")
    ksft_eq(sorted(queue_rows(vf.ifname, "rx", vf.ns)), [0], "queues with statistics")
    if KERNEL != "6.12":
        set_napi(number, vf.ns, defer_hard_irqs=3, gro_flush_timeout=10_000)
        vf.set_link("down")
        vf.set_link("up")
        vf.wait_carrier()
        kept = napis(vf.ifname, vf.ns)[number]
        ksft_eq((kept["defer-hard-irqs"], kept["gro-flush-timeout"]), (3, 10_000), "settings after down and up")
        set_napi(number, vf.ns, defer_hard_irqs=0, gro_flush_timeout=0)


def one_channel(bench):
    """The VF's one queue pair may be asked for; none, another one, or no vector for mail may not."""
    vf = bench.use("kawela_vf").vfs[0]
    for words, fine in (("combined 1", True), ("combined 2", False), ("combined 0", False), ("other 0", False)):
        done = run(f"ethtool -L {vf.ifname} {words}", ns=vf.ns, check=False)
        ksft_eq(done.returncode == 0, fine, f"{words} accepted")
    shown = output(f"ethtool -l {vf.ifname}", ns=vf.ns)
    ksft_eq(re.findall(r"Combined:\s+(\d+)", shown), ["1", "1"], "channels: at most, now")
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=vf.ns), 3, "answers")


def main():
    """Run the cases."""
    ksft_run([received, sent, offloaded, only_the_rest, linked, one_channel, survive], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
