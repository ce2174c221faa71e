# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's packet generator: many frames, and several of them to one doorbell."""

from lib.py import defer
from kwl_sys import run


def prepare(ifname, ns, **settings):
    """Have the generator send from an interface what the settings say (count, burst, pkt_size, dst_mac...).

    It is gone when the case is over.
    """
    run("modprobe pktgen")
    defer(run, "modprobe -r pktgen")
    tell(ns, "kpktgend_0", "rem_device_all")
    tell(ns, "kpktgend_0", f"add_device {ifname}")
    for name, value in settings.items():
        tell(ns, ifname, f"{name} {value}")


def tell(ns, file, words):
    """Write to one of the generator's files as seen from a namespace."""
    run(["sh", "-c", f"echo '{words}' >/proc/net/pktgen/{file}"], ns=ns)


def send(ns):
    """Send all of it."""
    tell(ns, "pgctrl", "start")
