#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=400 drivers=kawela,stock
"""Interfaces on top of PF and VFs, and neighbours: bond, bridge, macvlan, VLAN, VXLAN, mqprio, lldpd, tcpdump.

The wire and what is stacked have addresses of their own, 198.51.100.0/24; what runs over a VXLAN has 203.0.113.0/24.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
from types import SimpleNamespace

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_lt, ksft_pr, ksft_run, ksft_true
from kwl_env import link, stock_xfail
from kwl_faults import Watch, now, pair
from kwl_frames import ether
from kwl_sriov import Sriov, path, with_drivers
from kwl_sys import batch, ethtool_table, output, read, run, run_json, wait_for
from kwl_traffic import ping, transfer
from kwl_wire import Capture, send_frames

WIRE, OWN, GUEST = "198.51.100.2", "198.51.100.10", "198.51.100.20"
VID, LOCAL, STRANGER, MARK = 100, 0x88B5, "52:54:00:00:00:99", b"kawela-stacked"
SIZE = 1 << 20
MIIMON = 50         # ms between two looks of the bond at its ports
OUTAGE = 1000       # ms that a fail-over of the bond may take


def ip(ns, words, check=True):
    """`ip words...` in a namespace, or here; returns the finished process."""
    return run(f"ip {'-n ' + ns if ns else ''} {words}", check=check)


def wire_address(env, dev=None):
    """Give the wire's end the address of this file, on its interface or on one that is stacked there."""
    dev = dev or env.peer_if
    ip(env.ns, f"addr add {WIRE}/24 dev {dev}")
    defer(ip, env.ns, f"addr del {WIRE}/24 dev {dev}", check=False)


def carries(near_v4, near_ns, env, what, far_v4=WIRE):
    """An end reaches the wire, and the content of transfers is right both ways."""
    wait_for(lambda: ping(far_v4, ns=near_ns), 20, f"{what} to reach the wire")
    ends = path(SimpleNamespace(v4=near_v4, v6=None, ns=near_ns), SimpleNamespace(v4=far_v4, v6=None, ns=env.ns))
    for direction in ("tx", "rx"):
        sent, got = transfer(ends, direction, size=SIZE)
        ksft_eq(sent, got, f"md5, {what} {direction}")


def names(bench):
    """PF and VF 0, with what to call them."""
    ends = bench.ends()
    return (("PF", ends["pf"]), ("VF", ends["vf0"]))


def make_bond(bench, ns, ports):
    """An active-backup bond; its first port is the preferred one."""
    defer(bench.spoil)
    run("modprobe bonding max_bonds=0")
    wire_address(bench.env)
    ip(ns, f"link add kbond0 type bond mode active-backup miimon {MIIMON} fail_over_mac active")
    defer(ip, ns, "link del kbond0", check=False)
    for name in ports:
        ip(ns, f"link set {name} down")
        ip(ns, f"link set {name} master kbond0")
    ip(ns, f"link set kbond0 type bond primary {ports[0]}")
    ip(ns, f"addr add {OWN}/24 dev kbond0")
    ip(ns, "link set kbond0 up")
    wait_active(ns, ports[0])


def active(ns):
    """The bond's port in use."""
    return link("kbond0", ns)["linkinfo"]["info_data"].get("active_slave")


def wait_active(ns, name):
    """Wait until the bond uses this port."""
    wait_for(lambda: active(ns) == name, 20, f"the bond to use {name}")


def fail_over(bench, ns, index, ports):
    """The administrator takes the link of the VF in use and gives it back: pings over the bond go on."""
    env = bench.env
    carries(OWN, ns, env, "bond")
    watch = Watch("bond", WIRE, ns)
    defer(watch.stop)
    for state, port in (("disable", ports[1]), ("auto", ports[0])):
        since = now()
        if bench.set_vf(index, "state", state, check=False).returncode:
            stock_xfail("refuses to change the link of a VF")
        wait_active(ns, port)
        wait_for(lambda asked=now(): watch.is_back(asked), 20, f"answers over {port}")
        took, lost = watch.toll(since)
        # Answers by two roads may overtake one another.
        lost = max(lost, 0)
        ksft_pr(f"recovery: bond to {port} ({state}): {took} ms, {lost} lost")
        ksft_lt(took, OUTAGE, f"milliseconds until answers came over {port}")
        carries(OWN, ns, env, f"bond over {port}")


