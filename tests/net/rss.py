#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=180 drivers=kawela,stock
"""RSS: each flow stays on the queue that key, hash fields and indirection table give it."""

from lib.py import (EthtoolFamily, KsftNamedVariant, KsftSkipEx, NlError, defer, ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_run,
                    ksft_true, ksft_variants)
from kwl_env import KERNEL, Env, on_stock, stock_skip, stock_xfail
from kwl_frames import fragments_of
from kwl_rss import PAYLOAD, RxMeta, expected_hash, flow, rxfh, spread_ports
from kwl_sys import output, refused
from kwl_traffic import ping

PORTS = spread_ports(24)
KINDS = [KsftNamedVariant(f"{proto}{version}", proto, version) for proto in ("tcp", "udp") for version in (4, 6)]
NEW_KEY = bytes((at * 37 + 11) & 0xFF for at in range(40))


def queues_of(env, proto="tcp", version=4, ports=PORTS):
    """Return [(source port, queue, hash)] of one frame for each port."""
    with RxMeta(env) as meta:
        return [(port, *meta.send(flow(env, proto, version, port))) for port in ports]


def in_use(env):
    """Return the set of queues that TCP flows reach."""
    return {queue for _, queue, _ in queues_of(env)}


def default_spread(env):
    """By default the table names every queue equally often and flows reach all of them."""
    table, _ = rxfh(env)
    count = max(table) + 1
    ksft_ge(count, 2, "queues in the table")
    ksft_eq(len(table), 128, "table size")
    uses = [table.count(queue) for queue in range(count)]
    ksft_eq(max(uses) - min(uses) <= 1, True, f"entries for each queue {uses}")
    ksft_eq(in_use(env), set(range(count)), "queues reached")


def flow_stays(env):
    """The same flow always arrives on the same queue."""
    first = queues_of(env)
    ksft_eq(queues_of(env), first, "queues and hashes of a second round")


@ksft_variants(KINDS)
def matches_key_and_table(env, proto, version):
    """Queue and hash of every frame are what the published key and table make of it."""
    table, key = rxfh(env)
    stock_xfail("does not show its key")
    fields = output(f"ethtool -n {env.ifname} rx-flow-hash {proto}{version}")
    with_ports = "L4 bytes 0 & 1" in fields
    ksft_eq(with_ports, True, f"ports hashed for {proto}{version} by default")
    for port, queue, value in queues_of(env, proto, version):
        right = expected_hash(env, key, version, (port, 5996) if with_ports else None)
        ksft_eq(hex(value), hex(right), f"hash, source port {port}")
        ksft_eq(queue, table[right % len(table)], f"queue, source port {port}")


def set_table(env):
    """-X equal, weight and default take effect and are read back."""
    env.ethtool("-X", "equal", 1)
    ksft_eq(set(rxfh(env)[0]), {0}, "table, equal 1")
    ksft_eq(in_use(env), {0}, "queues reached, equal 1")
    env.ethtool("-X", "weight", 0, 1)
    ksft_eq(set(rxfh(env)[0]), {1}, "table, weight 0 1")
    ksft_eq(in_use(env), {1}, "queues reached, weight 0 1")
    env.ethtool("-X", "weight", 3, 1)
    table = rxfh(env)[0]
    ksft_eq((table.count(0), table.count(1)), (96, 32), "entries, weight 3 1")
    env.ethtool("-X", "default")
    ksft_ge(len(in_use(env)), 2, "queues reached, default")


def table_refusals(env):
    """A table that names a queue that does not exist is refused and changes nothing."""
    before = rxfh(env)
    ksft_eq(refused(f"ethtool -X {env.ifname} equal 64") is not None, True, "equal 64 refused")
    ksft_eq(rxfh(env), before, "table and key afterwards")


