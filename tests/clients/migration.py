#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=clients timeout=900 drivers=kawela,stock
"""A guest migrates live between two QEMUs: its VF is unplugged, virtio stands in, and another VF is plugged there.

net_failover in the guest has both of them; a TCP stream with the wire goes on, and where its frames go is counted.
"""

import time

from lib.py import defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_lt, ksft_raises, ksft_run
from kwl_env import link, on_stock, stock_xfail
from kwl_faults import Watch, carry, pair
from kwl_frames import ether
from kwl_guest import inner
from kwl_migration import (ECHO_PORT, HUGE_MB, INCOMING, INITRD, MEMORY, MEMORY_MB, NATIVE, PRIMARY, SINGLE, Echo,
                           Traveller, build, longest_pause)
from kwl_qmp import QmpError
from kwl_sriov import Sriov, with_drivers
from kwl_sys import SLOW, run, wait_for
from kwl_traffic import ping
from kwl_wire import send_frames

MAC, NONE, GUEST_V4 = "02:00:00:00:ee:01", "00:00:00:00:00:00", "192.0.2.50"
BRIDGE, TAPS, SOCKET = "br0", ("tap0", "tap1"), "/tmp/kwl-migration.sock"
STANDBY, LOCAL = "virtio_net", 0x88B5
# Records of the stream in each phase, and how many frames may take another way meanwhile.
SOME, FEW = 100, 10
# So slow that all of this can happen while memory is on its way; and then no limit.
CRAWL, RUSH, DOWN_MS = 1 << 20, 1 << 30, 2000
# Where two machines inside each other are emulated it is 1 to 4 seconds.
OUTAGE_MS = 20000


def row(bench, vf):
    """What the PF's interface tells of a VF, without its statistics."""
    return {key: value for key, value in bench.pf_vf(vf.index).items() if key != "stats"}


def bridge(env):
    """A bridge of the uplink and a tap for each QEMU."""
    run("modprobe -a bridge tun")
    run(f"ip link add {BRIDGE} type bridge mcast_snooping 0")
    defer(run, f"ip link del {BRIDGE}")
    for tap in TAPS:
        run(f"ip tuntap add {tap} mode tap")
        defer(run, f"ip tuntap del {tap} mode tap")
        run(f"ip link set {tap} master {BRIDGE} up")
    env.set_link("master", BRIDGE)
    defer(env.set_link, "nomaster")
    # What the VF sends to everybody comes in by the uplink as well, from the address that the tap has.
    run(f"bridge link set dev {env.ifname} learning off")
    run(f"ip link set {BRIDGE} up")


def huge_pages():
    """Memory for two guests."""
    MEMORY.mkdir(exist_ok=True)
    run(f"mount -t hugetlbfs none {MEMORY}")
    defer(run, f"umount {MEMORY}")
    run(f"sysctl -qw vm.nr_hugepages={2 * MEMORY_MB // HUGE_MB + 4}")
    defer(run, "sysctl -qw vm.nr_hugepages=0")


