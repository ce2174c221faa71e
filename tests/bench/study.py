#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the bench's machine: the ways of a guest to the wire, as the papers on SR-IOV compare them (tests/vm/study).

    study.py setup              the PF, and up
    study.py native             the host's own: the PF without VFs
    study.py vf N               N guests with a VF each, of which the first two may talk to each other
    study.py virtio N           N guests with virtio-net, on a bridge with the PF
    study.py spaces N           N VFs in namespaces
    study.py rr PLACE COUNT     the place asks the wire COUNT times, one thing at a time
    study.py stream PLACE SECONDS
                                it sends a stream of TCP to the wire for so long
    study.py packets PLACE SECONDS
                                it sends frames of 64 bytes of UDP to the wire for so long
    study.py fair SECONDS       all places send streams at once

A place is host, g0 (a guest), or vf0 (a namespace); g0-g1 is from one guest to the other. What is measured comes as JSON.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "vm")]

from host import inner  # noqa: E402  the path comes first

STATE = Path("/run/study.json")
MARK, RR = "/kawela/build/bench/mark", "/kawela/build/bench/rr"
PCI = Path("/sys/bus/pci/devices")
PEER = "192.0.2.2"
SEGMENT, PAYLOAD = 1448, 18
# A machine as slow as this one may keep iperf3 waiting for too long
TRIES = 3
RR_PORT, IPERF_PORT, FAIR_PORT = 7777, 5201, 5300
BRIDGE = "kbr"
# Where the memory of guests comes from, in pages of so many MiB, and how many guests there are at most
HUGE, HUGE_MB, GUESTS = "/dev/hugepages", 2, 2


def sh(script, check=True):
    """Run a shell script; return what it printed."""
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{script}: {done.stdout}{done.stderr}")
    return done.stdout


class Huge(inner.Inner):
    """A guest in huge pages: the emulated card loses frames whose buffers cross others (Documentation/hardware.rst)."""

    def memory(self):
        return [*super().memory(), "-mem-path", HUGE, "-mem-prealloc"]


class Bridged(Huge):
    """A guest whose network is virtio, on a tap that is in a bridge with the PF; vhost does the work."""

    def network(self, pci):
        return ["-netdev", f"tap,id=net,ifname={pci},script=no,downscript=no,vhost=on",
                "-device", f"virtio-net-pci,netdev=net,bus=rp0,romfile=,mac=02:82:57:00:01:{int(pci.removeprefix('tap')):02x}"]

    def claim(self, pci):
        sh(f"modprobe -a tun vhost_net; ip tuntap add {pci} mode tap; ip link set {pci} master {BRIDGE} up")


def guest(name):
    """A guest that runs."""
    return inner.Inner(name)


def in_guest(name, script, timeout=120):
    """Run a shell script in a guest; return what it printed."""
    out = []
    status = guest(name).run(["sh", "-ec", script], timeout=timeout, output=out.append)
    text = b"".join(out).decode(errors="replace")
    if status:
        sys.exit(f"{name}: {script}: {text}")
    return text


def at(place, script):
    """Run a shell script at a place; return what it printed."""
    if place.startswith("g"):
        return in_guest(place, script)
    return sh(f"ip netns exec {place} sh -ec '{script}'" if place.startswith("vf") else script)


def addresses(place):
    """Of a place."""
    return "192.0.2.1" if place == "host" else f"192.0.2.{(11 if place.startswith('g') else 31) + int(place.lstrip('gvf'))}"


def setup():
    """The PF and its partner, and memory for guests."""
    sh(f"sysctl -qw vm.nr_hugepages={GUESTS * inner.MEMORY_MB // HUGE_MB}; mkdir -p {HUGE}; "
       f"mountpoint -q {HUGE} || mount -t hugetlbfs none {HUGE}")
    sh("mount -t debugfs none /sys/kernel/debug", check=False)
    pf = sh("/kawela/tests/vm/guest/net-up kawela").split()[-1]
    pci = Path(f"/sys/class/net/{pf}/device").resolve().name
    return {"pf": pf, "pci": pci, "places": ["host"]}


def clear(state):
    """No guests and no VFs, the PF on its own."""
    for place in state["places"]:
        if place.startswith("g"):
            guest(place).stop()
    sh(f"ip link del {BRIDGE}; ip addr replace 192.0.2.1/24 dev {state['pf']}; ip -n peer neigh flush all", check=False)
    (PCI / state["pci"] / "sriov_numvfs").write_text("0")
    state["places"] = ["host"]


def vfs(state, count, probe):
    """Make VFs; return their PCI addresses."""
    device = PCI / state["pci"]
    (device / "sriov_drivers_autoprobe").write_text(str(probe))
    (device / "sriov_numvfs").write_text(str(count))
    return [(device / f"virtfn{num}").resolve().name for num in range(count)]


def start(state, count, kind, module, where):
    """Boot guests one after the other, and give them their addresses."""
    names = [f"g{num}" for num in range(count)]
    for name, pci in zip(names, where):
        one = kind(name)
        one.start(pci)
        one.wait()
        in_guest(name, f"modprobe {module}; ip addr add {addresses(name)}/24 dev eth0; ip link set eth0 up; "
                       "until [ $(cat /sys/class/net/eth0/carrier) = 1 ]; do sleep 0.1; done")
    state["places"] = names


