# SPDX-License-Identifier: GPL-2.0-only
"""Cases of XDP that PF and VF pass alike; see net/xdp.py and sriov/xdp.py.

The programs are in tests/bpf; scripts/build-bpf compiles them. verdict.bpf.c decides on frames of the
local experimental EtherType, and lets all others pass.
"""

import json
import struct
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

from lib.py import KsftSkipEx, ksft_eq, ksft_ge, ksft_in, ksft_lt, ksft_true
from kwl_frames import ETH_P, ether, packet
from kwl_stats import driver_stats, ifindex, link_stats
from kwl_sys import SLOW, output, read, run, run_json, settle, wait_for
from kwl_wire import Capture, packet_socket, send_frames

OBJECTS = Path("/kawela/build/bpf")
LOCAL = 0x88B5
MARK = b"kawela-xdp"
ABORTED, DROP, PASS, TX, REDIRECT, TO_CPU = 0, 1, 2, 3, 4, 16
FAR = "02:00:00:00:00:77"
MAX_MTU = 3050


def turned(frame):
    """Return a frame with its two addresses exchanged."""
    return frame[6:12] + frame[:6] + frame[12:]


def brief(frames):
    """Return frames in a form that is short enough to be shown: length and a sum."""
    return [(len(frame), zlib.crc32(frame)) for frame in frames]


class Dut:
    """The interface under test, and the namespace it is in; the partner is on the wire."""

    def __init__(self, env, ifname, ns, mac):
        self.env, self.ifname, self.ns, self.mac = env, ifname, ns, mac

    def frame(self, number=0, size=200, out=False):
        """Return a frame from the partner for the program, or one out to it; with a number in it."""
        payload = MARK + struct.pack("!I", number)
        payload += bytes(at & 0xFF for at in range(size - 14 - len(payload)))
        ends = (self.env.peer_mac, self.mac) if out else (self.mac, self.env.peer_mac)
        return ether(*ends, LOCAL, payload)

    def packet(self, version, proto, tci=None):
        """Return a whole packet out to the partner, for the program as well."""
        near, far = ("198.51.100.1", "198.51.100.2") if version == 4 else ("2001:db8::1", "2001:db8::2")
        payload = MARK + bytes(range(200))
        return ether(self.env.peer_mac, self.mac, ETH_P[version], packet(version, proto, near, far, payload=payload), tci)

    def set_link(self, *words, check=True):
        """`ip link set DUT words...`; returns the finished process."""
        where = ["-n", self.ns] if self.ns else []
        return run(["ip", *where, "link", "set", "dev", self.ifname, *map(str, words)], check=check)

    def ethtool(self, option, *words):
        """`ethtool OPTION DUT words...`."""
        return run(["ethtool", option, self.ifname, *map(str, words)], ns=self.ns)

    def send(self, *frames):
        """Have the partner send frames."""
        send_frames(self.env.peer_if, frames, self.env.ns)

    def capture(self):
        """Collect what the stack of the DUT gets of our frames."""
        return Capture(self.ifname, self.ns, lambda data: MARK in data)

    def on_wire(self):
        """Collect what the partner gets of our frames."""
        return Capture(self.env.peer_if, self.env.ns, lambda data: MARK in data)

    def counted(self, name):
        """Return one of the counters of XDP in `ethtool -S`, over all queues."""
        return sum(value for key, value in driver_stats(self.ifname, self.ns).items() if key.endswith(name))

    def attached(self):
        """Return what `ip link` says of the program."""
        where = f"-n {self.ns} " if self.ns else ""
        return run_json(f"ip {where}-j link show dev {self.ifname}")[0].get("xdp")

    def set_mtu(self, mtu):
        """The MTU of the DUT and the partner."""
        run(f"ip -n {self.env.ns} link set {self.env.peer_if} mtu {mtu}")
        self.set_link("mtu", mtu)
        self.wait_carrier()

    def wait_carrier(self):
        """Wait until there is carrier."""
        where = f"-n {self.ns} " if self.ns else ""
        wait_for(lambda: "LOWER_UP" in run_json(f"ip {where}-j link show dev {self.ifname}")[0]["flags"], 20, "carrier")


