// SPDX-License-Identifier: GPL-2.0-only
/* Programming one queue: from memory to a running ring and back. */
#include <linux/bitfield.h>
#include <linux/iopoll.h>

#include <kawela/ring.h>

#define KWL_QUEUE_POLL_US	100
#define KWL_QUEUE_TIMEOUT_US	20000

/*
 * Prefetch up to 8 descriptors, fetch again when that many are free. WTHRESH
 * stays 1: with more the 82576 can hold back the write-back of a frame's last
 * descriptor under MSI-X.
 */
#define KWL_RXDCTL_RUN	(FIELD_PREP_CONST(KWL_RXDCTL_PTHRESH, 8) |	\
			 FIELD_PREP_CONST(KWL_RXDCTL_HTHRESH, 8) |	\
			 FIELD_PREP_CONST(KWL_RXDCTL_WTHRESH, 1) |	\
			 KWL_RXDCTL_ENABLE)
#define KWL_TXDCTL_RUN	(FIELD_PREP_CONST(KWL_TXDCTL_PTHRESH, 8) |	\
			 FIELD_PREP_CONST(KWL_TXDCTL_HTHRESH, 1) |	\
			 FIELD_PREP_CONST(KWL_TXDCTL_WTHRESH, 1) |	\
			 KWL_TXDCTL_ENABLE)

/* Switch a queue and wait until it has followed; all ones is a lost device */
static int kwl_queue_switch(void __iomem *reg, u32 val, u32 enable)
{
	u32 now;

	writel(val, reg);
	return readl_poll_timeout(reg, now,
				  now == U32_MAX ||
				  (now & enable) == (val & enable),
				  KWL_QUEUE_POLL_US, KWL_QUEUE_TIMEOUT_US);
}

/**
 * kwl_tx_ring_stop() - switch a transmit queue off
 * @txr: the ring
 *
 * Context: Process, may sleep.
 * Return: 0, or -ETIMEDOUT if the queue does not follow.
 */
int kwl_tx_ring_stop(struct kwl_tx_ring *txr)
{
	return kwl_queue_switch(txr->regs + KWL_TXDCTL, 0, KWL_TXDCTL_ENABLE);
}

/**
 * kwl_rx_ring_stop() - switch a receive queue off
 * @rxr: the ring
 *
 * Context: Process, may sleep.
 * Return: 0, or -ETIMEDOUT if the queue does not follow.
 */
int kwl_rx_ring_stop(struct kwl_rx_ring *rxr)
{
	return kwl_queue_switch(rxr->regs + KWL_RXDCTL, 0, KWL_RXDCTL_ENABLE);
}

/**
 * kwl_tx_ring_start() - program a transmit queue and switch it on
 * @txr: the ring, with memory attached
 *
 * Nothing is taken for granted: neither a reset of the VF nor a new owner of
 * the PF leaves known values in these registers.
 *
 * Context: Process, may sleep.
 * Return: 0, or -ETIMEDOUT.
 */
int kwl_tx_ring_start(struct kwl_tx_ring *txr)
{
	int err;

	err = kwl_tx_ring_stop(txr);
	if (err)
		return err;

	txr->ntu = 0;
	txr->ntc = 0;
	txr->rung = 0;
	txr->ctx_type = 0;

	writel((txr->mask + 1) * KWL_DESC_SIZE, txr->regs + KWL_TDLEN);
	writel(lower_32_bits(txr->dma), txr->regs + KWL_TDBAL);
	writel(upper_32_bits(txr->dma), txr->regs + KWL_TDBAH);
	/* No head write-back: the descriptors carry DD */
	writel(0, txr->regs + KWL_TDWBAL);
	writel(0, txr->regs + KWL_TDWBAH);
	writel(0, txr->regs + KWL_TDH);
	writel(0, txr->tail);

	return kwl_queue_switch(txr->regs + KWL_TXDCTL, KWL_TXDCTL_RUN,
				KWL_TXDCTL_ENABLE);
}

/**
 * kwl_rx_ring_set_drop() - say what a full ring does to frames
 * @rxr: the ring
 * @drop: drop them; else they wait in the port's buffer, and all behind them
 *
 * Writes SRRCTL, also of a running queue.
 *
 * Context: Any.
 */
void kwl_rx_ring_set_drop(struct kwl_rx_ring *rxr, bool drop)
{
	writel(FIELD_PREP(KWL_SRRCTL_BSIZEPKT, rxr->buf_len / SZ_1K) |
	       FIELD_PREP(KWL_SRRCTL_DESCTYPE, KWL_SRRCTL_DESCTYPE_ONEBUF) |
	       (drop ? KWL_SRRCTL_DROP_EN : 0), rxr->regs + KWL_SRRCTL);
}

/**
 * kwl_rx_ring_start() - program a receive queue, switch it on, post buffers
 * @rxr: the ring, with memory attached
 * @drop: as in kwl_rx_ring_set_drop()
 *
 * The silicon wants the queue enabled before the tail moves.
 *
 * Context: Process, may sleep; NAPI of the ring disabled.
 * Return: 0, or -ETIMEDOUT.
 */
int kwl_rx_ring_start(struct kwl_rx_ring *rxr, bool drop)
{
	struct kwl_vector *vec = container_of(rxr, struct kwl_vector, rxr);
	int err;

	err = kwl_rx_ring_stop(rxr);
	if (err)
		return err;

	rxr->skip = false;
	kwl_rx_repost(rxr);

	writel((rxr->mask + 1) * KWL_DESC_SIZE, rxr->regs + KWL_RDLEN);
	writel(lower_32_bits(rxr->dma), rxr->regs + KWL_RDBAL);
	writel(upper_32_bits(rxr->dma), rxr->regs + KWL_RDBAH);
	kwl_rx_ring_set_drop(rxr, drop);
	writel(0, rxr->regs + KWL_RDH);
	writel(0, rxr->tail);

	err = kwl_queue_switch(rxr->regs + KWL_RXDCTL, KWL_RXDCTL_RUN,
			       KWL_RXDCTL_ENABLE);
	if (err)
		return err;

	writel(rxr->ntu & rxr->mask, rxr->tail);
	if (vec->xsk)
		kwl_xsk_refill(vec);
	else
		kwl_rx_refill(rxr);
	return 0;
}
