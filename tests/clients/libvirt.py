#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=1200 drivers=kawela,stock
"""libvirt gives VFs to guests and takes them back: its devices, pools, addresses and VLANs, and its statistics."""

from pathlib import Path

from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_lt, ksft_not_in, ksft_run, ksft_true
from kwl_env import link, on_stock, stock_xfail
from kwl_faults import carry, pair
from kwl_frames import ether
from kwl_guest import IFNAME
from kwl_libvirt import (Libvirt, LibvirtGuest, destroy, direct, hand_over, hollow, hostdev, inner, node, nodes,
                         pci_of, requests, statistics, told, virsh)
from kwl_nic import driver_of, netdev_of
from kwl_sriov import Sriov, with_drivers
from kwl_sys import output, run, settle, wait_for
from kwl_traffic import ping
from kwl_wire import send_frames

SYS_NET = Path("/sys/class/net")
NAME, OTHER, POOL = "hollow", "hollow2", "kawela"
MAC, OTHER_MAC, VID, LOCAL = "02:00:00:00:ee:01", "02:00:00:00:ee:02", 100, 0x88B5
GUEST_V4, WIRE_V4, NOBODY_V4, NOBODY = "198.51.100.10", "198.51.100.1", "198.51.100.77", "02:00:00:00:ee:77"


def row(bench, index=0):
    """What the PF's interface tells of a VF, without its statistics."""
    return {key: value for key, value in bench.pf_vf(index).items() if key != "stats"}


def vid(bench, index=0):
    """The VLAN that the administrator has put a VF in."""
    return bench.pf_vf(index)["vlan_list"][0].get("vlan", 0)


def show(bench, *vfs):
    """Have the host own some VFs as it does after boot; libvirt looks nowhere else."""
    defer(bench.spoil)
    for vf in vfs:
        run(f"ip -n {vf.ns} link set {vf.ifname} down netns 1")


def create(name, interface):
    """Start a hollow guest; it is gone when the case is over."""
    defer(destroy, name)
    hand_over("create", hollow(name, interface))


def given(bench, vf, mac, vlan=0):
    """The VF is a guest's, with the address and the VLAN of its XML."""
    ksft_eq(driver_of(vf.pci), "vfio-pci", "driver while the guest runs")
    ksft_eq(bench.pf_vf(vf.index)["address"], mac, "administrator's address while it runs")
    ksft_eq(vid(bench, vf.index), vlan, "VLAN while it runs")


def restored(bench, vf, before, mac):
    """The VF is as it was, its driver has it and it carries traffic.

    Where the administrator had set no address, libvirt leaves that of the interface there.
    """
    ksft_eq(row(bench, vf.index), before | {"address": mac}, "attributes afterwards")
    ksft_eq(driver_of(vf.pci), bench.driver, "driver afterwards")
    wait_for(lambda: netdev_of(vf.pci), 20, "an interface afterwards")
    vf.come_up()
    ksft_eq(vf.mac, mac, "address of its interface afterwards")
    bench.forget_neighbours()
    carry(bench)


def devices(bench):
    """nodedev: the PF's and the VFs' functions know each other; VFs come and go; the PF has its features."""
    env, vfs = bench.env, bench.vfs
    wait_for(lambda: {node(vf.pci) for vf in vfs} <= set(nodes("pci")), 20, "libvirt to know the VFs", step=0.5)
    pf = told("nodedev-dumpxml", node(env.pci))
    functions = pf.find("./capability/capability[@type='virt_functions']")
    ksft_eq(functions.get("maxCount"), "7", "VFs that it can have")
    ksft_eq([pci_of(one) for one in functions], [vf.pci for vf in vfs], "VFs of the PF")
    ksft_eq(pf.findtext("./driver/name"), driver_of(env.pci), "driver of the PF")
    for vf in vfs:
        shown = told("nodedev-dumpxml", node(vf.pci))
        ksft_eq(pci_of(shown.find("./capability/capability[@type='phys_function']/address")), env.pci, "PF of a VF")
        ksft_eq(shown.findtext("./driver/name"), bench.driver, "driver of a VF")
        ksft_true(shown.find("./capability/iommuGroup") is not None, "IOMMU group of a VF")
    defer(bench.spoil)
    bench.disable()
    wait_for(lambda: not {node(vf.pci) for vf in vfs} & set(nodes("pci")), 20, "libvirt to forget the VFs", step=0.5)
    shown = told("nodedev-dumpxml", interface_node(env))
    ksft_eq(shown.find("./capability/link").attrib, {"speed": "1000", "state": "up"}, "link of the PF")
    for libvirts, ours in (("rx", "rx-checksumming"), ("tx", "tx-checksumming"), ("sg", "scatter-gather"),
                           ("tso", "tcp-segmentation-offload"), ("gro", "generic-receive-offload"),
                           ("rxvlan", "rx-vlan-offload"), ("txvlan", "tx-vlan-offload"), ("rxhash", "receive-hashing")):
        (ksft_in if env.feature(ours) else ksft_not_in)(libvirts, features(env), ours)


