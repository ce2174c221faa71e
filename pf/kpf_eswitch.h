/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode switchdev as devlink and the uplink's interface see it; eswitch.c */
#ifndef KPF_KPF_ESWITCH_H
#define KPF_KPF_ESWITCH_H

#include <linux/netdevice.h>
#include <net/devlink.h>

struct kpf_dev;

void kpf_eswitch_id(const struct kpf_dev *pf, struct netdev_phys_item_id *id);
int kpf_eswitch_get_port_parent_id(struct net_device *netdev,
				   struct netdev_phys_item_id *id);
netdev_features_t kpf_eswitch_fix_features(struct net_device *netdev,
					   netdev_features_t features);
int kpf_eswitch_mode_get(struct devlink *devlink, u16 *mode);
int kpf_eswitch_mode_set(struct devlink *devlink, u16 mode,
			 struct netlink_ext_ack *extack);
int kpf_eswitch_inline_mode_get(struct devlink *devlink, u8 *mode);
int kpf_eswitch_inline_mode_set(struct devlink *devlink, u8 mode,
				struct netlink_ext_ack *extack);
int kpf_eswitch_encap_mode_get(struct devlink *devlink,
			       enum devlink_eswitch_encap_mode *mode);
int kpf_eswitch_encap_mode_set(struct devlink *devlink,
			       enum devlink_eswitch_encap_mode mode,
			       struct netlink_ext_ack *extack);

/* brport.c */
int kpf_brport_register(void);
void kpf_brport_unregister(void);

#endif
