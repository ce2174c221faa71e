#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""Mode switchdev: the one rule of tc that the card follows, and all others, which are told why not."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from lib.py.ksft import KsftCaseFunction, KsftNamedVariant
from kwl_frames import ether
from kwl_repr import PIPES, Switchdev
from kwl_sriov import OURS
from kwl_stats import cpu_hit
from kwl_switch import BROADCAST, LOCAL, ports_of
from kwl_sys import output, run, run_json, wait_for
from kwl_wire import send_frames

UNKNOWN, OTHER, GROUP = "52:54:00:00:00:99", "52:54:00:00:00:98", "01:00:5e:11:22:33"
DROPS = {"matchall": "matchall action drop", "flower": "flower action drop",
         "matchall_skip_sw": "matchall skip_sw action drop", "flower_skip_sw": "flower skip_sw action drop"}


def use(bench):
    """Two running VFs with representors that take rules."""
    bench.ready()
    for port in ("r0", "r1", bench.env.ifname):
        run(f"tc qdisc add dev {port} clsact")
        defer(run, f"tc qdisc del dev {port} clsact", check=False)


def add(port, rule, pref=10, check=True):
    """A rule for what comes in at a port."""
    return run(f"tc filter add dev {port} ingress pref {pref} {rule}", check=check)


def delete(port, pref=10):
    """Without it."""
    run(f"tc filter del dev {port} ingress pref {pref}")


def in_card(port):
    """{preference: whether the rule is in hardware} of a port."""
    rules = run_json(f"tc -j filter show dev {port} ingress")
    return {rule["pref"]: "in_hw" in rule["options"] for rule in rules if "options" in rule}


def counts(port):
    """(packets, bytes, of these dropped by the card) of a port's only rule."""
    rule, = (one for one in run_json(f"tc -s -j filter show dev {port} ingress") if "options" in one)
    stats = rule["options"]["actions"][0]["stats"]
    return stats["packets"], stats["bytes"], stats.get("hw_packets", 0)


def reaches(bench, sender, dst, **how):
    """The ports that a frame comes out of; what is dropped has no fence that could announce it."""
    return ports_of(bench, sender, dst, fenced=[], **how)


def passes(bench, sender, dst=UNKNOWN):
    """A frame goes through its pipe."""
    ksft_eq(ports_of(bench, sender, dst, fenced=[PIPES[sender]]), {PIPES[sender]: 1}, f"from {sender} to {dst}")


def drop(bench, rule):
    """The card drops all of a VF's frames, and counts them; nobody else's, and nothing that goes to it."""
    use(bench)
    vf = bench.vfs[0]
    add("r0", rule)
    ksft_eq(in_card("r0"), {10: True}, "rules in the card")
    before = cpu_hit("r0")["rx_packets"]
    for dst in (UNKNOWN, GROUP, BROADCAST, bench.vfs[1].mac, bench.ends()["rep0"].mac):
        ksft_eq(reaches(bench, "vf0", dst), {}, f"ports that a frame to {dst} comes out of")
    for sender in ("rep0", "vf1", "rep1", "pf", "wire"):
        passes(bench, sender)
    was, count, size = counts("r0"), 200, 300
    send_frames(vf.ifname, [ether(UNKNOWN, vf.mac, LOCAL, bytes(size - 14))] * count, vf.ns)
    now = wait_for(lambda: counts("r0")[0] >= was[0] + count and counts("r0"), what="the rule's count")
    ksft_eq([new - old for new, old in zip(now, was)], [count, count * size, count], "packets, bytes, those of the card")
    ksft_eq(cpu_hit("r0")["rx_packets"], before, "frames that the host has seen")
    delete("r0")
    passes(bench, "vf0")


