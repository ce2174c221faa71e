// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells on the emulator while the card is switched by private tags; see
 * struct kwl_bell. The emulator sends within the write of the tail, so a
 * doorbell is over when the write is.
 */
#include <linux/export.h>
#include <linux/jiffies.h>

#include <kawela/ring.h>

#include "tx.h"

/* How long a doorbell that was missed is repeated before the next one */
#define KWL_BELL_REPEAT		(HZ / 5)

/**
 * kwl_bell_init() - prepare a bell that repeats what was missed
 * @bell: the bell, zero
 *
 * The owner of the card adds the registers of kwl_bell_set_loop() and
 * kwl_bell_set_send().
 *
 * Context: Any.
 */
void kwl_bell_init(struct kwl_bell *bell)
{
	spin_lock_init(&bell->lock);
}
EXPORT_SYMBOL_GPL(kwl_bell_init);

/* Out of the loop and back, while nobody else can send */
static void kwl_bell_pass(struct kwl_bell *bell, const struct kwl_tx_ring *txr)
{
	unsigned long flags;

	spin_lock_irqsave(&bell->lock, flags);
	writel(bell->send_own, bell->send);
	writel(bell->loop_off, bell->loop);
	writel(txr->ntu & txr->mask, txr->tail);
	writel(bell->loop_on, bell->loop);
	writel(bell->send_all, bell->send);
	spin_unlock_irqrestore(&bell->lock, flags);
}

/**
 * kwl_bell_ring() - tell the device of everything queued so far
 * @txr: a ring with a bell, its batch closed
 *
 * Context: Under the queue's xmit lock, bottom halves off.
 */
void kwl_bell_ring(struct kwl_tx_ring *txr)
{
	struct kwl_vector *vec = container_of(txr, struct kwl_vector, txr);
	struct kwl_bell *bell = txr->bell;

	if (bell->loop) {
		kwl_bell_pass(bell, txr);
		return;
	}
	WRITE_ONCE(bell->until, jiffies + KWL_BELL_REPEAT);
	writel(txr->ntu & txr->mask, txr->tail);
	if (unlikely(!kwl_tx_is_done(txr, (txr->ntu - 1) & txr->mask)))
		napi_schedule(&vec->napi);
}

/**
 * kwl_bell_again() - repeat a doorbell that may have been missed
 * @txr: a ring with a bell, of which nothing has been given back just now
 *
 * Context: NAPI.
 * Return: false if there may be something to give back soon.
 */
bool kwl_bell_again(struct kwl_tx_ring *txr)
{
	struct kwl_bell *bell = txr->bell;

	if (bell->loop || READ_ONCE(txr->rung) == txr->ntc ||
	    time_after(jiffies, READ_ONCE(bell->until)))
		return true;
	if (!__netif_tx_trylock(txr->txq))
		return false;
	if (txr->live)
		writel(txr->rung & txr->mask, txr->tail);
	__netif_tx_unlock(txr->txq);
	return false;
}

/**
 * kwl_bell_set_loop() - write the register with the loopback
 * @bell: the bell, or one whose registers are not used for it now
 * @on: value from now on, and between doorbells
 * @off: value during a doorbell
 *
 * Context: Any.
 */
void kwl_bell_set_loop(struct kwl_bell *bell, u32 on, u32 off)
{
	unsigned long flags;

	spin_lock_irqsave(&bell->lock, flags);
	bell->loop_on = on;
	bell->loop_off = off;
	writel(on, bell->loop);
	spin_unlock_irqrestore(&bell->lock, flags);
}
EXPORT_SYMBOL_GPL(kwl_bell_set_loop);

/**
 * kwl_bell_set_send() - change the register that says who may send
 * @bell: the bell, or one whose registers are not used for it now
 * @clear: bits to clear
 * @set: bits to set afterwards
 *
 * Context: Any.
 */
void kwl_bell_set_send(struct kwl_bell *bell, u32 clear, u32 set)
{
	unsigned long flags;

	spin_lock_irqsave(&bell->lock, flags);
	bell->send_all = (bell->send_all & ~clear) | set;
	writel(bell->send_all, bell->send);
	spin_unlock_irqrestore(&bell->lock, flags);
}
EXPORT_SYMBOL_GPL(kwl_bell_set_send);
