#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""Out of memory, as in memory.py, where the card or a queue changes what it is.

Leaving the pools and the mode switchdev must not fail: nobody could take the memory back otherwise.
"""

import errno

from lib.py import defer, ksft_eq, ksft_exit, ksft_run
from kwl_failcall import Failures, load, shell, unload
from kwl_faults import carry
from kwl_leaks import LeakCheck
from kwl_queue import clean_up, prepare, restart, wants_newer_kernel
from kwl_repr import Switchdev
from kwl_sriov import path, pf_end, wire_end
from kwl_split import shown, switch
from kwl_sys import output, read
from kwl_traffic import Stream, ping
from kwl_xsk import Xsk, refusal


def numvfs_zero(bench):
    """VFs go, whatever fails, and the PF goes on with what queues it can have."""
    defer(bench.spoil)
    with Stream(bench.env, "tx") as stream:
        def gone(when):
            ksft_eq(bench.numvfs(), 0, f"VFs {when}")
            stream.moves()
        Failures(bench, "sh", shell(f"echo 0 >{bench.env.sysfs}/sriov_numvfs"), gone, lambda: bench.enable(2)).all(3)


def into_switchdev(bench):
    """A mode that cannot be had is not there: VFs go on in the old one, without representors."""
    bench.use_ours()
    vf = bench.vfs[0]

    def changes():
        return output(f"cat /sys/class/net/{vf.ifname}/carrier_changes", ns=vf.ns)
    before = changes()

    def undisturbed(when):
        ksft_eq((bench.mode, bench.reprs(), changes()), ("legacy", {}, before),
                f"mode, representors, times that the VF's carrier has changed {when}")
        ksft_eq(ping(bench.env.peer_v4, count=3, ns=vf.ns), 3, f"answers {when}")
    command = ["devlink", "dev", "eswitch", "set", bench.devlink.name, "mode", "switchdev"]
    Failures(bench, "devlink", command, undisturbed).all(3, ["alloc_etherdev_mqs", "register_netdevice"])
    bench.legacy()
    carry(bench)


def out_of_switchdev(bench):
    """The way back needs no memory, or does without."""
    bench.use_ours()

    def back(when):
        ksft_eq((bench.mode, bench.reprs()), ("legacy", {}), f"mode and representors {when}")

    def enter():
        bench.mode = "switchdev"
    command = ["devlink", "dev", "eswitch", "set", bench.devlink.name, "mode", "legacy"]
    Failures(bench, "devlink", command, back, enter).all(0)
    for vf in bench.vfs:
        vf.wait_carrier()
    carry(bench)


def split(bench):
    """Headers are not split when the other buffers cannot be had; PF and VF."""
    bench.use_ours()
    for end in (pf_end(bench.env), bench.vfs[0]):
        with Stream(path(end, wire_end(bench.env)), "rx") as stream:
            def undisturbed(when, end=end, stream=stream):
                ksft_eq(shown(end)["tcp-data-split"], "off", f"setting {when}")
                stream.moves()

            def turn_on(end=end):
                return switch(end, "on", check=False).stderr or None
            Failures(bench, "ethtool", turn_on, undisturbed).all(3)
        switch(end, "off")
    bench.settle()
    carry(bench)


def queue_restart(bench):
    """A queue that cannot have other memory keeps what it has; PF and VF."""
    wants_newer_kernel()
    bench.use_ours()
    prepare()
    defer(clean_up)
    for end in (pf_end(bench.env), bench.vfs[0]):
        with Stream(path(end, wire_end(bench.env)), "rx") as stream:
            Failures(bench, "python3", lambda one=end: restart(one.ifname, 0, one.ns) or None,
                     lambda when, one=stream: one.moves()).all(3)
    carry(bench)


def socket(bench):
    """A socket that its queue cannot serve is refused, and the queue goes on for the stack; PF and VF."""
    bench.use_ours()
    for end in (pf_end(bench.env), bench.vfs[0]):
        with Stream(path(end, wire_end(bench.env)), "rx") as stream:
            def bind(end=end):
                fault = refusal(end)
                return errno.errorcode[fault] if fault else None
            Failures(bench, read("/proc/self/comm"), bind, lambda when, one=stream: one.moves()).all(1)
        Xsk(end).close()
    carry(bench)


def nothing_left(bench):
    """All those failures have left nothing behind."""
    bench.use_ours()
    bench.before.verify(bench.env)


class Bench(Switchdev):
    """Two VFs of ours, in mode legacy."""

    def use_ours(self):
        """Have them, ready for traffic."""
        return self.use("kawela_vf")

    def settle(self):
        """Wait until all have carrier."""
        self.env.wait_carrier()
        for vf in self.vfs:
            vf.wait_carrier()


def main():
    """Run the cases."""
    bench = Bench()
    load()
    bench.use_ours()
    bench.before = LeakCheck()
    ksft_run([into_switchdev, out_of_switchdev, split, queue_restart, socket, numvfs_zero, nothing_left],
             args=(bench, ))
    unload()
    ksft_exit()


if __name__ == "__main__":
    main()
