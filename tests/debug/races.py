#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela kernels=7.2-kcsan
"""One processor sends on a ring that the other cleans, while a third party reads and changes: for KCSAN to watch.

By itself the bench sends and cleans a ring on one and the same processor, where there is little to race with.
Reports come on the console, where any of them fails the file.
"""

import itertools
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from lib.py import defer, ksft_exit, ksft_ge, ksft_pr, ksft_run
from kwl_faults import pair
from kwl_sriov import Sriov, pf_end, with_drivers
from kwl_sys import output, read, run, wait_for, write

PARAMETERS = Path("/sys/module/kcsan/parameters")
# One access in so many, for so many microseconds
OFTEN = {"skip_watch": 10, "udelay_task": 300, "udelay_interrupt": 100}
SECONDS, WATCHED, BYTES = 15, 10_000, 100_000
SENDER, CLEANER = 1, 0


def watched():
    """How many accesses have been watched since the machine started."""
    return int(re.search(r"^setup_watchpoints: *(\d+)", read("/sys/kernel/debug/kcsan"), re.M)[1])


def watch_often():
    """Have KCSAN look closely for the rest of the case."""
    for name, value in OFTEN.items():
        defer(write, PARAMETERS / name, read(PARAMETERS / name))
        write(PARAMETERS / name, value)


def clean_on(ifname, cpu):
    """Have the vectors of an interface interrupt one processor alone."""
    for row in read("/proc/interrupts").splitlines():
        if re.search(rf"\b{ifname}\b", row):
            write(f"/proc/irq/{row.split(':')[0].strip()}/smp_affinity_list", cpu)


@contextmanager
def killed(words, ns):
    """A program that runs in the background, and not for longer than the context."""
    where = ["ip", "netns", "exec", ns] if ns else []
    with subprocess.Popen([*where, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def flood(env, end, way):
    """Small datagrams from one processor, as many as it makes, to the wire or from there."""
    client = ["taskset", "-c", str(SENDER), "iperf3", "-c", env.peer_v4, "-u", "-b", "0", "-l", "100", "-t", "1000"]
    with killed(["iperf3", "-s", "-1"], env.ns):
        wait_for(lambda: ":5201" in output("ss -ltn", ns=env.ns), 20, "the server")
        with killed(client + (["-R"] if way == "in" else []), end.ns):
            yield


def moved(end):
    """Bytes that an interface has counted."""
    return sum(int(run(["cat", f"/sys/class/net/{end.ifname}/statistics/{way}_bytes"], ns=end.ns).stdout)
               for way in ("rx", "tx"))


def look_and_change(end, until):
    """Ask for what there is to read, and change what takes no new rings."""
    name = end.ifname
    commands = (f"ethtool -S {name}", f"ip -s -s link show {name}", f"ethtool -C {name} rx-usecs 20",
                f"ethtool -g {name}", f"ethtool -C {name} rx-usecs 100", f"ethtool -K {name} gro off",
                f"ethtool -I {name}", f"ethtool -K {name} gro on", f"ethtool -d {name}", f"ip link set {name} promisc on",
                f"ip maddr add 33:33:00:00:00:77 dev {name}", f"ip link set {name} promisc off",
                f"ip maddr del 33:33:00:00:00:77 dev {name}")
    for rounds, command in enumerate(itertools.cycle(commands)):
        if time.monotonic() > until:
            break
        run(command, ns=end.ns, check=False)
    return rounds


def crossed(bench, end):
    """Traffic both ways over one ring, sent and cleaned by different processors."""
    watch_often()
    clean_on(end.ifname, CLEANER)
    for way in ("out", "in"):
        seen, before = watched(), moved(end)
        with flood(bench.env, end, way):
            wait_for(lambda: moved(end) - before > BYTES, 20, f"traffic {way}")
            rounds = look_and_change(end, time.monotonic() + SECONDS)
        ksft_pr(f"{end.ifname}, {way}: {watched() - seen} accesses watched, {(moved(end) - before) >> 10} KiB, "
                f"{rounds} commands")
        ksft_ge(watched() - seen, WATCHED, f"accesses watched, {way}")


def pf_ring(bench):
    """The PF with one pair of queues, which it has beside VFs."""
    crossed(bench, pf_end(bench.env))


def vf_ring(bench):
    """A VF."""
    crossed(bench, bench.vfs[0])


def main():
    """Run the cases."""
    ksft_run(with_drivers([pf_ring, vf_ring], pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
