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


def kernels() -> list[str]:
    """The kernels under test, oldest first."""
    conf = (TOP / "scripts" / "bench.conf").read_text()
    return re.search(r'^KERNELS="([^"]*)"', conf, re.M)[1].split()


def topologies() -> list[str]:
    return sorted(path.name for path in TOPOLOGIES.iterdir())


def check_kernel(kernel: str) -> str:
    if kernel not in kernels():
        raise BenchError(f"no kernel '{kernel}': choose one of {', '.join(kernels())}")
    return kernel


def release(kernel: str) -> str:
    """The full release of a kernel, such as 6.12.1+deb13-amd64."""
    found = sorted((ROOT / "lib" / "modules").glob(f"{kernel}.*"))
    if not found:
        raise BenchError(f"kernel {kernel} is not in build/root: run 'make setup'")
    return found[0].name


def setup() -> None:
    """Make what the bench consists of; returns at once when it is all there."""
    if subprocess.run([TOP / "scripts" / "setup"], check=False).returncode:
        raise BenchError("set-up failed; run it again to resume")


def build_modules(kernel: str) -> None:
    """Build our modules for a kernel, as far as they changed."""
    script = TOP / "scripts" / "build-modules"
    if subprocess.run([script, kernel], check=False).returncode:
        raise BenchError(f"the modules do not build for {kernel}")
