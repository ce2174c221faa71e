# SPDX-License-Identifier: GPL-2.0-only
"""Look at a machine that does not answer, before it is killed: which of its threads
work, and what its processors are at. All of it goes to autopsy.txt of its run.
"""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

REPORT = "autopsy.txt"
SECONDS = 3
# Relative to the run's directory, as QEMU has it
MONITOR = "host-monitor"
QUESTIONS = ("info status", "info cpus", "info registers -a", "info lapic 0", "info lapic 1", "info pci")
MUTE = "the emulator's monitor does not answer either"


def thread_times(pid: int) -> dict[str, int]:
    """Ticks of processor time by thread."""
    times = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        name = (task / "comm").read_text().strip()
        times[f"{name} {task.name} {fields[0]}"] = int(fields[11]) + int(fields[12])
    return times


def busy_threads(pid: int) -> str:
    before = thread_times(pid)
    time.sleep(SECONDS)
    after = thread_times(pid)
    ticks = os.sysconf("SC_CLK_TCK") * SECONDS
    return "".join(f"thread {name}: {100 * (after[name] - before.get(name, 0)) // ticks} %\n" for name in after)


def connect(run: Path) -> socket.socket:
    """By way of the directory: a socket's path may have 107 bytes at most."""
    monitor = socket.socket(socket.AF_UNIX)
    monitor.settimeout(SECONDS)
    folder = os.open(run, os.O_PATH)
    try:
        monitor.connect(f"/proc/self/fd/{folder}/{MONITOR}")
    finally:
        os.close(folder)
    return monitor


def ask_monitor(run: Path) -> str:
    """What the emulator says of the machine."""
    requests = [{"execute": "qmp_capabilities"}]
    requests += [{"execute": "human-monitor-command", "arguments": {"command-line": line}} for line in QUESTIONS]
    text = ""
    try:
        with connect(run) as monitor, monitor.makefile("rw", encoding="utf-8") as stream:
            stream.readline()
            for request in requests:
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
                text += f"{request}\n{answer.get('return') or answer}\n"
    except TimeoutError:
        text += f"{MUTE}\n"
    except (OSError, ValueError) as error:
        text += f"no monitor: {error}\n"
    return text


def examine(run: Path, process: subprocess.Popen) -> None:
    """Write the report. Of one that has ended, after a panic say, there is none: its
    console tells why.
    """
    try:
        process.wait(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        (run / REPORT).write_text(busy_threads(process.pid) + ask_monitor(run))
