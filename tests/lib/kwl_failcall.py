# SPDX-License-Identifier: GPL-2.0-only
"""Out of memory in a driver's own calls: each that a command causes fails in turn (tests/kmod/failcall)."""

import re

from lib.py import ksft_eq, ksft_ge
from kwl_env import on_stock, stock_xfail
from kwl_faults import mend
from kwl_sys import read, run, write

PARAMETERS = "/sys/module/failcall/parameters"
# What each function returns when it fails.
CALLS = {"__kmalloc_noprof": 0, "__kmalloc_cache_noprof": 0, "__kmalloc_cache_node_noprof": 0,
         "__kvmalloc_node_noprof": 0, "page_pool_create": -12, "page_pool_alloc_netmems": 0, "dma_alloc_attrs": 0,
         "request_threaded_irq": -12, "alloc_etherdev_mqs": 0, "mdiobus_alloc_size": 0, "xp_dma_map": -12,
         "devl_port_register_with_ops": -12, "register_netdevice": -12}
# What new rings of ours take
RINGS = {"page_pool_create", "page_pool_alloc_netmems", "dma_alloc_attrs"}
# So many calls of each function are made to fail: receive buffers are hundreds, and one like the other.
MOST = 8


class Failures:
    """Make a command's allocations fail one after the other until none is left.

    command: words, or a function that returns an error, if any.
    undisturbed: a function that checks that all is as before, and takes a text for its messages.
    again: a function that makes ready for another go. Then the command is to succeed all the same.
    """

    def __init__(self, bench, comm, command, undisturbed, again=None):
        self.bench = bench
        self.command = command
        self.undisturbed = undisturbed
        self.again = again
        self.seen = {}
        write(f"{PARAMETERS}/comm", comm)

    def run(self):
        """Run the command; return its error, if any."""
        if callable(self.command):
            return self.command()
        done = run(self.command, check=False)
        return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else None

    def one(self, number):
        """Run the command with that call failing; tell whether there was one."""
        if self.again:
            self.again()
        write(f"{PARAMETERS}/nth", number)
        error = self.run()
        fired = read(f"{PARAMETERS}/nth") == "0"
        write(f"{PARAMETERS}/nth", 0)
        if not fired:
            ksft_eq(error, None, f"error of `{self.command}` with nothing failing")
            return False
        name = read(f"{PARAMETERS}/last")
        self.seen[name] = self.seen.get(name, 0) + 1
        if not error and on_stock():
            mend(self.bench)
            stock_xfail(f"`{' '.join(self.command)}` reports success although {name} has failed")
        ksft_eq(bool(error), not self.again, f"refused when {name}, call {number}, has failed: {error}")
        self.undisturbed(f"after {name}, call {number}, has failed: {error}")
        return self.again or error

    def all(self, least, take=()):
        """Each call in turn; these functions have to be among those that were called."""
        number = 1
        while self.one(number):
            number += 1
        self.bench.env.note("calls made to fail:", ", ".join(f"{name} {count}" for name, count in self.seen.items()))
        ksft_ge(sum(self.seen.values()), least, "calls that were made to fail")
        if not on_stock():
            ksft_eq(set(take) - set(self.seen), set(), "functions of which no call has failed")


def shell(line):
    """A command line for a shell, whose builtins fail with an error text."""
    return ["sh", "-c", line]


def load():
    """Make ready; the drivers are loaded, for not every function is there without them."""
    known = set(re.findall(r"^\S+ \w (\w+)", read("/proc/kallsyms"), re.M))
    names = [name for name in CALLS if name in known]
    run(f"modprobe failcall symbol={','.join(names)} value={','.join(str(CALLS[name]) for name in names)} "
        f"caller={'[igb' if on_stock() else '[kawela'} most={MOST}")


def unload():
    """Nothing fails any more."""
    run("modprobe -r failcall")
