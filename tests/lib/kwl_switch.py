# SPDX-License-Identifier: GPL-2.0-only
"""Which ports of the on-card switch a frame comes out of: one capture per port, one frame in."""

import struct
from contextlib import ExitStack

from kwl_env import link
from kwl_frames import ether
from kwl_sriov import STOCK
from kwl_sys import output, settle
from kwl_wire import Capture, send_frames

LOCAL = 0x88B5
MARK, FENCE = b"kawela-switch", b"kawela-fence"
BURST = 60
BROADCAST = "ff:ff:ff:ff:ff:ff"


def tag_of(frame):
    """Return the tag of a captured frame, None if it has none."""
    return struct.unpack_from("!H", frame.data, 14)[0] if frame.data[12:14] == b"\x81\x00" else None


def _gather(name, capture, fenced):
    """Collect frames until the fence is there; frames stay in order, so the rest is in by then."""
    for _ in range(60):
        if not fenced or any(FENCE in one.data for one in capture.frames):
            break
        capture.wait(len(capture.frames) + 1, 0.1)
    else:
        raise TimeoutError(f"no fence at {name} after {[one.data[:18].hex() for one in capture.frames]}")
    # A sender's own frame would come back without a fence that could announce it.
    return capture.wait(0, linger=0 if fenced else 0.2)


def _try(bench, origin, frames, fenced):
    """Send frames and collect at all ports until the fence is there; return {port: [frames]}."""
    ends = bench.ends()
    with ExitStack() as stack:
        captures = {name: stack.enter_context(Capture(end.ifname, end.ns, lambda data: MARK in data or FENCE in data))
                    for name, end in ends.items()}
        send_frames(origin.ifname, frames, origin.ns)
        # Ports with a fence first: what comes without one has then had its time as well.
        got = {name: _gather(name, captures[name], name in fenced)
               for name in sorted(ends, key=lambda name: name not in fenced)}
    marked = {name: [one for one in all_of if MARK in one.data] for name, all_of in got.items()}
    return {name: found for name, found in marked.items() if found}


def _send(bench, sender, frames, fence_tci, fenced):
    """Send frames and a broadcast after them as a fence; return {port: [frames]} of all ports that received any.

    `fenced` names the ports that the fence reaches, by default all others.
    """
    fenced = [name for name in bench.ends() if name != sender] if fenced is None else fenced
    origin = bench.ends()[sender]
    frames = [*frames, ether(BROADCAST, origin.mac, LOCAL, FENCE + bytes(60), fence_tci)]
    for _ in range(3):
        before = _carrier_changes(bench)
        try:
            return _try(bench, origin, frames, fenced)
        except TimeoutError as problem:
            # A port that lost its link meanwhile (a function that hears late of a reset; igbvf, for
            # seconds, when the PF gets no processor) says nothing of the switch. Any other loss does.
            now = _carrier_changes(bench)
            if now == before and bench.driver != STOCK:
                raise TimeoutError(f"{problem}; carrier changes {now}; {_counters(bench)}") from problem
            bench.env.note(f"{problem}; carrier changes {before}, now {now}: once more")
            for vf in bench.vfs:
                if before.get(vf.ns) != now.get(vf.ns):
                    settle(vf.carrier, quiet=1)
                    vf.wait_carrier()
    return _try(bench, origin, frames, fenced)


def _carrier_changes(bench):
    """How often each end has gained or lost its carrier; a new interface starts anew."""
    return {name: output(f"cat /sys/class/net/{end.ifname}/ifindex /sys/class/net/{end.ifname}/carrier_changes",
                         ns=end.ns).split() for name, end in bench.ends().items()}


def _counters(bench):
    """What each end counted, to tell where a frame got lost."""
    return {name: {way: [count[what] for what in ("packets", "errors", "dropped")]
                   for way, count in link(end.ifname, end.ns)["stats64"].items()}
            for name, end in bench.ends().items()}


def frames_seen(bench, sender, dst, src=None, tci=None, fence_tci=None, fenced=None):
    """Send one frame from a port; return {port: [frames]} of all ports that received it.

    fence_tci, fenced: those of _send().
    """
    frame = ether(dst, src or bench.ends()[sender].mac, LOCAL, MARK + bytes(60), tci)
    return _send(bench, sender, [frame], fence_tci, fenced)


def burst_seen(bench, sender, targets, fenced):
    """Send one frame after the other to (address, tag) from a port; return {port: [(address, tag) of frames]}."""
    origin = bench.ends()[sender]
    frames = [ether(dst, origin.mac, LOCAL, MARK + bytes(60), tci) for dst, tci in targets]
    return {name: [(one.data[:6].hex(":"), tag_of(one)) for one in found]
            for name, found in _send(bench, sender, frames, None, fenced).items()}


def ports_of(bench, sender, dst, **how):
    """Send one frame from a port as frames_seen() does; return {port: number of copies}."""
    return {name: len(found) for name, found in frames_seen(bench, sender, dst, **how).items()}


def heard(bench, sender, addresses, fenced=None):
    """Send a frame to each of many addresses; return {port: [addresses whose frame came out of it]}."""
    origin = bench.ends()[sender]
    found = {}
    # In parts that every receive ring can take.
    for at in range(0, len(addresses), BURST):
        frames = [ether(dst, origin.mac, LOCAL, MARK + bytes(60)) for dst in addresses[at:at + BURST]]
        for name, got in _send(bench, sender, frames, None, fenced).items():
            found.setdefault(name, []).extend(one.data[:6].hex(":") for one in got)
    return {name: sorted(all_of) for name, all_of in found.items()}
