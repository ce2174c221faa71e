// SPDX-License-Identifier: GPL-2.0-only
/* Drops everything: what receiving a frame costs when nothing is done with it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
