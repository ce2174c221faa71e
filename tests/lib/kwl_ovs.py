# SPDX-License-Identifier: GPL-2.0-only
"""Open vSwitch over the uplink and the representors, and which frame comes out of which port.

    namespace "vf0"   namespace "vf1"                        namespace "peer"
         v0                v1                                     wire0
         |                 |                                        |
         r0                r1         kovs0 (192.0.2.1)             PF
         |                 |                |                       |
         +-----------------+----------------+-----------------------+
                     Open vSwitch, this namespace
"""

import json
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

from lib.py import defer
from kwl_env import link
from kwl_frames import ether
from kwl_repr import PIPES, Switchdev
from kwl_switch import BROADCAST, FENCE, LOCAL, MARK, tag_of
from kwl_sys import SLOW, output, run, wait_for
from kwl_traffic import ping
from kwl_wire import Capture, send_frames

BRIDGE, HOST = "kovs0", "192.0.2.1"
RUN_DIR, SCHEMA = Path("/run/openvswitch"), "/usr/share/openvswitch/vswitch.ovsschema"
# The ends of traffic; representors and the uplink are ways to them.
OUTER = ("vf0", "vf1", "wire", "host")


class OvsBench(Switchdev):
    """Two VFs in mode switchdev, and a bridge of Open vSwitch if there is one."""

    def ends(self):
        """All ends by name; `host` is the bridge's own interface."""
        ends = super().ends()
        if Path(f"/sys/class/net/{BRIDGE}").exists():
            ends["host"] = SimpleNamespace(ns=None, ifname=BRIDGE, v4=HOST, v6=None, mac=link(BRIDGE)["address"])
        return ends


class Daemon:
    """A program in the foreground of nobody, with its log; it ends with the case."""

    def __init__(self, *words):
        self.words = words
        with tempfile.NamedTemporaryFile("w", prefix="ovs-", suffix=".log", delete=False) as out:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                            start_new_session=True)
            self.log = Path(out.name)
        defer(self.log.unlink)
        defer(self.stop)

    def said(self):
        """All that it has said."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def started(self, ready):
        """Wait until it is there."""
        wait_for(lambda: self.process.poll() is not None or ready(), 60, f"{self.words[0]} to start", step=0.1)
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.words[0]} ended: {self.said()}")
        return self

    def complaints(self):
        """Lines of its log that tell of more than a slow machine."""
        return [line for line in self.said().splitlines()
                if re.search(r"\|(WARN|ERR|EMER)\|", line) and "|timeval|" not in line]

    def wait(self):
        """Wait for its end."""
        self.process.wait(60 * SLOW)

    def kill(self):
        """End it at once."""
        self.process.kill()
        self.wait()

    def stop(self):
        """Ask it to end, and see that it does."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Ovs:
    """ovsdb-server and ovs-vswitchd with an empty database, and one bridge; all of it is gone with the case."""

    def __init__(self, bench, offload):
        self.bench, self.env = bench, bench.env
        if RUN_DIR.exists():
            raise RuntimeError(f"{RUN_DIR} is there: does an Open vSwitch run already?")
        run("modprobe openvswitch")
        defer(run, "rmmod openvswitch")
        RUN_DIR.mkdir()
        defer(shutil.rmtree, RUN_DIR)
        database = tempfile.mkdtemp(prefix="ovs-")
        defer(shutil.rmtree, database)
        run(f"ovsdb-tool create {database}/conf.db {SCHEMA}")
        socket = RUN_DIR / "db.sock"
        Daemon("ovsdb-server", f"{database}/conf.db", f"--remote=punix:{socket}", "--pidfile").started(socket.exists)
        self.vsctl("--no-wait", "init")
        # ovs-vswitchd looks at this when it starts.
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", f"other_config:hw-offload={offload}")
        defer(self.clean_up)
        self.switch = None
        self.start()

    def start(self):
        """Start ovs-vswitchd."""
        self.switch = Daemon("ovs-vswitchd", "--pidfile").started(
            lambda: run("ovs-appctl -T 5 version", check=False).returncode == 0)
        # Returns when the configuration is in force.
        self.vsctl("set", "Open_vSwitch", ".", "external_ids:started=yes")

    def exit(self, *words):
        """Have ovs-vswitchd end by its own command."""
        self.appctl("exit", *words)
        self.switch.wait()

    def clean_up(self):
        """Leave no datapath in the kernel: ovs-vswitchd does so only when it is told to."""
        if self.switch and self.switch.process.poll() is None:
            self.exit("--cleanup")
        elif "ovs-system" in output("ovs-dpctl dump-dps"):
            run("ovs-dpctl del-dp ovs-system")

    @staticmethod
    def vsctl(*words):
        """`ovs-vsctl WORDS...`; returns when ovs-vswitchd has done it."""
        return output(["ovs-vsctl", f"--timeout={60 * SLOW}", *map(str, words)], timeout=70).strip()

    @staticmethod
    def appctl(*words):
        """`ovs-appctl WORDS...` to ovs-vswitchd."""
        return output(["ovs-appctl", "-T", str(30 * SLOW), *words])

    def bridge(self, *ports):
        """A bridge with these ports, by default the uplink and two representors; it has the host's address."""
        words = ["add-br", BRIDGE, "--", "set", "bridge", BRIDGE, f"other_config:hwaddr={self.env.mac}"]
        for port in ports or (self.env.ifname, "r0", "r1"):
            words += ["--", "add-port", BRIDGE, port]
        self.vsctl(*words)
        run(f"sysctl -qw net.ipv6.conf.{BRIDGE}.disable_ipv6=1")
        run(f"ip addr add {HOST}/24 dev {BRIDGE}")
        run(f"ip link set {BRIDGE} up")
        return self

    def set_port(self, ifname, *words):
        """Settings of a port, as column=value."""
        self.vsctl("set", "Port", ifname, *words)

    def error(self, ifname):
        """What is wrong with an interface; "" if nothing is."""
        value = self.vsctl("--if-exists", "get", "Interface", ifname, "error")
        return "" if value == "[]" else value

    def learned(self):
        """{(address, VLAN): name of the port} of the bridge's table."""
        rows = re.findall(r"^\s*(\d+|LOCAL)\s+(\d+)\s+(\S{17})\s", self.appctl("fdb/show", BRIDGE), re.M)
        shown = json.loads(self.vsctl("--format=json", "--columns=ofport,name", "list", "Interface"))["data"]
        names = {str(number): name for number, name in shown if isinstance(number, int)}
        return {(mac, int(vid)): BRIDGE if port == "LOCAL" else names[port] for port, vid, mac in rows}

    def flows(self, *kind):
        """The datapath's flows, with names of ports."""
        return self.appctl("dpctl/dump-flows", "--names", *kind).splitlines()

    @staticmethod
    def add_flow(rule):
        """`ovs-ofctl add-flow`; gone with the case."""
        run(["ovs-ofctl", "add-flow", BRIDGE, rule])

    @staticmethod
    def hits(match):
        """How many frames a rule of OpenFlow has met."""
        return int(re.search(r"n_packets=(\d+)", output(["ovs-ofctl", "dump-flows", BRIDGE, match])).group(1))


