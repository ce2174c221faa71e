# SPDX-License-Identifier: GPL-2.0-only
"""How long traffic pauses: a datagram every few milliseconds, and when each of them arrived.

Both ends are processes of their own, so that what the test does meanwhile delays neither. They run
this file, which therefore imports nothing that takes long.
"""

import json
import socket
import subprocess
import sys
import time

INTERVAL = 0.002


def _send(address, port):
    """Say when it starts, then send until killed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        number = 0
        while True:
            try:
                sock.sendto(number.to_bytes(4, "big"), (address, port))
            except OSError:
                pass
            if not number:
                print(flush=True)
            number += 1
            time.sleep(INTERVAL)


def _receive(address):
    """Say which port, then note each arrival until a line comes; print them all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
        print(sock.getsockname()[1], flush=True)
        arrivals = []
        while True:
            data = sock.recv(100)
            if data == b"end":
                break
            arrivals.append((time.monotonic(), int.from_bytes(data[:4], "big")))
    print(json.dumps(arrivals))


class Beat:
    """Datagrams in one direction as long as in the context; gaps() tells afterwards how they arrived.

    direction is "tx" or "rx" as the DUT sees it.
    """

    def __init__(self, env, direction):
        near, far = ("dut", "peer") if direction == "tx" else ("peer", "dut")
        space = {"dut": None, "peer": env.ns}
        self.address = env.peer_v4 if direction == "tx" else env.v4
        self.receiver = self._start(space[far], "receive", self.address)
        self.port = int(self.receiver.stdout.readline())
        self.space = space[far]
        self.sender = self._start(space[near], "send", self.address, str(self.port))
        self.sender.stdout.readline()
        self.arrivals = []

    @staticmethod
    def _start(ns, *words):
        enter = ["ip", "netns", "exec", ns] if ns else []
        return subprocess.Popen([*enter, sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sender.kill()
        self.sender.wait()
        # From the receiver's own side, so that it arrives whatever the device does.
        enter = ["ip", "netns", "exec", self.space] if self.space else []
        code = (f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
                f".sendto(b'end', ('{self.address}', {self.port}))")
        subprocess.run([*enter, sys.executable, "-c", code], check=True)
        text, _ = self.receiver.communicate(timeout=30)
        self.arrivals = json.loads(text)

    def lost(self):
        """Return (sent, lost) between the first and the last arrival."""
        numbers = [number for _, number in self.arrivals]
        sent = max(numbers) - min(numbers) + 1
        return sent, sent - len(set(numbers))

    def longest(self, start, end):
        """Return the longest time without an arrival that touches [start, end], in milliseconds."""
        times = [when for when, _ in self.arrivals]
        gaps = [late - early for early, late in zip(times, times[1:]) if late >= start and early <= end]
        return round(1000 * max(gaps), 1)


if __name__ == "__main__":
    {"send": lambda: _send(sys.argv[2], int(sys.argv[3])), "receive": lambda: _receive(sys.argv[2])}[sys.argv[1]]()
