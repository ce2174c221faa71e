#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""Mode switchdev: a VF that floods its pipe does not take its neighbour's place in the PF's queue."""

import re
import threading
import time

from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_run
from lib.py.ksft import KsftCaseFunction, KsftNamedVariant
from kwl_env import OWN_KERNEL
from kwl_pktgen import prepare, send, tell
from kwl_repr import Switchdev
from kwl_sriov import OURS
from kwl_stats import cpu_hit, driver_stats
from kwl_sys import read, run, settle, wait_for
from kwl_traffic import ping

UNKNOWN = "52:54:00:00:00:99"
# So many frames come at once, in the emulator without any time between them.
BURST, RING = 1000, 4096
PINGS = 400
# So many a second are more than one in the interval with which moderation begins (KWL_DEFAULT_USECS), and a tenth
MODERATED = 55000
# Without protection 15 to 35 % are lost. The rest is lost while a ring that takes less than a burst is full.
# A kernel full of checkers takes so long for each frame that more is.
ENOUGH, RINGS = 0.5 if OWN_KERNEL else 0.9, (256, 2048)


def flooding(bench):
    """Have VF 0 send as fast as it can until the function returned is called."""
    vf = bench.vfs[0]
    run(f"ethtool -G {vf.ifname} tx {RING}", ns=vf.ns)
    vf.wait_carrier()
    prepare(vf.ifname, vf.ns, count=0, burst=BURST, pkt_size=60, dst_mac=UNKNOWN, delay=0)
    thread = threading.Thread(target=send, args=(vf.ns,))
    thread.start()

    def stop():
        if thread.is_alive():
            tell(vf.ns, "pgctrl", "stop")
            thread.join()
    defer(stop)
    settle_in = cpu_hit("r0")["rx_packets"] + 10 * BURST
    wait_for(lambda: cpu_hit("r0")["rx_packets"] > settle_in, 30, "the flood")
    return stop


def held(bench, num=0):
    """How often a VF was held back."""
    return driver_stats(f"r{num}")["rx_held_back"]


def answers(target, ns=None):
    """Ping so many times and no more; return the part that was answered."""
    told = run(f"ping -n -q -i 0.005 -c {PINGS} -W 3 {target}", ns=ns, check=False).stdout
    return int(re.search(r"(\d+) received", told).group(1)) / PINGS


def neighbours(bench, ring):
    """While VF 0 floods, VF 1 and the wire have their answers; it is held back, and has its own when it stops."""
    bench.ready()
    run(f"ethtool -G {bench.env.ifname} rx {ring}")
    defer(run, f"ethtool -G {bench.env.ifname} rx 256")
    for vf, net in zip(bench.vfs, ("198.51.100", "203.0.113")):
        run(f"ip addr add {net}.1/24 dev r{bench.vfs.index(vf)}")
        defer(run, f"ip addr flush dev r{bench.vfs.index(vf)}")
        run(f"ip -n {vf.ns} addr add {net}.2/24 dev {vf.ifname}")
        defer(run, f"ip -n {vf.ns} addr del {net}.2/24 dev {vf.ifname}")
        wait_for(lambda to=f"{net}.2": ping(to), 20, "an answer of the VF")
    calm, before = held(bench, 1), held(bench)
    stop = flooding(bench)
    for what, target in (("VF 1", "203.0.113.2"), ("the wire", bench.env.peer_v4)):
        part = answers(target)
        bench.env.note(f"{part:.1%} of the answers of {what}, VF 0 held back {held(bench)} times")
        ksft_ge(part, ENOUGH, f"answers of {what}")
    stop()
    ksft_ge(held(bench), before + 1, "how often VF 0 was held back")
    count = settle(lambda: held(bench))
    ksft_eq(answers("198.51.100.2"), 1, "answers of VF 0 when it has stopped")
    ksft_eq((held(bench), held(bench, 1)), (count, calm), "how often the VFs were held back, pings alone")


def moderated(bench, count=40000):
    """What goes through representors counts as traffic of the uplink's queue: it does not interrupt for each frame."""
    if OWN_KERNEL:
        raise KsftSkipEx("this kernel is slower than any interval between frames")
    bench.ready()
    vf = bench.vfs[0]
    # A host that is busy elsewhere for some milliseconds is not to lose any.
    run(f"ethtool -G {bench.env.ifname} rx 4096")
    defer(run, f"ethtool -G {bench.env.ifname} rx 256")
    prepare(vf.ifname, vf.ns, count=count, pkt_size=60, dst_mac=UNKNOWN, delay=10000)
    frames, fired, begin = cpu_hit("r0")["rx_packets"], interrupts(bench.env.ifname), time.monotonic()
    send(vf.ns)
    rate = count / (time.monotonic() - begin)
    frames = settle(lambda: cpu_hit("r0")["rx_packets"]) - frames
    fired = interrupts(bench.env.ifname) - fired
    bench.env.note(f"{fired} interrupts for {frames} frames, {rate:.0f} a second")
    ksft_ge(frames, count * 0.9, "frames that came")
    if rate < MODERATED:
        raise KsftSkipEx(f"{rate:.0f} frames a second: below {MODERATED} each may have its own interrupt")
    ksft_lt(fired, frames / 2, "interrupts")


def interrupts(ifname):
    """How often the vectors of an interface's queues have fired."""
    rows = [line.split() for line in read("/proc/interrupts").splitlines() if f"{ifname}-TxRx-" in line]
    return sum(int(word) for row in rows for word in row[1:] if word.isdigit())


def main():
    """Run the cases."""
    bench = Switchdev()
    run(f"modprobe {OURS}")
    rings = [KsftNamedVariant(f"ring_{ring}", ring) for ring in RINGS]
    ksft_run([KsftCaseFunction("neighbours", neighbours, rings), moderated], args=(bench,))
    if bench.mode != "legacy":
        bench.mode = "legacy"
    ksft_exit()


if __name__ == "__main__":
    main()
