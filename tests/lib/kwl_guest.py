# SPDX-License-Identifier: GPL-2.0-only
"""Virtual functions in guests of their own (topology `nested`).

A Guest owns the VF that it is made from: vfio-pci holds the function here, the VF driver runs
in there. It sees the files of this machine, and has the address of its VF (kwl_sriov).

Guests boot one after the other, for the reason in vm/host/inner.py (EMULATOR).
"""

import re
import shlex
import sys
from base64 import b64decode
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

from host import inner  # noqa: E402  the path comes first
from kwl_sys import CommandFailed, wait_for  # noqa: E402

IFNAME = "eth0"
PCAP = "/tmp/seen.pcap"


class Guest:
    """A guest with a VF, once start() and load() have been called."""

    ifname, ns = IFNAME, None

    def __init__(self, vf):
        self.own(vf)
        self.name = f"g{vf.index}"
        self.machine = inner.Inner(self.name)

    def own(self, vf):
        """Take note of the VF that it has."""
        self.vf = vf
        self.v4, self.v6 = vf.v4, vf.v6

    def start(self):
        """Power it on; it boots in the background."""
        self.machine.start(self.vf.pci)

    def load(self, driver="kawela_vf"):
        """Wait for the end of its boot, load the driver, give the VF its address and bring it up."""
        self.machine.wait()
        self.run(f"modprobe {driver}")
        self.bring_up()

    def bring_up(self):
        """Give the VF its address; wait for carrier."""
        self.run(f"ip addr add {self.v4}/24 dev {IFNAME}; ip addr add {self.v6}/64 dev {IFNAME} nodad; "
                 f"ip link set {IFNAME} up")
        self.wait_carrier()

    def plug(self, vf):
        """Give it a VF while it runs, in the place of the one that was taken away."""
        self.own(vf)
        self.machine.plug(vf.pci)
        wait_for(self.has_interface, 30, f"the new VF to arrive in {self.name}", 0.3)
        self.bring_up()

    def has_interface(self):
        """Tell whether there is an interface of the VF."""
        return IFNAME in self.run("ls /sys/class/net").split()

    def run(self, script, check=True, timeout=60):
        """Run a shell script in it and return what it printed; -e, so the first error ends it."""
        out = []
        status = self.machine.run(["sh", "-ec", script], timeout=timeout, output=out.append)
        text = b"".join(out).decode(errors="replace")
        if check and status:
            raise CommandFailed(f"{self.name}: {script}: exit {status}\n{text}")
        return text

    def spawn(self, script):
        """Leave a shell script running in it."""
        # What is still in our session when we end gets killed.
        self.run("rm -f /tmp/away; "
                 f"setsid sh -c {shlex.quote('>/tmp/away; ' + script)} </dev/null >/dev/null 2>&1 & "
                 "until test -e /tmp/away; do sleep 0.1; done")

    def ping(self, target, count=3, options=""):
        """Ping from it; return how many answers came."""
        text = self.run(f"ping -n -q -i 0.1 -c {count} -w 10 {options} {target}", check=False)
        found = re.search(r"(\d+) received", text)
        return min(count, int(found.group(1))) if found else 0

    @property
    def mac(self):
        """The address of its interface."""
        return self.run(f"cat /sys/class/net/{IFNAME}/address").strip()

    def carrier(self):
        """Tell whether its VF has carrier."""
        return "LOWER_UP" in self.run(f"ip link show {IFNAME}")

    def wait_carrier(self, want=True, timeout=20):
        """Wait until its VF has carrier, or has lost it."""
        wait_for(lambda: self.carrier() == want, timeout, f"carrier of {self.name} to be {want}", 0.2)

    def capture(self):
        """Begin to record what its VF receives, in the filters' own state: not promiscuous."""
        self.run(f"rm -f {PCAP}")
        self.spawn(f"exec tcpdump -p -n -U --immediate-mode -Q in -i {IFNAME} -w {PCAP}")
        # The file's header tells that it listens.
        wait_for(lambda: self.run(f"test ! -s {PCAP} || echo yes"), 20, "tcpdump to start", 0.2)

    def captured(self, fence):
        """Return all bytes recorded so far, once `fence` is among them."""
        def look():
            data = b64decode(self.run(f"base64 {PCAP}"))
            return data if fence in data else None
        return wait_for(look, 20, f"{fence} to arrive", 0.3)

    def stop(self):
        """Power it off in good order."""
        self.machine.stop()

    def kill(self):
        """End it as a crash would."""
        self.machine.kill()


def sink(port):
    """A shell script that receives one connection and prints the md5 of what came."""
    # nc hangs up once its input ends: give it one that never does
    return (f"pipe=/tmp/open-{port}; test -p $pipe || mkfifo $pipe; "
            f"busybox nc -l -p {port} <>$pipe | md5sum | cut -c -32")


def source(size, host, port):
    """A shell script that sends random bytes to a sink and prints their md5."""
    return (f"head -c {size} /dev/urandom >/tmp/blob; md5sum </tmp/blob | cut -c -32; "
            # the other end may not listen yet
            f"for try in $(seq 50); do busybox nc {host} {port} </tmp/blob >/dev/null 2>&1 && exit; "
            "sleep 0.1; done; exit 1")
