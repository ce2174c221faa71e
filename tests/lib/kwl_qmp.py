# SPDX-License-Identifier: GPL-2.0-only
"""The emulator of this machine, asked from inside: links, errors on the bus, plugging, traces.

QEMU's monitor is at the other end of a virtio-serial port (tests/vm/host/qemu.py).
"""

import json
import os
import select
import time
from pathlib import Path

PORT = "kawela.qmp"
SECONDS = 20


class QmpError(RuntimeError):
    """The emulator has refused a command."""


def _device():
    for name in Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text(encoding="ascii").strip() == PORT:
            return f"/dev/{name.parent.name}"
    raise RuntimeError("this machine has no way to its emulator")


class Qmp:
    """A conversation with the emulator; one at a time."""

    def __init__(self):
        self.fd = os.open(_device(), os.O_RDWR | os.O_NONBLOCK)
        self.rest = b""
        self.events = []
        # The greeting is for the first one only; asking again is answered by an error.
        self._send({"execute": "qmp_capabilities"})
        self._answer()

    def close(self):
        """Leave the port to the next one."""
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            select.select([], [self.fd], [], SECONDS)
            data = data[os.write(self.fd, data):]

    def _line(self, deadline):
        while b"\n" not in self.rest:
            if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the emulator does not answer")
            self.rest += os.read(self.fd, 65536)
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def _answer(self):
        deadline = time.monotonic() + SECONDS
        while True:
            message = self._line(deadline)
            if "return" in message or "error" in message:
                return message
            if "event" in message:
                self.events.append(message["event"])

    def execute(self, command, **arguments):
        """Run a QMP command and return what it returns; dashes of names are written as underscores."""
        self._send({"execute": command, "arguments": {name.replace("_", "-"): value
                                                      for name, value in arguments.items()}})
        answer = self._answer()
        if "error" in answer:
            raise QmpError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def monitor(self, line):
        """Run a line of the human monitor, for what QMP has no command; return what it prints."""
        text = self.execute("human-monitor-command", command_line=line)
        if text.strip().lower().startswith(("error", "unknown")):
            raise QmpError(f"{line}: {text}")
        return text