def bond_pf_vf(bench):
    """A bond over a VF and its PF fails over to the PF and comes back."""
    vf = bench.vfs[0]
    defer(bench.env.start)
    ip(vf.ns, f"link set {vf.ifname} down")
    ip(vf.ns, f"link set {vf.ifname} netns {os.getpid()}")
    ports = [vf.ifname, bench.env.ifname]
    make_bond(bench, None, ports)
    fail_over(bench, None, 0, ports)


def bond_vfs(bench):
    """A bond over two VFs fails over from one to the other and comes back."""
    one, two = bench.vfs
    ip(two.ns, f"link set {two.ifname} down")
    ip(two.ns, f"link set {two.ifname} netns {one.ns}")
    make_bond(bench, one.ns, [one.ifname, two.ifname])
    fail_over(bench, one.ns, 0, [one.ifname, two.ifname])


def space(name):
    """A namespace for a guest."""
    run(f"ip netns add {name}")
    defer(run, f"ip netns del {name}")
    ip(name, "link set lo up")
    return name


def bridge(bench):
    """A guest behind a bridge with the PF: the wire reaches it; a VF does once its address is on the PF's list."""
    env, vf = bench.env, bench.vfs[0]
    guest = space("guest")
    wire_address(env)
    ip(vf.ns, f"addr add 198.51.100.11/24 dev {vf.ifname}")
    defer(ip, vf.ns, f"addr del 198.51.100.11/24 dev {vf.ifname}", check=False)
    ip(None, "link add kbr0 type bridge")
    defer(ip, None, "link del kbr0")
    ip(None, f"link add tap0 type veth peer name eth0 netns {guest}")
    batch("ip", [f"link set {env.ifname} master kbr0", "link set tap0 master kbr0", "link set tap0 up",
                 "link set kbr0 up"])
    defer(ip, None, f"link set {env.ifname} nomaster")
    batch("ip", [f"addr add {GUEST}/24 dev eth0", "link set eth0 up"], ns=guest)
    mac = link("eth0", guest)["address"]
    ksft_pr(f"answers of the wire to the guest, bridge as it is: {ping(WIRE, count=2, options='-W 1', ns=guest)} of 2")
    # The emulator gives broadcasts back to who has sent them: the bridge would look for the guest behind the PF then.
    run(f"bridge fdb replace {mac} dev tap0 master static sticky")
    try:
        carries(GUEST, guest, env, "guest")
    except TimeoutError as problem:
        stock_xfail(str(problem))
        raise
    ksft_pr(f"answers of the guest to a VF without an entry: {ping(GUEST, count=2, options='-W 1', ns=vf.ns)} of 2")
    run(f"bridge fdb add {mac} dev {env.ifname} self")
    defer(run, f"bridge fdb del {mac} dev {env.ifname} self")
    ksft_in(mac, [one["mac"] for one in run_json(f"bridge -j fdb show dev {env.ifname}")], "shown")
    answers = ping(GUEST, count=5, ns=vf.ns)
    if answers < 5:
        stock_xfail(f"{answers} of 5 answers of a guest to a VF")
    ksft_eq(answers, 5, "answers of the guest to the VF")
    between = path(SimpleNamespace(v4=GUEST, v6=None, ns=guest), SimpleNamespace(v4="198.51.100.11", v6=None, ns=vf.ns))
    for direction in ("tx", "rx"):
        sent, got = transfer(between, direction, size=SIZE)
        ksft_eq(sent, got, f"md5, guest {direction} VF")
    carries(GUEST, guest, env, "guest with the entry")


def macvlan(bench):
    """A container on a macvlan of the PF, and on one of a VF, reaches the wire and the other's."""
    env = bench.env
    wire_address(env)
    spaces = []
    for what, end in names(bench):
        where, v4 = space(f"mv{len(spaces)}"), f"198.51.100.{30 + len(spaces)}"
        ip(end.ns, f"link add mv0 link {end.ifname} type macvlan mode bridge")
        ip(end.ns, f"link set mv0 netns {where}")
        batch("ip", [f"addr add {v4}/24 dev mv0", "link set mv0 up"], ns=where)
        spaces.append((where, v4))
        try:
            carries(v4, where, env, f"macvlan on the {what}")
        except TimeoutError as problem:
            stock_xfail(str(problem))
            raise
    ksft_eq(ping(spaces[0][1], count=5, ns=spaces[1][0]), 5, "answers of the PF's to the VF's")


