// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clock and time stamps. The card's counter runs freely, one unit a
 * nanosecond, and is never adjusted: rate and offset of the clock are
 * arithmetic on top. That makes steps and settings exact and changes of rate
 * finer than the 0.12 ppm that TIMINCA knows at best, stamps that were taken
 * before a change convert like those after it, and the clock goes on through
 * resets, which the counter does not survive.
 *
 * Locking: @lock protects the members it stands above and pairs of registers
 * whose halves belong together; leaf, interrupts off. @rx_filter and
 * stamper.tx_on change under RTNL. stamper.skb belongs to whoever has set bit
 * 0 of stamper.busy: the transmit path until it queues the work, the work
 * from then on. So does stamper.compl, which NAPI keeps instead.
 */
#include <linux/bitfield.h>
#include <linux/iopoll.h>
#include <linux/math64.h>
#include <linux/net_tstamp.h>
#include <linux/ptp_classify.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/slab.h>
#include <linux/udp.h>

#include "kpf.h"

/* Any crystal is off by less; the rest is for working off an offset */
#define KPF_PTP_MAX_PPB		1000000
/* Rate 1, in fractions of which rates are counted */
#define KPF_PTP_RATE_SHIFT	40
#define KPF_PTP_RATE_ONE	BIT_ULL(KPF_PTP_RATE_SHIFT)

/* A frame that has not left by then does without its stamp */
#define KPF_PTP_TX_MS		100
#define KPF_PTP_TX_POLL_US	50
/* More than two clocks drift apart meanwhile */
#define KPF_PTP_TX_SLACK_NS	(100 * NSEC_PER_USEC)

/* How often to look for stamps that nobody takes */
#define KPF_PTP_LOOK		HZ

/**
 * struct kpf_ptp - clock and time stamps
 * @stamper: the data path's view
 * @pf: the function
 * @clock: as registered
 * @info: its operations
 * @rx_filter: which received frames are stamped, HWTSTAMP_FILTER_*
 * @tx_done: transmit stamps delivered
 */
struct kpf_ptp {
	struct kwl_stamper stamper;
	struct kpf_dev *pf;
	struct ptp_clock *clock;
	struct ptp_clock_info info;
	u32 rx_filter;
	atomic64_t tx_done;

	/** @lock: protects what follows */
	spinlock_t lock;
	/** @shift: what to add to the counter to go on where it was reset */
	u64 shift;
	/** @held: the counter is not to be read */
	bool held;
	/** @last_raw: shifted counter at the last look ... */
	u64 last_raw;
	/** @last_boot: ... and when that was, by the boot-time clock */
	u64 last_boot;
	/** @base_raw: at this shifted count ... */
	u64 base_raw;
	/** @base_ns: ... it was this time, and ... */
	u64 base_ns;
	/** @rate: ... since then a count is that much, in KPF_PTP_RATE_ONE */
	u64 rate;
	/** @rx_taken: received stamps taken */
	u32 rx_taken;
	/** @rx_seen: @rx_taken when a stamp waited at the last look */
	u32 rx_seen;
	/** @rx_waits: there was one */
	bool rx_waits;
};

static u64 kpf_ptp_pair(struct kwl_hw *hw, u32 low, u32 high)
{
	u32 val = kwl_rd32(hw, low);

	return val | (u64)kwl_rd32(hw, high) << 32;
}

/* Where the counter should be, by the system's clock */
static u64 kpf_ptp_extrapolate(const struct kpf_ptp *ptp)
{
	return ptp->last_raw + ktime_get_boottime_ns() - ptp->last_boot;
}

/* The shifted counter; reading the low half latches the high one */
static u64 kpf_ptp_raw(struct kpf_ptp *ptp, struct ptp_system_timestamp *sts)
{
	struct kwl_hw *hw = &ptp->pf->hw;
	u32 low = 0, high = 0;
	u64 boot;

	lockdep_assert_held(&ptp->lock);

	ptp_read_system_prets(sts);
	if (!ptp->held)
		low = kwl_rd32(hw, KWL_SYSTIML);
	ptp_read_system_postts(sts);
	boot = ktime_get_boottime_ns();
	if (!ptp->held)
		high = kwl_rd32(hw, KWL_SYSTIMH);
	if (ptp->held || READ_ONCE(hw->gone))
		return kpf_ptp_extrapolate(ptp);

	ptp->last_raw = ((u64)high << 32 | low) + ptp->shift;
	ptp->last_boot = boot;
	return ptp->last_raw;
}

