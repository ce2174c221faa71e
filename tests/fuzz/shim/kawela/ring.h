/* SPDX-License-Identifier: GPL-2.0-only */
/* In place of the data path, which needs all of the kernel. */
#ifndef KAWELA_RING_H
#define KAWELA_RING_H

#include <kawela/io.h>
#include <kawela/queue_regs.h>

struct kwl_queue_cfg {
	u16 pairs;
};

struct kwl_port {
	struct kwl_hw *hw;
};

#endif
