#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=900 drivers=kawela,stock
"""systemd-udevd: [SR-IOV] sections of .link files, and the names of PF, VFs and representors."""

from pathlib import Path

from lib.py import defer, ksft_eq, ksft_exit, ksft_pr, ksft_run, ksft_true
from kwl_devlink import Devlink
from kwl_env import MODULE, link, on_stock, stock_xfail
from kwl_faults import pair
from kwl_nic import driver_of, netdev_of
from kwl_sriov import Sriov, with_drivers
from kwl_switch import tag_of
from kwl_sys import output, read, run, wait_for, write
from kwl_traffic import ping
from kwl_udev import VID, WIRE_IN_VLAN, Udev, file, fresh, own_pair, take_vfs, told, wire_in_vlan
from kwl_wire import on_wire

LINK_FILE, RULES = "/etc/systemd/network/10-kawela.link", "/etc/udev/rules.d/70-kawela-test.rules"
MACS, NEW_MAC = ("02:00:00:00:00:10", "02:00:00:00:00:11"), "02:00:00:00:00:20"
QOS, OTHER_VID = 3, 200
# Bus 1, slot 0; a PF that names its port has that behind it.
CARD = "enp1s0"
PF = CARD if on_stock() else CARD + "np0"
FIRST = {"MACAddress": MACS[0], "VLANId": VID, "QualityOfService": QOS, "VLANProtocol": "802.1Q",
         "MACSpoofCheck": "no", "Trust": "yes"}
SECOND = {"MACAddress": MACS[1], "MACSpoofCheck": "yes", "Trust": "no"}


def link_file(count, *sections):
    """The text of a .link file for the PF: how many VFs, and a section for each of some."""
    lines = ["[Match]", f"Driver={MODULE}", "[Link]", "NamePolicy=path", f"SR-IOVVirtualFunctions={count}"]
    for at, section in enumerate(sections):
        lines += ["[SR-IOV]", f"VirtualFunction={at}", *(f"{key}={value}" for key, value in section.items())]
    return "\n".join(lines) + "\n"


def edit(udev, text):
    """What an administrator does after an edit of the .link file."""
    Path(LINK_FILE).write_text(text, encoding="utf-8")
    udev.reload()
    udev.announce(PF)


def begin(bench, text=None):
    """udevd runs, with this .link file; everything as it was afterwards. Returns (udev, the VFs' driver)."""
    defer(bench.spoil)
    defer(fresh, bench)
    driver = own_pair(bench)
    if text:
        file(LINK_FILE, text)
    return Udev(), driver


def wanted(section, **other):
    """What a section comes to in `ip -d link show PF`."""
    states = {"yes": "enable", "no": "disable"}
    return {"mac": section["MACAddress"], "vlan": (section.get("VLANId", 0), section.get("QualityOfService", 0)),
            "spoofchk": section["MACSpoofCheck"] == "yes", "trust": section["Trust"] == "yes", "rate": 0,
            "state": states.get(section.get("LinkState"), "auto"),
            "query_rss": section.get("QueryReceiveSideScaling") == "yes", **other}


def in_vlan(bench, vf):
    """The VF reaches the wire in its VLAN, without a tag of its own; the wire sees tag and priority."""
    run(f"ip -n {vf.ns} addr replace 198.51.100.{10 + vf.index}/24 dev {vf.ifname}")
    run(f"ip -n {vf.ns} neigh flush all")
    run(f"ip -n {bench.env.ns} neigh flush all")
    source = bytes.fromhex(vf.mac.replace(":", ""))
    with on_wire(bench.env, lambda data: data[6:12] == source and b"\x08\x00\x45" in data[12:20]) as capture:
        ksft_eq(ping(WIRE_IN_VLAN, count=5, ns=vf.ns), 5, "answers in the VLAN")
        frames = capture.wait(5)
    ksft_eq({tag_of(one) for one in frames}, {QOS << 13 | VID}, "tags on the wire")
    ksft_eq(ping(bench.env.peer_v4, ns=vf.ns), 0, "answers outside of it")


def content(udev):
    """It has complained of nothing."""
    if udev.complaints():
        stock_xfail("udev: " + udev.complaints()[0])
    ksft_eq(udev.complaints(), [], "complaints")


def addressed(vfs, macs=MACS):
    """The interfaces of VFs have the addresses of their sections."""
    seen = [vf.mac for vf in vfs]
    if seen != list(macs):
        # A trusted igbvf has its own way; and without an address udev makes one up for it, meanwhile.
        stock_xfail(f"addresses of the VFs are {seen}")
    ksft_eq(seen, list(macs), "addresses of the VFs")


