#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""Checksums: right on every frame that leaves, judged right on every frame that comes in."""

import socket
import struct

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_variants, KsftNamedVariant
from kwl_env import Env
from kwl_frames import PROTO, check_sums, raw_ip, to_dut
from kwl_stats import snmp
from kwl_sys import run
from kwl_traffic import host_addr, make_socket
from kwl_wire import handed_to_driver, on_wire, reaches_dut, send_frames

MARK = b"kawela-csum"
KINDS = [KsftNamedVariant(f"{proto}{version}", proto, version)
         for proto in ("tcp", "udp", "sctp") for version in (4, 6)]
STREAMS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "sctp": socket.SOCK_STREAM}


def emit(env, proto, version):
    """Make the kernel send a frame of a protocol: a connection attempt, or a datagram."""
    with socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, STREAMS[proto], PROTO[proto]) as sock:
        sock.setblocking(False)
        sock.connect_ex((host_addr(env, version, "peer"), 5999))
        if proto == "udp":
            # Odd in length, and no short frame: those may be checksummed before they are padded.
            sock.send(MARK * 5)


def of_proto(proto, version):
    """Return a match function for frames of a protocol to port 5999."""
    def match(data):
        if data[12:14] != (b"\x08\x00" if version == 4 else b"\x86\xdd"):
            return False
        packet = raw_ip(data)
        number, head = (packet[9], 20) if version == 4 else (packet[6], 40)
        return number == PROTO[proto] and packet[head + 2:head + 4] == struct.pack("!H", 5999)
    return match


def sent_right(env, proto, version, by_device):
    """Check one sent frame on the wire, and that the right party computed its checksum."""
    match = of_proto(proto, version)
    with on_wire(env, match) as capture, handed_to_driver(env, match) as handed:
        emit(env, proto, version)
        frames = capture.wait(1, 5)
        left_open = {frame.csum_open for frame in handed.wait(1, 5)}
    ksft_ge(len(frames), 1, f"{proto} v{version} frames on the wire")
    for frame in frames:
        ksft_eq(check_sums(frame.data), (True, True), f"checksums of {frame.data.hex()}")
    ksft_eq(left_open, {by_device}, "checksum left open for the device")


@ksft_variants(KINDS)
def tx(env, proto, version):
    """The device fills in what the stack leaves open; with the offload off the stack does it."""
    feature = "tx-checksum-sctp" if proto == "sctp" else "tx"
    sent_right(env, proto, version, True)
    try:
        env.ethtool("-K", feature, "off")
        sent_right(env, proto, version, False)
    finally:
        env.ethtool("-K", feature, "on")
    sent_right(env, proto, version, True)


def vouched(env, frame):
    """Tell whether the driver vouches for a frame's transport checksum."""
    frames = reaches_dut(env, frame, MARK)
    ksft_eq(len(frames), 1, "frames that reach the stack")
    return [one.csum_valid for one in frames]


@ksft_variants(KINDS)
def rx_good(env, proto, version):
    """A right checksum is accepted by hardware, and not looked at when that is switched off."""
    frame = to_dut(env, version, proto, dport=5998, payload=MARK * 8)
    ksft_eq(check_sums(frame), (True, True), "the test's own frame")
    ksft_eq(vouched(env, frame), [True], "checksum vouched for with rx on")
    try:
        env.ethtool("-K", "rx", "off")
        ksft_eq(vouched(env, frame), [False], "checksum vouched for with rx off")
    finally:
        env.ethtool("-K", "rx", "on")
    ksft_eq(vouched(env, frame), [True], "checksum vouched for with rx on again")


@ksft_variants(KINDS)
def rx_bad(env, proto, version):
    """A wrong transport checksum is never called right."""
    frame = bytearray(to_dut(env, version, proto, dport=5998, payload=MARK * 8))
    frame[-1] ^= 0x40
    ksft_eq(check_sums(bytes(frame)), (True, False), "the test's own frame")
    ksft_eq(vouched(env, bytes(frame)), [False], "checksum vouched for")


def rx_bad_ip_header(env):
    """A wrong IPv4 header checksum is never called right."""
    frame = bytearray(to_dut(env, 4, "udp", dport=5998, payload=MARK * 8))
    frame[14 + 8] ^= 1
    ksft_eq(check_sums(bytes(frame))[0], False, "the test's own frame")
    ksft_eq(vouched(env, bytes(frame)), [False], "checksum vouched for")


@ksft_variants([KsftNamedVariant("v4", 4, "Udp.InCsumErrors"), KsftNamedVariant("v6", 6, "Udp6InCsumErrors")])
def socket_gets_only_good(env, version, counter):
    """A socket gets the good datagram, not the bad one, which is counted as a checksum error."""
    with make_socket(socket.SOCK_DGRAM, version) as server:
        server.bind((host_addr(env, version, "dut"), 5997))
        server.settimeout(5)
        good = to_dut(env, version, "udp", dport=5997, payload=MARK + b"good")
        bad = bytearray(to_dut(env, version, "udp", dport=5997, payload=MARK + b"evil"))
        bad[-1] ^= 0x40
        before = snmp(counter)
        send_frames(env.peer_if, [bytes(bad), good], env.ns)
        ksft_eq(server.recv(100), MARK + b"good", "first datagram delivered")
        ksft_eq(snmp(counter) - before, 1, counter)


def main():
    """Run the cases."""
    env = Env()
    run("modprobe sctp")
    # GRO may itself verify checksums; without it we see the driver's word alone.
    env.ethtool("-K", "gro", "off")
    ksft_run([tx, rx_good, rx_bad, rx_bad_ip_header, socket_gets_only_good], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
