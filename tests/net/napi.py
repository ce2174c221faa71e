#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=300 drivers=kawela
"""Queues, NAPI, interrupts and page pools: linked, shown, configurable one by one, and kept over changes."""

import fcntl
import select
import socket
import struct
import threading
import time

from lib.py import KsftSkipEx, defer, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants
from kwl_env import KERNEL, Env
from kwl_napi import napis, pools, queue_irqs, queues, set_napi, switches, wait_busily
from kwl_nic import irq_count
from kwl_stats import queue_rows
from kwl_sys import read, write
from kwl_traffic import make_socket, ping, transfer

SO_INCOMING_NAPI_ID, SO_PREFER_BUSY_POLL = 56, 69
EPIOCSPARAMS = 0x40088A01
MS = 1_000_000
# As many small datagrams as any socket has room for.
BURST = 40


def wants_newer_kernel():
    """Stop a case that needs settings of single NAPI instances."""
    if KERNEL == "6.12":
        raise KsftSkipEx("6.12 has no settings of single NAPI instances")


def changes(env):
    """Return {what: function}: changes of the interface that must not touch what is set for NAPI."""
    def flap():
        env.set_link("down")
        env.set_link("up")

    return {"down and up": flap,
            "one channel": lambda: env.ethtool("-L", "combined", 1),
            "two channels": lambda: env.ethtool("-L", "combined", 2),
            "rings": lambda: env.ethtool("-G", "rx", 512, "tx", 512),
            "function reset": lambda: write(env.sysfs / "reset", 1)}


def netstat(name):
    """Return a counter of /proc/net/netstat's group TcpExt."""
    names, values = [line.split()[1:] for line in read("/proc/net/netstat").splitlines() if line.startswith("TcpExt:")]
    return int(dict(zip(names, values))[name])


@ksft_variants([1, 8, 2])
def linked(env, count):
    """Each queue pair has one NAPI instance, this the pair's interrupt, and the pair one page pool."""
    if len(pools(env.ifname)) != count:
        env.ethtool("-L", "combined", count)
    env.wait_carrier()
    shown, instances, irqs = queues(env.ifname), napis(env.ifname), queue_irqs(env.ifname)
    ksft_eq(set(shown), {(way, at) for way in ("rx", "tx") for at in range(count)}, "queues")
    ksft_eq(len(instances), count, "NAPI instances")
    for at in range(count):
        number = shown["rx", at]
        ksft_eq(shown["tx", at], number, f"NAPI of transmit queue {at}")
        ksft_eq(instances[number]["irq"], irqs[at], f"interrupt of queue pair {at}")
    used = pools(env.ifname)
    ksft_eq(len(used), count, "page pools")
    # 6.12 does not show whose they are.
    if KERNEL != "6.12":
        ksft_eq(sorted(pool["napi-id"] for pool in used), sorted(instances), "page pools by NAPI")
    for pool in used:
        ksft_ge(pool["inflight"], 255, "pages with the device")


def down_shows_none(env):
    """An interface that is down has neither queues nor page pools to show."""
    env.set_link("down")
    ksft_eq(queues(env.ifname), {}, "queues")
    ksft_eq(pools(env.ifname), [], "page pools")
    env.set_link("up")
    env.wait_carrier()


def socket_knows_napi(env):
    """A socket can tell which NAPI instance its data came by, and that is a queue's."""
    with make_socket(socket.SOCK_DGRAM, 4) as sock, make_socket(socket.SOCK_DGRAM, 4, env.ns) as partner:
        sock.bind((env.v4, 0))
        partner.sendto(b"x", sock.getsockname())
        sock.recv(10)
        number = sock.getsockopt(socket.SOL_SOCKET, SO_INCOMING_NAPI_ID)
    ksft_true(number in napis(env.ifname), f"NAPI {number} is one of the interface's")


