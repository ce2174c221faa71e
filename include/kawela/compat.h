/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows kernel versions. Everything else is written for
 * the newest supported kernel (7.2); this file lends its interfaces to 6.12.
 */
#ifndef KAWELA_COMPAT_H
#define KAWELA_COMPAT_H

#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/version.h>
#include <net/devlink.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/page_pool/types.h>
#include <net/sch_generic.h>
#include <net/xdp.h>
#include <net/xdp_sock_drv.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)

#define KWL_IMPORT_NS	MODULE_IMPORT_NS(KAWELA)

/* An entry of the forwarding database like any other, if fn_check() agrees */
#define KWL_DEFINE_FDB_ADD(fn)						\
static int fn(struct ndmsg *ndm, struct nlattr *tb[],			\
	      struct net_device *dev, const unsigned char *addr,	\
	      u16 vid, u16 flags, struct netlink_ext_ack *extack)	\
{									\
	return fn##_check(dev, addr, extack) ?:				\
	       ndo_dflt_fdb_add(ndm, tb, dev, addr, vid, flags);	\
}

static inline void
netif_napi_add_config_locked(struct net_device *dev, struct napi_struct *napi,
			     int (*poll)(struct napi_struct *, int), int index)
{
	netif_napi_add(dev, napi, poll);
}

#define KWL_DEFINE_QUEUE_MGMT_OPS(name, mem, alloc, free, start, stop)	\
const struct netdev_queue_mgmt_ops name = {				\
	.ndo_queue_mem_size	= sizeof(mem),				\
	.ndo_queue_mem_alloc	= alloc,				\
	.ndo_queue_mem_free	= free,					\
	.ndo_queue_start	= start,				\
	.ndo_queue_stop		= stop,					\
}

/* All ethtool operations have RTNL there; brings its comma along */
#define KWL_ETHTOOL_NEEDS_RTNL(bits)

/* Interfaces have no lock of their own there */
static inline void netdev_lock_ops(struct net_device *dev) {}
static inline void netdev_unlock_ops(struct net_device *dev) {}

#define napi_enable_locked(napi)		napi_enable(napi)
#define napi_disable_locked(napi)		napi_disable(napi)
#define netif_napi_set_irq_locked(napi, irq)	netif_napi_set_irq(napi, irq)
#define netif_napi_del_locked(napi)		netif_napi_del(napi)

#define net_dim(dim, sample)	net_dim(dim, *(sample))

/* Newer cores ask it by themselves before header split ends */
static inline bool netif_rxq_has_unreadable_mp(struct net_device *dev,
					       unsigned int queue)
{
	return __netif_get_rx_queue(dev, queue)->mp_params.mp_priv;
}

/* Memory of other devices is for receive only there */
static inline void kwl_set_netmem_tx(struct net_device *dev) {}

/* A user can not ask for a threshold there */
#define ETHTOOL_RING_USE_HDS_THRS	0

#define xdp_set_features_flag_locked(dev, val)				\
	xdp_set_features_flag(dev, val)

#define page_pool_dev_alloc_netmems(pool)				\
	page_pool_alloc_netmems(pool, GFP_ATOMIC | __GFP_NOWARN)
#define page_pool_recycle_direct_netmem(pool, netmem)			\
	page_pool_put_full_netmem(pool, netmem, true)

/* Fragments of neighbours are never merged here; the callers' have their pages */
static inline bool __xdp_buff_add_frag(struct xdp_buff *xdp, netmem_ref netmem,
				       u32 offset, u32 size)
{
	struct skb_shared_info *sinfo = xdp_get_shared_info_from_buff(xdp);

	if (!xdp_buff_has_frags(xdp)) {
		xdp_buff_set_frags_flag(xdp);
		sinfo->nr_frags = 0;
		sinfo->xdp_frags_size = 0;
	} else if (unlikely(sinfo->nr_frags == MAX_SKB_FRAGS)) {
		return false;
	}
	__skb_fill_netmem_desc_noacc(sinfo, sinfo->nr_frags++, netmem, offset,
				     size);
	sinfo->xdp_frags_size += size;
	return true;
}

static inline bool xdp_buff_add_frag(struct xdp_buff *xdp, netmem_ref netmem,
				     u32 offset, u32 size, u32 truesize)
{
	if (!__xdp_buff_add_frag(xdp, netmem, offset, size))
		return false;
	if (unlikely(netmem_is_pfmemalloc(netmem)))
		xdp_buff_set_frag_pfmemalloc(xdp);
	return true;
}

#define xdp_buff_get_skb_flags(xdp)	((xdp)->flags)

#define xdp_update_skb_frags_info(skb, nr_frags, size, truesize, flags)	\
	xdp_update_skb_shared_info(skb, nr_frags, size, truesize,	\
				   (flags) & XDP_FLAGS_FRAGS_PF_MEMALLOC)

/* The memory of a socket is mapped anew: there is no page behind the netmem */
static inline bool kwl_xsk_buff_add_frag(struct xdp_buff *head,
					 struct xdp_buff *xdp)
{
	const void *data = xdp->data;

