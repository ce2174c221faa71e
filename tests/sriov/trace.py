#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela
"""Tracepoints around VFs: both ends of the mailbox, the life of a VF, its link, its losses, frames that are dropped."""

import subprocess

import kwl_pktgen
from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_events import Events
from kwl_faults import function_reset
from kwl_frames import ether
from kwl_repr import Switchdev
from kwl_switch import BROADCAST, LOCAL
from kwl_sys import SLOW, run, wait_for
from kwl_traffic import ping
from kwl_wire import packet_socket

STRANGER = "02:00:00:00:5b:01"


def life(both):
    """VFs are made, introduce themselves by messages that both ends show alike, and go."""
    bench, events = both
    events.clear()
    bench.start()
    for index, vf in enumerate(bench.vfs):
        told = [event.text.split()[-1] for event in events.seen("kpf_vf", vf=index)]
        ksft_eq(told[0], "made", f"first event of VF {index}")
        ksft_true("hello" in told[1:], f"hello of VF {index}: {told}")
        asked = [event for event in events.seen("kvf_mbx_out") if vf.pci in event.text]
        heard = events.seen("kpf_mbx_in", vf=index)
        # After the device's name and, at the PF, the VF's number.
        words = [event.text.split(": ")[1].split()[:1] for event in asked]
        ksft_eq([event.text.split(": ")[1].split()[:1] for event in heard], words, f"messages of VF {index}")
        kinds = {event.text.split()[1] for event in asked}
        ksft_true({"RESET", "SET_MAC", "SET_LPE"} <= kinds, f"kinds of messages: {kinds}")
        answers = [event for event in events.seen("kpf_mbx_out", vf=index) if "ACK" in event.fields["flags"]]
        got = [event for event in events.seen("kvf_mbx_in") if vf.pci in event.text]
        ksft_ge(len(answers), len(asked), f"answers to VF {index}")
        ksft_ge(len(got), len(asked), f"answers that VF {index} has fetched")
        ksft_true([event for event in events.seen("kvf_link") if vf.pci in event.text and " up " in event.text], "link")
    bench.disable()
    told = [event.text.split()[-1] for event in events.seen("kpf_vf", vf=1)]
    ksft_eq(told[-1], "gone", "last event of VF 1")


def notices(both):
    """The administrator's word is a message that nobody has asked for, and changes the VF's link."""
    bench, events = both
    bench.use("kawela_vf")
    defer(bench.set_vf, 0, "state", "auto")
    events.clear()
    bench.set_vf(0, "state", "disable")
    events.wait("kpf_mbx_out", "CONTROL", vf=0)
    events.wait("kvf_mbx_in", "CONTROL")
    down = events.wait("kvf_link", "down")[0]
    ksft_eq(down.fields["state"], "link_down", "why")
    ksft_eq(events.seen("kpf_mbx_out", vf=1), [], "messages to the other VF")


def refusals(both):
    """A request that is refused is answered with NACK."""
    bench, events = both
    vf = bench.use("kawela_vf").vfs[0]
    events.clear()
    bench.set_vf(0, "mac", "02:00:00:00:00:77")
    defer(bench.spoil)
    events.wait("kvf_reset", vf.pci, err=0)
    wait_for(lambda: vf.mac == "02:00:00:00:00:77" and vf.carrier(), 10, "the VF to take its address")
    events.clear()
    ksft_true(vf.set_link("address", "02:00:00:00:00:99", check=False).returncode, "the address is refused")
    nack = events.wait("kpf_mbx_out", "SET_MAC", vf=0, flags="NACK|CTS")
    ksft_ge(len(nack), 1, "answers with NACK")


def resets(both):
    """Resets of a VF and of the PF are told by both ends."""
    bench, events = both
    one, other = bench.use("kawela_vf").vfs
    events.clear()
    function_reset(one.pci)
    events.wait("kpf_vf", "reset", vf=0)
    events.wait("kvf_reset", one.pci, err=0)
    one.wait_carrier()
    ksft_eq([event for event in events.seen("kvf_reset") if other.pci in event.text], [], "resets of the other VF")
    events.clear()
    function_reset(bench.env.pci)
    bench.env.wait_carrier()
    events.wait("kpf_reset_begin", vfs=2)
    for index, vf in enumerate((one, other)):
        events.wait("kpf_vf", "farewell", vf=index)
        events.wait("kvf_lose", vf.pci)
        events.wait("kvf_reset", vf.pci, timeout=20, err=0)
        events.wait("kpf_vf", "hello", timeout=20, vf=index)
        vf.wait_carrier()
    wait_for(lambda: ping(bench.env.peer_v4, ns=one.ns), 20, "an answer")


