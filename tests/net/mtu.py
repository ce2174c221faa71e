#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""MTU: from the smallest to the hardware's limit, full frames pass both ways, and no larger ones."""

from lib.py import ksft_eq, ksft_exit, ksft_in, ksft_ge, ksft_run, ksft_true, ksft_variants
from kwl_env import Env, link
from kwl_frames import ether, packet
from kwl_sys import refused, run
from kwl_traffic import Stream, ping, transfer
from kwl_wire import reaches_dut

LIMITS = {}
# The hardware takes frames of 9728 bytes with FCS: 9728 - 4 - 14, less 4 or 8 where tags are counted.
HARDWARE_MTU = (9702, 9706, 9710, 9216)


def limits(env):
    """Return the (smallest, largest) MTU the interface declares."""
    if not LIMITS:
        info = link(env.ifname)
        LIMITS.update(low=info["min_mtu"], high=info["max_mtu"])
    return LIMITS["low"], LIMITS["high"]


def declared_limits(env):
    """The interface declares Ethernet's minimum and the hardware's maximum."""
    low, high = limits(env)
    ksft_eq(low, 68, "smallest MTU")
    ksft_in(high, HARDWARE_MTU, "largest MTU")


def set_refused(env, mtu):
    """Try an MTU outside the limits: it must be refused with a reason and change nothing."""
    before = link(env.ifname)["mtu"]
    text = refused(f"ip link set {env.ifname} mtu {mtu}")
    ksft_true(text and "mtu" in text.lower(), f"refusal of {mtu} names the reason: {text!r}")
    ksft_eq(link(env.ifname)["mtu"], before, "MTU after the refusal")


def outside_refused(env):
    """One below and one above the limits are refused with an explanation."""
    low, high = limits(env)
    set_refused(env, low - 1)
    set_refused(env, high + 1)
    ksft_eq(ping(env.peer_v4), 1, "answers")


def peer_mtu(env, mtu):
    """Set both ends; the partner's own limit is close to the DUT's."""
    top = link(env.peer_if, env.ns)["max_mtu"]
    env.set_link("mtu", mtu)
    env.set_peer("mtu", min(mtu, top))
    env.wait_carrier()
    # Routes remember the path MTU that the kernel learned from smaller settings.
    for space in (None, env.ns):
        run("ip route flush cache", ns=space)
    return min(mtu, top)


@ksft_variants(["min", 1280, 1500, 2026, 4000, 9000, "max"])
def full_frames(env, mtu):
    """Frames of exactly the MTU pass both ways unfragmented, and bulk data arrives intact."""
    low, high = limits(env)
    mtu = {"min": low, "max": high}.get(mtu, mtu)
    shared = peer_mtu(env, mtu)
    ksft_eq(link(env.ifname)["mtu"], mtu, "MTU set")
    for size in (shared - 28, max(shared - 29, 0)):
        ksft_eq(ping(env.peer_v4, count=2, size=size, options="-M do"), 2, f"answers, {size} bytes from the DUT")
        ksft_eq(ping(env.v4, count=2, size=size, options="-M do", ns=env.ns), 2, f"answers, {size} bytes to the DUT")
    size = 8 << 10 if mtu < 1000 else 1 << 20
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, size=size)
        ksft_eq(sent, got, f"md5, {direction}")


def tagged_full_frame(env):
    """A VLAN tag does not count against the MTU: a full tagged frame is received."""
    peer_mtu(env, 1500)
    env.ethtool("-K", "rx-vlan-filter", "off", check=False)
    env.set_link("promisc", "on")
    payload = b"kawela-full".ljust(1472, b".")
    frame = ether(env.mac, env.peer_mac, 0x0800, packet(4, "udp", env.peer_v4, env.v4, payload=payload), 5)
    ksft_eq(len(frame), 1518, "the test's own frame without FCS")
    ksft_eq(len(reaches_dut(env, frame, b"kawela-full")), 1, "full tagged frames received")
    env.set_link("promisc", "off")


def change_under_traffic(env):
    """The MTU changes under running streams without a wrong byte."""
    # The partner cannot learn of the change and would keep sending large segments: stay below all.
    env.set_peer("mtu", 1500)
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        for mtu in (1500, 9000, 3000):
            env.set_link("mtu", mtu)
            env.wait_carrier()
            out.moves()
            back.moves()
    ksft_ge(out.received, 1, "bytes received")


def main():
    """Run the cases."""
    ksft_run([declared_limits, outside_refused, full_frames, tagged_full_frame, change_under_traffic], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
