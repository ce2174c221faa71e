// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink's health reporters: what can go wrong with the card, what is known
 * when it does, and the way back.
 *
 *	tx	a transmit queue hangs; a reset helps
 *	rx	a receive queue has frames that nobody fetches: an interrupt is
 *		lost, and another one helps
 *	vf	a VF was shut off because it flooded the mailbox; its time ends by
 *		itself, or the administrator pardons it
 *
 * Events come in any context; a work item passes them on, because reporting
 * takes devlink's lock. That lock is held while the card is reloaded and while
 * the callbacks here run, so that pf->net stays what it is.
 */
#include <linux/rtnetlink.h>
#include <net/devlink.h>

#include <kawela/compat.h>
#include <kawela/lock.h>

#include "kpf_devlink.h"
#include "kpf_vf.h"

#define KPF_HEALTH_WATCH_SECS	2

static void kpf_health_report(struct kpf_dev *pf, enum kpf_health_event event,
			      struct devlink_health_reporter *reporter,
			      const char *what)
{
	struct kpf_health *health = &pf->health;
	char text[64];

	if (!test_and_clear_bit(event, &health->events))
		return;
	snprintf(text, sizeof(text), what, READ_ONCE(health->which[event]));
	devlink_health_report(reporter, text, pf);
}

static void kpf_health_work(struct work_struct *work)
{
	struct kpf_health *health = container_of(work, struct kpf_health, work);
	struct kpf_dev *pf = container_of(health, struct kpf_dev, health);

	kpf_health_report(pf, KPF_HEALTH_TX_HANG, health->tx,
			  "transmit queue %u hangs");
	kpf_health_report(pf, KPF_HEALTH_RX_STALL, health->rx,
			  "receive queue %u stalls");
	if (test_bit(KPF_HEALTH_VF_SHUT, &health->events))
		WRITE_ONCE(health->vf_shut, true);
	kpf_health_report(pf, KPF_HEALTH_VF_SHUT, health->vf,
			  "VF %u floods the mailbox and is shut off");
}

/* Any context */
void kpf_health_event(struct kpf_dev *pf, enum kpf_health_event event,
		      u16 which)
{
	WRITE_ONCE(pf->health.which[event], which);
	set_bit(event, &pf->health.events);
	queue_work(system_long_wq, &pf->health.work);
}

/* What callbacks need, or why not. With control locked if so. */
static int kpf_health_enter(struct kpf_dev *pf, struct netlink_ext_ack *extack)
{
	rtnl_lock();
	if (pf->net && netif_device_present(pf->net->netdev)) {
		netdev_lock_ops(pf->net->netdev);
		return 0;
	}
	rtnl_unlock();
	NL_SET_ERR_MSG(extack, "the card is away");
	return -ENODEV;
}

static void kpf_health_leave(struct kpf_dev *pf)
{
	kwl_ctl_unlock(pf->net->netdev);
}

/* Transmit */

static void kpf_health_put_tx(struct kpf_dev *pf, struct devlink_fmsg *fmsg,
			      const struct kwl_vector *vec)
{
	const struct kwl_tx_ring *txr = &vec->txr;
	u32 ntu = READ_ONCE(txr->ntu), ntc = READ_ONCE(txr->ntc);

	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "queue", vec->idx);
	devlink_fmsg_u32_pair_put(fmsg, "size", txr->mask + 1);
	devlink_fmsg_u32_pair_put(fmsg, "in flight", ntu - ntc);
	devlink_fmsg_u32_pair_put(fmsg, "next to use", ntu & txr->mask);
	devlink_fmsg_u32_pair_put(fmsg, "next to clean", ntc & txr->mask);
	devlink_fmsg_u32_pair_put(fmsg, "head", readl(txr->regs + KWL_TDH));
	devlink_fmsg_u32_pair_put(fmsg, "tail", readl(txr->regs + KWL_TDT));
	devlink_fmsg_u32_pair_put(fmsg, "control",
				  readl(txr->regs + KWL_TXDCTL));
	devlink_fmsg_bool_pair_put(fmsg, "stopped",
				   txr->txq && netif_tx_queue_stopped(txr->txq));
	devlink_fmsg_obj_nest_end(fmsg);
}

static void kpf_health_put_rx(struct kpf_dev *pf, struct devlink_fmsg *fmsg,
			      const struct kwl_vector *vec)
{
	const struct kwl_rx_ring *rxr = &vec->rxr;

	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "queue", vec->idx);
	devlink_fmsg_u32_pair_put(fmsg, "size", rxr->mask + 1);
	devlink_fmsg_u32_pair_put(fmsg, "next to post",
				  READ_ONCE(rxr->ntu) & rxr->mask);
	devlink_fmsg_u32_pair_put(fmsg, "next to clean",
				  READ_ONCE(rxr->ntc) & rxr->mask);
	devlink_fmsg_u32_pair_put(fmsg, "head", readl(rxr->regs + KWL_RDH));
	devlink_fmsg_u32_pair_put(fmsg, "tail", readl(rxr->regs + KWL_RDT));
	devlink_fmsg_u32_pair_put(fmsg, "control",
				  readl(rxr->regs + KWL_RXDCTL));
	devlink_fmsg_bool_pair_put(fmsg, "frame waits", kwl_rx_waits(rxr));
	devlink_fmsg_obj_nest_end(fmsg);
}

