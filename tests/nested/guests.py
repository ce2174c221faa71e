#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=nested timeout=600 drivers=kawela
"""Guests that own a VF reach everybody, die under traffic, leave nothing to the next one, and give way to the host."""

import re
import subprocess
import sys
import threading
import time

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_env import OWN_KERNEL, link
from kwl_frames import ether
from kwl_guest import IFNAME, Guest, sink, source
from kwl_sriov import Sriov, pf_end, wire_end
from kwl_sys import output, run, wait_for
from kwl_traffic import ping
from kwl_wire import send_frames

LOCAL = 0x88B5
BROADCAST = "ff:ff:ff:ff:ff:ff"
VLAN = 100
MACVLAN_MAC, OWN_MAC, GROUP = "02:82:57:00:00:aa", "02:82:57:00:00:bb", "01:00:5e:01:02:03"
SIZE = 1 << 20
# vfio asks the guest to let go, and the guest to switch the slot off; it takes a second or two.
RELEASE_SECONDS = 30


class Bench:
    """Three VFs and guests on the first two of them."""

    def __init__(self):
        self.sriov = Sriov()
        self.env = self.sriov.env
        self.sriov.enable(3)
        self.env.wait_carrier()
        self.guests = [Guest(vf) for vf in self.sriov.vfs[:2]]

    def boot(self):
        """Start both guests."""
        for guest in self.guests:
            guest.start()
            guest.load()

    def sh(self, end):
        """Return a function that runs a shell script at an end of traffic and returns its output."""
        if isinstance(end, Guest):
            return end.run
        return lambda script: output(["sh", "-ec", script], ns=end.ns)


def boots(bench):
    """Two guests boot, load the driver and have carrier; their addresses are those the host shows."""
    bench.boot()
    for guest in bench.guests:
        ksft_eq(guest.mac, bench.sriov.pf_vf(guest.vf.index)["address"], f"address in {guest.name}")
        shown = guest.run(f"ethtool -i {IFNAME}")
        ksft_true("driver: kawela_vf" in shown, shown)
    one, other = bench.guests
    ksft_true(one.mac != other.mac, "addresses differ")


def pings(bench):
    """Everybody reaches everybody."""
    one, other = bench.guests
    for near, far in ((one, other), (other, one), (one, bench.env), (other, bench.env)):
        ksft_eq(near.ping(far.v4), 3, f"{near.name} to {far.v4}")
        ksft_eq(near.ping(far.v6), 3, f"{near.name} to {far.v6}")
    for guest in bench.guests:
        ksft_eq(guest.ping(bench.env.peer_v4), 3, f"{guest.name} to the wire")
        ksft_eq(ping(guest.v4, count=3), 3, f"host to {guest.name}")
        ksft_eq(ping(guest.v4, count=3, ns=bench.env.ns), 3, f"wire to {guest.name}")


def deliver(bench, sender, receiver, port):
    """Send random bytes from one end to another; return (md5 sent, md5 received)."""
    got = []
    thread = threading.Thread(target=lambda: got.append(bench.sh(receiver)(sink(port)).strip()), daemon=True)
    thread.start()
    sent = bench.sh(sender)(source(SIZE, receiver.v4, port)).split()[0]
    thread.join(60)
    return sent, got[0] if got else None


def bulk(bench):
    """Bulk data arrives intact: guest to guest, and both ways to the wire and to the host."""
    one, other = bench.guests
    wire, host = wire_end(bench.env), pf_end(bench.env)
    paths = ((one, other), (other, one), (one, wire), (wire, one), (other, host), (host, other))
    for port, (sender, receiver) in enumerate(paths, 5100):
        sent, got = deliver(bench, sender, receiver, port)
        ksft_eq(sent, got, f"md5, {sender.v4} to {receiver.v4}")


def probes(own_mac):
    """Return {what a filter may let in: the frame that asks}; the last one always arrives."""
    source_mac = "52:54:00:82:57:ff"

    def frame(dst, name, tci=None):
        return ether(dst, source_mac, LOCAL, f"kawela-{name}-".encode() + bytes(60), tci)

    return {"own": frame(own_mac, "own"), "macvlan": frame(MACVLAN_MAC, "macvlan"),
            "changed": frame(OWN_MAC, "changed"), "group": frame(GROUP, "group"),
            "vlan": frame(BROADCAST, "vlan", VLAN), "fence": frame(BROADCAST, "fence")}


def seen(bench, guest, own_mac):
    """Return which of the probes, sent from the wire, a guest's VF receives."""
    frames = probes(own_mac)
    guest.capture()
    send_frames(bench.env.peer_if, frames.values(), bench.env.ns)
    data = guest.captured(b"kawela-fence-")
    return {name for name in frames if f"kawela-{name}-".encode() in data}