/* A stamp may be older than the last change of the clock */
static u64 kpf_ptp_ns(const struct kpf_ptp *ptp, u64 raw)
{
	s64 delta = raw - ptp->base_raw;

	if (delta < 0)
		return ptp->base_ns - mul_u64_u64_shr(-delta, ptp->rate,
						      KPF_PTP_RATE_SHIFT);
	return ptp->base_ns + mul_u64_u64_shr(delta, ptp->rate,
					      KPF_PTP_RATE_SHIFT);
}

static struct kpf_ptp *kpf_ptp_of(struct ptp_clock_info *info)
{
	return container_of(info, struct kpf_ptp, info);
}

static int kpf_ptp_gettimex(struct ptp_clock_info *info, struct timespec64 *ts,
			    struct ptp_system_timestamp *sts)
{
	struct kpf_ptp *ptp = kpf_ptp_of(info);
	unsigned long flags;
	u64 ns;

	spin_lock_irqsave(&ptp->lock, flags);
	ns = kpf_ptp_ns(ptp, kpf_ptp_raw(ptp, sts));
	spin_unlock_irqrestore(&ptp->lock, flags);
	*ts = ns_to_timespec64(ns);
	return 0;
}

static int kpf_ptp_settime(struct ptp_clock_info *info,
			   const struct timespec64 *ts)
{
	struct kpf_ptp *ptp = kpf_ptp_of(info);
	unsigned long flags;

	spin_lock_irqsave(&ptp->lock, flags);
	ptp->base_raw = kpf_ptp_raw(ptp, NULL);
	ptp->base_ns = timespec64_to_ns(ts);
	spin_unlock_irqrestore(&ptp->lock, flags);
	return 0;
}

static int kpf_ptp_adjtime(struct ptp_clock_info *info, s64 delta)
{
	struct kpf_ptp *ptp = kpf_ptp_of(info);
	unsigned long flags;

	spin_lock_irqsave(&ptp->lock, flags);
	ptp->base_ns += delta;
	spin_unlock_irqrestore(&ptp->lock, flags);
	return 0;
}

static int kpf_ptp_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	u64 rate = adjust_by_scaled_ppm(KPF_PTP_RATE_ONE, scaled_ppm);
	struct kpf_ptp *ptp = kpf_ptp_of(info);
	unsigned long flags;
	u64 raw;

	spin_lock_irqsave(&ptp->lock, flags);
	raw = kpf_ptp_raw(ptp, NULL);
	ptp->base_ns = kpf_ptp_ns(ptp, raw);
	ptp->base_raw = raw;
	ptp->rate = rate;
	spin_unlock_irqrestore(&ptp->lock, flags);
	return 0;
}

static int kpf_ptp_enable(struct ptp_clock_info *info,
			  struct ptp_clock_request *request, int on)
{
	return -EOPNOTSUPP;
}

/*
 * Silicon frees the register for the next stamp when its high half has been
 * read, the emulator when the high half of the identification has.
 */
static u64 kpf_ptp_rx_registers(struct kpf_ptp *ptp)
{
	struct kwl_hw *hw = &ptp->pf->hw;
	u64 stamp = kpf_ptp_pair(hw, KWL_RXSTMPL, KWL_RXSTMPH);

	kpf_ptp_pair(hw, KWL_RXSATRL, KWL_RXSATRH);
	return stamp;
}

static bool kpf_ptp_rx_pending(struct kpf_ptp *ptp)
{
	struct kwl_hw *hw = &ptp->pf->hw;

	return !ptp->held &&
	       kwl_rd32(hw, KWL_TSYNCRXCTL) & KWL_TSYNCRXCTL_VALID &&
	       !READ_ONCE(hw->gone);
}

