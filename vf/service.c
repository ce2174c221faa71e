// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs on its own: session, link, and lists that could not be sent where
 * they were set. Looks by itself every two seconds, for the PF says nothing
 * when it is reset or goes away.
 */
#include <linux/bitfield.h>

#include <kawela/lock.h>

#include "kvf.h"
#include "trace.h"

#define KVF_SERVICE_SECS	2

/* The session is over; the service starts a new one. Any context. */
void kvf_service_lose(struct kvf_dev *kvf)
{
	trace_kvf_lose(kvf->hw.dev);
	WRITE_ONCE(kvf->session, false);
	kvf_service_kick(kvf);
}

/* A notice; in-tree PFs send it without state */
void kvf_service_notice(struct kvf_dev *kvf, u32 word)
{
	if (FIELD_GET(KWL_MSG_ID, word) != KWL_MSG_CONTROL) {
		/* The one other word that comes unasked: a bare NACK */
		if (!(word & KWL_MSG_CTS) && word & KWL_MSG_NACK &&
		    kvf->pf.ext)
			kvf_service_lose(kvf);
		return;
	}
	kvf->pf.state = FIELD_GET(KWL_MSG_INFO, word);
	if (!(word & KWL_MSG_CTS) || kvf->pf.state & KWL_STATE_RENEW)
		kvf_service_lose(kvf);
}

/*
 * What is in the mailbox may end the session. A PF that says anything is worth
 * being asked for a new one at once.
 */
static void kvf_service_mail(struct kvf_dev *kvf)
{
	u32 word;
	int ret;

	ret = kvf_mbx_poll(kvf, &word);
	if (ret == 1 || ret == -ENETRESET)
		kvf->retry = jiffies;
	/* This is the service: it looks at the session next */
	if (ret == -ENETRESET) {
		if (kvf->session)
			trace_kvf_lose(kvf->hw.dev);
		WRITE_ONCE(kvf->session, false);
	}
	if (ret == 1)
		kvf_service_notice(kvf, word);
}

/*
 * It waits for the PF's answer with control's lock held, and has interrupts and
 * thus a look of its own: a PF that does not answer must not have it run always.
 */
static void kvf_service_restart(struct kvf_dev *kvf)
{
	struct net_device *netdev = kvf->net->netdev;

	if (time_before(jiffies, kvf->retry))
		return;
	kwl_ctl_lock(netdev);
	if (netif_running(netdev) && netif_device_present(netdev) &&
	    !kvf->session && kvf_net_restart(kvf->net))
		kvf->retry = jiffies + KVF_SERVICE_SECS * HZ;
	kwl_ctl_unlock(netdev);
}

/* Interrupts, or what stands in for them */
static void kvf_service_irq(struct kvf_dev *kvf)
{
	struct net_device *netdev = kvf->net->netdev;

	if (likely(kvf_irq_is_settled(kvf)))
		return;
	kwl_ctl_lock(netdev);
	if (netif_running(netdev) && netif_device_present(netdev) &&
	    kvf->session && !kvf_irq_is_settled(kvf))
		kvf_irq_settle(kvf);
	kwl_ctl_unlock(netdev);
}

/* An MTU that is longer than the PF lets us have by now; see kvf_net_obey_mtu() */
static void kvf_service_mtu(struct kvf_dev *kvf)
{
	struct net_device *netdev = kvf->net->netdev;

	if (likely(READ_ONCE(netdev->mtu) <= READ_ONCE(netdev->max_mtu)))
		return;
	rtnl_lock();
	if (netdev->mtu > netdev->max_mtu)
		dev_set_mtu(netdev, netdev->max_mtu);
	rtnl_unlock();
}

/* Once for each way of saying no, not each time the lists change */
static void kvf_service_complain(struct kvf_dev *kvf, int refused)
{
	if (refused && refused != kvf->refused)
		netdev_info(kvf->net->netdev,
			    "the PF does not let in all that is asked for: %s\n",
			    refused == -ENOSPC ? "no room" :
			    refused == -EADDRINUSE ? "an address is taken" :
						     "not allowed");
	kvf->refused = refused;
}

