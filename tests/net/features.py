#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""Features: each switch of ethtool -K works under running traffic and is shown as set."""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_env import Env, stock_skip, stock_xfail
from kwl_frames import ether
from kwl_switch import BROADCAST
from kwl_sys import kernel_log, output, refused, run, write
from kwl_traffic import Stream, ping, transfer
from kwl_wire import Capture, send_frames

OFFERED = ("rx-checksumming", "tx-checksum-sctp", "tx-scatter-gather", "tx-tcp-segmentation",
           "tx-tcp6-segmentation", "generic-receive-offload", "rx-vlan-offload", "tx-vlan-offload", "receive-hashing")
# ethtool's names of the switches that are groups.
ALIAS = {"rx-checksumming": "rx", "generic-receive-offload": "gro", "rx-vlan-offload": "rxvlan",
         "tx-vlan-offload": "txvlan", "receive-hashing": "rxhash", "generic-segmentation-offload": "gso"}
# The one stops traffic, and has a case of its own.
SKIP = ("tx-nocache-copy", "loopback")
LOCAL, MARK = 0x88B5, b"kawela-loop"


def switches(env):
    """Return {name: on} of all features that are not fixed and not groups of others."""
    rows = re.findall(r"^\t?([\w-]+): (on|off)( \[fixed\])?", output(f"ethtool -k {env.ifname}"), re.M)
    groups = ("tx-checksumming", "scatter-gather", "tcp-segmentation-offload")
    return {name: state == "on" for name, state, fixed in rows if not fixed and name not in groups + SKIP}


def offered(env):
    """The device's offloads are there, and on by default."""
    found = switches(env)
    for name in OFFERED:
        ksft_eq(found.get(name), True, name)
    stock_xfail("offers UDP segmentation, which the emulator turns into IP fragments")
    ksft_eq(found.get("tx-udp-segmentation"), None, "UDP segmentation is not offered where it is wrong")


def set_feature(env, name, on):
    """Set one feature and return whether ethtool then shows it so."""
    env.ethtool("-K", ALIAS.get(name, name), "on" if on else "off", check=False)
    return switches(env).get(name) == on


def each_under_traffic(env):
    """Every switch goes over and back while data flows both ways, and no byte is wrong."""
    before = switches(env)
    stuck = []
    with Stream(env, "tx") as out, Stream(env, "rx", 6) as back:
        for name, on in before.items():
            if not set_feature(env, name, not on):
                stuck.append(name)
            env.wait_carrier()
            out.moves()
            back.moves()
            if not set_feature(env, name, on):
                stuck.append(name)
            env.wait_carrier()
    env.note("switched over and back:", " ".join(before))
    ksft_eq(switches(env), before, "features at the end")
    if stuck:
        stock_xfail(f"refuses {sorted(set(stuck))}")
    ksft_eq(sorted(set(stuck)), [], "switches that did not move")


def all_off(env):
    """With every offload off traffic is right, and again with all on."""
    before = switches(env)
    for name in OFFERED:
        set_feature(env, name, False)
    env.wait_carrier()
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, size=512 << 10)
        ksft_eq(sent, got, f"md5 with all off, {direction}")
    for name in reversed(OFFERED):
        set_feature(env, name, before[name])
    env.wait_carrier()
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, size=512 << 10)
        ksft_eq(sent, got, f"md5 with all on, {direction}")
    ksft_eq(switches(env), before, "features at the end")


def kept_over_down_up(env):
    """A feature that was switched off stays off over down and up."""
    name = "tx-tcp-segmentation"
    set_feature(env, name, False)
    env.set_link("down")
    set_feature(env, "receive-hashing", False)
    env.set_link("up")
    env.wait_carrier()
    ksft_true(set_feature(env, name, False), "TSO still off")
    ksft_eq(switches(env).get("receive-hashing"), False, "rxhash switched while down")
    ksft_eq(ping(env.peer_v4), 1, "answers")
    set_feature(env, name, True)
    set_feature(env, "receive-hashing", True)


def comes_out(env):
    """Where a frame that the interface sends comes out: {"here", "wire"}."""
    def marked(data):
        return MARK in data
    with Capture(env.ifname, None, marked) as here, Capture(env.peer_if, env.ns, marked) as wire:
        send_frames(env.ifname, [ether(BROADCAST, env.mac, LOCAL, MARK + bytes(60))] * 3)
        here.wait(0, linger=0.5)
        wire.wait(0, linger=0.2)
    return {name for name, capture in (("here", here), ("wire", wire)) if len(capture.frames) == 3}


def loopback(env):
    """Frames come back and do not leave; over down and up, resets and the self test, until that is switched off."""
    stock_skip("has no such switch")

    def on(want):
        return (env.feature("loopback"), comes_out(env)) == (want, {"here"} if want else {"wire"})
    ksft_true(on(False), "at first")
    env.ethtool("-K", "loopback", "on")
    defer(env.ethtool, "-K", "loopback", "off")
    ksft_true(on(True), "switched on")
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    ksft_true(on(True), "down and up")
    write(env.sysfs / "reset", 1)
    env.wait_carrier()
    ksft_true(on(True), "after a function reset")
    env.ethtool("-t", "offline")
    env.wait_carrier()
    ksft_true(on(True), "after the self test")
    env.ethtool("-G", "rx", 512)
    env.ethtool("-G", "rx", 256)
    env.wait_carrier()
    ksft_true(on(True), "with other rings")
    ksft_true(refused(["sh", "-c", f"echo 1 >{env.sysfs}/sriov_numvfs"]), "VFs refused meanwhile")
    ksft_true("turn loopback off first" in kernel_log(), "with the reason")
    env.ethtool("-K", "loopback", "off")
    ksft_true(on(False), "switched off")
    env.set_link("down")
    env.ethtool("-K", "loopback", "on")
    env.ethtool("-K", "loopback", "off")
    env.set_link("up")
    env.wait_carrier()
    ksft_true(on(False), "switched on and off while down")
    env.ethtool("-K", "loopback", "on")
    run(f"devlink dev reload pci/{env.pci}")
    env.start()
    ksft_true(on(False), "off by default after a reload")
    sent, got = transfer(env, "tx", size=64 << 10)
    ksft_eq(sent, got, "md5")


def loopback_and_vfs(env):
    """With VFs there is no loopback: it would take their frames as well."""
    stock_skip("has no such switch")
    write(env.sysfs / "sriov_numvfs", 1)
    defer(write, env.sysfs / "sriov_numvfs", 0)
    env.ethtool("-K", "loopback", "on", check=False)
    ksft_eq(env.feature("loopback"), False, "loopback")


def main():
    """Run the cases."""
    ksft_run([offered, each_under_traffic, all_off, kept_over_down_up, loopback,
              loopback_and_vfs], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
