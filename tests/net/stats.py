#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Counters: known frames are counted exactly, in every place where counters are shown."""

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import Env, stock_xfail
from kwl_frames import ether
from kwl_stats import driver_stats, link_stats, moved, queue_stats
from kwl_sys import settle
from kwl_traffic import transfer
from kwl_wire import at_dut, on_wire, send_frames

LOCAL = 0x88B5
SIZES = (60, 61, 200, 777, 1514)
EACH = 8


def known_frames(dst, src):
    """Return frames of known sizes."""
    return [ether(dst, src, LOCAL, bytes(size - 14)) for size in SIZES for _ in range(EACH)]


def counters(env):
    """Return the interface counters once they rest."""
    return settle(lambda: link_stats(env.ifname))


def count_rx(env, frames):
    """Send frames to the DUT and return how its receive counters moved."""
    # The stack counts frames that nobody takes as dropped; the capture takes them.
    with at_dut(env) as capture:
        before = counters(env)["rx"]
        send_frames(env.peer_if, frames, env.ns)
        capture.wait(len(frames))
        return moved(before, counters(env)["rx"])


def received(env):
    """Received packets and bytes are those of the frames sent, without FCS."""
    frames = known_frames(env.mac, env.peer_mac)
    got = count_rx(env, frames)
    ksft_eq(got["packets"], len(frames), "packets")
    ksft_eq(got["bytes"], sum(map(len, frames)), "bytes")
    ksft_eq((got["errors"], got["dropped"], got["multicast"]), (0, 0, 0), "errors, dropped, multicast")


def multicast_counted(env):
    """Multicast frames are counted as such; broadcast ones are not."""
    groups = known_frames("33:33:00:00:00:01", env.peer_mac)
    env.set_link("allmulticast", "on")
    got = count_rx(env, groups)
    env.set_link("allmulticast", "off")
    ksft_eq((got["packets"], got["multicast"]), (len(groups), len(groups)), "packets, multicast")
    broadcasts = known_frames("ff:ff:ff:ff:ff:ff", env.peer_mac)
    got = count_rx(env, broadcasts)
    ksft_eq((got["packets"], got["multicast"]), (len(broadcasts), 0), "packets, multicast of broadcasts")


def sent(env):
    """Sent packets and bytes are those seen on the wire."""
    frames = known_frames(env.peer_mac, env.mac)
    before = counters(env)["tx"]
    with on_wire(env, lambda data: data[12:14] == LOCAL.to_bytes(2, "big")) as wire:
        send_frames(env.ifname, frames)
        seen = wire.wait(len(frames))
        ksft_eq([len(one.data) for one in seen], [len(one) for one in frames], "sizes on the wire")
    got = moved(before, counters(env)["tx"])
    ksft_eq(got["packets"], len(frames), "packets")
    ksft_eq(got["bytes"], sum(map(len, frames)), "bytes")


def padded_bytes(env):
    """A padded frame counts with the bytes that were on the wire."""
    stock_xfail("does not pad")
    before = counters(env)["tx"]
    send_frames(env.ifname, [ether(env.peer_mac, env.mac, LOCAL, b"x")] * EACH)
    ksft_eq(moved(before, counters(env)["tx"])["bytes"], 60 * EACH, "bytes")


def queues_add_up(env):
    """Per-queue counters add up to the interface's, packets and bytes, both ways."""
    def everything():
        return settle(lambda: (link_stats(env.ifname), queue_stats(env.ifname, "rx"), queue_stats(env.ifname, "tx")))
    before = everything()
    for direction in ("tx", "rx"):
        one, other = transfer(env, direction, size=300_000)
        ksft_eq(one, other, "md5")
    after = everything()
    for at, direction in ((1, "rx"), (2, "tx")):
        port = moved(before[0][direction], after[0][direction])
        for what in ("packets", "bytes"):
            total = sum(row[what] for row in after[at].values()) - sum(row[what] for row in before[at].values())
            ksft_eq(total, port[what], f"{direction} {what} of all queues")
        ksft_ge(port["packets"], 200, f"{direction} packets")


def ethtool_agrees(env):
    """ethtool -S moves with the wire where it counts the same things."""
    frames = known_frames(env.mac, env.peer_mac)
    before = settle(lambda: driver_stats(env.ifname))
    send_frames(env.peer_if, frames, env.ns)
    after = settle(lambda: driver_stats(env.ifname))
    ksft_eq(list(before), list(after), "names of ethtool -S")
    deltas = {name: value for name, value in moved(before, after).items() if value}
    env.note("ethtool -S moved:", deltas)
    ksft_true(all(value >= 0 for value in deltas.values()), "no counter went back")
    ksft_true(len(frames) in deltas.values(), "some counter counted the frames")


def survive_down_up(env):
    """No counter is lost or goes back over down and up, nor over a change of rings."""
    transfer(env, "tx", size=100_000)
    before = counters(env)
    env.set_link("down")
    while_down = link_stats(env.ifname)
    env.set_link("up")
    env.wait_carrier()
    env.ethtool("-G", "rx", 512, "tx", 512)
    env.wait_carrier()
    after = counters(env)
    for direction in ("rx", "tx"):
        for name, value in before[direction].items():
            ksft_ge(while_down[direction][name], value, f"{direction} {name} while down")
            ksft_ge(after[direction][name], value, f"{direction} {name} afterwards")


def main():
    """Run the cases."""
    env = Env()
    env.quiet()
    ksft_run([received, multicast_counted, sent, padded_bytes, queues_add_up, ethtool_agrees, survive_down_up],
             args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
