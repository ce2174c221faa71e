# SPDX-License-Identifier: GPL-2.0-only
"""What the demonstrations of tests/vm/guest share: commands as a user types them, ends that talk, and a
table of results.
"""

import json
import re
import textwrap

from kwl_guest import Guest
from kwl_sys import read, run

SECONDS = 2


def say(text):
    """Say what is being done, and when."""
    print(f"[{read('/proc/uptime').split('.')[0]:>4} s] {text}", flush=True)


def quote(text):
    """Show what a command has printed."""
    if text.strip():
        print(textwrap.indent(text.rstrip(), " " * 9), flush=True)
    return text


def show(line):
    """Show a command as a user types it, run it, show what it prints, and return that."""
    say(line)
    return quote(run(["sh", "-ec", line]).stdout)


class End:
    """A place that sends and receives: a guest, or a namespace of this machine."""

    def __init__(self, label, end):
        self.label = label
        self.end = end
        self.v4 = end.v4

    def run(self, script, check=True):
        """Run a shell script there and return what it printed."""
        if isinstance(self.end, Guest):
            return self.end.run(script, check=check)
        return run(["sh", "-ec", script], ns=self.end.ns, check=check).stdout

    def ping(self, far, count=5):
        """Return the median round trip in milliseconds, or None when nobody answers."""
        text = self.run(f"ping -n -i 0.1 -W 1 -c {count} {far.v4}", check=False)
        times = sorted(map(float, re.findall(r"time=([\d.]+) ms", text)))
        return times[len(times) // 2] if times else None

    def report(self, far, options):
        """What iperf3 has measured towards the other end; None, with the reason shown, when it did not get there."""
        report = json.loads(self.run(f"iperf3 -J -c {far.v4} -t {SECONDS} {options}", check=False))
        if "error" in report:
            print(f"iperf3, {self.label} to {far.label}: {report['error']}", flush=True)
            return None
        return report["end"]

    def iperf(self, far):
        """Return the Mbit/s that TCP brings to the other end, and from there, at the same time."""
        report = self.report(far, "--bidir")
        ways = ("sum_received", "sum_received_bidir_reverse")
        return tuple(report[way]["bits_per_second"] / 1e6 for way in ways) if report else (0, 0)

    def offer(self, far, mbits):
        """Send so many Mbit/s by UDP; return those that arrive."""
        report = self.report(far, f"-u -l 1000 -b {mbits}M")
        return report["sum_received"]["bits_per_second"] / 1e6 if report else 0


class Table:
    """The results, a line each; whatever is not as it should be is WRONG."""

    def __init__(self):
        self.lines = []
        self.right = self.wrong = 0

    def head(self, what, value):
        """Begin a part of the table."""
        self.lines += ["", f"  {what:40} {value}"]

    def line(self, what, value, right):
        """Note a result and whether it is the right one."""
        self.right += bool(right)
        self.wrong += not right
        self.lines.append(f"  {what:40} {value:36} {'ok' if right else 'WRONG'}")

    def show(self):
        """Print what has been noted."""
        print(*self.lines, "", f"  {self.right} ok, {self.wrong} WRONG", sep="\n", flush=True)

    def reach(self, near, far):
        """Ping and iperf3 between two ends."""
        trip = near.ping(far)
        there, back = near.iperf(far) if trip else (0, 0)
        self.line(f"{near.label} <-> {far.label}",
                  f"{trip:6.1f} ms {there:8.1f} and {back:6.1f} Mbit/s" if trip else "no answer",
                  there > 0 and back > 0)

    def answers(self, near, far, expected, why):
        """A ping that has to be answered, or must not be."""
        trip = near.ping(far, 3)
        self.line(f"{why}: {near.label} -> {far.label}",
                  "no answer" if trip is None else f"{trip:6.1f} ms", (trip is not None) == expected)
