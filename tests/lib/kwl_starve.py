# SPDX-License-Identifier: GPL-2.0-only
"""Out of memory while frames come in: for PF and VF alike; see net/starve.py and sriov/starve.py.

NAPI runs in a thread, whose allocations are made to fail; in an interrupt they could not be told from others'.
"""

import re
import time
from contextlib import contextmanager
from pathlib import Path

from lib.py import ksft_eq, ksft_ge, ksft_pr, ksft_true
from kwl_events import Events
from kwl_frames import ether
from kwl_stats import link_stats, queue_rows
from kwl_sys import output, read, run, wait_for, write
from kwl_traffic import ping
from kwl_wire import send_frames

PARAMETERS = "/sys/module/failcall/parameters"
# They come to nobody but the driver's counters.
LOCAL = 0x88B5
FRAMES = 40


def frames(end, count):
    """That many frames for an end, from the wire."""
    send_frames(end.env.peer_if, [ether(end.mac, "52:54:00:82:57:ff", LOCAL, bytes(100))] * count, end.env.ns)


def thread_of(end):
    """Run the end's only NAPI instance in a thread; return its name."""
    output(["sh", "-c", f"echo 1 >/sys/class/net/{end.ifname}/threaded"], ns=end.ns)

    def found():
        names = [read(file) for file in Path("/proc").glob("[0-9]*/comm") if file.exists()]
        return [name for name in names if re.fullmatch(rf"napi/{end.ifname}-\d+", name)]
    names = wait_for(found, what="the thread")
    ksft_eq(len(names), 1, "threads")
    return names[0]


@contextmanager
def failing(end, symbol, value):
    """All calls of a function fail in the end's NAPI; yields what makes them succeed again."""
    run(f"modprobe failcall symbol={symbol} value={value}")
    write(f"{PARAMETERS}/comm", thread_of(end))
    write(f"{PARAMETERS}/nth", -1)
    try:
        yield lambda: write(f"{PARAMETERS}/nth", 0)
    finally:
        run("modprobe -r failcall")
        output(["sh", "-c", f"echo 0 >/sys/class/net/{end.ifname}/threaded"], ns=end.ns)


def counts(end):
    """(frames received, frames dropped, allocations that failed)."""
    row = queue_rows(end.ifname, "rx", end.ns)[0]
    return row["packets"], link_stats(end.ifname, end.ns)["rx"]["dropped"], row["alloc-fail"]


def no_head(end):
    """Frames for whose head there is no memory are dropped, counted and told; the ring goes on."""
    ksft_true(ping(end.env.peer_v4, ns=end.ns), "an answer before")
    with Events("kawela/kwl_rx_drop") as events, failing(end, "napi_build_skb", 0) as mend:
        _, dropped, failed = counts(end)
        frames(end, FRAMES)
        told = wait_for(lambda: len(events.seen("kwl_rx_drop", why="no_skb")) >= FRAMES, what="all to be told")
        _, dropped_now, failed_now = counts(end)
        ksft_ge(dropped_now - dropped, FRAMES, "frames dropped")
        ksft_eq(failed_now - failed, dropped_now - dropped, "allocations that failed")
        ksft_true(told, "frames told")
        mend()
        ksft_eq(ping(end.env.peer_v4, count=5, ns=end.ns), 5, "answers afterwards")


def comes(end):
    """Tell whether a frame from the wire is received. The end sends nothing, so that no other work wakes its NAPI."""
    before = counts(end)[0]
    frames(end, 1)
    time.sleep(0.2)
    return counts(end)[0] > before


def no_page(end, ring=256):
    """A ring that gets no buffers runs empty, says so, and fills again by itself once there is memory."""
    ksft_true(ping(end.env.peer_v4, ns=end.ns), "an answer before")
    with Events("kawela/kwl_rx_drop") as events, failing(end, "page_pool_alloc_pages", 0) as mend:
        before, _, failed = counts(end)
        for _ in range(4):
            frames(end, ring)
        wait_for(lambda: counts(end)[2] > failed, what="a failure to be counted")
        ksft_true(events.seen("kwl_rx_drop", why="no_page"), "told")
        # All buffers that there were have had their frames; the rest of the frames found none.
        wait_for(lambda: not comes(end), what="the ring to be empty")
        took = counts(end)[0] - before
        ksft_pr(f"{took} of {4 * ring} frames received before the ring was empty")
        ksft_ge(4 * ring, took + 1, "frames that found no buffer")
        mend()
        wait_for(lambda: comes(end), what="frames once there is memory")
        ksft_eq(ping(end.env.peer_v4, count=5, ns=end.ns), 5, "answers afterwards")