def names(bench):
    """PF and VFs have the names of their places, whenever VFs come; each VF has the address that it had before."""
    udev, driver = begin(bench)
    ksft_eq(udev.load(bench.env), PF, "the PF's name")
    seen = []
    for count in (2, 7):
        write(bench.env.sysfs / "sriov_numvfs", count)
        udev.settle()
        vfs = take_vfs(bench)
        ksft_eq([netdev_of(vf.pci) for vf in vfs], [f"{CARD}v{vf.index}" for vf in vfs], "names")
        ksft_eq({driver_of(vf.pci) for vf in vfs}, {driver}, "loaded and bound by udev")
        seen.append([link(netdev_of(vf.pci))["address"] for vf in vfs])
        ksft_eq(len(set(seen[-1])), count, "different addresses")
        for vf in vfs[:2]:
            known = udev.known(netdev_of(vf.pci))
            ksft_eq((known["ID_NET_NAME_PATH"], known["ID_NET_DRIVER"]), (f"{CARD}v{vf.index}", driver), "database")
            said = output(f"udevadm test-builtin net_id /sys/class/net/{netdev_of(vf.pci)}")
            ksft_true(f"ID_NET_NAME_PATH={CARD}v{vf.index}" in said, "net_id")
        write(bench.env.sysfs / "sriov_numvfs", 0)
        udev.settle()
    ksft_eq(seen[1][:2], seen[0], "addresses of the second time")
    content(udev)


def check_sections(bench, udev):
    """What FIRST and SECOND demand reads back and acts."""
    vfs = take_vfs(bench)
    ksft_eq([told(bench, at) for at in range(2)], [wanted(FIRST), wanted(SECOND)], "read back")
    ksft_eq([netdev_of(vf.pci) for vf in vfs], [f"{CARD}v0", f"{CARD}v1"], "names")
    content(udev)
    for vf in vfs:
        vf.come_up()
    addressed(vfs)
    in_vlan(bench, vfs[0])
    ksft_eq(ping(bench.env.peer_v4, count=5, ns=vfs[1].ns), 5, "answers to VF 1")


def sections(bench):
    """A .link file's sections are in force as soon as the card's driver is loaded, each time."""
    udev, driver = begin(bench, link_file(2, FIRST, SECOND))
    wire_in_vlan(bench.env)
    for _ in range(2):
        bench.disable()
        # The VFs' driver comes by udev as well, like at boot.
        run(f"modprobe -r {driver}")
        ksft_eq(udev.load(bench.env), PF, "the PF's name")
        ksft_eq(udev.known(PF)["ID_NET_LINK_FILE"], LINK_FILE, "file")
        ksft_eq(bench.numvfs(), 2, "VFs")
        bench.env.start()
        check_sections(bench, udev)


def link_state(bench):
    """LinkState= and QueryReceiveSideScaling=, and what is to be applied together with them."""
    forced = {**FIRST, "LinkState": "yes", "QueryReceiveSideScaling": "yes"}
    cut = {**SECOND, "LinkState": "no", "Trust": "yes"}
    udev, _ = begin(bench, link_file(2, forced, cut))
    udev.load(bench.env)
    bench.env.start()
    if udev.complaints():
        trust = [told(bench, at)["trust"] for at in range(2)]
        stock_xfail(f"'{udev.complaints()[0]}': trust afterwards {trust}, wanted yes for both")
    content(udev)
    ksft_eq([told(bench, at) for at in range(2)], [wanted(forced), wanted(cut)], "read back")
    vfs = take_vfs(bench)
    vfs[0].attach()
    vfs[1].attach()
    vfs[0].wait_carrier()
    bench.env.set_link("down")
    ksft_eq([vf.carrier() for vf in vfs], [True, False], "carriers, with the PF down")
    bench.env.set_link("up")
    bench.env.wait_carrier()
    ksft_eq([vf.carrier() for vf in vfs], [True, False], "carriers, with the PF up")
    bench.set_vf(1, "state", "auto")
    vfs[1].wait_carrier()


