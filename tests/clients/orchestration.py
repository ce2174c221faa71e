#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela,stock
"""What Kubernetes does to VFs, call by call: SR-IOV CNI's add and del, the operator's life cycle, the exporter's statistics.

Replayed with iproute2 and sysfs, in the order of these programs' sources; the programs themselves are not in Debian.
A step that is refused is told, and the ones after it are tried all the same.
"""

import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_lt, ksft_pr, ksft_run, ksft_true
from kwl_env import link, on_stock, stock_xfail
from kwl_faults import pair
from kwl_nic import PCI_DEVICES, driver_of, netdev_of
from kwl_sriov import Sriov, path, wire_end, with_drivers
from kwl_sys import SLOW, output, read, run, settle, wait_for, write
from kwl_traffic import ping, transfer

POD, TEMPORARY, POD_MAC, VID, QOS, RATE = "pod", "temp_1234", "02:00:00:00:00:10", 100, 3, 100
ROUNDS, CYCLES, ALL = 10, 20, 7
# sriov-cni waits so long for the carrier, and then announces its addresses on whatever there is.
CARRIER_MS = 200


class Steps:
    """Commands one after the other; which of them were refused."""

    def __init__(self):
        self.refused = {}

    def do(self, command):
        """One step."""
        done = run(command, check=False)
        if done.returncode:
            self.refused[command] = done.stderr.strip()
        return done.returncode == 0

    def done(self):
        """None may have been refused; the stock pair's are its result."""
        for command, why in self.refused.items():
            ksft_pr(f"refused: {command}: {why}")
        if self.refused:
            stock_xfail(f"refuses {len(self.refused)} steps, among them `{list(self.refused)[0]}`")
        ksft_eq(self.refused, {}, "steps refused")


def row(bench, index=0):
    """What the PF's interface tells of a VF, without its statistics."""
    return {key: value for key, value in bench.pf_vf(index).items() if key != "stats"}


def configure(bench, steps, vf):
    """ApplyVFConfig: each attribute by a message of its own; the address is compared with what is read back."""
    pf = bench.env.ifname
    steps.do(f"ip link set {pf} vf 0 vlan {VID} qos {QOS} proto 802.1Q")
    steps.do(f"ip link set {pf} vf 0 mac {POD_MAC}")
    ksft_eq(row(bench)["address"], POD_MAC, "administrator's address read back")
    for words in (f"min_tx_rate 0 max_tx_rate {RATE}", "spoofchk on", "trust on", "state enable"):
        steps.do(f"ip link set {pf} vf 0 {words}")
    if not steps.refused:
        now = row(bench)
        said = now["vlan_list"][0]
        ksft_eq((said.get("vlan"), said.get("qos"), now["spoofchk"], now["trust"], now["rate"]["max_tx"], now["link_state"]),
                (VID, QOS, True, True, RATE, "enable"), "attributes read back")
    # The guest's driver hears of its new address: nobody loads it anew.
    ksft_true(driver_of(vf.pci), "the VF's driver")


def into_pod(vf, steps):
    """SetupVF: moved, renamed, addressed and brought up; returns milliseconds until it has carrier."""
    name = netdev_of(vf.pci)
    steps.do(f"ip link set {name} down")
    steps.do(f"ip link set {name} name {TEMPORARY}")
    steps.do(f"ip link set {TEMPORARY} netns {POD}")
    steps.do(f"ip -n {POD} link set {TEMPORARY} name net1")
    steps.do(f"ip netns exec {POD} sysctl -qw net.ipv4.conf.net1.arp_notify=1 net.ipv6.conf.net1.ndisc_notify=1")
    steps.do(f"ip -n {POD} link set net1 address {POD_MAC}")
    ksft_eq(link("net1", POD)["address"], POD_MAC, "address in the pod")
    steps.do(f"ip -n {POD} link set net1 up")
    start = time.monotonic()
    wait_for(lambda: "LOWER_UP" in link("net1", POD)["flags"], 20, "carrier in the pod", step=0.01)
    return round(1000 * (time.monotonic() - start))


def out_of_pod(bench, vf, steps, before, mac):
    """ResetVFConfig, then ReleaseVF: everything as it was."""
    pf, name = bench.env.ifname, f"v{vf.index}"
    rate, vlan = before["rate"], before["vlan_list"][0]
    for words in (f"vlan {vlan.get('vlan', 0)}", f"spoofchk {'on' if before['spoofchk'] else 'off'}",
                  f"mac {before['address']}", f"trust {'on' if before.get('trust') else 'off'}",
                  f"min_tx_rate {rate['min_tx']} max_tx_rate {rate['max_tx']}", f"state {before['link_state']}"):
        steps.do(f"ip link set {pf} vf 0 {words}")
    steps.do(f"ip -n {POD} link set net1 down")
    steps.do(f"ip -n {POD} link set net1 name {TEMPORARY}")
    steps.do(f"ip -n {POD} link set {TEMPORARY} address {mac}")
    steps.do(f"ip -n {POD} link set {TEMPORARY} mtu 1500")
    steps.do(f"ip -n {POD} link set {TEMPORARY} netns 1")
    steps.do(f"ip link set {TEMPORARY} name {name}")


