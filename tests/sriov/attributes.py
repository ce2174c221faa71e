#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""Every attribute of `ip link set PF vf N`: settable at any time, read back exactly, never lost.

At any time: with the PF down, before a driver has the VF, while the VF runs in a namespace. What the
attributes do is the matter of the other files; here it is enough that a VF with all of them works.
"""

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_env import link
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import frames_seen, tag_of
from kwl_sys import run, settle, wait_for, write

ADMIN = "02:11:22:33:44:55"
VID, QOS, RATE = 100, 5, 250
WORDS = ("mac", ADMIN, "vlan", VID, "qos", QOS, "max_tx_rate", RATE, "spoofchk", "off", "trust", "on",
         "query_rss", "on", "state", "enable")


def shown(bench, index=0):
    """Return all attributes of a VF as `ip -d link show PF` gives them."""
    one = bench.pf_vf(index)
    vlan = one["vlan_list"][0]
    return {"mac": one["address"], "vlan": vlan.get("vlan", 0), "qos": vlan.get("qos", 0),
            "proto": vlan.get("protocol", "802.1Q"), "rate": one["rate"]["max_tx"], "least": one["rate"]["min_tx"],
            "spoofchk": one["spoofchk"], "trust": one["trust"], "query": one["query_rss_en"],
            "state": one["link_state"]}


def wanted(state="enable"):
    """What shown() gives of a VF with WORDS set."""
    return {"mac": ADMIN, "vlan": VID, "qos": QOS, "proto": "802.1Q", "rate": RATE, "least": 0,
            "spoofchk": False, "trust": True, "query": True, "state": state}


def fresh(bench):
    """What shown() gives of a VF with nothing set, but for its address."""
    return {"mac": bench.pf_vf(0)["address"], "vlan": 0, "qos": 0, "proto": "802.1Q", "rate": 0, "least": 0,
            "spoofchk": True, "trust": False, "query": False, "state": "auto"}


def give_all(bench):
    """Set every attribute of VF 0, each by a command of its own; the next case starts anew."""
    defer(bench.spoil)
    neighbour = shown(bench, 1)
    for at in range(0, len(WORDS), 2):
        words = WORDS[at:at + 2]
        # ip takes qos only beside vlan.
        bench.set_vf(0, *(WORDS[2:6] if words[0] == "qos" else words))
    ksft_eq(shown(bench), wanted(), "as soon as set")
    ksft_eq(shown(bench, 1), neighbour, "the neighbour's")


def works(bench, what):
    """A VF with all attributes set has its address and its VLAN, both ways, with the right tag."""
    vf, env = bench.vfs[0], bench.env
    env.wait_carrier()
    # A VF may hear of a reset a moment later, and then takes its time.
    settle(vf.carrier, quiet=1)
    wait_for(lambda: vf.carrier() and vf.mac == ADMIN, 20, f"the VF to have carrier and its address: {what}")
    tag = QOS << 13 | VID
    seen = frames_seen(bench, vf.ns, env.peer_mac, fenced=["wire"])
    ksft_eq({name: [tag_of(one) for one in got] for name, got in seen.items()}, {"wire": [tag]}, f"from it: {what}")
    seen = frames_seen(bench, "wire", ADMIN, tci=tag, fenced=["pf"])
    ksft_eq({name: [tag_of(one) for one in got] for name, got in seen.items()}, {vf.ns: [None]}, f"to it: {what}")


def to_begin_with(bench):
    """Nothing is set of a new VF."""
    bench.enable(2)
    defer(bench.spoil)
    ksft_eq([shown(bench, at)["mac"] != "00:00:00:00:00:00" for at in (0, 1)], [True, True], "has an address")
    ksft_eq(shown(bench), fresh(bench), "attributes")


def while_running(bench):
    """Set while the VF is up in a namespace."""
    give_all(bench)
    works(bench, "set while running")
    ksft_eq(shown(bench), wanted(), "afterwards")


def without_driver(bench):
    """Set before a driver has the VF; it finds all of it."""
    vf = bench.vfs[0]
    vf.unbind()
    give_all(bench)
    vf.bind(bench.driver)
    ksft_eq(shown(bench), wanted(), "with a driver")
    vf.attach()
    works(bench, "set before there was a driver")
    ksft_eq(shown(bench), wanted(), "afterwards")


def pf_down(bench):
    """Set with the PF down, shown there, and in force when it is up."""
    defer(bench.env.set_link, "up")
    bench.env.set_link("down")
    give_all(bench)
    bench.env.set_link("up")
    works(bench, "set with the PF down")
    ksft_eq(shown(bench), wanted(), "with the PF up")


def kept(bench):
    """Kept over PF down and up, MTU, negotiation, function resets of VF and PF, and a new VF driver."""
    env, vf = bench.env, bench.vfs[0]
    give_all(bench)
    defer(env.set_link, "mtu", 1500)

    def down():
        env.set_link("down")
        ksft_eq(shown(bench), wanted(), "while the PF is down")
        env.set_link("up")

    def again():
        vf.unbind()
        vf.bind(bench.driver)
        vf.attach()

    for what, change in (("PF down and up", down), ("MTU", lambda: env.set_link("mtu", 2000)),
                         ("ethtool -r", lambda: env.ethtool("-r")), ("a new VF driver", again),
                         ("function reset of the VF", lambda: write(f"/sys/bus/pci/devices/{vf.pci}/reset", 1)),
                         ("function reset of the PF", lambda: write(env.sysfs / "reset", 1))):
        change()
        works(bench, what)
        ksft_eq(shown(bench), wanted(), f"after {what}")


def disabled_kept(bench):
    """`state disable`, the one attribute that no traffic can show, is kept the same way."""
    env = bench.env
    defer(bench.spoil)
    defer(env.set_link, "mtu", 1500)
    bench.set_vf(0, "state", "disable")
    bench.vfs[0].wait_carrier(False)
    for what, change in (("MTU", lambda: env.set_link("mtu", 2000)), ("ethtool -r", lambda: env.ethtool("-r")),
                         ("function reset of the PF", lambda: write(env.sysfs / "reset", 1))):
        change()
        env.wait_carrier()
        settle(bench.vfs[1].carrier, quiet=1)
        bench.vfs[1].wait_carrier()
        ksft_eq(bench.vfs[0].carrier(), False, f"carrier of the disabled VF after {what}")
        ksft_eq(bench.pf_vf(0)["link_state"], "disable", f"after {what}")


def taken_back(bench):
    """Everything can be taken back, and the VF is like a new one."""
    give_all(bench)
    works(bench, "set")
    bench.set_vf(0, "mac", "00:00:00:00:00:00", "vlan", 0, "max_tx_rate", 0, "spoofchk", "on", "trust", "off",
                 "query_rss", "off", "state", "auto")
    ksft_eq(shown(bench), fresh(bench), "attributes")
    bench.vfs[0].wait_carrier()
    wait_for(lambda: set(frames_seen(bench, "vf0", bench.env.peer_mac)) == {"wire"}, 20, "an untagged frame")


def refusals(bench):
    """What cannot be is refused, with a reason, and changes nothing."""
    before = shown(bench), shown(bench, 1)
    for words, reason in ((("vlan", VID, "proto", "802.1ad"), "Protocol not supported"),
                          (("vlan", 4095), "Invalid argument"),
                          (("vlan", VID, "qos", 8), "Invalid argument"),
                          (("mac", "01:00:5e:00:00:01"), "Invalid argument"),
                          (("max_tx_rate", 100, "min_tx_rate", 10), "Operation not supported"),
                          (("max_tx_rate", 1001), "Invalid argument")):
        done = bench.set_vf(0, *words, check=False)
        ksft_true(done.returncode, f"{words} refused")
        ksft_in(reason, done.stderr, words)
    for words in (("spoofchk", "on"), ("trust", "on"), ("query_rss", "on"), ("state", "disable"), ("vlan", VID), ("mac", ADMIN),
                  ("max_tx_rate", 100)):
        done = bench.set_vf(2, *words, check=False)
        ksft_true(done.returncode, f"{words} of a VF that is not there refused")
    ksft_eq((shown(bench), shown(bench, 1)), before, "attributes afterwards")


def no_vfs(bench):
    """Without VFs there is nothing to set and nothing shown."""
    defer(bench.spoil)
    bench.disable()
    ksft_true(bench.set_vf(0, "trust", "on", check=False).returncode, "refused")
    ksft_eq(link(bench.env.ifname).get("vfinfo_list", []), [], "VFs shown")


def main():
    """Run the cases."""
    run("modprobe 8021q")
    ksft_run(with_drivers([to_begin_with, while_running, without_driver, pf_down, kept, disabled_kept, taken_back,
                           refusals, no_vfs], [OURS]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
