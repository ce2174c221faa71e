#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela expect-log="NETDEV WATCHDOG"
"""Rules for flows (ethtool -N), as a driver on silicon takes, keeps, refuses and programs them.

Not seen on the emulator: that a frame follows a rule. It has one kind of filters, does not ask it for a
queue, and lacks the other. What is refused there is in net/ntuple.
"""

import socket
import struct

from lib.py import defer, ksft_eq, ksft_in, ksft_true
from kwl_faults import hang_transmit
from kwl_ptp import FILTERS as STAMPED
from kwl_ptp import TX_OFF, configure
from kwl_silicon import last_writes, run_on_silicon
from kwl_sriov import pf_end
from kwl_sys import kernel_log, output, wait_for, write

SAQF, DAQF, SPQF, FTQF, IMIR, IMIREXT, ETQF = 0x5980, 0x59A0, 0x59C0, 0x59E0, 0x5A80, 0x5AA0, 0x5CB0
FILTERS, CLOCK = 8, 3
PER_KIND = FILTERS - 1
# Nothing but what is asked for, of any pool, of any length, whatever the flags of TCP.
NO_PROTO, NO_SADDR, NO_DADDR, NO_SPORT, NO_DPORT = 1 << 28, 1 << 29, 1 << 30, 1 << 31, 1 << 17
OFF = NO_PROTO | NO_SADDR | NO_DADDR | NO_SPORT
ANY_POOL, ANY_REST = 1 << 15, 1 << 12 | 1 << 19
ETHER_ON, TUPLE_ON = 1 << 31 | 1 << 26, 1 << 8
QUEUES = 4


def ether(proto, queue):
    """The filter of an EtherType."""
    return ETHER_ON | queue << 16 | proto


def wire32(address):
    """An address as the card compares it, the first byte lowest."""
    return struct.unpack("<I", socket.inet_aton(address))[0]


def wire16(port):
    """The same for a port."""
    return struct.unpack("<H", struct.pack(">H", port))[0]


class Rules:
    """The rules of a card that the driver takes for silicon."""

    def __init__(self, env):
        self.env = env
        self.filters = {}

    def add(self, *words, check=True):
        """`ethtool -N DUT flow-type words...`"""
        return self.env.ethtool("-N", "flow-type", *words, check=check)

    def delete(self, place, check=True):
        """`ethtool -N DUT delete place`"""
        return self.env.ethtool("-N", "delete", place, check=check)

    def clear(self):
        """Take all rules away."""
        for place in self.places():
            self.delete(place)

    def places(self):
        """Where there are rules, as ethtool lists them."""
        shown = output(f"ethtool -n {self.env.ifname}")
        places = [int(row.split()[1]) for row in shown.splitlines() if row.startswith("Filter:")]
        ksft_in(f"Total {len(places)} rules", shown, "number of rules")
        return sorted(places)

    def written(self, action):
        """Do something; return {register: value} of the filters that were written, the last value of each."""
        return {at: value for at, value in last_writes(self.env, action).items()
                if SAQF <= at < IMIREXT + 4 * FILTERS or ETQF <= at < ETQF + 4 * FILTERS}

    def check(self, filters, ethers, tuples, what):
        """Only these filters are on, by their number, and each was written; the clock's stay off."""
        on = {i: filters.get(ETQF + 4 * i) for i in range(FILTERS) if filters.get(ETQF + 4 * i)}
        ksft_eq(on, ethers, f"{what}: EtherTypes")
        on = {}
        for i in range(FILTERS):
            ftqf = filters.get(FTQF + 4 * i, OFF)
            if ftqf != OFF:
                on[i] = tuple(filters[row + 4 * i] for row in (SAQF, DAQF, SPQF, IMIR)) + (ftqf, )
                ksft_eq(filters[IMIREXT + 4 * i], ANY_REST, f"{what}: length and flags of filter {i}")
        ksft_eq(on, tuples, f"{what}: tuples")
        for i in range(FILTERS):
            ksft_true(i == CLOCK or {ETQF + 4 * i, FTQF + 4 * i} <= set(filters), f"{what}: filter {i} was written")


