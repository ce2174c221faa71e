// SPDX-License-Identifier: GPL-2.0-only
/* Global reset, global set-up, and the semaphore shared with firmware. */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/iopoll.h>

#include "kpf.h"
#include "trace.h"

#define KPF_DRAIN_MS		10
#define KPF_GIO_TIMEOUT_US	100000
#define KPF_RESET_MS		1
#define KPF_AUTO_RD_TIMEOUT_US	20000
#define KPF_SEM_POLL_US		50
#define KPF_SEM_TIMEOUT_US	100000
#define KPF_SYNC_POLL_US	5000
#define KPF_SYNC_TIMEOUT_US	1000000

/* QEMU's models carry Red Hat's subsystem vendor id; no Intel card does */
#define KPF_EMULATED_SUBVENDOR	PCI_VENDOR_ID_REDHAT_QUMRANET

/* What is this, and does it answer at all? */
int kpf_hw_identify(struct kpf_dev *pf)
{
	u32 status = kwl_rd32(&pf->hw, KWL_STATUS);

	if (pf->hw.gone || !status)
		return -ENODEV;
	pf->lan_id = FIELD_GET(KWL_STATUS_LAN_ID, status);
	pf->emulated = pf->pdev->subsystem_vendor == KPF_EMULATED_SUBVENDOR;
	return 0;
}

/* Stop all DMA: receiver, transmitter, then bus mastering */
void kpf_hw_quiesce(struct kpf_dev *pf)
{
	struct kwl_hw *hw = &pf->hw;
	u32 val;

	kpf_irq_disable(pf);
	kwl_wr32(hw, KWL_RCTL, 0);
	kwl_wr32(hw, KWL_TCTL, KWL_TCTL_PSP);
	kwl_flush(hw);
	msleep(KPF_DRAIN_MS);

	kwl_rmw32(hw, KWL_CTRL, 0, KWL_CTRL_GIO_MASTER_DISABLE);
	if (read_poll_timeout(kwl_rd32, val,
			      !(val & KWL_STATUS_GIO_MASTER) || hw->gone,
			      100, KPF_GIO_TIMEOUT_US, false, hw, KWL_STATUS))
		dev_warn(hw->dev, "requests still pending on the bus\n");
}

/*
 * Reset the function. Every register of the port is back at its reset value
 * on return, on the emulator the PHY's as well; kpf_hw_apply() comes next.
 */
int kpf_hw_reset(struct kpf_dev *pf)
{
	struct kwl_hw *hw = &pf->hw;
	u32 val;

	kpf_ptp_hold(pf);
	kpf_hw_quiesce(pf);

	kwl_rmw32(hw, KWL_CTRL, 0, KWL_CTRL_RST);
	msleep(KPF_RESET_MS);
	/*
	 * The NVM has been loaded when AUTO_RD reads 1. A card without NVM
	 * never gets there and neither does the emulator: not an error.
	 */
	read_poll_timeout(kwl_rd32, val, val & KWL_EECD_AUTO_RD || hw->gone ||
			  pf->emulated, 1000, KPF_AUTO_RD_TIMEOUT_US, false,
			  hw, KWL_EECD);

	kpf_irq_disable(pf);
	return hw->gone ? -ENODEV : 0;
}

/* Queues come out of reset with 0 running; own none that nobody programmed */
static void kpf_hw_disable_queues(struct kpf_dev *pf)
{
	int q;

	for (q = 0; q < KWL_MAX_QUEUES; q++) {
		kwl_wr32(&pf->hw, KWL_PF_RXQ(q) + KWL_RXDCTL, 0);
		kwl_wr32(&pf->hw, KWL_PF_TXQ(q) + KWL_TXDCTL, 0);
	}
}

/*
 * Longest frame for the interface, and what becomes of VLAN tags. With VFs
 * both are a matter of the pool and the port lets everything pass; multicast
 * goes to several pools with one choice for all of them.
 */
void kpf_hw_apply_rx(struct kpf_net *net, unsigned int mtu,
		     netdev_features_t features)
{
	bool strip = features & NETIF_F_HW_VLAN_CTAG_RX;
	u32 max_frame = mtu + KPF_FRAME_EXTRA;
	struct kpf_dev *pf = net->pf;
	struct kwl_hw *hw = &pf->hw;

	kwl_wr32(hw, KWL_RLPML, pf->num_vfs ? KWL_MAX_FRAME : max_frame);
	kwl_rmw32(hw, KWL_CTRL, KWL_CTRL_VME, strip ? KWL_CTRL_VME : 0);
	/* The tag is reported either way, and VFs cannot do with it in place */
	kwl_wr32(hw, KWL_RPLOLR, KWL_RPLOLR_STRCRC |
		 (strip || pf->num_vfs ? KWL_RPLOLR_STRVLAN : 0));
	kpf_filter_set_own_pool(pf, max_frame, strip);
}