def interface_node(env):
    """libvirt's name of the PF's interface."""
    return f"net_{env.ifname}_{env.mac.replace(':', '_')}"


def features(env):
    """The features that libvirt sees in the PF's interface."""
    return {one.get("name") for one in told("nodedev-dumpxml", interface_node(env)).iterfind("./capability/feature")}


def switchdev(bench):
    """The feature of this name comes and goes with the mode; a VF is given and taken back in it too."""
    env, vf = bench.env, bench.vfs[0]
    show(bench, vf)
    ksft_not_in("switchdev", features(env), "feature before")
    if run(f"devlink dev eswitch set pci/{env.pci} mode switchdev", check=False).returncode:
        stock_xfail("has no devlink")
    defer(run, f"devlink dev eswitch set pci/{env.pci} mode legacy", check=False)
    ksft_in("switchdev", features(env), "feature")
    before, mac = row(bench), bench.pf_vf(0)["address"]
    create(NAME, hostdev(vf.pci, MAC))
    given(bench, vf, MAC)
    virsh("destroy", NAME)
    ksft_eq((row(bench), driver_of(vf.pci)), (before | {"address": mac}, bench.driver), "afterwards")
    output(f"devlink dev eswitch set pci/{env.pci} mode legacy")
    ksft_not_in("switchdev", features(env), "feature in legacy mode again")
    restored(bench, vf, before, mac)


def managed(bench):
    """An interface with address and VLAN: both are on the PF while the guest runs, and undone; the VF works again."""
    vf = bench.vfs[0]
    mac, before = vf.mac, row(bench)
    show(bench, vf)
    for _ in range(2):
        create(NAME, hostdev(vf.pci, MAC, VID))
        given(bench, vf, MAC, VID)
        virsh("destroy", NAME)
        ksft_eq(row(bench), before | {"address": mac}, "attributes afterwards")
    restored(bench, vf, before, mac)


def taken(bench):
    """A VF in a VLAN of the administrator's is taken out of it for a guest without; no second guest gets it."""
    vf = bench.vfs[0]
    mac = vf.mac
    bench.set_vf(0, "vlan", VID, "qos", 0)
    defer(bench.set_vf, 0, "vlan", 0)
    show(bench, vf)
    create(NAME, hostdev(vf.pci, MAC))
    given(bench, vf, MAC)
    ksft_ge(hand_over("create", hollow(OTHER, hostdev(vf.pci, OTHER_MAC)), check=False).returncode, 1, "another's exit")
    given(bench, vf, MAC)
    virsh("destroy", NAME)
    ksft_eq((vid(bench), bench.pf_vf(0)["address"]), (VID, mac), "VLAN and address afterwards")
    bench.set_vf(0, "vlan", 0)
    restored(bench, vf, row(bench), mac)


def unmanaged(bench):
    """managed='no': the administrator detaches and reattaches the VF; libvirt sees to address and VLAN all the same."""
    vf = bench.vfs[0]
    mac = vf.mac
    show(bench, vf)
    wait_for(lambda: node(vf.pci) in nodes("pci"), 20, "libvirt to know the VF", step=0.5)
    virsh("nodedev-detach", node(vf.pci))
    defer(virsh, "nodedev-reattach", node(vf.pci), check=False)
    ksft_eq(driver_of(vf.pci), "vfio-pci", "driver once detached")
    before = row(bench)
    create(NAME, hostdev(vf.pci, MAC, VID, managed="no"))
    given(bench, vf, MAC, VID)
    virsh("destroy", NAME)
    ksft_eq((row(bench), driver_of(vf.pci)), (before, "vfio-pci"), "afterwards")
    virsh("nodedev-reattach", node(vf.pci))
    restored(bench, vf, before, mac)