def cni(bench):
    """Ten pods after the other get a VF and give it back; each reaches the wire in its VLAN at once."""
    env = bench.env
    defer(bench.spoil)
    vf = bench.vfs[0]
    run(f"ip -n {vf.ns} link set {vf.ifname} down netns 1")
    before, mac = row(bench), link(netdev_of(vf.pci))["address"]
    run(f"ip -n {env.ns} link add link {env.peer_if} name tagged type vlan id {VID}")
    defer(run, f"ip -n {env.ns} link del tagged")
    run(f"ip -n {env.ns} addr add 198.51.100.1/24 dev tagged")
    run(f"ip -n {env.ns} link set tagged up")
    steps, took = Steps(), []
    for at in range(ROUNDS):
        run(f"ip netns add {POD}")
        configure(bench, steps, vf)
        took.append(into_pod(vf, steps))
        run(f"ip -n {POD} addr add 198.51.100.{10 + at}/24 dev net1")
        ksft_ge(ping("198.51.100.1", count=2, ns=POD), 1, "answers to the pod")
        out_of_pod(bench, vf, steps, before, mac)
        ksft_eq(row(bench), before, "attributes afterwards")
        ksft_eq(link(netdev_of(vf.pci))["address"], mac, "the VF's own address afterwards")
        run(f"ip netns del {POD}")
    env.note("milliseconds from up to carrier:", *took)
    if max(took) > CARRIER_MS * SLOW:
        stock_xfail(f"carrier after {max(took)} ms")
    ksft_lt(sorted(took)[ROUNDS // 2], CARRIER_MS * SLOW + 1, "milliseconds from up to carrier, the middle one")
    steps.done()


def life_cycle(bench):
    """The operator's: none and all VFs in turn; each there with its links and its interface, the PF's name the same."""
    env = bench.env
    defer(bench.spoil)
    bench.disable()
    name = env.ifname
    for _ in range(CYCLES):
        write(env.sysfs / "sriov_numvfs", ALL)
        vfs = [(env.sysfs / f"virtfn{at}").resolve() for at in range(ALL)]
        wait_for(lambda found=vfs: all(netdev_of(vf.name) for vf in found), 20, "an interface of each VF")
        ksft_eq({(vf / "physfn").resolve().name for vf in vfs}, {env.pci}, "physfn of the VFs")
        ksft_eq({read(vf / "class") for vf in vfs}, {"0x020000"}, "class")
        ksft_eq(len({link(netdev_of(vf.name))["address"] for vf in vfs}), ALL, "different addresses")
        write(env.sysfs / "sriov_numvfs", 0)
        ksft_eq([vf.name for vf in vfs if vf.exists()], [], "VFs left")
        ksft_eq(netdev_of(env.pci), name, "the PF's name")
    ksft_eq(read(env.sysfs / "sriov_totalvfs"), "7", "sriov_totalvfs")


def administrator_address(bench):
    """The operator gives each VF the address that it has: the interface stays, and so does its traffic."""
    vf = bench.vfs[0]
    defer(bench.spoil)
    index, changes = vf.link()["ifindex"], output(f"cat /sys/class/net/{vf.ifname}/carrier_changes", ns=vf.ns)
    bench.set_vf(0, "mac", vf.mac)
    ksft_eq(row(bench)["address"], vf.mac, "read back")
    ksft_eq(ping(bench.env.peer_v4, count=20, options="-i 0.02", ns=vf.ns), 20, "answers right after")
    ksft_eq(vf.link()["ifindex"], index, "interface")
    ksft_eq(output(f"cat /sys/class/net/{vf.ifname}/carrier_changes", ns=vf.ns), changes, "changes of its carrier")
    # Unbound and bound by override, as for vfio-pci and back, it has the address still.
    mac = vf.mac
    vf.unbind()
    ksft_eq((driver_of(vf.pci), row(bench)["address"]), (None, mac), "without a driver")
    vf.bind(bench.driver)
    write(PCI_DEVICES / vf.pci / "driver_override", "\n")
    vf.come_up()
    ksft_eq(vf.mac, mac, "address afterwards")


def statistics(bench):
    """The exporter's: what a VF has received and sent, as the PF's interface tells it."""
    vf, size = bench.vfs[0], 1 << 20
    before = bench.vf_stats(0)
    for direction in ("tx", "rx"):
        sent, got = transfer(path(vf, wire_end(bench.env)), direction, size=size)
        ksft_eq(sent, got, f"md5, {direction}")
    after = settle(lambda: bench.vf_stats(0))
    grown = {(side, what): after[side][what] - before[side][what] for side in ("rx", "tx")
             for what in ("bytes", "packets")}
    if on_stock() and not any(grown.values()):
        stock_xfail("counts nothing of its VFs")
    for side in ("rx", "tx"):
        ksft_ge(grown[side, "bytes"], size, f"bytes, {side}")
        ksft_ge(grown[side, "packets"], size // 65536, f"packets, {side}")


def main():
    """Run the cases."""
    bench = Sriov()
    ksft_run(with_drivers([cni, life_cycle, administrator_address, statistics], pair()), args=(bench,))
    ksft_exit()


if __name__ == "__main__":
    main()
