# SPDX-License-Identifier: GPL-2.0-only
"""Small helpers around files, waiting and commands that every test needs."""

import json
import os
import re
import subprocess
import time
from pathlib import Path


# How many times longer than usual everything may take (a kernel full of checkers).
SLOW = int(os.environ.get("KWL_SLOW") or 1)


class CommandFailed(Exception):
    """A command that had to succeed did not; the message shows its output."""


def read(path):
    """Return the text of a /proc or /sys file without its final newline."""
    return Path(path).read_text(encoding="utf-8").rstrip("\n")


def write(path, value):
    """Write a value to a /proc or /sys file."""
    Path(path).write_text(str(value), encoding="utf-8")


def run(line, ns=None, check=True, timeout=60):
    """Run a command line, in a network namespace if given; return the finished process."""
    words = line.split() if isinstance(line, str) else list(line)
    if ns:
        words = ["ip", "netns", "exec", ns] + words
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout * SLOW, check=False)
    if check and done.returncode:
        raise CommandFailed(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def output(line, ns=None, timeout=60):
    """Run a command that must succeed and return what it printed."""
    return run(line, ns=ns, timeout=timeout).stdout


def run_json(line, ns=None):
    """Run a command that prints JSON and return the parsed value."""
    return json.loads(output(line, ns=ns))


def batch(tool, lines, ns=None):
    """Feed many command lines to one `ip` or `bridge` process; far faster than one each."""
    words = [tool, "-batch", "-"]
    done = subprocess.run((["ip", "netns", "exec", ns] if ns else []) + words, input="\n".join(lines) + "\n",
                          capture_output=True, text=True, timeout=120 * SLOW, check=False)
    if done.returncode:
        raise CommandFailed(f"{tool} -batch: {done.stderr}")


def refused(line):
    """Run a command that must fail; return its error text, or None if it succeeded."""
    done = run(line, check=False)
    return None if done.returncode == 0 else (done.stderr + done.stdout).strip()


def wait_for(cond, timeout=10, what="condition", step=0.02):
    """Poll until cond() is true and return its value; raise with the last value on time-out.

    The bench runs on an emulated machine, so limits are generous: they only bound a hang.
    """
    timeout *= SLOW
    end = time.monotonic() + timeout
    while True:
        value = cond()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout} s for {what}; last value {value!r}")
        time.sleep(step)


def settle(value, quiet=0.3, timeout=10):
    """Return value() once it has not changed for `quiet` seconds."""
    timeout *= SLOW
    end = time.monotonic() + timeout
    last, since = value(), time.monotonic()
    while time.monotonic() - since < quiet:
        if time.monotonic() > end:
            raise TimeoutError(f"value kept changing for {timeout} s; last {last!r}")
        time.sleep(0.03)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last


def ethtool_table(text):
    """Parse ethtool's `name: value` lines into a dictionary; later lines win."""
    rows = re.findall(r"^\s*([^:\n]+):[ \t]+(\S.*?)\s*$", text, re.M)
    return {name.strip(): value for name, value in rows}


def kernel_log():
    """Return the kernel log as text."""
    return output("dmesg")


def mem_available():
    """Return MemAvailable in KiB."""
    return int(re.search(r"MemAvailable:\s+(\d+)", read("/proc/meminfo")).group(1))