	if (!__xdp_buff_add_frag(head, virt_to_netmem((void *)data),
				 offset_in_page(data), xdp->data_end - data))
		return false;
	xsk_buff_add_frag(xdp);
	return true;
}

#define xsk_buff_add_frag(head, xdp)	kwl_xsk_buff_add_frag(head, xdp)

static inline void kwl_xsk_tx_request(struct xsk_buff_pool *pool,
				      const struct xdp_desc *desc,
				      const struct xsk_tx_metadata_ops *ops,
				      struct xsk_tx_metadata_compl *compl,
				      void *priv)
{
	struct xsk_tx_metadata *meta =
		xsk_buff_get_metadata(pool, desc->addr, desc->options);

	compl->tx_timestamp = NULL;
	xsk_tx_metadata_request(meta, ops, priv);
	xsk_tx_metadata_to_compl(meta, compl);
}

/* Undone by page_pool_disable_direct_recycling(), which 6.12 does export */
static inline void
page_pool_enable_direct_recycling(struct page_pool *pool,
				  struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}

#else

#include <net/netdev_lock.h>

/* What is in front of a frame that a socket sends, if it says so */
static inline void kwl_xsk_tx_request(struct xsk_buff_pool *pool,
				      const struct xdp_desc *desc,
				      const struct xsk_tx_metadata_ops *ops,
				      struct xsk_tx_metadata_compl *compl,
				      void *priv)
{
	struct xsk_tx_metadata *meta =
		xsk_buff_get_metadata(pool, desc->addr, desc->options);

	xsk_tx_metadata_request(pool, &meta, ops, priv);
	xsk_tx_metadata_to_compl(meta, compl);
}

#define KWL_IMPORT_NS	MODULE_IMPORT_NS("KAWELA")

/* A queue has nothing to be configured but its memory */
#define KWL_DEFINE_QUEUE_MGMT_OPS(name, mem, alloc, free, start, stop)	\
static int name##_alloc(struct net_device *dev,				\
			struct netdev_queue_config *qcfg,		\
			void *per_queue_mem, int idx)			\
{									\
	return alloc(dev, per_queue_mem, idx);				\
}									\
static int name##_start(struct net_device *dev,				\
			struct netdev_queue_config *qcfg,		\
			void *per_queue_mem, int idx)			\
{									\
	return start(dev, per_queue_mem, idx);				\
}									\
const struct netdev_queue_mgmt_ops name = {				\
	.ndo_queue_mem_size	= sizeof(mem),				\
	.ndo_queue_mem_alloc	= name##_alloc,				\
	.ndo_queue_mem_free	= free,					\
	.ndo_queue_start	= name##_start,				\
	.ndo_queue_stop		= stop,					\
}

#define KWL_ETHTOOL_NEEDS_RTNL(bits)	.op_needs_rtnl = (bits),

static inline void kwl_set_netmem_tx(struct net_device *dev)
{
	dev->netmem_tx = NETMEM_TX_DMA;
}

#define KWL_DEFINE_FDB_ADD(fn)						\
static int fn(struct ndmsg *ndm, struct nlattr *tb[],			\
	      struct net_device *dev, const unsigned char *addr,	\
	      u16 vid, u16 flags, bool *notified,			\
	      struct netlink_ext_ack *extack)				\
{									\
	return fn##_check(dev, addr, extack) ?:				\
	       ndo_dflt_fdb_add(ndm, tb, dev, addr, vid, flags);	\
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)

/* The old callback runs with the address lists locked: hand them over live */
#define KWL_DEFINE_SET_RX_MODE(fn)					\
static void fn##_locked(struct net_device *dev)				\
{									\
	fn(dev, &dev->uc, &dev->mc);					\
}

#define KWL_SET_RX_MODE(fn)	.ndo_set_rx_mode = fn##_locked

/* The number of rings is one more question to the old callback */
#define KWL_DEFINE_RXNFC(count, get)					\
static int get##_or_rings(struct net_device *dev,			\
			  struct ethtool_rxnfc *cmd, u32 *locations)	\
{									\
	if (cmd->cmd != ETHTOOL_GRXRINGS)				\
		return get(dev, cmd, locations);			\
	cmd->data = count(dev);						\
	return 0;							\
}

#define KWL_RXNFC(count, get)	.get_rxnfc = get##_or_rings

/* The grace period is the reporter's own there */
#define devl_health_reporter_create(devlink, ops, priv)			\
	devl_health_reporter_create(devlink, ops, 0, priv)

/* Resets the qdiscs always */
#define dev_deactivate(dev, reset_needed)	dev_deactivate(dev)

#else

#define KWL_DEFINE_SET_RX_MODE(fn)
#define KWL_SET_RX_MODE(fn)	.ndo_set_rx_mode_async = fn
#define KWL_DEFINE_RXNFC(count, get)
#define KWL_RXNFC(count, get)	.get_rx_ring_count = (count), .get_rxnfc = (get)

#endif

#endif