/*
 * Which pools there are, and what passes between them. A VF may be asking for
 * its share of the same registers at this moment.
 */
void kpf_hw_apply_pools(struct kpf_net *net)
{
	struct kpf_dev *pf = net->pf;
	struct kwl_hw *hw = &pf->hw;
	u16 own = pf->num_vfs;
	int i;

	guard(mutex)(&pf->sriov.lock);
	/* A reset lets all pools receive; VFs get theirs when they ask */
	kwl_wr32(hw, KWL_VFRE, BIT(own));
	kpf_eswitch_rmw_vfte(pf, U32_MAX, BIT(own));
	kpf_eswitch_apply(pf);
	for (i = 0; i < KWL_MAX_POOLS; i++)
		kwl_wr32(hw, KWL_VMVIR(i), 0);
	for (i = 0; i < KWL_MAX_QUEUES; i++) {
		kwl_wr32(hw, KWL_RTTDQSEL, i);
		kwl_wr32(hw, KWL_RTTBCNRC, 0);
	}
	/* The PF may bridge for others: no spoof check for it */
	kwl_wr32(hw, KWL_DTXSWC, 0);
	kpf_bridge_apply(pf);

	if (own) {
		/* In mode switchdev no tag, or one of the private ones, finds its pool */
		kwl_wr32(hw, KWL_VT_CTL, KWL_VT_CTL_REPLICATION |
			 FIELD_PREP(KWL_VT_CTL_DEFAULT_POOL, own) |
			 (pf->eswitch.active ? KWL_VT_CTL_DIS_DEF_POOL : 0));
		/* One lazy VF must not hold up the port */
		kwl_wr32(hw, KWL_QDE, GENMASK(KWL_MAX_QUEUES - 1, 0));
		kwl_wr32(hw, KWL_MRQC,
			 FIELD_PREP(KWL_MRQC_MODE, KWL_MRQC_MODE_VMDQ));
	} else {
		kwl_wr32(hw, KWL_VT_CTL, 0);
		kwl_wr32(hw, KWL_QDE, 0);
		kpf_rss_apply(net);
	}
	kpf_ntuple_apply(net, net->port.cfg.pairs);
}

/* Tell VFs that the PF is ready for them; a pulse, hence not kept in CTRL_EXT */
void kpf_hw_notify_vfs(struct kpf_dev *pf)
{
	kwl_rmw32(&pf->hw, KWL_CTRL_EXT, 0, KWL_CTRL_EXT_PFRSTD);
}

/*
 * Program everything the user has ever set, on top of a reset. Queues,
 * receiver and transmitter stay off.
 */
void kpf_hw_apply(struct kpf_net *net)
{
	struct kpf_dev *pf = net->pf;
	struct kwl_hw *hw = &pf->hw;

	kpf_hw_disable_queues(pf);
	/* On the 82576 the MAC inserts the tags, so it knows of them itself */
	kwl_rmw32(hw, KWL_DTXCTL, 0, KWL_DTXCTL_VLAN_ADDED);
	kwl_rmw32(hw, KWL_CTRL, KWL_CTRL_FRCSPD | KWL_CTRL_FRCDPX,
		  KWL_CTRL_SLU);
	kwl_wr32(hw, KWL_RXCSUM, KWL_RXCSUM_IPOFLD | KWL_RXCSUM_TUOFLD |
		 KWL_RXCSUM_CRCOFL | KWL_RXCSUM_PCSD);
	kpf_hw_apply_rx(net, net->netdev->mtu, net->netdev->features);
	kpf_irq_apply(net);
	kpf_filter_replay(pf);
	kpf_hw_apply_pools(net);
	kpf_link_apply(pf);
	kpf_ptp_apply(pf);

	kwl_rmw32(hw, KWL_CTRL_EXT, KWL_CTRL_EXT_PFRSTD,
		  KWL_CTRL_EXT_DRV_LOAD);
}

