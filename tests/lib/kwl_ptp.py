# SPDX-License-Identifier: GPL-2.0-only
"""Hardware clocks, PTP messages, and frames with hardware time stamps."""

import ctypes
import fcntl
import os
import re
import socket
import struct
import subprocess
import time
from contextlib import contextmanager

from lib.py import NetNSEnter
from kwl_frames import ether
from kwl_sys import SLOW, output
from kwl_wire import packet_socket

ETH_P_1588 = 0x88F7
PTP_GROUP = "01:1b:19:00:00:00"
SYNC, DELAY_REQ, FOLLOW_UP, ANNOUNCE = 0x0, 0x1, 0x8, 0xB

SIOCSHWTSTAMP, SIOCGHWTSTAMP = 0x89B0, 0x89B1
TX_OFF, TX_ON, TX_ONESTEP = 0, 1, 2
FILTERS = {"none": 0, "all": 1, "some": 2, "v1-l4-event": 3, "v1-l4-sync": 4, "v1-l4-delay-req": 5,
           "v2-l4-event": 6, "v2-l4-sync": 7, "v2-l4-delay-req": 8, "v2-l2-event": 9, "v2-l2-sync": 10,
           "v2-l2-delay-req": 11, "v2-event": 12, "v2-sync": 13, "v2-delay-req": 14, "ntp-all": 15}
# What a test asks for to have Sync stamped: ours grants no more than the emulator stamps.
EVENTS = FILTERS["v2-l2-event"]

PTP_CLOCK_GETCAPS = 0x80503D01
PTP_ENABLE_PPS = 0x40043D04
PTP_SYS_OFFSET_EXTENDED = 0xC4C03D09

SO_TIMESTAMPING, SCM_TIMESTAMPING = 37, 37
TX_HARDWARE, RX_HARDWARE, RAW_HARDWARE = 1 << 0, 1 << 2, 1 << 6
ADJ_FREQUENCY, ADJ_SETOFFSET, ADJ_NANO = 0x0002, 0x0100, 0x2000


class Timex(ctypes.Structure):
    """struct timex, as far as it is used here."""

    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("constant", ctypes.c_long), ("precision", ctypes.c_long), ("tolerance", ctypes.c_long),
                ("sec", ctypes.c_long), ("nsec", ctypes.c_long), ("rest", ctypes.c_long * 24)]


