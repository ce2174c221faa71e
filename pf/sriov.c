// SPDX-License-Identifier: GPL-2.0-only
/* Virtual functions: making them, losing them, and the PF's resets. */
#include <linux/etherdevice.h>
#include <linux/jhash.h>
#include <linux/ktime.h>

#include <kawela/lock.h>

#include "kpf_vf.h"
#include "trace.h"

#define KPF_VF_DEVICE_ID	0x10ca

void kpf_sriov_init(struct kpf_dev *pf)
{
	mutex_init(&pf->sriov.lock);
	INIT_DELAYED_WORK(&pf->sriov.mbx_work, kpf_mbx_work);
}

/* Hard irq: somebody has mail, or was reset */
void kpf_sriov_irq(struct kpf_dev *pf)
{
	mod_delayed_work(system_dfl_wq, &pf->sriov.mbx_work, 0);
}

/* The PF has new addresses. Any context. */
void kpf_sriov_recheck(struct kpf_dev *pf)
{
	if (!pf->num_vfs)
		return;
	WRITE_ONCE(pf->sriov.recheck, true);
	kpf_sriov_irq(pf);
}

/*
 * The same address in every life of a VF, without anybody having to set it:
 * the PF's, made local and unlike that of any other VF by its last octets.
 */
static void kpf_vf_default_mac(const struct kpf_dev *pf, u8 num, u8 *mac)
{
	u32 hash = jhash(pf->perm_addr, ETH_ALEN, num);

	ether_addr_copy(mac, pf->perm_addr);
	mac[0] = (mac[0] | 0x02) & ~0x01;
	mac[3] = hash >> 8;
	mac[4] = hash;
	mac[5] = pf->perm_addr[5] + 1 + num;
}

static struct kpf_vf *kpf_vf_alloc(struct kpf_dev *pf, int num_vfs)
{
	struct kpf_vf *vf = kcalloc(num_vfs, sizeof(*vf), GFP_KERNEL);
	int i;

	if (!vf)
		return NULL;
	for (i = 0; i < num_vfs; i++) {
		vf[i].num = i;
		vf[i].admin.spoofchk = true;
		vf[i].admin.link_state = IFLA_VF_LINK_STATE_AUTO;
		vf[i].nack_after = jiffies;
		vf[i].port.mtu = ETH_DATA_LEN;
		kpf_quota_init(&vf[i].quota, ktime_to_ms(ktime_get()));
		kpf_vf_default_mac(pf, i, vf[i].default_mac);
	}
	return vf;
}

/* Context: any that may take a BH lock */
void kpf_vf_refresh_stats(struct kpf_dev *pf, struct kpf_vf *vf)
{
	const u32 regs[KPF_VF_NUM_STATS] = {
		[KPF_VF_RX_PACKETS]	= KWL_PVFGPRC(vf->num),
		[KPF_VF_TX_PACKETS]	= KWL_PVFGPTC(vf->num),
		[KPF_VF_RX_BYTES]	= KWL_PVFGORC(vf->num),
		[KPF_VF_TX_BYTES]	= KWL_PVFGOTC(vf->num),
		[KPF_VF_MULTICAST]	= KWL_PVFMPRC(vf->num),
	};
	int i;

	spin_lock_bh(&pf->stats_lock);
	for (i = 0; i < KPF_VF_NUM_STATS; i++) {
		if (READ_ONCE(pf->offline) || pf->hw.gone)
			break;
		kwl_count_see(&vf->stats[i], kwl_rd32(&pf->hw, regs[i]));
	}
	spin_unlock_bh(&pf->stats_lock);
}

/* What the card has counted for an earlier VF is not the new one's */
static void kpf_vf_begin_stats(struct kpf_dev *pf, struct kpf_vf *vf)
{
	int i;

	kpf_vf_refresh_stats(pf, vf);
	for (i = 0; i < KPF_VF_NUM_STATS; i++)
		vf->stats[i].total = 0;
}

