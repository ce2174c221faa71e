#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""Suspend and resume: the link comes back with every setting, whether the interface was up or down.

A test module takes the device, and only it, through the phases of a system suspend and resume.
"""

import re

from lib.py import ksft_eq, ksft_exit, ksft_run, defer
from kwl_env import Env, link
from kwl_sys import kernel_log, read, run, write
from kwl_traffic import Stream, ping, transfer


def suspend(env):
    """Suspend and resume the device."""
    run("dmesg -C")
    write("/sys/module/devsleep/parameters/device", env.pci)
    log = kernel_log()
    ksft_eq(re.findall(r"sleeping in state (\w+)", log), ["D3hot"], "power state in between")
    problems = [row for row in log.splitlines() if re.search(r"(igb|kawela).*(fail|error)", row, re.I)]
    ksft_eq(problems, [], "complaints while suspending")


def while_up(env):
    """A running interface carries traffic again after resume, and suspends again."""
    for _ in range(2):
        suspend(env)
        env.wait_carrier(30)
        for direction in ("tx", "rx"):
            sent, got = transfer(env, direction, size=512 << 10)
            ksft_eq(sent, got, f"md5 after resume, {direction}")


def settings_kept(env):
    """What the user set is in force after resume."""
    env.set_mtu(4000)
    defer(env.set_mtu, 1500)
    env.ethtool("-G", "rx", 1024)
    env.set_link("address", "52:54:00:12:34:56")
    defer(env.set_link, "address", env.mac)
    suspend(env)
    env.wait_carrier(30)
    ksft_eq(link(env.ifname)["mtu"], 4000, "MTU")
    ksft_eq(read(f"/sys/class/net/{env.ifname}/address"), "52:54:00:12:34:56", "MAC address")
    ksft_eq(env.ethtool_json("-g")["rx"], 1024, "ring")
    run(f"ip -n {env.ns} neigh flush all")
    ksft_eq(ping(env.peer_v4, size=3972, options="-M do"), 1, "full frames")


def while_down(env):
    """An interface that was down is down after resume and can be brought up."""
    env.set_link("down")
    suspend(env)
    ksft_eq("UP" in link(env.ifname)["flags"], False, "interface up after resume")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")


def under_traffic(env):
    """A connection survives the pause."""
    with Stream(env, "tx") as out, Stream(env, "rx") as back:
        suspend(env)
        env.wait_carrier(30)
        out.moves(timeout=60)
        back.moves(timeout=60)


def main():
    """Run the cases."""
    run("modprobe devsleep")
    ksft_run([while_up, settings_kept, while_down, under_traffic], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
