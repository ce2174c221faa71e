// SPDX-License-Identifier: GPL-2.0-only
/* Sends everything back to where it came from: by XDP_TX, or by redirection. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

static bool swap_addresses(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	unsigned char addr[ETH_ALEN];

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return false;
	__builtin_memcpy(addr, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, addr, ETH_ALEN);
	return true;
}

SEC("xdp/tx")
int tx(struct xdp_md *ctx)
{
	return swap_addresses(ctx) ? XDP_TX : XDP_DROP;
}

SEC("xdp/redirect")
int redirect(struct xdp_md *ctx)
{
	return swap_addresses(ctx) ? bpf_redirect(ctx->ingress_ifindex, 0) :
				     XDP_DROP;
}

char _license[] SEC("license") = "GPL";
