#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=90 drivers=kawela,stock
"""GRO: received segments are merged before they reach the stack, and only when switched on."""

import os

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_variants, KsftNamedVariant, defer
from kwl_env import Env
from kwl_traffic import transfer
from kwl_wire import at_dut

FAMILIES = [KsftNamedVariant("v4", 4), KsftNamedVariant("v6", 6)]


def largest(env, version, size=2 << 20):
    """Transfer to the DUT; return the largest frame its stack got."""
    kind = b"\x08\x00" if version == 4 else b"\x86\xdd"
    with at_dut(env, lambda data: data[12:14] == kind) as capture:
        sent, got = transfer(env, "rx", version, size)
        ksft_eq(sent, got, "md5")
        return max(len(one.data) for one in capture.wait(1))


@ksft_variants(FAMILIES)
def merged(env, version):
    """Segments that arrive together are handed over as one."""
    ksft_ge(largest(env, version), 2 * 1448, "largest merged frame")


@ksft_variants(FAMILIES)
def off(env, version):
    """With GRO off every frame is handed over as it was on the wire."""
    env.ethtool("-K", "gro", "off")
    defer(env.ethtool, "-K", "gro", "on")
    ksft_eq(largest(env, version), 1514, "largest frame")


def with_jumbo(env):
    """Merging works on jumbo frames, which span several receive buffers."""
    env.set_mtu(9000)
    defer(env.set_mtu, 1500)
    ksft_ge(largest(env, 4, 4 << 20), 2 * 8948, "largest merged frame")


def main():
    """Run the cases."""
    env = Env()
    # A little patience lets frames meet even when the emulated machine is slow.
    for name, value in (("gro_flush_timeout", 200_000), ("napi_defer_hard_irqs", 10)):
        with open(os.path.join("/sys/class/net", env.ifname, name), "w", encoding="ascii") as knob:
            knob.write(str(value))
    ksft_run([merged, off, with_jumbo], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
