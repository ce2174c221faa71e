# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: which binary, which accelerator, which arguments."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from . import autopsy, paths

PROBE_SECONDS = 20


def own_qemu() -> list[str]:
    """The QEMU of the guest's tree, run by that tree's own loader and libraries."""
    root = paths.ROOT
    return [f"{root}/usr/lib64/ld-linux-x86-64.so.2",
            "--library-path", f"{root}/usr/lib/x86_64-linux-gnu",
            f"{root}/usr/bin/qemu-system-x86_64",
            "-L", f"{root}/usr/share/qemu", "-L", f"{root}/usr/share/seabios"]


def binary() -> list[str]:
    """The host's QEMU when it has the igb device (8.0) and an x2APIC of its own (9.0), else
    our own.
    """
    host = shutil.which("qemu-system-x86_64")
    if host:
        said = subprocess.run([host, "--version"], capture_output=True, text=True, check=False)
        version = re.search(r"version (\d+)", said.stdout)
        if version and int(version[1]) >= 9:
            return [host]
    return own_qemu()


def debug_append(kernel: str) -> str:
    """What a kernel of ours is told. On an emulated processor it is so slow that it takes
    its clock for a broken one, and the other clock makes it slower still. Slabs with
    checks do without the queues for each processor, where pointers to objects that have
    left them linger: kmemleak would take those objects for used.
    """
    return "tsc=reliable slab_debug=F" if paths.is_own(kernel) else ""


def machine(kernel: str, append: str) -> list[str]:
    """What all our machines have in common, up to the kernel's command line."""
    return [*binary(), "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-M", "q35", "-smp", "2",
            # Less than 2 GiB: with more, firmware puts the prefetchable window above
            # 4 GiB, where QEMU 10.0 loses the upper half of a VF's BAR address.
            "-m", "1536",
            "-kernel", f"{paths.image(kernel)}",
            "-initrd", f"{paths.BUILD}/initrd-{kernel}.img",
            # The kernel's look whether the timer works takes a busy host for a broken
            # one, and behind an interrupt remapper it panics then: twice in 40 boots
            # of three machines at once.
            "-append", f"console=ttyS0 panic=-1 panic_on_warn=1 oops=panic no_timer_check "
                       f"hung_task_panic=1 loglevel=5 {debug_append(kernel)} {append}"]