def refused(bench):
    """What the card can not do is refused with the reason; without skip_sw software does it."""
    use(bench)
    mirror = f"action mirred egress redirect dev {bench.env.ifname}"
    for port, rule, reason in (
            ("r0", f"protocol ip flower skip_sw dst_mac {UNKNOWN} action drop", "does not tell frames of one VF apart"),
            ("r0", "protocol ip flower skip_sw action drop", "does not tell frames of one VF apart"),
            ("r0", f"matchall skip_sw {mirror}", "is drop them"),
            ("r0", "matchall skip_sw action pass", "is drop them"),
            ("r0", "matchall skip_sw action police rate 1mbit burst 10k conform-exceed drop", "is drop them"),
            ("r0", "chain 1 matchall skip_sw action drop", "chain"),
            (bench.env.ifname, "matchall skip_sw action drop", "no rules for frames of the wire")):
        told = add(port, rule, check=False)
        ksft_true(told.returncode, f"refused: {rule}")
        ksft_in(reason, told.stderr, f"reason for {rule}")
    add("r0", f"flower dst_mac {UNKNOWN} action drop")
    ksft_eq(in_card("r0"), {10: False}, "rules in the card")
    # A capture sees what comes in before tc does, so its own count tells.
    for dst, hits in ((OTHER, 0), (UNKNOWN, 1)):
        passes(bench, "vf0", dst)
        ksft_eq(counts("r0")[::2], (hits, 0), f"frames that the rule has met, and the card, after one to {dst}")
    delete("r0")
    add("r0", DROPS["matchall"])
    ksft_in("drops all frames of this VF already", add("r0", DROPS["flower_skip_sw"], 20, check=False).stderr, "twice")


def order(bench):
    """A rule that software has to look at first keeps one that drops all out of the card."""
    use(bench)
    add("r0", f"flower dst_mac {OTHER} action pass", 1)
    add("r0", DROPS["matchall"], 2)
    ksft_eq(in_card("r0"), {1: False, 2: False}, "rules in the card")
    passes(bench, "vf0", OTHER)
    ksft_in("rules before this one", add("r0", DROPS["flower_skip_sw"], 3, check=False).stderr, "without software")
    delete("r0", 1)
    delete("r0", 2)
    add("r0", f"flower dst_mac {OTHER} action pass", 3)
    add("r0", DROPS["matchall"], 2)
    ksft_eq(in_card("r0"), {2: True, 3: False}, "rules in the card")


def lasting(bench):
    """A rule in the card survives resets of card and VF, and goes with the representor."""
    use(bench)
    add("r0", DROPS["flower_skip_sw"])
    denied = run("ethtool -K r0 hw-tc-offload off", check=False)
    ksft_true(denied.returncode, "hw-tc-offload can not be turned off")
    ksft_in("hw-tc-offload: on", output("ethtool -k r0"), "the feature")
    vf = bench.vfs[0]
    run(f"ip link set {bench.env.ifname} down")
    bench.env.start()
    ksft_eq(reaches(bench, "vf0", UNKNOWN), {}, "ports after the uplink was down")
    bench.devlink.run("health", "recover", "DEV", "reporter", "tx")
    bench.env.wait_carrier()
    for one in bench.vfs:
        one.wait_carrier()
    ksft_eq(reaches(bench, "vf0", UNKNOWN), {}, "ports after a reset")
    run(f"ip -n {vf.ns} link set {vf.ifname} down")
    run(f"ip -n {vf.ns} link set {vf.ifname} up")
    vf.wait_carrier()
    ksft_eq(reaches(bench, "vf0", UNKNOWN), {}, "ports after the VF was down")
    passes(bench, "vf1")
    bench.legacy()
    wait_for(lambda: reaches(bench, "vf0", bench.vfs[1].mac) == {"vf1": 1}, what="the card's switch to serve it again")
    bench.enter()
    passes(bench, "vf0")


def main():
    """Run the cases."""
    bench = Switchdev()
    run(f"modprobe {OURS}")
    drops = KsftCaseFunction("drop", drop, [KsftNamedVariant(name, rule) for name, rule in DROPS.items()])
    ksft_run([drops, refused, order, lasting], args=(bench,))
    if bench.mode != "legacy":
        bench.mode = "legacy"
    ksft_exit()


if __name__ == "__main__":
    main()
