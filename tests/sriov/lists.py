#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""Lists of a VF: many addresses and groups, each heard; clear refusals; nothing left for the next driver.

The card has 24 entries for addresses. One is the PF's and one each VF's; the rest is for lists.
Groups are hashes in one table that all ports share, so nothing is said of who else hears a group
that somebody has joined.
"""

import fcntl
import re
import socket
import struct

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_frames import mac_bytes
from kwl_sriov import OURS, STOCK, Sriov, with_drivers
from kwl_switch import heard
from kwl_sys import batch, run, wait_for, write
from kwl_traffic import make_socket

SIOCADDMULTI, SIOCDELMULTI = 0x8931, 0x8932
ENTRIES, TRUSTED = 24, 16
GROUPS_MOST = 256


def address(number):
    """An address for a list."""
    return f"02:82:57:00:01:{number:02x}"


def group(number):
    """A group for a list. The last byte and half the one before are its hash: that of no other group here."""
    return f"01:00:5e:7f:{number // 64 << 4:02x}:{0x40 + number % 64:02x}"


ADDRESSES = [address(number) for number in range(ENTRIES)]
GROUPS = [group(number) for number in range(60)]


def share(bench):
    """How many addresses an untrusted VF may have beside its own: all list entries by VFs and PF."""
    vfs = len(bench.vfs)
    return (ENTRIES - 1 - vfs) // (vfs + 1)


def fdb(end, what, mac, check=True):
    """`bridge fdb add|del` for an interface itself; returns the finished process."""
    return run(["bridge", "fdb", what, mac, "dev", end.ifname, "self"], ns=end.ns, check=check)


def change(end, what, macs):
    """Add or delete many addresses."""
    batch("bridge", [f"fdb {what} {mac} dev {end.ifname} self" for mac in macs], ns=end.ns)


def join(vf, what, groups):
    """Join (add) or leave (del) groups, as `ip maddr` does, which takes one at a time."""
    with make_socket(socket.SOCK_DGRAM, 4, vf.ns) as sock:
        for one in groups:
            request = struct.pack("=16sH6s16x", vf.ifname.encode(), 0, mac_bytes(one))
            fcntl.ioctl(sock, {"add": SIOCADDMULTI, "del": SIOCDELMULTI}[what], request)


def renewed(bench):
    """VFs after the next case has begun with new ones: nothing is left in any list."""
    bench.set_vf(0, "trust", "off")
    bench.spoil()


def hears(bench, name, wanted, among=None, sender="wire", others=()):
    """Wait until a port hears exactly these of some addresses; `others` is who may be deaf for a moment."""
    among = among or ADDRESSES
    fenced = [port for port in bench.ends() if port not in (sender, *others)]
    wait_for(lambda: heard(bench, sender, among, fenced=fenced).get(name, []) == sorted(wanted), 20,
             f"{name} to hear {len(wanted)} of {len(among)} addresses from {sender}")


def nobody_hears(bench, name, among, **how):
    """Check that a port hears none of some addresses."""
    ksft_eq(heard(bench, "wire", among, **how).get(name, []), [], f"heard by {name}")


def many_addresses(bench):
    """An untrusted VF has its share of addresses: each is heard by it alone, from everywhere; one more is refused."""
    vf = bench.vfs[0]
    defer(renewed, bench)
    most = share(bench)
    ksft_ge(most, 4, "share")
    mine = ADDRESSES[:most]
    change(vf, "add", mine)
    hears(bench, vf.ns, mine)
    ksft_eq(heard(bench, "wire", ADDRESSES), {"vf0": mine, "pf": ADDRESSES[most:]}, "from the wire")
    for sender in ("pf", "vf1"):
        ksft_eq(heard(bench, sender, ADDRESSES), {"vf0": mine, "wire": ADDRESSES[most:]}, f"from {sender}")
    done = fdb(vf, "add", ADDRESSES[most], check=False)
    ksft_true(done.returncode, "one more refused")
    ksft_in(f"{most} addresses beside our own", done.stderr, "reason")
    ksft_eq(heard(bench, "wire", ADDRESSES).get("vf0"), mine, "heard afterwards")
    change(vf, "del", mine[1:])
    hears(bench, vf.ns, mine[:1])


def trusted_has_more(bench):
    """A trusted VF has 16; with its trust they go, at once, and it is left with its share of them."""
    vf = bench.vfs[0]
    defer(renewed, bench)
    bench.set_vf(0, "trust", "on")
    # The VF hears of it, and of its new limit.
    wait_for(lambda: fdb(vf, "add", ADDRESSES[0], check=False).returncode == 0, 20, "the first address")
    wait_for(lambda: fill(vf) == TRUSTED, 20, "as many addresses as a trusted VF may have")
    hears(bench, vf.ns, ADDRESSES[:TRUSTED])
    done = fdb(vf, "add", ADDRESSES[TRUSTED], check=False)
    ksft_in(f"{TRUSTED} addresses beside our own", done.stderr, "reason")

    bench.set_vf(0, "trust", "off")
    nobody_hears(bench, vf.ns, ADDRESSES[share(bench):], fenced=["pf", "vf1"])
    hears(bench, vf.ns, ADDRESSES[:share(bench)], others=[vf.ns])


def fill(vf):
    """Add addresses until one is refused; return how many the VF has."""
    have = len(re.findall("02:82:57:00:01", run(f"bridge fdb show dev {vf.ifname}", ns=vf.ns).stdout))
    while have < len(ADDRESSES) and not fdb(vf, "add", ADDRESSES[have], check=False).returncode:
        have += 1
    return have


def refused_as_a_whole(bench):
    """A list that the card has no room for is refused as a whole: the old one stays in force."""
    env, vf = bench.env, bench.vfs[1]
    pf = bench.ends()["pf"]
    defer(bench.spoil)
    room = ENTRIES - 1 - len(bench.vfs)
    mine, theirs = ADDRESSES[:2], [f"02:82:57:00:02:{number:02x}" for number in range(room - 2)]
    change(vf, "add", mine)
    hears(bench, vf.ns, mine)

    change(pf, "add", theirs)
    taken = defer(change, pf, "del", theirs)
    for sender in ("wire", "vf0"):
        ksft_eq(heard(bench, sender, theirs), {"pf": theirs}, f"the PF's addresses from {sender}")
    done = fdb(pf, "add", "02:82:57:00:02:ff", check=False)
    ksft_true(done.returncode, "one more for the PF refused")
    ksft_in("no receive address left on the card", done.stderr, "reason")

    # Within its limit, so the VF asks; what the card answers comes later than the command returns.
    fdb(vf, "add", ADDRESSES[2])
    hears(bench, vf.ns, mine)
    fdb(vf, "add", ADDRESSES[3])
    ksft_eq(heard(bench, "vf0", ADDRESSES).get(vf.ns), mine, "the VF's addresses while there is no room")
    taken.exec()
    fdb(vf, "add", ADDRESSES[4])
    hears(bench, vf.ns, ADDRESSES[:5])
    env.note("refusal in the log:", run("dmesg").stdout.count("does not let in all that is asked for: no room"))


def many_groups(bench):
    """Sixty groups, which take two messages, are all heard; those left no longer."""
    vf = bench.vfs[0]
    defer(renewed, bench)
    join(vf, "add", GROUPS)
    hears(bench, vf.ns, GROUPS, among=GROUPS)
    ksft_eq(heard(bench, "vf1", GROUPS)["vf0"], GROUPS, "from the other VF")
    ksft_eq(heard(bench, "wire", [group(number) for number in range(100, 130)]), {}, "groups that nobody has joined")
    join(vf, "del", GROUPS[30:])
    hears(bench, vf.ns, GROUPS[:30], among=GROUPS)
    join(vf, "del", GROUPS[:30])
    hears(bench, vf.ns, [], among=GROUPS)


def more_groups_than_allowed(bench):
    """An untrusted VF hears 256 groups at most, however many it has joined; a trusted one hears all."""
    vf = bench.vfs[0]
    defer(renewed, bench)
    most = [group(number) for number in range(GROUPS_MOST + 40)]
    # Those that every host joins are in the list as well.
    before = len(run(f"ip -o maddr show dev {vf.ifname}", ns=vf.ns).stdout.split("link ")) - 1
    join(vf, "add", most)
    wait_for(lambda: len(heard(bench, "wire", most).get(vf.ns, [])) >= GROUPS_MOST - before, 20, "most groups")
    ksft_true(len(heard(bench, "wire", most)[vf.ns]) <= GROUPS_MOST, "no more groups than allowed")
    bench.set_vf(0, "trust", "on")
    hears(bench, vf.ns, most, among=most, others=[vf.ns])


def kept(bench):
    """Addresses and groups are in force again after VF down and up and after resets of VF and PF."""
    env, vf = bench.env, bench.vfs[0]
    defer(renewed, bench)
    mine, groups = ADDRESSES[:5], GROUPS[:40]
    change(vf, "add", mine)
    join(vf, "add", groups)

    def down_up():
        vf.set_link("down")
        vf.set_link("up")

    def pf_down_up():
        env.set_link("down")
        env.set_link("up")

    for what in (down_up, lambda: write(f"/sys/bus/pci/devices/{vf.pci}/reset", 1), pf_down_up,
                 lambda: write(env.sysfs / "reset", 1)):
        what()
        env.wait_carrier()
        hears(bench, vf.ns, mine, others=[vf.ns, "vf1"])
        hears(bench, vf.ns, groups, among=groups, others=[vf.ns, "vf1"])


def gone_with_the_driver(bench):
    """Lists end with the driver that has asked for them; the next one, ours or in-tree, inherits nothing."""
    run(f"modprobe {STOCK}")
    defer(renewed, bench)
    vf = bench.vfs[0]
    for heir in (OURS, STOCK, OURS):
        change(vf, "add", ADDRESSES[:3])
        join(vf, "add", GROUPS[:20])
        hears(bench, vf.ns, ADDRESSES[:3])
        hears(bench, vf.ns, GROUPS[:20], among=GROUPS[:20])
        vf.unbind()
        ksft_eq(heard(bench, "wire", ADDRESSES + GROUPS, fenced=["pf", "vf1"]), {"pf": ADDRESSES}, "without a driver")
        vf.bind(heir)
        vf.come_up()
        nobody_hears(bench, vf.ns, ADDRESSES + GROUPS)


def main():
    """Run the cases."""
    ksft_run(with_drivers([many_addresses, trusted_has_more, refused_as_a_whole, many_groups, more_groups_than_allowed,
                           kept, gone_with_the_driver], [OURS]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