static void kvf_service_lists(struct kvf_dev *kvf)
{
	struct kvf_lists lists;
	int refused;

	spin_lock_bh(&kvf->lists_lock);
	lists = kvf->lists;
	kvf->lists.dirty = false;
	spin_unlock_bh(&kvf->lists_lock);
	if (!lists.dirty)
		return;
	if (!kvf_request_lists(kvf, &lists, &refused)) {
		kvf_service_complain(kvf, refused);
		return;
	}

	spin_lock_bh(&kvf->lists_lock);
	kvf->lists.dirty = true;
	spin_unlock_bh(&kvf->lists_lock);
}

/* The port has a link and the PF keeps us in service: both it takes */
void kvf_service_link(struct kvf_dev *kvf)
{
	struct net_device *netdev = kvf->net->netdev;
	u32 status = kwl_rd32(&kvf->hw, KWL_STATUS);
	bool link = status & KWL_STATUS_LU || kvf->pf.state & KWL_STATE_LINK_UP;
	bool up = link && netif_running(netdev) && READ_ONCE(kvf->session) &&
		  !kvf->hw.gone && !(kvf->pf.state & KWL_STATE_LINK_DOWN);

	if (up == netif_carrier_ok(netdev))
		return;
	trace_kvf_link(kvf->hw.dev, up, kvf->pf.state);
	if (up)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
	netdev_info(netdev, "Link is %s\n", up ? "Up" : "Down");
	if (up)
		kwl_bell_wake(&kvf->net->port);
}

/* It was off the bus: for good, or while the PF was being reset */
bool kvf_service_is_there(struct kvf_dev *kvf)
{
	if (kvf->hw.gone && readl(kvf->hw.regs + KWL_STATUS) != U32_MAX) {
		kvf->hw.gone = false;
		WRITE_ONCE(kvf->session, false);
	}
	return !kvf->hw.gone;
}

/*
 * The counters cost reads, and mail makes us look ten times a second while
 * there is traffic; they can wait for the two seconds.
 */
static bool kvf_service_counts(struct kvf_dev *kvf)
{
	if (time_before(jiffies, kvf->stats_check))
		return false;
	kvf->stats_check = jiffies + KVF_SERVICE_SECS * HZ;
	return true;
}

static void kvf_service_look(struct kvf_dev *kvf, bool counts)
{
	if (counts) {
		kvf_stats_refresh(kvf);
		kwl_stats_refresh(&kvf->net->port);
	}
	kvf_service_mail(kvf);
	/* RTNL only when it is worth it */
	if (!kvf->session && kvf_mbx_pf_ready(kvf))
		kvf_service_restart(kvf);
	if (kvf->session) {
		kvf_service_irq(kvf);
		kvf_service_lists(kvf);
		kvf_service_mtu(kvf);
	}
	kvf_service_link(kvf);
}

/*
 * When to look again. Mail whose interrupt came too soon after the last look
 * to cause another one is found by a look at the end of that time.
 */
static unsigned long kvf_service_pause(struct kvf_dev *kvf)
{
	long left = kvf->stats_check - jiffies;

	if (time_before(jiffies, READ_ONCE(kvf->mbx_check)) ||
	    (READ_ONCE(kvf->session) && netif_running(kvf->net->netdev) &&
	     !READ_ONCE(kvf->heard)))
		return KVF_MAIL_INTERVAL + 1;
	return clamp(left, 1, KVF_SERVICE_SECS * HZ);
}

static void kvf_service(struct work_struct *work)
{
	struct kvf_dev *kvf = container_of(work, struct kvf_dev, service.work);
	struct net_device *netdev = kvf->net->netdev;
	bool counts = kvf_service_counts(kvf);

	if (netif_running(netdev) && netif_device_present(netdev)) {
		if (kvf_service_is_there(kvf))
			kvf_service_look(kvf, counts);
		else
			netif_carrier_off(netdev);
	}
	queue_delayed_work(system_long_wq, &kvf->service,
			   kvf_service_pause(kvf));
}

void kvf_service_init(struct kvf_dev *kvf)
{
	INIT_DELAYED_WORK(&kvf->service, kvf_service);
	spin_lock_init(&kvf->lists_lock);
	spin_lock_init(&kvf->stats_lock);
}

void kvf_service_start(struct kvf_dev *kvf)
{
	queue_delayed_work(system_long_wq, &kvf->service, 0);
}

/* Look now; any context */
void kvf_service_kick(struct kvf_dev *kvf)
{
	mod_delayed_work(system_long_wq, &kvf->service, 0);
}

/* Without RTNL: the service may be waiting for it */
void kvf_service_stop(struct kvf_dev *kvf)
{
	cancel_delayed_work_sync(&kvf->service);
}
