# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own fault injection: the n-th allocation of one system call of ours fails.

failslab and fail_page_alloc, by way of fail-nth, which concerns this thread alone. So the system
calls that count are made by this process: a command would make its own in another one.
"""

import ctypes
import errno
import fcntl
import os
import struct
from contextlib import contextmanager
from pathlib import Path

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_run, ksft_true
from kwl_faults import pair
from kwl_leaks import LeakCheck
from kwl_sriov import Sriov, with_drivers
from kwl_sys import write

DEBUGFS = Path("/sys/kernel/debug")
# Nothing here allocates that often: it would not end by itself
MOST = 6000

SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFMTU, SIOCETHTOOL = 0x8913, 0x8914, 0x8922, 0x8946
IFF_UP = 1
ETHTOOL_SRINGPARAM, ETHTOOL_GCHANNELS, ETHTOOL_SCHANNELS = 0x11, 0x3C, 0x3D


def available():
    """Tell whether this kernel can do it."""
    return (DEBUGFS / "failslab").exists() and (DEBUGFS / "fail_page_alloc").exists()


def prepare():
    """Let allocations that may sleep fail as well, in silence; keep this process in memory."""
    for kind in ("failslab", "fail_page_alloc"):
        write(DEBUGFS / kind / "ignore-gfp-wait", "N")
        write(DEBUGFS / kind / "verbose", 0)
    write(DEBUGFS / "fail_page_alloc" / "min-order", 0)
    # A page fault of Python's must not be what fails: MCL_CURRENT and MCL_FUTURE
    ctypes.CDLL(None).mlockall(3)


def extent(function):
    """Where a function of the kernel begins and where the next one does."""
    text = sorted((int(address, 16), name) for address, kind, name in
                  (line.split()[:3] for line in Path("/proc/kallsyms").read_text(encoding="ascii").splitlines())
                  if kind in "tT")
    begin, = (address for address, name in text if name == function)
    return begin, next(address for address, _ in text if address > begin)


@contextmanager
def sparing(function):
    """Let nothing fail that a function of the kernel allocates, itself or in what it calls."""
    begin, end = extent(function)
    for kind in ("failslab", "fail_page_alloc"):
        write(DEBUGFS / kind / "reject-end", hex(end))
        write(DEBUGFS / kind / "reject-start", hex(begin))
    try:
        yield
    finally:
        for kind in ("failslab", "fail_page_alloc"):
            write(DEBUGFS / kind / "reject-start", 0)
            write(DEBUGFS / kind / "reject-end", 0)


@contextmanager
def sparing_cache(name):
    """Let nothing fail that comes from a slab cache of the kernel's."""
    for cache in Path("/sys/kernel/slab").glob("*/failslab"):
        write(cache, int(cache.parent.name != name))
    write(DEBUGFS / "failslab" / "cache-filter", "Y")
    try:
        yield
    finally:
        write(DEBUGFS / "failslab" / "cache-filter", "N")


def set_flags(sock, name, up):
    """`ip link set NAME up` or down, in one system call that changes anything."""
    ask = struct.pack("16sH22x", name.encode(), 0)
    flags, = struct.unpack_from("H", fcntl.ioctl(sock, SIOCGIFFLAGS, ask), 16)
    flags = flags | IFF_UP if up else flags & ~IFF_UP
    fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags))


def set_mtu(sock, name, mtu):
    """`ip link set NAME mtu MTU`."""
    fcntl.ioctl(sock, SIOCSIFMTU, struct.pack("16si20x", name.encode(), mtu))


def _ethtool(sock, name, command, values):
    """An ethtool command of eight numbers; return what is in them afterwards."""
    data = (ctypes.c_uint32 * 9)(command, *values)
    fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", name.encode(), ctypes.addressof(data)))
    return list(data)[1:]


def set_rings(sock, name, size):
    """`ethtool -G NAME rx SIZE tx SIZE`."""
    _ethtool(sock, name, ETHTOOL_SRINGPARAM, (0, 0, 0, 0, size, 0, 0, size))


def set_channels(sock, name, pairs):
    """`ethtool -L NAME combined PAIRS`, which leaves the others as they are."""
    values = _ethtool(sock, name, ETHTOOL_GCHANNELS, [0] * 8)
    _ethtool(sock, name, ETHTOOL_SCHANNELS, [*values[:7], pairs])


def write_to(path, text):
    """One write() of a file in sysfs."""
    handle = os.open(path, os.O_WRONLY)

    def do():
        os.write(handle, text.encode())
    defer(os.close, handle)
    return do


class Sweep:
    """Make each allocation of a system call fail, one after the other, until there is none left.

    do: the call; undo: takes back a success. state: what has to be as before after a refusal.
    works: that all is well after a success, although something has failed that was not needed.
    """

    def __init__(self, what, do, undo, state, works):
        self.what, self.do, self.undo, self.state, self.works = what, do, undo, state, works
        self.handle = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
        self.errors = {}
        self.needless = 0

    def one(self, number):
        """Make the call with that allocation failing; return (errno or 0, whether it came to that)."""
        error = 0
        os.pwrite(self.handle, str(number).encode(), 0)
        try:
            self.do()
        except OSError as problem:
            error = problem.errno
        fired = os.pread(self.handle, 20, 0).strip() == b"0"
        os.pwrite(self.handle, b"0", 0)
        return error, fired

    def all(self, least):
        """Each in turn, or from FAIL_FROM on where an earlier run was ended; at least so many must have been refused."""
        before = self.state()
        first = int(os.environ.get("FAIL_FROM", "1"))
        for number in range(first, MOST):
            error, fired = self.one(number)
            if not fired:
                ksft_eq(error, 0, f"error of {self.what} with nothing failing")
                break
            if error:
                self.errors[errno.errorcode[error]] = self.errors.get(errno.errorcode[error], 0) + 1
                ksft_eq(self.state(), before, f"state after allocation {number} of {self.what} has failed")
            else:
                self.needless += 1
                self.works()
                self.undo()
        else:
            ksft_eq(number, 0, f"the end of the allocations of {self.what}")
        os.close(self.handle)
        ksft_pr(f"{self.what}: allocations {first} to {number - 1} made to fail: {self.errors}, "
                f"{self.needless} of them not needed")
        ksft_ge(sum(self.errors.values()), least, "calls refused")


def nothing_left(bench):
    """All those failures have left nothing behind."""
    bench.before.verify(bench.env)


def run_sweeps(cases):
    """The main program of a file whose cases sweep."""
    bench = Sriov()
    ksft_true(available(), "this kernel has failslab and fail_page_alloc")
    prepare()
    bench.use(pair()[0])
    bench.before = LeakCheck()
    ksft_run(with_drivers([*cases, nothing_left], pair()), args=(bench, ))
    ksft_exit()
