# SPDX-License-Identifier: GPL-2.0-only
"""A running guest and the directory build/run/NAME that holds what it left.

    console.log   everything the kernel and the console printed
    dmesg.log     the kernel's log as read in the guest, before the end
    qemu.log      what QEMU itself had to say
    channel, pid  the command channel and the process of a running machine
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import paths, qemu
from .channel import Channel, GuestGone

BOOT_SECONDS = 120
KEPT_RUNS = 20


def alive(run: Path) -> int:
    """Process id of the machine that runs in this directory, or 0."""
    try:
        pid = int((run / "pid").read_text())
        # a number may be taken by another process meanwhile
        return pid if os.readlink(f"/proc/{pid}/cwd") == str(run) else 0
    except (OSError, ValueError):
        return 0


def drop_old_runs() -> None:
    """Keep the latest runs only, and those that still run."""
    runs = [run for run in paths.RUNS.iterdir() if run.is_dir()]
    runs.sort(key=lambda run: run.stat().st_mtime, reverse=True)
    for run in runs[KEPT_RUNS:]:
        if not alive(run):
            shutil.rmtree(run, ignore_errors=True)


def new_run(name: str) -> Path:
    """A fresh directory; a free number is added unless the name is free."""
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    drop_old_runs()
    stamp = time.strftime("%m%d-%H%M%S")
    for number in range(100):
        run = paths.RUNS / (f"{stamp}-{name}" + (f"-{number}" if number else ""))
        try:
            run.mkdir()
            return run
        except FileExistsError:
            continue
    raise paths.BenchError(f"no free name for a run under {paths.RUNS}")


class Machine:
    """Boot a guest that obeys commands; use as a context manager."""

    def __init__(self, kernel: str, topology: str, run: Path, *,
                 keep: bool = False, tree: str = "live", count: bool = False,
                 clock: bool = True) -> None:
        """A kept machine stays up when its host goes. It sees the work tree live, or
        a copy of what tests need, which a suspend of the machine does not cut off. Its
        instructions may be counted, into counts.json, by the address ranges in ranges, and
        be what its clock goes by.
        """
        self.run_dir = run
        self.console = run / "console.log"
        self.channel: Channel | None = None
        append = f"bench_mode=agent bench_keep={int(keep)} bench_tree={tree}"
        command = [*qemu.command(kernel, topology, append),
                   "-serial", f"file:{self.console.name}"]
        if count:
            (run / "ranges").touch()
            command = qemu.counted(command, run / "ranges", run / "counts.json", clock)
        with (run / "qemu.log").open("w") as log:
            # A session of its own: ctrl-c is for us to handle.
            self.process = subprocess.Popen(command, cwd=run, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            self.wait_for_agent(BOOT_SECONDS * (3 if count else paths.slowness(kernel)))
        except BaseException:
            self.kill()
            raise

    def wait_for_agent(self, seconds: float) -> None:
        """The machine is up when it has run its first command."""
        deadline = time.monotonic() + seconds
        while not (self.run_dir / "channel").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise paths.BenchError("QEMU did not start:\n"
                                       + (self.run_dir / "qemu.log").read_text())
            time.sleep(0.05)
        self.channel = Channel(self.run_dir / "channel")
        try:
            status = self.channel.run(["true"], timeout=seconds, grace=0)
        except GuestGone as error:
            raise GuestGone(f"no boot within {seconds} s: {error}") from error
        if status:
            raise GuestGone(f"the first command failed with status {status}")

    def run(self, argv: list[str], **options) -> int:
        return self.channel.run(argv, **options)

    def measure(self, program: str, *words: str, timeout: float) -> dict:
        """Run a program of tests/bench in it; what it says last is JSON."""
        said: list[bytes] = []
        status = self.run([f"/kawela/tests/bench/{program}", *words], timeout=timeout, output=said.append)
        text = b"".join(said).decode(errors="replace")
        if status:
            raise paths.BenchError(f"{program} {' '.join(words)}: {text}")
        return json.loads(text.splitlines()[-1])

    def save_kernel_log(self) -> None:
        with (self.run_dir / "dmesg.log").open("wb") as log:
            self.run(["dmesg"], timeout=30, output=log.write)

    def stop(self) -> None:
        """Power off; whoever does not obey is killed."""
        try:
            self.channel.power_off()
            self.process.wait(timeout=20)
        except (GuestGone, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self) -> None:
        if self.channel:
            self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, kind, value, trace) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()


def stop_kept(run: Path) -> None:
    """Stop a machine that another process started."""
    pid = alive(run)
    if not pid:
        raise paths.BenchError(f"no machine runs in {run}")
    try:
        channel = Channel(run / "channel")
        channel.power_off()
        deadline = time.monotonic() + 10
        while alive(run) and time.monotonic() < deadline:
            time.sleep(0.1)
        channel.close()
    except GuestGone:
        pass
    if alive(run):
        os.kill(pid, signal.SIGKILL)