/* Pools and PF ready for VFs that do not exist yet */
static int kpf_sriov_prepare(struct kpf_dev *pf, int num_vfs)
{
	struct kpf_net *net = pf->net;
	struct kpf_vf *vf;
	int err, i;

	vf = kpf_vf_alloc(pf, num_vfs);
	if (!vf)
		return -ENOMEM;

	kwl_ctl_lock(net->netdev);
	pf->sriov.user_pairs = net->port.cfg.pairs;
	err = kpf_eswitch_check(pf, pf->eswitch.mode, NULL);
	if (!err && pf->link.loopback) {
		netdev_err(net->netdev,
			   "no VFs while frames come back: turn loopback off first\n");
		err = -EBUSY;
	}
	if (!err)
		err = kpf_net_set_num_vfs(net, num_vfs, 1);
	if (err) {
		kwl_ctl_unlock(net->netdev);
		kfree(vf);
		return err;
	}
	mutex_lock(&pf->sriov.lock);
	pf->sriov.vf = vf;
	for (i = 0; i < num_vfs; i++) {
		trace_kpf_vf(pf->hw.dev, i, KPF_VF_MADE);
		kpf_vf_begin_stats(pf, &vf[i]);
		kpf_vf_forget(pf, &vf[i]);
	}
	mutex_unlock(&pf->sriov.lock);

	/* VFs work without the PF's interface */
	kpf_hw_enable(pf);
	kpf_link_start(pf);
	kpf_hw_notify_vfs(pf);
	if (!bitmap_empty(net->ntuple.used, KPF_RULES))
		netdev_info(net->netdev,
			    "rules for flows rest while there are VFs\n");
	kwl_ctl_unlock(net->netdev);
	return 0;
}

/* All of the card is the PF's again */
static void kpf_sriov_restore(struct kpf_dev *pf)
{
	struct kpf_net *net = pf->net;
	struct kpf_vf *vf;
	int err, i;

	kwl_ctl_lock(net->netdev);
	mutex_lock(&pf->sriov.lock);
	vf = pf->sriov.vf;
	pf->sriov.vf = NULL;
	for (i = 0; i < pf->num_vfs; i++)
		trace_kpf_vf(pf->hw.dev, i, KPF_VF_GONE);
	mutex_unlock(&pf->sriov.lock);
	cancel_delayed_work_sync(&pf->sriov.mbx_work);

	/* Memory may not suffice for as many rings as there were */
	err = kpf_net_set_num_vfs(net, 0, pf->sriov.user_pairs);
	if (err)
		err = kpf_net_set_num_vfs(net, 0, 1);
	if (err)
		netdev_err(net->netdev, "cannot leave the pools: %pe\n",
			   ERR_PTR(err));
	if (!netif_running(net->netdev)) {
		kpf_link_stop(pf);
		kpf_hw_disable(pf);
	}
	kwl_ctl_unlock(net->netdev);
	kfree(vf);
}

static int kpf_sriov_enable(struct kpf_dev *pf, int num_vfs)
{
	int err;

	if (!kpf_irq_has_other(pf)) {
		pci_err(pf->pdev, "VFs need MSI-X\n");
		return -EOPNOTSUPP;
	}
	if (num_vfs > KPF_MAX_VFS) {
		pci_err(pf->pdev, "at most %u VFs: one pool is the PF's\n",
			KPF_MAX_VFS);
		return -ERANGE;
	}
	err = kpf_sriov_prepare(pf, num_vfs);
	if (err)
		return err;
	err = kpf_vf_ports_register(pf, num_vfs);
	if (err)
		goto err_restore;
	/* VFs of this host probe, and say hello to us, in here */
	err = pci_enable_sriov(pf->pdev, num_vfs);
	if (err)
		goto err_ports;
	return num_vfs;

err_ports:
	kpf_vf_ports_unregister(pf);
err_restore:
	kpf_sriov_restore(pf);
	return err;
}

