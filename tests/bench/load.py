#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the guest: loads whose cost per frame `make bench` counts. Prints JSON.

    load.py setup kawela|stock      both ends of the wire, and where the modules are
    load.py vf kawela|stock         the same with a VF
    load.py vfs kawela|stock        the same with two
    load.py veths kawela|stock      two pairs of veth, connected by a bridge
    load.py reprs kawela            two VFs, connected by their representors and a bridge
    load.py offload kawela          the same, but that the card forwards in the bridge's stead
    load.py run LOAD COUNT          one load, between two marks; of a stream so many seconds
    load.py events kawela|stock     from scratch: how long things take, and what memory

A load is named by who bears it (pf, vf, or vv: one VF sends to the other; br: by way of a bridge, in mode switchdev;
ve: the same with veth) and what it is, see LOADS. The device
under test and the partner are two cards of one machine with one processor: what the kernel spends on both
counts as the kernel's, what the driver's modules spend is the device's alone.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARK = "/kawela/build/bench/mark"
RR = "/kawela/build/bench/rr"
MODULES = {"kawela": ("kawela", "kawela_pf", "kawela_vf"), "stock": ("igb", "igbvf")}
VF_DRIVER = {"kawela": "kawela_vf", "stock": "igbvf"}
PAGE = 4096
STATE = Path("/run/kwl-bench.json")
NOBODY = "52:54:00:82:57:ff"
# What a segment of TCP carries, with time stamps
SEGMENT = 1448


def sh(line, check=True):
    """Run a command line by a shell; return what it printed."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{line}: {done.stdout}{done.stderr}")
    return done.stdout


def write(path, text):
    """Write to a file of the kernel."""
    Path(path).write_text(text, encoding="ascii")


def text_of_modules(names):
    """Return ([module, first address, address behind it]..., [address, function]...)."""
    found = {name: [] for name in names}
    for line in Path("/proc/kallsyms").read_text(encoding="ascii").splitlines():
        words = line.split()
        if len(words) == 4 and words[1] in "tT" and words[3][1:-1] in found:
            found[words[3][1:-1]].append((int(words[0], 16), words[2]))
    ranges, functions = [], []
    for name, symbols in found.items():
        if symbols:
            # Text is given to a module by the page
            ranges.append([name, min(symbols)[0], (max(symbols)[0] // PAGE + 1) * PAGE])
            functions += symbols
    return ranges, sorted(functions)


def quiet(ifname, ns=None):
    """Nothing on the wire but the load."""
    where = f"ip netns exec {ns} " if ns else ""
    sh(f"{where}sysctl -qw net.ipv6.conf.{ifname}.disable_ipv6=1")


def address(ifname, near, far):
    """Addresses at both ends; nobody asks for them, as several interfaces of this machine would answer."""
    mac, partner = mac_of(ifname), sh("ip -n peer -br link show wire0").split()[2]
    sh(f"ip addr replace {near}/24 dev {ifname}; ip -n peer addr replace {far}/24 dev wire0")
    sh(f"ip neigh replace {far} lladdr {partner} dev {ifname}")
    sh(f"ip -n peer neigh replace {near} lladdr {mac} dev wire0")
    return [ifname, mac, near, far]


def mac_of(ifname):
    """Return an interface's address."""
    return Path(f"/sys/class/net/{ifname}/address").read_text(encoding="ascii").strip()


def setup(driver):
    """Both ends up."""
    pf = sh(f"/kawela/tests/vm/guest/net-up {driver}").split()[-1]
    quiet(pf)
    quiet("wire0", "peer")
    sh("modprobe pktgen; ip -n peer link set wire0 promisc on")
    return {"driver": driver, "pf": address(pf, "192.0.2.1", "192.0.2.2"),
            "pci": str(Path(f"/sys/class/net/{pf}/device").resolve())}


def make_vfs(state, count=1):
    """VFs, up, in this namespace; returns their names."""
    sh(f"modprobe {VF_DRIVER[state['driver']]}")
    write(f"{state['pci']}/sriov_numvfs", "0")
    write(f"{state['pci']}/sriov_numvfs", str(count))
    names = [wait_netdev(f"{state['pci']}/virtfn{i}") for i in range(count)]
    for name in names:
        quiet(name)
        sh(f"ip link set {name} up")
    for name in names:
        wait_carrier(name)
    return names


def make_vf(state):
    """One VF."""
    state["vf"] = address(make_vfs(state)[0], "203.0.113.1", "203.0.113.2")
    return state


def make_two(state):
    """Two VFs, of which one sends and the other receives."""
    sender, receiver = make_vfs(state, 2)
    state["vv"] = [receiver, mac_of(receiver), sender]
    return state


