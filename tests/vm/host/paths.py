# SPDX-License-Identifier: GPL-2.0-only
"""Where things are, and what scripts/bench.conf says."""

import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
BUILD = TOP / "build"
ROOT = BUILD / "root"
RUNS = BUILD / "run"
TOPOLOGIES = TOP / "tests" / "vm" / "topology"


class BenchError(Exception):
    """Something the user can act upon; shown without a traceback."""


def setting(name: str) -> str:
    """What scripts/bench.conf says."""
    conf = (TOP / "scripts" / "bench.conf").read_text()
    return re.search(rf'^{name}="([^"]*)"', conf, re.M)[1]


def kernels() -> list[str]:
    """The kernels under test, oldest first."""
    return setting("KERNELS").split()


def own_kernels() -> dict[str, str]:
    """Those that are built here, with checkers; never among those under test."""
    return {"debug": setting("DEBUG_KERNEL"), "races": setting("RACES_KERNEL")}


def is_own(kernel: str) -> bool:
    return "-" in kernel


def is_debug(kernel: str) -> bool:
    """The one that looks for leaks, and counts lines."""
    return kernel.endswith("-debug")


def series(kernel: str) -> str:
    return kernel.partition("-")[0]


def slowness(kernel: str) -> int:
    """How many times longer than on a kernel of Debian's everything may take."""
    return 6 if is_debug(kernel) else 3 if is_own(kernel) else 1


def topologies() -> list[str]:
    return sorted(path.name for path in TOPOLOGIES.iterdir())


def check_kernel(kernel: str) -> str:
    """The name of a kernel as it was given; "debug" and "races" stand for those there are."""
    own = own_kernels()
    kernel = own.get(kernel, kernel)
    known = [*kernels(), *own.values()]
    if kernel not in known:
        raise BenchError(f"no kernel '{kernel}': choose one of {', '.join(known)}")
    return kernel


def tree(kernel: str) -> Path:
    """The tree with a kernel's boot/ and lib/modules/."""
    return BUILD / "debug" / kernel if is_own(kernel) else ROOT


def image(kernel: str) -> Path:
    """What a machine boots."""
    found = sorted((tree(kernel) / "boot").glob(f"vmlinuz-{series(kernel)}.*"))
    if not found:
        raise BenchError(f"there is no kernel {kernel}: run 'make setup'")
    return found[0]


def setup(*used: str) -> None:
    """Make what the bench consists of, and kernels of our own among those in use; returns at once when it is all there."""
    if subprocess.run([TOP / "scripts" / "setup"], check=False).returncode:
        raise BenchError("set-up failed; run it again to resume")
    for kernel in filter(is_own, used):
        script = TOP / "scripts" / "build-debug-kernel"
        if subprocess.run([script, kernel], check=False).returncode:
            raise BenchError(f"kernel {kernel} does not build; run it again to resume")


def build_kselftest(kernel: str) -> None:
    """Build the kernel's own tests of network drivers, unless they are there."""
    script = TOP / "scripts" / "build-kselftest"
    if subprocess.run([script, series(kernel)], check=False).returncode:
        raise BenchError(f"the tests of kernel {kernel} do not build; run it again to resume")


def disk(name: str) -> Path:
    """A disk for a guest: "root", or that with more programs, which is made on first use."""
    image = BUILD / f"{name}.img"
    if name != "root" and subprocess.run([TOP / "scripts" / f"build-{name}"], check=False).returncode:
        raise BenchError(f"the disk '{name}' cannot be made; run it again to resume")
    return image


def build_bpf() -> None:
    """Compile the BPF programs of the tests, unless they are there."""
    if subprocess.run([TOP / "scripts" / "build-bpf"], check=False).returncode:
        raise BenchError("the BPF programs of the tests do not compile")


def build_bench() -> None:
    """Compile what counts instructions, unless it is there."""
    if subprocess.run([TOP / "scripts" / "build-bench"], check=False).returncode:
        raise BenchError("the counter of instructions does not compile")


def build_modules(kernel: str) -> None:
    """Build our modules for a kernel, as far as they changed."""
    script = TOP / "scripts" / "build-modules"
    if subprocess.run([script, kernel], check=False).returncode:
        raise BenchError(f"the modules do not build for {kernel}")
