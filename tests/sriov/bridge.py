#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela
"""The switch as a bridge port: VEB or VEPA, and addresses that the PF takes for others."""

import errno
import os
import socket
import struct

from lib.py import defer, ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import BROADCAST, heard, ports_of
from kwl_sys import run, run_json, wait_for, write
from kwl_traffic import ping

OTHERS = [f"02:82:57:00:03:{number:02x}" for number in range(5)]
VEB, VEPA = "VEB", "VEPA"

# Of the kernel's netlink interface
NLMSG_ERROR, RTM_SETLINK, NLM_F_REQUEST, NLM_F_ACK = 2, 19, 1, 4
AF_BRIDGE, IFLA_AF_SPEC, IFLA_BRIDGE_FLAGS, IFLA_BRIDGE_MODE, BRIDGE_FLAGS_SELF = 7, 26, 0, 1, 2


def mode(env):
    """Return the mode that `bridge -d link` shows."""
    return next((one["hwmode"] for one in run_json("bridge -d -j link show") if one["ifname"] == env.ifname), None)


def set_mode(env, value):
    """Set the mode and check that it is shown."""
    run(["bridge", "link", "set", "dev", env.ifname, "hwmode", value.lower()])
    ksft_eq(mode(env), value, "mode as shown")


def ask_for(env, value):
    """Ask the kernel for a mode by its number, which `bridge` would not do for any, or for none; return the errno."""
    def attribute(kind, data):
        return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
    spec = attribute(IFLA_BRIDGE_FLAGS, struct.pack("=H", BRIDGE_FLAGS_SELF))
    if value is not None:
        spec += attribute(IFLA_BRIDGE_MODE, struct.pack("=H", value))
    body = struct.pack("=BxHiII", AF_BRIDGE, 0, socket.if_nametoindex(env.ifname), 0, 0) + attribute(IFLA_AF_SPEC, spec)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        answer = sock.recv(1 << 16)
    _, kind, _, _, _, error = struct.unpack_from("=IHHIIi", answer)
    ksft_eq(kind, NLMSG_ERROR, "kind of answer")
    return -error


def veb_again(bench):
    """Leave the mode as it was."""
    set_mode(bench.env, VEB)


def switches(bench):
    """Check that frames between ports stay on the card."""
    for sender, target in (("vf0", "vf1"), ("vf0", "pf"), ("pf", "vf0")):
        ksft_eq(ports_of(bench, sender, bench.ends()[target].mac), {target: 1}, f"{sender} to {target}")
    got = ports_of(bench, "vf0", BROADCAST)
    ksft_eq({name: got.get(name) for name in ("wire", "pf", "vf1")}, {"wire": 1, "pf": 1, "vf1": 1}, "broadcast")


def sends_out(bench):
    """Check that frames of all ports go to the wire and nowhere else."""
    for sender in ("vf0", "pf"):
        for target in (bench.vfs[1].mac, BROADCAST):
            got = ports_of(bench, sender, target, fenced=["wire"])
            ksft_eq(got, {"wire": 1}, f"{sender} to {target}")


def veb_is_default(bench):
    """To begin with, the card switches."""
    ksft_eq(mode(bench.env), VEB, "mode")
    switches(bench)


def vepa(bench):
    """As a VEPA the card sends everything out; what comes back from there finds its port."""
    defer(veb_again, bench)
    set_mode(bench.env, VEPA)
    sends_out(bench)
    for target in ("vf0", "vf1", "pf"):
        ksft_eq(ports_of(bench, "wire", bench.ends()[target].mac), {target: 1}, f"wire to {target}")
    ksft_eq(ports_of(bench, "wire", BROADCAST), {"pf": 1, "vf0": 1, "vf1": 1}, "broadcast from the wire")
    ksft_eq(ping(bench.env.peer_v4, count=2, ns="vf0"), 2, "answers of the wire to VF 0")
    ksft_eq(ping(bench.vfs[1].v4, options="-W 1", ns="vf0"), 0, "answers of VF 1 to VF 0, with nobody to reflect")
    set_mode(bench.env, VEB)
    switches(bench)