static int
kpf_health_put_queues(struct kpf_dev *pf, struct devlink_fmsg *fmsg,
		      struct netlink_ext_ack *extack,
		      void (*put)(struct kpf_dev *pf, struct devlink_fmsg *fmsg,
				  const struct kwl_vector *vec))
{
	const struct kwl_qset *qset;
	u16 i;
	int err;

	err = kpf_health_enter(pf, extack);
	if (err)
		return err;
	qset = pf->net->port.qset;
	devlink_fmsg_arr_pair_nest_start(fmsg, "queues");
	for (i = 0; qset && i < qset->cfg.pairs; i++)
		put(pf, fmsg, pf->net->port.vec[i]);
	devlink_fmsg_arr_pair_nest_end(fmsg);
	kpf_health_leave(pf);
	return 0;
}

static int kpf_health_tx_diagnose(struct devlink_health_reporter *reporter,
				  struct devlink_fmsg *fmsg,
				  struct netlink_ext_ack *extack)
{
	return kpf_health_put_queues(devlink_health_reporter_priv(reporter),
				     fmsg, extack, kpf_health_put_tx);
}

static int kpf_health_tx_dump(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg, void *priv_ctx,
			      struct netlink_ext_ack *extack)
{
	return kpf_health_tx_diagnose(reporter, fmsg, extack);
}

static int kpf_health_tx_recover(struct devlink_health_reporter *reporter,
				 void *priv_ctx, struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_health_reporter_priv(reporter);
	int err;

	err = kpf_health_enter(pf, extack);
	if (err)
		return err;
	err = kpf_reset(pf);
	kpf_health_leave(pf);
	if (err)
		NL_SET_ERR_MSG(extack, "the card does not come back from a reset");
	return err;
}

/* Receive */

static int kpf_health_rx_diagnose(struct devlink_health_reporter *reporter,
				  struct devlink_fmsg *fmsg,
				  struct netlink_ext_ack *extack)
{
	return kpf_health_put_queues(devlink_health_reporter_priv(reporter),
				     fmsg, extack, kpf_health_put_rx);
}

static int kpf_health_rx_dump(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg, void *priv_ctx,
			      struct netlink_ext_ack *extack)
{
	return kpf_health_rx_diagnose(reporter, fmsg, extack);
}

/* Have all queues polled; that unmasks their vectors in the end */
static int kpf_health_rx_recover(struct devlink_health_reporter *reporter,
				 void *priv_ctx, struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_health_reporter_priv(reporter);
	const struct kwl_qset *qset;
	int err;
	u16 i;

	err = kpf_health_enter(pf, extack);
	if (err)
		return err;
	qset = pf->net->port.qset;
	local_bh_disable();
	for (i = 0; qset && i < qset->cfg.pairs; i++)
		napi_schedule(&pf->net->port.vec[i]->napi);
	local_bh_enable();
	kpf_health_leave(pf);
	return 0;
}

/* A frame that waits where one has waited before, and nothing has moved */
static bool kpf_health_is_stalled(struct kpf_health *health,
				  const struct kwl_vector *vec)
{
	u32 ntc = READ_ONCE(vec->rxr.ntc);
	bool waits = kwl_rx_waits(&vec->rxr);
	bool stalled;

	stalled = waits && health->rx_waits[vec->idx] &&
		  health->rx_ntc[vec->idx] == ntc;
	health->rx_waits[vec->idx] = waits;
	health->rx_ntc[vec->idx] = ntc;
	return stalled;
}

/* Without registers */
static void kpf_health_watch_rx_queues(struct kpf_dev *pf)
{
	const struct kwl_qset *qset = pf->net->port.qset;
	u16 i;

	for (i = 0; qset && i < qset->cfg.pairs; i++)
		if (kpf_health_is_stalled(&pf->health, pf->net->port.vec[i]))
			kpf_health_event(pf, KPF_HEALTH_RX_STALL, i);
}

/* Whoever has control locked may be changing the queues: another time, then */
static void kpf_health_watch_rx(struct kpf_dev *pf)
{
	if (!rtnl_trylock())
		return;
	if (pf->net && netif_device_present(pf->net->netdev)) {
		netdev_lock_ops(pf->net->netdev);
		kpf_health_watch_rx_queues(pf);
		netdev_unlock_ops(pf->net->netdev);
	}
	rtnl_unlock();
}

/* VFs */

static void kpf_health_put_vf(struct devlink_fmsg *fmsg,
			      const struct kpf_vf *vf)
{
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "vf", vf->num);
	devlink_fmsg_bool_pair_put(fmsg, "in service", vf->cts);
	devlink_fmsg_u32_pair_put(fmsg, "extension", vf->ext);
	devlink_fmsg_bool_pair_put(fmsg, "shut off", vf->quota.shut);
	devlink_fmsg_u32_pair_put(fmsg, "strikes", vf->quota.strikes);
	devlink_fmsg_obj_nest_end(fmsg);
}

