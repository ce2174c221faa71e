# SPDX-License-Identifier: GPL-2.0-only
"""What a driver hands to the stack, seen by the kernel's own tracepoint.

Only for what no socket can tell. Switching a tracepoint rewrites running code, and an emulated
multiprocessor does not always survive that ("Oops: int3"): use it once, not in a loop.
"""

import re
from pathlib import Path

from kwl_sys import write

TRACING = Path("/sys/kernel/tracing")
INSTANCE = TRACING / "instances/kawela"
EVENT = INSTANCE / "events/net/napi_gro_receive_entry"


class RxTrace:
    """Record the frames that an interface's driver gives to the stack, as long as in the context."""

    def __init__(self, ifname):
        self.ifname = ifname

    def __enter__(self):
        # Command names come from the scheduler, whose code had better be left alone.
        write(TRACING / "options/record-cmd", 0)
        INSTANCE.mkdir(exist_ok=True)
        write(EVENT / "filter", f'name == "{self.ifname}"')
        write(EVENT / "enable", 1)
        return self

    def __exit__(self, *_):
        write(EVENT / "enable", 0)
        INSTANCE.rmdir()

    def take(self):
        """Return what was recorded since last asked: a dictionary of integers for each frame."""
        found = []
        for line in (INSTANCE / "trace").read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                continue
            # skbaddr is a hashed pointer, all digits now and then: not a number.
            fields = re.findall(r"\b(?!skbaddr)(\w+)=(0x[0-9a-f]+|-?\d+)\b", line)
            found.append({name: int(value, 0) for name, value in fields})
        write(INSTANCE / "trace", "")
        return found
