# SPDX-License-Identifier: GPL-2.0-only
"""AF_XDP sockets, and the cases of them that PF and VF pass alike; see net/xsk.py and sriov/xsk.py.

A socket has four rings in memory that it shares with the kernel: chunks for frames to come (fill),
frames that came (rx), frames to go (tx), chunks of frames that went (completion).
"""

import ctypes
import errno
import mmap
import os
import socket
import struct
import time

from lib.py import NetNSEnter, ksft_eq, ksft_ge, ksft_in, ksft_true
from kwl_frames import CSUM_OFFSET, PROTO, ones_sum
from kwl_stats import ifindex
from kwl_sys import SLOW, wait_for
from kwl_wire import Capture
from kwl_xdp import DROP, MARK, PASS, REDIRECT, TX, Verdict, brief, side_road, turned

AF_XDP, SOL_XDP = 44, 283
MMAP_OFFSETS, RX_RING, TX_RING, UMEM_REG, FILL_RING, COMPLETION_RING, STATISTICS, OPTIONS = range(1, 9)
PAGE_OFFSET = {RX_RING: 0, TX_RING: 0x80000000, FILL_RING: 0x100000000, COMPLETION_RING: 0x180000000}
SHARED_UMEM, COPY, ZEROCOPY, USE_NEED_WAKEUP, USE_SG = 1, 2, 4, 8, 16
NEED_WAKEUP = 1
CONTINUED, HAS_METADATA = 1, 2
# In front of a frame to go: what it asks of the card, as struct xsk_tx_metadata
METADATA, UMEM_METADATA, ASK_STAMP, ASK_CSUM = 24, 4, 1, 2
BPF_MAP_UPDATE_ELEM, BPF_MAP_GET_FD_BY_ID = 2, 14
SYS_BPF = 321
TO_SOCKET = 17

# The kernel takes a queue from a socket that was closed some time later.
RELEASE_SECONDS = 2
LIBC = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    """The system call bpf()."""
    text = ctypes.create_string_buffer(attr.ljust(128, b"\0"))
    done = LIBC.syscall(SYS_BPF, command, text, len(text))
    if done < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return done


class Ring:
    """One of the four rings; entries are chunk addresses or descriptors."""

    def __init__(self, sock, kind, entries, offsets, size):
        sock.setsockopt(SOL_XDP, kind, entries)
        self.entries, self.size = entries, size
        producer, consumer, self.desc, flags = offsets
        self.mem = mmap.mmap(sock.fileno(), self.desc + entries * size, mmap.MAP_SHARED | mmap.MAP_POPULATE,
                             mmap.PROT_READ | mmap.PROT_WRITE, offset=PAGE_OFFSET[kind])
        # One write each: the kernel must never see a half of a number
        self._producer = ctypes.c_uint32.from_buffer(self.mem, producer)
        self._consumer = ctypes.c_uint32.from_buffer(self.mem, consumer)
        self._flags = ctypes.c_uint32.from_buffer(self.mem, flags)

    def needs_wakeup(self):
        """Does the kernel want a system call?"""
        return bool(self._flags.value & NEED_WAKEUP)

    def put(self, items):
        """Append entries for the kernel; there has to be room."""
        at = self._producer.value
        assert len(items) <= self.entries - (at - self._consumer.value) % (1 << 32)
        for item in items:
            struct.pack_into("Q" if self.size == 8 else "QII", self.mem, self.desc + at % self.entries * self.size, *item)
            at = (at + 1) % (1 << 32)
        self._producer.value = at

    def room(self):
        """Entries that may be appended."""
        return self.entries - (self._producer.value - self._consumer.value) % (1 << 32)

    def take(self):
        """Return all entries from the kernel."""
        at, end, items = self._consumer.value, self._producer.value, []
        while at != end:
            items.append(struct.unpack_from("Q" if self.size == 8 else "QII", self.mem,
                                            self.desc + at % self.entries * self.size))
            at = (at + 1) % (1 << 32)
        self._consumer.value = at
        return items

    def close(self):
        """Unmap."""
        self._producer = self._consumer = self._flags = None
        self.mem.close()


