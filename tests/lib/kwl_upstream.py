# SPDX-License-Identifier: GPL-2.0-only
"""Run the kernel's own tests of network drivers, unmodified, and judge them by a table.

scripts/build-kselftest has built them for each kernel. What they need is in their README
(drivers/net/README.rst): an interface that is up, a partner, and variables that name both. Each of
their cases becomes a case of ours. One that does not pass has to be in tests/upstream/expected, with
the reason; one that passes must not be there.
"""

import fnmatch
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from kwl_env import DRIVER, KERNEL, Env, calm_ipv6
from kwl_nic import netdev_of
from kwl_sriov import Sriov
from kwl_sys import SLOW, read, run, wait_for

SERIES = KERNEL.partition("-")[0]
SUITE = Path(f"/kawela/build/kselftest-{SERIES}")
TOOLS = SUITE / "tools" / "usr"
TABLE = Path(__file__).parents[1] / "upstream" / "expected"
# Seconds that a program may take, without KVM
LIMIT, LIMITS = 300, {"ethtool": 600, "ethtool_rmon": 900, "gro": 900, "rss_ctx": 1800, "toeplitz": 600, "xdp": 900}
EXIT_SKIP = 4

# Not among the addresses that they use by themselves, as for the inside of tunnels
V4, V6, PREFIX = "203.0.113.", "2001:db8:1::", "2001:db8:2::/64"

# Their configuration files have these built in; nothing would load them here.
MODULES = ("netconsole", "pppoe")

KTAP = re.compile(r"(ok|not ok) \d+(?: -)? ?([^#]*?)(?: *# *(SKIP|XFAIL)\b *(.*))?\s*$")
# How net/lib.sh prints a result; the reason for a failure follows on a line of its own.
SHELL = re.compile(r"TEST: (.*?)\s+\[\s*(OK|FAIL|SKIP|XFAIL)\s*\]")
STATES = {"OK": "pass", "FAIL": "fail", "SKIP": "skip", "XFAIL": "skip"}


@dataclass
class Case:
    """How one case of theirs ended: pass, fail or skip, and what it said about it."""

    name: str
    state: str
    said: str = ""


@dataclass
class Expected:
    """A line of the table: which cases do not pass, how, and why."""

    kernels: str
    drivers: str
    duts: str
    pattern: str
    result: str
    reason: str

    @property
    def results(self):
        """The states in which the case may end."""
        return {"pass", "fail"} if self.result == "maybe" else set(self.result.split(","))

    def covers(self, kernel, driver, dut, name):
        """Tell whether it speaks of this case, there."""
        where = zip((self.kernels, self.drivers, self.duts), (kernel, driver, dut))
        return (all(listed == "*" or value in listed.split(",") for listed, value in where)
                and fnmatch.fnmatchcase(name, self.pattern))


def read_table():
    """Return the lines of tests/upstream/expected."""
    rows = (line.split(None, 5) for line in read(TABLE).splitlines() if line and not line.startswith("#"))
    table = [Expected(*row) for row in rows]
    for row in table:
        if not row.results <= {"pass", "fail", "skip"}:
            raise ValueError(f"{TABLE}: no result '{row.result}'")
    return table


class Output:
    """What a program prints: shown as comments, and searched for cases."""

    def __init__(self, program):
        self.stem = program.stem
        self.limit = LIMITS.get(program.stem, LIMIT)
        self.cases = []
        self.planned = None
        self.skip_all = self.last = ""

    def take(self, line):
        """One line."""
        print(f"# | {line}", flush=True)
        if plan := re.match(r"1\.\.(\d+)(?:\s*# *SKIP *(.*))?$", line):
            self.planned, self.skip_all = int(plan[1]), plan[2] or ""
        elif found := KTAP.match(line):
            state, name, directive, said = found.groups()
            self.cases.append(Case(name.strip() or self.stem, STATES.get(
                directive, "pass" if state == "ok" else "fail"), said or ""))
        elif found := re.match(r"TEST: SKIP: (.*?)\s+\[", line):
            self.cases.append(Case(self.stem, "skip", found[1]))
        elif found := SHELL.match(line):
            name = re.sub(r"[^A-Za-z0-9_]+", "-", found[1].lower()).strip("-")
            self.cases.append(Case(f"{self.stem}.{name}", STATES[found[2]]))
        elif line.strip() and not line.startswith("# Totals"):
            self.last = line.strip()

    def finish(self, status, timed_out):
        """Return the cases, and add what the exit status tells beyond them."""
        if timed_out:
            self.cases.append(Case(f"{self.stem}.end", "fail", f"no end within {self.limit} s"))
        elif not self.cases and (status == EXIT_SKIP or self.skip_all or self.planned == 0):
            self.cases.append(Case(self.stem, "skip", self.skip_all or self.last))
        elif not self.cases:
            self.cases.append(Case(self.stem, "fail", f"exit status {status}: {self.last}"))
        elif self.planned is not None and self.planned != len(self.cases):
            self.cases.append(Case(f"{self.stem}.plan", "fail",
                                   f"{self.planned} cases planned, {len(self.cases)} reported"))
        return self.cases


