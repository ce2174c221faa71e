# SPDX-License-Identifier: GPL-2.0-only
"""What the driver does on silicon, as far as an emulated card shows it: what it writes to registers.

A module makes the card look like one of silicon, and the kernel's mmiotrace has all accesses; see kwl_regs.py for
what that costs. What the card would make of them is not seen.
"""

import sys

from lib.py import ksft_exit, ksft_run
from kwl_env import MODULE, Env
from kwl_regs import Accesses, can_trace, start_tracer, stop_tracer
from kwl_sys import run


def last_writes(env, action):
    """Do something; return {register: value} of what was written meanwhile, the last value of each."""
    with Accesses(env.pci) as seen:
        action()
    return {one.offset: one.value for one in seen if one.kind == "W"}


def run_on_silicon(cases, prepare):
    """Run the cases of a file with the tracer on and the card in disguise; prepare(env) is what they get."""
    if not can_trace():
        print("1..0 # SKIP kernel without mmiotrace")
        sys.exit(4)
    env = Env(up=False)
    env.unbind()
    start_tracer()
    try:
        run("modprobe silicon")
        env.bind(up=False)
        ksft_run(cases, args=(prepare(env),))
    finally:
        # In this order: what was mapped under the tracer has to be gone before it.
        run(f"modprobe -r {MODULE}")
        run("modprobe -r silicon")
        stop_tracer()
    ksft_exit()
