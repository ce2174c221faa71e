// SPDX-License-Identifier: GPL-2.0-only
/* What runs on its own: counter refresh and reset. */

#include <kawela/lock.h>

#include "kpf.h"

/* Long before a 32-bit packet counter fills at line rate */
#define KPF_SERVICE_SECS	10

static void kpf_service(struct work_struct *work)
{
	struct kpf_dev *pf = container_of(work, struct kpf_dev, service.work);

	kpf_stats_refresh(pf);
	kwl_stats_refresh(&pf->net->port);
	kpf_sriov_service(pf);
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
	if (netif_device_present(netdev)) {
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
