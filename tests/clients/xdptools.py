#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=900 drivers=kawela,stock
"""xdp-tools on PF and VF: loader, filter, dump, bench, monitor, traffic generator, and libxdp's program for AF_XDP.

What they say is compared with what was on the wire, in the stack and in the kernel's tables.
"""

import re
import signal
import subprocess
import tempfile
from types import SimpleNamespace
from pathlib import Path

import kwl_xdp
import kwl_xsk
from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_run, ksft_true
from kwl_env import on_stock, stock_xfail
from kwl_faults import pair
from kwl_frames import check_sums, ether, packet
from kwl_sriov import Pings, Sriov, with_drivers
from kwl_sys import run, run_json, wait_for
from kwl_traffic import ping
from kwl_wire import Capture, send_frames

BPFFS = "/sys/fs/bpf"
XSK_PROGRAM = "/usr/lib/x86_64-linux-gnu/bpf/xsk_def_xdp_prog.o"
FRAMES, BLOCKED, OPEN = 40, 7777, 7778
STARTS = 90     # seconds: libbpf tries out many things before a tool has its program in place
FEATURES = {"BASIC": "yes", "REDIRECT": "yes", "NDO_XMIT": "yes", "XSK_ZEROCOPY": "yes", "HW_OFFLOAD": "no",
            "RX_SG": "yes", "NDO_XMIT_SG": "yes"}


def inside(dut, words):
    """A command line for the DUT's network namespace that leaves /sys, and so bpffs, as it is."""
    words = words.split() if isinstance(words, str) else list(words)
    return [*(["nsenter", f"--net=/run/netns/{dut.ns}"] if dut.ns else []), *words]


def tool(dut, words, check=True):
    """Run a tool to its end beside the DUT; returns the finished process."""
    return run(inside(dut, words), check=check, timeout=120)


class Running:
    """A tool that runs until it is told to end; what it says is kept."""

    def __init__(self, dut, words):
        self.words = words
        # Apart: what is buffered must not be cut in two by a message.
        self.logs = [tempfile.NamedTemporaryFile("r", prefix="xdptool-", encoding="utf-8") for _ in range(2)]
        out_name, err_name = (log.name for log in self.logs)
        with open(out_name, "w", encoding="utf-8") as out, open(err_name, "w", encoding="utf-8") as err:
            self.process = subprocess.Popen(inside(dut, words), stdout=out, stderr=err)

    def text(self):
        """All it has said."""
        for log in self.logs:
            log.seek(0)
        return "".join(log.read() for log in self.logs)

    def ended(self):
        """Has it ended? Tools of this version want a tracepoint that newer kernels do not have: no driver's doing."""
        if self.process.poll() is None:
            return False
        missing = re.search(r"failed to find kernel BTF type ID of '(xdp_\w+)'", self.text())
        if missing:
            raise KsftSkipEx(f"this kernel lacks the tracepoint {missing[1]} that this {self.words.split()[0]} wants")
        return True

    def ready(self, cond, what):
        """Wait until a condition is true, and for as long as the tool runs."""
        if not wait_for(lambda: cond() or (self.ended() and "ended"), STARTS, what, step=0.2) or self.ended():
            raise RuntimeError(f"{self.words} has ended: {self.text()[-600:]}")

    def stop(self):
        """End it as a user does; return what it has said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return self.text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Loaded(kwl_xdp.Verdict):
    """The program verdict.bpf.c, put there by xdp-loader."""

    def attach(self, entry="whole", check=True):
        """Load and attach it beside others."""
        done = tool(self.dut, f"xdp-loader load -m native -n {entry} {self.ifname} {kwl_xdp.OBJECTS / 'verdict.bpf.o'}",
                    check)
        self.number = max(one["id"] for one in run_json("bpftool -j prog show") if one.get("name") == entry)
        ids = run_json(f"bpftool -j prog show id {self.number}")["map_ids"]
        self.maps = {run_json(f"bpftool -j map show id {one}")["name"]: one for one in ids}
        return done

    def detach(self):
        """Take it off."""
        tool(self.dut, f"xdp-loader unload {self.ifname} -i {self.number}", check=False)


def attached(dut, ifname=None):
    """What the kernel has attached in the driver of an interface, as bpftool tells it."""
    shown = run_json(["bpftool", "-j", "net", "show"]) if not dut.ns else run_json(inside(dut, "bpftool -j net show"))
    return [one["mode"] for one in shown[0]["xdp"] if one["devname"] == (ifname or dut.ifname)]


def numbered(dut, count=FRAMES, out=False):
    """Frames of many sizes."""
    return [dut.frame(number, 64 + 31 * number, out) for number in range(count)]


def bodies(frames):
    """Frames without their addresses, which some tools exchange."""
    return sorted(kwl_xdp.brief(frame[12:] for frame in frames))


def summed(text, what):
    """A figure of xdp-bench's last words."""
    found = re.search(rf"^\s*{what}\s*:\s*([\d,]+)", text, re.M)
    return int(found[1].replace(",", "")) if found else None


