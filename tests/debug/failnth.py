#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=900 drivers=kawela kernels=7.2-debug
"""Out of memory, by the kernel's own fault injection: every allocation of a call, whoever makes it.

tests/faults/memory.py makes calls of the driver's own code fail, on all kernels. Here the allocations
fail that the core makes for us as well, one after the other: it is refused and all is as before, or it
was not needed and all works. The probe of the PF, which allocates most, is in failprobe.py.
"""

import socket

from lib.py import defer, ksft_true
from kwl_env import link
from kwl_failnth import (Sweep, run_sweeps, set_channels, set_flags, set_mtu,
                         set_rings, sparing, write_to)
from kwl_faults import carry
from kwl_nic import driver_of
from kwl_sys import output, run, wait_for, write
from kwl_traffic import make_socket, ping

NETWORK = "192.0.2.0/24"


def flags_of(end):
    """Whether an interface is up, and its MTU."""
    shown = end.link()
    return "UP" in shown["flags"], shown["mtu"]


def reaches(bench, end):
    """Wait until an end has carrier and reaches the wire.

    When the stack has no memory for the route to an interface's neighbours, it brings the interface up
    without one and tells nobody: that is mended by hand.
    """
    if not output(f"ip -4 route show {NETWORK} dev {end.ifname}", ns=end.ns).strip():
        run(f"ip route add {NETWORK} dev {end.ifname}", ns=end.ns)
    wait_for(lambda: ping(bench.env.peer_v4, ns=end.ns), 20, f"{end.ifname} to reach the wire")


class Pf:
    """The PF with what Vf has, as far as it is used here."""

    def __init__(self, env):
        self.env, self.ns, self.ifname = env, None, env.ifname

    def link(self):
        """What `ip link show` knows."""
        return link(self.ifname)


def sweep_calls(bench, end):
    """Open, MTU and rings of an interface. It is up before and after."""
    with make_socket(socket.SOCK_DGRAM, 4, end.ns) as sock:
        def works():
            reaches(bench, end)

        def rings():
            return output(["ethtool", "-g", end.ifname], ns=end.ns), flags_of(end)
        set_rings(sock, end.ifname, 64)
        Sweep(f"rings of {end.ifname}", lambda: set_rings(sock, end.ifname, 128),
              lambda: set_rings(sock, end.ifname, 64), rings, works).all(3)
        set_mtu(sock, end.ifname, 1500)
        # The driver takes nothing for it; what fails is the core's, and not needed
        Sweep(f"MTU of {end.ifname}", lambda: set_mtu(sock, end.ifname, 4000),
              lambda: set_mtu(sock, end.ifname, 1500), lambda: flags_of(end), works).all(0)
        set_mtu(sock, end.ifname, 1500)
        set_flags(sock, end.ifname, False)
        Sweep(f"opening of {end.ifname}", lambda: set_flags(sock, end.ifname, True),
              lambda: set_flags(sock, end.ifname, False), lambda: flags_of(end), works).all(3)
    works()


def vf_calls(bench):
    """What a VF's interface is asked for."""
    sweep_calls(bench, bench.vfs[0])
    carry(bench)


def pf_calls(bench):
    """What the PF's interface is asked for, with VFs in use."""
    sweep_calls(bench, Pf(bench.env))
    carry(bench)


def set_rings_back(ifname):
    """The size that they come with."""
    run(f"ethtool -G {ifname} rx 256 tx 256", check=False)


def pf_channels(bench):
    """More queues for the PF; without VFs, who would take them all but one."""
    defer(bench.spoil)
    bench.disable()
    end = Pf(bench.env)
    with make_socket(socket.SOCK_DGRAM, 4) as sock:
        # Each buffer of each ring is an allocation
        set_rings(sock, end.ifname, 64)
        defer(set_rings_back, end.ifname)
        set_channels(sock, end.ifname, 1)
        defer(bench.env.ethtool, "-L", "combined", 2, check=False)
        Sweep("channels of the PF", lambda: set_channels(sock, end.ifname, 4),
              lambda: set_channels(sock, end.ifname, 1),
              lambda: (output(["ethtool", "-l", end.ifname]), flags_of(end)), lambda: reaches(bench, end)).all(3)
    reaches(bench, end)


def numvfs(bench):
    """VFs, made and removed."""
    defer(bench.spoil)
    bench.disable()
    env = bench.env
    write(env.sysfs / "sriov_drivers_autoprobe", 0)
    defer(write, env.sysfs / "sriov_drivers_autoprobe", 1)
    do = write_to(env.sysfs / "sriov_numvfs", "2")

    def undo():
        write(env.sysfs / "sriov_numvfs", 0)
    # The PCI core warns of a device that it could not name or add, and goes on with it as if it had
    with sparing("pci_iov_add_virtfn"):
        Sweep("sriov_numvfs", do, undo, bench.numvfs, lambda: ksft_true(bench.numvfs() == 2, "two VFs")).all(3)
    undo()


def vf_bind(bench):
    """A VF's driver."""
    defer(bench.spoil)
    vf = bench.vfs[0]
    vf.unbind()
    Sweep("probe of a VF", write_to(f"/sys/bus/pci/drivers/{bench.driver}/bind", vf.pci), vf.unbind,
          lambda: driver_of(vf.pci), lambda: ksft_true(driver_of(vf.pci) == bench.driver, "has a driver")).all(10)
    vf.come_up()
    carry(bench)


if __name__ == "__main__":
    run_sweeps([vf_calls, vf_bind, pf_calls, numvfs, pf_channels])
