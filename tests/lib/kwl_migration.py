# SPDX-License-Identifier: GPL-2.0-only
"""A guest that moves from one QEMU to another: a virtio network card that stands by, and a VF as long as it stays.

It lives in memory alone, for QEMU moves no guest that has a share of its host's files mounted. Its first program
takes commands on the second serial port; a TCP echo server is all that it does besides.
"""

import contextlib
import lzma
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from kwl_guest import inner
from kwl_qmp import Qmp
from kwl_sys import CommandFailed, output as told, wait_for
from kwl_traffic import BLOCK, abort, make_socket

INITRD = Path("/tmp/kwl-migration.img")
ECHO_PORT, RECORD, PERIOD = 7, 512, 0.01
# What a QEMU has besides. A primary is hidden from the guest until it has said that it knows of standbys.
PRIMARY = ("-device", "vfio-pci,id=primary,host={pci},bus=rp0,failover_pair_id=standby")
SINGLE = ("-device", "vfio-pci,id=primary,host={pci},bus=rp0")
INCOMING = ("-incoming", "defer")
# The slot's own buttons and events, in the place of ACPI's.
NATIVE = ("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off")
MEMORY_MB, HUGE_MB = 192, 2
# Where the guest's memory is. Behind its IOMMU the emulated card drops, without a word, a frame of which one
# descriptor crosses pages that are no neighbours in the host, as those of a guest that has just come in: a
# segment from there is lost each time that it is sent. With small pages alone the stream never went on.
MEMORY = Path("/dev/hugepages")
APPEND = inner.APPEND.split(" bench_", 1)[0]
INIT = """#!/bin/busybox sh
bb=/bin/busybox
$bb --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do
	insmod /modules/$module || echo "cannot load $module" >/dev/console
done </modules/order
echo "7 4 1 7" >/proc/sys/kernel/printk
ip link set lo up
exec <>/dev/ttyS1 >&0 2>&1
stty raw -echo
echo "initrd: alive" >/dev/console
while read -r line; do
	sh -c "$line" </dev/null
	echo "end $?"
done
"""


def build(*modules):
    """Make the guest's initrd: busybox, its first program, and modules of this kernel with what they need."""
    with contextlib.ExitStack() as stack:
        work = INITRD.with_suffix(".dir")
        stack.callback(shutil.rmtree, work)
        for name in ("bin", "dev", "proc", "sys", "modules"):
            (work / name).mkdir(parents=True)
        shutil.copy("/usr/bin/busybox", work / "bin/busybox")
        (work / "init").write_text(INIT, encoding="ascii")
        (work / "init").chmod(0o755)
        order = []
        for module in modules:
            for line in told(["modprobe", "-D", module]).splitlines():
                words = line.split()
                if words[0] == "insmod" and Path(words[1]) not in order:
                    order.append(Path(words[1]))
        for file in order:
            data = file.read_bytes()
            name = file.name.removesuffix(".xz")
            (work / "modules" / name).write_bytes(lzma.decompress(data) if name != file.name else data)
        (work / "modules/order").write_text("".join(f"{file.name.removesuffix('.xz')}\n" for file in order),
                                            encoding="ascii")
        with open(INITRD, "wb") as out:
            subprocess.run("find . | busybox cpio -o -H newc 2>/dev/null", shell=True, cwd=work, stdout=out, check=True)


class Monitor(Qmp):
    """QEMU's monitor of a guest here."""

    def __init__(self, path):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            sock.setblocking(False)
            self.fd = sock.detach()
        self.rest, self.events = b"", []
        self.execute("qmp_capabilities")

    def heard(self, event):
        """Tell whether an event has come."""
        self.execute("query-status")
        return event in self.events

    def reached(self, *states, timeout=120):
        """Wait until the migration is in one of these states."""
        def look():
            told = self.execute("query-migrate")
            if told.get("status") == "failed" and "failed" not in states:
                raise RuntimeError(f"the migration failed: {told.get('error-desc')}")
            return told.get("status") in states
        wait_for(look, timeout, f"the migration to be {' or '.join(states)}", step=0.05)


