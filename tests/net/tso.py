#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""TSO: large sends leave as segments of the right size with right headers, and add up."""

import mmap
import socket
from statistics import mode

import dpkt
from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants, KsftNamedVariant, defer
from kwl_env import Env
from kwl_frames import check_sums, ip_of
from kwl_stats import link_stats, moved
from kwl_sys import settle
from kwl_traffic import tcp_pair, transfer
from kwl_wire import handed_to_driver, on_wire

FAMILIES = [KsftNamedVariant("v4", 4), KsftNamedVariant("v6", 6)]
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
FEATURE = {4: "tx-tcp-segmentation", 6: "tx-tcp6-segmentation"}


def data_frames(version):
    """Return a match function for TCP frames of a protocol."""
    def match(data):
        packet = ip_of(data[:14 + 80]) if data[12:14] in (b"\x08\x00", b"\x86\xdd") else None
        kind = dpkt.ip.IP if version == 4 else dpkt.ip6.IP6
        return isinstance(packet, kind) and isinstance(packet.data, dpkt.tcp.TCP)
    return match


def segments(frames):
    """Return [(sequence number, payload length, IP id or None)] of captured data segments."""
    rows = []
    for frame in frames:
        packet = ip_of(frame.data)
        if packet.data.data:
            rows.append((packet.data.seq, len(packet.data.data), getattr(packet, "id", None)))
    return rows


def sent(env, version, size, options=()):
    """Transfer; return (frames on the wire, frames as the stack gave them to the driver)."""
    match = data_frames(version)
    with on_wire(env, match) as wire, handed_to_driver(env, match) as handed:
        one, other = transfer(env, "tx", version, size, options)
        ksft_eq(one, other, "md5")
        return list(wire.wait(1)), list(handed.wait(1))


def covers(rows, size):
    """Tell whether segments cover `size` bytes without a hole, in whatever order or repetition."""
    start = min(seq for seq, _, _ in rows)
    reached = 0
    for seq, length, _ in sorted(((seq - start) & 0xFFFFFFFF, length, 0) for seq, length, _ in rows):
        if seq > reached:
            return False
        reached = max(reached, seq + length)
    return reached == size


@ksft_variants(FAMILIES)
def segments_on_the_wire(env, version):
    """The device cuts what the stack hands over in one piece: sizes, numbers and checksums right."""
    size = 400_000
    wire, handed = sent(env, version, size)
    mss = 1448 if version == 4 else 1428
    rows = segments(wire)
    ksft_ge(max(len(one.data) for one in handed), 2 * mss, "largest piece given to the driver")
    lengths = [length for _, length, _ in rows]
    ksft_eq((max(lengths), mode(lengths)), (mss, mss), "largest and commonest segment on the wire")
    ksft_true(covers(rows, size), "segments cover the data")
    wrong = [one.data[:80].hex() for one in wire if check_sums(one.data) != (True, True)]
    ksft_eq(wrong, [], "frames with wrong checksums")
    if version == 4:
        ids = [number for _, _, number in rows]
        ksft_ge(len(set(ids)), len(ids) - len(ids) // 20, "distinct IP ids")


@ksft_variants(FAMILIES)
def switched_off(env, version):
    """Without TSO the stack segments, and the result is the same."""
    env.ethtool("-K", FEATURE[version], "off")
    defer(env.ethtool, "-K", FEATURE[version], "on")
    env.wait_carrier()
    size = 200_000
    wire, handed = sent(env, version, size)
    ksft_eq(max(len(one.data) for one in handed) <= 1514, True, "nothing large given to the driver")
    ksft_true(covers(segments(wire), size), "segments cover the data")
    ksft_eq([one for one in wire if check_sums(one.data) != (True, True)], [], "frames with wrong checksums")


@ksft_variants([KsftNamedVariant(f"v{version}_{mss}", version, mss) for version in (4, 6) for mss in (536, 88, 1000)])
def small_mss(env, version, mss):
    """A smaller segment size is kept to; TCP's timestamp option takes 12 bytes of it."""
    wire, _ = sent(env, version, 50_000, [(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)])
    rows = segments(wire)
    lengths = [length for _, length, _ in rows]
    ksft_eq((max(lengths), mode(lengths)), (mss - 12, mss - 12), "largest and commonest segment")
    ksft_true(covers(rows, 50_000), "segments cover the data")


@ksft_variants(FAMILIES)
def counters_count_the_wire(env, version):
    """Interface counters of a large send are those of the wire, not of the pieces given to us."""
    count = lambda: settle(lambda: (link_stats(env.ifname)["tx"], link_stats(env.peer_if, env.ns)["rx"]))
    dut, peer = count()
    sent(env, version, 400_000)
    dut_after, peer_after = count()
    here, there = moved(dut, dut_after), moved(peer, peer_after)
    ksft_ge(here["packets"], 250, "packets")
    ksft_eq(here["packets"], there["packets"], "packets sent here and received there")
    ksft_eq(here["bytes"], there["bytes"], "bytes sent here and received there")
    ksft_eq((here["errors"], here["dropped"]), (0, 0), "errors and drops")


def jumbo(env):
    """Large sends at an MTU of 9000 leave as full jumbo segments."""
    env.set_mtu(9000)
    defer(env.set_mtu, 1500)
    wire, _ = sent(env, 4, 1_000_000)
    ksft_eq(max(length for _, length, _ in segments(wire)), 8948, "largest segment")
    ksft_eq([one for one in wire if check_sums(one.data) != (True, True)], [], "frames with wrong checksums")


def many_fragments(env):
    """A send gathered from many scattered pieces of memory arrives whole and in order."""
    pages = [mmap.mmap(-1, 4096) for _ in range(64)]
    for at, page in enumerate(pages):
        page.write(bytes((at + step) & 0xFF for step in range(4096)))
    pieces = [memoryview(page)[at:at + 50 + 11 * at] for at, page in enumerate(pages)]
    expected = b"".join(pieces) * 10
    sender, receiver = tcp_pair(env, "tx", 4, [(socket.SOL_SOCKET, SO_ZEROCOPY, 1)])
    # A blocking socket takes all the pieces at once.
    sender.settimeout(None)
    got = bytearray()
    with sender, receiver:
        for _ in range(10):
            ksft_eq(sender.sendmsg(pieces, [], MSG_ZEROCOPY), len(expected) // 10, "bytes taken")
            goal = len(got) + len(expected) // 10
            while len(got) < goal:
                got += receiver.recv(1 << 16)
    ksft_eq(bytes(got) == expected, True, f"{len(got)} bytes arrived as sent ({len(expected)})")


def main():
    """Run the cases."""
    ksft_run([segments_on_the_wire, switched_off, small_mss, counters_count_the_wire, jumbo, many_fragments],
             args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
