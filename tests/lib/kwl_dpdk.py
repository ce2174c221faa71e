# SPDX-License-Identifier: GPL-2.0-only
"""DPDK's testpmd as the owner of a function, told what to do line by line."""

import re
import subprocess
import threading
import time

from lib.py import defer
from kwl_nic import PCI_DEVICES, driver_of
from kwl_sys import SLOW, run, wait_for, write

PROGRAM = "dpdk-testpmd"
PROMPT = "testpmd> "
# An event may come after the prompt; some ask for a line anew.
PROMPTED = re.compile(PROMPT + r"(\s*Port \d+: .* event\s*)*$")
QUIET = 0.3
# Huge pages: each small one would be an entry of its own for vfio, which allows 64 Ki of them.
HUGE_PAGES = 80
MEMORY = ("-l", "0,1", "--in-memory", "-m", "128", "--iova-mode=va", "--no-telemetry")
PORT = ("-i", "--total-num-mbufs=4096", "--nb-cores=1", "--rxd=256", "--txd=256")


def give_to_vfio(pci):
    """Take a function from its driver for a program, until the case is over."""
    run("modprobe vfio-pci")
    run(f"sysctl -qw vm.nr_hugepages={HUGE_PAGES}")
    defer(run, "sysctl -qw vm.nr_hugepages=0")
    device = PCI_DEVICES / pci
    if driver_of(pci):
        write(PCI_DEVICES / pci / "driver" / "unbind", pci)
    write(device / "driver_override", "vfio-pci")
    write("/sys/bus/pci/drivers_probe", pci)
    defer(take_back, pci)


def take_back(pci):
    """Leave a function without a driver, for any that is bound next."""
    device = PCI_DEVICES / pci
    if driver_of(pci) == "vfio-pci":
        write(device / "driver" / "unbind", pci)
    write(device / "driver_override", "\n")


class Testpmd:
    """A running testpmd with one port; options are testpmd's own."""

    def __init__(self, pci, *options):
        self.text = ""
        words = ["stdbuf", "-oL", PROGRAM, *MEMORY, "-a", pci, "--", *PORT, *options]
        self.process = subprocess.Popen(words, text=True, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        try:
            self._prompt(0, 60)
        except BaseException:
            self.process.kill()  # or its function could not be taken from it
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.quit()

    def _read(self):
        while piece := self.process.stdout.read(1):
            self.text += piece

    def _prompt(self, since, seconds):
        """Wait for it to want another line, and to say no more; what it has said since then."""
        def done():
            length = len(self.text)
            time.sleep(QUIET)
            return self.process.poll() is not None or len(self.text) == length and PROMPTED.search(self.text, since)

        try:
            wait_for(done, seconds, "testpmd's prompt")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; testpmd: {self.text[-2000:]}") from error
        if self.process.poll() is not None:
            raise RuntimeError(f"testpmd ended: {self.text[-2000:]}")
        return self.text[since:]

    def say(self, line, seconds=20):
        """Have it obey a line; return what it says."""
        since = len(self.text)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._prompt(since, seconds)

    def quit(self):
        """Let it end as it should; return its exit status."""
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        try:
            return self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def info(self):
        """`show port info 0`: {what: value}."""
        return dict(re.findall(r"^([A-Z][\w ]*): (.*)$", self.say("show port info 0"), re.M))

    def counted(self):
        """`show port stats 0`: {"RX-packets": n, ...}."""
        return {name: int(value) for name, value in re.findall(r"(\w+-\w+):\s+(\d+)", self.say("show port stats 0"))}
