# SPDX-License-Identifier: GPL-2.0-only
"""Restarts of single receive queues (queue management), for PF and VF alike; see net/queues.py and sriov/queues.py."""

import errno

from lib.py import KsftSkipEx, ksft_eq, ksft_ge, ksft_true
from kwl_env import KERNEL
from kwl_napi import pools, queues
from kwl_stats import queue_rows
from kwl_sys import run


def wants_newer_kernel():
    """Stop a case that has a queue restarted."""
    if KERNEL == "6.12":
        raise KsftSkipEx("6.12 lets no module restart a queue")


def prepare():
    """Load what has queues restarted, where there is any."""
    if KERNEL != "6.12":
        run("modprobe qrestart")


def clean_up():
    """Unload it."""
    if KERNEL != "6.12":
        run("modprobe -r qrestart")


def restart(ifname, queue, ns=None, times=1):
    """Have the core restart a queue, once or more often; return an errno, or 0."""
    enter = ["ip", "netns", "exec", ns] if ns else []
    # A process of its own, so that the module looks for the interface in the right namespace
    done = run([*enter, "python3", "-c",
                "import os, sys\n"
                "try:\n"
                "    file = os.open('/sys/module/qrestart/parameters/queue', os.O_WRONLY)\n"
                "    for _ in range(int(sys.argv[2])):\n"
                "        os.write(file, sys.argv[1].encode())\n"
                "except OSError as fault:\n"
                "    sys.exit(fault.errno)\n", f"{ifname} {queue}", str(times)], check=False)
    return done.returncode


def pool_of(ifname, queue, ns=None):
    """Return the number of the page pool that a queue takes its buffers from."""
    napi = queues(ifname, ns)["rx", queue]
    found = [pool["id"] for pool in pools(ifname, ns) if pool.get("napi-id") == napi]
    ksft_eq(len(found), 1, f"page pools of queue {queue}")
    return found[0]


def restarts(ifname, queue, works, ns=None):
    """A queue comes back with other memory, the same NAPI instance and its counters, and works."""
    wants_newer_kernel()
    napi, pool = queues(ifname, ns)["rx", queue], pool_of(ifname, queue, ns)
    before = queue_rows(ifname, "rx", ns)[queue]["packets"]
    for _ in range(10):
        ksft_eq(restart(ifname, queue, ns), 0, "restart")
        ksft_true(works(), "traffic after a restart")
    ksft_eq(queues(ifname, ns)["rx", queue], napi, "NAPI instance")
    ksft_true(pool_of(ifname, queue, ns) > pool, "a new page pool")
    ksft_ge(queue_rows(ifname, "rx", ns)[queue]["packets"], before, "frames counted")


def no_such_queue(ifname, ns=None):
    """A queue that is not there is refused."""
    wants_newer_kernel()
    ksft_eq(restart(ifname, 1000, ns), errno.ERANGE, "queue 1000")
