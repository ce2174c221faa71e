#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=1500 drivers=kawela kernels=7.2-debug
"""Out of memory at the probe of the PF: every allocation, whoever makes it; see failnth.py."""

from lib.py import defer, ksft_exit, ksft_run, ksft_true
from kwl_env import MODULE
from kwl_failnth import Sweep, available, prepare, sparing, sparing_cache, write_to
from kwl_faults import carry, pair
from kwl_leaks import LeakCheck
from kwl_nic import driver_of
from kwl_sriov import Sriov, with_drivers
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


def nothing_left(bench):
    """All those failures have left nothing behind."""
    bench.before.verify(bench.env)


def main():
    """Run the cases."""
    bench = Sriov()
    ksft_true(available(), "this kernel has failslab and fail_page_alloc")
    prepare()
    bench.use(pair()[0])
    bench.before = LeakCheck()
    ksft_run(with_drivers([pf_bind, nothing_left], pair()), args=(bench, ))
    ksft_exit()


if __name__ == "__main__":
    main()