def pool(bench):
    """A network of the PF's VFs: each guest gets one of its own, the third none, and all come back."""
    vfs = bench.vfs
    macs, before = [vf.mac for vf in vfs], [row(bench, vf.index) for vf in vfs]
    show(bench, *vfs)
    hand_over("net-create", f"<network><name>{POOL}</name><forward mode='hostdev' managed='yes'>"
                            f"<pf dev='{bench.env.ifname}'/></forward></network>")
    defer(virsh, "net-destroy", POOL)
    shown = told("net-dumpxml", POOL)
    ksft_eq([pci_of(one) for one in shown.iterfind("./forward/address")], [vf.pci for vf in vfs], "VFs of the pool")
    wanted = f"<interface type='network'><source network='{POOL}'/></interface>"
    got = []
    for name in (NAME, OTHER):
        create(name, wanted)
        interface = told("dumpxml", name).find("./devices/interface")
        vf = next(vf for vf in vfs if vf.pci == pci_of(interface.find("./source/address")))
        given(bench, vf, interface.find("./mac").get("address"))
        got.append(vf.pci)
    ksft_eq(sorted(got), sorted(vf.pci for vf in vfs), "VFs given away")
    ksft_eq(told("net-dumpxml", POOL).get("connections"), "2", "guests of the pool")
    ksft_ge(hand_over("create", hollow("hollow3", wanted), check=False).returncode, 1, "exit for the third guest")
    for name in (NAME, OTHER):
        virsh("destroy", name)
    bench.vfs[1].come_up()
    for vf, mac, attributes in zip(vfs, macs, before):
        ksft_eq(row(bench, vf.index), attributes | {"address": mac}, "attributes afterwards")
    restored(bench, vfs[0], before[0], macs[0])


def tagged(bench):
    """The wire's end of the guest's VLAN."""
    env = bench.env
    run(f"ip -n {env.ns} link add link {env.peer_if} name tagged type vlan id {VID}")
    defer(run, f"ip -n {env.ns} link del tagged")
    run(f"ip -n {env.ns} addr add {WIRE_V4}/24 dev tagged")
    run(f"ip -n {env.ns} link set tagged up")


def boot(bench, vf, interface):
    """Start a guest with an operating system; its driver has the VF, which has carrier and an address in the VLAN."""
    guest = LibvirtGuest(vf, interface)
    defer(guest.kill)
    for tries_left in (2, 1, 0):
        guest.start()
        try:
            guest.machine.wait()
            break
        except inner.GuestGone as error:
            # Nobody has loaded the VF's driver yet.
            said = " ".join(str(error).split())[:300]
            guest.kill()
            if not tries_left:
                raise KsftSkipEx(f"the guest does not boot: {said}; {inner.EMULATOR}") from error
            bench.env.note(f"REPEATED: the guest does not boot: {said}; {inner.EMULATOR}")
    guest.run(f"modprobe {bench.driver}")
    settle_in(guest)
    return guest


def settle_in(guest):
    """Give the guest's interface its address and wait for its carrier."""
    wait_for(guest.has_interface, 30, "the guest's interface", 0.3)
    guest.run(f"ip addr add {GUEST_V4}/24 dev {IFNAME}; ip link set {IFNAME} up")
    guest.wait_carrier()


def counted(bench, guest):
    """domifstat counts what the guest gets and sends, each on its own side."""
    env, size, frames, pings = bench.env, 500, 60, 40

    def moved(what):
        before = settle(lambda: statistics(guest.name, MAC), quiet=2.5, timeout=20)
        what()
        after = settle(lambda: statistics(guest.name, MAC), quiet=2.5, timeout=20)
        return {name: after[name] - before[name] for name in after}

    get = moved(lambda: send_frames(env.peer_if, [ether(MAC, env.peer_mac, LOCAL, bytes(size), VID)] * frames, env.ns))
    guest.run(f"ip neigh replace {NOBODY_V4} lladdr {NOBODY} dev {IFNAME}")
    sent = moved(lambda: guest.ping(NOBODY_V4, count=pings, options=f"-i 0.02 -s {size} -W 1"))
    env.note(f"domifstat: {frames} frames to the guest: {get}; {pings} pings from it: {sent}")
    if on_stock() and not any([*get.values(), *sent.values()]):
        stock_xfail("counts nothing of its VFs")
    ksft_ge(get["rx_packets"], frames, "packets received")
    ksft_ge(get["rx_bytes"], frames * size, "bytes received")
    ksft_lt(get["tx_packets"], frames, "packets sent meanwhile")
    ksft_ge(sent["tx_packets"], pings, "packets sent")
    ksft_ge(sent["tx_bytes"], pings * size, "bytes sent")
    ksft_lt(sent["rx_packets"], pings, "packets received meanwhile")


