// SPDX-License-Identifier: GPL-2.0-only
/*
 * PF end of the mailbox: who has something to say, and the buffer's
 * ownership. Runs in a work item; a VF can make it work, not wait: everything
 * has a bound.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/ktime.h>

#include "kpf_vf.h"
#include "trace.h"

#define KPF_MBX_POLL_US		50
#define KPF_MBX_TAKE_US		2000
/* Rounds over all VFs before others get the CPU */
#define KPF_MBX_ROUNDS		8
#define KPF_MBX_REST_MS		2
#define KPF_MBX_RETRY_MS	50
#define KPF_MBX_STICKY		FIELD_PREP_CONST(KWL_MSG_INFO,		\
						 KWL_STATE_RENEW |	\
						 KWL_STATE_NEW_MAC)

/* The emulator never frees a buffer that a VF sits on; give up on it */
static bool kpf_mbx_try_take(struct kpf_dev *pf, u8 vf)
{
	kwl_wr32(&pf->hw, KWL_PFMAILBOX(vf), KWL_P2V_PFU);
	return kwl_rd32(&pf->hw, KWL_PFMAILBOX(vf)) & KWL_P2V_PFU;
}

static bool kpf_mbx_take(struct kpf_dev *pf, u8 vf)
{
	bool ok;

	return !read_poll_timeout(kpf_mbx_try_take, ok, ok, KPF_MBX_POLL_US,
				  KPF_MBX_TAKE_US, false, pf, vf);
}

/*
 * Take in a VF's message, all 16 words, and tell it so. False, and the request
 * still to be seen, if the VF holds the buffer. The buffer stays
 * ours until the reply or kpf_mbx_release(), so the answer cannot be mixed
 * up with another question.
 */
bool kpf_mbx_receive(struct kpf_dev *pf, u8 vf, u32 *msg)
{
	int i;

	if (!kpf_mbx_take(pf, vf))
		return false;
	kwl_wr32(&pf->hw, KWL_MBVFICR, KWL_MBVFICR_REQ(vf));
	for (i = 0; i < KWL_MBX_WORDS; i++)
		msg[i] = kwl_rd32(&pf->hw, KWL_VMBMEM(vf, i));
	trace_kpf_mbx_in(pf->hw.dev, vf, msg, KWL_MBX_WORDS);
	kwl_wr32(&pf->hw, KWL_PFMAILBOX(vf), KWL_P2V_ACK | KWL_P2V_PFU);
	return true;
}

/* Without PFU, STS both sends and gives the buffer back */
void kpf_mbx_reply(struct kpf_dev *pf, struct kpf_vf *vf, const u32 *msg,
		   int words)
{
	int i;

	trace_kpf_mbx_out(pf->hw.dev, vf->num, msg, words);
	for (i = 0; i < words; i++)
		kwl_wr32(&pf->hw, KWL_VMBMEM(vf->num, i), msg[i]);
	kwl_wr32(&pf->hw, KWL_PFMAILBOX(vf->num), KWL_P2V_STS);
	vf->unread = true;
}

void kpf_mbx_release(struct kpf_dev *pf, u8 vf)
{
	kwl_wr32(&pf->hw, KWL_PFMAILBOX(vf), 0);
}

/* A question that we have not looked at yet lies in the buffer */
static bool kpf_mbx_has_request(struct kpf_dev *pf, u8 vf)
{
	return kwl_rd32(&pf->hw, KWL_MBVFICR) & KWL_MBVFICR_REQ(vf);
}

/*
 * A word that nobody has asked for. There is one buffer: while it holds a
 * question, or an answer that the VF has not fetched, the word waits, and a
 * later one takes its place. Lost on a VF that sits on the buffer.
 */
