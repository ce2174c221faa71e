#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""AF_XDP on the PF without copies: both ways, in pieces, beside the stack, over resets."""

import time

import kwl_xdp
import kwl_xsk
from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import Env
from kwl_iowindow import Registers
from kwl_ptp import FILTERS, TX_OFF, TX_ON, Phc, configure, ts_stats
from kwl_sriov import Pings
from kwl_sys import run, wait_for, write
from kwl_traffic import ping


TSYNCTXCTL, STAMPS = 0xB614, 1 << 4
TXDCTL, ENABLE = 0xE028, 1 << 25


def dut(env):
    """The PF."""
    return kwl_xdp.Dut(env, env.ifname, None, env.mac)


def receives(env):
    """From the wire to a socket."""
    kwl_xsk.receives(dut(env))


def sends(env):
    """From a socket to the wire."""
    kwl_xsk.sends(dut(env))


def checksums(env):
    """By what is in front of a frame."""
    kwl_xsk.checksums(dut(env))


def stamping(env):
    """Stamp what leaves for the time of the case; return the clock."""
    configure(env.ifname, TX_ON, FILTERS["none"])
    defer(configure, env.ifname, TX_OFF, FILTERS["none"])
    phc = Phc(env.ifname)
    defer(phc.close)
    return phc


def stamped(one, xsk, phc, **asks):
    """Send a frame that asks when it leaves, and check what it is told."""
    before = phc.get()
    xsk.send([asks.pop("frame", one.frame(0, 100, out=True))], stamps=True, **asks)
    xsk.drain()
    after = phc.get()
    ksft_true(before <= xsk.times[-1] <= after, f"stamp {xsk.times[-1]} between {before} and {after}")


def stamps(env):
    """A frame's chunk comes back with the time at which it has left; of many at once some have one, and all count."""
    one, phc, start = dut(env), stamping(env), ts_stats(env.ifname)
    with kwl_xsk.Xsk(one, metadata=kwl_xsk.METADATA) as xsk:
        for _ in range(20):
            stamped(one, xsk, phc)
        right = one.packet(4, "udp", None)
        with one.on_wire() as wire:
            stamped(one, xsk, phc, frame=kwl_xsk.unfinished(right, 34, "udp"), csums=[(34, kwl_xsk.CSUM_OFFSET["udp"])])
            ksft_eq([frame.data for frame in wire.wait(1, 5)], [right], "the frame that has asked for a checksum as well")
        told = {name: count - start[name] for name, count in ts_stats(env.ifname).items()}
        ksft_eq((told["pkts"], told["lost"], told["err"]), (21, 0, 0), "delivered, lost, not had")
        xsk.times = []
        xsk.send([one.frame(number, 100, out=True) for number in range(50)], stamps=True)
        xsk.drain()
        got = [stamp for stamp in xsk.times if stamp]
        ksft_ge(len(got), 1, "stamps of fifty at once")
        told = {name: count - start[name] for name, count in ts_stats(env.ifname).items()}
        ksft_eq((told["pkts"], told["lost"], told["err"]), (21 + len(got), 0, 50 - len(got)), "delivered, lost, not had")


def stamps_lost(env):
    """Without its stamp a frame comes back after a while; one that never leaves keeps nobody from having the next stamp."""
    one, phc, start = dut(env), stamping(env), ts_stats(env.ifname)
    with kwl_xsk.Xsk(one, metadata=kwl_xsk.METADATA) as xsk, Registers(env) as regs:
        regs.put(TSYNCTXCTL, regs.get(TSYNCTXCTL) & ~STAMPS)
        begin = time.monotonic()
        xsk.send([one.frame(number, 100, out=True) for number in range(3)], stamps=True)
        xsk.drain()
        ksft_ge(time.monotonic() - begin, 0.1, "seconds that the stamp is waited for")
        ksft_eq(xsk.times, [0, 0, 0], "times")
        ksft_eq(ts_stats(env.ifname)["lost"] - start["lost"], 1, "lost")
        regs.put(TSYNCTXCTL, regs.get(TSYNCTXCTL) | STAMPS)
        stamped(one, xsk, phc)
        regs.put(TXDCTL, regs.get(TXDCTL) & ~ENABLE)
        xsk.send([one.frame(9, 100, out=True)], stamps=True)
        wait_for(lambda: xsk.tx.room() == xsk.tx.entries, 5, "the driver to take it")
    # The kernel takes the socket from its queue after close() has returned
    wait_for(lambda: ts_stats(env.ifname)["lost"] - start["lost"] == 2, 5, "the loss of the frame of a socket that is gone")
    with kwl_xsk.Xsk(one, metadata=kwl_xsk.METADATA) as xsk:
        stamped(one, xsk, phc)


