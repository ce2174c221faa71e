#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""In the bench's machine: DPDK's testpmd takes what a VF receives, by its own driver of the VF or by an AF_XDP socket of ours
(tests/vm/bench-dpdk). Prints JSON.

    dpdk.py setup           a VF
    dpdk.py start pmd|xsk   testpmd on it, one way or the other; where its driver's code is, and ours
    dpdk.py run COUNT       nothing for a moment, then COUNT frames, between the last three marks
    dpdk.py stop            how many frames it has taken
"""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import load

STATE = Path("/run/kwl-dpdk.json")
LOG, INPUT = Path("/run/testpmd.log"), Path("/run/testpmd.in")
LIBRARY = {"pmd": "librte_net_e1000", "xsk": "librte_net_af_xdp"}
VIRTUAL_FUNCTION, MAC = "0000:01:10.0", "02:82:57:00:dd:01"
# Both threads on the one processor; memory of huge pages, for vfio takes so many mappings only
MEMORY = "--lcores=0@0,1@0 --in-memory -m 128 --no-telemetry"
# A chunk of an AF_XDP socket is a buffer with its heads, in an odd number of cache lines, and no more than a page
PORT = "--forward-mode=rxonly --auto-start --nb-cores=1 --burst=32 --rxd=2048 --txd=256 --total-num-mbufs=8192 --mbuf-size=3840"
SLACK, WARM = 1.0, 64


def bind(driver):
    """Give the VF to a driver, or to none."""
    device = Path(f"/sys/bus/pci/devices/{VIRTUAL_FUNCTION}")
    if (device / "driver").exists():
        load.write(device / "driver" / "unbind", VIRTUAL_FUNCTION)
    load.write(device / "driver_override", driver or "\n")
    if driver:
        load.write("/sys/bus/pci/drivers_probe", VIRTUAL_FUNCTION)


def setup():
    """A VF whose address is known, on a PF that is up."""
    state = load.setup("kawela")
    load.sh("modprobe -a kawela_vf vfio-pci; sysctl -qw vm.nr_hugepages=80")
    load.write(f"{state['pci']}/sriov_drivers_autoprobe", "0")
    load.write(f"{state['pci']}/sriov_numvfs", "1")
    load.sh(f"ip link set {state['pf'][0]} vf 0 mac {MAC}")
    return {}


def contiguous():
    """DPDK's buffers cross pages, and a socket loses those whose pages are not adjacent for the card: so give the VF the
    machine's own addresses, as iommu.passthrough=1 does."""
    bind(None)
    load.write(f"/sys/bus/pci/devices/{VIRTUAL_FUNCTION}/iommu_group/type", "identity")


def library(pid, name):
    """Where the code of a library is in a process."""
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="ascii").splitlines():
        words = line.split()
        if name in line and words[1].startswith("r-x"):
            return [name, *(int(word, 16) for word in words[0].split("-"))]
    sys.exit(f"testpmd has no {name}: {LOG.read_text(encoding='utf-8')}")


def start(way):
    """Testpmd on the VF."""
    if way == "pmd":
        bind("vfio-pci")
        port = f"-a {VIRTUAL_FUNCTION} --iova-mode=va"
    else:
        contiguous()
        bind("kawela_vf")
        name = load.wait_netdev(f"/sys/bus/pci/devices/{VIRTUAL_FUNCTION}")
        load.quiet(name)
        # The socket is on one queue, and its ring is the VF's
        load.sh(f"ethtool -G {name} rx 2048; ip link set {name} up")
        load.wait_carrier(name)
        # What DPDK's guide asks for where a socket is polled, so that no poll ends with the interrupt enabled
        for knob, value in (("napi_defer_hard_irqs", "2"), ("gro_flush_timeout", "200000")):
            load.write(f"/sys/class/net/{name}/{knob}", value)
        port = f"--no-pci --vdev=net_af_xdp0,iface={name}"
    ranges, _ = load.text_of_modules(load.MODULES["kawela"])
    load.sh(f"rm -f {INPUT}; mkfifo {INPUT}")
    # Holds the other end, or testpmd would read the end of its input and end; outlives us, so it has none of our files
    subprocess.Popen(["sh", "-c", f"exec sleep infinity >{INPUT}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, start_new_session=True)
    with LOG.open("w", encoding="utf-8") as log, INPUT.open(encoding="ascii") as lines:
        pmd = subprocess.Popen(f"exec stdbuf -oL dpdk-testpmd {MEMORY} {port} -- {PORT}", shell=True, stdin=lines, stdout=log,
                               stderr=log, start_new_session=True)
    until = time.monotonic() + 60
    while "Press enter" not in LOG.read_text(encoding="utf-8"):
        if pmd.poll() is not None or time.monotonic() > until:
            sys.exit(f"testpmd: {LOG.read_text(encoding='utf-8')}")
        time.sleep(0.2)
    return {"pid": pmd.pid, "ranges": [*ranges, library(pmd.pid, LIBRARY[way])]}


def run(count):
    """Between the last three marks: nothing for a moment, then frames. A socket is not polled before its first frame."""
    load.pktgen("wire0", WARM, 1, MAC, "peer")
    load.sh(load.MARK)
    time.sleep(SLACK)
    load.pktgen("wire0", count, 1, MAC, "peer")
    return {"warm": WARM}


def stop(state):
    """End it as it should."""
    with INPUT.open("w", encoding="ascii") as lines:
        lines.write("\n")
    until = time.monotonic() + 60
    while Path(f"/proc/{state['pid']}").exists() and "Bye" not in LOG.read_text(encoding="utf-8"):
        if time.monotonic() > until:
            sys.exit(f"testpmd does not end: {LOG.read_text(encoding='utf-8')}")
        time.sleep(0.2)
    load.sh("pkill -x sleep; pkill dpdk-testpmd", check=False)
    text = LOG.read_text(encoding="utf-8")
    bind(None)
    return {"frames": int(re.search(r"RX-packets: (\d+)", text).group(1))}


def main():
    """Do one of the things."""
    what, *words = sys.argv[1:]
    if what == "setup":
        state = setup()
    elif what == "start":
        state = start(words[0])
    elif what == "run":
        print(json.dumps(run(int(words[0]))))
        return
    else:
        state = stop(json.loads(STATE.read_text(encoding="ascii")))
    STATE.write_text(json.dumps(state), encoding="ascii")
    print(json.dumps(state))


if __name__ == "__main__":
    main()
