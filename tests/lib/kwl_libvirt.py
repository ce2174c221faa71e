# SPDX-License-Identifier: GPL-2.0-only
"""libvirtd, run by hand beside udevd, and guests that it starts: hollow ones, which have a BIOS only, and whole ones.

A hollow guest owns its VF as any other does, and costs no boot. A whole one is an inner guest (vm/host/inner.py)
that libvirt starts and ends.
"""

import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from kwl_guest import Guest, inner
from kwl_sys import output, run, wait_for, write

URI = "qemu:///system"
DIR = Path("/tmp/kwl-libvirt")
LOG = DIR / "libvirtd.log"
QEMU = "<emulator>/usr/bin/qemu-system-x86_64</emulator>"
SERVICE = """listen_tls = 0
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "6b617765-6c61-4000-8000-000000000000"
log_level = 3
log_outputs = "1:file:{log}"
log_filters = "1:util.netdev 1:util.hostdev"
"""
# Nothing here needs what keeps guests from each other, and part of it wants systemd.
HYPERVISOR = """user = "root"
group = "root"
cgroup_controllers = []
security_driver = "none"
namespaces = []
stdio_handler = "file"
"""
# Neither new names for interfaces nor modules that nobody asked for.
MASKED = ("80-net-setup-link.rules", "80-drivers.rules")


def virsh(*words, check=True):
    """`virsh words...`; returns the finished process."""
    return run(["virsh", "-q", "-c", URI, *map(str, words)], check=check, timeout=180)


def told(*words):
    """What virsh prints, which is XML, as a tree."""
    return ET.fromstring(virsh(*words).stdout)


def hand_over(verb, text, *words, check=True):
    """`virsh VERB words... FILE` with a file of this text; returns the finished process."""
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(text)
        file.flush()
        return virsh(verb, *words, file.name, check=check)


class Libvirt:
    """libvirtd and udevd as long as in the context; both of them in a state of their own."""

    def __init__(self):
        shutil.rmtree(DIR, ignore_errors=True)
        DIR.mkdir()
        self.kept = Path("/etc/libvirt/qemu.conf").read_text(encoding="utf-8")
        self.rules = Path("/run/udev/rules.d")
        self.processes = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        inner.virtualise()
        self.rules.mkdir(parents=True, exist_ok=True)
        for name in MASKED:
            write(self.rules / name, "")
        self._spawn("/usr/lib/systemd/systemd-udevd")
        wait_for(lambda: run("udevadm control --ping", check=False).returncode == 0, 30, "udevd", step=0.5)
        write("/etc/libvirt/qemu.conf", HYPERVISOR)
        write(DIR / "libvirtd.conf", SERVICE.format(log=LOG))
        self._spawn("libvirtd", "-f", DIR / "libvirtd.conf", "-p", DIR / "pid")
        # It asks QEMU for all that it can do first, twice.
        wait_for(lambda: virsh("version", check=False).returncode == 0, 120, "libvirtd", step=1)

    def _spawn(self, *words):
        with open(DIR / "output", "ab") as out:
            self.processes.append(subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL,
                                                   stdout=out, stderr=out, start_new_session=True))

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        write("/etc/libvirt/qemu.conf", self.kept)
        shutil.rmtree("/run/udev", ignore_errors=True)
        shutil.rmtree(DIR)


def requests(outcome):
    """What libvirtd has had the PF do to its VFs, as its log tells, with "Success" or "Fail"."""
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.split(" : ")[-1] for line in lines if "RTM_SETLINK" in line and line.endswith(outcome)]


def node(pci):
    """libvirt's name of a PCI function."""
    return "pci_" + pci.replace(":", "_").replace(".", "_")


def address(pci):
    """A PCI function as XML has it."""
    domain, bus, rest = pci.split(":")
    slot, function = rest.split(".")
    return f"<address type='pci' domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>"