def no_stamps(env):
    """Where stamps are off."""
    kwl_xsk.no_stamps(dut(env))


def large(env):
    """In several chunks."""
    kwl_xsk.large(dut(env), 4096)


def large_in_small(env):
    """In many chunks."""
    kwl_xsk.large(dut(env), 2048)


def limits(env):
    """With an errno."""
    kwl_xsk.limits(dut(env))


def starves(env):
    """Without chunks."""
    kwl_xsk.starves(dut(env))


def verdicts(env):
    """Beyond the socket."""
    kwl_xsk.verdicts(dut(env))


def upheavals(env, one):
    """What stops the queues, by name."""
    def bounce():
        one.set_link("down")
        one.set_link("up")
    return (("down and up", bounce),
            ("other rings", lambda: one.ethtool("-G", "rx", 512, "tx", 512)),
            ("rings as before", lambda: one.ethtool("-G", "rx", 256, "tx", 256)),
            ("one channel", lambda: one.ethtool("-L", "combined", 1)),
            ("eight channels", lambda: one.ethtool("-L", "combined", 8)),
            ("a function reset", lambda: write(env.sysfs / "reset", 1)))


def stays(env):
    """Down and up, rings, channels, a reset."""
    one = dut(env)
    kwl_xsk.stays(one, *upheavals(env, one))


def unsent(env):
    """A queue that stops gives back what it has not sent, and the socket goes on."""
    one = dut(env)
    with kwl_xsk.Xsk(one) as xsk:
        for name, upheaval in upheavals(env, one):
            with Registers(env) as regs:
                regs.put(TXDCTL, regs.get(TXDCTL) & ~ENABLE)
                before = xsk.reap()
                xsk.send([one.frame(number, 100, out=True) for number in range(30)])
                wait_for(lambda: xsk.tx.room() == xsk.tx.entries, 5, "the driver to take them")
                ksft_eq(xsk.reap(), before, f"given back before {name}")
            upheaval()
            env.wait_carrier()
            xsk.drain()
            with one.on_wire() as wire:
                xsk.send([one.frame(99, 100, out=True)])
                ksft_eq(len(wire.wait(1, 5)), 1, f"frames on the wire after {name}")
            xsk.drain()


def other_queue(env):
    """A queue with a socket cannot go, and the other queues are the stack's."""
    one = dut(env)
    one.ethtool("-L", "combined", 2)
    # Nothing for the stack by the queue of the socket, which has no chunks
    one.ethtool("-X", "equal", 1)
    defer(one.ethtool, "-X", "default")
    with kwl_xsk.Xsk(one, queue=1) as xsk:
        ksft_true(xsk.zero_copy(), "zero copy")
        done = run(f"ethtool -L {env.ifname} combined 1", check=False)
        ksft_true(done.returncode, "fewer channels refused")
        ksft_in("AF_XDP", done.stderr, "reason")
        ksft_eq(ping(env.peer_v4, count=3), 3, "answers")
        with kwl_xsk.Xsk(one, queue=0) as other:
            ksft_true(other.zero_copy(), "zero copy on both")


def shared_queue(env):
    """With the same memory."""
    kwl_xsk.shared_queue(dut(env))


def shared_memory(env):
    """On two queues."""
    one = dut(env)
    one.ethtool("-L", "combined", 2)
    one.wait_carrier()
    kwl_xsk.shared_memory(one)


def comes_and_goes(env):
    """Under traffic."""
    kwl_xsk.comes_and_goes(dut(env), lambda: ping(env.peer_v4) == 1)


def beside_stack(env):
    """One queue for both."""
    one = dut(env)
    one.ethtool("-L", "combined", 1)
    try:
        kwl_xsk.beside_stack(one, lambda: Pings(env.v4, env.ns))
    finally:
        one.ethtool("-L", "combined", 2)


def gone(env):
    """With the driver."""
    kwl_xsk.gone(dut(env), env.unbind)
    env.bind()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")


def main():
    """Run the cases."""
    env = Env()
    ksft_run([receives, sends, checksums, stamps, stamps_lost, no_stamps, large, large_in_small, limits, starves, verdicts, stays, unsent, other_queue, shared_queue,
              shared_memory, comes_and_goes, beside_stack, gone], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
