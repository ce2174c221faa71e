# SPDX-License-Identifier: GPL-2.0-only
"""Cases of interrupt moderation that PF and VF pass alike; see net/coalesce.py and sriov/coalesce.py."""

import json
import threading
import time

import kwl_pktgen
from lib.py import defer, ksft_eq, ksft_ge, ksft_in, ksft_true
from kwl_regs import dump
from kwl_stats import link_stats
from kwl_sys import output, run
from kwl_wire import packet_socket

EITR = 0x1680
# EITR bits 14:2
INTERVAL = 0x7FFC
# What the emulator takes for the interval, and for microseconds; the PF knows that, a VF does not
EMULATED = 0x7FFE
# KiB, or frames, a second from which on there is much traffic
BUSY = 50_000
LONG = 9000
# So many at least of 32, 64 and 128 us: which of them is for DIM to choose
CHOICES = 2


class Moderated:
    """One interface, the EITR that each of its queues shows in the PF's registers, and frames for it.

    knows: its driver knows that the card is emulated.
    """

    def __init__(self, env, ifname, ns, vectors, frame, knows):
        self.env, self.ifname, self.ns, self.vectors, self.frame = env, ifname, ns, vectors, frame
        self.knows = knows

    def ethtool(self, option, *words, check=True):
        """`ethtool OPTION IFNAME words...`; returns the finished process."""
        return run(["ethtool", option, self.ifname, *map(str, words)], ns=self.ns, check=check)

    def shown(self):
        """Return (interval, whether DIM chooses it) as `ethtool -c` shows them."""
        row, = json.loads(output(["ethtool", "--json", "-c", self.ifname], ns=self.ns))
        return row["rx-usecs"], row["adaptive-rx"]

    def of_queues(self):
        """Return the interval of each queue as its register holds it."""
        regs = dump(self.env)
        fields = [regs[EITR + 4 * vector] & EMULATED for vector in self.vectors]
        return fields if self.knows else [(field & INTERVAL) >> 2 for field in fields]

    def programmed(self, usecs):
        """What the register then holds: the emulator has no odd numbers of microseconds."""
        return usecs + usecs % 2 if self.knows else usecs

    def stream(self, seconds):
        """Send frames as fast as it goes; return the intervals seen meanwhile."""
        seen, end = set(), time.monotonic() + seconds
        with packet_socket(self.env.peer_if, self.env.ns) as sock:
            while time.monotonic() < end:
                for _ in range(200):
                    sock.send(self.frame)
                seen.update(self.of_queues())
        return seen

    def flood(self, seconds):
        """Send long frames by the kernel; return the intervals seen meanwhile, and KiB received by second."""
        self.lengthen()
        kwl_pktgen.prepare(self.env.peer_if, self.env.ns, count=0, burst=8, pkt_size=LONG, delay=0, dst="198.18.0.1",
                           dst_mac=self.mac())
        seen = set()
        sender = threading.Thread(target=kwl_pktgen.send, args=(self.env.ns,))
        sender.start()
        time.sleep(0.5)
        before, began = self.received(), time.monotonic()
        while time.monotonic() < began + seconds:
            seen.update(self.of_queues())
        rate = (self.received() - before) / 1024 / (time.monotonic() - began)
        kwl_pktgen.tell(self.env.ns, "pgctrl", "stop")
        sender.join()
        return seen, rate

    def lengthen(self):
        """Have room for long frames, of which the slowest host has so many KiB a second that they are much traffic."""
        ways = {(self.env.peer_if, self.env.ns), (self.env.ifname, None), (self.ifname, self.ns)}
        for ifname, ns in ways:
            run(["ip", "link", "set", ifname, "mtu", str(LONG)], ns=ns)
            defer(run, ["ip", "link", "set", ifname, "mtu", "1500"], ns=ns)

    def mac(self):
        """Return the address."""
        return ":".join(f"{byte:02x}" for byte in self.frame[:6])

    def received(self):
        """Return the bytes received so far."""
        return link_stats(self.ifname, self.ns)["rx"]["bytes"]


def refusal(dut, *words):
    """Return what `ethtool -C` says to words that have to be refused."""
    before = dut.shown()
    done = dut.ethtool("-C", *words, check=False)
    ksft_true(done.returncode, f"{words} refused")
    ksft_eq(dut.shown(), before, f"shown after {words}")
    return done.stderr


def by_default(dut):
    """It goes with the traffic; 20 us is for who does not want that."""
    ksft_eq(dut.shown(), (20, True), "by default")


