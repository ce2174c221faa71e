#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""XDP on the PF: verdicts, frames sent back and redirected, large frames, limits, metadata."""

import kwl_ptp
import kwl_xdp
from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run
from kwl_env import Env
from kwl_frames import to_dut
from kwl_rss import expected_hash, rxfh
from kwl_sriov import Pings
from kwl_sys import write

ENODATA = -61
# enum xdp_rss_hash_type: an IPv4 header, TCP, and that it is a hash over ports
L3_IPV4, L4, L4_TCP = 1, 8, 16


def dut(env):
    """The PF."""
    return kwl_xdp.Dut(env, env.ifname, None, env.mac)


def verdicts(env):
    """Drop, abort, pass."""
    kwl_xdp.verdicts(dut(env))


def drops_many(env):
    """More than there are buffers."""
    kwl_xdp.drops_many(dut(env))


def sends_back(env):
    """To the wire."""
    kwl_xdp.sends_back(dut(env))


def bursts(env):
    """More than a poll takes."""
    kwl_xdp.bursts(dut(env))


def redirects_out(env):
    """From the PF to another interface."""
    kwl_xdp.redirects_out(dut(env))


def redirects_in(env):
    """From another interface to the PF."""
    kwl_xdp.redirects_in(dut(env))


def to_other_cpu(env):
    """By way of another processor."""
    kwl_xdp.to_other_cpu(dut(env))


def large(env):
    """In several buffers."""
    kwl_xdp.large(dut(env))


def limits(env):
    """With the reason."""
    kwl_xdp.limits(dut(env))


def comes_and_goes(env):
    """Under traffic."""
    kwl_xdp.comes_and_goes(dut(env))


def stays(env):
    """Down and up, rings, channels, a reset."""
    one = dut(env)

    def bounce():
        one.set_link("down")
        one.set_link("up")
    kwl_xdp.stays(one, ("down and up", bounce),
                  ("other rings", lambda: one.ethtool("-G", "rx", 512, "tx", 512)),
                  ("one channel", lambda: one.ethtool("-L", "combined", 1)),
                  ("eight channels", lambda: one.ethtool("-L", "combined", 8)),
                  ("a larger MTU", lambda: one.set_mtu(3000)),
                  ("the old MTU", lambda: one.set_mtu(1500)),
                  ("a function reset", lambda: write(env.sysfs / "reset", 1)))


def down(env):
    """While the PF is down."""
    kwl_xdp.down(dut(env))


def beside_stack(env):
    """One queue for both."""
    one = dut(env)
    one.ethtool("-L", "combined", 1)
    try:
        kwl_xdp.beside_stack(one, lambda: Pings(env.v4, env.ns))
    finally:
        one.ethtool("-L", "combined", 2)


def metadata(env):
    """Hash, VLAN tag and time stamp are what the stack would be told."""
    _, key = rxfh(env)
    kwl_ptp.configure(env.ifname, kwl_ptp.TX_OFF, kwl_ptp.EVENTS)
    env.set_link("promisc", "on")
    with kwl_xdp.Metadata(dut(env)) as program:
        told = program.of(to_dut(env, 4, "tcp", sport=1234, dport=4321))
        ksft_eq((told["hash_err"], told["hash_type"]), (0, L3_IPV4 | L4 | L4_TCP), "type of the hash")
        ksft_eq(told["hash"], expected_hash(env, key, 4, (1234, 4321)), "hash")
        ksft_eq((told["vlan_err"], told["time_err"]), (ENODATA, ENODATA), "no tag, no time")

        told = program.of(to_dut(env, 4, "udp", tci=0x6123, sport=1, dport=2))
        ksft_eq((told["vlan_err"], told["vlan_tci"], told["vlan_proto"]), (0, 0x6123, 0x0081), "tag")

        phc = kwl_ptp.Phc(env.ifname)
        begin = phc.get()
        told = program.of(kwl_ptp.frame(env.peer_mac, kwl_ptp.SYNC))
        ksft_eq(told["time_err"], 0, "time stamp")
        ksft_ge(told["time"], begin, "time stamp and the clock before")
        ksft_ge(phc.get(), told["time"], "the clock after, and time stamp")


def main():
    """Run the cases."""
    env = Env()
    env.quiet()
    ksft_run([verdicts, drops_many, sends_back, bursts, redirects_out, redirects_in, to_other_cpu, large, limits,
              comes_and_goes, stays, down, beside_stack, metadata], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
