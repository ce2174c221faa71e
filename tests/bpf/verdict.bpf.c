// SPDX-License-Identifier: GPL-2.0-only
/*
 * One program for the tests of XDP: it has a verdict for frames of the local
 * experimental EtherType and lets all others pass. The test writes the verdict,
 * plus one, into a map; the program counts in another what it has seen.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define LOCAL_EXPERIMENTAL	0x88B5
/* In place of a verdict of the kernel's */
#define TO_CPU			16
#define TO_SOCKET		17

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} verdict SEC(".maps");

struct seen {
	__u64 frames;
	__u64 bytes;
	__u64 queues;	/* a bit for each that frames came from */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

static void swap_addresses(struct ethhdr *eth)
{
	__u8 old[ETH_ALEN];

	__builtin_memcpy(old, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, old, ETH_ALEN);
}

static int decide(struct xdp_md *ctx, __u64 bytes)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 key = 0, *wanted;
	struct seen *count;

	if ((void *)(eth + 1) > end ||
	    eth->h_proto != bpf_htons(LOCAL_EXPERIMENTAL))
		return XDP_PASS;
	count = bpf_map_lookup_elem(&seen, &key);
	wanted = bpf_map_lookup_elem(&verdict, &key);
	if (!count || !wanted)
		return XDP_ABORTED;
	count->frames++;
	count->bytes += bytes;
	count->queues |= 1ULL << (ctx->rx_queue_index & 63);

	switch (*wanted - 1) {
	case -1:
		return XDP_PASS;
	case XDP_TX:
		swap_addresses(eth);
		return XDP_TX;
	case XDP_REDIRECT:
		return bpf_redirect_map(&ports, 0, XDP_ABORTED);
	case TO_CPU:
		return bpf_redirect_map(&cpus, 1, XDP_ABORTED);
	case TO_SOCKET:
		return bpf_redirect_map(&sockets, ctx->rx_queue_index,
					XDP_PASS);
	default:
		return *wanted - 1;
	}
}

SEC("xdp")
int whole(struct xdp_md *ctx)
{
	return decide(ctx, ctx->data_end - ctx->data);
}

SEC("xdp.frags")
int frags(struct xdp_md *ctx)
{
	return decide(ctx, bpf_xdp_get_buff_len(ctx));
}

char _license[] SEC("license") = "GPL";
