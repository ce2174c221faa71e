# SPDX-License-Identifier: GPL-2.0-only
"""Which ports of the on-card switch a frame comes out of: one capture per port, one frame in."""

from contextlib import ExitStack

from kwl_frames import ether
from kwl_wire import Capture, send_frames

LOCAL = 0x88B5
MARK, FENCE = b"kawela-switch", b"kawela-fence"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def _gather(capture, fenced):
    """Collect frames until the fence is there; frames stay in order, so the rest is in by then."""
    for _ in range(60):
        if not fenced or any(FENCE in one.data for one in capture.frames):
            break
        capture.wait(len(capture.frames) + 1, 0.1)
    else:
        raise TimeoutError(f"no fence after {[one.data[:18].hex() for one in capture.frames]}")
    # A sender's own frame would come back without a fence that could announce it.
    return capture.wait(0, linger=0 if fenced else 0.2)


def frames_seen(bench, sender, dst, src=None, tci=None, fence_tci=None, fenced=None):
    """Send one frame from a port; return {port: [frames]} of all ports that received it.

    A broadcast follows it as a fence; `fenced` names the ports it reaches, by default all others.
    """
    ends = bench.ends()
    fenced = [name for name in ends if name != sender] if fenced is None else fenced
    origin = ends[sender]
    frames = [ether(dst, src or origin.mac, LOCAL, MARK + bytes(60), tci),
              ether(BROADCAST, origin.mac, LOCAL, FENCE + bytes(60), fence_tci)]
    with ExitStack() as stack:
        captures = {name: stack.enter_context(Capture(end.ifname, end.ns, lambda data: MARK in data or FENCE in data))
                    for name, end in ends.items()}
        send_frames(origin.ifname, frames, origin.ns)
        # Ports with a fence first: what comes without one has then had its time as well.
        got = {name: _gather(captures[name], name in fenced)
               for name in sorted(ends, key=lambda name: name not in fenced)}
    marked = {name: [one for one in all_of if MARK in one.data] for name, all_of in got.items()}
    return {name: found for name, found in marked.items() if found}


def ports_of(bench, sender, dst, **how):
    """Send one frame from a port; return {port: number of copies}."""
    return {name: len(found) for name, found in frames_seen(bench, sender, dst, **how).items()}