/* There is one stamp at a time, so it is this frame's */
static u64 kpf_ptp_rx(struct kwl_stamper *stamper)
{
	struct kpf_ptp *ptp = container_of(stamper, struct kpf_ptp, stamper);
	unsigned long flags;
	u64 raw, ns = 0;

	spin_lock_irqsave(&ptp->lock, flags);
	if (kpf_ptp_rx_pending(ptp)) {
		raw = kpf_ptp_rx_registers(ptp) + ptp->shift;
		ns = kpf_ptp_ns(ptp, raw);
		ptp->rx_taken++;
	}
	spin_unlock_irqrestore(&ptp->lock, flags);
	return ns;
}

/* The frame of a stamp may never come here: no buffers, or it was a VF's */
static void kpf_ptp_rx_unblock(struct kpf_ptp *ptp)
{
	bool waits = kpf_ptp_rx_pending(ptp);

	lockdep_assert_held(&ptp->lock);

	if (waits && ptp->rx_waits && ptp->rx_seen == ptp->rx_taken) {
		kpf_ptp_rx_registers(ptp);
		waits = false;
	}
	ptp->rx_waits = waits;
	ptp->rx_seen = ptp->rx_taken;
}

/* A frame may leave after it was given up */
static void kpf_ptp_tx_unblock(struct kpf_ptp *ptp)
{
	struct kwl_hw *hw = &ptp->pf->hw;

	lockdep_assert_held(&ptp->lock);

	if (ptp->held || test_and_set_bit_lock(0, &ptp->stamper.busy))
		return;
	if (kwl_rd32(hw, KWL_TSYNCTXCTL) & KWL_TSYNCTXCTL_VALID)
		kpf_ptp_pair(hw, KWL_TXSTMPL, KWL_TXSTMPH);
	clear_bit_unlock(0, &ptp->stamper.busy);
}

/* Nobody takes such a stamp, and there is no room for another one */
static long kpf_ptp_aux_work(struct ptp_clock_info *info)
{
	struct kpf_ptp *ptp = kpf_ptp_of(info);
	unsigned long flags;

	if (READ_ONCE(ptp->rx_filter) == HWTSTAMP_FILTER_NONE &&
	    !READ_ONCE(ptp->stamper.tx_on))
		return -1;

	spin_lock_irqsave(&ptp->lock, flags);
	kpf_ptp_rx_unblock(ptp);
	kpf_ptp_tx_unblock(ptp);
	spin_unlock_irqrestore(&ptp->lock, flags);
	return KPF_PTP_LOOK;
}

/*
 * Take the transmit stamp if there is one, as a time. A frame that was given
 * up may have left it behind later on: such a stamp is older than the claim.
 */
static bool kpf_ptp_tx_stamp(struct kpf_ptp *ptp, u64 *ns)
{
	struct kwl_hw *hw = &ptp->pf->hw;
	unsigned long flags;
	u64 raw, age;

	if (!(kwl_rd32(hw, KWL_TSYNCTXCTL) & KWL_TSYNCTXCTL_VALID) || hw->gone)
		return false;

	spin_lock_irqsave(&ptp->lock, flags);
	raw = kpf_ptp_pair(hw, KWL_TXSTMPL, KWL_TXSTMPH) + ptp->shift;
	age = kpf_ptp_raw(ptp, NULL) - raw;
	*ns = kpf_ptp_ns(ptp, raw);
	spin_unlock_irqrestore(&ptp->lock, flags);

	return age <= ktime_get_boottime_ns() -
		      ktime_to_ns(ptp->stamper.claimed) + KPF_PTP_TX_SLACK_NS;
}

/*
 * The emulator stamps no more than one type of received messages. A clock
 * that sends Sync waits for Delay_Req, and the other way round.
 */
