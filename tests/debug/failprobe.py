#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=1500 drivers=kawela kernels=7.2-debug
"""Out of memory at the probe of the PF: every allocation, whoever makes it; see failnth.py."""

from lib.py import defer, ksft_true
from kwl_env import MODULE
from kwl_failnth import Sweep, run_sweeps, sparing, sparing_cache, write_to
from kwl_faults import carry, pair
from kwl_nic import driver_of
from kwl_sys import wait_for


def pf_bind(bench):
    """The PF's driver."""
    defer(bench.spoil)
    env = bench.env
    bench.disable()
    env.unbind()
    # ACPI's interpreter, asked for the slot's interrupt, uses what it has freed when it had no memory; and the core
    # goes on without an interrupt's files in /proc, but complains when it is to remove them
    with sparing("acpi_ns_evaluate"), sparing_cache("proc_dir_entry"):
        Sweep("probe of the PF", write_to(f"/sys/bus/pci/drivers/{MODULE}/bind", env.pci), env.unbind,
              lambda: driver_of(env.pci), lambda: ksft_true(driver_of(env.pci) == MODULE, "has a driver")).all(10)
    wait_for(lambda: env.ifname, what="the PF's interface")
    env.start()
    bench.start(pair()[0])
    carry(bench)


if __name__ == "__main__":
    run_sweeps([pf_bind])
