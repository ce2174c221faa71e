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

#define KWL_SRRCTL_ONEBUF						\
	FIELD_PREP_CONST(KWL_SRRCTL_DESCTYPE, KWL_SRRCTL_DESCTYPE_ONEBUF)
#define KWL_SRRCTL_SPLIT						\
	(FIELD_PREP_CONST(KWL_SRRCTL_DESCTYPE, KWL_SRRCTL_DESCTYPE_SPLIT) | \
	 FIELD_PREP_CONST(KWL_SRRCTL_BSIZEHDR, KWL_SPLIT_HDR_LEN / 64))
/* The emulator splits whatever it knows, and asks no register */
#define KWL_PSRTYPE_SPLIT	(KWL_PSRTYPE_IP4_TCP | KWL_PSRTYPE_IP4_UDP | \
				 KWL_PSRTYPE_IP6_TCP | KWL_PSRTYPE_IP6_UDP)

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
	txr->waits = false;
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
	       (rxr->hdr ? KWL_SRRCTL_SPLIT : KWL_SRRCTL_ONEBUF) |
	       (drop ? KWL_SRRCTL_DROP_EN : 0), rxr->regs + KWL_SRRCTL);
}

/* From here on the buffers are the device's, and others may follow */
static void kwl_rx_ring_fill(struct kwl_rx_ring *rxr)
{
	struct kwl_vector *vec = container_of(rxr, struct kwl_vector, rxr);

	writel(rxr->ntu & rxr->mask, rxr->tail);
	if (vec->xsk)
		kwl_xsk_refill(vec);
	else if (rxr->hdr)
		kwl_split_refill(rxr);
	else
		kwl_rx_refill(rxr);
}

/**
 * kwl_rx_ring_start() - program a receive queue, switch it on, post buffers
 * @rxr: the ring, with memory attached and after kwl_rx_ring_set_drop()
 *
 * The silicon wants the queue enabled before the tail moves.
 *
 * Context: Process, may sleep; NAPI of the ring disabled.
 * Return: 0, or -ETIMEDOUT.
 */
int kwl_rx_ring_start(struct kwl_rx_ring *rxr)
{
	int err;

	err = kwl_rx_ring_stop(rxr);
	if (err)
		return err;

	rxr->skip = false;
	if (rxr->hdr) {
		writel(KWL_PSRTYPE_SPLIT, rxr->psrtype);
		kwl_split_repost(rxr);
	} else {
		kwl_rx_repost(rxr);
	}

	writel((rxr->mask + 1) * KWL_DESC_SIZE, rxr->regs + KWL_RDLEN);
	writel(lower_32_bits(rxr->dma), rxr->regs + KWL_RDBAL);
	writel(upper_32_bits(rxr->dma), rxr->regs + KWL_RDBAH);
	writel(0, rxr->regs + KWL_RDH);
	writel(0, rxr->tail);

	err = kwl_queue_switch(rxr->regs + KWL_RXDCTL, KWL_RXDCTL_RUN,
			       KWL_RXDCTL_ENABLE);
	if (err)
		return err;

	kwl_rx_ring_fill(rxr);
	return 0;
}