def features(dut):
    """The loader knows of each feature."""
    said = dict(re.findall(r"NETDEV_XDP_ACT_(\w+):\s+(\w+)", tool(dut, f"xdp-loader features {dut.ifname}").stdout))
    lacking = [name for name, value in FEATURES.items() if said.get(name) != value]
    if lacking:
        stock_xfail(f"is without {', '.join(lacking)}")
    ksft_eq(said, FEATURES, "features")


def loader(dut):
    """Two programs one after the other, while pings go on; the kernel shows them, and each decides."""
    pings = Pings(dut.v4, dut.env.ns)
    with Loaded(dut) as program:
        ksft_eq(attached(dut), ["driver"], "bpftool net show")
        with Loaded(dut) as second:
            said = tool(dut, f"xdp-loader status {dut.ifname}").stdout
            ksft_eq((said.count("xdp_dispatcher"), said.count("native"), said.count(" whole ")), (1, 1, 2), "status")
            program.decide(kwl_xdp.PASS)
            second.decide(kwl_xdp.DROP)
            dut.send(*numbered(dut))
            wait_for(lambda: second.seen()[0] >= FRAMES, what="the second program to see the frames")
            ksft_eq((program.seen()[0], second.seen()[0]), (FRAMES, FRAMES), "frames that both saw")
        with dut.capture() as capture:
            dut.send(*numbered(dut))
            got = [one.data for one in capture.wait(FRAMES, 5)]
        ksft_eq(bodies(got), bodies(numbered(dut)), "frames for the stack without the second")
    ksft_eq(attached(dut), [], "bpftool net show afterwards")
    sent, lost = pings.lost()
    if lost > 1:
        stock_xfail(f"{lost} of {sent} pings lost by programs that come and go")
    ksft_true(lost <= 1, f"{lost} of {sent} pings lost meanwhile")


def datagrams(dut, ports):
    """Send a datagram to each port; return the ports of those that the stack got."""
    frames = [ether(dut.mac, dut.env.peer_mac, 0x0800, packet(4, "udp", dut.env.peer_v4, dut.v4, dport=port,
                                                             payload=kwl_xdp.MARK)) for port in ports]
    with dut.capture() as capture:
        dut.send(*frames)
        return sorted({int.from_bytes(one.data[36:38], "big") for one in capture.wait(len(frames), 2)})


def filters(dut):
    """xdp-filter keeps out a port, an address, a sender, and counts; nothing afterwards."""
    defer(tool, dut, f"xdp-filter unload {dut.ifname}", check=False)
    before = dut.counted("xdp_drop")
    tool(dut, f"xdp-filter load {dut.ifname}")
    ksft_eq(attached(dut), ["driver"], "bpftool net show")
    tool(dut, f"xdp-filter port {BLOCKED} -m dst -p udp")
    ksft_eq(datagrams(dut, [BLOCKED, OPEN]), [OPEN], "ports that answer")
    for words, what in ((f"ip -m src {dut.env.peer_v4}", "address"), (f"ether -m src {dut.env.peer_mac}", "sender")):
        tool(dut, f"xdp-filter {words}")
        ksft_eq(ping(dut.v4, count=3, options="-W 1", ns=dut.env.ns), 0, f"answers to a filtered {what}")
        said = tool(dut, "xdp-filter status").stdout
        hits = re.search(rf"^\s+{words.rsplit(maxsplit=1)[-1]}\s+src\s+(\d+)", said, re.M)
        ksft_ge(int(hits[1]) if hits else 0, 3, f"hits of the {what} in its status")
        tool(dut, f"xdp-filter {words} -r")
        ksft_eq(ping(dut.v4, count=3, ns=dut.env.ns), 3, f"answers to the {what} afterwards")
    if not on_stock():
        ksft_ge(dut.counted("xdp_drop") - before, 7, "the driver's count of what was dropped")
    tool(dut, f"xdp-filter unload {dut.ifname}")
    ksft_eq(attached(dut), [], "bpftool net show afterwards")
    ksft_eq(datagrams(dut, [BLOCKED, OPEN]), [BLOCKED, OPEN], "ports that answer without it")


