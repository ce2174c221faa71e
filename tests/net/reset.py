#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela,stock
"""A reset of the hardware is not noticed by the user: every setting is in force again afterwards.

The offline self-test resets the device. Each setting is checked by its effect on frames.
"""

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_true, ksft_variants, defer
from kwl_env import Env, link, on_stock, stock_skip, stock_xfail
from kwl_frames import ether, to_dut
from kwl_nic import irq_names
from kwl_rss import RxMeta, expected_hash, flow, rxfh
from kwl_sys import run, write
from kwl_traffic import Stream, ping, transfer
from kwl_wire import never_reaches_dut, on_wire, reaches_dut

MARK = b"kawela-reset"
LOCAL = 0x88B5
NEW_MAC = "52:54:00:12:34:56"
GROUP = "01:00:5e:11:22:33"
FOREIGN = "52:54:00:00:00:99"
NEW_KEY = bytes((at * 91 + 5) & 0xFF for at in range(40))


def reset(env):
    """Reset the device and wait for the link."""
    run(["ethtool", "-t", env.ifname, "offline"], check=False)
    env.wait_carrier(30)


def again(env):
    """Take the interface down and up, the other way through the hardware's set-up."""
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier(30)


WAYS = ksft_variants([("reset", ), ("downup", )])


def do(env, way):
    """Go one of the two ways."""
    (reset if way == "reset" else again)(env)


def local_frame(env, address):
    """Return a frame from the partner to some address."""
    return ether(address, env.peer_mac, LOCAL, MARK + bytes(60))


def filtered(env, frame):
    """Tell whether the device keeps a frame out."""
    fence = ether(link(env.ifname)["address"], env.peer_mac, LOCAL, b"")
    return not never_reaches_dut(env, frame, MARK, fence)


@WAYS
def mtu_and_rings(env, way):
    """MTU and ring sizes."""
    env.set_mtu(4000)
    defer(env.set_mtu, 1500)
    env.ethtool("-G", "rx", 512, "tx", 1024, check=False)
    do(env, way)
    ksft_eq(link(env.ifname)["mtu"], 4000, "MTU")
    ksft_eq(ping(env.peer_v4, count=2, size=3972, options="-M do"), 2, "full frames")
    shown = env.ethtool_json("-g")
    ksft_eq((shown["rx"], shown["tx"]), (512, 1024), "ring sizes")
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction)
        ksft_eq(sent, got, f"md5, {direction}")


@WAYS
def rss_table_and_key(env, way):
    """RSS table, key and hash fields."""
    env.ethtool("-X", "weight", 1, 3)
    env.ethtool("-N", "rx-flow-hash", "udp4", "sdfn")
    defer(env.ethtool, "-X", "default")
    if not on_stock():
        env.ethtool("-X", "hkey", ":".join(f"{byte:02x}" for byte in NEW_KEY))
    before = rxfh(env)
    do(env, way)
    ksft_eq(rxfh(env), before, "table and key shown")
    stock_xfail("hides its key, so that hashes cannot be checked")
    table, key = before
    with RxMeta(env) as meta:
        for port in range(32000, 32012):
            right = expected_hash(env, key, 4, (port, 5996))
            ksft_eq(meta.send(flow(env, "udp", 4, port)), (table[right % len(table)], right), f"port {port}")


@WAYS
def vlans(env, way):
    """The VLAN filter: joined in, foreign out."""
    run(f"ip link add link {env.ifname} name vlan77 type vlan id 77")
    defer(run, "ip link del vlan77")
    do(env, way)
    frames = reaches_dut(env, to_dut(env, 4, "udp", tci=77, payload=MARK), MARK)
    ksft_eq([one.tci for one in frames], [77], "joined VLAN")
    ksft_true(filtered(env, to_dut(env, 4, "udp", tci=78, payload=MARK)), "foreign VLAN filtered")


