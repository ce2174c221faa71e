# SPDX-License-Identifier: GPL-2.0-only
"""What a long exercise may not leave behind: memory, buffers, interrupts, complaints in the log."""

import re
import time
from pathlib import Path

from lib.py import ksft_eq, ksft_lt, ksft_true
from kwl_env import OWN_KERNEL
from kwl_nic import irq_names
from kwl_sys import kernel_log, mem_available, read, write

# A configuration of two rings with 256 receive pages that leaked once a change would be 100 MiB
# in fifty changes. Below that is the kernel's own: 45 MiB were seen on 7.2 after jumbo traffic
# with the virtio partner, and none after sixty changes without traffic.
MEMORY_KIB = 96 << 10
INTEREST = re.compile("skbuff|kmalloc|page_pool")
SLABS = Path("/sys/kernel/slab")
COMPLAINTS = re.compile(r"WARNING:|BUG:|Oops|Call Trace|page_pool_release_retry|DMA-API|"
                        r"unregister_netdevice: waiting|NETDEV WATCHDOG|hung task|blocked for more than")


def _slab_objects():
    """Return {cache: active objects}; network buffers and small allocations are of interest."""
    rows = re.findall(r"^(\S+)\s+(\d+)", read("/proc/slabinfo"), re.M)
    return {name: int(count) for name, count in rows if INTEREST.match(name)}


def _empty_quarantine():
    """KASAN keeps what is freed for a while, and it counts as used: whatever the last traffic was made of."""
    for cache in SLABS.glob("*"):
        if INTEREST.match(cache.name):
            write(cache / "shrink", 1)


def _rest():
    """Let deferred frees happen and drop caches, so that two readings are comparable."""
    write("/proc/sys/vm/drop_caches", 3)
    time.sleep(1)
    if OWN_KERNEL:
        _empty_quarantine()


class LeakCheck:
    """Remember the state of the machine; verify() compares."""

    def __init__(self):
        _rest()
        self.memory = mem_available()
        self.slabs = _slab_objects()
        self.log = len(COMPLAINTS.findall(kernel_log()))

    def verify(self, env):
        """Check that nothing has been left behind since."""
        _rest()
        lost = self.memory - mem_available()
        slabs = _slab_objects()
        grown = {name: slabs[name] - self.slabs.get(name, 0) for name in slabs
                 if slabs[name] - self.slabs.get(name, 0) > 2000}
        env.note(f"memory lost: {lost} KiB; caches grown: {grown}")
        ksft_lt(lost, MEMORY_KIB, "KiB of memory lost")
        ksft_eq(grown, {}, "caches that grew by more than 2000 objects")
        log = COMPLAINTS.findall(kernel_log())
        ksft_true(len(log) <= self.log, f"no complaints in the kernel log: {log}")
        if env.ifname:
            names = list(irq_names(env.ifname).values())
            ksft_eq(len(names), len(set(names)), f"distinct interrupts {names}")
