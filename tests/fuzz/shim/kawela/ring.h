/* SPDX-License-Identifier: GPL-2.0-only */
/* In place of the data path, which needs all of the kernel. */
#ifndef KAWELA_RING_H
#define KAWELA_RING_H

#include <kawela/io.h>
#include <kawela/mbx.h>
#include <kawela/queue_regs.h>

struct kwl_queue_cfg {
	u16 pairs;
};

struct kwl_port {
	struct kwl_hw *hw;
};

struct kwl_bell {
	int unused;
};

struct kwl_gate {
	void *reg;
};

struct kwl_police {
	int unused;
};

struct kwl_fwd {
	int unused;
};

struct kwl_demux {
	u16 first;
	u16 count;
	struct kwl_police police[8];
};

/* Mode switchdev is not part of it */
static inline void kwl_bell_set_send(struct kwl_bell *bell, u32 clear, u32 set)
{
}

static inline void kwl_gate_set(struct kwl_gate *gate, u32 val, u32 more)
{
	writel(val, gate->reg);
}

static inline void kwl_police_set_check(struct kwl_police *police, bool on)
{
}

static inline void kwl_police_set_sources(struct kwl_police *police,
					  const struct kwl_addr *addrs, u8 num)
{
}

static inline void kwl_police_set_rate(struct kwl_police *police, u32 rate)
{
}

static inline void kwl_bell_set_loop(struct kwl_bell *bell, u32 on, u32 off)
{
}

#endif