def vlan(bench):
    """VLAN devices on the PF and on a VF carry traffic to the wire, and to each other."""
    env = bench.env
    ip(env.ns, f"link add link {env.peer_if} name tagged type vlan id {VID}")
    defer(ip, env.ns, "link del tagged", check=False)
    ip(env.ns, "link set tagged up")
    wire_address(env, "tagged")
    for at, (what, end) in enumerate(names(bench)):
        ip(end.ns, f"link add link {end.ifname} name kv{at} type vlan id {VID}")
        defer(ip, end.ns, f"link del kv{at}")
        ip(end.ns, f"addr add 198.51.100.{30 + at}/24 dev kv{at}")
        ip(end.ns, f"link set kv{at} up")
        carries(f"198.51.100.{30 + at}", end.ns, env, f"VLAN on the {what}")
    ksft_eq(ping("198.51.100.30", count=5, ns=bench.vfs[0].ns), 5, "answers of the PF to the VF in the VLAN")


def vxlan(bench):
    """A VXLAN over the PF and one over a VF: what arrives is what was sent, in frames of full size."""
    env = bench.env
    for at, (what, end) in enumerate(names(bench)):
        ip(end.ns, f"link add kx0 type vxlan id {40 + at} local {end.v4} remote {env.peer_v4} dstport 4789")
        ip(env.ns, f"link add kx{at} type vxlan id {40 + at} local {env.peer_v4} remote {end.v4} dstport 4789")
        defer(ip, end.ns, "link del kx0")
        defer(ip, env.ns, f"link del kx{at}")
        net = f"203.0.{113 + at}"
        for ns, dev, host in ((end.ns, "kx0", 1), (env.ns, f"kx{at}", 2)):
            ip(ns, f"addr add {net}.{host}/24 dev {dev}")
            ip(ns, f"link set {dev} up")
        with Capture(end.ifname, end.ns, lambda data: data[12:14] == b"\x08\x00" and data[36:38] == b"\x12\xb5",
                     outgoing=True) as capture:
            try:
                carries(f"{net}.1", end.ns, env, f"VXLAN over the {what}", f"{net}.2")
            except TimeoutError as problem:
                stock_xfail(f"pings pass in a VXLAN over the {what}, TCP does not: {problem}")
                raise
            sizes = [len(one.data) for one in capture.wait(0)]
        ksft_pr(f"{what}: the stack gave {len(sizes)} VXLAN frames to the driver, the largest of {max(sizes)} bytes")
        ksft_ge(max(sizes), 1400, "largest frame")


def sent_by(env, queue):
    """Packets that a transmit queue of the PF has been given, as its traffic class counts them."""
    found = re.search(rf"^class mqprio \w*:{queue + 1}\b.*\n\s*Sent \d+ bytes (\d+) pkt",
                      output(f"tc -s class show dev {env.ifname}"), re.M)
    return int(found[1])


def mqprio(bench):
    """Traffic classes in software choose the queue; classes in hardware are refused with a reason, VFs or not."""
    env = bench.env
    run("modprobe sch_mqprio", check=False)
    words = "num_tc 2 map 0 0 0 0 0 0 1 1 0 0 0 0 0 0 0 0 queues 1@0 1@1"

    def refused(when):
        done = run(f"tc qdisc replace dev {env.ifname} root mqprio {words} hw 1", check=False)
        ksft_true(done.returncode, f"classes in hardware refused {when}")
        ksft_pr(f"{when}: {done.stderr.strip()}")
        return done.stderr
    refused("with VFs")
    defer(bench.spoil)
    bench.disable()
    env.wait_carrier()
    before = ethtool_table(env.ethtool("-l").stdout)["Combined"]
    env.ethtool("-L", "combined", 2)
    defer(env.ethtool, "-L", "combined", before)
    env.wait_carrier()
    ksft_true(re.search("not support", refused("without VFs")), "the reason is told")
    run(f"tc qdisc replace dev {env.ifname} root mqprio {words} hw 0")
    defer(run, f"tc qdisc del dev {env.ifname} root")
    ksft_in("mqprio", output(f"tc qdisc show dev {env.ifname}"), "qdisc")
    wait_for(lambda: ping(env.peer_v4), 20, "the wire")
    # The kernel's priority of 0x10 is 6, which is of class 1.
    for tos, queue in (("0x10", 1), ("0x00", 0)):
        sent = sent_by(env, queue)
        ksft_eq(ping(env.peer_v4, count=20, options=f"-Q {tos}"), 20, f"answers, TOS {tos}")
        wait_for(lambda queue=queue, sent=sent: sent_by(env, queue) >= sent + 20, 10, f"20 packets by queue {queue}")


