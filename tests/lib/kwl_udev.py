# SPDX-License-Identifier: GPL-2.0-only
"""systemd-udevd, without which the bench lives, for the time of a case; and what a case with it looks at.

    this namespace                             namespace "peer"
    PF ---+                                  +--- wire0, 192.0.2.2
          +--------- the wire ---------------+
    VF ---+  port VLAN 100                   +--- tagged (VLAN 100 on wire0), 198.51.100.1
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib.py import defer
from kwl_env import on_stock
from kwl_nic import netdev_of
from kwl_sriov import Vf
from kwl_sys import SLOW, output, run, wait_for

DAEMON = "/usr/lib/systemd/systemd-udevd"
OTHER_PAIR = ("kawela_pf", "kawela_vf") if on_stock() else ("igb", "igbvf")
VID, WIRE_IN_VLAN = 100, "198.51.100.1"
# Addresses that udev makes up for interfaces without one follow from the name and this.
MACHINE_ID = "82576825768257682576825768257682\n"
NOTICES = ("Invalid sender uid",)


def file(path, text):
    """Have a file with this text, until the case is over."""
    where = Path(path)
    before = where.read_text(encoding="utf-8") if where.exists() else None
    where.parent.mkdir(parents=True, exist_ok=True)
    if before is None:
        defer(where.unlink, missing_ok=True)
    else:
        defer(where.write_text, before, encoding="utf-8")
    where.write_text(text, encoding="utf-8")


def fresh(bench, up=True):
    """No VFs, and a PF as after the load of its driver; nothing of what others named or set is left."""
    bench.disable()
    bench.env.unbind()
    bench.env.bind(up=up)


def own_pair(bench):
    """Whoever loads drivers by their aliases takes this pair (Documentation/install.rst); returns the VFs' driver."""
    driver = bench.driver
    file("/etc/modprobe.d/kawela-test.conf", "".join(f"blacklist {name}\n" for name in OTHER_PAIR))
    bench.disable()
    run(f"rmmod {driver}")
    defer(run, f"modprobe {driver}")
    return driver


def take_vfs(bench):
    """Have the bench know the VFs that somebody else has made."""
    bench.vfs = [Vf(bench.env, at) for at in range(bench.numvfs())]
    return bench.vfs


def wire_in_vlan(env):
    """The partner in VLAN 100, until the case is over."""
    run(f"ip -n {env.ns} link add link {env.peer_if} name tagged type vlan id {VID}")
    defer(run, f"ip -n {env.ns} link del tagged")
    run(f"ip -n {env.ns} addr add {WIRE_IN_VLAN}/24 dev tagged")
    run(f"ip -n {env.ns} link set tagged up")


def told(bench, at):
    """What `ip -d link show PF` tells of a VF: VLAN and rate in short, without statistics."""
    row = bench.pf_vf(at)
    vlan = row["vlan_list"][0]
    return {"mac": row["address"], "vlan": (vlan.get("vlan", 0), vlan.get("qos", 0)), "spoofchk": row["spoofchk"],
            "state": row["link_state"], "trust": row.get("trust", False), "rate": row["rate"]["max_tx"],
            "query_rss": row.get("query_rss_en", False)}


class Daemon:
    """A program in the background whose words are kept; it ends with the case."""

    def __init__(self, words, **environment):
        self.words = words
        self.log = tempfile.NamedTemporaryFile("r", prefix="daemon-", errors="replace")
        with open(self.log.name, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                            env={**os.environ, **environment})
        defer(self.stop)

    def started(self, ready, seconds=60):
        """Wait until it is there."""
        wait_for(lambda: self.process.poll() is not None or ready(), seconds, f"{self.words[0]}", step=0.1)
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.words[0]} ended: {self.said()}")

    def said(self):
        """All that it has said."""
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ask it to end, and wait for that."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.log.close()


class Udev(Daemon):
    """systemd-udevd with all rules of the system."""

    def __init__(self):
        file("/etc/machine-id", MACHINE_ID)
        # Its database; after it has ended.
        defer(shutil.rmtree, "/run/udev", ignore_errors=True)
        super().__init__([DAEMON], SYSTEMD_LOG_LEVEL="notice")
        self.started(lambda: run("udevadm control --ping", check=False).returncode == 0)

    @staticmethod
    def settle():
        """Wait until all events are worked off."""
        run("udevadm settle --timeout=120", timeout=130)

    def reload(self):
        """Have it read its rules and .link files anew."""
        run("udevadm control --reload")
        run("udevadm control --ping")

    def announce(self, ifname):
        """Tell it of an interface as if that were new."""
        run(f"udevadm trigger --action=add /sys/class/net/{ifname}")
        self.settle()

    @staticmethod
    def known(ifname):
        """What its database has of an interface, {property: value}."""
        shown = output(f"udevadm info --query=property /sys/class/net/{ifname}")
        return dict(line.split("=", 1) for line in shown.splitlines())

    def complaints(self):
        """Lines of its log; those of the notice level and above is all that there is."""
        return [line for line in self.said().splitlines() if not line.startswith(NOTICES)]

    def load(self, env):
        """Load the PF's driver anew, with all that udev does then; returns the PF's name."""
        env.unbind()
        self.settle()
        env.bind(up=False)
        self.settle()
        return netdev_of(env.pci)
