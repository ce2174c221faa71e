#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=90 drivers=kawela,stock
"""Pause settings are shown as set, advertised, and kept. The emulator neither sends nor obeys PAUSE."""

from lib.py import ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_variants
from kwl_env import Env, stock_xfail
from kwl_sys import output
from kwl_traffic import ping


def shown(env):
    """Return (autonegotiate, rx, tx) as ethtool -a shows them."""
    rows = env.ethtool_json("-a")
    return rows["autonegotiate"], rows["rx"], rows["tx"]


def default(env):
    """Pause is negotiated by default, and the device says it supports it."""
    ksft_eq(shown(env)[0], True, "autonegotiate")
    ksft_in("Supported pause frame use: Symmetric", output(f"ethtool {env.ifname}"), "ethtool")


@ksft_variants([(False, False), (True, False), (False, True), (True, True)])
def forced(env, rx, tx):
    """Without negotiation each combination is in force and shown, and kept over down and up."""
    env.ethtool("-A", "autoneg", "off", "rx", "on" if rx else "off", "tx", "on" if tx else "off", check=False)
    env.wait_carrier()
    ksft_eq(shown(env), (False, rx, tx), "settings")
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    if shown(env) != (False, rx, tx):
        stock_xfail("lets negotiation overrule forced pause when the link comes up")
    ksft_eq(shown(env), (False, rx, tx), "settings after down and up")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers")


def negotiated_again(env):
    """Negotiation can be switched on again and carries traffic."""
    env.ethtool("-A", "autoneg", "on", "rx", "on", "tx", "on", check=False)
    env.wait_carrier()
    ksft_eq(shown(env)[0], True, "autonegotiate")
    ksft_in("Advertised pause frame use: Symmetric", output(f"ethtool {env.ifname}"), "ethtool")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers")


def main():
    """Run the cases."""
    ksft_run([default, forced, negotiated_again], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