def dump(dut):
    """xdpdump tells of each frame, before the program and what it decided."""
    with Loaded(dut) as program:
        program.decide(kwl_xdp.DROP)
        with Running(dut, f"xdpdump -i {dut.ifname} --rx-capture entry,exit") as dumper:
            dumper.ready(lambda: "listening on" in dumper.text(), "xdpdump")
            dut.send(*numbered(dut))
            sizes = re.compile(r"whole\(\)@exit\[DROP\]: packet size (\d+) bytes")
            wait_for(lambda: program.seen()[0] >= FRAMES, what="the program to see the frames")
            said = dumper.stop()
        ksft_eq([int(size) for size in sizes.findall(said)], [len(frame) for frame in numbered(dut)], "frames dropped")
        ksft_eq(len(re.findall(r"whole\(\)@entry: packet size", said)) >= FRAMES, True, "frames before the program")


def bench_on(dut, words, ifname=None):
    """xdp-bench, once its program is in place and it has looked for the first time: its maps are filled by then."""
    bench = Running(dut, f"xdp-bench {words}")
    try:
        bench.ready(lambda: " rx/s" in bench.text(), "xdp-bench's first figures")
        ksft_eq(attached(dut, ifname), ["driver"], "bpftool net show")
    except BaseException:
        bench.stop()
        raise
    return bench


def bench_counted(bench, count, words=("Packets received",)):
    """Let it look once more, end it, and compare what it has summed up."""
    wait_for(lambda: re.search(r"^\S+ +[1-9][\d,]* rx/s", bench.text(), re.M), 20, "xdp-bench to see the frames",
             step=0.2)
    said = bench.stop()
    for what in words:
        ksft_ge(summed(said, what) or 0, count, f"xdp-bench: {what}")
    return said


def bench_drop(dut):
    """xdp-bench drop: nothing gets by, and it counts as many as the driver."""
    before = dut.counted("xdp_drop")
    with bench_on(dut, f"drop -i 1 -r {dut.ifname}") as bench, dut.capture() as capture:
        dut.send(*numbered(dut))
        bench_counted(bench, FRAMES, ("Packets received", "Rx dropped"))
        ksft_eq(len(capture.wait(0)), 0, "frames that the stack got")
    if not on_stock():
        ksft_ge(dut.counted("xdp_drop") - before, FRAMES, "the driver's count")
    ksft_eq((attached(dut), ping(dut.v4, count=3, ns=dut.env.ns)), ([], 3), "program and answers afterwards")


def bench_tx(dut):
    """xdp-bench tx: what comes goes back, with the addresses exchanged."""
    with bench_on(dut, f"tx -i 1 -p swap-macs {dut.ifname}") as bench, dut.on_wire() as wire:
        dut.send(*numbered(dut))
        got = [one.data for one in wire.wait(FRAMES, 5)]
        bench_counted(bench, FRAMES)
    ksft_eq(kwl_xdp.brief(got), kwl_xdp.brief(map(kwl_xdp.turned, numbered(dut))), "frames on the wire")


def redirect(mode):
    """A case of xdp-bench's: frames from the DUT to another interface, and from there to the wire by ndo_xdp_xmit."""
    def both_ways(dut):
        with kwl_xdp.side_road(dut) as (near, far):
            # Programs without fragments are refused by veth at the large MTU that it is made with.
            for name in (near, far):
                tool(dut, f"ip link set {name} mtu 1500")
            with bench_on(dut, f"{mode} -s -i 1 {dut.ifname} {near}") as bench, \
                 Capture(far, dut.ns, lambda data: kwl_xdp.MARK in data) as capture:
                dut.send(*numbered(dut))
                got = [one.data for one in capture.wait(FRAMES, 5)]
                bench_counted(bench, FRAMES)
            ksft_eq(bodies(got), bodies(numbered(dut)), "frames from the wire at the other interface")
            frames = numbered(dut)
            # One of them is right, whether or not this mode exchanges the addresses.
            frames += [kwl_xdp.turned(frame) for frame in frames]
            with bench_on(dut, f"{mode} -s -i 1 {near} {dut.ifname}", near) as bench, dut.on_wire() as wire:
                send_frames(far, frames, dut.ns)
                got = [one.data for one in wire.wait(FRAMES, 5)]
                bench_counted(bench, FRAMES)
            ksft_eq(bodies(got), bodies(numbered(dut)), "frames from the other interface on the wire")
    both_ways.__name__ = "bench_" + mode.replace("-", "_")
    return both_ways


def bench_redirect_cpu(dut):
    """xdp-bench redirect-cpu: each processor in turn gives its frames to the stack."""
    words = f"redirect-cpu -s -i 1 -c 0 -c 1 -p round-robin {dut.ifname}"
    with bench_on(dut, words) as bench, dut.capture() as capture:
        dut.send(*numbered(dut))
        got = [one.data for one in capture.wait(FRAMES, 5)]
        bench_counted(bench, FRAMES)
    ksft_eq(bodies(got), bodies(numbered(dut)), "frames for the stack")