class Lldpd:
    """A neighbour discovery daemon on one interface, and what it knows."""

    def __init__(self, ifname, ns, where):
        self.sock, self.ns = f"{where}/{ifname}.sock", ns
        enter = ["ip", "netns", "exec", ns] if ns else []
        with open(f"{where}/{ifname}.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([*enter, "lldpd", "-d", "-u", self.sock, "-I", ifname, "-C", ifname],
                                            stdout=log, stderr=log)
        defer(self.stop)
        wait_for(lambda: self.ask("configure lldp tx-interval 1").returncode == 0, 30, f"lldpd on {ifname}", step=0.3)

    def ask(self, words):
        """One command; returns the finished process."""
        return run(f"lldpcli -u {self.sock} -f json {words}", ns=self.ns, check=False)

    def neighbours(self):
        """The identifiers of the ports that it hears of."""
        done = self.ask("show neighbors details")
        return re.findall(r'"type": "mac",\s*"value": "([0-9a-f:]{17})"', done.stdout) if done.returncode == 0 else []

    def stop(self):
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def lldpd(bench):
    """With VFs there, lldpd on the PF and lldpd on the wire hear of each other."""
    env = bench.env
    os.makedirs("/run/lldpd", exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lldp-") as where:
        # Both programs work as users of their own.
        os.chmod(where, 0o755)
        here, there = Lldpd(env.ifname, None, where), Lldpd(env.peer_if, env.ns, where)
        for who, daemon, mac in (("the PF", here, env.peer_mac), ("the wire", there, env.mac)):
            # It may be told of the shorter interval when it has just begun one of 30 s
            wait_for(lambda one=daemon, its=mac: its in one.neighbours(), 75, f"a neighbour of {who}", step=0.5)
            ksft_in(mac, daemon.neighbours(), f"neighbours of {who}")
        ksft_pr(json.dumps(json.loads(here.ask("show neighbors").stdout))[:300])
        here.stop()
        there.stop()


def tcpdump(bench):
    """tcpdump on the PF sees what the wire sends to a stranger, and no VF gets any of it."""
    env, count = bench.env, 20
    frames = [ether(STRANGER, env.peer_mac, LOCAL, MARK + bytes(46))] * count
    with tempfile.TemporaryDirectory(prefix="dump-") as where:
        with open(f"{where}/err", "w", encoding="utf-8") as err:
            words = f"tcpdump -i {env.ifname} -nn -U -c {count} -w {where}/pcap ether proto {LOCAL:#x}"
            process = subprocess.Popen(words.split(), stderr=err)
        defer(process.kill)
        wait_for(lambda: "listening on" in read(f"{where}/err"), 30, "tcpdump")
        ksft_eq(link(env.ifname)["promiscuity"], 1, "promiscuity")
        captures = [Capture(vf.ifname, vf.ns, lambda data: MARK in data) for vf in bench.vfs]
        send_frames(env.peer_if, frames, env.ns)
        fence = [ether(vf.mac, env.peer_mac, LOCAL, MARK + b"fence" + bytes(46)) for vf in bench.vfs]
        send_frames(env.peer_if, fence, env.ns)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)
            stock_xfail("does not see foreign frames from the wire: " + read(f"{where}/err").splitlines()[-3])
            raise
        shown = output(f"tcpdump -nn -e -r {where}/pcap")
        ksft_eq(shown.count(f"> {STRANGER}"), count, "foreign frames that tcpdump has seen")
        for vf, capture in zip(bench.vfs, captures):
            got = [one.data[:6].hex(":") for one in capture.wait(1, 5)]
            ksft_eq(got, [vf.mac], f"addresses of what VF {vf.index} got")
            capture.sock.close()
    wait_for(lambda: link(env.ifname)["promiscuity"] == 0, 10, "the PF to be as before")


def main():
    """Run the cases."""
    cases = [bond_pf_vf, bond_vfs, bridge, macvlan, vlan, vxlan, mqprio, lldpd, tcpdump]
    ksft_run(with_drivers(cases, pair()),
             args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
