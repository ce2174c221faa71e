#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=90 drivers=kawela,stock
"""Short frames: what leaves is padded with zeros to 60 bytes, what comes in short is received."""

from lib.py import ksft_eq, ksft_exit, ksft_run, ksft_variants
from kwl_env import Env, stock_xfail
from kwl_frames import ether, raw_ip, to_dut
from kwl_traffic import udp_exchange
from kwl_wire import on_wire, reaches_dut, send_frames

# An EtherType for local experiments, so that no protocol takes the frames.
LOCAL = 0x88B5


def frame_of(dst, src, size):
    """Return a recognisable frame of exactly `size` bytes without FCS."""
    return ether(dst, src, LOCAL, bytes((size + at) & 0xFF | 1 for at in range(size - 14)))


@ksft_variants([14, 15, 17, 18, 33, 46, 59, 60, 61])
def sent_padded(env, size):
    """A frame from a raw socket leaves with at least 60 bytes; the padding holds no old memory."""
    if size < 60:
        stock_xfail("leaves padding to TCTL.PSP, which the emulator does not implement")
    frame = frame_of(env.peer_mac, env.mac, size)
    with on_wire(env, lambda data: data[12:14] == LOCAL.to_bytes(2, "big")) as capture:
        send_frames(env.ifname, [frame])
        seen = [one.data for one in capture.wait(1, 3)]
    ksft_eq([one.hex() for one in seen], [frame.ljust(60, b"\0").hex()], "frame on the wire")


@ksft_variants([14, 18, 46, 59, 60])
def received(env, size):
    """A short frame on the wire is received, padded at most."""
    frame = frame_of(env.mac, env.peer_mac, size)
    seen = [one.data for one in reaches_dut(env, frame, LOCAL.to_bytes(2, "big"))]
    ksft_eq([one[:size] for one in seen], [frame], "received frame")
    ksft_eq([one[size:].strip(b"\0") for one in seen], [b""], "padding")


def tiny_datagrams(env):
    """Datagrams too small for a minimum frame keep length, content and checksum."""
    sizes = (0, 1, 2, 9, 17, 18, 19)
    for direction in ("tx", "rx"):
        for version in (4, 6):
            sent, got = udp_exchange(env, direction, version, sizes)
            ksft_eq(got, sent, f"datagrams, {direction} v{version}")


def short_with_offload(env):
    """A short frame whose checksum the device computes keeps its IP length on the wire."""
    with on_wire(env, lambda data: data[12:14] == b"\x08\x00" and data[23] == 17) as capture:
        udp_exchange(env, "tx", 4, (3,))
        frames = capture.wait(1, 3)
    ksft_eq([len(raw_ip(one.data)) for one in frames], [31], "IP length on the wire")


def trailing_padding_ignored(env):
    """Padding behind a small IP packet is not taken for data by the checksum engine."""
    frame = to_dut(env, 4, "udp", dport=5998, payload=b"tiny").ljust(60, b"\xaa")
    env.ethtool("-K", "gro", "off")
    seen = reaches_dut(env, frame, b"tiny")
    ksft_eq([one.csum_valid for one in seen], [True], "checksum vouched for")
    env.ethtool("-K", "gro", "on")


def main():
    """Run the cases."""
    ksft_run([sent_padded, received, tiny_datagrams, short_with_offload, trailing_padding_ignored], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
