# SPDX-License-Identifier: GPL-2.0-only
"""What the commands of tests/vm have in common."""

import os
import signal
import sys
from collections.abc import Callable

from .channel import GuestGone
from .paths import BenchError


def shell_argv(words: list[str]) -> list[str]:
    """A single word is a command line for a shell, several are a command as it is."""
    return ["sh", "-c", *words] if len(words) == 1 else words


def to_stdout(data: bytes) -> None:
    """Pass on what a guest printed, byte by byte."""
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def call(main: Callable[[], int]) -> None:
    """Run main and exit: errors that a user can act upon need no traceback."""
    # A machine must not outlive a run that is told to stop.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except (BenchError, GuestGone) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Nobody reads on, as with `| head`; keep the interpreter from noticing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
