# SPDX-License-Identifier: GPL-2.0-only
"""Which test files there are, what they need, and which of them were asked for."""

import fnmatch
import re
import shlex
from dataclasses import dataclass

from . import paths

FOLDERS = ("clients", "debug", "faults", "net", "sriov")
# The kernel's own tests, which scripts/build-kselftest builds on first use.
UPSTREAM = "upstream"
# Only when asked for by name: under TCG inner guests now and then die of the
# emulated SVM (host/inner.py), which says nothing about the drivers; the kernel's own
# tests take half an hour for each kernel, and the long ones six minutes, which continuous
# integration has not got.
ON_REQUEST = ("nested", "stress", UPSTREAM)
# Neither in a run of everything: under TCG, one new kernel in four complained of its own
# clock (hrtimer_forward() in hpet_init()), with the in-tree driver. And the Debian package:
# DKMS builds the modules three times over, with what belongs to them.
RARE = ("faults/kexec", "clients/deb")
# The same goes for what wants this topology, whose disk takes many more packages.
RARE_TOPOLOGY = "clients"
# What takes long runs on the newest kernel only, unless a kernel or files were
# asked for: all of it on both would take more than continuous integration has.
ONCE = ("clients/orchestration", "faults/", "net/devlink", "net/ptp", "net/stdstats", "net/xsk", "sriov/attributes",
        "sriov/bridge", "sriov/coalesce", "sriov/devlink", "sriov/hostile", "sriov/lifecycle", "sriov/lists", "sriov/mac",
        "sriov/policy", "sriov/removal", "sriov/split", "sriov/state", "sriov/switchdev", "sriov/switching",
        "sriov/trace", "sriov/vfstats", "sriov/vlan", "sriov/wildrings", "sriov/xdp", "sriov/xsk")
HEADER = re.compile(r"# kawela: (.*)")
DRIVERS = ("kawela", "stock")

# Runs on the host: the bench's tests of itself.
SELFTEST = "vm/selftest"
# The topology of files that need no machine either; they run once, before the others.
HOST = "host"


def check_driver(driver: str) -> None:
    if driver not in DRIVERS:
        raise paths.BenchError(f"no driver '{driver}': choose one of "
                               f"{', '.join(DRIVERS)}")


@dataclass
class TestFile:
    """One file, and the needs that its `# kawela:` line states."""

    name: str                       # such as net/link.py
    topology: str = "wire"
    timeout: float = 120
    drivers: str = "kawela,stock"
    kernels: str = ""               # all of them
    expect_log: str = ""            # a kernel message that it provokes on purpose
    alone: str = ""                 # why the debug kernel has a boot for it alone

    def not_for(self, driver: str, kernel: str) -> str:
        """Why the file cannot run like this; empty when it can."""
        if driver not in self.drivers.split(","):
            return f"only for driver {self.drivers}"
        if self.kernels and not {kernel, paths.series(kernel)} & set(self.kernels.split(",")):
            return f"only for kernel {self.kernels}"
        return ""

    def not_again(self, kernel: str) -> str:
        """Why a run of everything leaves it out on this kernel; empty if it does not."""
        newest = paths.kernels()[-1]
        if not self.name.startswith(ONCE) or kernel == newest:
            return ""
        return f"takes long, so runs on {newest} only, unless KERNEL= or T= is given"


def read_header(name: str) -> TestFile:
    file = TestFile(name)
    lines = (paths.TOP / "tests" / name).read_text().splitlines()[:15]
    found = [match[1] for line in lines if (match := HEADER.match(line))]
    for word in shlex.split(" ".join(found)):
        key, _, value = word.partition("=")
        if key == "timeout" and value.isdigit():
            file.timeout = float(value)
        elif key in ("topology", "drivers", "kernels", "expect-log", "alone") and value:
            setattr(file, key.replace("-", "_"), value)
        else:
            raise paths.BenchError(f"tests/{name}: '{word}' in its '# kawela:' line "
                                   "is not understood")
    if file.topology not in (HOST, *paths.topologies()):
        raise paths.BenchError(f"tests/{name}: no topology '{file.topology}'")
    if not set(file.drivers.split(",")) <= set(DRIVERS):
        raise paths.BenchError(f"tests/{name}: drivers={file.drivers}: "
                               f"know {', '.join(DRIVERS)}")
    return file


def names() -> list[str]:
    tests = paths.TOP / "tests"
    return sorted(f"{folder}/{path.name}" for folder in FOLDERS + ON_REQUEST
                  for path in (tests / folder).glob("*.py"))


def select(patterns: list[str]) -> list[str]:
    """The names that match any pattern: a glob, or a part of the name."""
    known = [SELFTEST, *names()]
    chosen = []
    if not patterns:
        return [name for name in known if name.split("/")[0] not in ON_REQUEST
                and not name.startswith(RARE) and (name == SELFTEST or read_header(name).topology != RARE_TOPOLOGY)]
    for pattern in patterns:
        matching = [name for name in known
                    if pattern in name or fnmatch.fnmatch(name, pattern)]
        if not matching:
            raise paths.BenchError(f"no test matches '{pattern}'; there are:\n  "
                                   + "\n  ".join(known))
        chosen += matching
    return [name for name in known if name in chosen]
