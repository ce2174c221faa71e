#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=600 drivers=kawela
"""A hostile guest: VF 0 is driven register by register by tests/lib/kwl_hostile.c.

Meanwhile VF 1 and the PF carry traffic whose every byte is checked, and VF 2, which is not in
service, has an address that somebody might want. KWL_HOSTILE is the number of messages of the
flood (a million; fewer in a slow kernel), KWL_SEED the seed, which is printed.

VF 0 may not master the bus here: without an IOMMU it would write wherever its rings point.
"""

import json
import os
import random
import re
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_pr, ksft_run
from kwl_nic import PCI_DEVICES
from kwl_regs import DTXSWC, dump, vmolr
from kwl_sriov import OURS, Pings, Sriov, path, wire_end
from kwl_sys import SLOW, kernel_log, output, read, run, wait_for, write
from kwl_traffic import Stream, ping

MESSAGES = int(os.environ.get("KWL_HOSTILE") or 10 ** 6 // SLOW)
# Of everything but the flood
SOME = min(MESSAGES, 20000)
SEED = int(os.environ.get("KWL_SEED") or random.getrandbits(32))
TOOL = "/tmp/kwl_hostile"

HOSTILE, NEIGHBOUR, ABSENT = range(3)
# Of the absent VF, and of the hostile one where it may not choose
ABSENT_MAC, HOSTILE_MAC = "02:00:00:00:aa:02", "02:00:00:00:aa:00"
PORT_VLAN = 77

# Seconds of a processor that workers may take: what a VF has saved up (2 s) and its share (0.1) of the
# time that passes, and as much again for all that workers do otherwise.
SAVED, SHARE = 2, 0.3
# Enough for what comes while this machine's two processors have no time for a neighbour's ring, attacked or
# not: see calm(). What is lost nevertheless, somebody else has taken.
RING = 4096
# Lines that all of this may add to the log
LINES = 10
# What any VF may have
ADDRESSES, VLANS, GROUPS, LONGEST_FRAME = 6, 8, 256, 0x2600

VFRE, VFTE, EIMS, EIAC, EIAM = 0x0C8C, 0x0C90, 0x1524, 0x152C, 0x1530
# Intervals of VF 0's vectors; each driver sets them before it lets its vectors interrupt
EITR = range(0x16D8, 0x16E4, 4)
FORBIDDEN_MODES = 1 << 26 | 1 << 28  # VMOLR.ROPE, VMOLR.MPME


def rar(regs):
    """Yield (address, pools) of each receive address in use."""
    for entry in (*(0x5400 + 8 * i for i in range(16)), *(0x54E0 + 8 * i for i in range(8))):
        low, high = regs[entry], regs[entry + 4]
        if high >> 31:
            yield (low.to_bytes(4, "little") + (high & 0xFFFF).to_bytes(2, "little")).hex(":"), high >> 18 & 0xFF


def vlans_of(regs, pool):
    """Return the VLANs that a pool is in, without that of untagged frames."""
    entries = (regs[0x5D00 + 4 * i] for i in range(32))
    return {entry & 0xFFF for entry in entries if entry >> 31 and entry >> 12 >> pool & 1} - {0}


def groups(regs):
    """How many buckets of groups are open."""
    return sum(regs[0x5200 + 4 * i].bit_count() for i in range(128))


class Target:
    """The bench with a hostile VF, and what its neighbours must not notice."""

    def __init__(self):
        run(f"gcc -O2 -Wall -o {TOOL} {Path(__file__).parents[1]}/lib/kwl_hostile.c", timeout=60 * SLOW)
        bench = self.bench = self.make_bench()
        self.env = bench.env
        run(f"modprobe {OURS}")
        bench.enable(3)
        self.prepare()
        self.env.wait_carrier()
        bench.set_vf(ABSENT, "mac", ABSENT_MAC)
        self.neighbour = bench.vfs[NEIGHBOUR]
        self.neighbour.bind(OURS)
        self.neighbour.come_up()
        run(["ethtool", "-G", self.neighbour.ifname, "rx", str(RING)], ns=self.neighbour.ns)
        self.env.ethtool("-G", "rx", RING)
        self.env.wait_carrier()
        self.neighbour.wait_carrier()
        run("ip neigh flush all")
        run(f"ip -n {self.env.ns} neigh flush all")
        self.vf = bench.vfs[HOSTILE]
        self.sysfs = PCI_DEVICES / self.vf.pci
        self.others = [self.env.mac, self.neighbour.mac, ABSENT_MAC]
        self.confined = False
        wait_for(lambda: self.dump()[VFRE] == 0b1010, what="neighbour and PF, and no others, to be in service")
        self.groups = groups(self.dump())
        self.clean = self.dump()
        self.door = self.open_door()

    def make_bench(self):
        """What the hostile VF is a part of."""
        return Sriov()

    def prepare(self):
        """What else there is to do once VFs are there."""

    def open_door(self):
        """Let the tool at the VF's registers; return what it opens."""
        write(self.sysfs / "enable", 1)
        # Memory yes, bus mastering no
        run(f"setpci -s {self.vf.pci} COMMAND=2:6")
        return self.sysfs / "resource0"

    def close_door(self):
        """Leave the VF without an owner."""
        write(self.sysfs / "enable", 0)

    def dump(self):
        """The PF's registers."""
        return dump(self.env)

    def confine(self):
        """The administrator leaves VF 0 no choice."""
        self.bench.set_vf(HOSTILE, "mac", HOSTILE_MAC, "vlan", PORT_VLAN)
        self.confined = True

    def release(self):
        """And gives it back, pardon included."""
        self.bench.set_vf(HOSTILE, "mac", "00:00:00:00:00:00", "vlan", 0, "state", "auto")
        self.confined = False

    def pardon(self):
        """The administrator lets in a VF that was shut off."""
        self.bench.set_vf(HOSTILE, "state", "auto")

    def floods(self):
        """How often a VF was shut off."""
        return int(re.search(r"vf_mailbox_floods: (\d+)", self.env.ethtool("-S").stdout).group(1))

    def start(self, what, count, seed=0):
        """Start the tool."""
        ksft_pr(f"{what} {count}, seed {SEED + seed}")
        return subprocess.Popen([TOOL, self.door, str(SEED + seed), str(count), what, *self.others],
                                stdout=subprocess.PIPE, text=True)

    def attack(self, what, count, seed=0):
        """Let it do its worst while others work; return what the tool has counted."""
        pings = [Pings(self.neighbour.v4, self.env.ns), Pings(self.env.v4, self.env.ns)]
        with ExitStack() as stack:
            streams = [stack.enter_context(Stream(path(near, wire_end(self.env)), direction)) for near, direction in
                       ((self.neighbour, "tx"), (self.neighbour, "rx"), (self.bench.ends()["pf"], "tx"))]
            log, start = kernel_log().count("kawela"), time.monotonic()
            workers = workers_ns()
            process = self.start(what, count, seed)
            while process.poll() is None:
                self.check_policy()
                time.sleep(0.3)
            elapsed = time.monotonic() - start
            worked = (workers_ns() - workers) / 1e9
            self.check_policy()
            for stream in streams:
                stream.moves()
        # None under way but the last one: nothing delays answers any more.
        time.sleep(1)
        lost = [ping_.lost() for ping_ in pings]
        ksft_eq(process.returncode, 0, "the tool's exit status")
        done = json.loads(process.stdout.read())
        ksft_pr(f"{done}; {elapsed:.1f} s, of which workers worked {worked:.1f}; (pings, lost) {lost}")
        # A slow kernel has more than one of them under way.
        for sent, missing in lost:
            ksft_lt(missing, 1 + SLOW, f"pings of neighbours unanswered, of {sent}, {SLOW} of them under way")
        ksft_lt(worked, SAVED + SHARE * elapsed, "seconds of a processor that workers took")
        ksft_lt(kernel_log().count("kawela") - log, LINES, "lines of ours in the log")
        ksft_eq(done["stolen"], 0, "addresses of others that were granted")
        return done

    def check_policy(self):
        """What registers and administration must say at any time."""
        regs = self.dump()
        owned = list(rar(regs))
        mine = {address for address, pools in owned if pools & 1}
        for pool, address in ((3, self.env.mac), (NEIGHBOUR, self.neighbour.mac), (ABSENT, ABSENT_MAC)):
            ksft_eq({pools for found, pools in owned if found == address} - {1 << pool}, set(), f"pools of {address}")
        ksft_eq([entry for entry in owned if entry[1].bit_count() != 1], [], "addresses with other than one owner")
        ksft_lt(len(mine), 1 + ADDRESSES + 1, "addresses of the hostile VF")
        ksft_eq(regs[vmolr(HOSTILE)] & FORBIDDEN_MODES, 0, "promiscuity without trust")
        ksft_lt(regs[vmolr(HOSTILE)] & 0x3FFF, LONGEST_FRAME + 1, "longest frame")
        ksft_lt(groups(regs), self.groups + GROUPS + 1, "groups")
        ksft_eq(regs[DTXSWC] & 0x101, 0x101, "check of its sources")
        ksft_eq(regs[VFRE] & 0b1110, 0b1010, "others in service")
        if self.confined:
            ksft_eq(mine - {HOSTILE_MAC}, set(), "addresses beside the administrator's")
            ksft_eq(vlans_of(regs, HOSTILE), {PORT_VLAN}, "VLANs beside the port's")
            ksft_eq(regs[vmolr(HOSTILE)] >> 24 & 1, 0, "untagged frames into a port VLAN")
        else:
            ksft_lt(len(vlans_of(regs, HOSTILE)), VLANS + 1, "VLANs of the hostile VF")

    def shown(self):
        """What the administrator is shown and no VF may change."""
        rows = self.bench.pf_vf(HOSTILE), self.bench.pf_vf(NEIGHBOUR), self.bench.pf_vf(ABSENT)
        keys = ("spoofchk", "trust", "link_state", "vlan_list", "rate")
        return [{key: row.get(key) for key in keys} for row in rows] + [row["address"]
                                                                        for row in rows[1:]]


def workers_ns():
    """Processor time that the kernel's workers have taken so far."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if read(folder / "comm").startswith("kworker/"):
                total += int(read(folder / "schedstat").split()[0])
        except OSError:
            pass  # it has just gone
    return total


def calm(target):
    """Nobody attacks: what the same traffic loses then, and what workers do."""
    target.attack("rest", 800)


def talks(target):
    """Every kind of message, with parameters right and wrong, each of them waited for."""
    shown = target.shown()
    done = target.attack("talk", SOME // 60)
    # Or all of this has never been near the code that decides.
    ksft_ge(done["granted"], done["sent"] // 20, "messages granted")
    ksft_ge(done["refused"], done["sent"] // 20, "messages refused")
    ksft_eq(target.shown(), shown, "ip -d link show")


def talks_confined(target):
    """The same by a VF with an address and a port VLAN that are the administrator's."""
    target.confine()
    defer(target.release)
    shown = target.shown()
    done = target.attack("talk", SOME // 60, seed=1)
    ksft_ge(done["granted"], done["sent"] // 20, "messages granted")
    ksft_eq(target.shown(), shown, "ip -d link show")
    ksft_eq(target.bench.pf_vf(HOSTILE)["address"], HOSTILE_MAC, "the administrator's address")


def floods(target):
    """As many messages as it can, right, wrong and out of order."""
    target.pardon()
    defer(target.pardon)
    done = target.attack("flood", MESSAGES, seed=2)
    ksft_eq(done["sent"], MESSAGES, "messages sent")


def floods_confined(target):
    """The same, with nothing left to choose."""
    target.confine()
    defer(target.release)
    target.attack("flood", SOME, seed=3)


def hammers(target):
    """Asks, with a message that costs it and the PF next to nothing, so that most of the time is the PF's."""
    target.pardon()
    defer(target.pardon)
    target.attack("hammer", MESSAGES // 5, seed=8)


def resets(target):
    """Resets itself without end."""
    target.pardon()
    defer(target.pardon)
    target.attack("reset", MESSAGES // 5, seed=4)


def pokes(target):
    """Writes anything to anywhere in its BAR."""
    target.pardon()
    defer(target.pardon)
    target.attack("poke", MESSAGES // 5, seed=5)


def shut_off_and_back(target):
    """Who floods for long enough is shut off, which is counted and said once; and comes back by itself."""
    target.pardon()
    defer(target.pardon)
    before, log = target.floods(), kernel_log().count("floods us")
    start = time.monotonic()
    # Nothing costs the PF more
    process = target.start("reset", 10 ** 9, seed=6)
    try:
        wait_for(lambda: target.floods() > before, 60, "the VF to be shut off")
    finally:
        process.kill()
        process.wait()
    ksft_pr(f"shut off after {time.monotonic() - start:.1f} s")
    ksft_eq(target.dump()[VFRE] & 1, 0, "VFRE of the VF")
    ksft_eq(target.dump()[VFTE] & 1, 0, "VFTE of the VF")
    ksft_eq(kernel_log().count("floods us"), log + 1, "lines in the log")
    start = time.monotonic()
    # What would be the next guest in it; it knocks until it is let in.
    wait_for(lambda: hello(target), 30, "the VF to be let in again", step=0.5)
    ksft_pr(f"shut off for {time.monotonic() - start:.1f} s")
    ksft_eq(target.floods(), before + 1, "times shut off")


def hello(target):
    """Let the tool say a few things at its ease; tell whether it was answered."""
    done = json.loads(output([TOOL, target.door, str(SEED), "3", "talk"], timeout=20))
    return done["answered"] > 0


def own_registers(regs):
    """Drop what belongs to VF 0 or changes by itself."""
    def is_own(offset):
        queue = offset >> 6 & 15
        of_queue = 0xC000 <= offset < 0xE400 and (queue in (0, 8) or offset & 0x3F in (0x10, 0x18))
        return of_queue or offset in EITR
    bits = 7 << 22
    return {offset: value & ~bits if offset in (EIMS, EIAC, EIAM) else value
            for offset, value in regs.items() if not is_own(offset)}


def clean_after_flr(target):
    """After a function level reset nothing is left of it, and the next guest has a VF like any other."""
    target.pardon()
    write(target.sysfs / "reset", 1)
    def left():
        now, before = own_registers(target.dump()), own_registers(target.clean)
        return {f"{offset:#x}": (f"{before[offset]:#x}", f"{value:#x}")
                for offset, value in now.items() if value != before[offset]}
    try:
        wait_for(lambda: not left(), 10, "the registers to be as before")
    except TimeoutError:
        ksft_eq(left(), {}, "registers: before, after")
    target.close_door()
    target.vf.bind(OURS)
    target.vf.come_up()
    ksft_eq(ping(target.env.peer_v4, count=5, ns=target.vf.ns), 5, "answers to the next guest")
    ksft_eq(ping(target.neighbour.v4, count=5, ns=target.vf.ns), 5, "answers of its neighbour")
    with Stream(path(target.vf, wire_end(target.env)), "rx") as stream:
        stream.moves(1 << 20)


def main():
    """Run the cases."""
    ksft_run([calm, talks, talks_confined, floods, floods_confined, hammers, resets, pokes, shut_off_and_back, clean_after_flr],
             args=(Target(),))
    ksft_exit()


if __name__ == "__main__":
    main()
