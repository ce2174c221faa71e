# SPDX-License-Identifier: GPL-2.0-only
"""Faults: who lost what, and how long until checked traffic flowed again.

Watches run in processes of their own, so that what the test does meanwhile delays nothing.
"""

import mmap
import os
import re
import socket
import struct
import subprocess
import tempfile
import time

from lib.py import KsftXfailEx, ksft_eq, ksft_pr
from kwl_env import on_stock, stock_xfail
from kwl_iowindow import Registers
from kwl_nic import PCI_DEVICES
from kwl_sriov import OURS, STOCK, chosen, path
from kwl_sys import output, wait_for
from kwl_traffic import make_socket, ping, transfer

# A watch is back when that many pings in a row have been answered.
STEADY = 15
INTERVAL = 0.02


def pair():
    """The VF driver that belongs to the PF driver under test, as a list for with_drivers().

    KWL_VF_DRIVER chooses the other one, for a mixed pair.
    """
    return chosen([STOCK if on_stock() else OURS]) or [os.environ["KWL_VF_DRIVER"]]


def igbvf_xfail(bench, reason):
    """Say why in-tree igbvf cannot pass, and stop the case."""
    if bench.driver == STOCK:
        raise KsftXfailEx("stock igbvf: " + reason)


class Watch:
    """Pings in the background. Each answer is noted with its time; ping compares its content."""

    def __init__(self, name, target, ns=None):
        self.name = name
        self.log = tempfile.NamedTemporaryFile("r", prefix="watch-")  # read while ping writes
        enter = ["ip", "netns", "exec", ns] if ns else []
        with open(self.log.name, "w", encoding="ascii") as out:
            self.process = subprocess.Popen([*enter, "ping", "-n", "-D", "-i", str(INTERVAL), "-W", "2", target],
                                            stdout=out, stderr=subprocess.DEVNULL)
        wait_for(lambda: len(self.answers()) > STEADY, 20, f"{name}: answers before the fault")

    def answers(self):
        """Return [(time, number)] of all answers so far."""
        self.log.seek(0)
        rows = re.findall(r"^\[([\d.]+)\] \d+ bytes from .*icmp_seq=(\d+) .*ms$", self.log.read(), re.M)
        return [(float(when), int(number)) for when, number in rows]

    def is_back(self, asked):
        """Tell whether the latest pings, all of them after `asked`, have been answered."""
        tail = self.answers()[-STEADY:]
        return tail[0][0] >= asked and tail[-1][1] - tail[0][1] == STEADY - 1

    def toll(self, since):
        """Return (milliseconds, pings lost since then).

        The time is that from `since` to the first answer after the last loss. Without a loss, it is the
        longest time without an answer: a device that pauses need not lose anything.
        """
        answers = self.answers()
        steps = [(early, late, number - before - 1) for (early, before), (late, number) in zip(answers, answers[1:])
                 if late > since]
        lost = sum(missing for _, _, missing in steps)
        if lost:
            return round(1000 * (max(late for _, late, missing in steps if missing) - since)), lost
        return round(1000 * max(late - early for early, late, _ in steps)), 0

    def lost(self):
        """Return (sent, lost) between the first and the last answer."""
        numbers = [number for _, number in self.answers()]
        sent = max(numbers) - min(numbers) + 1
        return sent, sent - len(set(numbers))

    def stop(self):
        """End it; what it has noted stays."""
        self.process.kill()
        self.process.wait()


class Watches:
    """Watches on the PF and all VFs as long as in the context, each towards the wire.

    more: further ones, {name: (target, namespace)}.
    """

    def __init__(self, bench, more=None, pf=True):
        self.bench = bench
        ends = {"PF": None} if pf else {}
        ends.update({f"VF {vf.index}": vf.ns for vf in bench.vfs})
        self.plans = {name: (bench.env.peer_v4, ns) for name, ns in ends.items()} | (more or {})
        self.watches = {}

    def __enter__(self):
        try:
            for name, (target, ns) in self.plans.items():
                self.watches[name] = Watch(name, target, ns)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for watch in self.watches.values():
            watch.stop()

    def __getitem__(self, name):
        return self.watches[name]

    def back(self, since, what, timeout=30):
        """Wait until all are back; print and return {name: (milliseconds, pings lost)}."""
        # Answers that came before the fault took effect say nothing.
        asked = now()
        for name, watch in self.watches.items():
            try:
                wait_for(lambda one=watch: one.is_back(asked), timeout, f"{name} to be back after {what}")
            except TimeoutError:
                if on_stock():
                    mend(self.bench)
                stock_xfail(f"{name} is not back {timeout} s after {what}; its driver is bound anew")
                raise
        tolls = {name: watch.toll(since) for name, watch in self.watches.items()}
        ksft_pr(f"recovery: {what}:", ", ".join(f"{name} {took} ms, {lost} lost" if lost else
                                                f"{name} none lost, longest pause {took} ms"
                                                for name, (took, lost) in tolls.items()))
        return tolls

    def unhurt(self, names, what):
        """Nothing that these have sent so far is lost. The stock driver's case may end here."""
        for name in names:
            sent, lost = self.watches[name].lost()
            if lost and on_stock():
                carry(self.bench)
                stock_xfail(f"{name} has lost {lost} of {sent} pings by {what}")
            ksft_eq(lost, 0, f"pings of {sent} that {name} has lost by {what}")


