#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=slot timeout=300 drivers=kawela,stock expect-log="NETDEV WATCHDOG"
"""Faults of the PF with VFs in use: hangs, resets, sleep, flaps, a driver that goes. PF and VFs are back afterwards."""

import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import on_stock, stock_skip, stock_xfail
from kwl_faults import Watches, carry, function_reset, hang_transmit, mend, now, pair, recovery
from kwl_nic import driver_of
from kwl_qmp import Qmp
from kwl_sriov import Sriov, path, pf_end, wire_end, with_drivers
from kwl_sys import read, run, wait_for, write
from kwl_traffic import Stream

FLAPS = 100
# After each that many flaps the link is left alone until it is there.
LASTING = 20


def through(bench, what, act, timeout=40):
    """Do something to the PF with all of them busy, and wait until all are back; connections of VFs survive."""
    wire = wire_end(bench.env)
    with Watches(bench) as watches, Stream(path(bench.vfs[0], wire), "tx") as out, \
         Stream(path(bench.vfs[1], wire), "rx") as into:
        start = now()
        act()
        tolls = watches.back(start, what, timeout)
        out.moves(timeout=60)
        into.moves(timeout=60)
    carry(bench)
    return tolls


def transmit_hangs(bench):
    """The PF's transmit queue hangs; the watchdog has it reset under the VFs."""
    # A VF has a queue of either half.
    queues = [queue for queue in range(16) if queue % 8 >= bench.numvfs()]

    def hang():
        try:
            hang_transmit(bench.env, pf_end(bench.env), queues)
        except TimeoutError:
            if on_stock():
                mend(bench)
            stock_xfail("with VFs no watchdog strikes in 40 s and the PF is dead meanwhile; its driver is bound anew")
            raise
    through(bench, "PF transmit time-out", hang)


def function_is_reset(bench):
    """FLR of the PF."""
    stock_skip("does not take part in function resets")
    defer(write, bench.env.sysfs / "reset_method", "default")
    write(bench.env.sysfs / "reset_method", "flr")
    through(bench, "PF FLR", lambda: function_reset(bench.env.pci))
    ksft_eq(bench.numvfs(), 2, "VFs afterwards")


def bus_is_reset(bench):
    """Secondary-bus reset: the VFs' functions are reset along with the PF."""
    stock_skip("does not take part in function resets")
    defer(write, bench.env.sysfs / "reset_method", "default")
    write(bench.env.sysfs / "reset_method", "bus")
    through(bench, "secondary-bus reset", lambda: function_reset(bench.env.pci))
    ksft_eq(bench.numvfs(), 2, "VFs afterwards")


def driver_goes(bench):
    """The PF's driver is unbound with VFs in use: they go; PF and VFs are back when it is bound again."""
    defer(bench.spoil)
    with Watches(bench):
        bench.env.unbind()
        ksft_eq((bench.numvfs(), [driver_of(vf.pci) for vf in bench.vfs]), (0, [None, None]), "VFs afterwards")
    start = now()
    bench.env.bind()
    recovery("PF driver unbound, bind to carrier of the PF", now() - start)
    bench.start(bench.driver)
    recovery("PF driver unbound, bind to carrier of two new VFs", now() - start)
    carry(bench)


def sleeps(bench):
    """The PF goes to sleep and wakes under its VFs."""
    run("modprobe devsleep")
    defer(run, "modprobe -r devsleep")
    through(bench, "PF suspended for 1000 ms and resumed",
            lambda: write("/sys/module/devsleep/parameters/device", bench.env.pci))


def all_sleep(bench):
    """VFs and PF go to sleep and wake in the order of a system's suspend."""
    run("modprobe devsleep")
    defer(run, "modprobe -r devsleep")
    order = " ".join([vf.pci for vf in reversed(bench.vfs)] + [bench.env.pci])
    through(bench, "VFs and PF suspended for 1000 ms and resumed",
            lambda: write("/sys/module/devsleep/parameters/device", order))


def link_flaps(bench):
    """The cable is pulled and plugged a hundred times; carrier is right in the end, on PF and VFs."""
    env = bench.env
    losses = int(read(f"/sys/class/net/{env.ifname}/carrier_down_count"))

    def flap(qmp):
        for at in range(FLAPS):
            cable(qmp, False)
            time.sleep(0.02 + 0.01 * (at % 5))
            cable(qmp, True)
            # Negotiation takes half a second; most of the time it is interrupted.
            if at % LASTING:
                time.sleep(0.02 + 0.02 * (at % 3))
            else:
                env.wait_carrier()
        cable(qmp, False)
        for name, end in {"PF": env, "VF 0": bench.vfs[0], "VF 1": bench.vfs[1]}.items():
            try:
                wait_for(lambda one=end: not one.carrier(), 20, f"{name} to lose carrier")
            except TimeoutError:
                stock_xfail(f"{name} keeps its carrier without a link")
                raise
        cable(qmp, True)

    with Qmp() as qmp:
        try:
            through(bench, f"{FLAPS} link flaps and a lasting loss of link", lambda: flap(qmp))
        finally:
            cable(qmp, True)
    ksft_eq([env.carrier()] + [vf.carrier() for vf in bench.vfs], [True] * 3, "carrier in the end")
    losses = int(read(f"/sys/class/net/{env.ifname}/carrier_down_count")) - losses
    env.note(f"the PF's interface has lost its carrier {losses} times")
    ksft_ge(losses, FLAPS // LASTING, "losses of carrier")


def cable(qmp, plugged):
    """Plug or pull the cable."""
    qmp.execute("set_link", name="nic", up=plugged)


def interface_down(bench):
    """The PF's interface goes down and up three times: VF to VF and VF to wire go on without a loss."""
    env, (one, other) = bench.env, bench.vfs
    more = {"VF 0 to VF 1": (other.v4, one.ns)}
    with Watches(bench, more, pf=False) as watches:
        start = now()
        for _ in range(3):
            env.set_link("down")
            time.sleep(1)
            kept = [vf.carrier() for vf in bench.vfs]
            if on_stock() and not all(kept):
                env.set_link("up")
                env.wait_carrier()
                carry(bench)
                stock_xfail("VFs lose their carrier when the PF's interface goes down")
            ksft_eq(kept, [True, True], "carrier of the VFs while the PF is down")
            env.set_link("up")
            env.wait_carrier()
        watches.back(start, "PF down and up three times")
        watches.unhurt(watches.watches, "the PF's interface going down and up")
    carry(bench)


def main():
    """Run the cases."""
    cases = [transmit_hangs, function_is_reset, bus_is_reset, driver_goes, sleeps, all_sleep, link_flaps,
             interface_down]
    ksft_run(with_drivers(cases, pair()), args=(Sriov(), ))
    ksft_exit()


if __name__ == "__main__":
    main()
