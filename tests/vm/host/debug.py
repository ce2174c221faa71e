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
Owners = dict[str, dict[int, str]]      # file: {line: its function}
UNREACHED = paths.TOP / "tests" / "debug" / "unreached"
UNKNOWN = "nobody has said why"


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


def count(kernel: str, archive: Path, work: Path, total: Lines, owners: Owners) -> None:
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
                    owners[name][line["line_number"]] = line.get("function_name", "")


def reasons() -> dict[tuple[str, str], str]:
    """Why lines of a function do not run, {(file, function): reason}."""
    known = {}
    for row in UNREACHED.read_text().splitlines():
        if row and not row.startswith("#"):
            name, functions, reason = row.split(None, 2)
            known.update(((name, function.strip("-")), reason) for function in functions.split(","))
    return known


def explain(total: Lines, owners: Owners) -> tuple[dict[str, dict[str, list[int]]], list[str]]:
    """Lines that did not run, {reason: {file: lines}}; reasons that nothing needs any more."""
    known, used = reasons(), set()
    missed: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(total):
        for line in sorted(line for line, times in total[name].items() if not times):
            key = (name, owners[name][line])
            used.add(key)
            missed[known.get(key, UNKNOWN)][name].append(line)
    return missed, [" ".join(key) for key in known if key not in used]


def report_coverage(kernel: str) -> str:
    """Write the report over all runs with the current modules; its summary in a line."""
    total: Lines = defaultdict(Counter)
    owners: Owners = defaultdict(dict)
    archives = sorted(coverage_dir(kernel).glob("*.tar"))
    for archive in archives:
        count(kernel, archive, paths.BUILD / "debug" / "coverage.tmp", total, owners)
    if not total:
        return "coverage: nothing was counted"
    ran = {name: sum(map(bool, lines.values())) for name, lines in total.items()}
    lines, covered = sum(map(len, total.values())), sum(ran.values())
    missed, idle = explain(total, owners)
    unknown = sum(map(len, missed.get(UNKNOWN, {}).values()))
    summary = f"coverage: {covered} of {lines} lines, {100 * covered / lines:.1f} %; {unknown} of the others unexplained"
    with REPORT.open("w") as out:
        out.write(f"{summary}; {kernel}, {time.strftime('%Y-%m-%d')}, machines: {len(archives)}\n\n"
                  "lines    ran      %  file\n")
        for name in sorted(total):
            out.write(f"{len(total[name]):5} {ran[name]:6} {100 * ran[name] / len(total[name]):6.1f}  {name}\n")
        out.write("\n" + "".join(f"explained, but they run: {one}\n" for one in idle))
        # What nobody has explained comes first
        for reason in sorted(missed, key=lambda reason: (reason != UNKNOWN, reason)):
            out.write(f"\nDid not run: {reason}\n")
            for name, rows in missed[reason].items():
                source = (objects(kernel) / name).read_text().splitlines()
                out.write(f"\n{name}\n" + "".join(
                    f"{line:6}  {owners[name][line]:30} {source[line - 1].strip()}\n" for line in rows))
    return f"{summary}; by file and line in {REPORT.relative_to(paths.TOP)}"
