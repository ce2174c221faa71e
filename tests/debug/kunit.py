#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=60 drivers=kawela kernels=7.2-debug
"""The KUnit tests of the pure functions: what they say in the kernel log, a case for each."""

import re

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_sys import kernel_log, output, run

MODULE = "kwl_kunit"


def cases_of(module):
    """The names of its tests, as its symbols tell: what never ran must be missed."""
    return sorted(set(re.findall(rf"^\S+ t ({module}_\w+)\s+\[{module}\]$", output("cat /proc/kallsyms"), re.M))
                  - {f"{module}_run"})


def main():
    """Run them, and report each."""
    run("modprobe kunit enable=1 autorun=1")
    before = len(kernel_log().splitlines())
    run(f"modprobe {MODULE}")
    said = "\n".join(kernel_log().splitlines()[before:])
    found = {name: state for state, name in re.findall(rf"(not ok|ok) \d+ ({MODULE}_\w+)", said)}

    def one(name):
        def case():
            ksft_eq(found.get(name), "ok", "what the kernel log says")
        case.__name__ = name
        return case
    ksft_run([one(name) for name in cases_of(MODULE)])
    run(f"modprobe -r {MODULE}")
    run("modprobe -r kunit")
    ksft_exit()


if __name__ == "__main__":
    main()
