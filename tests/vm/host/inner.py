# SPDX-License-Identifier: GPL-2.0-only
"""Guests of a guest, each of which owns a PCI function (topology "nested").

This runs in the machine that the bench boots, not on the host of the bench. An inner
guest runs the kernel of its host and sees its host's disk and work tree, read-only; it
has a processor, the function, and the command channel that all our machines have. What it
left is in /run/inner/NAME until forget(); its console goes on to that of its host, so
that whoever searches the one has searched both.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import machine, paths, scan
from .channel import Channel, GuestGone

RUNS = Path("/run/inner")
PCI = Path("/sys/bus/pci")
BOOT_SECONDS = 120
# Until the initrd speaks; with five machines on two processors it takes forty.
KERNEL_SECONDS = 75
ALIVE = "initrd: alive"
STOP_SECONDS = 20
MEMORY_MB = 192
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878

# What QEMU 10.0 does to inner guests where it emulates the processor (TCG, SVM): now and
# then one hangs or is reset without a word while it boots, or the machine itself is
# (QEMU's log says "Triple fault"). Seen with plain inner guests: no VF, no driver of a
# network card loaded, two at a time, 3 times in 32 such pairs; and with VFs and one boot
# at a time, 2 times in about 24 boots. In one that hung, kvm reported without end (trace
# event kvm_exit) an exit at the address of the *outer* kernel's instruction after VMRUN:
# the emulated processor seems to have left the guest twice, and saved the host's state
# as that of the guest. Three were writing to the console, where most exits were. So guests
# boot one after the other and say little, and a boot that nobody can explain is repeated.
EMULATOR = "the emulated processor lost it; see tests/vm/host/inner.py"

# Less to look for and to say means faster to boot where even the outer machine is emulated:
# a character on the console takes two exits to QEMU.
DEVICES = "q35,hpet=off,i8042=off,sata=off,smbus=off,usb=off,vmport=off"
APPEND = ("console=ttyS0 panic=-1 panic_on_warn=1 oops=panic loglevel=5 mitigations=off "
          "tsc=reliable no_timer_check audit=0 lsm=capability "
          "bench_mode=agent bench_keep=1 bench_disk=ro,noload bench_init=inner-init bench_topology=inner")


def virtualise() -> None:
    """Load what it takes to run a guest and to give it a function."""
    flags = Path("/proc/cpuinfo").read_text().split()
    kvm = "kvm-amd" if "svm" in flags else "kvm-intel" if "vmx" in flags else None
    if not kvm:
        raise paths.BenchError("this machine's processor cannot virtualise")
    subprocess.run(["modprobe", "-a", kvm, "vfio-pci"], check=True)


def settle_disk() -> None:
    """Have all that was written reach the disk, not only its journal, before a guest reads it."""
    root = os.open("/", os.O_RDONLY)
    try:
        fcntl.ioctl(root, FIFREEZE, 0)
        fcntl.ioctl(root, FITHAW, 0)
    finally:
        os.close(root)


def driver(pci: str) -> str:
    """The driver that has the function, if any."""
    link = PCI / "devices" / pci / "driver"
    return link.resolve().name if link.exists() else ""


def bind(pci: str, name: str) -> None:
    """Give a function to a driver, or to none; only to this one as long as it is there."""
    device = PCI / "devices" / pci
    if not device.exists():
        raise paths.BenchError(f"there is no PCI function {pci}")
    (device / "driver_override").write_text(name + "\n")
    if driver(pci) not in ("", name):
        (device / "driver" / "unbind").write_text(pci)
    if name and not driver(pci):
        (PCI / "drivers_probe").write_text(pci)
    if driver(pci) != name:
        raise paths.BenchError(f"{pci} is bound to '{driver(pci)}', not to '{name}'")


class Inner:
    """An inner guest by its name, running or not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.run_dir = RUNS / name
        self.console = self.run_dir / "console.log"
        self.process: subprocess.Popen | None = None  # if this object has started it
        self.pci = ""

    @property
    def pid(self) -> int:
        """Process id of its QEMU, or 0."""
        return machine.alive(self.run_dir)

    def command(self, pci: str) -> list[str]:
        release = os.uname().release
        version = os.environ["bench_kernel"]
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
                "-display", "none", "-bios", "qboot.rom", "-M", DEVICES, "-accel", "kvm", "-cpu", "host",
                *self.memory(), "-kernel", f"/boot/vmlinuz-{release}",
                "-initrd", f"{paths.BUILD}/initrd-{version}.img",
                "-append", f"{APPEND} bench_kernel={version}",
                "-serial", f"file:{self.console.name}", "-pidfile", "pid",
                # A disk is far faster than a share where each exit is emulated.
                "-drive", "if=none,id=disk,file=/dev/vda,format=raw,readonly=on,cache=none",
                "-device", "virtio-blk-pci,drive=disk",
                "-virtfs", "local,path=/kawela,mount_tag=kawela,readonly=on,"
                           "security_model=none,multidevs=remap",
                "-device", "virtio-serial-pci",
                "-chardev", "socket,id=bench,path=channel,server=on,wait=off",
                "-device", "virtserialport,chardev=bench,name=kawela.bench",
                "-device", "virtio-rng-pci",
                "-qmp", "unix:qmp,server=on,wait=off",
                "-device", "pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=1",
                *self.network(pci)]

    def memory(self) -> list[str]:
        """Its memory, for QEMU."""
        return ["-m", str(MEMORY_MB)]

    def network(self, pci: str) -> list[str]:
        """Its network device, for QEMU."""
        return ["-device", f"vfio-pci,host={pci},bus=rp0"]

    def claim(self, pci: str) -> None:
        """Make that device ready."""
        bind(pci, "vfio-pci")

    def start(self, pci: str) -> None:
        """Give it the function and power it on; wait() tells when it is up."""
        if self.pid:
            raise paths.BenchError(f"inner guest '{self.name}' runs already")
        self.forget()
        self.pci = pci
        virtualise()
        self.claim(pci)
        settle_disk()
        self.run_dir.mkdir(parents=True)
        with (self.run_dir / "qemu.log").open("w") as log:
            # It answers by its own channel and outlives this process.
            self.process = subprocess.Popen(self.command(pci), cwd=self.run_dir,
                                            stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)

    def plug(self, pci: str) -> None:
        """Give it a function while it runs, in the place of one that it has let go."""
        virtualise()
        bind(pci, "vfio-pci")
        self.pci = pci
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as qmp:
            qmp.settimeout(STOP_SECONDS)
            qmp.connect(str(self.run_dir / "qmp"))
            with qmp.makefile("rw") as stream:
                for command in ({"execute": "qmp_capabilities"},
                                {"execute": "device_add",
                                 "arguments": {"driver": "vfio-pci", "host": pci, "bus": "rp0"}}):
                    stream.write(json.dumps(command) + "\n")
                    stream.flush()
                    for line in stream:
                        answer = json.loads(line)
                        if "error" in answer:
                            raise paths.BenchError(f"{self.name}: {answer['error']['desc']}")
                        if "return" in answer:
                            break

    def wait(self) -> None:
        """Until it runs commands. A boot that the emulated processor has spoilt is
        repeated, loudly.
        """
        for tries_left in (2, 1, 0):
            try:
                self.wait_for_kernel()
                self.run(["true"], timeout=BOOT_SECONDS)
                return
            except GuestGone as error:
                if not tries_left or not self.was_lost():
                    raise GuestGone(f"inner guest '{self.name}': {error}: {self.left()}") from error
                print(f"# REPEATED: the boot of inner guest '{self.name}': {error}; {EMULATOR}",
                      flush=True)
            self.kill()
            self.start(self.pci)

    def wait_for_kernel(self) -> None:
        """Until its kernel has come to its first program."""
        console, said = scan.Tail(self.console), ""
        deadline = time.monotonic() + KERNEL_SECONDS
        while ALIVE not in said or not (self.run_dir / "channel").exists():
            if self.process and self.process.poll() is not None:
                raise GuestGone("its QEMU ended while it booted")
            if time.monotonic() > deadline:
                raise GuestGone("it hangs while it boots")
            time.sleep(0.1)
            said += console.text()

    def was_lost(self) -> bool:
        """Nobody has said why the boot ended: no kernel, no initrd, no error of QEMU."""
        said = scan.Tail(self.console).text()
        status = self.process.poll() if self.process else None
        return not status and ALIVE not in said and not scan.findings(said)

    def run(self, argv: list[str], timeout: float = 60, output=None) -> int:
        """Run a command in it; its exit status, 124 when it took too long."""
        with contextlib.closing(Channel(self.run_dir / "channel")) as channel:
            return channel.run(argv, timeout=timeout, output=output)

    def stop(self) -> None:
        """Power it off; whoever does not obey is killed, and that is an error."""
        pid = self.pid
        if not pid:
            raise GuestGone(f"inner guest '{self.name}' is gone: {self.left()}")
        try:
            with contextlib.closing(Channel(self.run_dir / "channel")) as channel:
                channel.power_off()
                ended = self.ended(pid)
        except GuestGone:
            ended = False
        self.kill()
        if not ended:
            raise GuestGone(f"inner guest '{self.name}' did not power off")

    def kill(self) -> None:
        """End its QEMU as a crash would: without a word to anybody."""
        if pid := self.pid:
            os.kill(pid, signal.SIGKILL)
            if not self.ended(pid):
                raise GuestGone(f"inner guest '{self.name}' cannot be killed")
        self.forget()

    def ended(self, pid: int) -> bool:
        """Wait until its QEMU has let go of the function, which is later than that it
        removes its pid file: when its last thread is gone.
        """
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return True
            if "State:\tZ" in status and "Threads:\t1\n" in status:
                return True
            time.sleep(0.05)
        return False

    def left(self) -> str:
        """The ends of what it and its QEMU said, and how QEMU ended."""
        logs = (self.console, self.run_dir / "qemu.log")
        said = "\n".join(scan.Tail(log).text()[-1500:] for log in logs)
        status = self.process.poll() if self.process else None
        return said if status is None else f"{said}\nits QEMU ended with status {status}"

    def forget(self) -> None:
        """Pass its console on and remove what it left."""
        if not self.run_dir.exists():
            return
        with open("/dev/console", "w", encoding="utf-8") as out:
            for line in scan.Tail(self.console).text().splitlines():
                out.write(f"inner {self.name}: {line}\n")
        shutil.rmtree(self.run_dir)


def clean() -> None:
    """End all inner guests."""
    for run in sorted(RUNS.glob("*")):
        Inner(run.name).kill()
