#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=nested timeout=300 drivers=kawela
"""A hostile guest whose VF may master the bus, behind an IOMMU: rings and descriptors that point anywhere.

What hostile.py leaves out. The VF belongs to vfio and has 1 MiB of memory of its own; a good part of
what its descriptors name is outside. KWL_RINGS is the number of rings it sets up in each direction
(3000). Neighbour and PF carry checked traffic meanwhile, and broadcasts give the VF what to receive.
"""

import os
import re
import subprocess

from lib.py import defer, ksft_exit, ksft_ge, ksft_pr, ksft_run
from hostile import Target, calm, clean_after_flr
from kwl_sys import kernel_log, run

RINGS = int(os.environ.get("KWL_RINGS") or 3000)


class Owned(Target):
    """The same, with the VF in the hands of vfio."""

    def open_door(self):
        run("modprobe vfio-pci")
        self.vf.bind("vfio-pci")
        return f"{os.path.basename(os.readlink(self.sysfs / 'iommu_group'))}:{self.vf.pci}"

    def close_door(self):
        self.vf.unbind()


def broadcasts(target):
    """Something to receive for everybody, until the case ends."""
    words = ["ip", "netns", "exec", target.env.ns, "ping", "-q", "-b", "-i", "0.005", "192.0.2.255"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    defer(process.wait)
    defer(process.kill)


def rings(target):
    """Rings and descriptors in its memory, at its edge, and outside; and the IOMMU stops what is outside."""
    broadcasts(target)
    before = faults(target)
    done = target.attack("rings", RINGS, seed=7)
    stopped = faults(target) - before
    ksft_pr(f"the IOMMU has reported {stopped} accesses; it stops reporting when there are many")
    ksft_ge(done["granted"], 1, "times that it was in service")
    ksft_ge(stopped, 1, "accesses that the IOMMU has stopped and reported")


def faults(target):
    """How many accesses of the VF the IOMMU has reported; 6.12 does so without the domain."""
    domain, function = target.vf.pci.split(":", 1)
    return len(re.findall(rf"Request device \[({domain}:)?{function}\] fault addr", kernel_log()))


def main():
    """Run the cases."""
    ksft_run([calm, rings, clean_after_flr], args=(Owned(),))
    ksft_exit()


if __name__ == "__main__":
    main()