def readdress(ifname, host, ns=None):
    """Give an interface these addresses alone; 1 is the device, 2 the remote end."""
    where = ["ip", "-n", ns] if ns else ["ip"]
    run([*where, "addr", "flush", "dev", ifname, "scope", "global"])
    run([*where, "addr", "replace", f"{V4}{host}/24", "dev", ifname])
    run([*where, "-6", "addr", "replace", f"{V6}{host}/64", "dev", ifname, "nodad"])


class Physical:
    """The PF as the device under test."""

    dut = "pf"

    def __init__(self):
        self.env = Env(up=False)
        self.start()

    @property
    def ifname(self):
        """The interface under test."""
        return self.env.ifname

    def restart(self):
        """Start again from what the driver comes up with."""
        self.env.unbind()
        self.env.bind(up=False)
        self.start()

    def start(self):
        """Bring the device up with its addresses, and wait for carrier."""
        calm_ipv6(self.ifname)
        readdress(self.ifname, 1)
        run(f"ip link set {self.ifname} up")
        all_queues(self.ifname)
        self.env.wait_carrier()


class Virtual:
    """A VF as the device under test, in this namespace; its PF is up, without an address."""

    dut = "vf"
    ifname = "v0"

    def __init__(self):
        bench = Sriov(up=False)
        self.env = bench.env
        self.driver = {"kawela": "kawela_vf", "stock": "igbvf"}[DRIVER]
        run(f"modprobe {self.driver}")
        calm_ipv6(self.env.ifname)
        run(f"ip link set {self.env.ifname} up")
        bench.enable(1)
        self.env.wait_carrier()
        self.vf = bench.vfs[0]
        self.vf.bind(self.driver)
        self.start()

    def restart(self):
        """Start again from what the driver comes up with."""
        self.vf.unbind()
        self.vf.bind(self.driver)
        self.start()

    def start(self):
        """Bring the device up with its addresses, and wait for carrier."""
        name = wait_for(lambda: netdev_of(self.vf.pci), what="the VF's interface")
        if name != self.ifname:
            run(f"ip link set {name} down")
            run(f"ip link set {name} name {self.ifname}")
        calm_ipv6(self.ifname)
        readdress(self.ifname, 1)
        run(f"ip link set {self.ifname} up")
        all_queues(self.ifname)
        wait_for(lambda: self.env.carrier(self.ifname), 30, "the VF's carrier")


def all_queues(ifname):
    """As many queues as there are, which some cases need; a machine with two processors starts with two."""
    found = re.search(r"Combined:\s*(\d+)", run(f"ethtool -l {ifname}", check=False).stdout)
    if found:
        run(f"ethtool -L {ifname} combined {found[1]}", check=False)


