// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink's ports: the one that the wire is plugged into, and one for each VF
 * with what the administrator may set of it. They are other doors to what
 * `ip link set PF vf N` does; see vf_ndo.c.
 */
#include <linux/etherdevice.h>
#include <net/devlink.h>

#include <kawela/lock.h>

#include "kpf_devlink.h"
#include "kpf_eswitch.h"
#include "kpf_vf.h"

/* devlink counts in bytes a second, the card in Mbit/s */
#define KPF_RATE_UNIT	(1000000 / BITS_PER_BYTE)

/* The numbers of the ports: the wire's, then the VFs' */
#define KPF_PORT_WIRE	0
#define KPF_PORT_VF(n)	(1 + (n))

/**
 * struct kpf_vf_port - the port of a VF
 * @port: devlink's part
 * @pf: its owner
 * @num: which VF
 */
struct kpf_vf_port {
	struct devlink_port port;
	struct kpf_dev *pf;
	u16 num;
};

static struct kpf_vf_port *kpf_vf_port_of(struct devlink_port *port)
{
	return container_of(port, struct kpf_vf_port, port);
}

/* Context: devlink's lock, which the interface cannot go away under. */
int kpf_port_register(struct kpf_dev *pf)
{
	struct devlink_port_attrs attrs = {
		.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL,
		.phys.port_number = pf->lan_id,
	};
	struct devlink_port *wire = kzalloc(sizeof(*wire), GFP_KERNEL);
	int err;

	if (!wire)
		return -ENOMEM;
	devlink_port_attrs_set(wire, &attrs);
	err = devl_port_register(priv_to_devlink(pf), wire, KPF_PORT_WIRE);
	if (err) {
		kfree(wire);
		return err;
	}
	SET_NETDEV_DEVLINK_PORT(pf->net->netdev, wire);
	pf->wire = wire;
	return 0;
}

/* After the interface has gone; before its memory goes */
void kpf_port_unregister(struct kpf_dev *pf)
{
	devl_port_unregister(pf->wire);
	kfree(pf->wire);
	pf->wire = NULL;
}

static int kpf_vf_port_get_addr(struct devlink_port *port, u8 *addr, int *len,
				struct netlink_ext_ack *extack)
{
	struct kpf_vf_port *vf = kpf_vf_port_of(port);
	struct ifla_vf_info info;
	int err;

	err = kpf_ndo_get_vf_config(vf->pf->net->netdev, vf->num, &info);
	if (err)
		return err;
	ether_addr_copy(addr, info.mac);
	*len = ETH_ALEN;
	return 0;
}

static int kpf_vf_port_set_addr(struct devlink_port *port, const u8 *addr,
				int len, struct netlink_ext_ack *extack)
{
	struct kpf_vf_port *vf = kpf_vf_port_of(port);
	u8 mac[ETH_ALEN];
	int err;

	if (len != ETH_ALEN) {
		NL_SET_ERR_MSG(extack, "an Ethernet address has six octets");
		return -EINVAL;
	}
	ether_addr_copy(mac, addr);
	kwl_ctl_lock(vf->pf->net->netdev);
	err = kpf_ndo_set_vf_mac(vf->pf->net->netdev, vf->num, mac);
	kwl_ctl_unlock(vf->pf->net->netdev);
	if (err == -EADDRINUSE)
		NL_SET_ERR_MSG(extack, "the PF or another VF has that address");
	else if (err == -EINVAL)
		NL_SET_ERR_MSG(extack, "not a unicast address");
	return err;
}

static const struct devlink_port_ops kpf_vf_port_ops = {
	.port_fn_hw_addr_get	= kpf_vf_port_get_addr,
	.port_fn_hw_addr_set	= kpf_vf_port_set_addr,
};

/* devlink_ops of the card */
int kpf_rate_set_max(struct devlink_rate *rate, void *priv, u64 tx_max,
		     struct netlink_ext_ack *extack)
{
	struct kpf_vf_port *vf = priv;
	u32 rest;
	int err;
	u64 mbps;

	mbps = div_u64_rem(tx_max, KPF_RATE_UNIT, &rest);
	if (rest || mbps > SPEED_1000) {
		NL_SET_ERR_MSG(extack,
			       "whole Mbit/s up to 1000, or 0 for no limit");
		return -EINVAL;
	}
	kwl_ctl_lock(vf->pf->net->netdev);
	err = kpf_ndo_set_vf_rate(vf->pf->net->netdev, vf->num, 0, mbps);
	kwl_ctl_unlock(vf->pf->net->netdev);
	return err;
}

