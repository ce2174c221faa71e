#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""AF_XDP on the PF without copies: both ways, in pieces, beside the stack, over resets."""

import kwl_xdp
import kwl_xsk
from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_env import Env
from kwl_sriov import Pings
from kwl_sys import run, write
from kwl_traffic import ping


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


def stays(env):
    """Down and up, rings, channels, a reset."""
    one = dut(env)

    def bounce():
        one.set_link("down")
        one.set_link("up")
    kwl_xsk.stays(one, ("down and up", bounce),
                  ("other rings", lambda: one.ethtool("-G", "rx", 512, "tx", 512)),
                  ("one channel", lambda: one.ethtool("-L", "combined", 1)),
                  ("eight channels", lambda: one.ethtool("-L", "combined", 8)),
                  ("a function reset", lambda: write(env.sysfs / "reset", 1)))


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
    ksft_run([receives, sends, checksums, large, large_in_small, limits, starves, verdicts, stays, other_queue, shared_queue,
              shared_memory, comes_and_goes, beside_stack, gone], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