static void kpf_ptp_follow_role(struct kpf_ptp *ptp, struct sk_buff *skb)
{
	const struct ptp_header *hdr;
	unsigned int class;
	u8 wanted;

	if (!ptp->pf->emulated ||
	    READ_ONCE(ptp->rx_filter) != HWTSTAMP_FILTER_PTP_V2_L2_EVENT)
		return;
	/* It runs a BPF program, which must stay on its CPU */
	local_bh_disable();
	class = ptp_classify_raw(skb);
	local_bh_enable();
	hdr = ptp_parse_header(skb, class);
	if (!hdr)
		return;

	switch (ptp_get_msgtype(hdr, class)) {
	case PTP_MSGTYPE_SYNC:
		wanted = PTP_MSGTYPE_DELAY_REQ;
		break;
	case PTP_MSGTYPE_DELAY_REQ:
		wanted = PTP_MSGTYPE_SYNC;
		break;
	default:
		return;
	}
	kwl_wr32(&ptp->pf->hw, KWL_TSYNCRXCFG,
		 FIELD_PREP(KWL_TSYNCRXCFG_V2_MESSAGE, wanted));
}

/* Whether the frame has got its stamp or not: it is somebody else's turn */
static struct sk_buff *kpf_ptp_unclaim(struct kpf_ptp *ptp)
{
	struct sk_buff *skb = ptp->stamper.skb;

	ptp->stamper.skb = NULL;
	clear_bit_unlock(0, &ptp->stamper.busy);
	return skb;
}

/* No interrupt tells of the stamp, so it is waited for */
static void kpf_ptp_tx_work(struct work_struct *work)
{
	struct kpf_ptp *ptp = container_of(work, struct kpf_ptp, stamper.work);
	struct skb_shared_hwtstamps stamps = {};
	struct sk_buff *skb;
	bool ok;
	u64 ns;

	read_poll_timeout(kpf_ptp_tx_stamp, ok, ok || ptp->pf->hw.gone,
			  KPF_PTP_TX_POLL_US, KPF_PTP_TX_MS * USEC_PER_MSEC,
			  false, ptp, &ns);
	skb = kpf_ptp_unclaim(ptp);
	if (ok) {
		stamps.hwtstamp = ns_to_ktime(ns);
		skb_tstamp_tx(skb, &stamps);
		atomic64_inc(&ptp->tx_done);
		kpf_ptp_follow_role(ptp, skb);
	} else {
		atomic64_inc(&ptp->stamper.lost);
	}
	dev_kfree_skb_any(skb);
}

/*
 * The stamp of a socket's frame, which the card has fetched and may still have
 * to send: whoever completes it looks again and again, as kpf_ptp_tx_work().
 */
static bool kpf_ptp_tx(struct kwl_stamper *stamper, u64 *ns)
{
	struct kpf_ptp *ptp = container_of(stamper, struct kpf_ptp, stamper);

	if (kpf_ptp_tx_stamp(ptp, ns)) {
		atomic64_inc(&ptp->tx_done);
		return true;
	}
	*ns = 0;
	/* Not since it was queued: those before it may take longer than that */
	if (!stamper->fetched)
		stamper->fetched = ktime_get_boottime();
	if (ktime_ms_delta(ktime_get_boottime(), stamper->fetched) <
	    KPF_PTP_TX_MS)
		return false;
	atomic64_inc(&stamper->lost);
	return true;
}

/*
 * No frame of the stack waits for its stamp on return, nor one of a socket, as
 * its ring is empty. The queues are stopped, and the registers still there.
 */
void kpf_ptp_cancel(struct kpf_dev *pf)
{
	if (pf->ptp)
		flush_work(&pf->ptp->stamper.work);
}

/* Filters for received PTP over UDP, by its port for events */
static void kpf_ptp_write_udp_filter(struct kpf_ptp *ptp, bool on)
{
	struct kwl_hw *hw = &ptp->pf->hw;
	u32 port = swab16(PTP_EV_PORT);

	if (!on) {
		kwl_wr32(hw, KWL_FTQF(KPF_PTP_FILTER), KWL_FTQF_OFF);
		return;
	}
	kwl_wr32(hw, KWL_IMIR(KPF_PTP_FILTER), port);
	kwl_wr32(hw, KWL_IMIREXT(KPF_PTP_FILTER), KWL_IMIREXT_SIZE_BYPASS |
		 KWL_IMIREXT_CTRL_BYPASS);
	kwl_wr32(hw, KWL_SPQF(KPF_PTP_FILTER), port);
	kwl_wr32(hw, KWL_FTQF(KPF_PTP_FILTER), KWL_FTQF_POOL_BYPASS |
		 KWL_FTQF_1588 | KWL_FTQF_SADDR_BYPASS |
		 KWL_FTQF_DADDR_BYPASS |
		 FIELD_PREP(KWL_FTQF_PROTO, IPPROTO_UDP));
}