def programmed(rules):
    """What a rule names is compared, what it leaves out is not, and the queue is the one it says."""
    defer(rules.clear)
    full = (wire32("198.51.100.7"), wire32("203.0.113.9"), wire16(1111), wire16(443))
    for words, values in (
            ("tcp4 src-ip 198.51.100.7 dst-ip 203.0.113.9 src-port 1111 dst-port 443 action 3",
             full + (ANY_POOL | TUPLE_ON | 3 << 16 | 6, )),
            ("udp4 dst-port 4789 action 1",
             (0, 0, 0, wire16(4789), NO_SADDR | NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 1 << 16 | 17)),
            ("sctp4 src-ip 198.51.100.7 action 2",
             (full[0], 0, 0, NO_DPORT, NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 2 << 16 | 132)),
            ("tcp4 action 0", (0, 0, 0, NO_DPORT, NO_SADDR | NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 6)),
            ("ip4 dst-ip 203.0.113.9 action 1",
             (0, full[1], 0, NO_DPORT, NO_PROTO | NO_SADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 1 << 16)),
            ("ip4 l4proto 47 action 1",
             (0, 0, 0, NO_DPORT, NO_SADDR | NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 1 << 16 | 47))):
        rules.check(rules.written(lambda words=words: rules.add(*words.split(), "loc", 5)), {}, {0: values}, words)
    rules.check(rules.written(lambda: rules.add("ether", "proto", "0x88cc", "action", 2, "loc", 5)),
                {0: ether(0x88CC, 2)}, {}, "EtherType")


def in_order(rules):
    """Of two rules that fit the one in the lower place wins: it has the lower filter."""
    defer(rules.clear)
    rules.add("ether", "proto", "0x88cc", "action", 1, "loc", 9)
    rules.add("tcp4", "dst-port", 80, "action", 1, "loc", 4)
    filters = rules.written(lambda: rules.add("ether", "proto", "0x8809", "action", 2, "loc", 0))
    tcp = (0, 0, 0, wire16(80), NO_SADDR | NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 1 << 16 | 6)
    rules.check(filters, {0: ether(0x8809, 2), 1: ether(0x88CC, 1)}, {0: tcp}, "a lower place")
    filters = rules.written(lambda: rules.delete(0))
    rules.check(filters, {0: ether(0x88CC, 1)}, {0: tcp}, "without it")


def listed(rules):
    """Rules are shown as they were given, at their places; one that is not there can't be shown or taken away."""
    defer(rules.clear)
    rules.add(*"udp4 src-ip 198.51.100.7 dst-port 53 action 3 loc 2".split())
    rules.add(*"ether proto 0x88cc action 1 loc 13".split())
    ksft_eq(rules.places(), [2, 13], "places")
    shown = output(f"ethtool -n {rules.env.ifname} rule 2")
    for text in ("UDP over IPv4", "Src IP addr: 198.51.100.7 mask: 0.0.0.0", "Dest IP addr: 0.0.0.0 mask: 255.255.255.255",
                 "Src port: 0 mask: 0xffff", "Dest port: 53 mask: 0x0", "Direct to queue 3"):
        ksft_in(text, shown, "rule 2")
    ksft_in("Direct to queue 1", output(f"ethtool -n {rules.env.ifname} rule 13"), "rule 13")
    for place in (0, 14):
        ksft_true(rules.delete(place, check=False).returncode, f"delete {place}")
        ksft_true(rules.env.ethtool("-n", "rule", place, check=False).returncode, f"show {place}")
    # Without a place ethtool finds one.
    rules.add(*"tcp4 dst-port 22 action 1".split())
    ksft_eq(len(rules.places()), 3, "rules")


