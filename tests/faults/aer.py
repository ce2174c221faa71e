#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=slot timeout=300 drivers=kawela,stock expect-log="AER: " alone=pci-core-locks
"""Errors on the PCI bus: correctable ones are not noticed, after the others PF and VFs come back.

The emulator reports them at the root port, above the card, and the kernel recovers all that is below it:
the PF's driver is told, the function is reset after a fatal error, and VFs are told as well. The emulated
82576 itself can report none: its device control register has no bits that would enable it.
"""

from lib.py import ksft_eq, ksft_exit, ksft_run
from kwl_faults import Watches, carry, now, pair
from kwl_nic import PCI_DEVICES
from kwl_qmp import Qmp
from kwl_sriov import Sriov, path, wire_end, with_drivers
from kwl_sys import read, wait_for
from kwl_traffic import Stream

PORT = "rp0"


def counted(bench, kind):
    """Return how many errors of a kind the root port has reported."""
    port = (PCI_DEVICES / bench.env.pci).resolve().parent
    rows = dict(row.split() for row in read(port / f"aer_dev_{kind}").splitlines())
    return int(rows[f"TOTAL_ERR_{kind[:3].upper()}" if kind == "correctable" else f"TOTAL_ERR_{kind.upper()}"])


def inject(bench, error, kind):
    """Have the root port report an error; wait until the kernel has taken it in."""
    before = counted(bench, kind)
    with Qmp() as qmp:
        qmp.monitor(f"pcie_aer_inject_error {PORT} {error}")
    wait_for(lambda: counted(bench, kind) > before, 20, f"the kernel to count a {kind} error")


def through(bench, error, kind):
    """Inject an error with PF and VFs busy and wait until all are back; connections survive it."""
    busy = path(bench.vfs[0], wire_end(bench.env))
    with Watches(bench) as watches, Stream(busy, "tx") as out, Stream(busy, "rx") as into:
        start = now()
        inject(bench, error, kind)
        watches.back(start, f"{kind} error on the bus ({error})", 60)
        out.moves(timeout=60)
        into.moves(timeout=60)
        if kind == "correctable":
            watches.unhurt(("PF", "VF 1"), "an error that the bus has corrected")
    ksft_eq(bench.numvfs(), 2, "VFs afterwards")
    carry(bench)


def correctable(bench):
    """An error that the bus has corrected is logged by the kernel, and that is all."""
    through(bench, "RCVR", "correctable")


def nonfatal(bench):
    """After a transaction that never ended, drivers are told and put their functions in order."""
    through(bench, "COMP_TIME", "nonfatal")


def fatal(bench):
    """After a malformed packet the link is reset, twice in a row."""
    for _ in range(2):
        through(bench, "MALF_TLP", "fatal")


def main():
    """Run the cases."""
    ksft_run(with_drivers([correctable, nonfatal, fatal], pair()), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
