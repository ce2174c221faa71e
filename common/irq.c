// SPDX-License-Identifier: GPL-2.0-only
/* Queue interrupts: request and poll. */
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/interrupt.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#include "rx.h"
#include "tx.h"

/*
 * The silicon masks the vector as it fires (EIAM) and forgets the cause
 * (EIAC), so there is nothing to read and nothing to write here.
 */
static irqreturn_t kwl_irq_queue(int irq, void *data)
{
	struct kwl_vector *vec = data;

	/* The emulator's does not: NAPI could neither defer nor suspend it */
	if (unlikely(vec->mask_by_hand))
		kwl_vector_mask(vec);
	napi_schedule_irqoff(&vec->napi);
	return IRQ_HANDLED;
}

/**
 * kwl_poll() - NAPI poll of a queue pair
 * @napi: member of a struct kwl_vector
 * @budget: most frames to receive; 0 means transmit completions only
 *
 * Context: NAPI.
 * Return: Frames received; @budget if there is more to do.
 */
int kwl_poll(struct napi_struct *napi, int budget)
{
	struct kwl_vector *vec = container_of(napi, struct kwl_vector, napi);
	struct kwl_rx_ring *rxr = &vec->rxr;
	bool clean;
	int done = 0;

	/* Not under netpoll, which may have interrupted whoever has the lock */
	if (unlikely(rxr->demux) && likely(budget))
		kwl_repr_ring(&vec->txr);

	/* Calls that find nothing would cost a poll for one frame as much again */
	clean = kwl_tx_is_idle(&vec->txr) || kwl_tx_clean(&vec->txr, budget);

	if (unlikely(!budget))
		return 0;

	if (unlikely(vec->xsk)) {
		done = kwl_xsk_poll(vec, budget, &clean);
	} else if (unlikely(rxr->hdr)) {
		done = kwl_split_poll(rxr, budget, &clean);
	} else {
		if (kwl_rx_is_ready(rxr))
			done = kwl_rx_clean(rxr, budget);
		if (kwl_rx_wants(rxr) && unlikely(!kwl_rx_refill(rxr)))
			clean = false;
	}

	/* Much of it may be on its way out of a representor, see repr.c */
	if (unlikely(rxr->demux) && done >= KWL_REPR_SOME)
		clean = false;

	if (!clean || done == budget)
		return budget;

	/*
	 * Before NAPI is complete: somebody may schedule it from then on, for
	 * another processor. Whoever polls because it is busy has no interrupts.
	 */
	if (READ_ONCE(vec->adaptive) &&
	    !(READ_ONCE(napi->state) & NAPIF_STATE_IN_BUSY_POLL) &&
	    (++vec->events % KWL_LOOK_EVENTS == 0 || !vec->quiet))
		kwl_coalesce_sample(vec);
	if (napi_complete_done(napi, done))
		kwl_vector_unmask(vec);
	return done;
}

static void kwl_irq_spread(struct kwl_vector *vec)
{
	int node = dev_to_node(vec->port->hw->dev);
	const struct cpumask *mask;

	mask = cpumask_of(cpumask_local_spread(vec->idx, node));
	if (vec->spread) {
		irq_update_affinity_hint(vec->irq, mask);
		return;
	}
	/* Once: from then on it is the user's to change */
	irq_set_affinity_and_hint(vec->irq, mask);
	netif_set_xps_queue(vec->port->netdev, mask, vec->idx);
	vec->spread = true;
}

/*
 * NAPI lives as long as its queue pair is in use, because the core waits for
 * ever when one that is disabled is to do without its thread. What the user
 * has set for it the core keeps.
 */
static void kwl_irq_add_napi(struct kwl_vector *vec)
{
	netif_napi_add_config_locked(vec->port->netdev, &vec->napi, kwl_poll,
				     vec->idx);
	netif_napi_set_irq_locked(&vec->napi, vec->irq);
}

static void kwl_irq_del_napi(struct kwl_vector *vec)
{
	netif_napi_set_irq_locked(&vec->napi, -1);
	netif_napi_del_locked(&vec->napi);
}

static int kwl_irq_request_one(struct kwl_vector *vec)
{
	int err;

	/* What XDP programs are told of where a frame came from */
	err = __xdp_rxq_info_reg(&vec->rxr.rxq, vec->port->netdev, vec->idx,
				 vec->napi.napi_id, PAGE_SIZE);
	if (err || !vec->own_irq)
		return err;
	snprintf(vec->name, sizeof(vec->name), "%s-TxRx-%u",
		 netdev_name(vec->port->netdev), vec->idx);
	err = request_irq(vec->irq, kwl_irq_queue, 0, vec->name, vec);
	if (err) {
		xdp_rxq_info_unreg(&vec->rxr.rxq);
		return err;
	}
	kwl_irq_spread(vec);
	return 0;
}

/**
 * kwl_irq_request() - request the interrupts of some queue pairs
 * @port: the function
 * @from: first queue pair
 * @to: queue pair after the last one
 *
 * Adds their NAPI instances as well. Vectors whose interrupt the owner handles
 * itself (own_irq unset) get no more than that; the owner requests those
 * afterwards. Each vector is hinted to a CPU of its own, near the device, and its
 * transmit queue to the same CPU.
 *
 * Context: Process, control locked (lock.h).
 * Return: 0, or a negative errno with none of them requested.
 */
int kwl_irq_request(struct kwl_port *port, u16 from, u16 to)
{
	u16 i;
	int err;

	for (i = from; i < to; i++) {
		kwl_irq_add_napi(port->vec[i]);
		err = kwl_irq_request_one(port->vec[i]);
		if (err) {
			netdev_err(port->netdev, "no interrupt %d: %pe\n",
				   port->vec[i]->irq, ERR_PTR(err));
			kwl_irq_del_napi(port->vec[i]);
			kwl_irq_free(port, from, i);
			return err;
		}
	}
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_irq_request);

/**
 * kwl_irq_free() - undo kwl_irq_request(), NAPI disabled
 * @port: the function
 * @from: first queue pair
 * @to: queue pair after the last one
 *
 * Context: Process, control locked (lock.h).
 */
void kwl_irq_free(struct kwl_port *port, u16 from, u16 to)
{
	u16 i;

	for (i = from; i < to; i++) {
		struct kwl_vector *vec = port->vec[i];

		if (vec->own_irq) {
			irq_update_affinity_hint(vec->irq, NULL);
			free_irq(vec->irq, vec);
		}
		/* The pool is not this one's to free */
		xdp_rxq_info_detach_mem_model(&vec->rxr.rxq);
		xdp_rxq_info_unreg(&vec->rxr.rxq);
		kwl_irq_del_napi(vec);
		/* With fewer queues the core forgets their share of XPS */
		if (i >= vec->port->netdev->real_num_tx_queues)
			vec->spread = false;
	}
}
EXPORT_SYMBOL_GPL(kwl_irq_free);