def as_many_as_filters(rules):
    """Seven of each kind: one is the clock's. One more is refused, and one in place of another is not."""
    defer(rules.clear)
    for i in range(PER_KIND):
        rules.add("ether", "proto", hex(0x9000 + i), "action", i % QUEUES, "loc", 2 * i)
        filters = rules.written(lambda i=i: rules.add("tcp4", "dst-port", 100 + i, "action", 1, "loc", 2 * i + 1))
    numbers = [i for i in range(FILTERS) if i != CLOCK]
    rules.check(filters, {number: ether(0x9000 + i, i % QUEUES) for i, number in enumerate(numbers)},
                {number: (0, 0, 0, wire16(100 + i), NO_SADDR | NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 1 << 16 | 6)
                 for i, number in enumerate(numbers)}, "all filters")
    rules.delete(1)
    done = rules.add("ether", "proto", "0xa000", "action", 1, "loc", 1, check=False)
    ksft_in("No space left on device", done.stderr, "an eighth EtherType")
    rules.add("ether", "proto", "0xa000", "action", 1, "loc", 2)
    ksft_eq(len(rules.places()), 2 * PER_KIND - 1, "rules")


def refused(rules):
    """What the card can't compare or do is refused, the log says why, and the rules stay as they are."""
    defer(rules.clear)
    rules.add(*"ether proto 0x88cc action 1 loc 0".split())
    rules.add(*"tcp4 dst-port 80 action 1 loc 1".split())
    for words, reason in (
            ("ether proto 0x88cc dst 02:00:00:00:00:01 action 1", "do not compare MAC addresses"),
            ("ether proto 0x8800 m 0x00ff action 1", "compare the whole EtherType"),
            ("ether proto 0x0800 action 1", "not for IP or VLAN by EtherType"),
            ("ether proto 0x88f7 action 1", "this EtherType's filter is the clock's"),
            ("tcp4 src-ip 198.51.100.0 m 0.0.0.255 action 1", "compare whole addresses"),
            ("udp4 dst-port 1024 m 0x3ff action 1", "compare whole ports"),
            ("udp4 dst-port 53 tos 16 action 1", "do not compare this field"),
            ("ip4 l4data 5 action 1", "do not compare this field"),
            ("ip4 l4proto 6 m 0x0f action 1", "compare the whole protocol"),
            ("ip4 action 1", "a rule for any frame"),
            ("tcp6 dst-port 80 action 1", "take an EtherType, or TCP, UDP, SCTP or a protocol of IPv4"),
            ("tcp4 dst-port 81 vlan 5 action 1", "take an EtherType, or TCP, UDP, SCTP or a protocol of IPv4"),
            ("udp4 dst-port 53 action -1", "lead to the PF's queues and nowhere else"),
            ("udp4 dst-port 53 vf 0 queue 0", "lead to the PF's queues and nowhere else")):
        before = kernel_log().count(reason)
        done = rules.add(*words.split(), "loc", 5, check=False)
        ksft_true(done.returncode and "Operation not supported" in done.stderr, f"{words}: {done.stderr}")
        ksft_eq(kernel_log().count(reason) - before, 1, f"reason for {words}")
    for words, error in (("udp4 dst-port 53 action 4 loc 5", "Invalid argument"),
                         ("udp4 dst-port 53 action 1 loc 14", "Invalid argument"),
                         ("tcp4 dst-port 80 action 2 loc 5", "File exists"),
                         ("ether proto 0x88cc action 2 loc 5", "File exists")):
        done = rules.add(*words.split(), check=False)
        ksft_true(done.returncode and error in done.stderr, f"{words}: {done.stderr}")
    done = rules.env.ethtool("-L", "combined", 1, check=False)
    ksft_true(done.returncode, "channels without the queue of a rule")
    ksft_in("too low for existing ntuple", done.stderr, "reason")
    ksft_eq(rules.places(), [0, 1], "rules")