class Traveller(inner.Inner):
    """One of the two QEMUs that such a guest runs in."""

    def __init__(self, name, mac, tap, options=()):
        super().__init__(name)
        self.mac, self.tap, self.options = mac, tap, list(options)
        self.monitor = None
        self.port = None

    def command(self, pci):
        """The command line; both QEMUs' differ by what is outside of the guest only."""
        release = os.uname().release
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
                "-display", "none", "-bios", "qboot.rom", "-M", inner.DEVICES, "-accel", "kvm", "-cpu", "host",
                "-m", str(MEMORY_MB), "-mem-path", str(MEMORY), "-mem-prealloc", "-kernel", f"/boot/vmlinuz-{release}", "-initrd", str(INITRD),
                "-append", APPEND, "-serial", f"file:{self.console.name}",
                "-serial", "unix:channel,server=on,wait=off", "-pidfile", "pid", "-qmp", "unix:qmp,server=on,wait=off",
                "-device", "pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=1",
                "-netdev", f"tap,id=tap,ifname={self.tap},script=no,downscript=no",
                "-device", f"virtio-net-pci,id=standby,netdev=tap,mac={self.mac},failover=on,romfile=",
                *(word.format(pci=pci) for word in self.options)]

    def open(self):
        """Get hold of its monitor and its shell."""
        wait_for(lambda: (self.run_dir / "qmp").exists() or self.process.poll() is not None, 60, "its monitor")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name}: {self.left()}")
        self.monitor = Monitor(self.run_dir / "qmp")
        self.port = socket.socket(socket.AF_UNIX)
        self.port.settimeout(60)
        self.port.connect(str(self.run_dir / "channel"))

    def run(self, argv, timeout=60, output=None):
        """The first command after the boot, for wait(): there is its monitor, and a shell."""
        self.open()
        try:
            self.sh(shlex.join(argv))
        except TimeoutError as error:
            raise inner.GuestGone("its shell does not answer") from error
        return 0

    def kill(self):
        """End its QEMU; its console goes on to that of this machine."""
        for one in filter(None, (self.monitor, self.port)):
            one.close()
        self.monitor = self.port = None
        super().kill()
        if self.process:
            self.process.wait(20)

    def sh(self, script, check=True):
        """Run one line of shell in the guest and return what it prints."""
        self.port.sendall(script.encode() + b"\n")
        got = b""
        while not (end := re.search(rb"^end (\d+)\r?\n\Z", got, re.M)):
            try:
                part = self.port.recv(4096)
            except TimeoutError as error:
                raise TimeoutError(f"{self.name}: no answer to {script!r} after {got!r}: {self.left()}\n"
                                   f"{self.monitor.monitor('info registers')}") from error
            if not part:
                raise RuntimeError(f"{self.name} is gone: {self.left()}")
            got += part
        text, status = got[:end.start()].decode(errors="replace").replace("\r", ""), int(end[1])
        if check and status:
            raise CommandFailed(f"{self.name}: {script}: exit {status}\n{text}")
        return text

    def slaves(self):
        """{driver: (interface, frames that it has sent)} of what is below the guest's interface."""
        rows = self.sh("cd /sys/class/net; for n in eth*; do test ! -e $n/master || echo "
                       "$(basename $(readlink $n/device/driver)) $n $(cat $n/statistics/tx_packets); done")
        return {driver: (name, int(sent)) for driver, name, sent in (row.split() for row in rows.splitlines())}


class Echo:
    """Numbered records that an echo server sends back, one each PERIOD; every byte of the answer is compared."""

    def __init__(self, ns, target):
        self.sock = make_socket(socket.SOCK_STREAM, 4, ns)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(120)
        self.sock.connect((target, ECHO_PORT))
        self.arrivals = []
        self.sent, self.problem, self.stopping = 0, None, False
        self.threads = [threading.Thread(target=part, daemon=True) for part in (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def record(number):
        """What the stream has at this place."""
        at = number * 37 % (len(BLOCK) - RECORD)
        return struct.pack(">Q", number) + BLOCK[at:at + RECORD - 8]

    def _send(self):
        try:
            while not self.stopping:
                self.sock.sendall(self.record(self.sent))
                self.sent += 1
                time.sleep(PERIOD)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as problem:
            self.problem = self.problem or f"sending: {problem!r}"

    def _receive(self):
        rest = b""
        try:
            while chunk := self.sock.recv(1 << 16):
                rest, when = rest + chunk, time.time()
                while len(rest) >= RECORD:
                    if rest[:RECORD] != self.record(len(self.arrivals)):
                        self.problem = f"record {len(self.arrivals)} is not what was sent"
                        return
                    self.arrivals.append(when)
                    rest = rest[RECORD:]
        except OSError as problem:
            self.problem = self.problem or f"receiving: {problem!r}"

    def moves(self, records=20, timeout=60):
        """Wait until so many more have come back."""
        goal = len(self.arrivals) + records
        wait_for(lambda: self.problem or len(self.arrivals) >= goal, timeout, "the stream to move")
        if self.problem:
            raise RuntimeError(self.problem)

    def stop(self):
        """End it in good order; return (records sent, records that came back)."""
        self.stopping = True
        for thread in self.threads:
            thread.join(60)
        self.close()
        if self.problem:
            raise RuntimeError(self.problem)
        return self.sent, len(self.arrivals)

    def close(self):
        """Give it up, whatever is under way."""
        self.stopping = True
        if self.sock.fileno() >= 0:
            abort(self.sock)
            self.sock.close()


def longest_pause(times, begin, end):
    """The longest of the pauses, in milliseconds, that begin between two times."""
    return max((round(1000 * (late - early)) for early, late in zip(times, times[1:]) if begin <= early < end),
               default=0)