def mend(bench):
    """Start over with a PF that does not come back by itself."""
    bench.spoil()
    bench.env.unbind()
    bench.env.bind()


def recovery(what, took):
    """Print a recovery time, in seconds, in the form in which they are collected."""
    ksft_pr(f"recovery: {what}: {round(1000 * took)} ms")


def now():
    """The clock of the watches."""
    return time.time()


def carry(bench):
    """PF and VFs carry checked traffic: random bytes to the wire and back, and between VFs."""
    ends = bench.ends()
    bench.forget_neighbours()
    pairs = [(name, "wire") for name in ends if name != "wire"]
    pairs += [("vf0", "vf1")] if len(bench.vfs) > 1 else []
    for near, far in pairs:
        wait_for(lambda one=ends[near], other=ends[far]: ping(other.v4, ns=one.ns), 20, f"{near} to reach {far}")
        for direction in ("tx", "rx"):
            sent, got = transfer(path(ends[near], ends[far]), direction, size=128 << 10)
            ksft_eq(sent, got, f"md5, {near} {direction} {far}")


class Raw:
    """A VF without a driver, whose registers are the test's own."""

    VTCTRL, V2PMAILBOX, VMBMEM = 0x0000, 0x0C40, 0x0800
    RST = 1 << 26
    REQ, ACK, VFU, PFSTS, PFACK, RSTI = 1 << 0, 1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 6
    HELLO = 0x0001
    ANSWERED, IN_SERVICE = 1 << 31, 1 << 29

    def __init__(self, vf):
        file = os.open(PCI_DEVICES / vf.pci / "resource0", os.O_RDWR)
        self.window = mmap.mmap(file, 0x4000)
        os.close(file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.window.close()

    def get(self, offset):
        """Read a register."""
        return struct.unpack_from("<I", self.window, offset)[0]

    def put(self, offset, value):
        """Write a register."""
        struct.pack_into("<I", self.window, offset, value)

    def take(self):
        """Take the buffer of the mailbox, and do not give it back."""
        def taken():
            self.put(self.V2PMAILBOX, self.VFU)
            return self.get(self.V2PMAILBOX) & self.VFU
        wait_for(taken, what="the mailbox's buffer")

    def hello(self):
        """Start a session as a driver does; the answer stays where it is, not acknowledged."""
        for _ in range(5):
            self.put(self.VTCTRL, self.RST)
            # Time for the PF to take in the reset: it may wipe the mailbox then.
            time.sleep(0.05)
            wait_for(lambda: not self.get(self.V2PMAILBOX) & self.RSTI, what="the PF")
            self.take()
            self.put(self.VMBMEM, self.HELLO)
            self.put(self.V2PMAILBOX, self.REQ)
            try:
                return wait_for(lambda: self.get(self.VMBMEM) & self.ANSWERED, 1, "an answer to hello")
            except TimeoutError:
                continue
        raise TimeoutError("the PF does not answer hello")


def hang_transmit(env, end, queues):
    """Switch off the transmit queues of an end, behind its driver's back, until the watchdog strikes.

    queues: the numbers of its queues on the card.
    """
    def struck():
        return sum(int(output(f"cat {file}", ns=end.ns)) for file in files)

    files = [f"/sys/class/net/{end.ifname}/queues/{name}/tx_timeout" for name in output(
        f"ls /sys/class/net/{end.ifname}/queues", ns=end.ns).split() if name.startswith("tx-")]
    before = struck()
    # With the neighbour unknown all would wait for an answer to one small frame.
    ping(env.peer_v4, count=2, ns=end.ns)
    # TXDCTL, its enable bit.
    with Registers(env) as registers:
        for queue in queues:
            at = 0xE028 + 0x40 * queue
            registers.put(at, registers.get(at) & ~(1 << 25))
    with make_socket(socket.SOCK_DGRAM, 4, end.ns) as sock:
        sock.setsockopt(socket.SOL_SOCKET, 32, 16 << 20)  # SO_SNDBUFFORCE
        sock.setblocking(False)
        for _ in range(3000):
            try:
                sock.sendto(bytes(1400), (env.peer_v4, 9))
            except OSError:
                break
        wait_for(lambda: struck() > before, 40, "the watchdog")


def function_reset(pci):
    """Reset a PCI function by sysfs."""
    (PCI_DEVICES / pci / "reset").write_text("1", encoding="ascii")