def guest_runs(bench):
    """A guest with its own driver: its address, VLAN and statistics; it powers itself off, and the VF comes back."""
    vf = bench.vfs[0]
    mac, before = vf.mac, row(bench)
    show(bench, vf)
    tagged(bench)
    guest = boot(bench, vf, hostdev(vf.pci, MAC, VID))
    given(bench, vf, MAC, VID)
    ksft_eq(guest.mac, MAC, "address in the guest")
    ksft_ge(guest.ping(WIRE_V4, count=3), 1, "answers of the wire in the guest's VLAN")
    ksft_eq(ping(GUEST_V4, count=3, ns=bench.env.ns), 3, "answers of the guest")
    try:
        counted(bench, guest)
    finally:
        guest.machine.power_off()
        restored(bench, vf, before, mac)


def plugged(bench):
    """A guest that runs gets a VF, gives it back and gets it again, with another address."""
    vf = bench.vfs[0]
    mac, before = vf.mac, row(bench)
    show(bench, vf)
    tagged(bench)
    guest = boot(bench, vf, hostdev(vf.pci, MAC, VID))
    for address in (OTHER_MAC, MAC):
        interface = told("dumpxml", guest.name).find("./devices/interface/mac").get("address")
        virsh("detach-interface", guest.name, "hostdev", "--mac", interface)
        wait_for(lambda: driver_of(vf.pci) == bench.driver, 60, "the host to have the VF back", step=0.5)
        ksft_eq(guest.has_interface(), False, "an interface in the guest")
        ksft_eq(row(bench), before | {"address": mac}, "attributes after it was pulled")
        hand_over("attach-device", hostdev(vf.pci, address, VID), guest.name)
        given(bench, vf, address, VID)
        settle_in(guest)
        ksft_eq(guest.mac, address, "address in the guest")
        ksft_ge(guest.ping(WIRE_V4, count=3), 1, "answers of the wire")
    virsh("destroy", guest.name)
    restored(bench, vf, before, mac)


def passed_through(bench, vf):
    """A guest gets the VF's interface by macvtap: the interface has its address, and frames to that come through."""
    # The name that the kernel will choose once more: libvirt looks for it where it has to bind the VF anew.
    name = next(f"eth{at}" for at in range(9) if netdev_of(vf.pci) == f"eth{at}" or not (SYS_NET / f"eth{at}").exists())
    run(f"ip link set {netdev_of(vf.pci)} name {name}")
    before = link(name)["address"], row(bench)
    # It holds a module that the bench unloads.
    defer(run, "rmmod macvtap", check=False)
    create(NAME, direct(name, MAC))
    tap = told("dumpxml", NAME).find("./devices/interface/target").get("dev")
    ksft_eq(link(name)["address"], MAC, "address of the interface while the guest runs")
    wait_for(lambda: "LOWER_UP" in link(tap)["flags"], 20, "carrier of the guest's")
    frame = ether(MAC, bench.env.peer_mac, LOCAL, bytes(100))
    received = link(tap)["stats64"]["rx"]["packets"]
    send_frames(bench.env.peer_if, [frame] * 20, bench.env.ns)
    wait_for(lambda: link(tap)["stats64"]["rx"]["packets"] >= received + 20, 10, "frames to the guest")
    virsh("destroy", NAME)
    wait_for(lambda: netdev_of(vf.pci) == name, 10, "the interface afterwards")
    ksft_eq((link(name)["address"], row(bench)), before, "addresses afterwards")


def macvtap(bench):
    """<interface type='direct'> in mode passthrough: libvirt gives the VF's interface the guest's address."""
    vf = bench.vfs[0]
    show(bench, vf)
    passed_through(bench, vf)
    vf.come_up()
    carry(bench)


def macvtap_denied(bench):
    """The same with an address of the administrator's: libvirt must set that, and bind the VF anew."""
    vf = bench.vfs[0]
    bench.set_vf(0, "mac", OTHER_MAC)
    show(bench, vf)
    vf.unbind()
    vf.bind(bench.driver)
    wait_for(lambda: netdev_of(vf.pci), 10, "the interface")
    asked = len(requests("Success"))
    passed_through(bench, vf)
    ksft_ge(len(requests("Success")), asked + 1, "requests to the PF")
    ksft_eq(bench.pf_vf(0)["address"], OTHER_MAC, "administrator's address afterwards")


def requested(_bench):
    """Not one of libvirt's requests to the PF was refused, in all that went before."""
    refused = requests("Fail")
    ksft_ge(len(requests("Success")), 10, "requests that were granted")
    if refused:
        stock_xfail(f"refuses {len(refused)} of libvirt's requests: {refused[0]}")
    ksft_eq(refused, [], "requests that were refused")


CASES = [devices, switchdev, managed, taken, unmanaged, pool, guest_runs, plugged, macvtap, macvtap_denied, requested]


def main():
    """Run the cases."""
    with Libvirt():
        ksft_run(with_drivers(CASES, pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
