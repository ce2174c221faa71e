#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""Addresses of VFs: the administrator's comes first, else the VF may choose its own."""

import re

from lib.py import defer, ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true
from kwl_env import on_stock, stock_skip, stock_xfail
from kwl_nic import driver_of
from kwl_sriov import OURS, Sriov, with_drivers
from kwl_switch import ports_of
from kwl_sys import output, run, wait_for
from kwl_traffic import ping

ADMIN = "02:11:22:33:44:55"
OTHER = "02:aa:bb:cc:dd:0e"
THIRD = "02:aa:bb:cc:dd:0f"


def reload_vf(bench, vf):
    """Give the VF to its driver anew, as a guest that starts."""
    driver = driver_of(vf.pci)
    vf.unbind()
    vf.bind(driver)
    vf.attach()
    vf.wait_carrier()
    bench.forget_neighbours()


def give_back(bench):
    """Leave no administrator's address behind; the next case needs new VFs."""
    if not on_stock():
        bench.set_vf(0, "mac", "00:00:00:00:00:00")
    bench.spoil()


def follows(bench, vf, new, old):
    """Check that the switch knows the VF by its new address and not by the old one."""
    ksft_eq(vf.mac, new, "the VF's address")
    ksft_eq(ports_of(bench, "wire", new), {vf.ns: 1}, f"frames to {new}")
    ksft_eq(ports_of(bench, "wire", old).get(vf.ns), None, f"frames to {old}")
    ksft_eq(ping(bench.env.peer_v4, count=2, ns=vf.ns), 2, "answers")


def vf_changes(bench):
    """Without an administrator's address a VF may change its own, and frames follow."""
    vf = bench.vfs[1]
    old = vf.mac
    vf.set_link("address", OTHER)
    follows(bench, vf, OTHER, old)
    vf.set_link("down")
    vf.set_link("address", old)
    vf.set_link("up")
    vf.wait_carrier()
    follows(bench, vf, old, OTHER)


def same_address_twice(bench):
    """Setting the address that it has is no error."""
    vf = bench.vfs[1]
    ksft_eq(vf.set_link("address", vf.mac, check=False).returncode, 0, "exit status")


def bad_addresses(bench):
    """Group and zero addresses are refused, for the VF by itself and by its administrator."""
    vf = bench.vfs[1]
    old = vf.mac
    for bad in ("01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"):
        ksft_true(vf.set_link("address", bad, check=False).returncode, f"VF, {bad} refused")
        ksft_true(bench.set_vf(1, "mac", bad, check=False).returncode, f"administrator, {bad} refused")
    ksft_true(vf.set_link("address", "00:00:00:00:00:00", check=False).returncode, "VF, zero refused")
    ksft_eq(vf.mac, old, "address afterwards")


def admin_sets(bench):
    """The administrator's address is shown, given to the VF when its driver starts, and final."""
    vf = bench.vfs[0]
    old = vf.mac
    defer(give_back, bench)
    bench.set_vf(0, "mac", ADMIN)
    ksft_eq(bench.pf_vf(0)["address"], ADMIN, "ip -d link show PF")
    reload_vf(bench, vf)
    follows(bench, vf, ADMIN, old)
    done = vf.set_link("address", OTHER, check=False)
    ksft_true(done.returncode, "another address refused")
    ksft_true(re.search("Cannot assign requested address|Operation not permitted", done.stderr), done.stderr)
    ksft_eq(vf.set_link("address", ADMIN, check=False).returncode, 0, "the same address accepted")
    ksft_eq(vf.mac, ADMIN, "address afterwards")


def admin_before_driver(bench):
    """An address set while no driver has the VF is the one it starts with, also the permanent one."""
    vf = bench.vfs[0]
    driver = driver_of(vf.pci)
    defer(give_back, bench)
    vf.unbind()
    bench.set_vf(0, "mac", ADMIN)
    vf.bind(driver)
    vf.attach()
    vf.wait_carrier()
    ksft_eq(vf.mac, ADMIN, "address")
    ksft_in(ADMIN, output(f"ethtool -P {vf.ifname}", ns=vf.ns), "permanent address")
    bench.forget_neighbours()
    ksft_eq(ping(bench.env.peer_v4, ns=vf.ns), 1, "answers")


def admin_clears(bench):
    """A zero address takes the administrator's back: the VF may change it again."""
    stock_skip("takes no zero address")
    vf = bench.vfs[0]
    defer(give_back, bench)
    bench.set_vf(0, "mac", ADMIN)
    reload_vf(bench, vf)
    bench.set_vf(0, "mac", "00:00:00:00:00:00")
    wait_for(lambda: vf.set_link("address", OTHER, check=False).returncode == 0, 20, "the VF to be allowed a change")
    follows(bench, vf, OTHER, ADMIN)


def admin_keeps_through(bench):
    """The administrator's address outlives PF down and up and a VF that comes and goes."""
    vf = bench.vfs[0]
    defer(give_back, bench)
    bench.set_vf(0, "mac", ADMIN)
    run(f"ip link set {bench.env.ifname} down")
    ksft_eq(bench.pf_vf(0)["address"], ADMIN, "while the PF is down")
    run(f"ip link set {bench.env.ifname} up")
    bench.env.wait_carrier()
    reload_vf(bench, vf)
    ksft_eq((bench.pf_vf(0)["address"], vf.mac), (ADMIN, ADMIN), "afterwards")


