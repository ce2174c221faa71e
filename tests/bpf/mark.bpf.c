// SPDX-License-Identifier: GPL-2.0-only
/* At the stack's door: which frames still have what XDP wrote in front of them? */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "mark.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} marks SEC(".maps");

SEC("tc")
int find(struct __sk_buff *skb)
{
	__u32 *mark = (void *)(long)skb->data_meta;
	__u64 *count;
	__u32 key = 0;

	count = bpf_map_lookup_elem(&marks, &key);
	if (count && (void *)(mark + 1) <= (void *)(long)skb->data &&
	    *mark == MARK)
		__sync_fetch_and_add(count, 1);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
