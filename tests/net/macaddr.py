#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=90 drivers=kawela,stock
"""The MAC address can be changed, up or down; frames follow the new one; the old one is kept as permanent."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_env import Env, link
from kwl_frames import ether
from kwl_sys import output, read, refused, run
from kwl_traffic import ping
from kwl_wire import never_reaches_dut, reaches_dut

NEW = "52:54:00:12:34:56"
LOCAL = 0x88B5
MARK = b"kawela-mac"


def frame_to(env, address):
    """Return a frame from the partner to some address."""
    return ether(address, env.peer_mac, LOCAL, MARK + bytes(60))


def restore(env):
    """Give the interface its permanent address back."""
    env.set_link("address", env.mac)


def answers_to(env, new, old):
    """Check that the device takes frames to `new` and drops those to `old`."""
    ksft_eq(read(f"/sys/class/net/{env.ifname}/address"), new, "address shown")
    ksft_eq(len(reaches_dut(env, frame_to(env, new), MARK)), 1, f"frames to {new}")
    fence = ether(new, env.peer_mac, LOCAL, b"")
    ksft_eq(never_reaches_dut(env, frame_to(env, old), MARK, fence), [], f"frames to {old}")
    run(f"ip -n {env.ns} neigh flush all")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers")
    shown = output(f"ip -n {env.ns} neigh show {env.v4}")
    ksft_true(new in shown, f"the partner sees {new}: {shown}")


def change_while_up(env):
    """A change of a running interface takes effect at once."""
    defer(restore, env)
    env.set_link("address", NEW)
    answers_to(env, NEW, env.mac)
    env.set_link("address", env.mac)
    answers_to(env, env.mac, NEW)


def change_while_down(env):
    """A change while down is in force after up, and again after another down and up."""
    defer(restore, env)
    env.set_link("down")
    env.set_link("address", NEW)
    for _ in range(2):
        env.set_link("up")
        env.wait_carrier()
        answers_to(env, NEW, env.mac)
        env.set_link("down")
    env.set_link("address", env.mac)
    env.set_link("up")
    env.wait_carrier()
    answers_to(env, env.mac, NEW)


def permanent_stays(env):
    """The permanent address is not touched by a change."""
    defer(restore, env)
    env.set_link("address", NEW)
    ksft_eq(output(f"ethtool -P {env.ifname}").strip(), f"Permanent address: {env.mac}", "ethtool -P")
    ksft_eq(link(env.ifname).get("permaddr"), env.mac, "ip link permaddr")


def bad_addresses(env):
    """Group and zero addresses are refused."""
    for bad in ("01:00:5e:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
        ksft_true(refused(f"ip link set {env.ifname} address {bad}"), f"{bad} refused")
    ksft_eq(read(f"/sys/class/net/{env.ifname}/address"), env.mac, "address afterwards")
    ksft_eq(ping(env.peer_v4), 1, "answers")


def main():
    """Run the cases."""
    env = Env()
    # IPv6 joins a group that ends like the MAC address, and the emulator lets unicast frames
    # through the group filter when their last octets match.
    run(f"sysctl -qw net.ipv6.conf.{env.ifname}.disable_ipv6=1")
    ksft_run([change_while_up, change_while_down, permanent_stays, bad_addresses], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