def bridge(ports, mac, port):
    """A bridge that knows what is behind a port."""
    sh("ip link add kbr type bridge; ip link set kbr up")
    quiet("kbr")
    for name in ports:
        quiet(name)
        sh(f"ip link set {name} master kbr up")
    sh(f"bridge fdb replace {mac} dev {port} master static")


def make_veths(state):
    """Two pairs of veth; one end sends and the other receives, a bridge has the rest."""
    for near, far in (("ksend", "kport0"), ("krecv", "kport1")):
        sh(f"ip link add {near} type veth peer name {far}")
        quiet(near)
        sh(f"ip link set {near} up")
    bridge(("kport0", "kport1"), mac_of("krecv"), "kport1")
    state["ve"] = ["krecv", mac_of("krecv"), "ksend"]
    return state


def make_reprs(state):
    """Two VFs, of which one sends and the other receives, by way of the host's bridge."""
    sh(f"ip link del kbr; modprobe {VF_DRIVER[state['driver']]}", check=False)
    device = f"pci/{Path(state['pci']).name}"
    write(f"{state['pci']}/sriov_numvfs", "0")
    sh(f"devlink dev eswitch set {device} mode switchdev")
    write(f"{state['pci']}/sriov_numvfs", "2")
    sender, receiver = [wait_netdev(f"{state['pci']}/virtfn{i}") for i in range(2)]
    ports = json.loads(sh("devlink -j port show"))["port"]
    reprs = [port["netdev"] for port in ports.values() if port.get("flavour") == "pcivf"]
    for name in (sender, receiver):
        quiet(name)
        sh(f"ip link set {name} up")
    bridge(reprs, mac_of(receiver), reprs[1])
    for name in (sender, receiver):
        wait_carrier(name)
    state["br"] = [receiver, mac_of(receiver), sender]
    state["reprs"] = reprs
    return state


def make_offload(state):
    """Two VFs, of which one sends and the other receives, by way of the card, as the host's bridge would have it."""
    state = make_reprs(state)
    for num, name in enumerate(state["reprs"]):
        sh(f"bridge link set dev {name} flood off")
        sh(f"ip link set {state['pf'][0]} vf {num} spoofchk off")
    until = time.monotonic() + 10
    while "offload" not in sh("bridge fdb show br kbr"):
        if time.monotonic() > until:
            raise RuntimeError("the card does not forward for the bridge")
        time.sleep(0.1)
    state["fd"] = state["br"]
    return state


def wait_netdev(device):
    """Wait for the interface of a function; return its name."""
    for _ in range(20000):
        found = list(Path(device).glob("net/*"))
        if found:
            return found[0].name
        time.sleep(0.0005)
    sys.exit(f"{device} has no interface")


def wait_carrier(ifname):
    """Wait until an interface has carrier."""
    for _ in range(40000):
        if Path(f"/sys/class/net/{ifname}/carrier").read_text(encoding="ascii").strip() == "1":
            return
        time.sleep(0.0005)
    sys.exit(f"{ifname} has no carrier")


def interrupts(ifname):
    """Return how often the vectors of an interface have fired."""
    rows = Path("/proc/interrupts").read_text(encoding="ascii").splitlines()
    return sum(int(row.split()[1]) for row in rows if re.search(rf"\b{ifname}\b", row.split()[-1]))


