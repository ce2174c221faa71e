#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Receive filter: what is addressed to the host comes in, what is not stays out."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_env import Env
from kwl_frames import ether, mac_bytes
from kwl_sys import batch, run
from kwl_wire import at_dut, never_reaches_dut, send_frames

LOCAL = 0x88B5
MARK = b"kawela-rxmode"
FOREIGN = "52:54:00:00:00:99"
GROUP = "01:00:5e:11:22:33"
# The device has 24 exact entries; one is the interface's own address.
MANY = 40


def frame_to(env, address):
    """Return a frame from the partner to some address."""
    return ether(address, env.peer_mac, LOCAL, MARK + bytes(60))


def let_in(env, address):
    """Tell whether the DUT's stack gets a frame to this address."""
    fence = ether(env.mac, env.peer_mac, LOCAL, b"")
    return bool(never_reaches_dut(env, frame_to(env, address), MARK, fence))


def not_received(env, addresses):
    """Send a frame to each address; return those whose frame did not come in."""
    with at_dut(env, lambda data: MARK in data) as capture:
        send_frames(env.peer_if, [frame_to(env, address) for address in addresses], env.ns)
        seen = {one.data[:6] for one in capture.wait(len(addresses), 3)}
    return [address for address in addresses if mac_bytes(address) not in seen]


def add_macvlans(env, count):
    """Stack `count` macvlan devices with addresses of their own on the DUT; return the addresses."""
    macs = [f"52:54:00:aa:00:{at:02x}" for at in range(count)]
    batch("ip", [f"link add link {env.ifname} name mv{at} address {mac} type macvlan mode bridge"
                 for at, mac in enumerate(macs)])
    defer(batch, "ip", [f"link del mv{at}" for at in range(count)])
    # Without an IPv6 address of their own, for the reason given in main().
    batch("ip", [f"link set mv{at} {words}" for at in range(count) for words in ("addrgenmode none", "up")])
    return macs


def own_and_broadcast(env):
    """The own address and broadcast are received, another unicast address and group are not."""
    ksft_eq(let_in(env, env.mac), True, "own address")
    ksft_eq(let_in(env, "ff:ff:ff:ff:ff:ff"), True, "broadcast")
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast")
    ksft_eq(let_in(env, GROUP), False, "group nobody joined")


def multicast_groups(env):
    """A joined group is received and a left one is not."""
    run(f"ip maddr add {GROUP} dev {env.ifname}")
    ksft_eq(let_in(env, GROUP), True, "joined")
    run(f"ip maddr del {GROUP} dev {env.ifname}")
    ksft_eq(let_in(env, GROUP), False, "left")


def many_groups(env):
    """Far more groups than exact entries: all joined ones are received."""
    groups = [f"01:00:5e:20:{at:02x}:{at * 3 & 0xFF:02x}" for at in range(60)]
    # `ip -batch` forgets all but the first of several maddr lines.
    for group in groups:
        run(f"ip maddr add {group} dev {env.ifname}")
        defer(run, f"ip maddr del {group} dev {env.ifname}")
    missing = not_received(env, groups)
    ksft_eq(missing, [], "joined groups not received")
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast still filtered")


def extra_unicast(env):
    """Addresses of stacked devices are received exactly, without promiscuity."""
    macs = add_macvlans(env, 4)
    for mac in macs:
        ksft_eq(let_in(env, mac), True, mac)
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast")


def extra_unicast_removed(env):
    """The address of a removed device is filtered again."""
    run(f"ip link add link {env.ifname} name mvx address {FOREIGN} type macvlan mode bridge")
    run("ip link set mvx addrgenmode none")
    run("ip link set mvx up")
    ksft_eq(let_in(env, FOREIGN), True, "while it exists")
    run("ip link del mvx")
    ksft_eq(let_in(env, FOREIGN), False, "after removal")


def unicast_overflow(env):
    """More addresses than entries: all are received, and afterwards filtering is exact again."""
    macs = add_macvlans(env, MANY)
    missing = not_received(env, macs)
    ksft_eq(missing, [], "addresses not received")


def exact_after_overflow(env):
    """Once the many addresses are gone, foreign ones are filtered."""
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast")
    ksft_eq(let_in(env, "52:54:00:aa:00:27"), False, "an address of before")
    ksft_eq(let_in(env, env.mac), True, "own address")


def all_multicast(env):
    """allmulticast lets in groups nobody joined, and nothing else."""
    env.set_link("allmulticast", "on")
    ksft_eq(let_in(env, GROUP), True, "group, on")
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast, on")
    env.set_link("allmulticast", "off")
    ksft_eq(let_in(env, GROUP), False, "group, off")


def promiscuous(env):
    """Promiscuous mode lets in everything."""
    env.set_link("promisc", "on")
    ksft_eq(let_in(env, FOREIGN), True, "foreign unicast, on")
    ksft_eq(let_in(env, GROUP), True, "group, on")
    env.set_link("promisc", "off")
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast, off")
    ksft_eq(let_in(env, GROUP), False, "group, off")


def modes_survive_down_up(env):
    """Groups, extra addresses and modes asked for are in force again after down and up."""
    run(f"ip maddr add {GROUP} dev {env.ifname}")
    defer(run, f"ip maddr del {GROUP} dev {env.ifname}")
    mac = add_macvlans(env, 1)[0]
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(let_in(env, GROUP), True, "joined group")
    run("ip link set mv0 up")
    ksft_eq(let_in(env, mac), True, "extra address")
    ksft_eq(let_in(env, FOREIGN), False, "foreign unicast")


def main():
    """Run the cases."""
    env = Env()
    # IPv6 joins groups that end like the addresses, and the emulator lets unicast frames through
    # the group filter when their last octets match: leave exact matches to prove themselves.
    run(f"sysctl -qw net.ipv6.conf.{env.ifname}.disable_ipv6=1")
    run("modprobe macvlan")
    ksft_run([own_and_broadcast, multicast_groups, many_groups, extra_unicast, extra_unicast_removed, unicast_overflow,
              exact_after_overflow, all_multicast, promiscuous, modes_survive_down_up], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