def kvm_works(kernel: str) -> bool:
    """/dev/kvm may exist and still hang a kernel, so try a boot."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    command = [*machine(kernel, "bench_mode=probe"), "-accel", "kvm", "-cpu", "host",
               "-serial", "stdio"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return b"initrd: alive" in done.stdout


def accelerator() -> list[str]:
    """Arguments for the fastest way that works here; found once."""
    cache = paths.BUILD / "accel"
    if not cache.exists():
        print(f"trying KVM by a boot (at most {PROBE_SECONDS} s)", flush=True)
        answer = "kvm" if kvm_works(paths.kernels()[0]) else "tcg"
        partial = cache.with_suffix(".tmp")
        partial.write_text(answer + "\n")
        partial.rename(cache)
        print(f"accelerator: {answer}", flush=True)
    if cache.read_text().strip() == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def counted(command_line: list[str], ranges: Path, out: Path, clock: bool) -> list[str]:
    """The same machine with one processor and the plugin that counts the instructions it has
    executed (tests/bench/count.c); its clock goes by them, if wanted. No inner guest was seen to boot
    with such a clock.

    QEMU 10.0 ends with "Bad icount read" when such a processor reads the timer of its local APIC by
    x2APIC's registers. With only one there is nobody else to move windows, see interrupt_remapping().
    """
    words = list(command_line)
    words[words.index("-smp") + 1] = "1"
    at = words.index("-accel")
    words[at:at + 4] = ["-accel", "tcg,thread=single", "-cpu", "max"]
    # A topology may want another processor: the last one counts
    words = [f"{word},-x2apic" if before == "-cpu" else word for before, word in zip(["", *words], words)]
    return [*words, *(["-icount", "shift=0,sleep=off"] if clock else []), "-plugin",
            f"{quoted(paths.BUILD)}/bench/count.so,ranges={quoted(ranges)},out={quoted(out)}"]


def quoted(path: Path) -> str:
    """A path within an option, where a comma would end it."""
    return str(path).replace(",", ",,")


def cut_out(words: list[str], option: str) -> list[str]:
    """Take an option that is not for QEMU out of its command line; what it was given."""
    values = []
    while option in words:
        at = words.index(option)
        values.append(words[at + 1])
        del words[at:at + 2]
    return values


def topology(name: str) -> tuple[list[str], str, str]:
    """The network devices of a topology file, its share in the kernel's command line (of
    several -append, QEMU would take the last one only), and the disk.
    """
    if name not in paths.topologies():
        raise paths.BenchError(f"no topology '{name}': choose one of "
                               f"{', '.join(paths.topologies())}")
    words = shlex.split((paths.TOPOLOGIES / name).read_text(), comments=True)
    append = " ".join(cut_out(words, "-append"))
    return words, append, *(cut_out(words, "-disk") or ["root"])


def rom_of_ones() -> list[str]:
    """Where QEMU finds the file that topology slot names, which is made here."""
    rom = paths.BUILD / "ones.rom"
    if not rom.exists():
        rom.write_bytes(b"\xff" * (128 << 10))
    return ["-L", f"{paths.BUILD}"]


def interrupt_remapping(devices: list[str]) -> tuple[list[str], str]:
    """The device that lets a kernel switch its local APICs to x2APIC, which is reached by
    registers of the processor instead of memory, and its share in the command line.

    A write to memory of a device gets lost, without KVM, when another processor moves
    windows of the bus just then (it looks up an address in a table that is being replaced).
    Where the lost one was an end of interrupt, that processor takes no timer any more: seen
    in one run of net/pm of three on a busy host, with the timer's vector in ISR and IRR of a halted one.
    """
    if any("intel-iommu" in word for word in devices):
        return [], ""
    return (["-machine", "kernel-irqchip=split", "-device", "intel-iommu,intremap=on,eim=on"],
            "intel_iommu=off")


def command(kernel: str, topology_name: str, append: str) -> list[str]:
    """A full machine, to be started in the directory that takes its files: the path
    of a socket has to be short, so that it is a relative one.
    """
    devices, more, disk = topology(topology_name)
    remapping, off = interrupt_remapping(devices)
    return [*machine(kernel, f"bench_kernel={kernel} bench_slow={paths.slowness(kernel)} "
                             f"bench_topology={topology_name} {append} {more} {off}"),
            *remapping,
            *accelerator(),
            "-drive", f"if=none,id=disk,format=raw,snapshot=on,"
                      f"file={quoted(paths.disk(disk))}",
            # zeroing a part of a snapshot fails on some file systems
            "-device", "virtio-blk-pci,drive=disk,discard=off,write-zeroes=off",
            "-virtfs", f"local,path={quoted(paths.TOP)},mount_tag=kawela,readonly=on,"
                       "security_model=none,multidevs=remap",
            "-device", "virtio-serial-pci",
            "-chardev", "socket,id=bench,path=channel,server=on,wait=off",
            "-device", "virtserialport,chardev=bench,name=kawela.bench",
            # QEMU's own monitor, for tests that break something: tests/lib/kwl_qmp.py.
            "-chardev", "socket,id=monitor,path=monitor,server=on,wait=off",
            "-mon", "chardev=monitor,mode=control",
            "-chardev", "socket,id=guest-monitor,path=monitor",
            "-device", "virtserialport,chardev=guest-monitor,name=kawela.qmp",
            "-qmp", f"unix:{autopsy.MONITOR},server=on,wait=off",
            "-device", "virtio-rng-pci",
            # A doorbell that is lost (see interrupt_remapping) would be the last one: with
            # this feature the driver does not ring for what it thinks has been announced.
            "-global", "virtio-device.event_idx=off",
            "-pidfile", "pid",
            *rom_of_ones(),
            *devices]