int kpf_rate_set_share(struct devlink_rate *rate, void *priv, u64 tx_share,
		       struct netlink_ext_ack *extack)
{
	if (!tx_share)
		return 0;
	NL_SET_ERR_MSG(extack, "the 82576 limits rates, it guarantees none");
	return -EOPNOTSUPP;
}

/* `ip link` has set it. devlink only shows the number, and never a half one. */
void kpf_vf_port_note_rate(struct kpf_dev *pf, u16 num, int mbps)
{
	struct devlink_rate *rate;

	if (!pf->vf_ports)
		return;
	rate = pf->vf_ports[num].port.devlink_rate;
	if (rate)
		WRITE_ONCE(rate->tx_max, (u64)mbps * KPF_RATE_UNIT);
}

static int kpf_vf_port_register(struct kpf_dev *pf, struct kpf_vf_port *vf)
{
	struct devlink_port_attrs attrs = {
		.flavour = DEVLINK_PORT_FLAVOUR_PCI_VF,
		.pci_vf.pf = PCI_FUNC(vf->pf->pdev->devfn),
		.pci_vf.vf = vf->num,
	};
	struct devlink *devlink = priv_to_devlink(pf);
	int err;

	/* For its representor; in mode legacy nothing shows it */
	kpf_eswitch_id(pf, &attrs.switch_id);
	devlink_port_attrs_set(&vf->port, &attrs);
	err = devl_port_register_with_ops(devlink, &vf->port,
					  KPF_PORT_VF(vf->num),
					  &kpf_vf_port_ops);
	if (err)
		return err;
	err = devl_rate_leaf_create(&vf->port, vf, NULL);
	if (err)
		devl_port_unregister(&vf->port);
	return err;
}

static void kpf_vf_ports_drop(struct kpf_vf_port *ports, u16 count)
{
	while (count--) {
		devl_rate_leaf_destroy(&ports[count].port);
		devl_port_unregister(&ports[count].port);
	}
	kfree(ports);
}

/* Context: devlink's lock. */
static void kpf_vf_ports_unregister_locked(struct kpf_dev *pf)
{
	struct kpf_vf_port *ports;

	kpf_repr_destroy_all(pf);
	mutex_lock(&pf->sriov.lock);
	ports = pf->vf_ports;
	pf->vf_ports = NULL;
	mutex_unlock(&pf->sriov.lock);
	kpf_vf_ports_drop(ports, pf->num_vf_ports);
}

/* Context: devlink's lock. NULL if there are no VFs. */
struct devlink_port *kpf_vf_port(struct kpf_dev *pf, u16 num)
{
	return pf->vf_ports ? &pf->vf_ports[num].port : NULL;
}

/* Context: the device is locked, devlink and RTNL are not. */
int kpf_vf_ports_register(struct kpf_dev *pf, u16 num_vfs)
{
	struct kpf_vf_port *ports;
	int err = 0;
	u16 i;

	ports = kcalloc(num_vfs, sizeof(*ports), GFP_KERNEL);
	if (!ports)
		return -ENOMEM;
	kpf_devlink_lock(pf);
	for (i = 0; i < num_vfs && !err; i++) {
		ports[i].pf = pf;
		ports[i].num = i;
		err = kpf_vf_port_register(pf, &ports[i]);
	}
	if (err) {
		kpf_vf_ports_drop(ports, i - 1);
	} else {
		mutex_lock(&pf->sriov.lock);
		pf->vf_ports = ports;
		pf->num_vf_ports = num_vfs;
		mutex_unlock(&pf->sriov.lock);
		err = kpf_eswitch_is_switchdev(pf) ?
		      kpf_repr_create_all(pf, NULL) : 0;
		if (err)
			kpf_vf_ports_unregister_locked(pf);
	}
	kpf_devlink_unlock(pf);
	return err;
}

/* Context: as above. */
void kpf_vf_ports_unregister(struct kpf_dev *pf)
{
	kpf_devlink_lock(pf);
	kpf_vf_ports_unregister_locked(pf);
	kpf_devlink_unlock(pf);
}
