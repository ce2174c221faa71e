// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool -t: link, NVM and interrupt online; registers and loopback, too,
 * when the interface may be taken offline.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>

#include <kawela/compat.h>

#include "kpf.h"

enum {
	KPF_TEST_REGISTERS,
	KPF_TEST_NVM,
	KPF_TEST_INTERRUPT,
	KPF_TEST_LOOPBACK,
	KPF_TEST_LINK,
};

const char kpf_selftest_names[KPF_SELFTESTS][ETH_GSTRING_LEN] = {
	[KPF_TEST_REGISTERS]	= "Registers (offline)",
	[KPF_TEST_NVM]		= "NVM checksum",
	[KPF_TEST_INTERRUPT]	= "Interrupt",
	[KPF_TEST_LOOPBACK]	= "Loopback (offline)",
	[KPF_TEST_LINK]		= "Link",
};

#define KPF_TEST_POLL_US	10000
/* Fits into the shortest ring at once */
#define KPF_LOOP_FRAMES		32
#define KPF_LOOP_LEN		512
#define KPF_LOOP_TIMEOUT_MS	1000
#define KPF_IRQ_TIMEOUT_MS	200
#define KPF_LINK_TIMEOUT_MS	4000

/* Registers that keep what is written, and the bits that do */
static const struct {
	u32 reg;
	u32 bits;
} kpf_test_regs[] = {
	{ KWL_PF_RXQ(0) + KWL_RDBAL, 0xffffff80 },
	{ KWL_PF_RXQ(0) + KWL_RDBAH, 0xffffffff },
	{ KWL_PF_RXQ(0) + KWL_RDLEN, 0x0007ff80 },
	{ KWL_PF_TXQ(0) + KWL_TDBAL, 0xffffff80 },
	{ KWL_PF_TXQ(0) + KWL_TDBAH, 0xffffffff },
	{ KWL_PF_TXQ(0) + KWL_TDLEN, 0x0007ff80 },
	{ KWL_MTA(0), 0xffffffff },
	{ KWL_MTA(KWL_MTA_WORDS - 1), 0xffffffff },
	{ KWL_VFTA(1), 0xffffffff },
	{ KWL_RA(1), 0xffffffff },
	{ KWL_RETA(0), 0x0f0f0f0f },
	{ KWL_RSSRK(0), 0xffffffff },
};

static const u32 kpf_test_patterns[] = {
	0x5a5a5a5a, 0xa5a5a5a5, 0x00000000, 0xffffffff,
};

/* Queues stopped; kpf_reset() puts the registers back afterwards */
static int kpf_test_registers(struct kpf_dev *pf)
{
	u32 want, have;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(kpf_test_regs); i++) {
		u32 bits = kpf_test_regs[i].bits;

		/* The emulator keeps 20 bits of a length, all of a table */
		for (j = 0; j < ARRAY_SIZE(kpf_test_patterns); j++) {
			want = kpf_test_patterns[j] & bits;
			kwl_wr32(&pf->hw, kpf_test_regs[i].reg, want);
			have = kwl_rd32(&pf->hw, kpf_test_regs[i].reg) & bits;
			if (have == want)
				continue;
			netdev_err(pf->net->netdev,
				   "register %#x: wrote %#x, read %#x\n",
				   kpf_test_regs[i].reg, want, have);
			return -EIO;
		}
	}
	return 0;
}

/* Raise a link event by hand and see whether the handler runs */
static int kpf_test_interrupt(struct kpf_dev *pf)
{
	u32 before = READ_ONCE(pf->link_irqs);
	int ms;

	kwl_wr32(&pf->hw, KWL_ICS, KWL_ICR_LSC);
	for (ms = 0; ms < KPF_IRQ_TIMEOUT_MS; ms += 10) {
		if (READ_ONCE(pf->link_irqs) != before)
			return 0;
		fsleep(KPF_TEST_POLL_US);
	}
	return -ETIMEDOUT;
}

/* What comes back in the loopback test */
struct kpf_loop {
	struct packet_type pt;
	atomic_t good;
	atomic_t bad;
};

static u8 kpf_loop_byte(int i)
{
	return i * 7 + (i >> 8);
}

static bool kpf_loop_check(struct sk_buff *skb)
{
	int i;

	if (skb->len < KPF_LOOP_LEN || skb_linearize(skb))
		return false;
	for (i = 0; i < KPF_LOOP_LEN; i++)
		if (skb->data[i] != kpf_loop_byte(i))
			return false;
	return true;
}

static int kpf_loop_rcv(struct sk_buff *skb, struct net_device *netdev,
			struct packet_type *pt, struct net_device *orig)
{
	struct kpf_loop *loop = container_of(pt, struct kpf_loop, pt);

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NET_RX_DROP;
	if (kpf_loop_check(skb))
		atomic_inc(&loop->good);
	else
		atomic_inc(&loop->bad);
	kfree_skb(skb);
	return NET_RX_SUCCESS;
}

static struct sk_buff *kpf_loop_frame(struct net_device *netdev)
{
	struct sk_buff *skb;
	u8 *data;
	int i;