def monitor(dut):
    """xdp-monitor tells of frames that a program aborts."""
    with Running(dut, "xdp-monitor -i 1 -e") as watcher:
        watcher.ready(lambda: "xdp_exception" in watcher.text() or "Summary" in watcher.text(), "xdp-monitor")
        with Loaded(dut) as program:
            program.decide(kwl_xdp.ABORTED)
            dut.send(*numbered(dut))
            wait_for(lambda: program.seen()[0] >= FRAMES, what="the program to see the frames")
            told = re.compile(rf"XDP_ABORTED\s.*{dut.ifname}|xdp_exception (?:total )? *[1-9]")
            wait_for(lambda: told.search(watcher.text()), 20,
                     "xdp-monitor to tell")


def trafficgen(dut, count=500, size=128):
    """xdp-trafficgen: as many datagrams on the wire as it was told to send, their checksums right."""
    env = dut.env
    before = dut.counted("_xdp")

    def ours(data):
        return data[6:12] == bytes.fromhex(dut.mac.replace(":", "")) and data[12:14] == b"\x86\xdd" and data[20] == 17

    words = f"xdp-trafficgen udp -n {count} -s {size} -m {env.peer_mac} -a 2001:db8::2 -A {dut.v6} {dut.ifname}"
    with Capture(env.peer_if, env.ns, ours) as wire, Running(dut, words) as generator:
        wait_for(lambda: len(wire.wait(count, 0.5)) >= count or generator.ended(), STARTS, "frames on the wire")
        generator.stop()
        frames = [one.data for one in wire.wait(count, 1, linger=0.5)]
    ksft_pr(generator.text().strip().splitlines()[-1:])
    ksft_eq(len(frames), count, "frames on the wire")
    ksft_eq({len(frame) for frame in frames}, {size}, "their length")
    ksft_eq({check_sums(frame) for frame in frames}, {(True, True)}, "their checksums")
    if not on_stock():
        ksft_eq(dut.counted("_xdp") - before, count, "frames that the driver counts")


def sockets(dut):
    """AF_XDP without copies by libxdp's own program, put there by xdp-loader: frames to a socket and from it."""
    tool(dut, f"xdp-loader load -m native -n xsk_def_prog {dut.ifname} {XSK_PROGRAM}")
    defer(tool, dut, f"xdp-loader unload -a {dut.ifname}", check=False)
    table = max(one["id"] for one in run_json("bpftool -j map show") if one.get("name") == "xsks_map")
    try:
        xsk = kwl_xsk.Xsk(dut)
    except OSError as problem:
        stock_xfail(f"no AF_XDP without copies: {problem}")
        raise
    with xsk:
        ksft_true(xsk.zero_copy(), "zero copy")
        xsk.redirect(SimpleNamespace(maps={"sockets": table})).offer()
        dut.send(*numbered(dut))
        got = [frame for frame in xsk.receive(FRAMES) if kwl_xdp.MARK in frame]
        ksft_eq(kwl_xdp.brief(got), kwl_xdp.brief(numbered(dut)), "frames for the socket")
        with dut.on_wire() as wire:
            xsk.send(numbered(dut, out=True))
            xsk.drain()
            got = [one.data for one in wire.wait(FRAMES, 5)]
        ksft_eq(kwl_xdp.brief(got), kwl_xdp.brief(numbered(dut, out=True)), "frames of the socket")
    tool(dut, f"xdp-loader unload -a {dut.ifname}")
    ksft_eq(ping(dut.v4, count=3, ns=dut.env.ns), 3, "answers afterwards")


def on(who, case):
    """A case for the PF, or for VF 0."""
    def one(bench):
        if not Path("/sys/kernel/btf/vmlinux").exists():
            raise KsftSkipEx("this kernel has no BTF")
        if who == "vf":
            end = bench.vfs[0]
            if bench.driver == "igbvf":
                stock_xfail("igbvf has no XDP")
        else:
            end = bench.ends()["pf"]
        dut = kwl_xdp.Dut(bench.env, end.ifname, end.ns, end.mac)
        dut.v4, dut.v6 = end.v4, end.v6
        case(dut)
    one.__name__ = f"{who}_{case.__name__}"
    return one


def main():
    """Run the cases."""
    if not Path(BPFFS).is_mount():
        run(f"mount -t bpf bpf {BPFFS}")
    cases = [features, loader, filters, dump, bench_drop, bench_tx, redirect("redirect"), redirect("redirect-map"),
             redirect("redirect-multi"), bench_redirect_cpu, monitor, trafficgen, sockets]
    ksft_run(with_drivers([on(who, case) for who in ("pf", "vf") for case in cases], pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
