#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=150 drivers=kawela,stock
"""Out of memory or interrupts: a change that cannot be had leaves everything as it was, and working.

A test module makes chosen calls fail. Every call that a change makes is made to fail in turn.
"""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants, KsftNamedVariant
from kwl_env import Env, link, stock_skip
from kwl_sys import read, refused, run, write
from kwl_traffic import Stream, ping, transfer

NTH = "/sys/module/failcall/parameters/nth"
# Function, and what it returns when it fails.
CALLS = {"page_pool": ("page_pool_create", -12), "dma": ("dma_alloc_attrs", 0), "irq": ("request_threaded_irq", -12)}
KINDS = [KsftNamedVariant(name, *call) for name, call in CALLS.items() if name != "irq"]


def arm(symbol, value, comm):
    """Load the module that makes calls of a function fail."""
    run(f"modprobe failcall symbol={symbol} value={value} comm={comm}")
    defer(run, "modprobe -r failcall")


def shape(env):
    """Return what must not change: ring sizes, number of channels, carrier losses so far."""
    rings = env.ethtool_json("-g")
    channels = re.findall(r"^Combined:\s+(\d+)$", env.ethtool("-l").stdout, re.M)[-1]
    return rings["rx"], rings["tx"], channels, read(f"/sys/class/net/{env.ifname}/carrier_changes")


def fail_each(env, line, stream):
    """Let each call fail in turn until the change succeeds; return how many there were."""
    before = shape(env)
    for number in range(1, 40):
        write(NTH, number)
        problem = refused(line.format(dev=env.ifname))
        fired = read(NTH) == "0"
        write(NTH, 0)
        if not problem:
            ksft_eq(fired, False, f"`{line}` succeeded although call {number} failed")
            return number - 1
        ksft_true(fired, f"call {number} was reached; message: {problem}")
        ksft_eq(shape(env), before, f"rings, channels, carrier changes after failure {number}")
        stream.moves()
    raise RuntimeError("no end of calls to fail")


@ksft_variants(KINDS)
def ring_change(env, symbol, value):
    """A ring change that runs out of memory is refused; the old rings never stop working."""
    stock_skip("frees its rings before it allocates others")
    arm(symbol, value, "ethtool")
    env.ethtool("-G", "rx", 256, "tx", 256, check=False)
    with Stream(env, "rx") as stream:
        count = fail_each(env, "ethtool -G {dev} rx 512 tx 512", stream)
    env.note("calls of", symbol, "made to fail:", count)
    ksft_ge(count, 2, "calls that were made to fail")
    env.wait_carrier()
    ksft_eq(env.ethtool_json("-g")["rx"], 512, "ring size once nothing fails")


@ksft_variants([KsftNamedVariant(name, *call) for name, call in CALLS.items()])
def channel_change(env, symbol, value):
    """The same for the number of channels, which takes interrupts as well."""
    stock_skip("frees its rings before it allocates others")
    env.ethtool("-L", "combined", 2, check=False)
    env.wait_carrier()
    arm(symbol, value, "ethtool")
    with Stream(env, "tx") as stream:
        count = fail_each(env, "ethtool -L {dev} combined 4", stream)
    env.note("calls of", symbol, "made to fail:", count)
    ksft_ge(count, 2, "calls that were made to fail")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers with four channels")


@ksft_variants([KsftNamedVariant(name, *call) for name, call in CALLS.items()])
def bring_up(env, symbol, value):
    """An interface that cannot be opened stays down, and opens when there is memory again."""
    stock_skip("uses no page pools")
    env.set_link("down")
    arm(symbol, value, "ip")
    failures = 0
    for number in range(1, 40):
        write(NTH, number)
        problem = refused(f"ip link set {env.ifname} up")
        write(NTH, 0)
        if not problem:
            break
        failures += 1
        ksft_eq("UP" in link(env.ifname)["flags"], False, f"interface up after failure {number}: {problem}")
    ksft_ge(failures, 2, f"calls of {symbol} made to fail")
    env.wait_carrier()
    for direction in ("tx", "rx"):
        sent, got = transfer(env, direction, size=512 << 10)
        ksft_eq(sent, got, f"md5, {direction}")


def main():
    """Run the cases."""
    ksft_run([ring_change, channel_change, bring_up], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
