# SPDX-License-Identifier: GPL-2.0-only
"""What the debug kernel is asked: leaks after each file, the lines of our modules that ran."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from . import paths
from .machine import Machine

GUEST = "/kawela/tests/vm/guest/debug"
CHECK_SECONDS = 300
REPORT = paths.BUILD / "debug" / "coverage.txt"
OURS = ("common/", "pf/", "vf/", "include/kawela/")

# The partner's watchdog knows no factor: it barks when the card takes more than five
# seconds to be ready, as long as QEMU holds back its frames.
EXPECTED = "wire0: NETDEV WATCHDOG"

Lines = dict[str, Counter]      # file: {line: how often it ran}


def forget(machine: Machine) -> None:
    """Do not blame a test for what the kernel lost while it booted."""
    machine.run([GUEST, "forget"], timeout=CHECK_SECONDS)


def check(machine: Machine, output: list[bytes]) -> str:
    """What is wrong, in short; the rest goes to the output."""
    if machine.run([GUEST, "check"], timeout=CHECK_SECONDS, output=output.append):
        return "the debug kernel's checkers complain"
    return ""


def check_races(machine: Machine, output: list[bytes]) -> str:
    """The same of the kernel that looks for data races; what it finds is on the console."""
    if machine.run([GUEST, "races"], timeout=CHECK_SECONDS, output=output.append):
        return "nobody looks for data races"
    return ""


def objects(kernel: str) -> Path:
    return paths.BUILD / "mod" / kernel / "src"


def coverage_dir(kernel: str) -> Path:
    """Counters of the modules as they are built now. Those of another build say nothing
    about this one, and are dropped.
    """
    digest = hashlib.sha256()
    for notes in sorted(path for part in OURS[:3] for path in (objects(kernel) / part).rglob("*.gcno")):
        digest.update(notes.read_bytes())
    base = paths.BUILD / "debug" / kernel / "coverage"
    current = base / digest.hexdigest()[:16]
    current.mkdir(parents=True, exist_ok=True)
    for other in base.iterdir():
        if other != current:
            shutil.rmtree(other)
    return current


def save_coverage(machine: Machine, kernel: str, name: str) -> None:
    """Keep what the machine counted since its boot, over what it had before."""
    data: list[bytes] = []
    machine.run([GUEST, "coverage"], timeout=CHECK_SECONDS, output=data.append)
    (coverage_dir(kernel) / f"{name}.tar").write_bytes(b"".join(data))


def results(kernel: str) -> Path:
    """Where it is kept which files have passed; goes with the counters."""
    return coverage_dir(kernel) / "passed.json"


def has_passed(kernel: str, name: str) -> str:
    """When a file has passed with the modules as they are built now; empty if it has not."""
    path = results(kernel) if paths.is_debug(kernel) else None
    if not path or not path.exists():
        return ""
    return json.loads(path.read_text()).get(name, "")


def note_pass(kernel: str, name: str, verdict: str) -> None:
    """Keep it for has_passed()."""
    path = results(kernel)
    passed = json.loads(path.read_text()) if path.exists() else {}
    passed[name] = f"has passed with these modules: {verdict}, {time.strftime('%Y-%m-%d')}"
    path.write_text(json.dumps(passed, indent=1) + "\n")


def count(kernel: str, archive: Path, work: Path, total: Lines) -> None:
    """Add up the counters of one machine."""
    shutil.rmtree(work, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        tar.extractall(work, filter="data")
    for data in sorted(work.rglob("*.gcda")):
        notes = objects(kernel) / data.relative_to(work / f"kawela/build/mod/{kernel}/src")
        shutil.copy(notes.with_suffix(".gcno"), data.with_suffix(".gcno"))
    inside = Path("/kawela") / work.relative_to(paths.TOP)
    done = subprocess.run(
        [paths.TOP / "scripts" / "in-root", "sh", "-c",
         f"find {inside} -name '*.gcda' | xargs gcov --json-format --stdout"],
        stdout=subprocess.PIPE, check=True)
    for document in done.stdout.splitlines():
        for file in json.loads(document)["files"]:
            name = file["file"].rpartition(f"/{kernel}/src/")[2].removeprefix("./")
            if name.startswith(OURS):
                for line in file["lines"]:
                    total[name][line["line_number"]] += line["count"]


def report_coverage(kernel: str) -> str:
    """Write the report over all runs with the current modules; its summary in a line."""
    total: Lines = defaultdict(Counter)
    archives = sorted(coverage_dir(kernel).glob("*.tar"))
    for archive in archives:
        count(kernel, archive, paths.BUILD / "debug" / "coverage.tmp", total)
    if not total:
        return "coverage: nothing was counted"
    ran = {name: sum(map(bool, lines.values())) for name, lines in total.items()}
    lines, covered = sum(map(len, total.values())), sum(ran.values())
    summary = f"coverage: {covered} of {lines} lines, {100 * covered / lines:.1f} %"
    with REPORT.open("w") as out:
        out.write(f"{summary}; {kernel}, {time.strftime('%Y-%m-%d')}, machines: {len(archives)}\n\n"
                  "lines    ran      %  file\n")
        for name in sorted(total):
            out.write(f"{len(total[name]):5} {ran[name]:6} {100 * ran[name] / len(total[name]):6.1f}  {name}\n")
        out.write("\nLines that did not run\n")
        for name in sorted(total):
            source = (objects(kernel) / name).read_text().splitlines()
            missed = sorted(line for line, times in total[name].items() if not times)
            if missed:
                out.write(f"\n{name}\n" + "".join(f"{line:6}  {source[line - 1]}\n" for line in missed))
    return f"{summary}; by file and line in {REPORT.relative_to(paths.TOP)}"