	skb = netdev_alloc_skb(netdev, ETH_HLEN + KPF_LOOP_LEN);
	if (!skb)
		return NULL;
	skb_reserve(skb, ETH_HLEN);
	data = skb_put(skb, KPF_LOOP_LEN);
	for (i = 0; i < KPF_LOOP_LEN; i++)
		data[i] = kpf_loop_byte(i);
	eth_header(skb, netdev, ETH_P_LOOPBACK, netdev->dev_addr,
		   netdev->dev_addr, KPF_LOOP_LEN);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	return skb;
}

/* One frame into queue 0, past the stack, whose queues are stopped */
static int kpf_loop_send(struct net_device *netdev)
{
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, 0);
	struct sk_buff *skb = kpf_loop_frame(netdev);

	if (!skb)
		return -ENOMEM;
	skb_set_queue_mapping(skb, 0);
	local_bh_disable();
	__netif_tx_lock(txq, smp_processor_id());
	kwl_xmit(skb, netdev);
	__netif_tx_unlock(txq);
	local_bh_enable();
	return 0;
}

static int kpf_loop_run(struct kpf_net *net, struct kpf_loop *loop)
{
	int ms, sent, err;

	for (sent = 0; sent < KPF_LOOP_FRAMES; sent++) {
		err = kpf_loop_send(net->netdev);
		if (err)
			return err;
	}
	for (ms = 0; ms < KPF_LOOP_TIMEOUT_MS; ms += 10) {
		if (atomic_read(&loop->good) + atomic_read(&loop->bad) >= sent)
			break;
		fsleep(KPF_TEST_POLL_US);
	}
	return atomic_read(&loop->good) == sent ? 0 : -EIO;
}

static int kpf_test_link(struct kpf_net *net)
{
	int ms;

	/* A test that went before may have made the link renegotiate */
	for (ms = 0; ms < KPF_LINK_TIMEOUT_MS; ms += 50) {
		if (netif_carrier_ok(net->netdev))
			return 0;
		msleep(50);
	}
	return -ENOLINK;
}

/* The interface runs; nothing else goes out meanwhile */
static int kpf_test_loopback(struct kpf_net *net)
{
	struct kpf_loop loop = {
		.pt = {
			.type = htons(ETH_P_LOOPBACK),
			.dev = net->netdev,
			.func = kpf_loop_rcv,
		},
	};
	int err;

	/* Without a link the emulator takes frames in from nowhere */
	kpf_test_link(net);

	dev_deactivate(net->netdev, true);
	dev_add_pack(&loop.pt);
	err = kpf_link_loopback(net->pf, true);
	if (!err)
		err = kpf_loop_run(net, &loop);
	if (kpf_link_loopback(net->pf, net->pf->link.loopback) && !err)
		err = -EIO;
	dev_remove_pack(&loop.pt);
	dev_activate(net->netdev);
	return err;
}

static void kpf_test_note(struct ethtool_test *test, u64 *data, int which,
			  int err)
{
	data[which] = err ? 1 : 0;
	if (err)
		test->flags |= ETH_TEST_FL_FAILED;
}

static void kpf_test_offline(struct kpf_net *net, struct ethtool_test *test,
			     u64 *data)
{
	int err;

	kpf_net_stop(net);
	kpf_test_note(test, data, KPF_TEST_REGISTERS,
		      kpf_test_registers(net->pf));
	err = kpf_reset(net->pf);
	if (!err)
		err = kpf_test_loopback(net);
	/* Silicon's MAC has its speed forced now */
	if (!net->pf->emulated && kpf_reset(net->pf) && !err)
		err = -EIO;
	kpf_test_note(test, data, KPF_TEST_LOOPBACK, err);
}

/*
 * Run the tests that @test asks for, under RTNL. Offline tests need an
 * interface that is up; the result of those that were not run is 0, as
 * ethtool prints it.
 */
void kpf_selftest(struct kpf_net *net, struct ethtool_test *test, u64 *data)
{
	struct kpf_dev *pf = net->pf;

	memset(data, 0, KPF_SELFTESTS * sizeof(*data));

	if (test->flags & ETH_TEST_FL_OFFLINE && pf->num_vfs) {
		netdev_warn(net->netdev, "no offline tests: VFs are in use\n");
		kpf_test_note(test, data, KPF_TEST_REGISTERS, -EBUSY);
		kpf_test_note(test, data, KPF_TEST_LOOPBACK, -EBUSY);
	} else if (test->flags & ETH_TEST_FL_OFFLINE) {
		if (netif_running(net->netdev))
			kpf_test_offline(net, test, data);
		else
			kpf_test_note(test, data, KPF_TEST_REGISTERS,
				      kpf_test_registers(pf) ?: kpf_reset(pf));
	}
	kpf_test_note(test, data, KPF_TEST_NVM, kpf_nvm_validate(pf));
	if (netif_running(net->netdev) || kpf_irq_has_other(pf))
		kpf_test_note(test, data, KPF_TEST_INTERRUPT,
			      kpf_test_interrupt(pf));
	if (netif_running(net->netdev))
		kpf_test_note(test, data, KPF_TEST_LINK, kpf_test_link(net));
}
