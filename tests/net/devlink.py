#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela expect-log="NETDEV WATCHDOG"
"""devlink of the PF: what the card is, its tables and registers, its health, and reload.

What concerns VFs is in tests/sriov/devlink.py. Stock igb has no devlink.
"""

import re
import subprocess

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_lt, ksft_run, ksft_true
from kwl_devlink import Devlink
from kwl_env import Env, link
from kwl_faults import hang_transmit
from kwl_iowindow import Registers
from kwl_leaks import LeakCheck
from kwl_sriov import pf_end
from kwl_sys import kernel_log, read, run, wait_for, write
from kwl_traffic import ping, transfer

EIMC, RAL0, STATUS, QUEUES = 0x1528, 0x5400, 0x0008, 8
QUEUE_VECTORS = 0x1FE
MCAST = "33:33:00:00:12:34"


def info(env, devlink):
    """Driver, chip, board as far as the NVM has one, and the NVM's version as ethtool gives it."""
    shown = devlink.info()
    ksft_eq(shown["driver"], "kawela_pf", "driver")
    ksft_eq(shown["versions"]["fixed"]["asic.id"], "82576", "chip")
    ksft_eq(int(shown["versions"]["fixed"]["asic.rev"]), int(read(env.sysfs / "revision"), 16), "its revision")
    version = re.search(r"firmware-version: (\S+)", env.ethtool("-i").stdout).group(1)
    ksft_eq(shown["versions"]["running"]["fw.nvm"], version, "NVM, here and by ethtool -i")


def port(env, devlink):
    """One physical port, which has the interface."""
    ports = devlink.ports()
    ksft_eq(list(ports), [0], "ports")
    ksft_eq((ports[0]["flavour"], ports[0]["netdev"], ports[0]["port"]), ("physical", env.ifname, 0), "the wire's")
    ksft_eq(link(env.ifname).get("phys_port_name"), "p0", "phys_port_name")


def resources(env, devlink):
    """Sizes of the shared tables; occupancy follows what the interface asks for."""
    before = devlink.resources()
    ksft_eq({name: size for name, (size, _) in before.items()},
            {"unicast_filters": 24, "multicast_buckets": 4096, "vlan_pool_filters": 32, "pools": 8}, "sizes")
    ksft_eq(before["pools"][1], 0, "pools without VFs")
    run(f"bridge fdb add 02:00:00:00:12:34 dev {env.ifname} self")
    defer(run, f"bridge fdb del 02:00:00:00:12:34 dev {env.ifname} self", check=False)
    run(f"ip maddr add {MCAST} dev {env.ifname}")
    defer(run, f"ip maddr del {MCAST} dev {env.ifname}", check=False)
    wait_for(lambda: devlink.resources()["unicast_filters"][1] == before["unicast_filters"][1] + 1,
             what="one more unicast filter")
    ksft_eq(devlink.resources()["multicast_buckets"][1], before["multicast_buckets"][1] + 1, "multicast buckets")
    run(f"bridge fdb del 02:00:00:00:12:34 dev {env.ifname} self")
    run(f"ip maddr del {MCAST} dev {env.ifname}")
    wait_for(lambda: devlink.resources() == before, what="the tables to be as before")


def region(env, devlink):
    """A snapshot keeps the registers as they were when it was taken."""
    devlink.run("region", "new", "DEV/registers", "snapshot", 7)
    defer(devlink.run, "region", "del", "DEV/registers", "snapshot", 7)
    octets = bytes.fromhex(env.mac.replace(":", ""))
    ksft_eq(devlink.registers(7, RAL0), int.from_bytes(octets[:4], "little"), "RAL 0")
    with Registers(env) as registers:
        ksft_eq(devlink.registers(7, STATUS), registers.get(STATUS), "STATUS")
    ksft_in("registers", devlink.run("region", "show").stdout, "the region")


def tx_heals(env, devlink):
    """A transmit queue that hangs is reported, dumped as it was, and healed by itself."""
    before = devlink.health("tx")
    hang_transmit(env, pf_end(env), range(QUEUES))
    wait_for(lambda: devlink.health("tx")["recover"] == before["recover"] + 1, 20, "the recovery")
    now = devlink.health("tx")
    ksft_eq((now["error"], now["state"]), (before["error"] + 1, "healthy"), "errors, state")
    dump = devlink.run("health", "dump", "show", "DEV", "reporter", "tx").stdout
    ksft_ge(max(map(int, re.findall(r"in flight: (\d+)", dump))), 1, "frames in flight at that time")
    devlink.run("health", "dump", "clear", "DEV", "reporter", "tx")
    env.wait_carrier()
    ksft_eq(*transfer(env, "tx", size=1 << 20), "md5 afterwards")


