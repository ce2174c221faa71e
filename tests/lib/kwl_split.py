# SPDX-License-Identifier: GPL-2.0-only
"""Cases of headers received apart from data that PF and VF pass alike; see net/split.py and sriov/split.py.

An application sees of it that whole pages of data change hands: TCP maps them into its memory, or the
card fills memory that the application has brought along, which no processor looks into.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import random
import select
import socket
import struct
import threading

import kwl_xsk
from lib.py import KsftSkipEx, ksft_eq, ksft_ge, ksft_in, ksft_true
from kwl_env import KERNEL
from kwl_frames import ETH_P, ether, packet
from kwl_nic import PCI_DEVICES
from kwl_stats import ifindex, link_stats, netdev_family, new_netdev_family
from kwl_sys import run, run_json, settle, wait_for, write
from kwl_traffic import Stream, tcp_pair, transfer
from kwl_xdp import MARK, OBJECTS, Verdict, brief

SEND_ONLY = {"ndo-xmit", "ndo-xmit-sg"}
PAGE = mmap.PAGESIZE
# Time stamps take 12 bytes of what TCP calls a segment
PAGE_SEGMENTS = ((socket.IPPROTO_TCP, socket.TCP_MAXSEG, PAGE + 12),)
TCP_ZEROCOPY_RECEIVE = 35
MSG_SOCK_DEVMEM, MSG_ZEROCOPY, SO_ZEROCOPY = 0x2000000, 0x4000000, 60
SO_DEVMEM_LINEAR, SO_DEVMEM_DMABUF, SO_DEVMEM_DONTNEED = 78, 79, 80
UDMABUF_CREATE = 0x40187542
LIBC = ctypes.CDLL(None, use_errno=True)


def switch(dut, value, check=True):
    """Turn it on or off; returns the finished process."""
    return run(["ethtool", "-G", dut.ifname, "tcp-data-split", value], ns=dut.ns, check=check)


class On:
    """A context in which headers are split from data."""

    def __init__(self, dut):
        self.dut = dut

    def __enter__(self):
        switch(self.dut, "on")
        self.dut.wait_carrier()
        return self.dut

    def __exit__(self, *_):
        switch(self.dut, "off")
        self.dut.wait_carrier()


def shown(dut):
    """Return what `ethtool -g` says."""
    return run_json(f"ethtool --json -g {dut.ifname}", ns=dut.ns)[0]


def xdp_features(dut):
    """Return what the interface offers to XDP."""
    return set(netdev_family(dut.ns).dev_get({"ifindex": ifindex(dut.ifname, dut.ns)})["xdp-features"])


def setting(dut):
    """It is off, goes on, stays over a change of rings and over down and up, and goes off."""
    before, everything = shown(dut), xdp_features(dut)
    ksft_eq(before["tcp-data-split"], "off", "at first")
    with On(dut):
        ksft_eq(shown(dut), {**before, "tcp-data-split": "on"}, "switched on")
        ksft_eq(xdp_features(dut), SEND_ONLY, "what XDP can do meanwhile")
        run(["ethtool", "-G", dut.ifname, "rx", "512"], ns=dut.ns)
        dut.set_link("down")
        dut.set_link("up")
        dut.wait_carrier()
        ksft_eq(shown(dut), {**before, "tcp-data-split": "on", "rx": 512}, "rings changed, down and up")
        run(["ethtool", "-G", dut.ifname, "rx", str(before["rx"])], ns=dut.ns)
        switch(dut, "auto")
        ksft_eq(shown(dut), before, "left to the driver")
        dut.set_link("down")
        switch(dut, "on")
        ksft_eq(shown(dut)["tcp-data-split"], "on", "switched on while down")
        dut.set_link("up")
    ksft_eq(shown(dut), before, "switched off")
    ksft_true(SEND_ONLY < everything, "more for XDP than to send")
    ksft_eq(xdp_features(dut), everything, "what XDP can do afterwards")


def refusal(dut, value="on"):
    """Return what ethtool says when the switch is refused."""
    done = switch(dut, value, check=False)
    ksft_true(done.returncode, "refused")
    ksft_eq(shown(dut)["tcp-data-split"], "off", "after the refusal")
    return done.stderr


def attach(dut, entry):
    """Try to attach a program; returns the finished process."""
    return run(["ip", *(["-n", dut.ns] if dut.ns else []), "link", "set", "dev", dut.ifname, "xdpdrv", "obj",
                str(OBJECTS / "verdict.bpf.o"), "program", entry], check=False)


def refusals(dut):
    """Programs and sockets of XDP take whole frames: the one excludes the other, with the reason."""
    newer = KERNEL != "6.12"    # refuses one that takes no fragments by itself
    with Verdict(dut, "frags"):
        ksft_in("no tcp-data-split while an XDP program is attached", refusal(dut), "a program that takes fragments")
    with Verdict(dut, "whole"):
        ksft_in("single buffer XDP" if newer else "while an XDP program is attached", refusal(dut), "one that does not")
    with kwl_xsk.Xsk(dut, flags=kwl_xsk.ZEROCOPY):
        ksft_in("no tcp-data-split while an AF_XDP socket has a queue", refusal(dut), "a socket")
    # The kernel takes it from the queue some time after it was closed.
    wait_for(lambda: switch(dut, "on", check=False).returncode == 0, what="the socket's queue to be free")
    with On(dut):
        for entry in ("whole", "frags"):
            done = attach(dut, entry)
            ksft_true(done.returncode, f"{entry} refused")
            ours = entry == "frags" or not newer
            ksft_in("turn tcp-data-split off first" if ours else "tcp-data-split", done.stderr, f"{entry}, reason")
        ksft_true(not dut.attached(), "nothing attached")
        ksft_eq(kwl_xsk.refusal(dut, flags=kwl_xsk.ZEROCOPY), errno.EOPNOTSUPP, "a socket without copies")
        with kwl_xsk.Xsk(dut, flags=0) as xsk:
            ksft_true(not xsk.zero_copy(), "a socket with copies")


def kinds(dut):
    """Return frames for the DUT: all protocols and lengths around those of buffers."""
    partner = dut.env.peer_mac
    frames = [dut.frame(number, size) for number, size in enumerate((60, 191, 192, 193, 194, 500, 1514))]
    for version, ends in ((4, ("192.0.2.2", "192.0.2.1")), (6, ("2001:db8::2", "2001:db8::1"))):
        for proto in ("tcp", "udp", "sctp"):
            for size in (20, 60, 200, 1400):
                body = packet(version, proto, *ends, payload=MARK + bytes(at & 0xFF for at in range(size)))
                frames.append(ether(dut.mac, partner, ETH_P[version], body))
    # Headers as long as they can be, and one whose length is a lie
    body = packet(4, "udp", "192.0.2.2", "192.0.2.1", payload=MARK + bytes(700))
    frames.append(ether(dut.mac, partner, ETH_P[4], b"\x4f" + body[1:20] + b"\1" * 40 + body[20:]))
    frames.append(ether(dut.mac, partner, ETH_P[4], b"\x4f" + body[1:]))
    return frames


def arrive(dut, frames):
    """Send frames from the partner; all arrive as they were and are counted."""
    settle(lambda: link_stats(dut.ifname, dut.ns)["rx"]["packets"])
    before = link_stats(dut.ifname, dut.ns)["rx"]
    with dut.capture() as capture:
        dut.send(*frames)
        got = [one.data for one in capture.wait(len(frames), 5, linger=0.3)]
    # By way of several queues, so not in order
    ksft_eq(sorted(brief(got)), sorted(brief(frames)), "frames as received")
    after = link_stats(dut.ifname, dut.ns)["rx"]
    ksft_ge(after["packets"] - before["packets"], len(frames), "packets counted")
    ksft_ge(after["bytes"] - before["bytes"], sum(map(len, frames)), "bytes counted")
    ksft_eq([after[name] - before[name] for name in ("errors", "dropped")], [0, 0], "errors and drops")


def frames(dut):
    """Whatever comes, and however long it is, arrives unaltered."""
    with On(dut):
        arrive(dut, kinds(dut))


def large(dut):
    """Frames of several buffers, too."""
    dut.set_mtu(9000)
    try:
        with On(dut):
            body = packet(4, "udp", "192.0.2.2", "192.0.2.1", payload=MARK + random.randbytes(8000))
            arrive(dut, [*(dut.frame(number, size) for number, size in
                           enumerate((PAGE + 191, PAGE + 192, PAGE + 193, 2 * PAGE + 192, 9014))),
                         ether(dut.mac, dut.env.peer_mac, ETH_P[4], body)])
    finally:
        dut.set_mtu(1500)


class Mapping:
    """Received data mapped from a TCP socket, page by page."""

    def __init__(self, sock, size=1 << 20):
        self.sock, self.size = sock, size
        LIBC.mmap.restype = ctypes.c_void_p
        LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        self.address = LIBC.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, sock.fileno(), 0)
        ksft_true(self.address not in (None, ctypes.c_void_p(-1).value), "socket mapped")

    def take(self):
        """Return (data that was mapped, bytes to be read by recv() after it)."""
        args = ctypes.create_string_buffer(struct.pack("QII", self.address, self.size, 0).ljust(64, b"\0"), 64)
        length = ctypes.c_uint32(64)
        if LIBC.getsockopt(self.sock.fileno(), socket.IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, args, ctypes.byref(length)):
            raise OSError(ctypes.get_errno(), "TCP_ZEROCOPY_RECEIVE")
        _, mapped, hint = struct.unpack_from("QII", args.raw)
        return ctypes.string_at(self.address, mapped), hint

    def close(self):
        """Give the pages back."""
        LIBC.munmap(ctypes.c_void_p(self.address), ctypes.c_size_t(self.size))


def send_all(sock, data, longest=0):
    """Send in the background, at once or in pieces of up to so many bytes, and close; returns the thread."""
    def work():
        at = 0
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while at < len(data):
                size = random.randint(1, longest) if longest else len(data)
                sock.sendall(data[at:at + size])
                at += size
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def map_transfer(dut, size):
    """Receive by mapping; returns (bytes that were mapped, whether all are right)."""
    sender, receiver = tcp_pair(dut.path, "rx", options=PAGE_SEGMENTS)
    data, got, mapped = random.randbytes(size), bytearray(), 0
    thread = send_all(sender, data)
    with receiver:
        mapping = Mapping(receiver)
        while len(got) < size and select.select([receiver], [], [], 20)[0]:
            part, hint = mapping.take()
            mapped += len(part)
            got += part
            if hint:
                got += receiver.recv(hint)
            elif not part:
                got += receiver.recv(1 << 16)
        mapping.close()
    thread.join(20)
    return mapped, bytes(got) == data


def pages(dut, size=4 << 20):
    """With segments of a page's length TCP maps most of the data; without the split it has to copy all."""
    dut.set_mtu(9000)
    try:
        mapped, right = map_transfer(dut, size)
        ksft_true(right, "data, whole frames")
        ksft_eq(mapped, 0, "mapped, whole frames")
        with On(dut):
            mapped, right = map_transfer(dut, size)
        ksft_true(right, "data, split")
        dut.env.note(f"{mapped * 100 // size} % mapped")
        ksft_ge(mapped, size // 2, "mapped, split")
    finally:
        dut.set_mtu(1500)


def traffic(dut):
    """Data flow both ways while it goes on and off, and with other rings."""
    with Stream(dut.path, "tx") as out, Stream(dut.path, "rx") as back:
        for _ in range(3):
            with On(dut):
                out.moves()
                back.moves()
                run(["ethtool", "-G", dut.ifname, "rx", "64"], ns=dut.ns)
                dut.wait_carrier()
                back.moves()
                run(["ethtool", "-G", dut.ifname, "rx", "256"], ns=dut.ns)
            back.moves()
    with On(dut):
        for version in (4, 6):
            one, other = transfer(dut.path, "rx", version)
            ksft_eq(one, other, f"md5, IPv{version}")


class Memory:
    """Memory of ours that the card works on (a udmabuf), bound by netlink for as long as this is open.

    queue: the one that receives into it; None binds it for what is sent.
    """

    def __init__(self, dut, queue, size=16 << 20):
        self.file = os.memfd_create("kawela", os.MFD_ALLOW_SEALING)
        os.ftruncate(self.file, size)
        fcntl.fcntl(self.file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        self.bytes = mmap.mmap(self.file, size)
        with open("/dev/udmabuf", "rb") as device:
            self.buf = fcntl.ioctl(device, UDMABUF_CREATE, bytearray(struct.pack("IIQQ", self.file, 0, 0, size)))
        # Bound for as long as the socket behind it is open, so it has to be one of its own
        self.family = new_netdev_family(dut.ns)
        request = {"ifindex": ifindex(dut.ifname, dut.ns), "fd": self.buf}
        if queue is None:
            self.number = self.family.bind_tx(request)["id"]
        else:
            self.number = self.family.bind_rx({**request, "queues": [{"type": "rx", "id": queue}]})["id"]

    def close(self):
        """Unbind, and give it all back."""
        self.family.sock.close()
        os.close(self.buf)
        self.bytes.close()
        os.close(self.file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def receive(self, sock):
        """Return what one recvmsg() brings: (data in order, how many of them came into this memory)."""
        # Of what comes with control messages the length is that of all, and what was copied comes first
        text, control, _, _ = sock.recvmsg(1 << 16, 1 << 14, MSG_SOCK_DEVMEM)
        data, direct = b"" if control else text, 0
        for level, kind, value in control:
            if level != socket.SOL_SOCKET or kind not in (SO_DEVMEM_LINEAR, SO_DEVMEM_DMABUF):
                continue
            at, size, token, _, _ = struct.unpack_from("QIIII", value)
            if kind == SO_DEVMEM_LINEAR:
                data, text = data + text[:size], text[size:]
                continue
            data += self.bytes[at:at + size]
            direct += size
            sock.setsockopt(socket.SOL_SOCKET, SO_DEVMEM_DONTNEED, struct.pack("II", token, 1))
        return data, direct


    def send(self, sock, at, size):
        """Send some of this memory, as much as there is room for; returns how much that was."""
        control = struct.pack("QiiI4x", 20, socket.SOL_SOCKET, SO_DEVMEM_DMABUF, self.number)
        text = ctypes.create_string_buffer(control, len(control))
        # Where it is in the memory stands in place of an address
        vector = ctypes.create_string_buffer(struct.pack("QQ", at, size))
        head = struct.pack("QI4xQQQQi4x", 0, 0, ctypes.addressof(vector), 1, ctypes.addressof(text), len(control), 0)
        while (done := LIBC.sendmsg(sock.fileno(), head, MSG_ZEROCOPY)) < 0:
            if ctypes.get_errno() != errno.EAGAIN or not select.select([], [sock], [], 20)[1]:
                raise OSError(ctypes.get_errno(), "sendmsg")
        return done


def out_of_memory(dut, size=1 << 20):
    """The card sends an application's memory, which no processor looks into."""
    if KERNEL == "6.12":
        raise KsftSkipEx("6.12 sends no memory of devices")
    data = random.randbytes(size)
    with Memory(dut, None) as memory:
        memory.bytes[:size] = data
        sender, receiver = tcp_pair(dut.path, "tx")
        got, at = bytearray(), 0
        with sender, receiver:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dut.ifname.encode() + b"\0")
            sender.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
            while len(got) < size:
                if at < size:
                    # Less than the buffers of both sockets take
                    at += memory.send(sender, at, min(64 << 10, size - at))
                while len(got) < at:
                    got += receiver.recv(1 << 16)
        ksft_true(bytes(got) == data, "data")


def into_memory(dut, memory, size=1 << 20, longest=0):
    """Receive over TCP; returns (bytes that came into our memory, whether all are right)."""
    sender, receiver = tcp_pair(dut.path, "rx")
    data, got, direct = random.randbytes(size), bytearray(), 0
    thread = send_all(sender, data, longest)
    with receiver:
        while part := memory.receive(receiver):
            got += part[0]
            direct += part[1]
            if not part[0]:
                break
    thread.join(20)
    return direct, bytes(got) == data


def check_memory(dut, memory, what):
    """What comes over TCP is right, and in our memory."""
    direct, right = into_memory(dut, memory)
    ksft_true(right, f"data, {what}")
    dut.env.note(f"{direct >> 10} KiB of 1024 came into our memory, {what}")
    ksft_ge(direct, 900 << 10, f"bytes that came into our memory, {what}")
    # Short frames come whole in buffers for headers, among others that do not
    ksft_true(into_memory(dut, memory, 100 << 10, 400)[1], f"data in small pieces, {what}")


def own_memory(dut, queue, works, pci):
    """The card fills an application's memory; headers still reach the stack, which does all else as ever.

    It stays bound over all that makes the queue start anew.
    """
    with On(dut):
        with Memory(dut, queue) as memory:
            check_memory(dut, memory, "at first")
            run(["ethtool", "-G", dut.ifname, "rx", "128"], ns=dut.ns)
            dut.wait_carrier()
            check_memory(dut, memory, "with a new ring")
            dut.set_link("down")
            dut.set_link("up")
            dut.wait_carrier()
            check_memory(dut, memory, "after down and up")
            write(PCI_DEVICES / pci / "reset", 1)
            dut.wait_carrier()
            check_memory(dut, memory, "after a function reset")
            ksft_true(works(), "answers to ping")
            done = switch(dut, "off", check=False)
            ksft_true(done.returncode, "the split stays while there is such memory")
            ksft_in("memory is bound to queue" if KERNEL == "6.12" else "memory provider", done.stderr, "reason")
            ksft_true(attach(dut, "frags").returncode, "no program meanwhile")
        ksft_true(works(), "answers afterwards")
        run(["ethtool", "-G", dut.ifname, "rx", "256"], ns=dut.ns)
        dut.wait_carrier()
        one, other = transfer(dut.path, "rx")
        ksft_eq(one, other, "md5 afterwards")