static int kpf_health_vf_diagnose(struct devlink_health_reporter *reporter,
				  struct devlink_fmsg *fmsg,
				  struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_health_reporter_priv(reporter);
	int i;

	mutex_lock(&pf->sriov.lock);
	devlink_fmsg_u64_pair_put(fmsg, "times one had to wait",
				  pf->sriov.waits);
	devlink_fmsg_u64_pair_put(fmsg, "times one was shut off",
				  pf->sriov.floods);
	devlink_fmsg_arr_pair_nest_start(fmsg, "vfs");
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++)
		kpf_health_put_vf(fmsg, &pf->sriov.vf[i]);
	devlink_fmsg_arr_pair_nest_end(fmsg);
	mutex_unlock(&pf->sriov.lock);
	return 0;
}

static int kpf_health_vf_dump(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg, void *priv_ctx,
			      struct netlink_ext_ack *extack)
{
	return kpf_health_vf_diagnose(reporter, fmsg, extack);
}

/* By an administrator only: by itself it would be no punishment */
static int kpf_health_vf_recover(struct devlink_health_reporter *reporter,
				 void *priv_ctx, struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_health_reporter_priv(reporter);
	int i;

	if (priv_ctx)
		return -EBUSY;
	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++)
		kpf_vf_pardon(pf, &pf->sriov.vf[i]);
	mutex_unlock(&pf->sriov.lock);
	return 0;
}

/* Tell devlink when no VF is shut off any more */
static void kpf_health_watch_vfs(struct kpf_dev *pf)
{
	bool shut = false;
	int i;

	if (!READ_ONCE(pf->health.vf_shut))
		return;
	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++)
		shut |= pf->sriov.vf[i].quota.shut;
	mutex_unlock(&pf->sriov.lock);
	if (shut)
		return;
	WRITE_ONCE(pf->health.vf_shut, false);
	devlink_health_reporter_state_update(pf->health.vf,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
}

static const struct devlink_health_reporter_ops kpf_health_tx_ops = {
	.name		= "tx",
	.recover	= kpf_health_tx_recover,
	.diagnose	= kpf_health_tx_diagnose,
	.dump		= kpf_health_tx_dump,
};

static const struct devlink_health_reporter_ops kpf_health_rx_ops = {
	.name		= "rx",
	.recover	= kpf_health_rx_recover,
	.diagnose	= kpf_health_rx_diagnose,
	.dump		= kpf_health_rx_dump,
};

static const struct devlink_health_reporter_ops kpf_health_vf_ops = {
	.name		= "vf",
	.recover	= kpf_health_vf_recover,
	.diagnose	= kpf_health_vf_diagnose,
	.dump		= kpf_health_vf_dump,
};

static void kpf_health_watch(struct work_struct *work)
{
	struct kpf_health *health = container_of(work, struct kpf_health,
						 watch.work);
	struct kpf_dev *pf = container_of(health, struct kpf_dev, health);

	kpf_health_watch_rx(pf);
	kpf_health_watch_vfs(pf);
	queue_delayed_work(system_power_efficient_wq, &health->watch,
			   KPF_HEALTH_WATCH_SECS * HZ);
}

void kpf_health_init(struct kpf_dev *pf)
{
	struct kpf_health *health = &pf->health;

	INIT_WORK(&health->work, kpf_health_work);
	INIT_DELAYED_WORK(&health->watch, kpf_health_watch);
	/* devlink cannot be told before it knows the card */
	disable_work(&health->work);
}

/* Context: devlink's lock. */
int kpf_health_create(struct kpf_dev *pf)
{
	struct kpf_health *health = &pf->health;
	const struct {
		const struct devlink_health_reporter_ops *ops;
		struct devlink_health_reporter **reporter;
	} all[] = {
		{ &kpf_health_tx_ops, &health->tx },
		{ &kpf_health_rx_ops, &health->rx },
		{ &kpf_health_vf_ops, &health->vf },
	};
	int err, i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		*all[i].reporter =
			devl_health_reporter_create(priv_to_devlink(pf),
						    all[i].ops, pf);
		if (IS_ERR(*all[i].reporter))
			goto err_destroy;
	}
	return 0;

err_destroy:
	err = PTR_ERR(*all[i].reporter);
	while (i--)
		devl_health_reporter_destroy(*all[i].reporter);
	return err;
}

void kpf_health_destroy(struct kpf_dev *pf)
{
	devl_health_reporter_destroy(pf->health.vf);
	devl_health_reporter_destroy(pf->health.rx);
	devl_health_reporter_destroy(pf->health.tx);
}

/* devlink knows the card now */
void kpf_health_start(struct kpf_dev *pf)
{
	enable_work(&pf->health.work);
	queue_delayed_work(system_power_efficient_wq, &pf->health.watch,
			   KPF_HEALTH_WATCH_SECS * HZ);
}

/* Without devlink's lock and RTNL: both may be waited for in there. */
void kpf_health_stop(struct kpf_dev *pf)
{
	cancel_delayed_work_sync(&pf->health.watch);
	disable_work_sync(&pf->health.work);
}
