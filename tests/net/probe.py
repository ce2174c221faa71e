#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela,stock
"""The driver binds and presents the device as users expect; it leaves as cleanly as it came."""

import re

from lib.py import ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run, ksft_true
from kwl_env import MODULE, Env, link, on_stock, stock_xfail
from kwl_nic import driver_of, irq_names, msi_mode, netdev_of
from kwl_sys import ethtool_table, kernel_log, read, run, wait_for
from kwl_traffic import ping


def mac_from_nvm(env):
    """The address, also as the permanent one, is what the NVM says."""
    ksft_eq(read(f"/sys/class/net/{env.ifname}/address"), env.mac, "address")
    shown = run(f"ethtool -P {env.ifname}").stdout.strip()
    ksft_eq(shown, f"Permanent address: {env.mac}", "ethtool -P")
    ksft_eq(link(env.ifname).get("permaddr"), None, "ip link shows no differing permaddr")


def driver_info(env):
    """ethtool -i names the driver and the bus address."""
    info = ethtool_table(run(f"ethtool -i {env.ifname}").stdout)
    ksft_eq(info.get("driver"), MODULE, "driver")
    ksft_eq(info.get("bus-info"), env.pci, "bus-info")
    ksft_eq(driver_of(env.pci), MODULE, "sysfs driver link")


def queue_vectors(env):
    """MSI-X: a vector for each queue pair, named after the interface as users grep for it."""
    ksft_eq(msi_mode(env.pci), "msix", "interrupt mode")
    pairs = int(re.findall(r"Combined:\s+(\d+)", env.ethtool("-l").stdout)[-1])
    names = sorted(irq_names(env.ifname).values())
    stock_xfail(f"a vector for each ring while there are few processors: {names}")
    queues = [name for name in names if re.search(r"(TxRx|rx|tx)-?\d+$", name, re.I)]
    ksft_eq(len(queues), pairs, f"queue vectors among {names}")
    ksft_eq(sorted(int(re.search(r"\d+$", name).group()) for name in queues), list(range(pairs)), "numbering")
    ksft_true(all(name == env.ifname or name.startswith(env.ifname + "-") for name in names), f"prefix in {names}")


def affinity_hints(env):
    """Each queue vector carries an affinity hint, and together they cover the processors."""
    hints = [int(read(f"/proc/irq/{number}/affinity_hint").replace(",", ""), 16)
             for number, name in irq_names(env.ifname).items() if re.search(r"\d$", name)]
    env.note("affinity hints", hints)
    if on_stock():
        ksft_true(all(hint >= 0 for hint in hints), "stock igb sets none")
        return
    ksft_true(all(hints), f"hints set: {hints}")
    union = 0
    for hint in hints:
        union |= hint
    ksft_eq(union.bit_count(), min(len(hints), 2), "processors covered by the hints")


def names_follow_rename(env):
    """A renamed interface shows its new name in /proc/interrupts once it is up again."""
    old = env.ifname
    env.set_link("down")
    env.set_link("name", "kwltest")
    env.set_link("up")
    env.wait_carrier()
    names = sorted(irq_names("kwltest").values())
    ksft_ge(len(names), 2, f"vectors under the new name {names}")
    env.set_link("down")
    env.set_link("name", old)
    env.start()


def unbind_and_bind(env):
    """sysfs unbind takes interface and vectors away, bind brings both and traffic back."""
    for _ in range(2):
        name = env.ifname
        env.unbind()
        ksft_eq(netdev_of(env.pci), None, "interface after unbind")
        ksft_eq(irq_names(name), {}, "interrupts after unbind")
        ksft_eq(msi_mode(env.pci), "intx", "MSI-X given back")
        env.bind()
        ksft_eq(ping(env.peer_v4, count=3), 3, "answers after bind")


def unbind_while_down(env):
    """Unbinding works as well when the interface was never opened."""
    env.unbind()
    env.bind(up=False)
    env.unbind()
    env.bind()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers after bind")


def module_removal(env):
    """rmmod works while the interface is up, and the modules can be loaded again."""
    env.note("removing", MODULE)
    run(f"modprobe -r {MODULE}")
    ksft_eq(driver_of(env.pci), None, "driver after rmmod")
    loaded = re.findall(r"^(kawela\w*) ", read("/proc/modules"), re.M)
    ksft_eq(loaded, [], "our modules after modprobe -r")
    run(f"modprobe {MODULE}")
    wait_for(lambda: env.ifname, what="a network interface after modprobe")
    env.start()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers after loading again")


def one_line_of_log(env):
    """Probing says what it found, and says it without errors."""
    lines = [row for row in kernel_log().splitlines() if env.pci in row and MODULE in row]
    ksft_ge(len(lines), 1, "log lines")
    ksft_true(any(env.mac in row for row in lines), f"the MAC address is logged: {lines}")
    for row in lines:
        ksft_in(re.search(r"error|fail|unable|cannot", row, re.I), [None], row)


def main():
    """Run the cases."""
    ksft_run([mac_from_nvm, driver_info, queue_vectors, affinity_hints, names_follow_rename,
              unbind_and_bind, unbind_while_down, module_removal, one_line_of_log], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
