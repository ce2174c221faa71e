// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the driver tells a program of a frame beyond its bytes: the results of
 * the metadata functions for the latest frame, in a map. In front of each frame
 * it leaves a mark, which mark.bpf.c looks for when the stack has the frame.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#include "mark.h"

struct told {
	__s32 hash_err, vlan_err, time_err;
	__u32 hash, hash_type;
	__u16 vlan_proto, vlan_tci;
	__u64 time;
	__u64 frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct told);
} told SEC(".maps");

enum xdp_rss_hash_type { UNUSED };

extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx,
					 __u64 *timestamp) __ksym;
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *type) __ksym;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx,
					__be16 *proto, __u16 *tci) __ksym;

SEC("xdp")
int ask(struct xdp_md *ctx)
{
	struct told all = {}, *to;
	__u32 key = 0, *mark;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*mark)))
		return XDP_ABORTED;
	mark = (void *)(long)ctx->data_meta;
	if ((void *)(mark + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*mark = MARK;

	to = bpf_map_lookup_elem(&told, &key);
	if (!to)
		return XDP_ABORTED;
	all.hash_err = bpf_xdp_metadata_rx_hash(ctx, &all.hash,
						(void *)&all.hash_type);
	all.vlan_err = bpf_xdp_metadata_rx_vlan_tag(ctx, &all.vlan_proto,
						    &all.vlan_tci);
	all.time_err = bpf_xdp_metadata_rx_timestamp(ctx, &all.time);
	all.frames = to->frames + 1;
	*to = all;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