/* What the receiver stamps, in its own terms */
struct kpf_ptp_rx_mode {
	u8 type;
	u8 v1_control;
	u8 v2_message;
	bool ether;
	bool udp;
};

static struct kpf_ptp_rx_mode kpf_ptp_rx_mode(u32 rx_filter)
{
	struct kpf_ptp_rx_mode mode = {};

	switch (rx_filter) {
	case HWTSTAMP_FILTER_PTP_V1_L4_SYNC:
		mode.type = KWL_TSYNCRXCTL_TYPE_L4_V1;
		mode.udp = true;
		break;
	case HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ:
		mode.type = KWL_TSYNCRXCTL_TYPE_L4_V1;
		mode.v1_control = 1;
		mode.udp = true;
		break;
	case HWTSTAMP_FILTER_PTP_V2_EVENT:
		mode.type = KWL_TSYNCRXCTL_TYPE_EVENT_V2;
		mode.ether = true;
		mode.udp = true;
		break;
	case HWTSTAMP_FILTER_PTP_V2_L2_EVENT:
		mode.type = KWL_TSYNCRXCTL_TYPE_EVENT_V2;
		mode.ether = true;
		break;
	case HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ:
		mode.v2_message = PTP_MSGTYPE_DELAY_REQ;
		fallthrough;
	case HWTSTAMP_FILTER_PTP_V2_L2_SYNC:
		mode.type = KWL_TSYNCRXCTL_TYPE_L2_V2;
		mode.ether = true;
		break;
	}
	return mode;
}

static void kpf_ptp_write_rx(struct kpf_ptp *ptp)
{
	struct kpf_ptp_rx_mode mode = kpf_ptp_rx_mode(ptp->rx_filter);
	struct kwl_hw *hw = &ptp->pf->hw;

	kwl_wr32(hw, KWL_ETQF(KPF_PTP_FILTER), mode.ether ?
		 KWL_ETQF_ENABLE | KWL_ETQF_1588 |
		 FIELD_PREP(KWL_ETQF_TYPE, ETH_P_1588) : 0);
	kpf_ptp_write_udp_filter(ptp, mode.udp);
	kwl_wr32(hw, KWL_TSYNCRXCFG,
		 FIELD_PREP(KWL_TSYNCRXCFG_V1_CONTROL, mode.v1_control) |
		 FIELD_PREP(KWL_TSYNCRXCFG_V2_MESSAGE, mode.v2_message));
	kwl_wr32(hw, KWL_TSYNCRXCTL, mode.ether || mode.udp ?
		 KWL_TSYNCRXCTL_ENABLE |
		 FIELD_PREP(KWL_TSYNCRXCTL_TYPE, mode.type) : 0);
	/* Nothing of before is taken for a stamp of what comes now */
	kpf_ptp_rx_registers(ptp);
}

static void kpf_ptp_write_tx(struct kpf_ptp *ptp)
{
	struct kwl_hw *hw = &ptp->pf->hw;

	kwl_wr32(hw, KWL_TSYNCTXCTL,
		 ptp->stamper.tx_on ? KWL_TSYNCTXCTL_ENABLE : 0);
}

/*
 * The counter is about to be reset, or out of reach. Until kpf_ptp_apply() the
 * system's clock stands in for it.
 */
void kpf_ptp_hold(struct kpf_dev *pf)
{
	struct kpf_ptp *ptp = pf->ptp;
	unsigned long flags;

	if (!ptp)
		return;
	spin_lock_irqsave(&ptp->lock, flags);
	if (!ptp->held)
		kpf_ptp_raw(ptp, NULL);
	ptp->held = true;
	spin_unlock_irqrestore(&ptp->lock, flags);
}