def check_load(dut, seen, rate):
    """From 50,000 frames or KiB a second on DIM tries intervals; the ring's 256 buffers have to outlast each."""
    dut.env.note(f"{rate:.0f} KiB a second; intervals:", sorted(seen))
    ksft_ge(128, max(seen), "the longest interval under load")
    if rate > 1.3 * BUSY:
        ksft_ge(len(seen - {0}), CHOICES, "intervals under load that are not zero")
    elif rate < BUSY / 4:
        ksft_eq(seen, {0}, "intervals under a load that is little")


def adaptive(dut):
    """The interval goes with the traffic, or stays when it is set by hand; all is kept over down and up."""
    dut.ethtool("-C", "adaptive-rx", "off")
    dut.ethtool("-C", "rx-usecs", 33)
    by_hand = {dut.programmed(33)}
    ksft_eq(set(dut.of_queues()), by_hand, "intervals set by hand")
    ksft_eq(dut.stream(1), by_hand, "intervals under load, set by hand")

    dut.ethtool("-C", "adaptive-rx", "on")
    ksft_eq(dut.shown(), (33, True), "shown")
    time.sleep(1)
    with packet_socket(dut.env.peer_if, dut.env.ns) as sock:
        for _ in range(200):
            sock.send(dut.frame)
            time.sleep(0.005)
    ksft_eq(set(dut.of_queues()), {0}, "intervals with little traffic")
    check_load(dut, *dut.flood(4))
    run(["ip", "link", "set", dut.ifname, "down"], ns=dut.ns)
    run(["ip", "link", "set", dut.ifname, "up"], ns=dut.ns)
    ksft_eq(dut.shown(), (33, True), "shown after down and up")
    ksft_in("adaptive-rx", refusal(dut, "rx-usecs", 50), "what is said to an interval beside DIM")

    dut.ethtool("-C", "adaptive-rx", "off")
    ksft_eq(dut.shown(), (33, False), "shown after it was on")
    ksft_eq(dut.stream(1), by_hand, "intervals under load, by hand again")


def by_queue(dut):
    """Each queue has an interval of its own; setting that of all ends it."""
    queues = len(dut.vectors)
    dut.ethtool("-C", "rx-usecs", 20, check=False)
    want = [40 + 2 * queue for queue in range(queues)]
    for queue, usecs in enumerate(want):
        dut.ethtool("-Q", "queue_mask", hex(1 << queue), "--coalesce", "rx-usecs", usecs)
    ksft_eq(dut.of_queues(), want, "intervals by register")
    text = dut.ethtool("-Q", "queue_mask", hex((1 << queues) - 1), "--show-coalesce").stdout
    ksft_eq([int(line.split()[1]) for line in text.splitlines() if line.startswith("rx-usecs:")], want, "shown")
    run(["ip", "link", "set", dut.ifname, "down"], ns=dut.ns)
    run(["ip", "link", "set", dut.ifname, "up"], ns=dut.ns)
    ksft_eq(dut.of_queues(), want, "intervals after down and up")

    # The last queue alone is left to DIM
    dut.ethtool("-Q", "queue_mask", hex(1 << (queues - 1)), "--coalesce", "adaptive-rx", "on")
    text = dut.ethtool("-Q", "queue_mask", hex((1 << queues) - 1), "--show-coalesce").stdout
    ksft_eq([line.split()[2] for line in text.splitlines() if line.startswith("Adaptive RX:")],
            ["off"] * (queues - 1) + ["on"], "left to DIM")
    # ethtool's exit code does not tell
    for mask, words, why in ((1 << queues, ("rx-usecs", 20), "Invalid argument"),
                             (1, ("rx-usecs", 100_000), "out of range"), (1, ("tx-usecs", 20), "not supported")):
        done = dut.ethtool("-Q", "queue_mask", hex(mask), "--coalesce", *words, check=False)
        ksft_in(why, done.stderr, f"mask {mask:#x}, {words}")
    ksft_eq(dut.of_queues()[:-1], want[:-1], "intervals by register after refusals")
    dut.ethtool("-Q", "queue_mask", hex((1 << queues) - 1), "--coalesce", "adaptive-rx", "off")
    dut.ethtool("-C", "rx-usecs", 21)
    ksft_eq(dut.of_queues(), [dut.programmed(21)] * queues, "intervals after setting all")


def limits(dut):
    """More than the register holds is refused with the limit, as are parameters the device lacks."""
    dut.ethtool("-C", "rx-usecs", 8191)
    ksft_eq(set(dut.of_queues()), {dut.programmed(8191)}, "the longest interval")
    dut.ethtool("-C", "rx-usecs", 30)
    ksft_in("at most 8191", refusal(dut, "rx-usecs", 8192), "what is said to 8192")
    for words in (("rx-frames", 16), ("tx-usecs", 20), ("rx-usecs-high", 10)):
        refusal(dut, *words)