def connected(bench, offload):
    """Two VFs, the host and the wire on a bridge of Open vSwitch; as before after the case."""
    bench.ready()
    env = bench.env
    run(f"ip addr flush dev {env.ifname}")
    defer(env.start)
    ovs = Ovs(bench, offload).bridge()
    bench.forget_neighbours()
    reach(bench)
    return ovs


def reach(bench, names=OUTER):
    """Wait until each of these ends has an answer of each other: all have their addresses learned."""
    ends = bench.ends()
    for one, other in permutations(names, 2):
        try:
            wait_for(lambda near=ends[one], far=ends[other]: ping(far.v4, ns=near.ns), 30, f"{one} to reach {other}")
        except TimeoutError:
            tell(bench)
            raise


def tell(bench):
    """Print what there is to know about frames that do not arrive."""
    ends = bench.ends()
    for one, other in permutations(OUTER, 2):
        bench.env.note(f"{one} to {other}:", ping(ends[other].v4, count=3, ns=ends[one].ns), "of 3 answers")
    for name, end in ends.items():
        shown = link(end.ifname, end.ns)
        bench.env.note(f"{name}: index {shown['ifindex']}, {shown['flags']}, {shown['stats64']}")
        bench.env.note(f"{name}: {output(['ip', 'neigh', 'show', 'dev', end.ifname], ns=end.ns).splitlines()}")
    for line in (["ovs-appctl", "fdb/show", BRIDGE], ["ovs-ofctl", "dump-flows", BRIDGE], ["ovs-dpctl", "show"],
                 ["ovs-appctl", "dpctl/dump-flows", "--names"],
                 *(["tc", "-s", "filter", "show", "dev", port, "ingress"] for port in (bench.env.ifname, "r0", "r1"))):
        bench.env.note(*line)
        for row in run(line, check=False).stdout.splitlines():
            bench.env.note("  ", row)


def everywhere(sender):
    """Where a frame to all comes out: of the sender's representor (or the uplink), and of all other ends."""
    return ([PIPES[sender]] if sender in PIPES else []) + [name for name in OUTER if name != sender]


def arrivals(bench, sender, targets, wanted, fenced=None, ready=None, src=None):
    """Send a frame to each (address, tag); return {port: sorted [(address, tag)]} of what came out, once per copy.

    wanted: {port: how many are to come}. They are waited for, then ready(), then a broadcast as a fence at the ports
    `fenced`: a frame whose flow is new goes by ovs-vswitchd, and what is sent after it may well overtake it.
    """
    ends = bench.ends()
    origin = ends[sender]
    source = src or origin.mac
    frames = [ether(dst, source, LOCAL, MARK + bytes(60), tci) for dst, tci in targets]
    with ExitStack() as stack:
        captures = {name: stack.enter_context(Capture(end.ifname, end.ns, lambda data: MARK in data or FENCE in data))
                    for name, end in ends.items()}
        send_frames(origin.ifname, frames, origin.ns)
        for name, count in wanted.items():
            captures[name].wait(count, 20 * SLOW)
        if ready:
            wait_for(ready, 30, f"word of the frames from {sender}")
        send_frames(origin.ifname, [ether(BROADCAST, source, LOCAL, FENCE + bytes(60))], origin.ns)
        for name in everywhere(sender) if fenced is None else fenced:
            wait_for(lambda one=captures[name]: any(FENCE in frame.data for frame in one.wait(0)), 20,
                     f"the fence of {sender} at {name}")
        got = {name: [frame for frame in capture.wait(0) if MARK in frame.data] for name, capture in captures.items()}
    return {name: sorted(((one.data[:6].hex(":"), tag_of(one)) for one in found), key=str)
            for name, found in got.items() if found}


def filters_of(ifname):
    """Where each filter of tc at an interface is, as tc has it: ["not_in_hw", ...]."""
    shown = output(f"tc -s filter show dev {ifname} ingress")
    return re.findall(r"^\s*(in_hw|not_in_hw)\b", shown, re.M)