/* After a reset: let the counter run, and stamp what the user wants stamped */
void kpf_ptp_apply(struct kpf_dev *pf)
{
	struct kpf_ptp *ptp = pf->ptp;
	unsigned long flags;
	u64 counter;

	if (!ptp)
		return;
	kwl_wr32(&pf->hw, KWL_TIMINCA, FIELD_PREP(KWL_TIMINCA_PERIOD, 1) |
		 FIELD_PREP(KWL_TIMINCA_INCREMENT, KWL_TIMINCA_PERIOD_NS));

	spin_lock_irqsave(&ptp->lock, flags);
	counter = kpf_ptp_pair(&pf->hw, KWL_SYSTIML, KWL_SYSTIMH);
	ptp->shift = kpf_ptp_extrapolate(ptp) - counter;
	ptp->held = false;
	kpf_ptp_write_rx(ptp);
	spin_unlock_irqrestore(&ptp->lock, flags);
	kpf_ptp_write_tx(ptp);
}

int kpf_ndo_hwtstamp_get(struct net_device *netdev,
			 struct kernel_hwtstamp_config *cfg)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_ptp *ptp = net->pf->ptp;

	cfg->flags = 0;
	cfg->tx_type = ptp->stamper.tx_on ? HWTSTAMP_TX_ON : HWTSTAMP_TX_OFF;
	cfg->rx_filter = ptp->rx_filter;
	return 0;
}

/*
 * The least that can be had and has all of @filter in it, or a negative errno.
 * The card's stamps for version 2 are for all event messages on all
 * transports; the emulator compares the message's type and looks no further
 * than the EtherType.
 */
static int kpf_ptp_grant(const struct kpf_ptp *ptp, u32 filter,
			 struct netlink_ext_ack *extack)
{
	switch (filter) {
	case HWTSTAMP_FILTER_NONE:
		return filter;
	case HWTSTAMP_FILTER_PTP_V2_L2_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_L2_SYNC:
	case HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ:
		return ptp->pf->emulated ? filter :
					   HWTSTAMP_FILTER_PTP_V2_EVENT;
	case HWTSTAMP_FILTER_PTP_V2_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_SYNC:
	case HWTSTAMP_FILTER_PTP_V2_DELAY_REQ:
	case HWTSTAMP_FILTER_PTP_V2_L4_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_L4_SYNC:
	case HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ:
		if (!ptp->pf->emulated)
			return HWTSTAMP_FILTER_PTP_V2_EVENT;
		break;
	case HWTSTAMP_FILTER_PTP_V1_L4_SYNC:
	case HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ:
		if (!ptp->pf->emulated)
			return filter;
		break;
	case HWTSTAMP_FILTER_PTP_V1_L4_EVENT:
		if (ptp->pf->emulated)
			break;
		NL_SET_ERR_MSG_MOD(extack, "of PTPv1 either Sync or Delay_Req is stamped");
		return -ERANGE;
	default:
		NL_SET_ERR_MSG_MOD(extack, "only PTP event messages are stamped");
		return -ERANGE;
	}
	NL_SET_ERR_MSG_MOD(extack, "the emulator stamps PTPv2 over Ethernet only");
	return -ERANGE;
}

int kpf_ndo_hwtstamp_set(struct net_device *netdev,
			 struct kernel_hwtstamp_config *cfg,
			 struct netlink_ext_ack *extack)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_ptp *ptp = net->pf->ptp;
	unsigned long flags;
	int granted;

	if (!ptp->clock) {
		NL_SET_ERR_MSG_MOD(extack, "the kernel has no PTP clocks");
		return -EOPNOTSUPP;
	}
	if (cfg->tx_type != HWTSTAMP_TX_OFF && cfg->tx_type != HWTSTAMP_TX_ON) {
		NL_SET_ERR_MSG_MOD(extack, "stamps are not put into frames");
		return -ERANGE;
	}
	granted = kpf_ptp_grant(ptp, cfg->rx_filter, extack);
	if (granted < 0)
		return granted;
	cfg->rx_filter = granted;

	spin_lock_irqsave(&ptp->lock, flags);
	WRITE_ONCE(ptp->rx_filter, granted);
	kpf_ptp_write_rx(ptp);
	spin_unlock_irqrestore(&ptp->lock, flags);
	WRITE_ONCE(ptp->stamper.tx_on, cfg->tx_type == HWTSTAMP_TX_ON);
	kpf_ptp_write_tx(ptp);

	ptp_schedule_worker(ptp->clock, KPF_PTP_LOOK);
	return 0;
}

