# SPDX-License-Identifier: GPL-2.0-only
"""Judge the KTAP that one test file printed."""

import re
from dataclasses import dataclass, field

RESULT = re.compile(r"(ok|not ok) \d+(?: -)? ?([^#]*)(?:# *(\w+)? ?(.*))?$")
PLAN = re.compile(r"1\.\.(\d+)(?:\s*# *SKIP ?(.*))?$", re.I)

EXIT_SKIP = 4
EXIT_TIMEOUT = 124


@dataclass
class Verdict:
    """What one file contributes to the totals."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)   # a line for each
    skips: list[str] = field(default_factory=list)      # a line with its reason

    @property
    def failed(self) -> int:
        return len(self.failures)

    @property
    def skipped(self) -> int:
        return len(self.skips)

    def add(self, other: "Verdict") -> None:
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def judge_line(verdict: Verdict, match: re.Match) -> None:
    state, name, directive, reason = match.groups()
    name = name.strip() or "unnamed case"
    directive = (directive or "").upper()
    if directive == "SKIP":
        # A skip is honest only when it says why.
        if reason.strip():
            verdict.skips.append(f"{name}: {reason.strip()}")
        else:
            verdict.failures.append(f"{name}: skipped without a reason")
    elif directive == "XFAIL":
        verdict.skips.append(f"{name}: expected failure: {reason.strip()}")
    elif state == "ok":
        verdict.passed += 1
    else:
        verdict.failures.append(name)


def judge(output: str, status: int | None, timeout: float) -> Verdict:
    """The verdict on a file, given all that it printed and its exit status, which is
    None when its machine broke: the caller reports that.

    Whatever does not add up is a failure: a file that ends early, prints fewer
    cases than it planned, or says it failed without naming a case.
    """
    verdict = Verdict()
    planned = None
    skip_all = ""
    for line in output.splitlines():
        if plan := PLAN.match(line):
            planned = int(plan[1])
            skip_all = (plan[2] or "").strip()
        elif match := RESULT.match(line):
            judge_line(verdict, match)

    seen = verdict.passed + verdict.failed + verdict.skipped
    if status is None:
        return verdict
    if status == EXIT_TIMEOUT:
        verdict.failures.append(f"no end within {timeout:.0f} s")
    elif planned is None:
        verdict.failures.append(f"no KTAP plan (exit status {status})")
    elif planned != seen:
        verdict.failures.append(f"{planned} cases planned, {seen} reported")
    elif planned == 0 and not skip_all:
        verdict.failures.append("no cases, and no reason for it")
    elif planned == 0:
        verdict.skips.append(skip_all)
    elif status not in (0, EXIT_SKIP) and not verdict.failed:
        verdict.failures.append(f"exit status {status} without a failed case")
    return verdict