def threaded_by_sysfs(env):
    """With `threaded` each NAPI instance has a thread that does its work, over every change, until it is off."""
    knob = f"/sys/class/net/{env.ifname}/threaded"
    write(knob, 1)
    defer(write, knob, 0)
    for what, change in {"switching it on": lambda: None, **changes(env)}.items():
        change()
        env.wait_carrier()
        pids = [napi.get("pid") for napi in napis(env.ifname).values()]
        ksft_true(pids and all(pids), f"threads after {what}: {pids}")
        ksft_eq({read(f"/proc/{pid}/comm")[:5] for pid in pids}, {"napi/"}, "their names")
        before = sum(map(switches, pids))
        ksft_eq(ping(env.peer_v4, count=10), 10, f"answers after {what}")
        ksft_ge(sum(map(switches, pids)) - before, 10, "times that the threads have worked")
    sent, got = transfer(env, "rx", size=500_000)
    ksft_eq(sent, got, "md5")
    write(knob, 0)
    # 6.12 keeps the threads and gives them nothing to do.
    if KERNEL != "6.12":
        ksft_eq([napi["pid"] for napi in napis(env.ifname).values() if "pid" in napi], [], "threads when it is off")
    ksft_eq(ping(env.peer_v4, count=3), 3, "answers without threads")


def threaded_by_netlink(env):
    """One NAPI instance alone can have a thread, and keeps it over every change that leaves it in use."""
    wants_newer_kernel()
    number = queues(env.ifname)["rx", 0]
    set_napi(number, threaded=1)
    defer(set_napi, number, threaded=0)
    for what, change in {"switching it on": lambda: None, **changes(env)}.items():
        change()
        env.wait_carrier()
        ksft_eq([one for one, napi in napis(env.ifname).items() if "pid" in napi], [number], f"with thread after {what}")
    before = switches(napis(env.ifname)[number]["pid"])
    sent, got = transfer(env, "rx", size=500_000)
    ksft_eq(sent, got, "md5")
    # Which queue the flow takes is up to the hash; with one channel there is no choice.
    env.ethtool("-L", "combined", 1)
    defer(env.ethtool, "-L", "combined", 2)
    ksft_eq(ping(env.peer_v4, count=10), 10, "answers")
    ksft_ge(switches(napis(env.ifname)[number]["pid"]) - before, 10, "times that the thread has worked")


def settings_kept(env):
    """Settings of one NAPI instance, and its number, outlive every change; the others' stay as they were."""
    wants_newer_kernel()
    want = {"defer-hard-irqs": 7, "gro-flush-timeout": 20_000, "irq-suspend-timeout": 30 * MS}
    zero = dict.fromkeys(want, 0)
    mine, other = (queues(env.ifname)["rx", at] for at in (1, 0))
    set_napi(mine, **{name.replace("-", "_"): value for name, value in want.items()})
    defer(set_napi, mine, **{name.replace("-", "_"): 0 for name in want})
    for what, change in {"setting them": lambda: None, **changes(env)}.items():
        change()
        env.wait_carrier()
        shown = napis(env.ifname)
        ksft_eq({name: shown[other][name] for name in want}, zero, f"of the other one after {what}")
        if what == "one channel":
            ksft_eq(mine in shown, False, "shown while it is not in use")
        else:
            ksft_eq({name: shown[mine][name] for name in want}, want, f"after {what}")


def busy_polling(env):
    """A socket that polls by itself gets its data that way."""
    before = netstat("BusyPollRxPackets")
    wait_busily((env.v4, None), (env.peer_v4, env.ns))
    ksft_ge(netstat("BusyPollRxPackets") - before, 10, "frames taken by busy polling")


class Poller:
    """An application that polls by epoll, prefers to poll over interrupts, and counts what it gets."""

    def __init__(self, env):
        self.env = env
        self.sock = make_socket(socket.SOCK_DGRAM, 4)
        self.sock.bind((env.v4, 0))
        self.sock.setblocking(False)
        self.partner = make_socket(socket.SOCK_DGRAM, 4, env.ns)
        self.epoll = select.epoll()
        self.epoll.register(self.sock.fileno(), select.EPOLLIN)
        fcntl.ioctl(self.epoll.fileno(), EPIOCSPARAMS, struct.pack("IHBB", 200_000, 64, 1, 0))
        self.got = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.epoll.close()
        self.sock.close()
        self.partner.close()

    def send(self, count):
        """Have the partner send so many datagrams."""
        for _ in range(count):
            self.partner.sendto(b"x", self.sock.getsockname())

    def poll(self, timeout=1.0):
        """Wait for data as applications do, and take all there is; False if nothing has come."""
        events = self.epoll.poll(timeout)
        try:
            while self.sock.recv(10):
                self.got += 1
        except BlockingIOError:
            pass
        return bool(events)

    def take(self, count):
        """Poll until so many more datagrams have come."""
        want = self.got + count
        end = time.monotonic() + 20
        while self.got < want and time.monotonic() < end:
            self.poll(0.2)
        ksft_eq(self.got, want, "datagrams received")