@dataclass
class Suite:
    """One run of several programs against one device."""

    end: object
    table: list = field(default_factory=read_table)
    number: int = 0
    failed: int = 0

    def variables(self):
        """What their README asks for, and where the guest finds what they call."""
        return {**os.environ, "NETIF": self.end.ifname, "LOCAL_V4": f"{V4}1", "LOCAL_V6": f"{V6}1",
                "REMOTE_V4": f"{V4}2", "REMOTE_V6": f"{V6}2",
                "LOCAL_PREFIX_V6": PREFIX, "REMOTE_TYPE": "netns", "REMOTE_ARGS": self.end.env.ns,
                "KSFT_MACHINE_SLOW": "yes", "INTERFACE_TIMEOUT": "30", "PYTHONPATH": "",
                # One that is stopped shall have told how far it came
                "PYTHONUNBUFFERED": "1",
                "PATH": f"{TOOLS}/bin:{TOOLS}/sbin:{os.environ['PATH']}",
                "LD_LIBRARY_PATH": f"{TOOLS}/lib/x86_64-linux-gnu"}

    def run_program(self, program, words):
        """Run one program; return its cases."""
        output = Output(program)
        late = threading.Event()
        # Not all of theirs are executable; their own runner sees to it as well
        start = [] if os.access(program, os.X_OK) else ["python3" if program.suffix == ".py" else "bash"]
        process = subprocess.Popen([*start, f"./{program.name}", *words], cwd=program.parent, env=self.variables(),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   text=True, errors="replace", start_new_session=True)

        def stop():
            # Their framework cleans up on the first signal
            late.set()
            os.killpg(process.pid, signal.SIGTERM)
            time.sleep(20)
            os.killpg(process.pid, signal.SIGKILL)
        timer = threading.Timer(output.limit * SLOW, stop)
        timer.daemon = True
        timer.start()
        for line in process.stdout:
            output.take(line.rstrip())
        status = process.wait()
        timer.cancel()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return output.finish(status, late.is_set())

    def judge(self, case):
        """Print our verdict on a case of theirs."""
        self.number += 1
        row = next((row for row in self.table if row.covers(SERIES, DRIVER, self.end.dut, case.name)), None)
        said = f" ({case.said})" if case.said else ""
        if row and case.state in row.results:
            word = {"pass": "", "skip": f" # SKIP {row.reason}", "fail": f" # XFAIL {row.reason}"}
            self.show(case, word[case.state])
        elif row:
            self.wrong(case, f"the table says {row.result}, it is {case.state}{said}")
        elif case.state == "pass":
            self.show(case)
        else:
            self.wrong(case, f"{case.state}, and not in the table{said}")

    def show(self, case, comment=""):
        """A result as it has to be."""
        print(f"ok {self.number} {case.name}{comment}", flush=True)

    def wrong(self, case, why):
        """A result that is not the one there should be."""
        self.failed += 1
        print(f"# {case.name}: {why}\nnot ok {self.number} {case.name}", flush=True)

    def run(self, program):
        """Run a program from a device that is up, and judge its cases."""
        words = os.environ.get("KWL_ARGS", "").split()
        started = time.monotonic()
        print(f"# {program.relative_to(SUITE)} on the {self.end.dut}, {DRIVER}, {KERNEL}", flush=True)
        local = takes_interfaces(program)
        if local:
            words = [self.end.ifname, self.end.env.peer_if]
            # They bring their own, and some look for the first
            run(f"ip addr flush dev {self.end.ifname}")
            run(f"ip -n {self.end.env.ns} link set {self.end.env.peer_if} netns 1")
        else:
            self.ready_partner()
        cases = self.run_program(program, words)
        if local:
            self.give_back()
        for case in cases:
            self.judge(case)
        print(f"# {program.name}: {time.monotonic() - started:.0f} s", flush=True)
        if local or any(case.state == "fail" for case in cases):
            self.end.restart()
        else:
            self.end.start()

    def ready_partner(self):
        """Address the remote end; it reaches the addresses that guests behind the device may have."""
        env = self.end.env
        readdress(env.peer_if, 2, env.ns)
        run(f"ip -n {env.ns} -6 route replace {PREFIX} via {V6}1")

    def give_back(self):
        """The partner returns to its namespace."""
        env = self.end.env
        run(f"ip link set {env.peer_if} netns {env.ns}")
        calm_ipv6(env.peer_if, env.ns)
        run(f"ip -n {env.ns} link set {env.peer_if} mtu 1500 promisc on up")


def takes_interfaces(program):
    """Tell whether a script wants two interfaces of this namespace as its arguments."""
    text = program.read_text()
    return program.suffix == ".sh" and "NUM_NETIFS" in text and "DRIVER_TEST_CONFORMANT" not in text


def programs(folder, local):
    """The programs of drivers/net or drivers/net/hw that their own list names."""
    listed = (line.partition(":") for line in read(SUITE / "kselftest-list.txt").splitlines())
    found = [SUITE / where / name for where, _, name in listed if where == folder]
    only = os.environ.get("KWL_ONLY", "").split()
    return [program for program in found if takes_interfaces(program) == local
            and (not only or program.stem in only)]


def prepare():
    """What a distribution's kernel and init would have done."""
    run(f"modprobe -a {' '.join(MODULES)}")
    if not os.path.ismount("/sys/kernel/config"):
        run("mount -t configfs configfs /sys/kernel/config")


def main(end, folders, local=False):
    """Run the programs of some folders on a device; never returns."""
    if not SUITE.is_dir():
        print(f"1..0 # SKIP scripts/build-kselftest {SERIES} has not run")
        sys.exit(EXIT_SKIP)
    print("KTAP version 1", flush=True)
    prepare()
    suite = Suite(end())
    for folder in folders:
        for program in programs(folder, local):
            suite.run(program)
    print(f"1..{suite.number}")
    sys.exit(1 if suite.failed else 0)