def make(state, what, count):
    """Have so many places of a kind."""
    clear(state)
    if what == "vf":
        start(state, count, Huge, "kawela_vf", vfs(state, count, 0))
    elif what == "virtio":
        sh(f"ip link add {BRIDGE} type bridge; ip link set {BRIDGE} up; ip addr flush dev {state['pf']}; "
           f"ip link set {state['pf']} master {BRIDGE}; ip addr replace 192.0.2.1/24 dev {BRIDGE}")
        start(state, count, Bridged, "virtio_net", [f"tap{num}" for num in range(count)])
    elif what == "spaces":
        sh("modprobe kawela_vf")
        for num, pci in enumerate(vfs(state, count, 1)):
            name = f"vf{num}"
            while not (found := [one.name for one in (PCI / pci).glob("net/*")]):
                time.sleep(0.01)
            sh(f"ip netns add {name}", check=False)
            sh(f"ip link set {found[0]} netns {name} name eth0; ip -n {name} addr add {addresses(name)}/24 dev eth0; "
               f"ip -n {name} link set eth0 up; until [ $(ip netns exec {name} cat /sys/class/net/eth0/carrier) = 1 ]; "
               "do sleep 0.1; done")
            state["places"] = [*state["places"], name] if num else [name]
    for place in state["places"]:
        at(place, f"ping -q -c 3 -i 0.2 {PEER} >/dev/null")
    return state


def exits():
    """How often guests were left for the host."""
    total = Path("/sys/kernel/debug/kvm/exits")
    return int(total.read_text(encoding="ascii")) if total.exists() else 0


def between_marks(place, script):
    """Run a script at a place; return what it printed, exits and seconds."""
    before, begin = exits(), time.monotonic()
    sh(MARK)
    text = at(place, script)
    sh(MARK)
    return text, exits() - before, time.monotonic() - begin


def serve(place, script, port):
    """Leave a server running in the peer or in a guest, once it listens."""
    listens = f"until ss -Hltun sport = {port} | grep -q .; do sleep 0.1; done"
    if place == "peer":
        subprocess.Popen(["ip", "netns", "exec", "peer", "sh", "-c", f"exec {script} >/dev/null 2>&1"])
        sh(f"ip netns exec peer sh -c '{listens}'")
    else:
        in_guest(place, f"setsid sh -c '{script}' </dev/null >/dev/null 2>&1 & {listens}")


def load(what, path, much):
    """One load; what was measured beside instructions.

    By seconds where iperf3 sends: asked for a number of bytes or blocks it looks without a pause whether they are sent.
    """
    place, _, partner = path.partition("-")
    target = addresses(partner) if partner else PEER
    if what == "rr":
        serve(partner or "peer", f"{RR} serve {target}", RR_PORT)
        text, left, seconds = between_marks(place, f"{RR} ask {target} {much}")
        return {"count": much, "exits": left, "rtt_us": int(text) / 1000, "rate": much / seconds}
    serve(partner or "peer", f"iperf3 -s -1 -B {target}", IPERF_PORT)
    how = f"-l {SEGMENT * 10}" if what == "stream" else f"-u -b 0 -l {PAYLOAD}"
    text, left, _ = between_marks(place, f"iperf3 -J -t {much} -c {target} {how}")
    sent = json.loads(text)["end"]["sum_sent"]
    count = sent["bytes"] // (SEGMENT if what == "stream" else PAYLOAD)
    return {"count": count, "exits": left, "rate": count / sent["seconds"]}


def jain(rates):
    """Jain's index: 1 where all have the same."""
    return sum(rates)**2 / (len(rates) * sum(rate * rate for rate in rates))


def rates_at_once(places, seconds):
    """All places send at once; the rates in Mbit/s of what has arrived, None where a stream was not to be had."""
    running = []
    for num, place in enumerate(places):
        serve("peer", f"iperf3 -s -1 -p {FAIR_PORT + num}", FAIR_PORT + num)
    for num, place in enumerate(places):
        running.append(os.popen(f"{sys.executable} {__file__} at {place} 'iperf3 -J -t {seconds} -c {PEER} -p {FAIR_PORT + num}'"))
    ends = [json.loads(one.read() or "{}").get("end") for one in running]
    sh("pkill iperf3", check=False)
    return [end["sum_received"]["bits_per_second"] / 1e6 if end else None for end in ends]


def fair(state, seconds):
    """The sum of what all places send at once, and how it was shared."""
    for _ in range(TRIES):
        rates = rates_at_once(state["places"], seconds)
        if None not in rates:
            return {"mbits": sum(rates), "jain": jain(rates), "rates": rates}
    sys.exit(f"streams at once: {rates}")


def main():
    """Do one of the things."""
    what, *words = sys.argv[1:]
    if what == "at":
        sys.stdout.write(at(*words))
        return
    state = setup() if what == "setup" else json.loads(STATE.read_text(encoding="ascii"))
    if what in ("native", "vf", "virtio", "spaces"):
        make(state, what, int(words[0]) if words else 0)
    STATE.write_text(json.dumps(state), encoding="ascii")
    if what == "fair":
        print(json.dumps(fair(state, int(words[0]))))
    elif what in ("rr", "stream", "packets"):
        print(json.dumps(load(what, words[0], int(words[1]))))
    else:
        print(json.dumps(state))


if __name__ == "__main__":
    main()
