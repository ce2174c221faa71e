# SPDX-License-Identifier: GPL-2.0-only
"""Frames built byte by byte, with their checksums, and the same checksums verified.

The checksum code here is deliberately independent of the kernel's and of the library's, since
it judges what the hardware has written.
"""

import socket
import struct

import dpkt

PROTO = {"tcp": 6, "udp": 17, "sctp": 132}
ETH_P = {4: 0x0800, 6: 0x86DD}
CSUM_OFFSET = {"tcp": 16, "udp": 6, "sctp": 8}


def mac_bytes(text):
    """Return the six bytes of a colon separated MAC address."""
    return bytes.fromhex(text.replace(":", ""))


def ones_sum(data):
    """Return the folded one's complement sum of some bytes."""
    data = bytes(data) + (b"\0" if len(data) & 1 else b"")
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = _crc32c_table()


def crc32c(data):
    """Return SCTP's checksum of some bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def pseudo(src, dst, proto, length):
    """Return the pseudo header's sum for a transport payload."""
    return ones_sum(src + dst + struct.pack("!II", length, proto))


def transport(proto, src, dst, sport, dport, payload):
    """Return a transport header with a right checksum, and its payload."""
    if proto == "sctp":
        # One DATA chunk, padded to four bytes as the protocol wants it.
        chunk = struct.pack("!BBHIHHI", 0, 3, 16 + len(payload), 1, 0, 0, 0) + payload
        chunk += b"\0" * (-len(chunk) % 4)
        head = struct.pack("!HHI", sport, dport, 0x1234)
        crc = crc32c(head + b"\0\0\0\0" + chunk)
        return head + struct.pack("<I", crc) + chunk
    if proto == "udp":
        head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    else:
        head = struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 5 << 4, 0x10, 8192, 0, 0)
    whole = bytearray(head + payload)
    total = ones_sum(whole) + pseudo(src, dst, PROTO[proto], len(whole))
    check = 0xFFFF ^ ((total & 0xFFFF) + (total >> 16))
    struct.pack_into("!H", whole, CSUM_OFFSET[proto], check or 0xFFFF)
    return bytes(whole)


def packet(version, proto, src, dst, sport=4000, dport=5000, payload=b""):
    """Return an IP packet; addresses are text."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    src, dst = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    body = transport(proto, src, dst, sport, dport, payload)
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, len(body), PROTO[proto], 64) + src + dst + body
    head = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, 64, PROTO[proto], 0) + src + dst)
    struct.pack_into("!H", head, 10, 0xFFFF ^ ones_sum(head))
    return bytes(head) + body


def ether(dst, src, ethertype, payload, tci=None):
    """Return an Ethernet frame without FCS, with an 802.1Q tag if tci is given."""
    tag = b"" if tci is None else struct.pack("!HH", 0x8100, tci)
    return mac_bytes(dst) + mac_bytes(src) + tag + struct.pack("!H", ethertype) + payload


def to_dut(env, version, proto, tci=None, **fields):
    """Return a frame from the partner to the DUT."""
    src, dst = (env.peer_v4, env.v4) if version == 4 else (env.peer_v6, env.v6)
    return ether(env.mac, env.peer_mac, ETH_P[version], packet(version, proto, src, dst, **fields), tci)


def fragments_of(frame, size):
    """Return the fragments of an untagged IPv4 frame, each with so many bytes (of eights) of its data."""
    ether_head, head, data = frame[:14], bytearray(frame[14:34]), frame[34:]
    frames = []
    for at in range(0, len(data), size):
        more = 0x2000 if at + size < len(data) else 0
        piece = data[at:at + size]
        struct.pack_into("!HHHBBH", head, 2, 20 + len(piece), 7, more | at // 8, 64, head[9], 0)
        struct.pack_into("!H", head, 10, 0xFFFF ^ ones_sum(head))
        frames.append(ether_head + bytes(head) + piece)
    return frames


def ip_of(frame):
    """Return the parsed IP packet of a frame, or None; Ethernet padding is cut off."""
    parsed = dpkt.ethernet.Ethernet(frame)
    return parsed.data if isinstance(parsed.data, (dpkt.ip.IP, dpkt.ip6.IP6)) else None


def raw_ip(frame):
    """Return the bytes of the IP packet in a frame, cut to the length its header states."""
    offset = 18 if frame[12:14] == b"\x81\x00" else 14
    data = frame[offset:]
    if data[0] >> 4 == 4:
        return data[:struct.unpack_from("!H", data, 2)[0]]
    return data[:40 + struct.unpack_from("!H", data, 4)[0]]


def check_sums(frame):
    """Return (IP header right, transport checksum right) of a TCP, UDP or SCTP frame."""
    data = raw_ip(frame)
    if data[0] >> 4 == 4:
        size = (data[0] & 15) * 4
        head_ok, proto, addrs = ones_sum(data[:size]) == 0xFFFF, data[9], data[12:20]
    else:
        size, head_ok, proto, addrs = 40, True, data[6], data[8:40]
    body = data[size:]
    if proto == PROTO["sctp"]:
        return head_ok, crc32c(body[:8] + b"\0\0\0\0" + body[12:]) == struct.unpack_from("<I", body, 8)[0]
    total = ones_sum(body) + ones_sum(addrs + struct.pack("!II", len(body), proto))
    return head_ok, (total & 0xFFFF) + (total >> 16) == 0xFFFF