@WAYS
def mac_address(env, way):
    """A MAC address the user gave."""
    env.set_link("address", NEW_MAC)
    defer(env.set_link, "address", env.mac)
    do(env, way)
    ksft_eq(link(env.ifname)["address"], NEW_MAC, "address")
    ksft_eq(len(reaches_dut(env, local_frame(env, NEW_MAC), MARK)), 1, "frames to the new address")
    ksft_true(filtered(env, local_frame(env, FOREIGN)), "foreign address filtered")


@WAYS
def receive_filter(env, way):
    """Groups, and the promiscuous and all-multicast modes."""
    run(f"ip maddr add {GROUP} dev {env.ifname}")
    do(env, way)
    ksft_eq(len(reaches_dut(env, local_frame(env, GROUP), MARK)), 1, "joined group")
    run(f"ip maddr del {GROUP} dev {env.ifname}")
    env.set_link("allmulticast", "on")
    do(env, way)
    ksft_eq(len(reaches_dut(env, local_frame(env, GROUP), MARK)), 1, "any group with allmulticast")
    env.set_link("allmulticast", "off")
    env.set_link("promisc", "on")
    do(env, way)
    ksft_eq(len(reaches_dut(env, local_frame(env, FOREIGN), MARK)), 1, "any frame with promisc")
    env.set_link("promisc", "off")
    do(env, way)
    ksft_true(filtered(env, local_frame(env, FOREIGN)), "foreign address filtered again")


@WAYS
def offloads(env, way):
    """Offloads that were switched off."""
    for name in ("rxvlan", "rxhash", "rx"):
        env.ethtool("-K", name, "off")
        defer(env.ethtool, "-K", name, "on")
    env.wait_carrier()
    env.ethtool("-K", "gro", "off")
    defer(env.ethtool, "-K", "gro", "on")
    do(env, way)
    with RxMeta(env) as meta:
        ksft_eq(meta.send(flow(env, "tcp", 4, 32100))[1], 0, "hash with rxhash off")
    frames = reaches_dut(env, to_dut(env, 4, "udp", payload=MARK * 5), MARK)
    ksft_eq([one.csum_valid for one in frames], [False], "checksum vouched for with rx off")


@WAYS
def coalescing_and_channels(env, way):
    """Interrupt interval and number of channels."""
    env.ethtool("-C", "adaptive-rx", "off", check=False)
    env.ethtool("-C", "rx-usecs", 77)
    env.ethtool("-L", "combined", 3)
    defer(env.ethtool, "-L", "combined", 2)
    env.wait_carrier()
    do(env, way)
    ksft_eq(env.ethtool_json("-c")["rx-usecs"], 77, "interval")
    with RxMeta(env) as meta:
        ksft_eq({meta.send(flow(env, "tcp", 4, port))[0] for port in range(33000, 33040)}, {0, 1, 2}, "queues")
    ksft_true(len(irq_names(env.ifname)) >= 3, "interrupts")


def transmit_settings(env):
    """VLAN insertion works after a reset."""
    run(f"ip link add link {env.ifname} name vlan9 type vlan id 9")
    defer(run, "ip link del vlan9")
    run("ip link set vlan9 up")
    reset(env)
    with on_wire(env, lambda data: data[12:16] == b"\x81\x00\x00\x09") as wire:
        run("ip neigh add 198.51.100.1 lladdr 52:54:00:82:57:ff dev vlan9")
        run("ip addr add 198.51.100.2/24 dev vlan9")
        ping("198.51.100.1", options="-W 1 -w 1")
        ksft_true(len(wire.wait(1)) >= 1, "tagged frames on the wire")


def function_reset(env):
    """A reset of the PCI function from sysfs: connections survive it, settings too."""
    stock_skip("does not come back from a function reset")
    env.set_mtu(3000)
    defer(env.set_mtu, 1500)
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        write(env.sysfs / "reset", 1)
        env.wait_carrier(30)
        out.moves(timeout=60)
        back.moves(timeout=60)
    ksft_eq(ping(env.peer_v4, count=2, size=2972, options="-M do"), 2, "full frames")


def main():
    """Run the cases."""
    ksft_run([mtu_and_rings, rss_table_and_key, vlans, mac_address, receive_filter, offloads,
              coalescing_and_channels, transmit_settings, function_reset], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
