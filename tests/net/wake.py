#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela,stock
"""Wake-on-LAN: what is shown, set and refused, and what the card is told as it goes to sleep.

The emulator wakes nobody: the registers are all there is to see.
"""

import re
import sys

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_env import MODULE, Env
from kwl_regs import Accesses, can_trace, start_tracer, stop_tracer
from kwl_sys import output, run, write
from kwl_traffic import ping

WUC, WUFC = 0x5800, 0x5808
PME_EN = 1 << 1
# In WUFC, by ethtool's letter
FILTERS = {"p": 1 << 0, "g": 1 << 1, "u": 1 << 2, "m": 1 << 3, "b": 1 << 4}


def shown(env):
    """Return (supported, in force) as ethtool's letters."""
    text = output(f"ethtool {env.ifname}")
    return tuple(re.search(rf"^\s+{name}: (\w+)$", text, re.M).group(1) for name in ("Supports Wake-on", "Wake-on"))


def set_to(env, letters):
    """`ethtool -s DUT wol LETTERS`; returns the finished process."""
    return env.ethtool("-s", "wol", letters, check=False)


def shown_as_set(env):
    """Each way, all and none are shown as set; `wakeup` in sysfs follows; down and up keeps it."""
    before = shown(env)[1]
    defer(set_to, env, before)
    ksft_eq(set(shown(env)[0]), set(FILTERS), "supported")
    for letters in (*FILTERS, "pumbg", "d", "ug"):
        ksft_eq(set_to(env, letters).returncode, 0, f"{letters} accepted")
        ksft_eq(set(shown(env)[1]), set(letters), "in force")
        state = "disabled" if letters == "d" else "enabled"
        ksft_eq(output(f"cat /sys/bus/pci/devices/{env.pci}/power/wakeup").strip(), state, f"wakeup with {letters}")
    env.set_link("down")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(set(shown(env)[1]), set("ug"), "in force after down and up")


def refusals(env):
    """Ways that the card does not have are refused with the reason, and nothing changes."""
    defer(set_to, env, shown(env)[1])
    set_to(env, "g")
    for letter in ("a", "s", "f"):
        done = set_to(env, letter)
        ksft_true(done.returncode, f"{letter} refused")
        ksft_in("unsupported", done.stderr, f"what is said to {letter}")
        ksft_eq(shown(env)[1], "g", f"in force after {letter}")


def sleep_traced(env):
    """Let the card sleep and wake up; return the values written to (WUFC, WUC)."""
    with Accesses(env.pci) as seen:
        write("/sys/module/devsleep/parameters/device", env.pci)
    env.wait_carrier(30)
    return tuple([one.value for one in seen if one.kind == "W" and one.offset == reg] for reg in (WUFC, WUC))


def armed(env):
    """The card is told what wakes it as it goes to sleep, and that there is nothing if so; traffic returns."""
    defer(set_to, env, shown(env)[1])
    for letters in ("g", "pumb", "d"):
        set_to(env, letters)
        filters, control = sleep_traced(env)
        want = sum(FILTERS.get(letter, 0) for letter in letters)
        env.note(f"{letters}: WUFC", [hex(one) for one in filters], "WUC", [hex(one) for one in control])
        ksft_eq(max(filters, default=0), want, f"filters with {letters}")
        ksft_eq(any(one & PME_EN for one in control), bool(want), f"may signal with {letters}")
        ksft_eq(shown(env)[1] == "d", letters == "d", f"shown after sleep with {letters}")
        ksft_eq(ping(env.peer_v4, count=3), 3, f"answers after sleep with {letters}")


def main():
    """Run the cases, the last one with the tracer on."""
    run("modprobe devsleep")
    if not can_trace():
        print("1..0 # SKIP a kernel that cannot trace registers (mmiotrace)")
        sys.exit(4)
    start_tracer()
    try:
        ksft_run([shown_as_set, refusals, armed], args=(Env(),))
    finally:
        # In this order: what was mapped under the tracer has to be gone before it.
        run(f"modprobe -r {MODULE}")
        stop_tracer()
    ksft_exit()


if __name__ == "__main__":
    main()
