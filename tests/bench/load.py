#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the guest: loads whose cost per frame `make bench` counts. Prints JSON.

    load.py setup kawela|stock      both ends of the wire, and where the modules are
    load.py vf kawela|stock         the same with a VF
    load.py run LOAD COUNT          one load, between two marks

The device under test and the partner are two cards of one machine with one processor: what the kernel
spends on both counts as the kernel's, what the driver's modules spend is the device's alone.
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

MARK = "/kawela/build/bench/mark"
MODULES = {"kawela": ("kawela", "kawela_pf", "kawela_vf"), "stock": ("igb", "igbvf")}
VF_DRIVER = {"kawela": "kawela_vf", "stock": "igbvf"}
PAGE = 4096
STATE = Path("/run/kwl-bench.json")


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


def setup(driver):
    """Both ends up."""
    pf = sh(f"/kawela/tests/vm/guest/net-up {driver}").split()[-1]
    quiet(pf)
    quiet("wire0", "peer")
    sh("modprobe pktgen; ip -n peer link set wire0 promisc on")
    mac = Path(f"/sys/class/net/{pf}/address").read_text(encoding="ascii").strip()
    return {"driver": driver, "pf": [pf, mac], "pci": str(Path(f"/sys/class/net/{pf}/device").resolve())}


def make_vf(state):
    """One VF, up, in this namespace."""
    sh(f"modprobe {VF_DRIVER[state['driver']]}")
    write(f"{state['pci']}/sriov_numvfs", "1")
    for _ in range(100):
        found = list(Path(state["pci"]).glob("virtfn0/net/*"))
        if found:
            break
        time.sleep(0.1)
    vf = found[0].name
    quiet(vf)
    sh(f"ip link set {vf} up")
    wait_carrier(vf)
    state["vf"] = [vf, Path(f"/sys/class/net/{vf}/address").read_text(encoding="ascii").strip()]
    return state


def wait_carrier(ifname):
    """Wait until an interface has carrier."""
    for _ in range(200):
        if Path(f"/sys/class/net/{ifname}/carrier").read_text(encoding="ascii").strip() == "1":
            return
        time.sleep(0.1)
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


def run(state, load, count):
    """Run a load; return what was counted beside instructions."""
    end, what = load.split("_")
    ifname, mac = state[end]
    if what.startswith("tx"):
        sh("ip -n peer link set wire0 down")
        before = interrupts(ifname)
        pktgen(ifname, count, int(what[2:]), "52:54:00:82:57:ff")
        sh("ip -n peer link set wire0 up")
        return {"interrupts": interrupts(ifname) - before, "frames": count}
    # Room for what comes while the processor is with the sender
    sh(f"ethtool -G {ifname} rx 2048", check=False)
    if what == "xdp":
        sh(f"ip link set dev {ifname} xdpdrv obj /kawela/build/bpf/drop.bpf.o sec xdp")
    else:
        sh(f"tc qdisc add dev {ifname} clsact; tc filter add dev {ifname} ingress matchall action drop")
    wait_carrier(ifname)
    before, frames = interrupts(ifname), received(ifname)
    pktgen("wire0", count, 1, mac, "peer")
    result = {"interrupts": interrupts(ifname) - before, "frames": received(ifname) - frames}
    sh(f"ip link set dev {ifname} xdpdrv off" if what == "xdp" else f"tc qdisc del dev {ifname} clsact")
    return result


def main():
    """Do one of the things."""
    what, *words = sys.argv[1:]
    if what == "run":
        print(json.dumps(run(json.loads(STATE.read_text(encoding="ascii")), words[0], int(words[1]))))
        return
    if what == "setup":
        state = setup(words[0])
    else:
        state = make_vf(json.loads(STATE.read_text(encoding="ascii")))
    STATE.write_text(json.dumps(state), encoding="ascii")
    ranges, functions = text_of_modules(MODULES[state["driver"]])
    print(json.dumps({"ranges": ranges, "functions": functions}))


if __name__ == "__main__":
    main()