def tx_by_hand(env, devlink):
    """With auto_recover off it stays as it is, until somebody says so."""
    devlink.run("health", "set", "DEV", "reporter", "tx", "auto_recover", "false")
    defer(devlink.run, "health", "set", "DEV", "reporter", "tx", "auto_recover", "true")
    before = devlink.health("tx")
    hang_transmit(env, pf_end(env), range(QUEUES))
    wait_for(lambda: devlink.health("tx")["state"] == "error", 20, "the error")
    ksft_eq(devlink.health("tx")["recover"], before["recover"], "recoveries")
    ksft_eq(ping(env.peer_v4), 0, "answers while it hangs")
    devlink.run("health", "recover", "DEV", "reporter", "tx")
    ksft_eq(devlink.health("tx")["state"], "healthy", "state")
    env.wait_carrier()
    ksft_eq(*transfer(env, "tx", size=1 << 20), "md5 afterwards")
    # The dump of the error is kept for whoever asks, and does not stop the next one
    devlink.run("health", "dump", "clear", "DEV", "reporter", "tx")


def rx_heals(env, devlink):
    """Receive queues whose interrupts are lost are seen to stall, and are served again."""
    before = devlink.health("rx")
    ksft_eq(ping(env.peer_v4), 1, "answers before")
    with Registers(env) as registers:
        registers.put(EIMC, QUEUE_VECTORS)
    # Nothing interrupts now: the answer waits in its ring.
    run(f"ip netns exec {env.ns} ping -c 3 -W 1 -i 0.2 {env.v4}", check=False)
    wait_for(lambda: devlink.health("rx")["recover"] > before["recover"], 20, "the recovery")
    ksft_eq(devlink.health("rx")["state"], "healthy", "state")
    wait_for(lambda: ping(env.peer_v4), 10, "answers")
    ksft_eq(*transfer(env, "rx", size=1 << 20), "md5 afterwards")


def rx_by_hand(env, devlink):
    """With auto_recover off the frame stays where it is, the dump shows it, and one command fetches it."""
    devlink.run("health", "set", "DEV", "reporter", "rx", "auto_recover", "false")
    defer(devlink.run, "health", "set", "DEV", "reporter", "rx", "auto_recover", "true")
    before = devlink.health("rx")
    ksft_eq(ping(env.peer_v4), 1, "answers before")
    with Registers(env) as registers:
        registers.put(EIMC, QUEUE_VECTORS)
    run(f"ip netns exec {env.ns} ping -c 3 -W 1 -i 0.2 {env.v4}", check=False)
    wait_for(lambda: devlink.health("rx")["state"] == "error", 20, "the error")
    now = devlink.health("rx")
    ksft_eq((now["error"], now["recover"]), (before["error"] + 1, before["recover"]), "errors, recoveries")
    dump = devlink.run("health", "dump", "show", "DEV", "reporter", "rx").stdout
    waiting = re.findall(r"queue: (\d+) size: (\d+).*?frame waits: (true|false)", dump, re.S)
    ksft_ge([waits for _, _, waits in waiting].count("true"), 1, "queues where a frame waits, in the dump")
    ksft_eq({size for _, size, _ in waiting}, {"256"}, "sizes of their rings")
    ksft_eq(ping(env.peer_v4), 0, "answers while it stalls")
    devlink.run("health", "recover", "DEV", "reporter", "rx")
    ksft_eq(devlink.health("rx")["state"], "healthy", "state")
    wait_for(lambda: ping(env.peer_v4), 10, "answers")
    devlink.run("health", "dump", "clear", "DEV", "reporter", "rx")
    ksft_eq(*transfer(env, "rx", size=1 << 20), "md5 afterwards")


def diagnose(env, devlink):
    """A diagnosis names every queue in use, with its registers; it harms nobody."""
    count = len([queue for queue in (env.sysfs / "net" / env.ifname / "queues").iterdir()
                 if queue.name.startswith("rx-")])
    for reporter in ("tx", "rx"):
        shown = devlink.run("health", "diagnose", "DEV", "reporter", reporter).stdout
        ksft_eq(len(re.findall(r"queue: \d+", shown)), count, f"queues that {reporter} shows")
        ksft_eq(set(re.findall(r" size: (\d+)", shown)), {"256"}, f"sizes of their rings, {reporter}")
    ksft_eq(devlink.health("rx")["state"], "healthy", "state")
    env.set_link("down")
    ksft_true("queue:" not in devlink.run("health", "diagnose", "DEV", "reporter", "tx").stdout,
              "no queues while the interface is down")
    env.set_link("up")
    env.wait_carrier()