def kept(bench):
    """The mode outlives resets of the PF and its VFs; it can be set with the PF down and without VFs."""
    env = bench.env
    defer(bench.spoil)
    defer(veb_again, bench)
    defer(env.set_link, "mtu", 1500)
    env.set_link("down")
    set_mode(env, VEPA)
    env.set_link("up")

    for what, change in (("PF down and up", lambda: None), ("MTU", lambda: env.set_link("mtu", 2000)),
                         ("ethtool -r", lambda: env.ethtool("-r")), ("new VFs", lambda: bench.start(OURS)),
                         ("function reset of the PF", lambda: write(env.sysfs / "reset", 1))):
        change()
        env.wait_carrier()
        wait_for(lambda: all(ping(env.peer_v4, ns=vf.ns) for vf in bench.vfs), 20, f"VFs to be back after {what}")
        ksft_eq(mode(env), VEPA, f"mode after {what}")
        sends_out(bench)
    bench.disable()
    ksft_eq(mode(env), VEPA, "mode without VFs")
    set_mode(env, VEB)
    bench.start(OURS)
    switches(bench)


def other_modes(bench):
    """Modes that the card does not have are refused."""
    for value in (2, 3, 0xFFFF):
        ksft_eq(errno.errorcode.get(ask_for(bench.env, value)), "EINVAL", f"mode {value}: {os.strerror(errno.EINVAL)}")
    ksft_eq(ask_for(bench.env, None), errno.EOPNOTSUPP, "no mode at all")
    ksft_eq(mode(bench.env), VEB, "mode afterwards")
    ksft_eq(ask_for(bench.env, 0), 0, "mode 0, which is VEB")


def addresses_for_others(bench):
    """`bridge fdb add` on the PF: VFs reach it by these addresses; shown; gone when deleted."""
    env = bench.env

    def shown():
        return [one["mac"] for one in run_json(f"bridge -j fdb show dev {env.ifname}") if one["mac"] in OTHERS]
    defer(run, f"bridge fdb del {OTHERS[0]} dev {env.ifname} self", check=False)
    ksft_eq(heard(bench, "vf0", OTHERS), {"wire": OTHERS}, "from VF 0, before")
    for mac in OTHERS:
        run(f"bridge fdb add {mac} dev {env.ifname} self")
    ksft_eq(sorted(shown()), OTHERS, "as shown")
    for sender in ("vf0", "wire"):
        ksft_eq(heard(bench, sender, OTHERS), {"pf": OTHERS}, f"from {sender}")
    for mac in OTHERS[1:]:
        run(f"bridge fdb del {mac} dev {env.ifname} self")
    ksft_eq(shown(), OTHERS[:1], "as shown afterwards")
    ksft_eq(heard(bench, "vf0", OTHERS), {"pf": OTHERS[:1], "wire": OTHERS[1:]}, "from VF 0, afterwards")


def addresses_follow(bench):
    """The PF's list is in force with VFs that come later, and after a reset."""
    env = bench.env
    defer(bench.spoil)
    bench.disable()
    for mac in OTHERS:
        run(f"bridge fdb add {mac} dev {env.ifname} self")
        defer(run, f"bridge fdb del {mac} dev {env.ifname} self")
    bench.start(OURS)
    ksft_eq(heard(bench, "vf0", OTHERS), {"pf": OTHERS}, "with VFs")
    write(env.sysfs / "reset", 1)
    env.wait_carrier()
    wait_for(lambda: ping(env.peer_v4, ns="vf0"), 20, "the VF to be back")
    wait_for(lambda: ping(env.peer_v4, ns="vf1"), 20, "the VF to be back")
    ksft_eq(heard(bench, "vf0", OTHERS), {"pf": OTHERS}, "after a function reset of the PF")
    ksft_true(env.carrier(), "carrier")


def main():
    """Run the cases."""
    ksft_run(with_drivers([veb_is_default, vepa, kept, other_modes, addresses_for_others, addresses_follow], [OURS]),
             args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
