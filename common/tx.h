/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two producers of a transmit ring share: the stack's and XDP's. */
#ifndef KAWELA_TX_H
#define KAWELA_TX_H

#include <linux/bitfield.h>
#include <linux/dma-mapping.h>

#include <kawela/ring.h>

struct kwl_tx_meta;

static inline u16 kwl_tx_queue(const struct kwl_tx_ring *txr)
{
	return container_of(txr, struct kwl_vector, txr)->idx;
}

/*
 * What has been queued since the last time becomes a batch, which the device
 * is to report by its last descriptor.
 */
static inline void kwl_tx_close_batch(struct kwl_tx_ring *txr)
{
	u32 last = (txr->ntu - 1) & txr->mask;

	txr->buf[txr->rung & txr->mask].last = last;
	txr->desc[last].data.cmd |= cpu_to_le32(KWL_TXD_RS);
	/* Pairs with the acquire in kwl_tx_clean() */
	smp_store_release(&txr->rung, txr->ntu);
}

/* Tell the device of everything queued so far */
static inline void kwl_tx_ring_doorbell(struct kwl_tx_ring *txr)
{
	kwl_tx_close_batch(txr);
	if (unlikely(txr->bell))
		kwl_bell_ring(txr);
	else
		/* writel() orders the descriptors before the tail */
		writel(txr->ntu & txr->mask, txr->tail);
}

/* Has the device sent the batch that ends at this slot? */
static inline bool kwl_tx_is_done(const struct kwl_tx_ring *txr, u32 last)
{
	return READ_ONCE(txr->desc[last].data.olinfo) &
	       cpu_to_le32(KWL_TXD_DD);
}

/* Is there nothing that the device could have sent meanwhile? */
static inline bool kwl_tx_is_idle(const struct kwl_tx_ring *txr)
{
	return txr->ntc == READ_ONCE(txr->rung) && likely(!txr->bell);
}

/* Queue one mapped piece of memory, in as many descriptors as it takes */
static inline u32 kwl_tx_put_data(struct kwl_tx_ring *txr, u32 ntu,
				  dma_addr_t dma, u32 len,
				  bool mapped, u32 cmd, u32 olinfo)
{
	struct kwl_tx_buf *buf = &txr->buf[ntu & txr->mask];

	/* The first descriptor answers for the whole mapping */
	dma_unmap_addr_set(buf, dma, dma);
	dma_unmap_len_set(buf, len, len);
	buf->mapped = mapped;

	for (;;) {
		u32 chunk = min_t(u32, len, KWL_TX_CHUNK);
		struct kwl_tx_data *data = &txr->desc[ntu & txr->mask].data;

		data->addr = cpu_to_le64(dma);
		data->cmd = cpu_to_le32(cmd | FIELD_PREP(KWL_TXD_LEN, chunk));
		data->olinfo = cpu_to_le32(olinfo);
		ntu++;
		len -= chunk;
		if (!len)
			return ntu;
		dma += chunk;
		txr->buf[ntu & txr->mask].mapped = false;
	}
}

static inline dma_addr_t kwl_tx_dma_map(struct kwl_tx_ring *txr, void *data,
					u32 len)
{
	return dma_map_page(txr->dev, virt_to_page(data), offset_in_page(data),
			    len, DMA_TO_DEVICE);
}

static inline void kwl_tx_unmap(struct kwl_tx_ring *txr, struct kwl_tx_buf *buf)
{
	if (buf->mapped)
		dma_unmap_page(txr->dev, dma_unmap_addr(buf, dma),
			       dma_unmap_len(buf, len), DMA_TO_DEVICE);
	buf->mapped = false;
}

/* What one look at a ring has given back */
struct kwl_tx_totals {
	u32 frames;
	u32 segs;	/* frames of the stack, on the wire */
	u32 bytes;	/* theirs */
	u32 xdp;	/* frames of XDP programs and AF_XDP sockets */
	u32 xdp_bytes;
};

/* xdp.c */
u32 kwl_xdp_finish(struct kwl_tx_ring *txr, u32 ntc, u32 last,
		   struct kwl_tx_totals *tot);

/* xsk.c */
u32 kwl_xsk_finish(struct kwl_tx_ring *txr, u32 ntc, u32 last,
		   struct kwl_tx_totals *tot);
bool kwl_xsk_take_stamp(struct kwl_tx_ring *txr, u32 ntc, u32 last);
void kwl_xsk_forget_stamp(struct kwl_tx_ring *txr);

/* repr.c */
u32 kwl_repr_finish(struct kwl_tx_ring *txr, u32 ntc, u32 last, int budget,
		    struct kwl_tx_totals *tot);
void kwl_repr_ring(struct kwl_tx_ring *txr);

/* tx.c */
u32 kwl_tx_put_ctx(struct kwl_tx_ring *txr, u32 ntu,
		   const struct kwl_tx_meta *meta);
int kwl_tx_map(struct kwl_tx_ring *txr, struct sk_buff *skb,
	       const struct kwl_tx_meta *meta, u32 *end);
int kwl_tx_pad(struct sk_buff *skb);
void kwl_tx_undo(struct kwl_tx_ring *txr, u32 ntu);
void kwl_tx_stop(struct kwl_tx_ring *txr);

/* The stack's side of the queue stops while the largest frame would not fit */
static inline void kwl_tx_maybe_stop(struct kwl_tx_ring *txr)
{
	if (unlikely(kwl_tx_room(txr) < KWL_TX_DESC_MAX))
		kwl_tx_stop(txr);
}

#endif
