# SPDX-License-Identifier: GPL-2.0-only
"""Search kernel logs for what no run may contain."""

import re
from pathlib import Path

# Each of these fails a run, wherever it is printed.
SPLAT = re.compile("|".join((
    r"\bWARNING: ",                     # WARN(), lockdep, KASAN's summaries
    r"\bBUG: ", r"kernel BUG at",
    r"\bOops\b", r"\bCall Trace:", r"Kernel panic", r"cut here",
    r"general protection fault", r"unable to handle", r"invalid opcode",
    r"\bINFO: (?:task|rcu|trying|possible|suspicious|inconsistent|HARDIRQ|SOFTIRQ)",
    r"rcu: INFO", r"detected stall", r"self-detected stall", r"soft lockup",
    r"hard LOCKUP", r"blocked for more than",
    r"possible (?:circular|recursive|irq lock)", r"inconsistent lock state",
    r"suspicious RCU usage", r"sleeping function called", r"scheduling while atomic",
    r"KASAN", r"BUG: KCSAN", r"KFENCE: (?!enabled|initialized)", r"UBSAN", r"kmemleak: \d+ new",
    r"unreferenced object", r"DMA-API", r"swiotlb buffer is full",
    r"stalled pool shutdown", r"page_pool_release_retry",  # pages lost by a driver
    r"unregister_netdevice: waiting", r"leaked", r"Bad page state", r"bad page",
    r"refcount_t", r"list_(?:add|del) corruption", r"use-after-free",
    r"NETDEV WATCHDOG", r"irq \d+: nobody cared", r"Disabling IRQ",
    r"Out of memory", r"page allocation failure", r"AER: ",
    r"lets no interrupt through",       # kawela_vf polls by a timer: below our PF it has no reason to
)))

# Remarks of kernel and machine that say nothing about a driver.
HARMLESS = re.compile("|".join((
    r"Spectre V2 : WARNING: Unprivileged eBPF",     # of the host's processor
    r"AER: enabled with IRQ",                       # a root port says hello
    r"loading out-of-tree module taints kernel", r"module verification failed",
    r"virtio_net \S+ wire0: NETDEV WATCHDOG",       # the wire keeps what nobody takes
    r"DMA-API: (?:preallocated|debugging enabled)", # the debug kernel boots
)))


def findings(text: str, *expected: str) -> list[str]:
    """The lines that must not be there; those with some texts may be expected."""
    return [line for line in text.splitlines()
            if SPLAT.search(line) and not HARMLESS.search(line)
            and not any(words and words in line for words in expected)]


class Tail:
    """A console log that is read piece by piece while it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0

    def text(self) -> str:
        """What was added since the last call."""
        try:
            with self.path.open("rb") as log:
                log.seek(self.offset)
                data = log.read()
        except FileNotFoundError:
            return ""
        self.offset += len(data)
        return data.decode(errors="replace").replace("\r", "")
