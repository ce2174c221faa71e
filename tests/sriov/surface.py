#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""What ethtool shows of a VF, and what it refuses there: the port is the PF's."""

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run
from kwl_sriov import Sriov
from kwl_sys import ethtool_table, run
from kwl_traffic import ping

# Registers, EEPROM, speed, pause, rules, table, LED, self test, negotiation, EEE, wake-up
REFUSED = ("-d", "-e", "-s speed 100 duplex full autoneg off", "-s wol g", "-a", "-A rx off", "-N rx-flow-hash tcp4 sdfn",
           "-N flow-type tcp4 dst-port 80 action 0", "-n", "-X equal 1", "-p 1", "-t", "-r", "--show-eee")


def ethtool(vf, line):
    """`ethtool OPTION VF words...`; returns the finished process."""
    option, *words = line.split()
    return run(["ethtool", option, vf.ifname, *words], ns=vf.ns, check=False)


def refused(bench):
    """What belongs to the port is not supported on a VF, and nothing changes by it."""
    vf = bench.use("kawela_vf").vfs[0]
    for line in REFUSED:
        done = ethtool(vf, line)
        ksft_in("not supported", done.stderr.lower(), f"ethtool {line}")
    ksft_eq(ping(bench.env.peer_v4, count=3, ns=vf.ns), 3, "answers")


def speed(bench):
    """Speed and duplex are the port's; nobody knows them while the VF is down."""
    vf = bench.use("kawela_vf").vfs[0]
    defer(vf.wait_carrier)
    defer(vf.set_link, "up")

    def shown():
        table = ethtool_table(run(["ethtool", vf.ifname], ns=vf.ns).stdout)
        return [table[name].split(" (")[0] for name in ("Speed", "Duplex", "Link detected")]
    ksft_eq(shown(), ["1000Mb/s", "Full", "yes"], "up")
    vf.set_link("down")
    ksft_eq(shown(), ["Unknown!", "Unknown!", "no"], "down")


def main():
    """Run the cases."""
    ksft_run([refused, speed], args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