/* Reset and set up again, with phylib's hands off MDIC and CTRL meanwhile */
int kpf_hw_restart(struct kpf_net *net)
{
	struct device *dev = net->pf->hw.dev;
	int err;

	trace_kpf_reset_begin(dev, net->pf->num_vfs);
	kpf_link_lock(net->pf);
	err = kpf_hw_reset(net->pf);
	if (!err)
		kpf_hw_apply(net);
	kpf_link_unlock(net->pf);
	trace_kpf_reset_end(dev, err);
	return err;
}

/* Let frames in and out; the queues run already */
void kpf_hw_enable(struct kpf_dev *pf)
{
	struct kwl_hw *hw = &pf->hw;

	kwl_wr32(hw, KWL_TCTL, KWL_TCTL_EN | KWL_TCTL_PSP | KWL_TCTL_RTLC |
		 FIELD_PREP(KWL_TCTL_CT, 15) | FIELD_PREP(KWL_TCTL_COLD, 0x40));
	kpf_filter_rmw_rctl(pf, 0, KWL_RCTL_EN | KWL_RCTL_BAM | KWL_RCTL_LPE |
			    KWL_RCTL_SECRC);
}

/* The other way round; filters in RCTL stay as they are */
void kpf_hw_disable(struct kpf_dev *pf)
{
	struct kwl_hw *hw = &pf->hw;

	/* VFs go on without the PF's interface */
	if (pf->num_vfs)
		return;
	kpf_filter_rmw_rctl(pf, KWL_RCTL_EN, 0);
	kwl_rmw32(hw, KWL_TCTL, KWL_TCTL_EN, 0);
	kwl_flush(hw);
	/* Frames on their way through the MAC have left it by then */
	msleep(KPF_DRAIN_MS);
}

static bool kpf_swsm_try(struct kpf_dev *pf)
{
	struct kwl_hw *hw = &pf->hw;

	/* Reading 0 takes it, among software agents */
	if (kwl_rd32(hw, KWL_SWSM) & KWL_SWSM_SMBI)
		return false;
	/* A 1 that sticks takes it from firmware */
	kwl_rmw32(hw, KWL_SWSM, 0, KWL_SWSM_SWESMBI);
	if (kwl_rd32(hw, KWL_SWSM) & KWL_SWSM_SWESMBI)
		return true;
	kwl_rmw32(hw, KWL_SWSM, KWL_SWSM_SMBI | KWL_SWSM_SWESMBI, 0);
	return false;
}

static void kpf_swsm_put(struct kpf_dev *pf)
{
	kwl_rmw32(&pf->hw, KWL_SWSM, KWL_SWSM_SMBI | KWL_SWSM_SWESMBI, 0);
}

static int kpf_swsm_get(struct kpf_dev *pf)
{
	bool ok;
	int err;

	err = read_poll_timeout(kpf_swsm_try, ok, ok || pf->hw.gone,
				KPF_SEM_POLL_US, KPF_SEM_TIMEOUT_US, false, pf);
	/* The one error that phylib takes quietly */
	return pf->hw.gone ? -ENODEV : err;
}

static int kpf_sem_try(struct kpf_dev *pf, u32 mask)
{
	u32 sync;
	int err;

	err = kpf_swsm_get(pf);
	if (err)
		return err;
	sync = kwl_rd32(&pf->hw, KWL_SW_FW_SYNC);
	if (sync & (mask | KWL_SW_FW_SYNC_FW(mask)))
		err = -EBUSY;
	else
		kwl_wr32(&pf->hw, KWL_SW_FW_SYNC, sync | mask);
	kpf_swsm_put(pf);
	return err;
}

/*
 * Own a resource that firmware and the card's other port use as well, one of
 * KWL_SW_FW_SYNC_*. Sleeps; kpf_sem_put() gives it back.
 */
int kpf_sem_get(struct kpf_dev *pf, u32 mask)
{
	int err, us;

	mutex_lock(&pf->sem_lock);
	for (us = 0; us < KPF_SYNC_TIMEOUT_US; us += KPF_SYNC_POLL_US) {
		err = kpf_sem_try(pf, mask);
		if (err != -EBUSY)
			break;
		fsleep(KPF_SYNC_POLL_US);
	}
	if (err)
		mutex_unlock(&pf->sem_lock);
	return err;
}

void kpf_sem_put(struct kpf_dev *pf, u32 mask)
{
	if (!kpf_swsm_get(pf)) {
		kwl_rmw32(&pf->hw, KWL_SW_FW_SYNC, mask, 0);
		kpf_swsm_put(pf);
	}
	mutex_unlock(&pf->sem_lock);
}
