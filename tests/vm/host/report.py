# SPDX-License-Identifier: GPL-2.0-only
"""Print results as KTAP while they come in, and keep the totals."""

import sys

from .ktap import Verdict


def say(text: str) -> None:
    print(f"# {text}", flush=True)


class Report:
    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self.total = Verdict()
        self.number = 0
        self.unsure: list[str] = []
        print("KTAP version 1", flush=True)

    def nested(self, output: str) -> None:
        """What a file printed, one level deeper."""
        for line in output.splitlines():
            print(f"    {line}")
        sys.stdout.flush()

    def add(self, name: str, verdict: Verdict, output: str = "",
            seconds: float = 0) -> None:
        """A file has ended. Its output is shown when there is something to learn."""
        self.number += 1
        self.total.add(verdict)
        if output and (verdict.failed or self.verbose):
            self.nested(output)
        for line in verdict.failures:
            say(f"  failed: {line}")
        for line in verdict.skips:
            say(f"  skipped: {line}")
        state = "not ok" if verdict.failed else "ok"
        skip = " SKIP" if verdict.skipped and not verdict.passed else ""
        print(f"{state} {self.number} {name} #{skip} {verdict}, {seconds:.0f} s",
              flush=True)

    def flaky(self, name: str, verdict: Verdict, output: str) -> None:
        """A file has failed, and will be judged by a second run on a new machine."""
        self.nested(output)
        for line in verdict.failures:
            say(f"  failed, to be repeated: {line}")
            self.unsure.append(f"{name}: {line}")

    def finish(self) -> int:
        """The last line; the exit status."""
        print(f"1..{self.number}")
        for line in self.unsure:
            say(f"FLAKY: failed in its first run, judged by its second: {line}")
        print(self.total, flush=True)
        if self.total.failed:
            return 1
        return 0 if self.total.passed else 1
