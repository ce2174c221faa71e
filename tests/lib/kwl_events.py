# SPDX-License-Identifier: GPL-2.0-only
"""The drivers' own tracepoints, in an instance of the tracer of their own.

As with kwl_trace: switched on once for a whole test file, because an emulated multiprocessor does not
always survive the rewriting of running code.
"""

import re
from pathlib import Path
from typing import NamedTuple

from kwl_sys import wait_for, write

TRACING = Path("/sys/kernel/tracing")
INSTANCE = TRACING / "instances/kawela-events"
LINE = re.compile(r"^\s*\S.*\s\d+\.\d+: (\w+): (.*)$", re.M)


class Event(NamedTuple):
    """One event: its name, its text, and what is `name=value` in it."""

    name: str
    text: str
    fields: dict


class Events:
    """Record all events of some systems ("kawela_pf") or single ones ("skb/kfree_skb") while in the context."""

    def __init__(self, *what, filters=()):
        self.what = what
        self.filters = dict(filters)

    def __enter__(self):
        write(TRACING / "options/record-cmd", 0)
        INSTANCE.mkdir(exist_ok=True)
        for name in self.what:
            if name in self.filters:
                write(INSTANCE / "events" / name / "filter", self.filters[name])
            write(INSTANCE / "events" / name / "enable", 1)
        return self

    def __exit__(self, *_):
        for name in self.what:
            write(INSTANCE / "events" / name / "enable", 0)
        INSTANCE.rmdir()

    def clear(self):
        """Forget what was recorded."""
        write(INSTANCE / "trace", "")

    def seen(self, name=None, **fields):
        """Return the events recorded so far, of this name and with these fields."""
        text = (INSTANCE / "trace").read_text(encoding="utf-8")
        found = [Event(one, rest, dict(re.findall(r"(\w+)=(\S+)", rest))) for one, rest in LINE.findall(text)]
        return [event for event in found if name in (None, event.name)
                and all(event.fields.get(key) == str(value) for key, value in fields.items())]

    def wait(self, name, text="", timeout=10, **fields):
        """Return the events of this name, with this text and these fields, once there is one."""
        return wait_for(lambda: [event for event in self.seen(name, **fields) if text in event.text], timeout,
                        f"event {name} {text} {fields or ''}")

    def reasons(self):
        """Return the reason that the kernel was given for each frame that a driver of ours has dropped.

        It names whoever called kfree_skb(): us, or in the debug kernel, which is built without tail calls,
        the function in between.
        """
        return [event.text.split("reason: ")[1].split()[0] for event in self.seen("kfree_skb")
                if "kwl_" in event.text or "dev_kfree_skb_any_reason" in event.text]
