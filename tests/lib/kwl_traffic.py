# SPDX-License-Identifier: GPL-2.0-only
"""Traffic whose content is checked: bulk transfers, streams that run in the background, ping."""

import hashlib
import random
import re
import socket
import struct
import threading
import time

from lib.py import NetNSEnter
from kwl_sys import run, wait_for

BLOCK = random.Random(82576).randbytes(1 << 16)


def make_socket(kind, version, ns=None):
    """Return a socket that lives in a network namespace."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    if ns:
        with NetNSEnter(ns):
            sock = socket.socket(family, kind)
    else:
        sock = socket.socket(family, kind)
    sock.settimeout(30)
    return sock


def host_addr(env, version, end):
    """Return the address of an end, "dut" or "peer"."""
    if end == "dut":
        return env.v4 if version == 4 else env.v6
    return env.peer_v4 if version == 4 else env.peer_v6


def tcp_pair(env, direction, version=4, options=()):
    """Return connected (sender, receiver) sockets; direction is "tx" or "rx" as the DUT sees it.

    options: (level, name, value) triples for the sender, in force before it connects.
    """
    near, far = ("dut", "peer") if direction == "tx" else ("peer", "dut")
    space = {"dut": getattr(env, "near_ns", None), "peer": env.ns}
    with make_socket(socket.SOCK_STREAM, version, space[far]) as server:
        server.bind((host_addr(env, version, far), 0))
        server.listen(1)
        sender = make_socket(socket.SOCK_STREAM, version, space[near])
        for level, name, value in options:
            sender.setsockopt(level, name, value)
        sender.bind((host_addr(env, version, near), 0))
        sender.connect(server.getsockname()[:2])
        receiver, _ = server.accept()
        receiver.settimeout(30)
    return sender, receiver


def abort(*socks):
    """Give up connections at once; dead ones linger for minutes and keep their namespace from going."""
    for sock in socks:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def transfer(env, direction, version=4, size=2 << 20, options=()):
    """Send `size` random bytes over TCP; return (md5 sent, md5 received)."""
    data = random.randbytes(size)
    sender, receiver = tcp_pair(env, direction, version, options)
    digest, errors = hashlib.md5(), []

    def send():
        try:
            sender.sendall(data)
            sender.shutdown(socket.SHUT_WR)
        except OSError as problem:
            errors.append(problem)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    with sender, receiver:
        try:
            while chunk := receiver.recv(1 << 16):
                digest.update(chunk)
        except OSError:
            abort(sender, receiver)
            raise
        thread.join(30)
    if errors:
        raise errors[0]
    return hashlib.md5(data).hexdigest(), digest.hexdigest()


def udp_exchange(env, direction, version=4, sizes=(1, 100, 1400)):
    """Send one datagram of each size; return (payloads sent, payloads received) in order."""
    near, far = ("dut", "peer") if direction == "tx" else ("peer", "dut")
    space = {"dut": getattr(env, "near_ns", None), "peer": env.ns}
    sent, got = [random.randbytes(size) for size in sizes], []
    with make_socket(socket.SOCK_DGRAM, version, space[far]) as server, \
         make_socket(socket.SOCK_DGRAM, version, space[near]) as client:
        server.bind((host_addr(env, version, far), 0))
        server.settimeout(5)
        for payload in sent:
            client.sendto(payload, server.getsockname()[:2])
            try:
                got.append(server.recv(1 << 16))
            except TimeoutError:
                got.append(None)
    return sent, got


class Stream:
    """A TCP stream of known content that runs in the background and checks every byte.

    Leaving the context stops it and raises if data was corrupt or a socket failed.
    """

    def __init__(self, env, direction, version=4):
        self.sender, self.receiver = tcp_pair(env, direction, version)
        self.sender.settimeout(60)
        self.receiver.settimeout(60)
        self.received = 0
        self.stopping = False
        self.problem = None
        self.threads = [threading.Thread(target=self._guard, args=(part,), daemon=True)
                        for part in (self._send, self._receive)]

    def _guard(self, part):
        try:
            part()
        except OSError as problem:
            self.problem = self.problem or f"{part.__name__}: {problem!r}"

    def _send(self):
        while not self.stopping:
            self.sender.sendall(BLOCK)
            # Two processors run both ends and the test: leave them some air.
            time.sleep(0.002)
        self.sender.shutdown(socket.SHUT_WR)

    def _receive(self):
        doubled = BLOCK + BLOCK
        while chunk := self.receiver.recv(1 << 16):
            at = self.received % len(BLOCK)
            if doubled[at:at + len(chunk)] != chunk:
                self.problem = f"corrupt data after {self.received} bytes"
                return
            self.received += len(chunk)

    def moves(self, amount=1 << 16, timeout=30):
        """Wait until `amount` more bytes have arrived."""
        goal = self.received + amount
        wait_for(lambda: self.problem or self.received >= goal, timeout, "background traffic to move")
        if self.problem:
            raise RuntimeError(f"background traffic: {self.problem}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.moves()
        return self

    def __exit__(self, kind, *_):
        self.stopping = True
        if kind:
            abort(self.sender, self.receiver)
        for thread in self.threads:
            thread.join(60)
        alive = any(thread.is_alive() for thread in self.threads)
        self.sender.close()
        self.receiver.close()
        if kind is None and (self.problem or alive):
            raise RuntimeError(f"background traffic: {self.problem or 'stuck'}")


def ping(target, count=1, size=56, options="", ns=None):
    """Ping; return how many of `count` answers came. Linux's ping compares the payload of each.

    With a deadline ping sends on until it has its answers, and may get more than it needs.
    """
    done = run(f"ping -n -q -i 0.02 -c {count} -s {size} -w 5 {options} {target}", ns=ns, check=False)
    found = re.search(r"(\d+) received", done.stdout)
    return min(count, int(found.group(1))) if found else 0
