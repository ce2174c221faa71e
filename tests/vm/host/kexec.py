# SPDX-License-Identifier: GPL-2.0-only
"""Start the kernel of a machine anew without a reset of the machine, as a test may ask for."""

import time

from .channel import GuestGone
from .machine import BOOT_SECONDS, Machine

# What a test file exits with to be run once more, in the next kernel. That one's
# command line names the file.
WANTED = 75

GUEST = "/kawela/tests/vm/guest/kexec"


def boot_id(machine: Machine, seconds: float) -> bytes:
    found: list[bytes] = []
    machine.run(["cat", "/proc/sys/kernel/random/boot_id"], timeout=seconds, output=found.append)
    return b"".join(found)


def start_anew(machine: Machine, mark: str, slowness: int) -> None:
    """Return when the new kernel obeys commands."""
    seconds = BOOT_SECONDS * slowness
    before = boot_id(machine, seconds)
    output: list[bytes] = []
    if machine.run([GUEST, mark], timeout=seconds, output=output.append):
        raise GuestGone(b"".join(output).decode(errors="replace"))
    deadline = time.monotonic() + seconds
    while boot_id(machine, seconds) == before:
        if time.monotonic() > deadline:
            raise GuestGone("no new kernel by kexec")
        time.sleep(0.5)
