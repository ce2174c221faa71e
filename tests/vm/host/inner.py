# SPDX-License-Identifier: GPL-2.0-only
"""Guests of a guest, each of which owns a PCI function (topology "nested").

This runs in the machine that the bench boots, not on the host of the bench. An inner
guest runs the kernel of its host and sees its host's files, read-only; it has a
processor, the function, and the command channel that all our machines have. What it
left is in /run/inner/NAME until forget(); its console goes on to that of its host, so
that whoever searches the one has searched both.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import machine, paths, scan
from .channel import Channel, GuestGone

RUNS = Path("/run/inner")
PCI = Path("/sys/bus/pci")
BOOT_SECONDS = 120
STOP_SECONDS = 20
MEMORY_MB = 192

# Faster to boot where even the outer machine is emulated.
APPEND = ("console=ttyS0 panic=-1 panic_on_warn=1 oops=panic loglevel=7 mitigations=off "
          "tsc=reliable no_timer_check audit=0 lsm=capability "
          "bench_mode=agent bench_keep=1 bench_root=share bench_topology=inner")


def virtualise() -> None:
    """Load what it takes to run a guest and to give it a function."""
    flags = Path("/proc/cpuinfo").read_text().split()
    kvm = "kvm-amd" if "svm" in flags else "kvm-intel" if "vmx" in flags else None
    if not kvm:
        raise paths.BenchError("this machine's processor cannot virtualise")
    subprocess.run(["modprobe", "-a", kvm, "vfio-pci"], check=True)


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
        kernel = os.environ["bench_kernel"]
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
                "-display", "none", "-bios", "qboot.rom", "-M", "q35", "-accel", "kvm", "-cpu", "host",
                "-m", str(MEMORY_MB), "-kernel", f"/boot/vmlinuz-{release}",
                "-initrd", f"{paths.BUILD}/initrd-{kernel}.img",
                "-append", f"{APPEND} bench_kernel={kernel}",
                "-serial", f"file:{self.console.name}", "-pidfile", "pid",
                "-virtfs", "local,path=/,mount_tag=root,readonly=on,"
                           "security_model=none,multidevs=remap",
                "-device", "virtio-serial-pci",
                "-chardev", "socket,id=bench,path=channel,server=on,wait=off",
                "-device", "virtserialport,chardev=bench,name=kawela.bench",
                "-device", "virtio-rng-pci",
                "-device", "pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=1",
                "-device", f"vfio-pci,host={pci},bus=rp0"]

    def start(self, pci: str) -> None:
        """Give it the function and power it on; wait() tells when it is up."""
        if self.pid:
            raise paths.BenchError(f"inner guest '{self.name}' runs already")
        self.forget()
        self.pci = pci
        virtualise()
        bind(pci, "vfio-pci")
        self.run_dir.mkdir(parents=True)
        with (self.run_dir / "qemu.log").open("w") as log:
            # It answers by its own channel and outlives this process.
            self.process = subprocess.Popen(self.command(pci), cwd=self.run_dir,
                                            stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)

    def wait(self) -> None:
        """Until it runs commands. On emulated processors, inner guests were seen to be
        reset early in their boot, before any driver of ours is in them, without a word
        of their kernel; why is not known. Such a boot is repeated, loudly.
        """
        for tries_left in (2, 1, 0):
            try:
                self.wait_once()
                return
            except GuestGone:
                if not tries_left or not self.was_reset():
                    raise
            print(f"# REPEATED: inner guest '{self.name}' was reset while it booted, "
                  "without any message; it boots again", flush=True)
            self.start(self.pci)

    def wait_once(self) -> None:
        deadline = time.monotonic() + BOOT_SECONDS
        while not (self.pid and (self.run_dir / "channel").exists()):
            ended = self.process and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise GuestGone(f"inner guest '{self.name}' did not start: {self.left()}")
            time.sleep(0.1)
        try:
            self.run(["true"], timeout=BOOT_SECONDS)
        except GuestGone as error:
            raise GuestGone(f"inner guest '{self.name}': {error}: {self.left()}") from error

    def was_reset(self) -> bool:
        """Its QEMU has ended by itself, and neither kernel nor initrd said why."""
        try:
            if not self.process or self.process.wait(timeout=5) != 0:
                return False
        except subprocess.TimeoutExpired:
            return False
        said = scan.Tail(self.console).text()
        return "Run /init" not in said and not scan.findings(said)

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
