#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Link: carrier follows the PHY, settings are reported, negotiation can be restarted.

The partner cannot pull the plug here: pulling it is the emulator's doing, from outside the
machine. A restart of negotiation drops and raises the link of the 82576, which is as good.
"""

import subprocess
import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import Env, link, on_stock, stock_xfail
from kwl_sys import ethtool_table, output, read, wait_for
from kwl_traffic import ping


class LinkEvents:
    """Collect what `ip monitor link` says about the DUT while in the context."""

    def __init__(self, env):
        self.ifname = env.ifname

    def __enter__(self):
        self.proc = subprocess.Popen(["ip", "-o", "monitor", "link"], stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait(5)

    def states(self):
        """Stop and return the sequence of carrier states, repetitions removed."""
        time.sleep(0.5)
        self.proc.terminate()
        rows = [row for row in self.proc.stdout.read().splitlines() if f" {self.ifname}: " in row]
        states = ["up" if "LOWER_UP" in row else "down" for row in rows]
        return [state for at, state in enumerate(states) if at == 0 or states[at - 1] != state]


def plain(env):
    """Return what `ethtool DUT` prints."""
    return output(f"ethtool {env.ifname}")


def settings(env):
    """Return the rows of `ethtool DUT`."""
    return ethtool_table(plain(env))


def reported_settings(env):
    """A gigabit copper link reports itself as one."""
    shown = settings(env)
    for name, value in (("Speed", "1000Mb/s"), ("Duplex", "Full"), ("Auto-negotiation", "on"),
                        ("Link detected", "yes"), ("Port", "Twisted Pair")):
        ksft_eq(shown.get(name), value, name)
    text = plain(env)
    for mode in ("10baseT/Half", "10baseT/Full", "100baseT/Half", "100baseT/Full", "1000baseT/Full"):
        ksft_in(mode, text.split("Supported pause")[0], "supported link modes")
    ksft_eq(read(f"/sys/class/net/{env.ifname}/speed"), "1000", "sysfs speed")


def carrier_follows_admin_state(env):
    """`ip link set down` ends carrier and traffic, `up` brings both back after negotiation."""
    env.set_link("down")
    ksft_eq(env.carrier(), False, "carrier when down")
    ksft_eq(settings(env).get("Link detected"), "no", "ethtool when down")
    ksft_eq(ping(env.v4, options="-W 1", ns=env.ns), 0, "answers when down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers when up")


def restart_negotiation(env):
    """ethtool -r drops the link and brings it back; listeners hear both; traffic works."""
    changes = int(read(f"/sys/class/net/{env.ifname}/carrier_changes"))
    with LinkEvents(env) as events:
        env.ethtool("-r")
        wait_for(lambda: int(read(f"/sys/class/net/{env.ifname}/carrier_changes")) >= changes + 2, 20,
                 "two carrier changes")
        env.wait_carrier()
        states = events.states()
    ksft_eq(states[-2:], ["down", "up"], f"states heard {states}")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers after -r")


def restart_while_down(env):
    """ethtool -r on an interface that is down does no harm; ours refuses it, as it does without negotiation."""
    env.set_link("down")
    done = env.ethtool("-r", check=False)
    env.note("exit status of -r when down:", done.returncode, done.stderr.strip())
    ksft_eq(env.carrier(), False, "carrier when down")
    if not on_stock():
        ksft_in("temporarily unavailable", done.stderr, "what is said when down")
    env.set_link("up")
    env.wait_carrier()
    if not on_stock():
        defer(env.wait_carrier)
        defer(env.ethtool, "-s", "autoneg", "on")
        env.ethtool("-s", "speed", 100, "duplex", "full", "autoneg", "off")
        ksft_in("Invalid argument", env.ethtool("-r", check=False).stderr, "what is said without negotiation")
    ksft_eq(ping(env.peer_v4), 1, "answers")


def one_event_each(env):
    """Down and up makes exactly one carrier loss and one carrier gain: no flapping."""
    before = int(read(f"/sys/class/net/{env.ifname}/carrier_changes"))
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    time.sleep(1)
    ksft_eq(int(read(f"/sys/class/net/{env.ifname}/carrier_changes")) - before, 2, "carrier changes")


def advertised_modes(env):
    """Advertising only gigabit is accepted, shown, and gives a link; so is advertising all again."""
    before = settings(env)
    env.ethtool("-s", "advertise", "0x20")
    env.wait_carrier()
    text = plain(env)
    ksft_eq(text.split("Advertised link modes:")[1].split("\n")[0].strip(), "1000baseT/Full", "advertised")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers")
    env.ethtool("-s", "autoneg", "on", "advertise", "0x2f")
    env.wait_carrier()
    ksft_eq(settings(env).get("Speed"), before.get("Speed"), "speed")
    ksft_in("10baseT/Half", plain(env).split("Advertised link modes:")[1].split("Advertised pause")[0], "advertised")


def forced_speed(env):
    """Speed and duplex by hand are shown and give a link, over down and up; negotiation finds the best again."""
    stock_xfail("without a negotiation its link never comes on the emulator")
    for speed, duplex in ((100, "full"), (10, "half")):
        env.ethtool("-s", "speed", speed, "duplex", duplex, "autoneg", "off")
        env.wait_carrier()
        rows = settings(env)
        ksft_eq((rows["Speed"], rows["Duplex"], rows["Auto-negotiation"]),
                (f"{speed}Mb/s", duplex.capitalize(), "off"), "shown")
        ksft_eq(ping(env.peer_v4, count=2), 2, f"answers at {speed} Mb/s")
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(settings(env)["Speed"], "10Mb/s", "shown after down and up")
    env.ethtool("-s", "autoneg", "on", "advertise", "0x2f")
    env.wait_carrier()
    ksft_eq((settings(env)["Speed"], settings(env)["Auto-negotiation"]), ("1000Mb/s", "on"), "negotiated again")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers")


def no_eee(env):
    """The card is older than energy-efficient Ethernet and says so."""
    for words in (("--show-eee",), ("--set-eee", "eee", "on")):
        done = env.ethtool(*words, check=False)
        ksft_true(done.returncode, f"{words} refused")
        ksft_in("not supported", done.stderr, f"what is said to {words}")


def impossible_settings(env):
    """Speeds the device does not have are refused."""
    ksft_ge(env.ethtool("-s", "speed", 2500, "autoneg", "off", check=False).returncode, 1, "2500 Mb/s")
    ksft_ge(env.ethtool("-s", "speed", 1000, "duplex", "half", "autoneg", "off", check=False).returncode, 1,
            "1000 Mb/s half duplex")
    if not on_stock():
        ksft_in("Invalid argument", env.ethtool("-s", "speed", 1000, "duplex", "full", "autoneg", "off", check=False).stderr,
                "a gigabit without negotiation")
    ksft_eq(env.carrier(), True, "carrier after refusals")
    ksft_eq(link(env.ifname)["operstate"], "UP", "operstate")


def main():
    """Run the cases."""
    ksft_run([reported_settings, carrier_follows_admin_state, restart_negotiation, restart_while_down,
              one_event_each, advertised_modes, forced_speed, no_eee, impossible_settings], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
