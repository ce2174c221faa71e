# SPDX-License-Identifier: GPL-2.0-only
"""Which ports of the on-card switch a frame comes out of: one capture per port, one frame in."""

import struct
from contextlib import ExitStack

from kwl_frames import ether
from kwl_sriov import STOCK
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
    for _ in range(3 if bench.driver == STOCK else 0):
        try:
            return _try(bench, origin, frames, fenced)
        except TimeoutError as problem:
            # igbvf gives up its link for a while when the PF gets no processor for a second, as
            # happens on this machine. Nothing can be said of the frames then.
            bench.env.note(f"{problem}; igbvf may have lost its link: once more")
            for vf in bench.vfs:
                vf.wait_carrier()
    return _try(bench, origin, frames, fenced)


def frames_seen(bench, sender, dst, src=None, tci=None, fence_tci=None, fenced=None):
    """Send one frame from a port; return {port: [frames]} of all ports that received it.

    fence_tci, fenced: those of _send().
    """
    frame = ether(dst, src or bench.ends()[sender].mac, LOCAL, MARK + bytes(60), tci)
    return _send(bench, sender, [frame], fence_tci, fenced)


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
