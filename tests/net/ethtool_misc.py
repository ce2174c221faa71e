#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""The smaller ethtool services: self-test, register dump, NVM dump, port lights, message level."""

import re
import struct
import subprocess
import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import Env, on_stock, stock_skip, stock_xfail
from kwl_frames import mac_bytes
from kwl_regs import dump
from kwl_sys import kernel_log, output, run, write
from kwl_traffic import ping

ROWS = ["Registers", "NVM checksum", "Interrupt", "Loopback", "Link"]
LEDCTL = 0x0E00

def selftest(env, mode):
    """Run a self-test; return ({name: result}, its verdict)."""
    text = run(["ethtool", "-t", env.ifname, mode], check=False, timeout=60).stdout
    rows = re.findall(r"^(\S.*?)\s+(?:\(\w+\)\s+)?(\d+)\s*$", text, re.M)
    verdict = re.search(r"The test result is (\w+)", text)
    env.note(mode, "self-test:", dict(rows))
    return dict(rows), verdict and verdict.group(1)


def online_selftest(env):
    """The online test passes and does not disturb the link."""
    changes = output(f"cat /sys/class/net/{env.ifname}/carrier_changes")
    rows, verdict = selftest(env, "online")
    ksft_ge(len(rows), 1, "tests")
    ksft_eq(verdict, "PASS", "verdict")
    ksft_eq(output(f"cat /sys/class/net/{env.ifname}/carrier_changes"), changes, "carrier changes")


def offline_selftest(env):
    """The offline test passes, and afterwards the interface works as before."""
    rows, verdict = selftest(env, "offline")
    ksft_ge(len(rows), 2, "tests")
    if not on_stock():
        ksft_eq(list(rows), ROWS, "tests")
    if verdict != "PASS":
        stock_xfail(f"tests registers the emulator does not have: {rows}")
    ksft_eq(verdict, "PASS", f"verdict of {rows}")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers afterwards")


def offline_selftest_while_down(env):
    """The offline test leaves an interface that was down, down."""
    env.set_link("down")
    _, verdict = selftest(env, "offline")
    ksft_eq("UP" in output(f"ip link show {env.ifname}").split(">")[0], False, "interface is up")
    env.set_link("up")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers afterwards")
    if verdict != "PASS":
        stock_xfail("tests registers the emulator does not have")
    ksft_eq(verdict, "PASS", "verdict")


def selftest_fails(env):
    """With VFs the offline test fails where it would disturb them, and does the rest."""
    stock_skip("its rows have other names")
    write(env.sysfs / "sriov_drivers_autoprobe", 0)
    defer(write, env.sysfs / "sriov_drivers_autoprobe", 1)
    write(env.sysfs / "sriov_numvfs", 1)
    defer(write, env.sysfs / "sriov_numvfs", 0)
    env.wait_carrier()
    rows, verdict = selftest(env, "offline")
    ksft_eq((verdict, [name for name, result in rows.items() if result != "0"]), ("FAIL", [ROWS[0], ROWS[3]]), "with VFs")
    ksft_in("no offline tests: VFs are in use", kernel_log(), "log")


def register_dump(env):
    """The dump holds registers, and reading them disturbs nothing."""
    done = subprocess.run(["ethtool", "-d", env.ifname, "raw", "on"], capture_output=True, check=True)
    words = [word for word, in struct.iter_unpack("<I", done.stdout[:len(done.stdout) & ~3])]
    ksft_ge(len(words), 32, "registers dumped")
    ksft_ge(sum(1 for word in words if word not in (0, 0xFFFFFFFF)), 8, "registers that are not trivial")
    low = int.from_bytes(mac_bytes(env.mac)[:4], "little")
    ksft_in(low, words, "the address register among them")
    ksft_eq(ping(env.peer_v4, count=2), 2, "answers afterwards")


def register_names(env):
    """Our script has a name for each register of the dump, and for the fields that are set."""
    stock_skip("ethtool has names for its dump")
    raw = subprocess.run(["ethtool", "-d", env.ifname, "raw", "on"], capture_output=True, check=True).stdout
    done = subprocess.run(["/kawela/scripts/decode-regs"], input=raw, capture_output=True, check=True)
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    ksft_eq([int(row[0], 16) for row in rows], list(dump(env)), "offsets")
    ksft_eq([row for row in rows if row[1].startswith("0x")], [], "without a name")
    named = {row[1]: row[3:] for row in rows}
    ksft_eq(len(named), len(rows), "names")
    ksft_true({"LU", "FD", "SPEED=2"} <= set(named["STATUS"]), f"the link in STATUS: {named['STATUS']}")
    ksft_in("ENABLE", named["RXDCTL(0)"], "a queue that runs")
    ksft_eq(named["SRRCTL(0)"][:2], ["BSIZEPKT=3", "DESCTYPE=1"], "its buffers")
    refused = subprocess.run(["/kawela/scripts/decode-regs"], input=b"abc", capture_output=True, check=False)
    ksft_in(b"no dump of kawela_pf", refused.stderr, "anything else")


def nvm_dump(env):
    """The NVM holds the MAC address and the sum the device defines."""
    done = subprocess.run(["ethtool", "-e", env.ifname, "raw", "on"], capture_output=True, check=True)
    ksft_eq(done.stdout[:6], mac_bytes(env.mac), "first six bytes")
    words = struct.unpack("<64H", done.stdout[:128])
    ksft_eq(hex(sum(words) & 0xFFFF), "0xbaba", "sum of the first 64 words")
    part = subprocess.run(["ethtool", "-e", env.ifname, "raw", "on", "offset", "1", "length", "3"],
                          capture_output=True, check=True)
    ksft_eq(part.stdout, done.stdout[1:4], "three bytes from an odd offset")


def identify(env):
    """-p blinks for as long as asked, and traffic goes on meanwhile."""
    start = time.monotonic()
    before = None if on_stock() else dump(env)[LEDCTL]
    seen = set()
    blinking = subprocess.Popen(["ethtool", "-p", env.ifname, "2"])
    ksft_eq(ping(env.peer_v4, count=5), 5, "answers while blinking")
    while not on_stock() and blinking.poll() is None:
        seen.add(dump(env)[LEDCTL])
    ksft_eq(blinking.wait(20), 0, "exit status")
    ksft_ge(time.monotonic() - start, 1.8, "seconds of blinking")
    if not on_stock():
        # All four on, all four off
        ksft_true({0x0E0E0E0E, 0x0F0F0F0F} <= seen, f"LEDCTL: {seen}")
        ksft_eq(dump(env)[LEDCTL], before, "LEDCTL afterwards")


def message_level(env):
    """The message level is shown as set."""
    before = re.search(r"Current message level: (0x\w+)", output(f"ethtool {env.ifname}")).group(1)
    env.ethtool("-s", "msglvl", "0x2007")
    ksft_in("Current message level: 0x00002007", output(f"ethtool {env.ifname}"), "as set")
    env.ethtool("-s", "msglvl", before)
    ksft_true(before in output(f"ethtool {env.ifname}"), "as before")


def main():
    """Run the cases."""
    ksft_run([online_selftest, offline_selftest, offline_selftest_while_down, selftest_fails, register_dump, register_names, nvm_dump,
              identify, message_level], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
