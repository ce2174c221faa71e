// SPDX-License-Identifier: GPL-2.0-only
/* devlink of the card: what it is, its shared tables, its registers, reload. */
#include <linux/bitfield.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include <net/devlink.h>

#include <kawela/compat.h>

#include "kpf.h"
#include "kpf_devlink.h"
#include "kpf_eswitch.h"

/* Bytes of BAR 0, and so of the region: a register has its own offset there */
#define KPF_REGION_SIZE		SZ_128K
#define KPF_REGION_SNAPSHOTS	4

static int kpf_devlink_put_serial(struct kpf_dev *pf,
				  struct devlink_info_req *req)
{
	u8 bytes[sizeof(u64)];
	char text[32];
	u64 serial;

	serial = pci_get_dsn(pf->pdev);
	if (!serial)
		return 0;
	put_unaligned_be64(serial, bytes);
	snprintf(text, sizeof(text), "%8phD", bytes);
	return devlink_info_serial_number_put(req, text);
}

static int kpf_devlink_put_board(struct kpf_dev *pf,
				 struct devlink_info_req *req)
{
	char text[KPF_PBA_LEN];
	int err;

	err = kpf_nvm_read_pba(pf, text);
	/* A board without a number is no reason to hide the rest */
	if (err)
		return err == -ENODATA ? 0 : err;
	return devlink_info_version_fixed_put(req,
					      DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
					      text);
}

static int kpf_devlink_info_get(struct devlink *devlink,
				struct devlink_info_req *req,
				struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_priv(devlink);
	char text[16];
	int err;

	err = kpf_devlink_put_serial(pf, req);
	if (err)
		return err;
	err = devlink_info_version_fixed_put(req,
					     DEVLINK_INFO_VERSION_GENERIC_ASIC_ID,
					     "82576");
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u", pf->pdev->revision);
	err = devlink_info_version_fixed_put(req,
					     DEVLINK_INFO_VERSION_GENERIC_ASIC_REV,
					     text);
	if (err)
		return err;
	err = kpf_devlink_put_board(pf, req);
	if (err) {
		NL_SET_ERR_MSG(extack, "the NVM cannot be read");
		return err;
	}
	kpf_nvm_version(pf, text, sizeof(text));
	return devlink_info_version_running_put(req, "fw.nvm", text);
}

static int kpf_devlink_reload_down(struct devlink *devlink, bool netns_change,
				   enum devlink_reload_action action,
				   enum devlink_reload_limit limit,
				   struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_priv(devlink);

	if (netns_change) {
		NL_SET_ERR_MSG(extack,
			       "the card stays in its namespace: move its interface");
		return -EOPNOTSUPP;
	}
	/* They would be taken from the guests that use them */
	if (pf->num_vfs) {
		NL_SET_ERR_MSG(extack,
			       "there are VFs: write 0 to sriov_numvfs first");
		return -EBUSY;
	}
	/* Unless it was reloaded in vain, and nothing is there */
	if (pf->net)
		kpf_unload(pf);
	return 0;
}

static int kpf_devlink_reload_up(struct devlink *devlink,
				 enum devlink_reload_action action,
				 enum devlink_reload_limit limit,
				 u32 *actions_performed,
				 struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_priv(devlink);
	int err;

	*actions_performed = BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT);
	err = kpf_load(pf);
	if (err)
		NL_SET_ERR_MSG(extack, "the card does not start again");
	return err;
}

static const struct devlink_ops kpf_devlink_ops = {
	.info_get		= kpf_devlink_info_get,
	.reload_actions		= BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT),
	.reload_down		= kpf_devlink_reload_down,
	.reload_up		= kpf_devlink_reload_up,
	.rate_leaf_tx_max_set	= kpf_rate_set_max,
	.rate_leaf_tx_share_set	= kpf_rate_set_share,
	.eswitch_mode_get	= kpf_eswitch_mode_get,
	.eswitch_mode_set	= kpf_eswitch_mode_set,
	.eswitch_inline_mode_get = kpf_eswitch_inline_mode_get,
	.eswitch_inline_mode_set = kpf_eswitch_inline_mode_set,
	.eswitch_encap_mode_get	= kpf_eswitch_encap_mode_get,
	.eswitch_encap_mode_set	= kpf_eswitch_encap_mode_set,
};

/* Tables that the PF and all VFs share */

enum kpf_resource {
	KPF_RESOURCE_UNICAST = 1,
	KPF_RESOURCE_MULTICAST,
	KPF_RESOURCE_VLANS,
	KPF_RESOURCE_POOLS,
};

static u64 kpf_resource_unicast(void *priv)
{
	return kpf_filter_count_unicast(priv);
}

static u64 kpf_resource_multicast(void *priv)
{
	return kpf_filter_count_groups(priv);
}

static u64 kpf_resource_vlans(void *priv)
{
	return kpf_filter_count_vlans(priv);
}

/* One for each VF, and one for the PF; without VFs there are none */
static u64 kpf_resource_pools(void *priv)
{
	struct kpf_dev *pf = priv;

	return pf->num_vfs ? pf->num_vfs + 1 : 0;
}

