#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=host timeout=3600 drivers=kawela
"""The Debian package installs, upgrades and leaves: DKMS builds for both kernels, nothing stays behind.

Runs on the host, without a machine: the package is installed in build/root, under an overlay in memory
that vanishes with the test. What it installed for a kernel is kept for clients/autoload.py.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
NEXT = "+next"
MODULES = ("kawela", "kawela_pf", "kawela_vf")
# What others write there, and what is DKMS's own
NOISE = re.compile(r"/(proc|sys|dev|run|tmp|kawela)(/|$)|/var/(log|cache|lib/dpkg|tmp)/|/var/lib/dkms(/mok\.\w+|/dkms_dbversion)?$"
                   r"|/etc/ld\.so\.cache$")


def version():
    """The version that debian/changelog says."""
    return re.search(r"\((.*?)\)", (TOP / "debian/changelog").read_text(encoding="utf-8"))[1]


def on_host():
    """Build the package in two versions; then run the cases inside build/root."""
    for args in ([], [version() + NEXT]):
        if subprocess.run([TOP / "scripts/build-deb", *args], check=False, stdout=subprocess.DEVNULL).returncode:
            print(f"KTAP version 1\n1..1\nnot ok 1 deb.build {' '.join(args)}")
            sys.exit(1)
    path = "/kawela/tests/lib:/kawela/build/kselftest/tools/testing/selftests/net"
    os.execv(TOP / "scripts/in-root", ["in-root", "--scratch", "env", f"PYTHONPATH={path}", "PYTHONDONTWRITEBYTECODE=1",
                                       "INITRD=No", "KWL_INSIDE=1", "python3", "-u", "/kawela/tests/clients/deb.py"])


if not os.environ.get("KWL_INSIDE"):
    on_host()

# pylint: disable=wrong-import-position
from lib.py import ksft_eq, ksft_exit, ksft_in, ksft_run, ksft_true  # noqa: E402
from kwl_sys import output, run, write  # noqa: E402

PF_ALIAS = "pci:v00008086d000010C9sv00008086sd00000000bc02sc00i00"
VF_ALIAS = "pci:v00008086d000010CAsv00008086sd00000000bc02sc00i00"
LONG = 1800


def releases():
    """The kernels whose headers are installed, oldest first."""
    return sorted(path.parent.name for path in Path("/lib/modules").glob("*/build"))


def files():
    """Every path there is, but for what changes by itself."""
    found = output("find / -xdev -not -path /proc/* -not -path /kawela/*", timeout=300).splitlines()
    return {path for path in found if not NOISE.search(path)}


def package(number):
    """The file of a version of the package."""
    return f"/kawela/build/deb/kawela-dkms_{number}_all.deb"


def status(number):
    """The kernels that DKMS has installed this version for."""
    lines = output(f"dkms status -m kawela -v {number}").splitlines()
    return sorted(line.split(", ")[1] for line in lines if line.endswith(": installed"))


def built(release):
    """Names of our modules that are installed for a kernel."""
    folder = Path("/lib/modules") / release / "updates/dkms"
    return sorted(path.name.split(".")[0] for path in folder.glob("*.ko*"))


def info(release, module, field):
    """What modinfo says of an installed module."""
    return output(f"modinfo -k {release} -F {field} {module}").strip()


def contents(_box):
    """The package has a manual page for each module, without a complaint of mandoc, and nothing but sources and text."""
    listed = output(f"dpkg-deb -c {package(version())}")
    for module in MODULES:
        ksft_in(f"./usr/share/man/man4/{module}.4.gz", listed, f"page of {module}")
    ksft_eq(run("mandoc -T lint -W warning /kawela/Documentation/kawela.4", check=False).stdout, "", "mandoc")
    ksft_eq(re.findall(r"\S+\.(?:o|ko|mod\.c|cmd)$", listed, re.M), [], "left from a build")


def install(box):
    """A first installation builds and signs the three modules for each kernel with headers."""
    box["before"] = files()
    run(f"dpkg -i {package(version())}", timeout=LONG)
    ksft_eq(status(version()), releases(), "dkms status: installed")
    for release in releases():
        ksft_eq(built(release), list(MODULES), f"modules for {release}")
        ksft_in("updates/dkms/kawela_pf.ko", output(f"modinfo -k {release} -n kawela_pf"), "file that modprobe takes")
        for module in MODULES:
            ksft_eq(info(release, module, "vermagic").split()[0], release, f"{module}: kernel")
            ksft_eq(info(release, module, "signer"), "DKMS module signing key", f"{module}: signer")


def modinfo(_box):
    """modinfo says what a module is, whose it is, and what it drives; there are no parameters."""
    for release in releases():
        for module in MODULES:
            ksft_in("82576", info(release, module, "description"), f"{module}: description")
            ksft_eq(info(release, module, "license"), "GPL", f"{module}: license")
            ksft_in("kawela", info(release, module, "author"), f"{module}: author")
            ksft_eq(info(release, module, "parm"), "", f"{module}: parameters")
        ksft_eq(info(release, "kawela_pf", "alias"), "pci:v00008086d000010C9sv*sd*bc*sc*i*", "alias of the PF")
        ksft_eq(info(release, "kawela_vf", "alias"), "pci:v00008086d000010CAsv*sd*bc*sc*i*", "alias of the VF")


def keep_for_guests(_box):
    """Modules, indexes and settings of each kernel are kept for the test that boots."""
    Path("/kawela/build/deb/guest").mkdir(exist_ok=True)
    for release in releases():
        series = ".".join(release.split(".")[:2])
        names = [str(path)[1:] for path in Path(f"/lib/modules/{release}").glob("modules.*")]
        run(["tar", "-C", "/", "-cf", f"/kawela/build/deb/guest/{series}.tar", f"lib/modules/{release}/updates",
             "etc/modprobe.d/kawela.conf", *names])
        ksft_true(names, f"indexes of {release}")


def stock_keeps_cards(_box):
    """As installed, a card's alias leads to the driver of the kernel alone, and ours loads by name."""
    for release in releases():
        for alias, stock, ours in ((PF_ALIAS, "/igb.ko", "kawela_pf"), (VF_ALIAS, "/igbvf.ko", "kawela_vf")):
            plan = output(f"modprobe -S {release} -b -D {alias}")
            ksft_in(stock, plan, f"{release}: the alias loads the driver of the kernel")
            ksft_true("kawela" not in plan, f"{release}: and not ours: {plan}")
            ksft_in(f"/{ours}.ko", output(f"modprobe -S {release} -D {ours}"), f"{release}: {ours} by name")