def crowd(guest):
    """Fill the card's filters on behalf of a guest."""
    guest.run("modprobe -a 8021q macvlan; "
              f"ip link set {IFNAME} address {OWN_MAC}; ip maddr add {GROUP} dev {IFNAME}; "
              f"ip link add link {IFNAME} name tagged type vlan id {VLAN}; ip link set tagged up; "
              f"ip link add link {IFNAME} name more address {MACVLAN_MAC} type macvlan; ip link set more up")


def received(bench):
    """Bytes that the wire's other end has received."""
    return link(bench.env.peer_if, bench.env.ns)["stats64"]["rx"]["bytes"]


def stream_to_wire(bench, guest):
    """Have a guest send to the wire as fast as it can."""
    forget_neighbours(bench)
    run("iperf3 -s -D", ns=bench.env.ns)
    guest.spawn(f"iperf3 -c {bench.env.peer_v4} -t 100")
    start = received(bench)
    wait_for(lambda: received(bench) > start + SIZE, 60, "the stream to flow")


def forget_neighbours(bench):
    """A guest that changes its address does not tell; have the others ask anew."""
    run("ip neigh flush all")
    run(f"ip -n {bench.env.ns} neigh flush all")


def killed(bench):
    """A guest is killed under traffic: its neighbour loses nothing, the next tenant inherits nothing."""
    victim, neighbour = bench.guests
    born_mac = victim.mac
    ksft_eq(seen(bench, victim, born_mac), {"own", "fence"}, "seen by a guest that asked for nothing")
    crowd(victim)
    ksft_eq(seen(bench, victim, born_mac), {"macvlan", "changed", "group", "vlan", "fence"}, "seen once it has asked")

    stream_to_wire(bench, victim)
    with subprocess.Popen(["ip", "netns", "exec", bench.env.ns, "ping", "-n", "-q", "-i", "0.1", "-c", "60",
                           neighbour.v4], stdout=subprocess.PIPE, text=True) as probe:
        victim.kill()
        heard = probe.communicate(timeout=60)[0]
    ksft_eq(re.search(r"(\d+) received", heard)[1], "60", f"answers of the neighbour: {heard}")

    heir = Guest(victim.vf)
    bench.guests[0] = heir
    heir.start()
    heir.load()
    forget_neighbours(bench)
    ksft_eq(heir.mac, born_mac, "address of the next guest")
    ksft_eq(seen(bench, heir, born_mac), {"own", "fence"}, "seen by the next guest, which asked for nothing")
    ksft_eq(heir.ping(bench.env.peer_v4), 3, "the next guest to the wire")
    ksft_eq(heir.ping(neighbour.v4), 3, "the next guest to its neighbour")


def released(bench, action):
    """Have the host take the VFs from guests that run: it does not wait long, and they go on without."""
    begin = time.monotonic()
    action()
    seconds = time.monotonic() - begin
    bench.env.note(f"the guests let go within {seconds:.1f} s")
    ksft_true(seconds < RELEASE_SECONDS, f"{seconds:.1f} s until the guests had let go")
    for guest in bench.guests:
        ksft_eq(guest.has_interface(), False, f"an interface of the VF in {guest.name}")


def taken(bench):
    """VFs are disabled while guests own them: both live on, and the PF carries on."""
    released(bench, bench.sriov.disable)
    bench.env.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")


def unbound(bench):
    """The PF loses its driver while a guest owns a VF: the guest lives on, and gets a VF again."""
    guest = bench.guests[0]
    bench.sriov.enable(1)
    guest.plug(bench.sriov.vfs[0])
    ksft_eq(guest.ping(bench.env.peer_v4), 3, "a guest with a new VF to the wire")
    released(bench, bench.env.unbind)
    bench.env.bind()
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")
    bench.sriov.enable(1)
    guest.plug(bench.sriov.vfs[0])
    forget_neighbours(bench)
    ksft_eq(guest.ping(bench.env.peer_v4), 3, "the guest to the wire once more")


def stopped(bench):
    """Guests power off, with a VF or without, the VFs go, and the PF carries on."""
    for guest in bench.guests:
        guest.stop()
    bench.sriov.disable()
    bench.env.wait_carrier()
    ksft_eq(ping(bench.env.peer_v4, count=3), 3, "answers to the PF")


def main():
    """Run the cases."""
    if OWN_KERNEL:
        print("1..0 # SKIP this kernel has no KVM: guests inside of it would take hours")
        sys.exit(4)
    ksft_run([boots, pings, bulk, killed, taken, unbound, stopped], args=(Bench(),))
    ksft_exit()


if __name__ == "__main__":
    main()
