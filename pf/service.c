// SPDX-License-Identifier: GPL-2.0-only
/* What runs on its own: counter refresh, a look whether the card is there, reset. */

#include <kawela/lock.h>

#include "kpf.h"

/* Before the stack's watchdog asks what has become of its frames */
#define KPF_SERVICE_SECS	2
/* Long before a 32-bit packet counter fills at line rate */
#define KPF_STATS_SECS		10

/*
 * Take the interface from the stack, and the function off the bus. Once more
 * does no harm.
 */
void kpf_detach(struct kpf_dev *pf)
{
	struct kpf_net *net = pf->net;

	/* Reloaded in vain: nothing runs */
	if (!net)
		return;
	kwl_ctl_lock(net->netdev);
	netif_device_detach(net->netdev);
	kpf_link_stop(pf);
	if (netif_running(net->netdev))
		kpf_net_stop(net);
	kpf_stats_refresh(pf);
	kpf_sriov_before_reset(pf);
	kpf_ptp_hold(pf);
	kpf_hw_quiesce(pf);
	kpf_stats_set_offline(pf, true);
	kwl_ctl_unlock(net->netdev);
}

/* Undo kpf_detach(), for a function that may have forgotten everything */
int kpf_reattach(struct kpf_dev *pf)
{
	struct kpf_net *net = pf->net;
	int err;

	if (!net)
		return 0;
	kwl_ctl_lock(net->netdev);
	pf->hw.gone = false;
	kpf_stats_set_offline(pf, false);
	err = kpf_hw_restart(net);
	if (err)
		goto out;
	kpf_sriov_after_reset(pf);
	if (netif_running(net->netdev)) {
		err = kpf_net_start(net);
		if (err)
			goto out;
	}
	if (netif_running(net->netdev) || pf->num_vfs)
		kpf_link_start(pf);
	netif_device_attach(net->netdev);
	kpf_net_sync_rx_mode(net);
	/* Whatever VFs have said in the meantime */
	kpf_sriov_irq(pf);
out:
	kwl_ctl_unlock(net->netdev);
	if (err)
		pci_err(pf->pdev, "does not come back: %pe\n", ERR_PTR(err));
	/* One that is off the bus still may answer one day */
	if (!err || READ_ONCE(pf->hw.gone))
		kpf_service_start(pf);
	return err;
}

/*
 * A card that was pulled out, or is cut off by its bus, reads all ones. The
 * stack must not wait for its frames until somebody removes it. One that
 * answers again has forgotten everything.
 */
static bool kpf_service_is_there(struct kpf_dev *pf)
{
	/* For what it finds out about the function */
	kwl_rd32(&pf->hw, KWL_STATUS);
	if (!READ_ONCE(pf->hw.gone))
		return true;
	if (readl(pf->hw.regs + KWL_STATUS) != U32_MAX)
		kpf_reattach(pf);
	else if (!READ_ONCE(pf->offline))
		kpf_detach(pf);
	return false;
}

static void kpf_service(struct work_struct *work)
{
	struct kpf_dev *pf = container_of(work, struct kpf_dev, service.work);

	if (kpf_service_is_there(pf) && !time_before(jiffies, pf->stats_check)) {
		pf->stats_check = jiffies + KPF_STATS_SECS * HZ;
		kpf_stats_refresh(pf);
		kwl_stats_refresh(&pf->net->port);
		kpf_sriov_service(pf);
	}
	kpf_service_start(pf);
}

/*
 * Reset the function and put everything back as the user has set it. A
 * running interface keeps its memory and loses what was on its way.
 * Context: Control locked (lock.h).
 */
int kpf_reset(struct kpf_dev *pf)
{
	struct kpf_net *net = pf->net;
	bool running = netif_running(net->netdev);
	int err;

	/* The carrier is phylib's: silicon's link stays up through all this */
	if (running)
		kpf_net_stop(net);
	/* The reset clears the counters */
	kpf_stats_refresh(pf);
	kpf_sriov_before_reset(pf);

	err = kpf_hw_restart(net);
	if (err)
		return err;

	kpf_sriov_after_reset(pf);
	if (running) {
		err = kpf_net_start(net);
		if (err)
			return err;
	}
	kpf_link_resume(pf);
	return 0;
}

static void kpf_reset_work(struct work_struct *work)
{
	struct kpf_dev *pf = container_of(work, struct kpf_dev, reset_work);
	struct net_device *netdev = pf->net->netdev;
	int err;

	kwl_ctl_lock(netdev);
	if (netif_device_present(netdev) && !pf->hw.gone) {
		netdev_info(netdev, "resetting\n");
		err = kpf_reset(pf);
		if (err)
			netdev_err(netdev, "reset failed: %pe\n", ERR_PTR(err));
	}
	kwl_ctl_unlock(netdev);
}

/* Any context */
void kpf_schedule_reset(struct kpf_dev *pf)
{
	queue_work(system_long_wq, &pf->reset_work);
}

void kpf_service_init(struct kpf_dev *pf)
{
	INIT_DELAYED_WORK(&pf->service, kpf_service);
	pf->stats_check = jiffies;
	INIT_WORK(&pf->reset_work, kpf_reset_work);
}

void kpf_service_start(struct kpf_dev *pf)
{
	schedule_delayed_work(&pf->service,
			      round_jiffies_relative(KPF_SERVICE_SECS * HZ));
}

/*
 * Without RTNL: a reset that is under way may be waiting for it. Nothing may
 * be left that could ask for another one.
 */
void kpf_service_stop(struct kpf_dev *pf)
{
	cancel_delayed_work_sync(&pf->service);
	cancel_work_sync(&pf->reset_work);
	cancel_delayed_work_sync(&pf->sriov.mbx_work);
}
