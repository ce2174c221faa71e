/* SPDX-License-Identifier: GPL-2.0-only */
/* What the PF shows by devlink, as its own files see it. */
#ifndef KPF_DEVLINK_H
#define KPF_DEVLINK_H

#include <linux/types.h>

struct devlink_port;
struct devlink_rate;
struct kpf_dev;
struct netlink_ext_ack;

enum kpf_health_event {
	KPF_HEALTH_TX_HANG,
	KPF_HEALTH_RX_STALL,
	KPF_HEALTH_VF_SHUT,
};

/* devlink.c */
struct kpf_dev *kpf_devlink_alloc(struct device *dev);
void kpf_devlink_free(struct kpf_dev *pf);
int kpf_devlink_init(struct kpf_dev *pf);
void kpf_devlink_fini(struct kpf_dev *pf);
void kpf_devlink_lock(struct kpf_dev *pf);
void kpf_devlink_unlock(struct kpf_dev *pf);

/* devlink_port.c */
int kpf_port_register(struct kpf_dev *pf);
void kpf_port_unregister(struct kpf_dev *pf);
int kpf_vf_ports_register(struct kpf_dev *pf, u16 num_vfs);
void kpf_vf_ports_unregister(struct kpf_dev *pf);
struct devlink_port *kpf_vf_port(struct kpf_dev *pf, u16 num);
int kpf_rate_set_max(struct devlink_rate *rate, void *priv, u64 tx_max,
		     struct netlink_ext_ack *extack);
int kpf_rate_set_share(struct devlink_rate *rate, void *priv, u64 tx_share,
		       struct netlink_ext_ack *extack);
void kpf_vf_port_note_rate(struct kpf_dev *pf, u16 num, int mbps);

/* health.c */
void kpf_health_init(struct kpf_dev *pf);
int kpf_health_create(struct kpf_dev *pf);
void kpf_health_destroy(struct kpf_dev *pf);
void kpf_health_start(struct kpf_dev *pf);
void kpf_health_stop(struct kpf_dev *pf);
void kpf_health_event(struct kpf_dev *pf, enum kpf_health_event event,
		      u16 which);

#endif