class Verdict:
    """The program verdict.bpf.c, attached to an interface."""

    def __init__(self, dut, entry="whole", ifname=None):
        self.dut, self.ifname = dut, ifname or dut.ifname
        self.attach(entry)

    def _ip(self, *words, check=True):
        where = ["-n", self.dut.ns] if self.dut.ns else []
        return run(["ip", *where, *words], check=check)

    def attach(self, entry="whole", check=True):
        """Load and attach it, or put it in place of the one that is there; returns the finished process."""
        done = self._ip("-force", "link", "set", "dev", self.ifname, "xdpdrv", "obj", str(OBJECTS / "verdict.bpf.o"),
                        "program", entry, check=check)
        if done.returncode == 0:
            shown = json.loads(self._ip("-j", "link", "show", "dev", self.ifname).stdout)[0]
            self.number = shown["xdp"]["prog"]["id"]
            ids = run_json(f"bpftool -j prog show id {self.number}")["map_ids"]
            self.maps = {run_json(f"bpftool -j map show id {one}")["name"]: one for one in ids}
        return done

    def detach(self):
        """Take it off."""
        self._ip("link", "set", "dev", self.ifname, "xdpdrv", "off", check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.detach()

    def _write(self, name, key, value):
        words = [str(byte) for byte in struct.pack("<I", value)]
        run(["bpftool", "map", "update", "id", str(self.maps[name]), "key", str(key), "0", "0", "0", "value", *words],
            ns=self.dut.ns)

    def decide(self, verdict, ifname=None, ns=None):
        """Say what becomes of frames from now on; REDIRECT goes to an interface."""
        if verdict == REDIRECT:
            self._write("ports", 0, ifindex(ifname, ns))
        if verdict == TO_CPU:
            self._write("cpus", 1, 64)
        self._write("verdict", 0, verdict + 1)
        return self

    def seen(self):
        """Return (frames, bytes, queues they came from) that the program has counted."""
        rows = run_json(f"bpftool -j map dump id {self.maps['seen']}")[0]["formatted"]["values"]
        values = [row["value"] for row in rows]
        queues = 0
        for value in values:
            queues |= value["queues"]
        return sum(value["frames"] for value in values), sum(value["bytes"] for value in values), queues


def verdicts(dut):
    """DROP, ABORTED and PASS do what they say, are counted, and leave other traffic alone."""
    with Verdict(dut) as program:
        ksft_eq(dut.attached()["mode"], 1, "mode (native)")
        for verdict, name, reach in ((DROP, "xdp_drop", 0), (ABORTED, "xdp_error", 0), (PASS, None, 10)):
            program.decide(verdict)
            before, seen = dut.counted(name) if name else 0, program.seen()[0]
            packets = link_stats(dut.ifname, dut.ns)["rx"]["packets"]
            with dut.capture() as capture:
                dut.send(*(dut.frame(number) for number in range(10)))
                wait_for(lambda s=seen: program.seen()[0] - s >= 10, what="the program to see the frames")
                got = capture.wait(reach, 3, linger=0.2)
            ksft_eq(brief(one.data for one in got), brief(dut.frame(number) for number in range(reach)), f"stack, {name}")
            if name:
                wait_for(lambda n=name, b=before: dut.counted(n) - b >= 10, what=name)
                ksft_eq(dut.counted(name) - before, 10, name)
            ksft_ge(link_stats(dut.ifname, dut.ns)["rx"]["packets"] - packets, 10, "packets received")


def drops_many(dut, count=600, step=50):
    """More frames than there are buffers can be dropped one after another, and the buffers are as good as before."""
    with Verdict(dut) as program:
        program.decide(DROP)
        before = dut.counted("xdp_drop")
        for at in range(0, count, step):
            dut.send(*(dut.frame(number) for number in range(at, at + step)))
            wait_for(lambda want=at + step: dut.counted("xdp_drop") - before >= want, what=f"{at + step} dropped frames")
        ksft_eq(dut.counted("xdp_drop") - before, count, "frames dropped")
        program.decide(PASS)
        for at in range(0, count, step):
            sizes = [60 + (at + 31 * number) % 1400 for number in range(step)]
            with dut.capture() as capture:
                dut.send(*(dut.frame(*pair) for pair in enumerate(sizes)))
                got = [one.data for one in capture.wait(len(sizes), 5)]
            ksft_eq(brief(got), brief(dut.frame(*pair) for pair in enumerate(sizes)), f"{at + step} frames afterwards")


def sends_back(dut):
    """TX returns frames to the wire, byte by byte, the short ones padded with zeros."""
    sizes = [60, 61, 64, 100, 1000, 1514]
    with Verdict(dut) as program, dut.on_wire() as wire:
        program.decide(TX)
        sent, before = dut.counted("_xdp"), dut.counted("xdp_tx")
        dut.send(*(dut.frame(number, size) for number, size in enumerate(sizes)))
        got = [one.data for one in wire.wait(len(sizes), 5)]
        ksft_eq(brief(got), brief(turned(dut.frame(*pair)) for pair in enumerate(sizes)), "frames on the wire")
        ksft_eq(dut.counted("xdp_tx") - before, len(sizes), "xdp_tx")
        # Completions of the last frames are looked at in the next poll
        dut.send(dut.frame(99))
        wait_for(lambda: dut.counted("_xdp") - sent >= len(sizes), what="the sent frames to be counted")


def bursts(dut):
    """Of a thousand frames that are sent back each comes once, in order, or is counted as having had no room."""
    count = 1000
    with Verdict(dut) as program, dut.on_wire() as wire:
        program.decide(TX)
        full, tx = dut.counted("xdp_tx_full"), dut.counted("xdp_tx")
        with packet_socket(dut.env.peer_if, dut.env.ns) as sock:
            for number in range(count):
                sock.send(dut.frame(number))
        settle(lambda: program.seen()[0], quiet=0.5)
        seen = program.seen()[0]
        back, lost = dut.counted("xdp_tx") - tx, dut.counted("xdp_tx_full") - full
        got = [struct.unpack_from("!I", one.data, 14 + len(MARK))[0] for one in wire.wait(back, 10)]
        ksft_eq(back + lost, seen, "sent back and without room")
        ksft_eq(len(got), back, "frames on the wire")
        ksft_eq(len(set(got)), len(got), "different frames on the wire")
        ksft_ge(seen, count // 2, "frames that the program saw")


@contextmanager
def side_road(dut):
    """A pair of veth in the DUT's namespace; yields (near, far): frames sent at far come in at near."""
    where = ["ip", *(["-n", dut.ns] if dut.ns else [])]
    run([*where, "link", "add", "kx0", "mtu", "9000", "address", FAR, "type", "veth", "peer", "name", "kx1", "mtu", "9000"])
    try:
        for name in ("kx0", "kx1"):
            run(["ethtool", "-K", name, "gro", "on"], ns=dut.ns)
            run([*where, "link", "set", name, "up"])
        yield "kx0", "kx1"
    finally:
        run([*where, "link", "del", "kx0"], check=False)


def redirects_out(dut):
    """What a program redirects leaves by another interface."""
    with side_road(dut) as (near, far), Verdict(dut) as program:
        program.decide(REDIRECT, near, dut.ns)
        before = dut.counted("xdp_redirect")
        with Capture(far, dut.ns, lambda data: MARK in data) as capture:
            dut.send(*(dut.frame(number, 64 + 100 * number) for number in range(10)))
            got = [one.data for one in capture.wait(10, 5)]
        ksft_eq(brief(got), brief(dut.frame(number, 64 + 100 * number) for number in range(10)), "redirected frames")
        ksft_eq(dut.counted("xdp_redirect") - before, 10, "xdp_redirect")


def redirects_in(dut, sizes=(40, 60, 64, 500, 1514)):
    """What a program elsewhere redirects to here goes on the wire, without a program here."""
    with side_road(dut) as (near, far), Verdict(dut, "frags", near) as program:
        program.decide(REDIRECT, dut.ifname, dut.ns)
        frames = [dut.frame(number, size, out=True) for number, size in enumerate(sizes)]
        with dut.on_wire() as wire:
            send_frames(far, frames, dut.ns)
            got = [one.data for one in wire.wait(len(frames), 5)]
        ksft_eq(brief(got), brief(frame.ljust(60, b"\0") for frame in frames), "frames on the wire")


def to_other_cpu(dut):
    """Frames that go to another processor first reach the stack from there."""
    with Verdict(dut) as program, dut.capture() as capture:
        program.decide(TO_CPU)
        dut.send(*(dut.frame(number) for number in range(10)))
        got = sorted(one.data for one in capture.wait(10, 5))
        ksft_eq(brief(got), brief(sorted(dut.frame(number) for number in range(10))), "frames for the stack")
        program.detach()


def large(dut):
    """Frames in several buffers: dropped whole, sent back whole, redirected whole, and passed whole."""
    dut.set_mtu(9000)
    try:
        with Verdict(dut, "frags") as program:
            sizes = [3000, 3073, 6500, 9014]
            frames = [dut.frame(number, size) for number, size in enumerate(sizes)]
            program.decide(TX)
            with dut.on_wire() as wire:
                dut.send(*frames)
                got = [one.data for one in wire.wait(len(frames), 5)]
            ksft_eq(brief(got), brief(map(turned, frames)), "sent back")
            ksft_eq(program.seen()[1], sum(sizes), "bytes that the program saw")
            program.decide(PASS)
            with dut.capture() as capture:
                dut.send(*frames)
                got = [one.data for one in capture.wait(len(frames), 5)]
            ksft_eq(brief(got), brief(frames), "passed")
            program.decide(DROP)
            before = dut.counted("xdp_drop")
            dut.send(*frames)
            wait_for(lambda: dut.counted("xdp_drop") - before == len(frames), what="frames to be dropped")
        redirects_in(dut, sizes)
    finally:
        dut.set_mtu(1500)


def limits(dut):
    """A program that cannot take fragments and a large MTU exclude each other, with the reason."""
    before = read("/proc/sys/kernel/tainted")
    dut.set_link("mtu", MAX_MTU + 1)
    try:
        done = run(["ip", *(["-n", dut.ns] if dut.ns else []), "link", "set", "dev", dut.ifname, "xdpdrv", "obj",
                    str(OBJECTS / "verdict.bpf.o"), "program", "whole"], check=False)
        ksft_true(done.returncode, "refused at a large MTU")
        ksft_in(f"a program that takes no fragments needs an MTU of at most {MAX_MTU}", done.stderr, "reason")
        ksft_true(not dut.attached(), "nothing attached")
        dut.set_link("mtu", MAX_MTU)
        with Verdict(dut) as program:
            ksft_true(dut.set_link("mtu", MAX_MTU + 1, check=False).returncode, "a larger MTU refused")
            ksft_eq(int(read_mtu(dut)), MAX_MTU, "MTU")
            # One that takes fragments may come in its place, and then the MTU may grow
            program.attach("frags")
            dut.set_link("mtu", MAX_MTU + 1)
            ksft_true(program.attach("whole", check=False).returncode, "refused in its place")
            program.decide(DROP)
            dut.wait_carrier()
            dut.send(dut.frame())
            wait_for(lambda: program.seen()[0], what="the program that stayed to see a frame")
    finally:
        dut.set_link("mtu", 1500)
        dut.wait_carrier()
    ksft_eq(read("/proc/sys/kernel/tainted"), before, "taint")


def read_mtu(dut):
    """The MTU of the DUT."""
    where = f"-n {dut.ns} " if dut.ns else ""
    return run_json(f"ip {where}-j link show dev {dut.ifname}")[0]["mtu"]


def comes_and_goes(dut, rounds=10):
    """Attaching, replacing and taking off loses no frame and does not touch the link."""
    path = f"/sys/class/net/{dut.ifname}/carrier_changes"
    changes = output(["cat", path], ns=dut.ns)
    sent = 0
    with dut.capture() as capture, packet_socket(dut.env.peer_if, dut.env.ns) as sock:
        for _ in range(rounds):
            for step in ("attach", "replace", "off"):
                end = time.monotonic() + 0.1 * SLOW
                while time.monotonic() < end:
                    sock.send(dut.frame(sent))
                    sent += 1
                    time.sleep(0.002)
                if step == "attach":
                    program = Verdict(dut)
                    program.decide(PASS)
                elif step == "replace":
                    program.attach("frags")
                    program.decide(PASS)
                else:
                    program.detach()
        time.sleep(0.5)
        got = [struct.unpack_from("!I", one.data, 14 + len(MARK))[0] for one in capture.wait(sent, 3)]
    ksft_eq(got, list(range(sent)), "frames, in order")
    ksft_eq(output(["cat", path], ns=dut.ns), changes, "changes of carrier")


def stays(dut, *upheavals):
    """The program stays over everything that stops the queues."""
    with Verdict(dut) as program:
        program.decide(TX)
        for name, upheaval in upheavals:
            upheaval()
            dut.wait_carrier()
            ksft_eq(dut.attached()["prog"]["id"], program.number, f"program after {name}")
            number = hash(name) & 0xFFFF
            frame = dut.frame(number, 300)
            with dut.on_wire() as wire:
                def back(w=wire, f=frame):
                    dut.send(f)
                    return any(one.data == turned(f) for one in w.wait(1, 0.3))
                wait_for(back, 10, f"frames to be sent back after {name}")


def down(dut):
    """Nothing is taken for an interface that is down, and nothing is lost by it."""
    with side_road(dut) as (near, far), Verdict(dut, "frags", near) as program:
        program.decide(REDIRECT, dut.ifname, dut.ns)
        dut.set_link("down")
        send_frames(far, [dut.frame(number, out=True) for number in range(20)], dut.ns)
        wait_for(lambda: program.seen()[0] >= 20, what="the program to see the frames")
        dut.set_link("up")
        dut.wait_carrier()

        def through():
            with dut.on_wire() as wire:
                send_frames(far, [dut.frame(7, out=True)], dut.ns)
                return wire.wait(1, 0.3)
        wait_for(through, 10, "frames after down and up")


def beside_stack(dut, ping):
    """Frames that are sent back and the stack's own share the queue: the stack's pings lose nothing."""
    with Verdict(dut) as program, packet_socket(dut.env.peer_if, dut.env.ns) as sock:
        program.decide(TX)
        before = dut.counted("xdp_tx")
        pings = ping()
        end = time.monotonic() + 3 * SLOW
        while time.monotonic() < end:
            for number in range(32):
                sock.send(dut.frame(number))
            time.sleep(0.01)
        sent, lost = pings.lost()
        ksft_lt(lost, 2, f"pings lost of {sent}")
        ksft_ge(sent, 10, "pings")
        ksft_ge(dut.counted("xdp_tx") - before, 500, "frames sent back meanwhile")


class Metadata:
    """The program metadata.bpf.c, made for one interface alone."""

    PLACE = Path("/run/kwl-bpf")

    def __init__(self, dut):
        self.dut = dut
        if not Path("/sys/kernel/btf/vmlinux").exists():
            raise KsftSkipEx("this kernel has no BTF, by which programs find the metadata functions")
        if not self.PLACE.is_mount():
            self.PLACE.mkdir(exist_ok=True)
            run(f"mount -t bpf bpf {self.PLACE}")
        self.pin = self.PLACE / "metadata"
        self.pin.unlink(missing_ok=True)
        run(f"bpftool prog load {OBJECTS / 'metadata.bpf.o'} {self.pin} xdpmeta_dev {dut.ifname}", ns=dut.ns)
        shown = run_json(f"bpftool -j prog show pinned {self.pin}")
        self.map = shown["map_ids"][0]
        run(f"bpftool net attach xdpdrv id {shown['id']} dev {dut.ifname}", ns=dut.ns)
        run(f"tc qdisc add dev {dut.ifname} clsact", ns=dut.ns)
        run(f"tc filter add dev {dut.ifname} ingress bpf da obj {OBJECTS / 'mark.bpf.o'} sec tc", ns=dut.ns)
        rows = run_json(f"tc -j filter show dev {dut.ifname} ingress", ns=dut.ns)
        number = next(row["options"]["prog"]["id"] for row in rows if "options" in row and "prog" in row["options"])
        self.marks_map = run_json(f"bpftool -j prog show id {number}")["map_ids"][0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run(f"tc qdisc del dev {self.dut.ifname} clsact", ns=self.dut.ns, check=False)
        run(f"bpftool net detach xdpdrv dev {self.dut.ifname}", ns=self.dut.ns, check=False)
        self.pin.unlink(missing_ok=True)

    @staticmethod
    def _read(number):
        return run_json(f"bpftool -j map dump id {number}")[0]["formatted"]["value"]

    def of(self, frame):
        """Send a frame to the DUT; return what the program was told of it."""
        before, marks = self._read(self.map)["frames"], self._read(self.marks_map)
        self.dut.send(frame)
        wait_for(lambda: self._read(self.map)["frames"] > before, what="the program to see the frame")
        wait_for(lambda: self._read(self.marks_map) > marks, what="the mark to reach the stack")
        return self._read(self.map)