static const struct {
	const char *name;
	u64 id;
	u64 size;
	devlink_resource_occ_get_t *occ_get;
} kpf_resources[] = {
	{ "unicast_filters", KPF_RESOURCE_UNICAST, KWL_RAR_ENTRIES,
	  kpf_resource_unicast },
	{ "multicast_buckets", KPF_RESOURCE_MULTICAST, 32 * KWL_MTA_WORDS,
	  kpf_resource_multicast },
	{ "vlan_pool_filters", KPF_RESOURCE_VLANS, KWL_VLVF_ENTRIES,
	  kpf_resource_vlans },
	{ "pools", KPF_RESOURCE_POOLS, KWL_MAX_POOLS, kpf_resource_pools },
};

static int kpf_resources_register(struct kpf_dev *pf)
{
	struct devlink *devlink = priv_to_devlink(pf);
	struct devlink_resource_size_params params;
	int err, i;

	for (i = 0; i < ARRAY_SIZE(kpf_resources); i++) {
		devlink_resource_size_params_init(&params,
						  kpf_resources[i].size,
						  kpf_resources[i].size, 1,
						  DEVLINK_RESOURCE_UNIT_ENTRY);
		err = devl_resource_register(devlink, kpf_resources[i].name,
					     kpf_resources[i].size,
					     kpf_resources[i].id,
					     DEVLINK_RESOURCE_ID_PARENT_TOP,
					     &params);
		if (err)
			goto err_unregister;
		devl_resource_occ_get_register(devlink, kpf_resources[i].id,
					       kpf_resources[i].occ_get, pf);
	}
	return 0;

err_unregister:
	devl_resources_unregister(devlink);
	return err;
}

static void kpf_resources_unregister(struct kpf_dev *pf)
{
	struct devlink *devlink = priv_to_devlink(pf);
	int i;

	for (i = 0; i < ARRAY_SIZE(kpf_resources); i++)
		devl_resource_occ_get_unregister(devlink, kpf_resources[i].id);
	devl_resources_unregister(devlink);
}

/* Registers that may not be read without an effect read as zero here */
static int kpf_region_snapshot(struct devlink *devlink,
			       const struct devlink_region_ops *ops,
			       struct netlink_ext_ack *extack, u8 **data)
{
	struct kpf_dev *pf = devlink_priv(devlink);
	u32 *dump, *image;
	int len, i;

	if (READ_ONCE(pf->offline) || pf->hw.gone || !pf->net) {
		NL_SET_ERR_MSG(extack, "the card is away");
		return -ENODEV;
	}
	len = kpf_regdump_len();
	dump = kmalloc(len, GFP_KERNEL);
	image = vzalloc(KPF_REGION_SIZE);
	if (!dump || !image) {
		kfree(dump);
		vfree(image);
		return -ENOMEM;
	}
	kpf_regdump(pf, dump);
	for (i = 0; i < len / sizeof(u32); i += 2)
		image[dump[i] / sizeof(u32)] = dump[i + 1];
	kfree(dump);
	*data = (u8 *)image;
	return 0;
}

static const struct devlink_region_ops kpf_region_ops = {
	.name		= "registers",
	.destructor	= vfree,
	.snapshot	= kpf_region_snapshot,
};

/*
 * All of it lives as long as the driver is bound, reloads included.
 * Context: devlink's lock.
 */
int kpf_devlink_init(struct kpf_dev *pf)
{
	struct devlink *devlink = priv_to_devlink(pf);
	int err;

	err = kpf_resources_register(pf);
	if (err)
		return err;
	pf->region = devl_region_create(devlink, &kpf_region_ops,
					KPF_REGION_SNAPSHOTS, KPF_REGION_SIZE);
	if (IS_ERR(pf->region)) {
		err = PTR_ERR(pf->region);
		goto err_resources;
	}
	err = kpf_health_create(pf);
	if (err)
		goto err_region;
	err = devl_register(devlink);
	if (err)
		goto err_health;
	kpf_health_start(pf);
	return 0;

err_health:
	kpf_health_destroy(pf);
err_region:
	devl_region_destroy(pf->region);
err_resources:
	kpf_resources_unregister(pf);
	return err;
}

/* Context: devlink's lock; kpf_health_stop() comes first, without it. */
void kpf_devlink_fini(struct kpf_dev *pf)
{
	devl_unregister(priv_to_devlink(pf));
	kpf_health_destroy(pf);
	devl_region_destroy(pf->region);
	kpf_resources_unregister(pf);
}

void kpf_devlink_lock(struct kpf_dev *pf)
{
	devl_lock(priv_to_devlink(pf));
}

void kpf_devlink_unlock(struct kpf_dev *pf)
{
	devl_unlock(priv_to_devlink(pf));
}

/* The function's own structure is devlink's private part */
struct kpf_dev *kpf_devlink_alloc(struct device *dev)
{
	struct devlink *devlink;

	devlink = devlink_alloc(&kpf_devlink_ops, sizeof(struct kpf_dev), dev);
	return devlink ? devlink_priv(devlink) : NULL;
}

void kpf_devlink_free(struct kpf_dev *pf)
{
	devlink_free(priv_to_devlink(pf));
}