def beside_the_clock(rules):
    """The clock's filters find its messages, and a rule that comes or goes does not touch them."""
    env = rules.env
    defer(rules.clear)
    defer(configure, env.ifname, TX_OFF, STAMPED["none"])
    filters = rules.written(lambda: configure(env.ifname, TX_OFF, STAMPED["v2-event"]))
    ksft_eq([filters.get(row + 4 * CLOCK) for row in (ETQF, FTQF, SPQF, IMIR)],
            [1 << 30 | 1 << 26 | 0x88F7, 1 << 27 | ANY_POOL | NO_SADDR | NO_DADDR | 17, wire16(319), wire16(319)],
            "the clock's filters for all events of PTP 2")
    for change in (lambda: rules.add(*"ether proto 0x88cc action 1 loc 0".split()), lambda: rules.delete(0),
                   lambda: rules.add(*"udp4 dst-port 319 action 1 loc 1".split())):
        touched = {at for at in rules.written(change) if (at - (ETQF if at >= ETQF else SAQF)) % 32 == 4 * CLOCK}
        ksft_eq(touched, set(), "the clock's filters that a rule has written")


def kept(rules):
    """Rules are programmed again whenever the card has forgotten them, and rest while there are VFs."""
    env = rules.env
    defer(rules.clear)
    rules.add(*"ether proto 0x88cc action 3 loc 0".split())
    rules.add(*"tcp4 dst-port 80 action 1 loc 1".split())
    tcp = (0, 0, 0, wire16(80), NO_SADDR | NO_DADDR | NO_SPORT | ANY_POOL | TUPLE_ON | 1 << 16 | 6)
    ours = {0: ether(0x88CC, 3)}, {0: tcp}
    rules.check(rules.written(lambda: write(env.sysfs / "reset", 1)), *ours, "function reset")
    rules.check(rules.written(lambda: env.ethtool("-G", "rx", 512)), *ours, "new rings")
    env.start()

    def time_out():
        downs = kernel_log().count("Link is Down")
        hang_transmit(env, pf_end(env), range(QUEUES))
        # The emulated PHY wants a word after a reset that one of silicon does not need
        wait_for(lambda: kernel_log().count("Link is Down") > downs, 20, "the reset")
        env.ethtool("-g")

    rules.check(rules.written(time_out), *ours, "transmit time-out")
    defer(write, env.sysfs / "sriov_numvfs", 0)
    rules.check(rules.written(lambda: write(env.sysfs / "sriov_numvfs", 2)), {}, {}, "with VFs")
    ksft_in("rules for flows rest while there are VFs", kernel_log(), "log")
    done = rules.add(*"udp4 dst-port 53 action 0 loc 5".split(), check=False)
    ksft_in("Device or resource busy", done.stderr, "a rule while there are VFs")
    ksft_in("no rule: with VFs there is one queue", kernel_log(), "log")
    ksft_eq(rules.places(), [0, 1], "rules with VFs")
    rules.check(rules.written(lambda: write(env.sysfs / "sriov_numvfs", 0)), *ours, "without VFs")


def switched_off(rules):
    """Without ntuple-filters there are no rules."""
    env = rules.env
    rules.add(*"tcp4 dst-port 80 action 1 loc 1".split())
    defer(env.ethtool, "-K", "ntuple", "on")
    rules.check(rules.written(lambda: env.ethtool("-K", "ntuple", "off")), {}, {}, "switched off")
    done = rules.add(*"tcp4 dst-port 80 action 1 loc 1".split(), check=False)
    ksft_in("Operation not supported", done.stderr, "a rule while it is off")
    env.ethtool("-K", "ntuple", "on")
    ksft_eq(rules.places(), [], "rules afterwards")


def prepare(env):
    """As many queues as rules lead to."""
    ksft_eq(env.feature("ntuple-filters"), True, "feature")
    env.ethtool("-L", "combined", QUEUES)
    return Rules(env)


def main():
    """Run the cases."""
    run_on_silicon([programmed, in_order, listed, as_many_as_filters, refused, beside_the_clock, kept, switched_off],
                   prepare)


if __name__ == "__main__":
    main()
