// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wake-on-LAN: what ends the sleep of the system. The emulator keeps the
 * registers and never wakes anybody.
 */
#include <linux/ethtool.h>
#include <linux/phy.h>
#include <linux/pm_wakeup.h>

#include "kpf.h"

#define KPF_WAKE_SUPPORTED \
	(WAKE_PHY | WAKE_UCAST | WAKE_MCAST | WAKE_BCAST | WAKE_MAGIC)

static const struct {
	u32 opt;
	u32 wufc;
} kpf_wake_filters[] = {
	{ WAKE_PHY, KWL_WUFC_LNKC },
	{ WAKE_UCAST, KWL_WUFC_EX },
	{ WAKE_MCAST, KWL_WUFC_MC },
	{ WAKE_BCAST, KWL_WUFC_BC },
	{ WAKE_MAGIC, KWL_WUFC_MAG },
};

/*
 * Every board has what it takes on its first port; on another one the NVM
 * says so, and by default does what the NVM does without a driver.
 */
void kpf_wake_init(struct kpf_dev *pf)
{
	u16 at = pf->lan_id ? KWL_NVM_CTRL3_PORT_B : KWL_NVM_CTRL3_PORT_A;
	struct device *dev = &pf->pdev->dev;
	u16 word = 0;
	bool wakes;

	wakes = !kpf_nvm_read(pf, at, 1, &word) && word & KWL_NVM_CTRL3_APME;
	pf->wake_able = device_can_wakeup(dev) && (wakes || !pf->lan_id);
	pf->wake_opts = pf->wake_able && wakes ? WAKE_MAGIC : 0;
	device_set_wakeup_enable(dev, pf->wake_opts);
}

void kpf_get_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (!net->pf->wake_able)
		return;
	wol->supported = KPF_WAKE_SUPPORTED;
	wol->wolopts = net->pf->wake_opts;
}

int kpf_set_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_dev *pf = net->pf;
	struct device *dev = &pf->pdev->dev;

	if (!pf->wake_able || wol->wolopts & ~KPF_WAKE_SUPPORTED)
		return -EOPNOTSUPP;
	pf->wake_opts = wol->wolopts;
	/* Enabling what is enabled counts as an error there */
	if (device_may_wakeup(dev) == !!pf->wake_opts)
		return 0;
	return device_set_wakeup_enable(dev, pf->wake_opts);
}

static u32 kpf_wake_wufc(const struct kpf_dev *pf)
{
	u32 wufc = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(kpf_wake_filters); i++)
		if (pf->wake_opts & kpf_wake_filters[i].opt)
			wufc |= kpf_wake_filters[i].wufc;
	return wufc;
}

/*
 * The function is about to lose its power: let receiver and PHY go on, as far
 * as it takes to see what wakes us. Its addresses are still in the filters.
 * Context: Process, after kpf_link_stop() and kpf_hw_quiesce().
 */
void kpf_wake_arm(struct kpf_dev *pf)
{
	u32 wufc = kpf_wake_wufc(pf);
	struct kwl_hw *hw = &pf->hw;

	if (!wufc || !pf->net)
		return;
	phy_resume(pf->link.phy);
	kpf_filter_rmw_rctl(pf, 0, KWL_RCTL_EN | KWL_RCTL_BAM |
			    (wufc & KWL_WUFC_MC ? KWL_RCTL_MPE : 0));
	kwl_rmw32(hw, KWL_CTRL, 0, KWL_CTRL_ADVD3WUC);
	kwl_wr32(hw, KWL_WUS, U32_MAX);
	kwl_wr32(hw, KWL_WUFC, wufc);
	kwl_wr32(hw, KWL_WUC, KWL_WUC_PME_EN);
	kwl_flush(hw);
}

/* Awake; what woke us counts no more. Before the function is reset. */
void kpf_wake_disarm(struct kpf_dev *pf)
{
	struct kwl_hw *hw = &pf->hw;

	kwl_wr32(hw, KWL_WUC, 0);
	kwl_wr32(hw, KWL_WUFC, 0);
	kwl_wr32(hw, KWL_WUS, U32_MAX);
}
