#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=240 drivers=kawela
"""Single queues: restarted, given to sockets, leased to containers, and what the other queues notice of it."""

import kwl_queue
import kwl_xdp
import kwl_xsk
from lib.py import Netlink, RtnlFamily, defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true
from kwl_env import Env
from kwl_napi import pools, queues
from kwl_sriov import Pings
from kwl_stats import ifindex, netdev_family
from kwl_sys import read, run
from kwl_traffic import ping



def one_queue(env, queue):
    """Have the hash send everything to one of two queues."""
    env.ethtool("-L", "combined", 2)
    env.ethtool("-X", "weight", *(("1", "0") if queue == 0 else ("0", "1")))
    env.wait_carrier()


def restarts(env):
    """The queue that the traffic takes."""
    one_queue(env, 1)
    kwl_queue.restarts(env.ifname, 1, lambda: ping(env.peer_v4) == 1)
    kwl_queue.no_such_queue(env.ifname)


def others_run(env):
    """Neither a restart nor a socket that comes and goes costs another queue a frame."""
    one_queue(env, 0)
    changes = read(f"/sys/class/net/{env.ifname}/carrier_changes")
    one = kwl_xdp.Dut(env, env.ifname, None, env.mac)
    pings = Pings(env.v4, env.ns)
    for _ in range(10):
        with kwl_xsk.Xsk(one, queue=1) as xsk:
            ksft_true(xsk.zero_copy(), "zero copy")
    if kwl_queue.KERNEL != "6.12":
        ksft_eq(kwl_queue.restart(env.ifname, 1, times=20), 0, "restarts")
    sent, lost = pings.lost()
    env.note(f"{sent} pings, {lost} without an answer")
    ksft_ge(sent, 20, "pings")
    ksft_true(lost <= 1, "at most the one that was on its way at the end")
    ksft_eq(read(f"/sys/class/net/{env.ifname}/carrier_changes"), changes, "changes of the carrier")


def under_traffic(env):
    """Frames that come meanwhile are lost, if any; nothing hangs."""
    kwl_queue.wants_newer_kernel()
    one_queue(env, 1)
    pings = Pings(env.v4, env.ns)
    ksft_eq(kwl_queue.restart(env.ifname, 1, times=20), 0, "restarts")
    sent, lost = pings.lost()
    env.note(f"{sent} pings, {lost} without an answer")
    ksft_true(lost < sent / 2, "half of the pings answered")
    ksft_eq(ping(env.peer_v4, count=10), 10, "answers afterwards")


def while_down(env):
    """An interface that is down has nothing to restart, and takes no harm."""
    kwl_queue.wants_newer_kernel()
    env.set_link("down")
    try:
        ksft_eq(kwl_queue.restart(env.ifname, 0), 0, "restart")
        ksft_eq(pools(env.ifname), [], "page pools")
    finally:
        env.set_link("up")
    env.wait_carrier()
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers")


def with_socket(env):
    """A queue that works on the memory of a socket can be restarted, too."""
    kwl_queue.wants_newer_kernel()
    one = kwl_xdp.Dut(env, env.ifname, None, env.mac)
    one_queue(env, 0)
    with kwl_xsk.Xsk(one, queue=1) as xsk, one.on_wire() as wire:
        xsk.offer()
        ksft_eq(kwl_queue.restart(env.ifname, 1), 0, "restart")
        frames = [one.frame(number, 200, out=True) for number in range(50)]
        xsk.send(frames)
        xsk.drain()
        ksft_eq(len(wire.wait(50, 5)), 50, "frames on the wire")


def netkit(name, rx_queues):
    """Create an interface for a container that has nothing but queues of others."""
    # ip does not know of single ones
    RtnlFamily().newlink({"ifname": name, "num-rx-queues": rx_queues,
                          "linkinfo": {"kind": "netkit", "data": {"mode": "l2", "pairing": "single"}}},
                         flags=[Netlink.NLM_F_CREATE, Netlink.NLM_F_EXCL])
    defer(run, f"ip link del {name}", check=False)
    run(f"ip link set {name} up")


def leased(env):
    """A queue leased to a container's interface carries its sockets' frames without a copy."""
    kwl_queue.wants_newer_kernel()
    one_queue(env, 0)
    guest = "nkguest"
    netkit(guest, 2)
    lease = {"ifindex": ifindex(env.ifname), "queue": {"id": 1, "type": "rx"}}
    number = netdev_family().queue_create({"ifindex": ifindex(guest), "type": "rx", "lease": lease})["id"]
    shown = netdev_family().queue_get({"ifindex": ifindex(env.ifname), "id": 1, "type": "rx"})
    ksft_eq(shown["lease"]["ifindex"], ifindex(guest), "who has the queue")

    inside = kwl_xdp.Dut(env, guest, None, env.mac)
    with kwl_xsk.Xsk(inside, queue=number) as xsk, inside.on_wire() as wire:
        ksft_true(xsk.zero_copy(), "zero copy")
        frames = [inside.frame(count, 60 + 20 * count, out=True) for count in range(50)]
        xsk.send(frames)
        xsk.drain()
        got = [one.data for one in wire.wait(50, 5)]
        ksft_eq(kwl_xdp.brief(got), kwl_xdp.brief(frames), "frames on the wire")
        ksft_eq(ping(env.peer_v4, count=3), 3, "answers by the other queue")
    done = run(f"ethtool -L {env.ifname} combined 1", check=False)
    ksft_true(done.returncode, "a leased queue does not go")
    run(f"ip link del {guest}")
    env.ethtool("-L", "combined", 1)
    ksft_eq(set(queues(env.ifname)), {("rx", 0), ("tx", 0)}, "queues at the end")
    env.ethtool("-L", "combined", 2)


def main():
    """Run the cases."""
    env = Env()
    kwl_queue.prepare()
    ksft_run([restarts, others_run, under_traffic, while_down, with_socket, leased], args=(env,))
    env.ethtool("-X", "default")
    kwl_queue.clean_up()
    ksft_exit()


if __name__ == "__main__":
    main()
