# SPDX-License-Identifier: GPL-2.0-only
"""Raw frames in and out of an interface: what was really on the wire, and what the host got."""

import socket
import struct
import time
from typing import NamedTuple, Optional

from lib.py import NetNSEnter

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
SO_RCVBUFFORCE = 33
PACKET_OUTGOING = 4
STATUS_CSUM_OPEN, STATUS_VLAN_VALID, STATUS_CSUM_VALID = 1 << 3, 1 << 4, 1 << 7


class Frame(NamedTuple):
    """A captured frame. `data` holds the 802.1Q tag, wherever the kernel kept it.

    tci: the tag the kernel kept apart from the data; None without one.
    csum_valid: the driver vouches for the transport checksum (received frames).
    csum_open: the device has yet to fill in the checksum (frames being sent).
    """

    data: bytes
    tci: Optional[int]
    csum_valid: bool
    csum_open: bool


def packet_socket(ifname, ns=None):
    """Return a raw packet socket bound to an interface."""
    if ns:
        with NetNSEnter(ns):
            return packet_socket(ifname)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.bind((ifname, ETH_P_ALL))
    return sock


def send_frames(ifname, frames, ns=None):
    """Send raw frames out of an interface."""
    with packet_socket(ifname, ns) as sock:
        for frame in frames:
            sock.send(frame)


class Capture:
    """Collect the frames an interface receives, from creation on.

    match(data) selects frames. Frames the host itself sends are left out; with outgoing=True only
    these are collected, in the shape in which the stack gives them to the driver.
    """

    def __init__(self, ifname, ns=None, match=None, outgoing=False):
        self.sock = packet_socket(ifname, ns)
        self.outgoing = outgoing
        self.match = match or (lambda data: True)
        self.frames = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _receive(self):
        data, control, _, where = self.sock.recvmsg(1 << 17, socket.CMSG_SPACE(20))
        tci, status = None, 0
        for level, kind, value in control:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, raw_tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & STATUS_VLAN_VALID:
                    tci = raw_tci
                    data = data[:12] + struct.pack("!HH", tpid or 0x8100, tci) + data[12:]
        if (where[2] == PACKET_OUTGOING) == self.outgoing and self.match(data):
            self.frames.append(Frame(data, tci, bool(status & STATUS_CSUM_VALID), bool(status & STATUS_CSUM_OPEN)))

    def wait(self, count=1, timeout=5, linger=0.0):
        """Return the frames once `count` have come or time is up.

        A caller that proves absence passes linger: how long to keep looking after that.
        """
        end = time.monotonic() + timeout
        while len(self.frames) < count and time.monotonic() < end:
            self._poll(min(0.1, max(0.0, end - time.monotonic())))
        end = time.monotonic() + linger
        while time.monotonic() < end:
            self._poll(0.05)
        self._drain()
        return self.frames

    def _poll(self, timeout):
        self.sock.settimeout(timeout or 0.001)
        try:
            self._receive()
        except (TimeoutError, BlockingIOError):
            pass

    def _drain(self):
        self.sock.setblocking(False)
        try:
            while True:
                self._receive()
        except BlockingIOError:
            pass


def on_wire(env, match=None):
    """Capture at the partner: frames as the DUT put them on the wire."""
    return Capture(env.peer_if, env.ns, match)


def at_dut(env, match=None):
    """Capture at the DUT: frames as its driver gave them to the stack."""
    return Capture(env.ifname, None, match)


def handed_to_driver(env, match=None):
    """Capture what the DUT's stack gives to the driver to send."""
    return Capture(env.ifname, None, match, outgoing=True)


def with_marker(marker):
    """Return a match function for frames that carry these bytes."""
    return lambda data: marker in data


def reaches_dut(env, frame, marker, timeout=3, count=1):
    """Send a frame from the partner and return what the DUT's stack got of it."""
    with at_dut(env, with_marker(marker)) as capture:
        send_frames(env.peer_if, [frame] * count, env.ns)
        return list(capture.wait(count, timeout))


def never_reaches_dut(env, frame, marker, passes):
    """Send a frame that must be filtered, then one that must pass; return what leaked.

    The second frame bounds the wait: frames stay in order, so once it is in, the first would be.
    """
    fence = b"fence-" + marker
    with at_dut(env, lambda data: marker in data) as capture:
        send_frames(env.peer_if, [frame, passes + fence], env.ns)
        frames = capture.wait(1, 5)
        for _ in range(50):
            if any(fence in one.data for one in frames):
                break
            frames = capture.wait(len(frames) + 1, 0.1)
        else:
            raise TimeoutError("the frame that must pass the filter did not arrive")
        return [one for one in frames if fence not in one.data]
