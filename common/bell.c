// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells on the emulator: while the card is switched by private tags, see
 * struct kwl_bell and struct kwl_gate, and after a VF was kept from sending.
 * The emulator sends within the write of the tail, so a doorbell is over when
 * the write is.
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
static void kwl_bell_pass(struct kwl_bell *bell, struct kwl_tx_ring *txr)
{
	unsigned long flags;

	/* What waits in front of it is for the loop */
	if (txr->waits)
		writel(txr->late & txr->mask, txr->tail);
	WRITE_ONCE(txr->waits, false);

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
 * kwl_bell_wake() - have the device look at what still waits in a function's rings
 * @port: the function, a VF that may send again
 *
 * The emulator looks at a ring when its tail is written, not when VFTE lets
 * the VF send again as silicon does. With a full ring nobody would write it
 * before the stack's watchdog. Another write of the same value does no harm.
 *
 * Context: Process.
 */
void kwl_bell_wake(struct kwl_port *port)
{
	u16 i;

	for (i = 0; i < port->cfg.pairs; i++) {
		struct kwl_tx_ring *txr = &port->vec[i]->txr;

		__netif_tx_lock_bh(txr->txq);
		if (!txr->live || txr->ntu == READ_ONCE(txr->ntc))
			; /* nothing waits */
		else if (txr->ntu != txr->rung)
			kwl_tx_ring_doorbell(txr);
		else if (txr->bell)
			kwl_bell_ring(txr);
		else
			writel(txr->ntu & txr->mask, txr->tail);
		__netif_tx_unlock_bh(txr->txq);
	}
}
EXPORT_SYMBOL_GPL(kwl_bell_wake);

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

/**
 * kwl_gate_init() - prepare a gate
 * @gate: the gate, zero
 * @reg: the register that kwl_gate_set() writes
 *
 * Context: Any.
 */
void kwl_gate_init(struct kwl_gate *gate, void __iomem *reg)
{
	spin_lock_init(&gate->lock);
	gate->reg = reg;
}
EXPORT_SYMBOL_GPL(kwl_gate_init);

/**
 * kwl_gate_set() - say what a pool takes
 * @gate: the gate of the pool
 * @val: value of its register
 * @more: bits that are set as well while a group's frame is sent to it, or 0
 *
 * Context: Any.
 */
void kwl_gate_set(struct kwl_gate *gate, u32 val, u32 more)
{
	unsigned long flags;

	spin_lock_irqsave(&gate->lock, flags);
	gate->val = val;
	WRITE_ONCE(gate->more, more);
	writel(val, gate->reg);
	spin_unlock_irqrestore(&gate->lock, flags);
}
EXPORT_SYMBOL_GPL(kwl_gate_set);

/**
 * kwl_gate_pass() - tell the device of a frame that its pool takes only now
 * @gate: the gate of the pool
 * @txr: the ring, its batch closed
 *
 * The emulator has one bit for all groups and for unicast that nobody has
 * claimed, and a pool that the device itself forwards to must not have the
 * latter. What another function sends just then gets in with it.
 *
 * Context: Under the queue's xmit lock, bottom halves off.
 */
void kwl_gate_pass(struct kwl_gate *gate, const struct kwl_tx_ring *txr)
{
	unsigned long flags;

	spin_lock_irqsave(&gate->lock, flags);
	writel(gate->val | gate->more, gate->reg);
	writel(txr->ntu & txr->mask, txr->tail);
	writel(gate->val, gate->reg);
	spin_unlock_irqrestore(&gate->lock, flags);
}
