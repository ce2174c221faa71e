# SPDX-License-Identifier: GPL-2.0-only
"""Receive side scaling as a test sees it: which queue and hash a frame got, and should get."""

import ctypes
import json
import random
import socket
import struct

from kwl_frames import to_dut
from kwl_sys import output
from kwl_wire import packet_socket, send_frames

# Classic BPF: a socket filter's return value is the number of bytes kept of a frame. Ancillary
# loads put the receive queue or the hash into the accumulator, and so into the length we see.
SO_ATTACH_FILTER = 26
LD_ABS, AND_K, RSH_K, ADD_K, RET_A = 0x20, 0x54, 0x74, 0x04, 0x16
AD_QUEUE, AD_HASH = 0xFFFFF000 + 24, 0xFFFFF000 + 32
BASE = 100
PAYLOAD = b"kawela-rss".ljust(400, b".")


class _Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def spread_ports(count):
    """Return ports that differ in all their bits.

    The hash is linear: ports in a row differ in a few bits only, and the random key of a boot
    maps those to a part of the queues every now and then.
    """
    return random.Random(82576).sample(range(1024, 65536), count)


def attach(sock, load, shift):
    """Make the socket cut each frame to BASE plus one byte of the loaded value."""
    code = [(LD_ABS, load), (RSH_K, shift), (AND_K, 0xFF), (ADD_K, BASE), (RET_A, 0)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", op, 0, 0, k) for op, k in code))
    prog = _Prog(len(code), ctypes.addressof(text))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(prog))


class RxMeta:
    """Tell for each frame of ours that the DUT receives its queue and its hash."""

    PROBES = ((AD_QUEUE, 0), (AD_HASH, 0), (AD_HASH, 8), (AD_HASH, 16), (AD_HASH, 24))

    def __init__(self, env):
        self.env = env
        self.socks = [packet_socket(env.ifname) for _ in self.PROBES]
        for sock, (load, shift) in zip(self.socks, self.PROBES):
            attach(sock, load, shift)
            sock.settimeout(3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.socks:
            sock.close()

    def _byte(self, sock, frame):
        while True:
            data = sock.recv(2048)
            if data[:BASE] == frame[:BASE]:
                return len(data) - BASE

    def send(self, frame):
        """Send one frame to the DUT and return its (queue, hash)."""
        send_frames(self.env.peer_if, [frame], self.env.ns)
        queue, *parts = [self._byte(sock, frame) for sock in self.socks]
        # skb->queue_mapping holds the receive queue plus one, 0 if none was recorded.
        return queue - 1, sum(part << 8 * at for at, part in enumerate(parts))


def toeplitz(key, data):
    """Return the Toeplitz hash of some bytes."""
    window, rest = int.from_bytes(key, "big"), 0
    bits = len(key) * 8
    for at, byte in enumerate(data):
        for bit in range(8):
            if byte >> (7 - bit) & 1:
                rest ^= window >> (bits - 32 - (at * 8 + bit)) & 0xFFFFFFFF
    return rest


def expected_hash(env, key, version, ports=None):
    """Return the hash of a frame from the partner, over addresses and, if given, ports."""
    family, src, dst = ((socket.AF_INET, env.peer_v4, env.v4) if version == 4
                        else (socket.AF_INET6, env.peer_v6, env.v6))
    data = socket.inet_pton(family, src) + socket.inet_pton(family, dst)
    return toeplitz(key, data + (struct.pack("!HH", *ports) if ports else b""))


def flow(env, proto, version, sport, dport=5996, payload=PAYLOAD):
    """Return a frame of one flow to the DUT."""
    return to_dut(env, version, proto, sport=sport, dport=dport, payload=payload)


def rxfh(env):
    """Return (indirection table, key bytes or None) as ethtool -x shows them."""
    shown = json.loads(output(f"ethtool --json -x {env.ifname}"))[0]
    key = shown.get("rss-hash-key")
    return shown["rss-indirection-table"], bytes(key) if key else None