void kpf_mbx_notify(struct kpf_dev *pf, struct kpf_vf *vf, u32 word)
{
	/* Of an older word that nobody has read, only the wish to renew counts */
	if (word)
		vf->pending = (vf->pending & KPF_MBX_STICKY) | word;
	if (vf->unread || !kpf_mbx_take(pf, vf->num))
		return;
	if (kpf_mbx_has_request(pf, vf->num)) {
		kpf_mbx_release(pf, vf->num);
		return;
	}
	word = vf->pending;
	vf->pending = 0;
	kpf_mbx_reply(pf, vf, &word, 1);
}

/*
 * The VF was reset: nothing of its mail is for whoever drives it next. A
 * hello that has come meanwhile stays.
 */
void kpf_mbx_scrub(struct kpf_dev *pf, u8 vf)
{
	int i;

	if (!kpf_mbx_try_take(pf, vf))
		return;
	if (!kpf_mbx_has_request(pf, vf))
		for (i = 0; i < KWL_MBX_WORDS; i++)
			kwl_wr32(&pf->hw, KWL_VMBMEM(vf, i), 0);
	kpf_mbx_release(pf, vf);
}

/* The last word before the function is reset: never mind what it replaces */
void kpf_mbx_farewell(struct kpf_dev *pf, struct kpf_vf *vf)
{
	u32 word = KWL_MSG_CONTROL;

	if (kpf_mbx_take(pf, vf->num))
		kpf_mbx_reply(pf, vf, &word, 1);
}

/* It has fetched our last word. One that is not in service may be told so. */
static void kpf_mbx_acked(struct kpf_dev *pf, struct kpf_vf *vf)
{
	kwl_wr32(&pf->hw, KWL_MBVFICR, KWL_MBVFICR_ACK(vf->num));
	vf->unread = false;
	if (vf->pending)
		kpf_mbx_notify(pf, vf, 0);
	else if (!vf->cts && kpf_vf_may_nack(vf))
		kpf_mbx_notify(pf, vf, KWL_MSG_NACK);
}

static u32 kpf_mbx_events(u8 vf)
{
	return KWL_MBVFICR_REQ(vf) | KWL_MBVFICR_ACK(vf);
}

/* Nothing it has sent counts */
static void kpf_mbx_ignore(struct kpf_dev *pf, u8 vf)
{
	kwl_wr32(&pf->hw, KWL_MBVFICR, kpf_mbx_events(vf));
	kwl_wr32(&pf->hw, KWL_VFLRE, BIT(vf));
}

/* Silicon spares us its interrupts as well */
static void kpf_mbx_close_door(struct kpf_dev *pf, struct kpf_vf *vf)
{
	pf->sriov.floods++;
	trace_kpf_vf(pf->hw.dev, vf->num, KPF_VF_SHUT);
	netdev_warn(pf->net->netdev, "VF %u floods us: shut off for %llu s\n",
		    vf->num, kpf_quota_shut_ms(&vf->quota) / MSEC_PER_SEC);
	kwl_rmw32(&pf->hw, KWL_MBVFIMR, BIT(vf->num), 0);
	kpf_vf_forget(pf, vf);
	kpf_mbx_ignore(pf, vf->num);
	kpf_health_event(pf, KPF_HEALTH_VF_SHUT, vf->num);
}

/* For those whose time is over; they have to say hello again */
void kpf_mbx_open_doors(struct kpf_dev *pf)
{
	u64 now = ktime_to_ms(ktime_get());
	u32 open = 0;
	int i;

	lockdep_assert_held(&pf->sriov.lock);

	for (i = 0; i < pf->num_vfs; i++)
		if (!kpf_quota_is_shut(&pf->sriov.vf[i].quota, now))
			open |= BIT(i);
	if (!READ_ONCE(pf->offline))
		kwl_wr32(&pf->hw, KWL_MBVFIMR, open);
}

/* An administrator forgives it everything */
void kpf_vf_pardon(struct kpf_dev *pf, struct kpf_vf *vf)
{
	kpf_quota_init(&vf->quota, ktime_to_ms(ktime_get()));
	kpf_mbx_open_doors(pf);
}