def reload(env, devlink):
    """A reload starts the driver over, ten times; the card, its settings' defaults and its traffic are there again."""
    index = read(env.sysfs / "net" / env.ifname / "ifindex")
    env.ethtool("-G", "rx", 512)
    leaks = LeakCheck()
    for _ in range(10):
        devlink.run("dev", "reload", "DEV", "action", "driver_reinit")
        wait_for(lambda: env.ifname, what="the interface")
    leaks.verify(env)
    ksft_true(read(env.sysfs / "net" / env.ifname / "ifindex") != index, "a new interface")
    env.start()
    ksft_in("RX:\t\t256", env.ethtool("-g").stdout.replace("\t\t\t", "\t\t"), "the default ring")
    ksft_eq(*transfer(env, "tx", size=1 << 20), "md5")
    ksft_eq(list(devlink.ports()), [0], "ports")


def reload_refused(env, devlink):
    """Not with VFs, which would lose their PF; and not into another namespace."""
    write(env.sysfs / "sriov_drivers_autoprobe", 0)
    defer(write, env.sysfs / "sriov_drivers_autoprobe", 1)
    write(env.sysfs / "sriov_numvfs", 1)
    defer(write, env.sysfs / "sriov_numvfs", 0)
    ksft_in("write 0 to sriov_numvfs", devlink.refused("dev", "reload", "DEV"), "the reason")
    ksft_true(env.ifname, "the interface is still there")
    write(env.sysfs / "sriov_numvfs", 0)
    env.wait_carrier()
    ksft_in("stays in its namespace", devlink.refused("dev", "reload", "DEV", "netns", env.ns), "the reason")
    ksft_eq(ping(env.peer_v4), 1, "answers")


def reload_fails(env, devlink):
    """A reload without memory says so and leaves no interface; all is refused until one that works brings it back."""
    run("modprobe failcall symbol=mdiobus_alloc_size value=0 comm=devlink")
    defer(run, "modprobe -r failcall", check=False)
    write("/sys/module/failcall/parameters/nth", 1)
    ksft_in("the card does not start again", devlink.refused("dev", "reload", "DEV"), "the reason")
    run("modprobe -r failcall")
    ksft_eq(env.ifname, None, "interface")
    ksft_true(devlink.json("dev", "show", "DEV")["dev"][devlink.name]["reload_failed"], "reload_failed")
    for words in (("region", "new", "DEV/registers"), ("dev", "eswitch", "set", "DEV", "mode", "switchdev"),
                  ("health", "diagnose", "DEV", "reporter", "tx"), ("health", "diagnose", "DEV", "reporter", "rx")):
        ksft_in("the card is away", devlink.refused(*words), words)
    ksft_true(run(["sh", "-c", f"echo 1 >{env.sysfs}/sriov_numvfs"], check=False).returncode, "VFs refused")
    ksft_eq(devlink.info()["driver"], "kawela_pf", "what info still knows")
    write(env.sysfs / "reset", 1)
    devlink.run("dev", "reload", "DEV")
    wait_for(lambda: env.ifname, 20, "the interface")
    env.start()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")
    # The driver can be unbound in that state, too
    run("modprobe failcall symbol=mdiobus_alloc_size value=0 comm=devlink")
    write("/sys/module/failcall/parameters/nth", 1)
    ksft_true(devlink.refused("dev", "reload", "DEV"), "refused again")
    env.unbind()
    env.bind()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers after bind")


def not_there(env, devlink):
    """What the card has not is refused: firmware to write, parameters."""
    ksft_true(devlink.run("dev", "flash", "DEV", "file", "none.bin", check=False).returncode, "flash refused")
    ksft_eq(devlink.json("dev", "param", "show").get("param", {}).get(devlink.name), None, "parameters")
    ksft_true("fw.nvm" in devlink.info()["versions"]["running"], "the NVM's version")
    ksft_eq({"serial_number", "board.serial_number"} & set(devlink.info()), set(), "numbers that the emulated NVM has not")


def unbind_while_asked(env, devlink):
    """The driver goes and comes while devlink asks and reloads, and nothing is left or broken."""
    words = f"while :; do devlink dev info {devlink.name}; devlink health diagnose {devlink.name} reporter tx; " \
            f"devlink dev reload {devlink.name}; done >/dev/null 2>&1"
    lines = len(kernel_log().splitlines())
    with subprocess.Popen(["sh", "-c", words]) as asker:
        defer(asker.kill)
        for _ in range(5):
            env.unbind()
            env.bind(up=False)
        asker.kill()
    # Waits for a reload that is still under way
    devlink.run("dev", "reload", "DEV")
    wait_for(lambda: env.ifname, 20, "the interface")
    env.start()
    ksft_eq(ping(env.peer_v4), 1, "answers")
    ksft_lt(len(kernel_log().splitlines()) - lines, 200, "lines in the log")


def main():
    """Run the cases."""
    env = Env()
    ksft_run([info, port, resources, region, diagnose, tx_heals, tx_by_hand, rx_heals, rx_by_hand, reload, reload_refused, reload_fails, not_there,
              unbind_while_asked], args=(env, Devlink(env)))
    ksft_exit()


if __name__ == "__main__":
    main()