class Phc:
    """The hardware clock of an interface."""

    def __init__(self, ifname, ns=None):
        info = output(f"ethtool -T {ifname}", ns=ns)
        self.index = int(re.search(r"(?:provider index|Hardware Clock): (\d+)", info).group(1))
        self.path = f"/dev/ptp{self.index}"
        self.fd = os.open(self.path, os.O_RDWR)
        self.clock = (~self.fd << 3) | 3
        self.libc = ctypes.CDLL(None, use_errno=True)

    def close(self):
        """Let go of the clock."""
        os.close(self.fd)

    def get(self):
        """Return the time in nanoseconds."""
        return time.clock_gettime_ns(self.clock)

    def set(self, nanoseconds):
        """Set the clock."""
        time.clock_settime_ns(self.clock, nanoseconds)

    def _adjust(self, **fields):
        timex = Timex(**fields)
        if self.libc.clock_adjtime(self.clock, ctypes.byref(timex)) < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def step(self, nanoseconds):
        """Step the clock by so much."""
        sec, nsec = divmod(nanoseconds, 10**9)
        self._adjust(modes=ADJ_SETOFFSET | ADJ_NANO, sec=sec, nsec=nsec)

    def rate(self, ppm):
        """Let the clock run that much faster than it would."""
        self._adjust(modes=ADJ_FREQUENCY, freq=round(ppm * 65536))

    def max_ppb(self):
        """Return the largest change of rate that the clock admits."""
        caps = bytearray(80)
        fcntl.ioctl(self.fd, PTP_CLOCK_GETCAPS, caps)
        return struct.unpack_from("i", caps)[0]

    def against_system(self, samples=10):
        """Return (offset from the system's time, uncertainty, middle of the best reading), in ns."""
        packed = bytearray(struct.pack("I12x", samples) + bytes(25 * 3 * 16))
        fcntl.ioctl(self.fd, PTP_SYS_OFFSET_EXTENDED, packed)
        best = None
        for at in range(samples):
            values = struct.unpack_from("qIIqIIqII", packed, 16 + at * 48)
            before, clock, after = (values[n] * 10**9 + values[n + 1] for n in (0, 3, 6))
            one = (clock - (before + after) // 2, after - before, (before + after) // 2)
            if best is None or one[1] < best[1]:
                best = one
        return best


def steady_offset(phc, tries=5):
    """The offset by the best of several readings: other processes and the emulator get in between."""
    return min((phc.against_system() for _ in range(tries)), key=lambda one: one[1])


def message(kind, sequence=0, version=2):
    """Return a PTP message of a kind, with nothing in it that matters here."""
    body = 10 if kind in (SYNC, DELAY_REQ, FOLLOW_UP) else 30
    return struct.pack("!BBHBBHqI8sHHBb", kind, version, 34 + body, 0, 0, 0x0200, 0, 0,
                       b"kawelate", 1, sequence, 0, 0) + bytes(body)


def frame(src, kind, sequence=0, version=2):
    """Return a PTP message in an Ethernet frame."""
    return ether(PTP_GROUP, src, ETH_P_1588, message(kind, sequence, version))


def configure(ifname, tx_type, rx_filter, ns=None):
    """Set what is stamped, by ioctl; return (tx_type, rx_filter) as granted."""
    return _config(SIOCSHWTSTAMP, ifname, tx_type, rx_filter, ns)


def configuration(ifname, ns=None):
    """Return (tx_type, rx_filter) in force."""
    return _config(SIOCGHWTSTAMP, ifname, 0, 0, ns)


def _config(request, ifname, tx_type, rx_filter, ns):
    if ns:
        with NetNSEnter(ns):
            return _config(request, ifname, tx_type, rx_filter, None)
    config = ctypes.create_string_buffer(struct.pack("iii", 0, tx_type, rx_filter), 12)
    ifreq = struct.pack("16sP16x", ifname.encode(), ctypes.addressof(config))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, request, ifreq)
    return struct.unpack("iii", config.raw)[1:]


def why_refused(ifname, tx_type, rx_filter):
    """Return the errno with which a configuration is refused, 0 if it is granted."""
    try:
        configure(ifname, tx_type, rx_filter)
    except OSError as error:
        return error.errno
    return 0


def stamping_socket(ifname):
    """Return a packet socket that wants hardware stamps both ways."""
    sock = packet_socket(ifname)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_HARDWARE | RX_HARDWARE | RAW_HARDWARE)
    return sock


def _stamp(control):
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, SCM_TIMESTAMPING):
            sec, nsec = struct.unpack_from("qq", value, 32)
            if sec or nsec:
                return sec * 10**9 + nsec
    return None


def _receive(sock, wanted, flags, timeout):
    """Return [(frame, hardware stamp or None)] of frames that are wanted, for up to `timeout`."""
    end, got = time.monotonic() + timeout * SLOW, []
    while time.monotonic() < end and not got:
        try:
            data, control, _, _ = sock.recvmsg(2048, 512, flags | socket.MSG_DONTWAIT)
            if wanted in data:
                got.append((data, _stamp(control)))
        except BlockingIOError:
            time.sleep(0.002)
    return got


def sent_stamp(sock, data, timeout=1):
    """Send a frame; return its hardware stamp, or None if none comes."""
    sock.send(data)
    got = _receive(sock, data, socket.MSG_ERRQUEUE, timeout)
    return got[0][1] if got else None


def received_stamp(sock, data, timeout=3):
    """Return (True, hardware stamp or None) of a frame that is about to come; (False, None) if it does not."""
    got = _receive(sock, data, 0, timeout)
    return (True, got[0][1]) if got else (False, None)


def ts_stats(ifname):
    """Return ethtool's statistics of transmit stamps."""
    return {name: int(value) for name, value in
            re.findall(r"tx_(\w+): (\d+)", output(f"ethtool -I -T {ifname}"))}


@contextmanager
def daemon(log, line, ns=None):
    """Run a daemon for the time of the context, with its output in a file."""
    words = (["ip", "netns", "exec", ns] if ns else []) + line.split()
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