/* May it have a moment of our time? */
static bool kpf_mbx_afford(struct kpf_dev *pf, struct kpf_vf *vf)
{
	switch (kpf_quota_ask(&vf->quota, ktime_to_ms(ktime_get()))) {
	case KPF_QUOTA_SERVE:
		return true;
	case KPF_QUOTA_WAIT:
		pf->sriov.waits++;
		return false;
	case KPF_QUOTA_SHUT_NOW:
		kpf_mbx_close_door(pf, vf);
		return false;
	default:
		kpf_mbx_ignore(pf, vf->num);
		return false;
	}
}

/* A request is looked at after the reset that came before it */
static bool kpf_mbx_serve(struct kpf_dev *pf, struct kpf_vf *vf, u32 vflre,
			  u32 icr)
{
	bool reset = vflre & BIT(vf->num), busy = reset;
	ktime_t start;

	if (!reset && !(icr & kpf_mbx_events(vf->num)))
		return false;
	if (!kpf_mbx_afford(pf, vf))
		return false;
	start = ktime_get();
	if (reset) {
		kwl_wr32(&pf->hw, KWL_VFLRE, BIT(vf->num));
		kpf_vf_handle_reset(pf, vf);
	}
	if (icr & KWL_MBVFICR_ACK(vf->num))
		kpf_mbx_acked(pf, vf);
	if (icr & KWL_MBVFICR_REQ(vf->num))
		busy |= kpf_vf_handle(pf, vf);
	kpf_quota_charge(&vf->quota, ktime_us_delta(ktime_get(), start));
	return busy;
}

/* VFs that have to wait, or hold the buffer and may still let it go */
static bool kpf_mbx_left(struct kpf_dev *pf)
{
	u32 vfs = BIT(pf->num_vfs) - 1;

	return !READ_ONCE(pf->offline) && !pf->hw.gone &&
	       (kwl_rd32(&pf->hw, KWL_MBVFICR) & vfs ||
		kwl_rd32(&pf->hw, KWL_VFLRE) & vfs);
}

static bool kpf_mbx_round(struct kpf_dev *pf)
{
	bool busy = false;
	u32 vflre, icr;
	int i;

	lockdep_assert_held(&pf->sriov.lock);

	if (pf->hw.gone || READ_ONCE(pf->offline))
		return false;
	/* In this order: a request seen here has its reset seen as well */
	icr = kwl_rd32(&pf->hw, KWL_MBVFICR);
	vflre = kwl_rd32(&pf->hw, KWL_VFLRE);
	for (i = 0; i < pf->num_vfs; i++)
		busy |= kpf_mbx_serve(pf, &pf->sriov.vf[i], vflre, icr);
	/* The emulator also tells of VFs that have just gone */
	kwl_wr32(&pf->hw, KWL_VFLRE, vflre & ~(BIT(pf->num_vfs) - 1));
	return busy;
}

/*
 * One interrupt stands for any number of events of any VF, so look until
 * there is nothing left, then look no more.
 */
void kpf_mbx_work(struct work_struct *work)
{
	struct kpf_sriov *sriov = container_of(work, struct kpf_sriov,
					       mbx_work.work);
	struct kpf_dev *pf = container_of(sriov, struct kpf_dev, sriov);
	bool busy = false, left = false;
	int round;

	mutex_lock(&sriov->lock);
	if (sriov->vf && xchg(&sriov->recheck, false))
		kpf_vf_recheck(pf);
	for (round = 0; sriov->vf && round < KPF_MBX_ROUNDS; round++) {
		busy = kpf_mbx_round(pf);
		if (!busy)
			break;
	}
	if (sriov->vf && !busy)
		left = kpf_mbx_left(pf);
	mutex_unlock(&sriov->lock);
	/* A VF that never stops asking gets its answers, and others the CPU */
	if (busy)
		queue_delayed_work(system_dfl_wq, &sriov->mbx_work,
				   msecs_to_jiffies(KPF_MBX_REST_MS));
	else if (left)
		queue_delayed_work(system_dfl_wq, &sriov->mbx_work,
				   msecs_to_jiffies(KPF_MBX_RETRY_MS));
}
