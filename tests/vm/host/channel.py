# SPDX-License-Identifier: GPL-2.0-only
"""The host's end of the command channel (the guest's is tests/vm/guest/agent)."""

import json
import os
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path


# On a busy host without KVM a machine was seen whose processors both slept, interrupts on, and
# no timer of which went off any more: not that of the agent, which looks around five times a
# second, nor the kernel's own for tasks that hang. Any interrupt has it go on.
WAKE_SECONDS = 5


class GuestGone(Exception):
    """The machine stopped answering: it died, or it hangs."""


class Channel:
    """Commands to one machine. A second client waits until the first has closed."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.buffer = b""
        try:
            # By way of its directory: a socket's path may have 107 bytes at most.
            folder = os.open(path.parent, os.O_PATH)
            self.socket.connect(f"/proc/self/fd/{folder}/{path.name}")
            os.close(folder)
        except OSError as error:
            raise GuestGone(f"cannot reach the machine: {error}") from error

    def close(self) -> None:
        self.socket.close()

    def send(self, **request) -> str:
        request["id"] = uuid.uuid4().hex
        try:
            self.socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise GuestGone(f"cannot send to the machine: {error}") from error
        return request["id"]

    def wait(self, deadline: float) -> bytes:
        """Some bytes of the guest, which is woken up now and then while it says nothing."""
        while True:
            left = deadline - time.monotonic()
            self.socket.settimeout(max(0.01, min(left, WAKE_SECONDS)))
            try:
                return self.socket.recv(1 << 20)
            except TimeoutError as error:
                if left <= 0:
                    raise GuestGone("the machine does not answer") from error
            self.socket.sendall(b"\n")

    def receive(self, deadline: float) -> dict:
        """One message of the guest."""
        while b"\n" not in self.buffer:
            try:
                data = self.wait(deadline)
            except OSError as error:
                raise GuestGone(f"lost the machine: {error}") from error
            if not data:
                raise GuestGone("the machine went away")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        try:
            return json.loads(line)
        except ValueError:
            return {}  # the rest of a line meant for an earlier client

    def run(self, argv: list[str], *, timeout: float = 3600, env: dict | None = None,
            output: Callable[[bytes], None] | None = None, grace: float = 20) -> int:
        """Run a command in the guest; its exit status (124 when it timed out).

        The guest enforces the time limit; when it does not even do that within
        the grace period, it hangs.
        """
        asked = self.send(argv=argv, env=env or {}, timeout=timeout)
        deadline = time.monotonic() + timeout + grace
        while True:
            message = self.receive(deadline)
            if message.get("id") != asked:
                continue
            if "exit" in message:
                return message["exit"]
            if output:
                output(message.get("out", "").encode("latin-1"))

    def power_off(self) -> None:
        self.send()