def pci_of(element):
    """The PCI function that an <address> names."""
    domain, bus, slot, function = (int(element.get(key), 0) for key in ("domain", "bus", "slot", "function"))
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def hostdev(pci, mac, vlan=None, managed="yes"):
    """An <interface> that is a VF."""
    tag = f"<vlan><tag id='{vlan}'/></vlan>" if vlan else ""
    return (f"<interface type='hostdev' managed='{managed}'><mac address='{mac}'/>"
            f"<source>{address(pci)}</source>{tag}</interface>")


def direct(ifname, mac):
    """An <interface> that passes one of this machine through by macvtap."""
    return (f"<interface type='direct'><mac address='{mac}'/><source dev='{ifname}' mode='passthrough'/>"
            "<model type='e1000e'/></interface>")


def hollow(name, interface):
    """A guest that finds nothing to boot. It starts the faster the less memory vfio has to map for it."""
    return (f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>"
            "<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>"
            f"<devices>{QEMU}<controller type='usb' model='none'/><memballoon model='none'/>{interface}</devices>"
            "</domain>")


def whole(name, folder, interface):
    """A guest as vm/host/inner.py boots it: with the kernel of this machine, which sees its files."""
    version = os.environ["bench_kernel"]
    return (
        f"<domain type='kvm'><name>{name}</name><memory unit='MiB'>{inner.MEMORY_MB}</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type>"
        "<loader readonly='yes' type='rom'>/usr/share/qemu/qboot.rom</loader>"
        f"<kernel>/boot/vmlinuz-{os.uname().release}</kernel><initrd>{inner.paths.BUILD}/initrd-{version}.img</initrd>"
        f"<cmdline>{inner.APPEND} bench_kernel={version}</cmdline></os>"
        "<features><acpi/><vmport state='off'/></features><cpu mode='host-passthrough' check='none'/>"
        "<clock offset='utc'><timer name='hpet' present='no'/></clock><on_reboot>destroy</on_reboot>"
        f"<devices>{QEMU}<controller type='usb' model='none'/><memballoon model='none'/>"
        "<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/vda'/>"
        "<target dev='vda' bus='virtio'/><readonly/></disk>"
        "<filesystem type='mount' accessmode='passthrough' multidevs='remap'><source dir='/kawela'/>"
        "<target dir='kawela'/><readonly/></filesystem>"
        f"<serial type='file'><source path='{folder}/console.log'/></serial>"
        f"<channel type='unix'><source mode='bind' path='{folder}/channel'/>"
        "<target type='virtio' name='kawela.bench'/></channel>"
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
        f"{interface}</devices></domain>")


def running():
    """The names of the guests that there are."""
    return virsh("list", "--all", "--name").stdout.split()


def destroy(name):
    """End a guest at once, if it is there."""
    if name in running():
        virsh("destroy", name)


class Domain(inner.Inner):
    """An inner guest that libvirt starts and ends."""

    def __init__(self, name, interface):
        super().__init__(name)
        self.interface = interface

    def start(self, pci):
        """Power it on; wait() tells when it is up."""
        self.forget()
        self.pci = pci
        inner.settle_disk()
        self.run_dir.mkdir(parents=True)
        hand_over("create", whole(self.name, self.run_dir, self.interface))

    def kill(self):
        """End it as if its power had gone."""
        destroy(self.name)
        self.forget()

    def power_off(self):
        """Have it switch itself off; returns once libvirt has forgotten it."""
        channel = inner.Channel(self.run_dir / "channel")
        try:
            channel.power_off()
            wait_for(lambda: self.name not in running(), 60, f"{self.name} to power off", step=0.5)
        finally:
            channel.close()
        self.forget()


class LibvirtGuest(Guest):
    """A whole guest with a VF."""

    def __init__(self, vf, interface):
        super().__init__(vf)
        self.machine = Domain(self.name, interface)


def statistics(name, mac):
    """`virsh domifstat`: {"rx_packets": n, ...}."""
    rows = (line.split() for line in virsh("domifstat", name, mac).stdout.splitlines() if line.strip())
    return {words[-2]: int(words[-1]) for words in rows}


def nodes(kind):
    """The names of all devices of a kind."""
    return output(f"virsh -q -c {URI} nodedev-list --cap {kind}").split()