def set_key(env):
    """A new key is read back, and hashes follow it."""
    stock_xfail("key cannot be set")
    old = rxfh(env)[1]
    env.ethtool("-X", "hkey", ":".join(f"{byte:02x}" for byte in NEW_KEY))
    table, key = rxfh(env)
    ksft_eq(key, NEW_KEY, "key read back")
    for port, queue, value in queues_of(env):
        right = expected_hash(env, NEW_KEY, 4, (port, 5996))
        ksft_eq((hex(value), queue), (hex(right), table[right % len(table)]), f"hash and queue, port {port}")
    env.ethtool("-X", "hkey", ":".join(f"{byte:02x}" for byte in old))
    ksft_eq(rxfh(env)[1], old, "old key back")


@ksft_variants(KINDS)
def hash_fields(env, proto, version):
    """Ports join the hash when asked to, and leave it: frames follow, and it is shown."""
    name = f"{proto}{version}"
    if proto == "tcp":
        stock_xfail("refuses to hash TCP without its ports")
    defer(env.ethtool, "-N", "rx-flow-hash", name, "sd" if on_stock() else "sdfn")
    for fields, many in (("sd", False), ("sdfn", True), ("sd", False)):
        env.ethtool("-N", "rx-flow-hash", name, fields)
        shown = output(f"ethtool -n {env.ifname} rx-flow-hash {name}")
        ksft_eq("L4 bytes 2 & 3" in shown, many, f"ports shown for {name} {fields}")
        hashes = len({value for _, _, value in queues_of(env, proto, version)})
        ksft_true(hashes >= len(PORTS) - 1 if many else hashes == 1, f"{hashes} hashes for {name} {fields}")


def fragments(env):
    """Fragments have no ports to hash: all of a datagram's come by one queue, the first one included."""
    table, key = rxfh(env)
    stock_xfail("does not show its key")
    right = expected_hash(env, key, 4, None)
    for port in PORTS[:6]:
        frames = fragments_of(flow(env, "udp", 4, port, payload=3 * PAYLOAD), 408)
        with RxMeta(env) as meta:
            seen = {meta.send(frame) for frame in frames}
        ksft_eq({(queue, hex(value)) for queue, value in seen}, {(table[right % len(table)], hex(right))},
                f"queue and hash, source port {port}")


def field_refusals(env):
    """Field sets that the hardware does not have are refused."""
    for kind, fields in (("tcp4", "s"), ("udp4", "sf"), ("tcp6", "f")):
        ksft_eq(refused(f"ethtool -N {env.ifname} rx-flow-hash {kind} {fields}") is not None, True,
                f"{kind} {fields} refused")
    ksft_eq(ping(env.peer_v4), 1, "answers")


def reasons(env):
    """What the card cannot hash is refused with the reason, and nothing changes."""
    stock_skip("says nothing")
    if KERNEL == "6.12":
        raise KsftSkipEx("6.12 asks by calls that carry no text")
    family, every = EthtoolFamily(), {"ip-src", "ip-dst", "l4-b-0-1", "l4-b-2-3"}
    header = {"header": {"dev-name": env.ifname}}
    before = family.rss_get(header)
    for request, reason in (({"hfunc": 2}, "the card hashes by Toeplitz only"),
                            ({"flow-hash": {"sctp4": every}}, "only ports of TCP and UDP are a choice"),
                            ({"flow-hash": {"tcp4": {"ip-src"}}}, "both addresses, with or without both ports")):
        try:
            family.rss_set({**header, **request})
            said = "granted"
        except NlError as error:
            said = str(error)
        ksft_in(reason, said, request)
    ksft_eq(family.rss_get(header), before, "table, key and fields afterwards")


def hashing_off(env):
    """Without receive hashing no hash is reported, and frames still arrive."""
    env.ethtool("-K", "rxhash", "off")
    got = queues_of(env, ports=PORTS[:4])
    ksft_eq({value for _, _, value in got}, {0}, "hashes with rxhash off")
    env.ethtool("-K", "rxhash", "on")
    ksft_eq(0 in {value for _, _, value in queues_of(env, ports=PORTS[:4])}, False, "hash missing with rxhash on")


def main():
    """Run the cases."""
    ksft_run([default_spread, flow_stays, matches_key_and_table, set_table, table_refusals, set_key,
              hash_fields, fragments, field_refusals, reasons, hashing_off], args=(Env(),))
    ksft_exit()


if __name__ == "__main__":
    main()