def pktgen(device, count, burst, mac, ns=None):
    """Have the kernel send frames between two marks."""
    where = ["ip", "netns", "exec", ns] if ns else []
    lines = [f"echo rem_device_all >{{}}/kpktgend_0; echo 'add_device {device}' >{{}}/kpktgend_0"]
    for word in (f"count {count}", f"burst {burst}", "pkt_size 60", "delay 0", "dst 198.18.0.1", f"dst_mac {mac}"):
        lines.append(f"echo '{word}' >{{}}/{device}")
    lines.append(f"{MARK}; echo start >{{}}/pgctrl; sleep 0.3; {MARK}; grep -c OK {{}}/{device}")
    script = "; ".join(lines).replace("{}", "/proc/net/pktgen")
    done = subprocess.run([*where, "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pktgen: {done.stdout}{done.stderr}")


def received(ifname):
    """Frames that an interface has received."""
    return int(Path(f"/sys/class/net/{ifname}/statistics/rx_packets").read_text(encoding="ascii"))


def send(state, end, count, burst):
    """The device sends by pktgen, to nobody."""
    ifname = state[end][0]
    sh("ip -n peer link set wire0 down")
    pktgen(ifname, count, burst, NOBODY)
    sh("ip -n peer link set wire0 up")
    # Down, it forgets
    _, mac, near, far = state[end]
    sh(f"ip -n peer neigh replace {near} lladdr {mac} dev wire0; ip -n peer addr replace {far}/24 dev wire0")
    return count


def receive(state, end, count, begin, finish):
    """The device receives what the partner, or the other VF, sends by pktgen."""
    ifname, mac = state[end][:2]
    # Room for what comes while the processor is with the sender
    sh(f"ethtool -G {ifname} rx 2048", check=False)
    sh(begin.format(ifname))
    wait_carrier(ifname)
    frames = received(ifname)
    if end in ("vv", "br", "fd", "ve"):
        pktgen(state[end][2], count, 1, mac)
    else:
        pktgen("wire0", count, 1, mac, "peer")
    frames = received(ifname) - frames
    sh(finish.format(ifname))
    return frames


def receive_tc(state, end, count):
    """Received and dropped by tc."""
    return receive(state, end, count, "tc qdisc add dev {0} clsact; tc filter add dev {0} ingress matchall action drop",
                   "tc qdisc del dev {0} clsact")


def receive_xdp(state, end, count, what, section="xdp"):
    """Received by a program."""
    return receive(state, end, count,
                   f"ip link set dev {{0}} xdpdrv obj /kawela/build/bpf/{what}.bpf.o sec {section}",
                   "ip link set dev {0} xdpdrv off")


def between_marks(command, ns=None):
    """Run a command between two marks, with some time for what is left to do after it; return what it printed."""
    where = f"ip netns exec {ns} " if ns else ""
    return sh(f"{where}sh -c '{MARK}; {command}; sleep 0.3; {MARK}'")


def ask(state, end, count):
    """The partner asks, one thing at a time, and this side answers."""
    near = state[end][2]
    with subprocess.Popen([RR, "serve", near]) as server:
        time.sleep(0.2)
        median = between_marks(f"{RR} ask {near} {count}", "peer")
        server.wait(10)
    return {"frames": count, "rtt_us": int(median) / 1000}


def stream(state, end, seconds, out):
    """A TCP stream, out or in; counts segments.

    By seconds: asked for a number of bytes iperf3 looks without a pause whether they are sent.
    """
    near, far = state[end][2:]
    one, other = ("ip netns exec peer ", None) if out else ("", "peer")
    server = subprocess.Popen(f"{one}iperf3 -s -1 -B {far if out else near} >/dev/null", shell=True)
    time.sleep(0.5)
    told = between_marks(f"iperf3 -J -t {seconds} -c {far if out else near} -l {10 * SEGMENT}", other)
    server.wait(20)
    return json.loads(told)["end"]["sum_sent"]["bytes"] // SEGMENT


LOADS = {
    "tx1": lambda state, end, count: send(state, end, count, 1),
    "tx32": lambda state, end, count: send(state, end, count, 32),
    "rx": receive_tc,
    "xdp": lambda state, end, count: receive_xdp(state, end, count, "drop"),
    "xdptx": lambda state, end, count: receive_xdp(state, end, count, "bounce", "xdp/tx"),
    "xdpredir": lambda state, end, count: receive_xdp(state, end, count, "bounce", "xdp/redirect"),
    "rr": ask,
    "tcptx": lambda state, end, count: stream(state, end, count, True),
    "tcprx": lambda state, end, count: stream(state, end, count, False),
}


def run(state, load, count):
    """Run a load; return what was counted beside instructions."""
    end, what = load.split("_")
    before = interrupts(state[end][0])
    result = LOADS[what](state, end, count)
    if not isinstance(result, dict):
        result = {"frames": result}
    return {**result, "interrupts": interrupts(state[end][0]) - before}


class Clock:
    """Milliseconds since the last look, of a clock that goes by instructions."""

    def __init__(self):
        self.last = time.monotonic()

    def lap(self):
        """Return them, and start anew."""
        last, self.last = self.last, time.monotonic()
        return round((self.last - last) * 1000, 1)


def free_kib():
    """Memory that nothing has, caches dropped, in KiB; that of processors' lists is not in MemFree."""
    # What is freed after a grace period has gone by then
    sh("sleep 1; sync; echo 3 >/proc/sys/vm/drop_caches")
    lists = re.findall(r"^\s+count:\s+(\d+)$", Path("/proc/zoneinfo").read_text(encoding="ascii"), re.M)
    free = re.search(r"MemFree:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="ascii"))[1]
    return int(free) + sum(map(int, lists)) * PAGE // 1024


def events(driver):
    """Return how many milliseconds of virtual time things take, and the memory of a VF."""
    pci = json.loads(STATE.read_text(encoding="ascii"))["pci"]
    pf_driver, vf_driver = MODULES[driver][-2:]
    found = {}
    sh("ip link del kbr", check=False)
    write(f"{pci}/sriov_numvfs", "0")
    sh(f"modprobe -r {vf_driver} {pf_driver}")
    clock = Clock()
    sh(f"modprobe {pf_driver}")
    pf = wait_netdev(pci)
    found["load to interface"] = clock.lap()
    sh(f"ip link set {pf} up")
    wait_carrier(pf)
    found["up to carrier"] = clock.lap()
    sh(f"modprobe {vf_driver}")
    for count in (1, 7):
        clock.lap()
        write(f"{pci}/sriov_numvfs", str(count))
        names = [wait_netdev(f"{pci}/virtfn{i}") for i in range(count)]
        found[f"sriov_numvfs {count} to interfaces"] = clock.lap()
        if count == 7:
            found.update(with_vfs(pci, names, clock))
        clock.lap()
        write(f"{pci}/sriov_numvfs", "0")
        found[f"sriov_numvfs {count} to 0"] = clock.lap()
    return found


def with_vfs(pci, names, clock):
    """The part of it that has seven VFs."""
    found, free = {}, {}
    # Twice, as the first time takes what all of them use
    for change in ("up", "down", "up"):
        for name in names:
            clock.lap()
            sh(f"ip link set {name} {change}")
            if change == "up":
                wait_carrier(name)
                found["VF up to carrier"] = clock.lap()
        free[change] = free_kib()
    found["KiB of memory for a VF that is up"] = round((free["down"] - free["up"]) / len(names))
    address(names[0], "203.0.113.1", "203.0.113.2")
    if not answered(names[0]):
        sys.exit("no answer before the reset")
    clock.lap()
    write(f"{pci}/virtfn0/reset", "1")
    found["VF function reset to answer"] = clock.lap() if answered(names[0]) else None
    return {**found, **gaps(pf_of(pci), names)}


def pf_of(pci):
    """The PF's interface."""
    return next(Path(pci).glob("net/*")).name


def gaps(pf, names):
    """For how long no answer comes, of a VF to the partner and to its neighbour, while things are changed."""
    one, other = names[:2]
    sh(f"ip netns add other; ip link set {other} netns other")
    sh(f"ip -n other addr add 203.0.113.3/24 dev {other}; ip -n other link set {other} up")
    answered(one, "203.0.113.3")
    changes = {
        "VF down and up": f"ip link set {one} down; ip link set {one} up",
        "PF down and up": f"ip link set {pf} down; ip link set {pf} up",
        "PF's MTU changed": f"ip link set {pf} mtu 4000",
    }
    found = {}
    for what, change in changes.items():
        found[f"no answer, {what}"] = gap("203.0.113.2", change)
    sh(f"ip link set {pf} mtu 1500")
    answered(one, "203.0.113.3")
    found["no answer VF to VF, PF down and up"] = gap("203.0.113.3", changes["PF down and up"])
    sh(f"ip -n other link set {other} netns 1; ip netns del other")
    return found


def gap(target, change, seconds=15):
    """Have a target answer two hundred times a second; return the longest wait, in ms, around a change."""
    # More than a pipe takes
    with tempfile.TemporaryFile("w+") as out, \
         subprocess.Popen(["ping", "-D", "-n", "-i", "0.005", target], stdout=out) as pings:
        time.sleep(0.5)
        sh(change)
        time.sleep(seconds)
        pings.send_signal(2)
        pings.wait(20)
        out.seek(0)
        told = out.read()
    times = [float(when) for when in re.findall(r"^\[([\d.]+)\] \d+ bytes from", told, re.M)]
    if len(times) < 100:
        return None
    # One that comes to nothing again has no end of its gap
    if times[-1] - times[0] < seconds - 1:
        return None
    return round(max(later - sooner for sooner, later in zip(times, times[1:])) * 1000, 1)


def answered(ifname, far="203.0.113.2", seconds=20):
    """Wait until the partner answers; tell whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if "1 received" in sh(f"ping -c 1 -W 0.02 -I {ifname} {far}", check=False):
            return True
    return False


def main():
    """Do one of the things."""
    what, *words = sys.argv[1:]
    if what == "run":
        print(json.dumps(run(json.loads(STATE.read_text(encoding="ascii")), words[0], int(words[1]))))
        return
    if what == "events":
        print(json.dumps(events(words[0])))
        return
    if what == "setup":
        state = setup(words[0])
    else:
        make = {"vf": make_vf, "vfs": make_two, "veths": make_veths, "reprs": make_reprs,
                "offload": make_offload}[what]
        state = make(json.loads(STATE.read_text(encoding="ascii")))
    STATE.write_text(json.dumps(state), encoding="ascii")
    ranges, functions = text_of_modules(MODULES[state["driver"]])
    print(json.dumps({"ranges": ranges, "functions": functions}))


if __name__ == "__main__":
    main()