def assert_refused(vf, address, what):
    """Have the VF try an address, which must be refused as not available and change nothing."""
    before = vf.mac
    done = vf.set_link("address", address, check=False)
    ksft_true(done.returncode, f"{what} refused")
    ksft_in("Cannot assign requested address", done.stderr, what)
    ksft_eq(vf.mac, before, f"address after {what}")


def final_while_down(bench):
    """A VF that is down may not change the administrator's address either, and may once it is trusted."""
    vf = bench.vfs[0]
    defer(give_back, bench)
    defer(bench.set_vf, 0, "trust", "off")
    bench.set_vf(0, "mac", ADMIN)
    reload_vf(bench, vf)
    vf.set_link("down")
    assert_refused(vf, OTHER, "another address while down")
    bench.set_vf(0, "trust", "on")
    ksft_eq(vf.set_link("address", OTHER, check=False).returncode, 0, "another address while down, trusted")
    vf.set_link("up")
    vf.wait_carrier()
    bench.forget_neighbours()
    follows(bench, vf, OTHER, ADMIN)
    # The in-tree PF shows what the VF has chosen.
    ksft_eq(bench.pf_vf(0)["address"], OTHER if on_stock() else ADMIN, "address as shown by the PF")


def trusted_may_change(bench):
    """A trusted VF may change the administrator's address; it falls back to that one with its trust."""
    vf = bench.vfs[0]
    defer(give_back, bench)
    defer(bench.set_vf, 0, "trust", "off")
    bench.set_vf(0, "mac", ADMIN)
    reload_vf(bench, vf)
    assert_refused(vf, OTHER, "another address, not trusted")
    bench.set_vf(0, "trust", "on")
    # The VF hears of it and may be busy saying hello again.
    wait_for(lambda: vf.set_link("address", OTHER, check=False).returncode == 0, 20, "the VF to be allowed a change")
    wait_for(lambda: ports_of(bench, "wire", OTHER, fenced=["pf", "vf1"]) == {vf.ns: 1}, 20, "the change to be in force")
    follows(bench, vf, OTHER, ADMIN)
    stock_skip("leaves it the address when it is no longer trusted")
    bench.set_vf(0, "trust", "off")
    ksft_eq(ports_of(bench, "wire", OTHER, fenced=["pf", "vf1"]).get(vf.ns), None, "frames as soon as trust is gone")
    wait_for(lambda: vf.mac == ADMIN and vf.carrier(), 20, "the VF to have the administrator's address")
    bench.forget_neighbours()
    follows(bench, vf, ADMIN, OTHER)


def admin_while_down(bench):
    """An address that the administrator sets while the VF is down is there when it is up, trusted or not."""
    vf = bench.vfs[0]
    defer(give_back, bench)
    defer(bench.set_vf, 0, "trust", "off")
    for trust, address in (("off", ADMIN), ("on", THIRD), ("on", ADMIN)):
        old = vf.mac
        bench.set_vf(0, "trust", trust)
        vf.set_link("down")
        bench.set_vf(0, "mac", address)
        vf.set_link("up")
        vf.wait_carrier()
        if on_stock() and vf.mac != address:
            stock_xfail("does not tell a trusted VF")
        bench.forget_neighbours()
        follows(bench, vf, address, old)
    vf.set_link("down")
    vf.set_link("address", OTHER)
    vf.set_link("up")
    vf.wait_carrier()
    bench.forget_neighbours()
    follows(bench, vf, OTHER, ADMIN)


def taken_by_others(bench):
    """The address of the PF or of another VF is refused, up or down, trusted or not; who has it keeps its frames."""
    stock_skip("lets two ports have the same address")
    one, other = bench.vfs
    defer(bench.spoil)
    for trust in ("off", "on"):
        bench.set_vf(0, "trust", trust)
        one.wait_carrier()
        for words, state in ((("down",), "down"), (("up",), "up")):
            one.set_link(*words)
            if state == "up":
                one.wait_carrier()
            for address, owner in ((bench.env.mac, "pf"), (other.mac, other.ns)):
                assert_refused(one, address, f"address of {owner}, {state}, trust {trust}")
    for address, owner in ((bench.env.mac, "pf"), (other.mac, other.ns)):
        ksft_eq(ports_of(bench, "wire", address), {owner: 1}, f"frames to {owner}")


def administrator_comes_first(bench):
    """An address that one VF has chosen is given to another by the administrator: the first has its own again."""
    stock_skip("lets two ports have the same address")
    one, other = bench.vfs
    defer(give_back, bench)
    own = other.mac
    other.set_link("address", OTHER)
    bench.set_vf(0, "mac", OTHER)
    wait_for(lambda: (one.mac, other.mac) == (OTHER, own), 20, "both VFs to have what is theirs")
    one.wait_carrier()
    other.wait_carrier()
    bench.forget_neighbours()
    for address, owner in ((OTHER, one), (own, other)):
        ksft_eq(ports_of(bench, "wire", address), {owner.ns: 1}, f"frames to {address}")
        ksft_eq(ping(bench.env.peer_v4, count=2, ns=owner.ns), 2, f"answers to {owner.ns}")


def main():
    """Run the cases."""
    cases = [vf_changes, same_address_twice, bad_addresses, admin_sets, admin_before_driver, admin_clears,
             admin_keeps_through, final_while_down, trusted_may_change, taken_by_others,
             admin_while_down, administrator_comes_first]
    ksft_run(with_drivers(cases, [OURS]) + with_drivers([vf_changes, admin_sets], ["igbvf"]), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
