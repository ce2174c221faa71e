/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the receive path meets XDP programs. */
#ifndef KAWELA_XDP_H
#define KAWELA_XDP_H

#include <linux/string.h>

#include <kawela/ring.h>

/* Frames sent back with one doorbell: those of a poll */
#define KWL_XDP_BULK	NAPI_POLL_WEIGHT

/**
 * struct kwl_xdp_poll - one poll of a receive queue with a program
 * @prog: the program, NULL for none; then nothing else here is set
 * @num_tx: entries in @tx
 * @stats: what became of the frames that the stack does not get
 * @tx: frames to send back
 *
 * It is half a KiB on the stack that nothing must clear for every poll.
 */
struct kwl_xdp_poll {
	struct bpf_prog *prog;
	u32 num_tx;
	u32 stats[KWL_NUM_XDP];
	struct xdp_frame *tx[KWL_XDP_BULK];
};

static inline void kwl_xdp_poll_begin(struct kwl_xdp_poll *poll,
				      struct bpf_prog *prog)
{
	poll->prog = prog;
	if (!prog)
		return;
	poll->num_tx = 0;
	memset(poll->stats, 0, sizeof(poll->stats));
}

void kwl_xdp_exception(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
		       u32 act);
bool kwl_xdp_obey(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll, u32 act);
bool kwl_xdp_send_back(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
		       struct xdp_buff *xdp);
void kwl_xdp_poll_end(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll);

/* xsk.c */
extern const struct xsk_tx_metadata_ops kwl_xsk_stamp_ops;
extern const struct xsk_tx_metadata_ops kwl_xsk_csum_ops;
bool kwl_xsk_fits(struct xsk_buff_pool *pool, int mtu);

#endif
