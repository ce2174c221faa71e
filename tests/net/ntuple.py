#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=60 drivers=kawela
"""Rules for flows are refused in all their forms where the card is emulated, and RSS goes on next to it."""

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_true
from kwl_env import Env
from kwl_sys import output
from kwl_traffic import ping

RULES = ("flow-type tcp4 dst-port 80 action 1", "flow-type udp4 src-ip 192.0.2.2 action 1",
         "flow-type ether proto 0x88f7 action 1", "flow-type ip4 dst-ip 192.0.2.1 action -1")


def fixed(env):
    """The feature is off and cannot be switched on."""
    rows = [row.split() for row in output(f"ethtool -k {env.ifname}").splitlines() if row.startswith("ntuple-filters")]
    ksft_eq(rows, [["ntuple-filters:", "off", "[fixed]"]], "ethtool -k")
    env.ethtool("-K", "ntuple", "on", check=False)
    ksft_eq(env.feature("ntuple-filters"), None, "the feature after ethtool -K")


def refused(env):
    """No rule is taken, and the error says that there are none."""
    for rule in RULES:
        done = env.ethtool("-N", *rule.split(), check=False)
        ksft_true(done.returncode and "Operation not supported" in done.stderr, f"{rule}: {done.stderr}")
    done = env.ethtool("-n", check=False)
    ksft_true("Operation not supported" in done.stderr, f"list of rules: {done.stdout}{done.stderr}")


def rss_stays(env):
    """What shares its command with the rules works: the number of rings, and which fields are hashed."""
    shown = output(f"ethtool -x {env.ifname}")
    ksft_true("with 2 RX ring(s)" in shown, "number of rings")
    fields = env.ethtool("-n", "rx-flow-hash", "tcp4").stdout
    ksft_true("L4 bytes 0 & 1" in fields, "fields of tcp4")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")


def main():
    """Run the cases."""
    ksft_run([fixed, refused, rss_stays], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