class Xsk:
    """A socket on one queue of an interface.

    owner: a socket whose memory is used as well, half of what it has left. On the same queue its rings for
    chunks are, too: then it alone learns of what has been sent. metadata: bytes in front of each frame to go.
    """

    def __init__(self, dut, queue=0, flags=ZEROCOPY | USE_NEED_WAKEUP, chunk=4096, chunks=512, ring=256, owner=None,
                 metadata=0):
        self.metadata = metadata
        self.dut, self.queue, self.chunk, self.chunks, self.owner = dut, queue, chunk, chunks, owner
        if dut.ns:
            with NetNSEnter(dut.ns):
                self.sock = socket.socket(AF_XDP, socket.SOCK_RAW)
        else:
            self.sock = socket.socket(AF_XDP, socket.SOCK_RAW)
        self._set_memory()
        rings = struct.unpack("16Q", self.sock.getsockopt(SOL_XDP, MMAP_OFFSETS, 128))
        self.fill, self.completion = None, None
        if not owner or owner.queue != queue:
            self.fill = Ring(self.sock, FILL_RING, chunks, rings[8:12], 8)
            self.completion = Ring(self.sock, COMPLETION_RING, ring, rings[12:16], 8)
        self.rx = Ring(self.sock, RX_RING, ring, rings[0:4], 16)
        self.tx = Ring(self.sock, TX_RING, ring, rings[4:8], 16)
        self.sent = self.completed = 0
        self.times = []  # where frames had asked, in the order of completions
        try:
            self._bind(ifindex(dut.ifname, dut.ns), queue, SHARED_UMEM if owner else flags)
        except OSError:
            self.close()
            raise

    def _set_memory(self):
        if self.owner:
            self.memory, self._address = self.owner.memory, None
            half, rest = len(self.owner.free) // 2, len(self.owner.for_rx) // 2
            self.free, self.owner.free = self.owner.free[half:], self.owner.free[:half]
            self.for_rx, self.owner.for_rx = self.owner.for_rx[rest:], self.owner.for_rx[:rest]
            return
        size = self.chunk * self.chunks
        self.memory = mmap.mmap(-1, size)
        self._address = ctypes.c_char.from_buffer(self.memory)
        self.sock.setsockopt(SOL_XDP, UMEM_REG, struct.pack("QQIIII", ctypes.addressof(self._address), size, self.chunk,
                                                            0, UMEM_METADATA if self.metadata else 0, self.metadata))
        half = self.chunks // 2
        self.free = [at * self.chunk for at in range(half, self.chunks)]
        self.for_rx = [at * self.chunk for at in range(half)]

    def _bind(self, number, queue, flags):
        address = struct.pack("HHIII", AF_XDP, flags, number, queue, self.owner.sock.fileno() if self.owner else 0)
        end = time.monotonic() + RELEASE_SECONDS
        while LIBC.bind(self.sock.fileno(), address, len(address)):
            if ctypes.get_errno() != errno.EBUSY or time.monotonic() > end:
                raise OSError(ctypes.get_errno(), "bind")
            time.sleep(0.05)

    def close(self):
        """Unbind; the queue is the stack's again when this returns."""
        for ring in (self.fill, self.completion, getattr(self, "rx", None), getattr(self, "tx", None)):
            if ring:
                ring.close()
        self.sock.close()
        self._address = None
        if not self.owner:
            self.memory.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def zero_copy(self):
        """Does the kernel say that frames are not copied?"""
        return bool(struct.unpack("I", self.sock.getsockopt(SOL_XDP, OPTIONS, 4))[0] & 1)

    def statistics(self):
        """Return (rx_dropped, rx_invalid, tx_invalid, rx_full, fill_empty, tx_empty)."""
        return struct.unpack("6Q", self.sock.getsockopt(SOL_XDP, STATISTICS, 48))

    def redirect(self, program, queue=0):
        """Have the program's verdict TO_SOCKET mean this socket."""
        table = bpf(BPF_MAP_GET_FD_BY_ID, struct.pack("I", program.maps["sockets"]))
        key, value = ctypes.c_uint32(queue), ctypes.c_uint32(self.sock.fileno())
        bpf(BPF_MAP_UPDATE_ELEM, struct.pack("IxxxxQQQ", table, ctypes.addressof(key), ctypes.addressof(value), 0))
        os.close(table)
        return self

    def offer(self, count=None):
        """Give chunks to the kernel for frames to come: all there are, or some."""
        count = len(self.for_rx) if count is None else count
        self.fill.put([(at,) for at in self.for_rx[:count]])
        del self.for_rx[:count]
        self.wake_rx()

    def wake_rx(self):
        """Tell the kernel of new chunks if it wants to be told."""
        # Python's own recv() makes no system call for zero bytes
        if self.fill.needs_wakeup():
            LIBC.recvfrom(self.sock.fileno(), None, 0, socket.MSG_DONTWAIT, None, None)

    def wake_tx(self):
        """Tell the kernel of frames to go; return an errno, or 0."""
        if LIBC.sendto(self.sock.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0) < 0:
            return ctypes.get_errno()
        return 0

    def take(self, count, timeout=5):
        """Return `count` frames of one chunk each, or those that have come in time; keeps their chunks."""
        frames, end = [], time.monotonic() + timeout * SLOW
        while len(frames) < count and time.monotonic() < end:
            frames += [self.memory[address:address + length] for address, length, _ in self.rx.take()]
            time.sleep(0.01)
        return frames

    def receive(self, count, timeout=5):
        """Return `count` frames, or those that have come in time; their chunks go back to the kernel."""
        frames, parts, back = [], [], []
        end = time.monotonic() + timeout * SLOW
        while len(frames) < count and time.monotonic() < end:
            items = self.rx.take()
            for address, length, options in items:
                parts.append(self.memory[address:address + length])
                back.append(address // self.chunk * self.chunk)
                if not options & CONTINUED:
                    frames.append(b"".join(parts))
                    parts = []
            if back:
                self.for_rx += back
                back = []
                self.offer()
            elif not items:
                self.wake_rx()
                time.sleep(0.01)
        return frames

    def send(self, frames, piece=None, csums=(), stamps=False):
        """Queue frames, in descriptors of at most `piece` bytes, and have them sent.

        csums: where each frame's checksum begins and where it goes from there, None for those that ask for none.
        stamps: all ask when they leave.
        """
        piece = piece or self.chunk - self.metadata
        items = []
        for number, frame in enumerate(frames):
            asks = csums[number] if csums else None
            for at in range(0, len(frame), piece):
                part, address = frame[at:at + piece], self.free.pop() + self.metadata
                self.memory[address:address + len(part)] = part
                options = CONTINUED if at + piece < len(frame) else 0
                if (asks or stamps) and not at:
                    struct.pack_into("QHHxxxxQ", self.memory, address - self.metadata,
                                     (ASK_CSUM if asks else 0) | (ASK_STAMP if stamps else 0), *(asks or (0xffff, 0xffff)), 0)
                    options |= HAS_METADATA
                items.append((address, len(part), options))
        self.sent += len(items)
        self.tx.put(items)
        return self.wake_tx()

    def reap(self):
        """Take back the chunks of frames that have been sent; return how many went so far."""
        for (address,) in self.completion.take():
            if self.metadata:
                self.times.append(struct.unpack_from("Q", self.memory, address - self.metadata + 8)[0])
            self.free.append(address // self.chunk * self.chunk)
            self.completed += 1
        return self.completed

    def drain(self, timeout=5):
        """Wait until all that was queued has been sent."""
        def done():
            if self.reap() < self.sent:
                self.wake_tx()
            return self.completed == self.sent
        wait_for(done, timeout, f"completion of {self.sent} descriptors")


def receives(dut, count=300):
    """Frames reach the socket without a copy, whole and in order; all else goes to the stack."""
    with Verdict(dut) as program, Xsk(dut) as xsk:
        ksft_true(xsk.zero_copy(), "zero copy")
        xsk.redirect(program).offer()
        program.decide(TO_SOCKET)
        sizes = [60 + 37 * number % 1455 for number in range(count)]
        got = []
        for at in range(0, count, 50):
            dut.send(*(dut.frame(number, sizes[number]) for number in range(at, min(at + 50, count))))
            got += xsk.receive(min(50, count - at))
        ksft_eq(brief(got), brief(dut.frame(number, sizes[number]) for number in range(count)), "frames")
        ksft_eq(xsk.statistics()[:4], (0, 0, 0, 0), "dropped, invalid, invalid to send, no room")
        program.decide(PASS)
        with dut.capture() as capture:
            dut.send(*(dut.frame(number, sizes[number]) for number in range(20)))
            got = [one.data for one in capture.wait(20, 5)]
        ksft_eq(brief(got), brief(dut.frame(number, sizes[number]) for number in range(20)), "frames for the stack")


def sends(dut, count=300):
    """Frames of the socket go on the wire, whole and in order, and each chunk comes back."""
    with Xsk(dut) as xsk, dut.on_wire() as wire:
        ksft_true(xsk.zero_copy(), "zero copy")
        before = dut.counted("_xdp")
        sizes = [60 + 37 * number % 1455 for number in range(count)]
        frames = [dut.frame(number, size, out=True) for number, size in enumerate(sizes)]
        for at in range(0, count, 50):
            xsk.send(frames[at:at + 50])
            xsk.drain()
        got = [one.data for one in wire.wait(count, 5)]
        ksft_eq(brief(got), brief(frames), "frames on the wire")
        ksft_eq(dut.counted("_xdp") - before, count, "frames counted")


def checksums(dut, rounds=10):
    """The card puts in the checksums that frames ask for, in one piece or several, tagged or not, and no others."""
    with Xsk(dut, flags=ZEROCOPY | USE_NEED_WAKEUP | USE_SG, metadata=METADATA) as xsk, dut.on_wire() as wire:
        ksft_true(xsk.zero_copy(), "zero copy")
        sent, asks, wanted = [], [], []
        for version, proto, tci in ((4, "udp", None), (4, "tcp", None), (6, "udp", None), (6, "tcp", None), (4, "udp", 5)):
            right = dut.packet(version, proto, tci)
            start = (14 if tci is None else 18) + (20 if version == 4 else 40)
            open_one = unfinished(right, start, proto)
            for ask, comes in (((start, CSUM_OFFSET[proto]), right), (None, open_one), ((start, 7), open_one),
                               ((3, CSUM_OFFSET[proto]), open_one), ((1400, CSUM_OFFSET[proto]), open_one)):
                sent.append(open_one)
                asks.append(ask)
                wanted.append(comes)
        for _ in range(rounds):
            xsk.send(sent, csums=asks)
            xsk.drain()
        xsk.send(sent, piece=100, csums=asks)
        xsk.drain()
        got = [one.data for one in wire.wait(len(wanted) * (rounds + 1), 10)]
        ksft_eq(brief(got), brief(wanted * (rounds + 1)), "frames on the wire")


def no_stamps(dut, count=20):
    """Frames that ask when they leave where nobody can tell: they leave, and read 0."""
    with Xsk(dut, metadata=METADATA) as xsk, dut.on_wire() as wire:
        frames = [dut.frame(number, 100, out=True) for number in range(count)]
        xsk.send(frames, stamps=True)
        xsk.drain()
        ksft_eq(xsk.times, [0] * count, "times")
        ksft_eq(brief(one.data for one in wire.wait(count, 5)), brief(frames), "frames on the wire")


def unfinished(frame, start, proto):
    """The same frame with the sum of its pseudo header where the checksum goes."""
    frame, at = bytearray(frame), start + CSUM_OFFSET[proto]
    size = 4 if frame[start - 20] == 0x45 and frame[start - 22:start - 20] == b"\x08\x00" else 16
    addresses = bytes(frame[start - 2 * size:start])
    struct.pack_into("!H", frame, at, ones_sum(addresses + struct.pack("!II", len(frame) - start, PROTO[proto])))
    return bytes(frame)


def shared_queue(dut, rounds=8, burst=25):
    """Two sockets with one memory on one queue: the frames of both go out, and come in where they are sent to."""
    with Verdict(dut) as program, Xsk(dut) as one, Xsk(dut, owner=one) as two, dut.on_wire() as wire:
        ksft_true(one.zero_copy() and two.zero_copy(), "zero copy")
        frames = [dut.frame(number, 60 + number, out=True) for number in range(2 * rounds * burst)]
        for at in range(0, len(frames), 2 * burst):
            one.send(frames[at:at + burst])
            two.send(frames[at + burst:at + 2 * burst])
            wait_for(lambda: one.reap() == one.sent + two.sent or one.wake_tx() or two.wake_tx(), 5, "completions of both")
            # What the other one has sent comes back to the first one
            two.free, one.free = one.free[-burst:], one.free[:-burst]
        got = [frame.data for frame in wire.wait(len(frames), 5)]
        ksft_eq(sorted(brief(got)), sorted(brief(frames)), "frames on the wire")
        program.decide(TO_SOCKET)
        one.offer()
        for xsk in (two, one):
            xsk.redirect(program)
            coming = [dut.frame(number, 100 + number) for number in range(20)]
            dut.send(*coming)
            ksft_eq(brief(xsk.take(20)), brief(coming), "frames for one of them")


def shared_memory(dut):
    """Two sockets with one memory on two queues: each sends by its own, and the first one gets what comes by the first.

    Frames of the program's kind have no hash, so none comes by the other.
    """
    with Verdict(dut) as program, Xsk(dut) as one, Xsk(dut, queue=1, owner=one) as two, dut.on_wire() as wire:
        ksft_true(one.zero_copy() and two.zero_copy(), "zero copy")
        frames = [dut.frame(number, 60 + number, out=True) for number in range(200)]
        for at in range(0, 200, 50):
            one.send(frames[at:at + 25])
            two.send(frames[at + 25:at + 50])
            one.drain()
            two.drain()
        got = [frame.data for frame in wire.wait(len(frames), 5)]
        ksft_eq(sorted(brief(got)), sorted(brief(frames)), "frames on the wire")
        program.decide(TO_SOCKET)
        for queue, xsk in enumerate((one, two)):
            xsk.redirect(program, queue).offer()
        coming = [dut.frame(number, 100 + number) for number in range(50)]
        dut.send(*coming)
        ksft_eq(brief(one.receive(50)), brief(coming), "frames for the first")
        ksft_eq(two.receive(1, timeout=0.2), [], "frames for the other")


def large(dut, chunk):
    """Frames in several chunks, both ways, for a socket that can take them."""
    dut.set_mtu(9000)
    try:
        with Verdict(dut, "frags") as program, Xsk(dut, flags=ZEROCOPY | USE_NEED_WAKEUP | USE_SG, chunk=chunk) as xsk:
            ksft_true(xsk.zero_copy(), "zero copy")
            xsk.redirect(program).offer()
            program.decide(TO_SOCKET)
            sizes = [100, 1514, 3500, 9014, 64, 5000]
            dut.send(*(dut.frame(*pair) for pair in enumerate(sizes)))
            ksft_eq(brief(xsk.receive(len(sizes))), brief(dut.frame(*pair) for pair in enumerate(sizes)), "received")

            frames = [dut.frame(number, size, out=True) for number, size in enumerate(sizes)]
            with dut.on_wire() as wire:
                xsk.send(frames, piece=1000)
                xsk.drain()
                got = [one.data for one in wire.wait(len(frames), 5)]
            ksft_eq(brief(got), brief(frames), "sent")

            program.decide(PASS)
            with dut.capture() as capture:
                dut.send(*(dut.frame(*pair) for pair in enumerate(sizes)))
                got = [one.data for one in capture.wait(len(sizes), 5)]
            ksft_eq(brief(got), brief(dut.frame(*pair) for pair in enumerate(sizes)), "passed")
    finally:
        dut.set_mtu(1500)


def refusal(dut, **options):
    """Return the errno with which a socket is refused; None if it is not."""
    try:
        Xsk(dut, **options).close()
    except OSError as fault:
        return fault.errno
    return None


def limits(dut):
    """Chunks that frames do not fit into are refused, unless the socket takes frames in pieces, or copies."""
    ksft_eq(refusal(dut, chunk=2048), errno.EOPNOTSUPP, "2048 bytes a chunk")
    ksft_eq(refusal(dut, chunk=2048, flags=ZEROCOPY | USE_SG), None, "the same, in pieces")
    with Xsk(dut, chunk=2048, flags=0) as xsk:
        ksft_true(not xsk.zero_copy(), "copied where nothing else was asked for")
    with Xsk(dut):
        ksft_eq(refusal(dut), errno.EBUSY, "a second one on the same queue")
        ksft_true(dut.set_link("mtu", 4000, check=False).returncode, "frames that do not fit refused")
    ksft_eq(refusal(dut, queue=1000), errno.EINVAL, "a queue that is not there")


def starves(dut):
    """A socket without chunks is told so; frames come again when it has some."""
    with Verdict(dut) as program, Xsk(dut) as xsk:
        xsk.redirect(program).offer(40)
        program.decide(TO_SOCKET)
        wait_for(lambda: not xsk.fill.needs_wakeup(), what="the ring to be filled")
        dut.send(*(dut.frame(number) for number in range(40)))
        wait_for(xsk.fill.needs_wakeup, what="the kernel to ask for chunks")
        got = xsk.receive(40)
        ksft_eq(brief(got), brief(dut.frame(number) for number in range(len(got))), "frames that there were chunks for")
        ksft_ge(len(got), 30, "their number")
        dut.send(*(dut.frame(number) for number in range(100, 140)))
        got = xsk.receive(40)
        ksft_eq(brief(got), brief(dut.frame(number) for number in range(100, 140)), "frames afterwards")


def verdicts(dut):
    """On a queue of a socket a program can do what it can elsewhere."""
    frames = [dut.frame(number) for number in range(20)]
    with side_road(dut) as (near, far), Verdict(dut) as program, Xsk(dut) as xsk:
        xsk.redirect(program).offer()
        program.decide(TX)
        with dut.on_wire() as wire:
            dut.send(*frames)
            ksft_eq(brief(one.data for one in wire.wait(20, 5)), brief(map(turned, frames)), "sent back")
        program.decide(REDIRECT, near, dut.ns)
        with Capture(far, dut.ns, lambda data: MARK in data) as capture:
            dut.send(*frames)
            ksft_eq(brief(one.data for one in capture.wait(20, 5)), brief(frames), "redirected")
        program.decide(DROP)
        before = dut.counted("xdp_drop")
        dut.send(*frames)
        wait_for(lambda: dut.counted("xdp_drop") - before == 20, what="frames to be dropped")
        program.decide(TO_SOCKET)
        dut.send(*frames)
        ksft_eq(brief(xsk.receive(20)), brief(frames), "received")


def stays(dut, *upheavals):
    """The socket stays over everything that stops the queues, in both directions."""
    with Verdict(dut) as program, Xsk(dut) as xsk:
        xsk.redirect(program).offer()
        program.decide(TO_SOCKET)
        for name, upheaval in upheavals:
            upheaval()
            dut.wait_carrier()

            def comes():
                dut.send(dut.frame(1))
                return xsk.receive(1, 0.3)
            wait_for(comes, 10, f"frames after {name}")
            with dut.on_wire() as wire:
                def goes(w=wire):
                    if xsk.free:
                        xsk.send([dut.frame(2, out=True)])
                    xsk.reap()
                    return w.wait(1, 0.3)
                wait_for(goes, 10, f"frames out after {name}")
            xsk.drain()
        dut.set_link("down")
        ksft_in(xsk.wake_tx(), (errno.ENETDOWN, errno.ENXIO), "a call while the interface is down")
        dut.set_link("up")
        dut.wait_carrier()


def comes_and_goes(dut, reach, rounds=5):
    """The stack has the queue again when the socket is closed, with frames on their way or not."""
    for _ in range(rounds):
        with Verdict(dut) as program, Xsk(dut) as xsk:
            xsk.redirect(program).offer()
            program.decide(TO_SOCKET)
            dut.send(*(dut.frame(number) for number in range(50)))
            xsk.send([dut.frame(number, out=True) for number in range(50)])
        wait_for(reach, 10, "the stack to have the queue again")


def beside_stack(dut, ping):
    """Frames of the socket and the stack's share the queue: the stack's pings lose nothing."""
    with Xsk(dut) as xsk:
        xsk.offer()
        pings = ping()
        end = time.monotonic() + 3 * SLOW
        while time.monotonic() < end:
            if len(xsk.free) >= 32 and xsk.tx.room() >= 32:
                xsk.send([dut.frame(number, out=True) for number in range(32)])
            xsk.reap()
            time.sleep(0.01)
        sent, lost = pings.lost()
        xsk.drain()
        ksft_ge(sent, 10, "pings")
        ksft_true(lost < 2, f"{lost} pings lost of {sent}")
        ksft_ge(xsk.completed, 500, "frames of the socket meanwhile")


def gone(dut, disappear):
    """The interface may go while the socket is bound."""
    with Verdict(dut) as program:
        xsk = Xsk(dut)
        xsk.redirect(program).offer()
        program.decide(TO_SOCKET)
        dut.send(*(dut.frame(number) for number in range(50)))
        xsk.send([dut.frame(number, out=True) for number in range(50)])
        disappear()
        ksft_in(xsk.wake_tx(), (errno.ENETDOWN, errno.ENXIO), "a call afterwards")
        xsk.close()