static void kpf_sriov_disable(struct kpf_dev *pf)
{
	if (!pf->num_vfs)
		return;
	/* VFs of this host say good-bye in here */
	pci_disable_sriov(pf->pdev);
	kpf_vf_ports_unregister(pf);
	kpf_sriov_restore(pf);
}

/* sysfs sriov_numvfs; the device is locked */
int kpf_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct kpf_dev *pf = pci_get_drvdata(pdev);

	/* Reloaded in vain */
	if (!pf->net)
		return -ENODEV;
	if (num_vfs)
		return kpf_sriov_enable(pf, num_vfs);
	kpf_sriov_disable(pf);
	return 0;
}

/* The driver leaves, and VFs cannot be without it */
void kpf_sriov_fini(struct kpf_dev *pf)
{
	kpf_sriov_disable(pf);
}

/*
 * A PCI reset of the PF takes the VFs off the bus for a moment, and only the
 * PF's own configuration is the core's business.
 */
void kpf_sriov_save_config(struct kpf_dev *pf, bool save)
{
	struct pci_dev *vf = NULL;

	if (!pf->num_vfs)
		return;
	while ((vf = pci_get_device(PCI_VENDOR_ID_INTEL, KPF_VF_DEVICE_ID,
				    vf))) {
		if (!vf->is_virtfn || pci_physfn(vf) != pf->pdev)
			continue;
		if (save)
			pci_save_state(vf);
		else
			pci_restore_state(vf);
	}
}

/*
 * A reset takes the VFs' queues, and no interrupt tells them. Say so while
 * the mailbox still works; their drivers also see it by themselves.
 * Context: Control locked (lock.h).
 */
void kpf_sriov_before_reset(struct kpf_dev *pf)
{
	int i;

	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++) {
		struct kpf_vf *vf = &pf->sriov.vf[i];

		kpf_vf_refresh_stats(pf, vf);
		trace_kpf_vf(pf->hw.dev, i, KPF_VF_FAREWELL);
		if (vf->cts)
			kpf_mbx_farewell(pf, vf);
		vf->cts = false;
	}
	mutex_unlock(&pf->sriov.lock);
}

/* The card counts from zero */
static void kpf_vf_restart_stats(struct kpf_dev *pf, struct kpf_vf *vf)
{
	int i;

	spin_lock_bh(&pf->stats_lock);
	for (i = 0; i < KPF_VF_NUM_STATS; i++)
		kwl_count_restart(&vf->stats[i]);
	spin_unlock_bh(&pf->stats_lock);
}

/* Pools as the administrator wants them; the VFs come and ask for the rest */
void kpf_sriov_after_reset(struct kpf_dev *pf)
{
	int i;

	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++) {
		kpf_vf_restart_stats(pf, &pf->sriov.vf[i]);
		kpf_vf_forget(pf, &pf->sriov.vf[i]);
	}
	mutex_unlock(&pf->sriov.lock);
	if (pf->num_vfs) {
		kpf_hw_enable(pf);
		kpf_hw_notify_vfs(pf);
	}
}

/* From phylib's work, under the PHY's lock: that one comes first */
void kpf_sriov_link_changed(struct kpf_dev *pf)
{
	int i;

	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++) {
		kpf_vf_apply(pf, &pf->sriov.vf[i]);
		kpf_vf_notify_state(pf, &pf->sriov.vf[i]);
	}
	mutex_unlock(&pf->sriov.lock);
}

/* Now and then; byte counters wrap after 34 seconds at line rate */
void kpf_sriov_service(struct kpf_dev *pf)
{
	int i;

	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++)
		kpf_vf_refresh_stats(pf, &pf->sriov.vf[i]);
	if (pf->sriov.vf)
		kpf_mbx_open_doors(pf);
	mutex_unlock(&pf->sriov.lock);
}
