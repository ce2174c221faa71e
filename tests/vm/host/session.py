# SPDX-License-Identifier: GPL-2.0-only
"""Run test files in guests: one boot for many files, a fresh one when it breaks."""

import time
from pathlib import Path

from . import autopsy, debug, kexec, ktap, paths, qemu, scan
from .channel import GuestGone
from .ktap import Verdict
from .machine import Machine, new_run
from .plan import TestFile
from .report import Report, say

GUEST = "/kawela/tests/vm/guest"
CLEAN_SECONDS = 60
MAX_BOOTS = 4

# No fault of a driver, and seen without KVM only: QEMU now and then executes kernel
# text that the kernel is just patching (static keys, probes), a trap nobody expects;
# and it ends when a processor looks up an address while another one moves windows. One
# that does not even answer its monitor hangs itself, whatever its guest does.
EMULATOR_RACES = ("Oops: int3", "iotlb_to_section: Assertion", autopsy.MUTE)


class Session:
    """The files of one kernel and topology."""

    def __init__(self, kernel: str, topology: str, driver: str, report: Report,
                 retry: bool = False) -> None:
        self.kernel = kernel
        self.topology = topology
        self.driver = driver
        self.report = report
        self.retry = retry
        self.slowness = paths.slowness(kernel)
        self.debug = paths.is_debug(kernel)
        self.title = f"{kernel}/{topology}/{driver}"
        self.waiting: list[TestFile] = []
        self.once_more: list[TestFile] = []
        self.repeated: set[str] = set()

    def run(self, files: list[TestFile]) -> None:
        self.run_all(files)
        again, self.once_more, self.retry = self.once_more, [], False
        if again:
            say(f"RETRY: {self.title}: {', '.join(file.name for file in again)}")
            self.run_all(again)

    def run_all(self, files: list[TestFile]) -> None:
        # Those that want a boot of their own come first, and do not count
        self.waiting = sorted(files, key=lambda file: not file.alone)
        for _ in range(MAX_BOOTS + sum(bool(file.alone) for file in files)):
            if not self.waiting:
                return
            self.boot_and_run()
        for file in self.waiting:
            self.add(file.name, Verdict(
                failures=["not run: too many machines broke before it"]))

    def add(self, name: str, verdict: Verdict, output: str = "",
            started: float | None = None) -> None:
        seconds = time.monotonic() - started if started else 0
        self.report.add(f"{self.kernel}/{name}", verdict, output, seconds)

    def boot_and_run(self) -> None:
        """Run files until none waits or the machine breaks."""
        run = new_run(self.title.replace("/", "-"))
        console = scan.Tail(run / "console.log")
        say(f"{self.title}: booting; console in {console.path}")
        started = time.monotonic()
        try:
            with Machine(self.kernel, self.topology, run, tree="copy") as machine:
                say(f"{self.title}: up after {time.monotonic() - started:.0f} s")
                self.add_complaints(f"{self.topology}/boot", console)
                if self.debug:
                    debug.forget(machine)
                while self.waiting:
                    file = self.waiting.pop(0)
                    if not self.run_file(machine, file, console):
                        return
                    if self.debug and file.alone:
                        break
                self.finish(machine, console)
        except GuestGone as error:
            log = console.text()
            if not self.may_repeat("its boot", run, log):
                self.add(f"{self.topology}/boot", Verdict(failures=[str(error)]),
                         log[-4000:], started)

    def add_complaints(self, name: str, console: scan.Tail) -> None:
        """Report what the kernel should not have said outside of any file."""
        log = console.text()
        if found := scan.findings(log):
            self.add(name, Verdict(failures=[complaint(found)]), log[-4000:])

    def run_file(self, machine: Machine, file: TestFile, console: scan.Tail) -> bool:
        """Run one file and report it; false when the machine is of no more use."""
        started = time.monotonic()
        output: list[bytes] = []
        verdict, usable = self.attempt(machine, file, output)
        log = console.text()
        if not usable and self.may_repeat(file.name, console.path.parent, log):
            self.waiting.insert(0, file)
            return False
        expected = [file.expect_log] + [debug.EXPECTED] * self.debug
        if found := scan.findings(log, *expected):
            verdict.failures.append(complaint(found))
            usable = False
        text = b"".join(output).decode(errors="replace")
        if verdict.failed:
            text += (f"# {console.path}, from this file:\n"
                     + "".join(f"# | {line}\n" for line in log.splitlines()[-80:]))
        saved = console.path.with_name(file.name.replace("/", "-") + ".ktap")
        saved.write_text(text)
        self.settle(file, verdict, usable, text, started)
        return usable

    def settle(self, file: TestFile, verdict: Verdict, usable: bool, text: str,
               started: float) -> None:
        """Report a verdict, or put it off: what broke no machine may get a second run."""
        if verdict.failed and usable and self.retry:
            self.once_more.append(file)
            self.report.flaky(f"{self.kernel}/{file.name}", verdict, text)
        else:
            self.add(file.name, verdict, text, started)
            if self.debug and self.driver == "kawela" and not verdict.failed:
                debug.note_pass(self.kernel, file.name, str(verdict))

    def attempt(self, machine: Machine, file: TestFile,
                output: list[bytes]) -> tuple[Verdict, bool]:
        """The verdict on a file, and whether the machine survived it."""
        status = None
        broken = lost = ""
        timeout = file.timeout * self.slowness
        try:
            command = [f"{GUEST}/test", self.driver, file.name]
            status = machine.run(command, timeout=timeout, output=output.append)
            if status == kexec.WANTED:
                kexec.start_anew(machine, f"kexec={file.name}", self.slowness)
                status = machine.run(command, timeout=timeout, output=output.append)
            if machine.run([f"{GUEST}/clean"], timeout=CLEAN_SECONDS * self.slowness,
                           output=output.append):
                broken = "the guest cannot be cleaned up after it"
            elif self.debug:
                lost = debug.check(machine, output)
                debug.save_coverage(machine, self.kernel, machine.run_dir.name)
            elif paths.is_own(self.kernel) and self.driver == "kawela":
                lost = debug.check_races(machine, output)
        except GuestGone as error:
            broken = str(error)
            autopsy.examine(machine.run_dir, machine.process)
        verdict = ktap.judge(b"".join(output).decode(errors="replace"), status, timeout)
        verdict.failures += [problem for problem in (broken, lost) if problem]
        return verdict, not broken

    def may_repeat(self, what: str, run: Path, log: str) -> bool:
        """Whether it met a fault of the emulator's own, for the first time."""
        report = run / autopsy.REPORT
        log += (run / "qemu.log").read_text() + (report.read_text() if report.exists() else "")
        race = next((race for race in EMULATOR_RACES if race in log), None)
        if not race or what in self.repeated or "kvm" in qemu.accelerator():
            return False
        say(f"REPEATED: {self.title} {what}: the machine died of '{race}', "
            "a race of QEMU's; it gets one more try")
        self.repeated.add(what)
        return True

    def finish(self, machine: Machine, console: scan.Tail) -> None:
        """What can be said only when all drivers are gone again: nothing leaks."""
        output: list[bytes] = []
        started = time.monotonic()
        failures = []
        try:
            if machine.run([f"{GUEST}/finish"], timeout=60 * self.slowness,
                           output=output.append):
                failures.append("something is left behind")
            machine.save_kernel_log()
        except GuestGone as error:
            failures.append(str(error))
        if found := scan.findings(console.text()):
            failures.append(complaint(found))
        self.add(f"{self.topology}/nothing-left",
                 Verdict(passed=int(not failures), failures=failures),
                 b"".join(output).decode(errors="replace"), started)


def complaint(found: list[str]) -> str:
    """One failure, however many lines a report has."""
    return f"the kernel complained: {found[0].strip()}"