def upgrade(_box):
    """A newer version replaces the older one, and keeps what the administrator wrote into the conffile."""
    older, newest = releases()[0], releases()[-1]
    conf = Path("/etc/modprobe.d/kawela.conf")
    write(conf, conf.read_text(encoding="utf-8") + "# edited\n")
    # A kernel whose headers are gone: nothing is built for it, and the old version's modules may not stay
    headers = Path("/lib/modules") / older / "build"
    target = headers.readlink()
    headers.unlink()
    run(f"dpkg -i {package(version() + NEXT)}", timeout=LONG)
    headers.symlink_to(target)
    ksft_eq(status(version()), [], "dkms status of the old version")
    ksft_eq(status(version() + NEXT), [newest], "dkms status of the new version")
    ksft_eq(built(newest), list(MODULES), "modules")
    ksft_eq(built(older), [], "the old version's modules")
    ksft_eq(sorted(path.name for path in Path("/usr/src").glob("kawela-*")), [f"kawela-{version()}{NEXT}"], "/usr/src")
    ksft_in("# edited", conf.read_text(encoding="utf-8"), "conffile")


def remove(box):
    """Removal leaves the conffile, purging leaves nothing, and a card's alias is the kernel's alone."""
    run("dpkg -r kawela-dkms", timeout=LONG)
    ksft_eq(sorted(files() - box["before"]), ["/etc/modprobe.d/kawela.conf"], "left by dpkg -r")
    ksft_eq(output("dkms status").strip(), "", "dkms status")
    run("dpkg -P kawela-dkms")
    after = files()
    ksft_eq(sorted(after - box["before"]), [], "left by dpkg -P")
    ksft_eq(sorted(box["before"] - after), [], "missing after dpkg -P")
    for release in releases():
        ksft_eq(output(f"modprobe -S {release} -R {PF_ALIAS}").split(), ["igb"], "who claims a PF")
        ksft_eq(output(f"modprobe -S {release} -R {VF_ALIAS}").split(), ["igbvf"], "who claims a VF")


def main():
    """Start from a tree without the link that leads guests of the bench to their modules."""
    for link in Path("/lib/modules").glob("*/updates"):
        link.unlink()
    for release in releases():
        run(f"depmod {release}", timeout=300)
    ksft_run([contents, install, modinfo, keep_for_guests, stock_keeps_cards, upgrade, remove], args=({},))
    ksft_exit()


main()