class Journey:
    """The two QEMUs, the stream and the pings; how long each phase took."""

    def __init__(self, bench, vf_options, target_options):
        self.bench, self.env = bench, bench.env
        self.before = [row(bench, vf) for vf in bench.vfs]
        inner.virtualise()
        defer(bench.spoil)
        defer(INITRD.unlink, missing_ok=True)
        build("net_failover", STANDBY, bench.driver)
        bridge(self.env)
        for vf in bench.vfs:
            vf.set_link("down")
            inner.bind(vf.pci, "vfio-pci")
        huge_pages()
        self.source = Traveller("source", MAC, TAPS[0], vf_options)
        self.target = Traveller("target", MAC, TAPS[1], target_options)
        self.marks = []
        self.boot()

    def boot(self):
        """Start the guest and the stream; its VF has its address and carries it."""
        bench, guest = self.bench, self.source
        bench.set_vf(0, "mac", MAC)
        defer(guest.kill)
        guest.start(bench.vfs[0].pci)
        guest.wait()
        wait_for(lambda: {STANDBY, bench.driver} <= set(guest.slaves()), 60, "its VF", step=0.5)
        guest.sh("for n in /sys/class/net/eth*; do test -e $n/master || break; done; "
                 f"ip addr add {GUEST_V4}/24 dev ${{n##*/}}; ip link set ${{n##*/}} up; "
                 f"nc -ll -p {ECHO_PORT} -e /bin/cat >/dev/null 2>&1 &")
        self.watch = Watch("guest", GUEST_V4, self.env.ns)
        defer(self.watch.stop)
        self.stream = Echo(self.env.ns, GUEST_V4)
        defer(self.stream.close)
        self.goes(guest, "VF 0", "before")

    def await_target(self):
        """Start the other QEMU; both agree to pause when all but the rest is there."""
        defer(self.target.kill)
        self.target.start(self.bench.vfs[1].pci)
        self.target.open()
        for one in (self.source, self.target):
            one.monitor.execute("migrate-set-capabilities",
                                capabilities=[{"capability": "pause-before-switchover", "state": True}])
        self.speed(CRAWL)
        self.target.monitor.execute("migrate-incoming", uri=f"unix:{SOCKET}")

    def speed(self, limit):
        """Bytes a second that memory may take."""
        self.source.monitor.execute("migrate-set-parameters", max_bandwidth=limit, downtime_limit=DOWN_MS)

    def mark(self, phase):
        """A phase begins."""
        self.marks.append((phase, time.time()))

    def counters(self, guest):
        """Frames by way: of the VFs as the card counts them, and what the guest sends by virtio and by its VF."""
        ways = {tap: link(tap)["stats64"]["rx"]["packets"] for tap in TAPS}
        ways |= {f"guest's {driver}": sent for driver, (_, sent) in guest.slaves().items()}
        if not on_stock():  # which counts nothing of its VFs
            for vf in self.bench.vfs:
                ways[f"VF {vf.index}"] = sum(self.bench.vf_stats(vf.index)[way]["packets"] for way in ("rx", "tx"))
        return ways

    def goes(self, guest, way, when):
        """Have some of the stream pass: it goes this way and no other."""
        wanted = {way, f"guest's {STANDBY if way in TAPS else self.bench.driver}"}
        self.stream.moves(5)
        before = self.counters(guest)
        self.stream.moves(SOME)
        grown = {name: count - before[name] for name, count in self.counters(guest).items()}
        self.env.note(f"{when}, frames:", ", ".join(f"{name} {count}" for name, count in grown.items()))
        for name in wanted & set(grown):
            ksft_ge(grown[name], SOME // 2, f"{when}, frames of {name}")
        for name in set(grown) - wanted:
            ksft_lt(grown[name], FEW, f"{when}, frames of {name}")

    def switch_over(self):
        """Have the guest stop here and go on over there."""
        self.mark("move")
        self.speed(RUSH)
        self.source.monitor.reached("pre-switchover")

    def resume(self):
        """The last word to the source."""
        self.source.monitor.execute("migrate-continue", state="pre-switchover")
        self.source.monitor.reached("completed")

    def arrived(self):
        """The guest has the other VF, with its address, and uses it."""
        guest, driver = self.target, self.bench.driver
        wait_for(lambda: driver in guest.slaves(), 120, "the VF over there", step=0.5)
        self.stream.moves(SOME, timeout=120)
        name = guest.slaves()[driver][0]
        ksft_eq(guest.sh(f"cat /sys/class/net/{name}/address").strip(), MAC, "address of the VF over there")
        self.goes(guest, "VF 1", "after")

    def outages(self):
        """The stream has lost nothing; print how long nothing came, by phases."""
        self.stream.moves()
        end = time.time()
        sent, got = self.stream.stop()
        ksft_ge(sent, 3 * SOME, "records sent")
        ksft_eq(got, sent, "records that came back")
        self.watch.stop()
        answers = [when for when, _ in self.watch.answers()]
        for (phase, begin), (_, until) in zip(self.marks, [*self.marks[1:], (None, end)]):
            pings, stream = (longest_pause(times, begin, until) for times in (answers, self.stream.arrivals))
            self.env.note(f"outage, {phase}: pings {pings} ms, stream {stream} ms")
            ksft_lt(stream, OUTAGE_MS * SLOW, f"{phase}: milliseconds without an answer")

    def migrated(self):
        """What QEMU says about it."""
        told = self.source.monitor.execute("query-migrate")
        self.env.note(f"QEMU: {told['total-time']} ms in all, downtime {told['downtime']} ms, "
                      f"{told['ram']['transferred'] >> 20} MiB")
        ksft_eq(told["status"], "completed", "migration")

    def home(self):
        """The guest ends; the VFs are their host's again, with nothing left of it."""
        bench = self.bench
        self.source.kill()
        self.target.kill()
        self.env.set_link("nomaster")
        for vf in bench.vfs:
            bench.set_vf(vf.index, "mac", NONE)
            inner.bind(vf.pci, bench.driver)
            vf.come_up()
        after = [row(bench, vf) for vf in bench.vfs]
        if not on_stock():
            ksft_eq(after, self.before, "attributes of the VFs afterwards")
        bench.forget_neighbours()
        carry(bench)
        before = [vf.stats()["rx"]["packets"] for vf in bench.vfs]
        send_frames(self.env.peer_if, [ether(MAC, self.env.peer_mac, LOCAL, bytes(60))] * SOME, self.env.ns)
        for vf, count in zip(bench.vfs, before):
            ksft_eq(ping(self.env.peer_v4, ns=vf.ns), 1, "an answer after them")
            ksft_lt(vf.stats()["rx"]["packets"] - count, FEW, f"frames that VF {vf.index} has got of those")
        if after != self.before:
            stock_xfail("a VF whose address is taken back has lost its own one")


def by_qemu(bench, *options):
    """QEMU unplugs the VF when the migration begins, and plugs the other when the guest is there."""
    trip = Journey(bench, [*PRIMARY, *options], [*PRIMARY, *INCOMING, *options])
    trip.await_target()
    trip.mark("unplug")
    monitor = trip.source.monitor
    monitor.execute("migrate", uri=f"unix:{SOCKET}")
    monitor.reached("active")
    ksft_in("UNPLUG_PRIMARY", monitor.events, "events")
    # The other VF cannot have it before, and a PF driver may keep it for a VF that is closed.
    bench.set_vf(0, "mac", NONE)
    trip.goes(trip.source, TAPS[0], "during")
    trip.switch_over()
    bench.set_vf(1, "mac", MAC)
    trip.resume()
    trip.mark("plug")
    trip.arrived()
    trip.outages()
    trip.migrated()
    trip.home()


def failover(bench):
    """QEMU's own way, with ACPI's hot plug."""
    by_qemu(bench)


def failover_native(bench):
    """QEMU's own way, with the hot plug of PCI Express, whose button gives the guest five seconds."""
    by_qemu(bench, *NATIVE)


def by_hand(bench):
    """libvirt's and KubeVirt's way: the VF is unplugged before and another plugged afterwards."""
    trip = Journey(bench, SINGLE, INCOMING)
    trip.await_target()
    monitor = trip.source.monitor
    with ksft_raises(QmpError):
        monitor.execute("migrate", uri=f"unix:{SOCKET}")
    trip.mark("unplug")
    monitor.execute("device_del", id="primary")
    wait_for(lambda: monitor.heard("DEVICE_DELETED"), 60, "the guest to let go", step=0.05)
    bench.set_vf(0, "mac", NONE)
    trip.goes(trip.source, TAPS[0], "without a VF")
    monitor.execute("migrate", uri=f"unix:{SOCKET}")
    trip.switch_over()
    trip.resume()
    trip.mark("plug")
    trip.stream.moves(SOME)
    bench.set_vf(1, "mac", MAC)
    trip.target.monitor.execute("device_add", driver="vfio-pci", id="primary", host=bench.vfs[1].pci, bus="rp0")
    trip.arrived()
    trip.outages()
    trip.migrated()
    trip.home()


def cancelled(bench):
    """The migration is given up half-way: the guest gets its VF back where it is."""
    trip = Journey(bench, PRIMARY, [*PRIMARY, *INCOMING])
    trip.await_target()
    trip.mark("unplug")
    monitor = trip.source.monitor
    monitor.execute("migrate", uri=f"unix:{SOCKET}")
    monitor.reached("active")
    # Ours gives the address to the PF as soon as the VF is closed; the administrator need not take it away.
    if on_stock():
        bench.set_vf(0, "mac", NONE)
    trip.goes(trip.source, TAPS[0], "during")
    bench.set_vf(0, "mac", MAC)
    trip.mark("plug")
    monitor.execute("migrate_cancel")
    monitor.reached("cancelled")
    wait_for(lambda: bench.driver in trip.source.slaves(), 60, "the VF to be back", step=0.5)
    trip.stream.moves(SOME, timeout=120)
    trip.goes(trip.source, "VF 0", "after")
    trip.outages()
    trip.home()


def main():
    """Run the cases."""
    ksft_run(with_drivers([failover, failover_native, by_hand, cancelled], pair()), args=(Sriov(),))
    ksft_exit()


if __name__ == "__main__":
    main()