def told_of(events, why):
    """Return what kwl_rx_drop says of frames dropped for this: interface, and reasons that the kernel was given."""
    wait_for(lambda: events.seen("kwl_rx_drop", why=why), 5, "events")
    return {event.text.split()[0] for event in events.seen("kwl_rx_drop")}, set(events.reasons())


def policed(both):
    """In mode switchdev: what a VF may not send is told as dropped by the uplink, with the reason."""
    bench, events = both
    bench.use("kawela_vf")
    bench.enter()
    defer(bench.legacy)
    defer(bench.set_vf, 0, "max_tx_rate", 0)
    vf = bench.vfs[0]
    events.clear()
    with packet_socket(vf.ifname, vf.ns) as sock:
        sock.send(ether(BROADCAST, STRANGER, LOCAL, bytes(60)))
        ksft_eq(told_of(events, "spoofed"), ({bench.env.ifname}, {"MAC_INVALID_SOURCE"}), "a strange source")
    bench.set_vf(0, "max_tx_rate", 1)
    events.clear()
    # Each burst is some 260 ms at that rate
    kwl_pktgen.prepare(vf.ifname, vf.ns, count=96, burst=32, pkt_size=1000, dst="198.18.0.1", dst_mac=STRANGER)
    kwl_pktgen.send(vf.ns)
    ksft_eq(told_of(events, "fast"), ({bench.env.ifname}, {"QDISC_DROP"}), "more than the rate")


def unheard(both):
    """In mode switchdev: what is on its way while a representor goes down is told as dropped by the uplink."""
    bench, events = both
    bench.use("kawela_vf")
    bench.enter()
    defer(bench.legacy)
    vf = bench.vfs[0]
    kwl_pktgen.prepare(vf.ifname, vf.ns, count=0, burst=32, pkt_size=60, dst="198.18.0.1", dst_mac=STRANGER)
    events.clear()

    def down():
        before = vf.stats()["tx"]["packets"]
        # Ends by itself when the VF loses its carrier
        with subprocess.Popen(["ip", "netns", "exec", vf.ns, "sh", "-c", "echo start >/proc/net/pktgen/pgctrl"]):
            wait_for(lambda: vf.stats()["tx"]["packets"] > before + 1000, what="a flood")
            run("ip link set r0 down")
            wait_for(lambda: not vf.carrier(), what="the VF to lose its carrier")
        run("ip link set r0 up")
        vf.wait_carrier()
        return events.seen("kwl_rx_drop", why="no_repr")

    wait_for(down, 30 * SLOW, "a frame that comes too late")
    ksft_eq(told_of(events, "no_repr"), ({bench.env.ifname}, {"DEV_READY"}), "to one that is down")


def own_frames(both):
    """On the emulator a VF's own broadcast comes back: told as dropped, with the reason, and never counted."""
    bench, events = both
    vf = bench.use("kawela_vf").vfs[0]
    before = vf.stats()["rx"]
    events.clear()
    with packet_socket(vf.ifname, vf.ns) as sock:
        for _ in range(5):
            sock.send(ether(BROADCAST, vf.mac, LOCAL, bytes(60)))
    wait_for(lambda: len(events.seen("kwl_rx_drop", why="own")) >= 5, 5, "events")
    told = events.seen("kwl_rx_drop")
    ksft_eq({(event.text.split()[0], event.fields["queue"], event.fields["len"]) for event in told},
            {(vf.ifname, "0", "74")}, "interface, queue, length")
    ksft_eq(set(events.reasons()), {"LOCAL_MAC"}, "reasons")
    after = vf.stats()["rx"]
    ksft_eq([after[name] - before[name] for name in ("packets", "errors", "dropped")], [0, 0, 0], "counted")


def main():
    """Run the cases."""
    bench = Switchdev()
    run("modprobe kawela_vf")
    with Events("kawela", "kawela_pf", "kawela_vf", "skb/kfree_skb") as events:
        ksft_run([life, notices, refusals, resets, own_frames, unheard, policed], args=((bench, events),))
    ksft_exit()


if __name__ == "__main__":
    main()