static u32 kpf_ptp_rx_filters(const struct kpf_dev *pf)
{
	if (pf->emulated)
		return BIT(HWTSTAMP_FILTER_NONE) |
		       BIT(HWTSTAMP_FILTER_PTP_V2_L2_EVENT) |
		       BIT(HWTSTAMP_FILTER_PTP_V2_L2_SYNC) |
		       BIT(HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ);
	return BIT(HWTSTAMP_FILTER_NONE) |
	       BIT(HWTSTAMP_FILTER_PTP_V1_L4_SYNC) |
	       BIT(HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ) |
	       BIT(HWTSTAMP_FILTER_PTP_V2_EVENT);
}

int kpf_get_ts_info(struct net_device *netdev,
		    struct kernel_ethtool_ts_info *info)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_dev *pf = net->pf;

	ethtool_op_get_ts_info(netdev, info);
	if (!pf->ptp->clock)
		return 0;
	info->so_timestamping |= SOF_TIMESTAMPING_TX_HARDWARE |
				 SOF_TIMESTAMPING_RX_HARDWARE |
				 SOF_TIMESTAMPING_RAW_HARDWARE;
	info->phc_index = ptp_clock_index(pf->ptp->clock);
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = kpf_ptp_rx_filters(pf);
	return 0;
}

void kpf_get_ts_stats(struct net_device *netdev,
		      struct ethtool_ts_stats *stats)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_ptp *ptp = net->pf->ptp;

	stats->pkts = atomic64_read(&ptp->tx_done);
	stats->lost = atomic64_read(&ptp->stamper.lost);
	/* Nothing has failed, but this is where the want of a register counts */
	stats->err = atomic64_read(&ptp->stamper.skipped);
}

static const struct ptp_clock_info kpf_ptp_info = {
	.owner		= THIS_MODULE,
	.max_adj	= KPF_PTP_MAX_PPB,
	.adjfine	= kpf_ptp_adjfine,
	.adjtime	= kpf_ptp_adjtime,
	.gettimex64	= kpf_ptp_gettimex,
	.settime64	= kpf_ptp_settime,
	.enable		= kpf_ptp_enable,
	.do_aux_work	= kpf_ptp_aux_work,
};

/*
 * Start the clock at the system's time. It lives as long as the function does,
 * whatever becomes of the interface.
 */
int kpf_ptp_init(struct kpf_dev *pf)
{
	struct kpf_ptp *ptp = kzalloc(sizeof(*ptp), GFP_KERNEL);
	int err;

	if (!ptp)
		return -ENOMEM;
	ptp->pf = pf;
	spin_lock_init(&ptp->lock);
	INIT_WORK(&ptp->stamper.work, kpf_ptp_tx_work);
	ptp->stamper.rx = kpf_ptp_rx;
	ptp->stamper.tx = kpf_ptp_tx;
	ptp->info = kpf_ptp_info;
	snprintf(ptp->info.name, sizeof(ptp->info.name), "%s port %u",
		 KBUILD_MODNAME, pf->lan_id);
	ptp->base_ns = ktime_get_real_ns();
	ptp->last_boot = ktime_get_boottime_ns();
	ptp->rate = KPF_PTP_RATE_ONE;
	pf->ptp = ptp;
	kpf_ptp_apply(pf);

	/* NULL in kernels without clocks: then there are no stamps either */
	ptp->clock = ptp_clock_register(&ptp->info, &pf->pdev->dev);
	if (IS_ERR(ptp->clock)) {
		err = PTR_ERR(ptp->clock);
		pf->ptp = NULL;
		kfree(ptp);
		return err;
	}
	pf->net->port.stamper = &ptp->stamper;
	return 0;
}

/* The interface is gone, and nothing resets the function any more */
void kpf_ptp_fini(struct kpf_dev *pf)
{
	struct kpf_ptp *ptp = pf->ptp;

	pf->net->port.stamper = NULL;
	if (ptp->clock)
		ptp_clock_unregister(ptp->clock);
	cancel_work_sync(&ptp->stamper.work);
	pf->ptp = NULL;
	kfree(ptp);
}