def edited(bench):
    """Changes of the file come into force without a reload of drivers: same VFs first, then other ones, then none."""
    udev, _ = begin(bench, link_file(2, FIRST, SECOND))
    wire_in_vlan(bench.env)
    udev.load(bench.env)
    bench.env.start()
    vfs = take_vfs(bench)
    for vf in vfs:
        vf.come_up()
    addressed(vfs)
    before = [vf.link()["ifindex"] for vf in vfs]
    # Nothing is new.
    udev.announce(PF)
    ksft_eq([told(bench, at) for at in range(2)], [wanted(FIRST), wanted(SECOND)], "the same once more")
    # The VLAN moves to the other VF; both are at work. (VLANId=0 is nothing that systemd takes.)
    in_vlan(bench, vfs[0])
    away, moved = {**FIRST, "VLANId": OTHER_VID}, {**SECOND, "VLANId": VID, "QualityOfService": QOS}
    edit(udev, link_file(2, away, moved))
    ksft_eq([told(bench, at) for at in range(2)], [wanted(away), wanted(moved)], "VLAN moved")
    ksft_eq([vf.link()["ifindex"] for vf in vfs], before, "interfaces of the VFs")
    for vf in vfs:
        vf.wait_carrier()
    wait_for(lambda: not ping(WIRE_IN_VLAN, ns=vfs[0].ns), 60, "VF 0 out of the VLAN")
    in_vlan(bench, vfs[1])
    # Another number makes them all anew.
    edit(udev, link_file(3, FIRST, SECOND))
    ksft_eq(bench.numvfs(), 3, "VFs")
    ksft_eq([told(bench, at) for at in range(2)], [wanted(FIRST), wanted(SECOND)], "of new VFs")
    ksft_eq([netdev_of(vf.pci) for vf in take_vfs(bench)], [f"{CARD}v{at}" for at in range(3)], "names")
    edit(udev, link_file(0))
    ksft_eq(bench.numvfs(), 0, "VFs in the end")
    content(udev)


def address_of_bound(bench, section):
    """A MACAddress= for a VF that its driver has already counts once the VF comes up, by itself."""
    udev, driver = begin(bench, link_file(1))
    run(f"modprobe {driver}")
    udev.load(bench.env)
    bench.env.start()
    vf = take_vfs(bench)[0]
    edit(udev, link_file(1, section))
    ksft_eq(told(bench, 0), wanted(section), "read back")
    vf.come_up()
    addressed([vf], [NEW_MAC])
    ksft_eq(ping(bench.env.peer_v4, count=5, ns=vf.ns), 5, "answers")
    content(udev)


def new_address(bench):
    """A section is added for a VF that has its driver."""
    address_of_bound(bench, {**SECOND, "MACAddress": NEW_MAC})


def new_address_trusted(bench):
    """And for one that is to be trusted."""
    address_of_bound(bench, {**SECOND, "MACAddress": NEW_MAC, "Trust": "yes"})


def reprs(devlink):
    """[(number of the VF, its representor)] by devlink."""
    return sorted((port["vfnum"], port["netdev"]) for port in devlink.ports().values()
                  if port["flavour"] == "pcivf" and "netdev" in port)


def representors(bench):
    """In mode switchdev: PF and VFs keep their names, a rule names representors; addresses last."""
    if not Devlink(bench.env).json("dev", "show")["dev"].get(f"pci/{bench.env.pci}"):
        stock_xfail("no devlink")
    udev, _ = begin(bench)
    devlink = Devlink(bench.env)
    defer(devlink.run, "dev", "eswitch", "set", "DEV", "mode", "legacy")
    udev.load(bench.env)
    write(bench.env.sysfs / "sriov_numvfs", 2)
    udev.settle()
    seen = []
    for mode in ("switchdev", "legacy", "switchdev"):
        devlink.run("dev", "eswitch", "set", "DEV", "mode", mode)
        udev.settle()
        ksft_eq([netdev_of(bench.env.pci), *(netdev_of(vf.pci) for vf in take_vfs(bench))],
                [PF, f"{CARD}v0", f"{CARD}v1"], f"names in mode {mode}")
        if mode == "switchdev" and not seen:
            # Without a rule they are the kernel's; whose they are, devlink tells.
            shown = [name for _, name in reprs(devlink)]
            ksft_pr("without a rule:", *shown)
            ksft_eq(["ID_NET_NAME_PATH" in udev.known(name) for name in shown], [False, False], "names by a place")
            switch = read(f"/sys/class/net/{PF}/phys_switch_id")
            file(RULES, f'SUBSYSTEM=="net", ACTION=="add", ATTR{{phys_switch_id}}=="{switch}", '
                        f'ATTR{{phys_port_name}}=="pf0vf*", NAME="{CARD}_$attr{{phys_port_name}}"\n')
            udev.reload()
        seen.append([(num, name, link(name)["address"]) for num, name in reprs(devlink)])
    ksft_eq(seen[1], [], "representors in mode legacy")
    ksft_eq([name for _, name, _ in seen[2]], [f"{CARD}_pf0vf0", f"{CARD}_pf0vf1"], "names")
    ksft_eq([mac for *_, mac in seen[2]], [mac for *_, mac in seen[0]], "addresses of the second time")
    # And VFs that come while the mode lasts.
    for count in (0, 3):
        write(bench.env.sysfs / "sriov_numvfs", count)
        udev.settle()
    ksft_eq(reprs(devlink), [(at, f"{CARD}_pf0vf{at}") for at in range(3)], "names of new ones")
    content(udev)


def main():
    """Run the cases."""
    cases = [names, sections, link_state, edited, new_address, new_address_trusted, representors]
    ksft_run(with_drivers(cases, pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