def frames(env):
    """Return how many frames queue 0 has given to the stack."""
    return queue_rows(env.ifname, "rx")[0]["packets"]


def while_working(env, app, irq, seconds):
    """Have data come while the application works on earlier data; return (frames, interrupts) meanwhile."""
    # The first datagrams tell the socket, and so epoll, which NAPI instance to poll.
    app.send(3)
    app.take(3)
    # This one comes while it polls: from here on it is at work.
    threading.Timer(0.02, app.send, [1]).start()
    ksft_true(app.poll(5), "data by polling")
    before = frames(env), irq_count(irq)
    app.send(BURST)
    time.sleep(seconds)
    return frames(env) - before[0], irq_count(irq) - before[1]


def irq_suspension(env):
    """While an application that polls is at work, its queue neither interrupts nor is it polled, for a time."""
    wants_newer_kernel()
    env.ethtool("-L", "combined", 1)
    defer(env.ethtool, "-L", "combined", 2)
    env.wait_carrier()
    number, irq = queues(env.ifname)["rx", 0], queue_irqs(env.ifname)[0]
    set_napi(number, defer_hard_irqs=100, gro_flush_timeout=20 * MS, irq_suspend_timeout=0)
    defer(set_napi, number, defer_hard_irqs=0, gro_flush_timeout=0, irq_suspend_timeout=0)
    with Poller(env) as app:
        moved, fired = while_working(env, app, irq, 0.5)
        env.note(f"no suspension: {moved} frames, {fired} interrupts")
        ksft_eq(moved, BURST, "frames that come by the timer without suspension")
        app.take(BURST)
        set_napi(number, irq_suspend_timeout=5_000 * MS)
        moved, fired = while_working(env, app, irq, 0.5)
        env.note(f"suspended: {moved} frames, {fired} interrupts")
        ksft_eq((moved, fired), (0, 0), "frames and interrupts while suspended")
        app.take(BURST)
        set_napi(number, irq_suspend_timeout=100 * MS)
        moved, fired = while_working(env, app, irq, 1.0)
        env.note(f"suspended too long: {moved} frames, {fired} interrupts")
        ksft_eq(moved, BURST, "frames when the suspension has run out")
        app.take(BURST)


def deferred_interrupts(env):
    """With interrupts deferred a busy queue is polled by the timer and interrupts far less."""
    base = f"/sys/class/net/{env.ifname}"
    # What is sent may take another queue than the answer, depending on the processor.
    env.ethtool("-L", "combined", 1)
    defer(env.ethtool, "-L", "combined", 2)
    env.wait_carrier()
    irqs = list(queue_irqs(env.ifname).values())

    def fired():
        return sum(map(irq_count, irqs))

    def cost():
        before = fired()
        ksft_eq(ping(env.peer_v4, count=40), 40, "answers")
        return fired() - before

    usual = cost()
    for knob, value in (("napi_defer_hard_irqs", 10_000), ("gro_flush_timeout", 2 * MS)):
        write(f"{base}/{knob}", value)
        defer(write, f"{base}/{knob}", 0)
    # The first interrupt starts it.
    ping(env.peer_v4)
    deferred = cost()
    env.note(f"interrupts for 40 pings: {usual}, deferred {deferred}")
    ksft_ge(usual, 40, "interrupts as usual")
    ksft_ge(4, deferred, "interrupts when deferred")


def main():
    """Run the cases."""
    env = Env()
    env.quiet()
    ksft_run([linked, down_shows_none, socket_knows_napi, threaded_by_sysfs, threaded_by_netlink, settings_kept,
              busy_polling, irq_suspension, deferred_interrupts], args=(env,))
    ksft_exit()


if __name__ == "__main__":
    main()
