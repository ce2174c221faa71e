// SPDX-License-Identifier: GPL-2.0-only
/*
 * VF end of the mailbox: one buffer of 16 words shared by both directions,
 * owned by whoever holds its flag in V2PMAILBOX. The PF may be busy, down or
 * being reset, so everything here sleeps and everything has an end.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>

#include "kvf.h"
#include "trace.h"

#define KVF_MBX_POLL_US		200
/* The PF keeps the buffer from a question to its answer */
#define KVF_MBX_TAKE_US		500000
/* Whoever is there takes the question soon; the answer may need work */
#define KVF_MBX_ACK_US		200000
#define KVF_MBX_ANSWER_US	1000000
/* The PF's driver may be anywhere between unloaded and almost there */
#define KVF_MBX_RSTI_US		300000

void kvf_mbx_init(struct kvf_dev *kvf)
{
	mutex_init(&kvf->mbx.lock);
}

/* A read clears some bits: keep them until somebody asks for them */
static u32 kvf_mbx_ctl(struct kvf_dev *kvf)
{
	u32 ctl = kwl_rd32(&kvf->hw, KWL_V2PMAILBOX);

	lockdep_assert_held(&kvf->mbx.lock);
	if (kvf->hw.gone)
		return 0;
	kvf->mbx.seen |= ctl & KWL_V2P_READ_CLEAR;
	return ctl | kvf->mbx.seen;
}

static bool kvf_mbx_test_clear(struct kvf_dev *kvf, u32 bit)
{
	if (!(kvf_mbx_ctl(kvf) & bit))
		return false;
	kvf->mbx.seen &= ~bit;
	return true;
}

static int kvf_mbx_wait(struct kvf_dev *kvf, u32 bit)
{
	bool ok;

	return read_poll_timeout(kvf_mbx_test_clear, ok, ok, KVF_MBX_POLL_US,
				 bit == KWL_V2P_PFACK ? KVF_MBX_ACK_US :
							KVF_MBX_ANSWER_US,
				 false, kvf, bit);
}

static bool kvf_mbx_try_take(struct kvf_dev *kvf)
{
	kwl_wr32(&kvf->hw, KWL_V2PMAILBOX, KWL_V2P_VFU);
	return kvf_mbx_ctl(kvf) & KWL_V2P_VFU;
}

static int kvf_mbx_take(struct kvf_dev *kvf)
{
	bool ok;

	return read_poll_timeout(kvf_mbx_try_take, ok, ok, KVF_MBX_POLL_US,
				 KVF_MBX_TAKE_US, false, kvf);
}

static int kvf_mbx_post(struct kvf_dev *kvf, const u32 *msg, int words)
{
	int err, i;

	err = kvf_mbx_take(kvf);
	if (err)
		return err;
	/* What lies there is about to be lost; a notice must not be */
	if (kvf_mbx_test_clear(kvf, KWL_V2P_PFSTS))
		kvf_service_notice(kvf, kwl_rd32(&kvf->hw, KWL_VF_VMBMEM(0)));
	trace_kvf_mbx_out(kvf->hw.dev, msg, words);
	kvf->mbx.seen &= ~KWL_V2P_PFACK;
	for (i = 0; i < words; i++)
		kwl_wr32(&kvf->hw, KWL_VF_VMBMEM(i), msg[i]);
	/* Without VFU this also gives the buffer back */
	kwl_wr32(&kvf->hw, KWL_V2PMAILBOX, KWL_V2P_REQ);
	return kvf_mbx_wait(kvf, KWL_V2P_PFACK);
}

/*
 * DPDK's PF sends a NACK that belongs to no request each time a VF has fetched
 * a word of it. That says nothing, and to acknowledge it would bring the next.
 */
static bool kvf_mbx_is_noise(const struct kvf_dev *kvf, u32 word)
{
	return !kvf->pf.ext && word == KWL_MSG_NACK;
}

static int kvf_mbx_fetch(struct kvf_dev *kvf, u32 *msg, int words)
{
	int err, i;

	err = kvf_mbx_take(kvf);
	if (err)
		return err;
	for (i = 0; i < words; i++)
		msg[i] = kwl_rd32(&kvf->hw, KWL_VF_VMBMEM(i));
	trace_kvf_mbx_in(kvf->hw.dev, msg, words);
	/* Without VFU either gives the buffer back */
	kwl_wr32(&kvf->hw, KWL_V2PMAILBOX,
		 kvf_mbx_is_noise(kvf, msg[0]) ? 0 : KWL_V2P_ACK);
	return 0;
}

/* A notice of the PF can come in between: it is not the answer */
static int kvf_mbx_answer(struct kvf_dev *kvf, u32 *msg, int words)
{
	int err, tries;

	for (tries = 0; tries < 4; tries++) {
		err = kvf_mbx_wait(kvf, KWL_V2P_PFSTS);
		if (err)
			return err;
		err = kvf_mbx_fetch(kvf, msg, words);
		if (err)
			return err;
		if (!(msg[0] & KWL_MSG_CONTROL) &&
		    !kvf_mbx_is_noise(kvf, msg[0]))
			return 0;
		kvf_service_notice(kvf, msg[0]);
	}
	return -EBUSY;
}

/*
 * Send @words words and wait for the answer, which replaces them. Sleeps up
 * to two seconds. -ETIMEDOUT if the PF does not answer, else what the answer
 * says is up to the caller.
 */
int kvf_mbx_request(struct kvf_dev *kvf, u32 *msg, int words)
{
	int err;

	mutex_lock(&kvf->mbx.lock);
	err = kvf_mbx_post(kvf, msg, words);
	/* DPDK's PF forgets what it is asked while it sends a NACK, as above */
	if (err == -ETIMEDOUT && !kvf->pf.ext && kvf->mbx.seen & KWL_V2P_PFSTS)
		err = kvf_mbx_post(kvf, msg, words);
	if (!err)
		err = kvf_mbx_answer(kvf, msg, words);
	mutex_unlock(&kvf->mbx.lock);
	return kvf->hw.gone ? -ENODEV : err;
}

/*
 * 1 and the first word if the PF has left a message, 0 if not, -ENETRESET if
 * the PF has been or is being reset.
 */
int kvf_mbx_poll(struct kvf_dev *kvf, u32 *word)
{
	int ret = 0;
	u32 ctl;

	mutex_lock(&kvf->mbx.lock);
	ctl = kvf_mbx_ctl(kvf);
	if (ctl & (KWL_V2P_RSTI | KWL_V2P_RSTD)) {
		ret = -ENETRESET;
	} else if (ctl & KWL_V2P_PFSTS) {
		ret = kvf_mbx_fetch(kvf, word, 1);
		if (!ret) {
			kvf->mbx.seen &= ~KWL_V2P_PFSTS;
			ret = 1;
		}
	}
	mutex_unlock(&kvf->mbx.lock);
	return ret;
}

/* Not while the PF is being reset: no hello would be heard */
bool kvf_mbx_pf_ready(struct kvf_dev *kvf)
{
	bool ready;

	mutex_lock(&kvf->mbx.lock);
	ready = !(kvf_mbx_ctl(kvf) & KWL_V2P_RSTI);
	mutex_unlock(&kvf->mbx.lock);
	return ready;
}

/* The PF is being reset, or has been since the session began */
bool kvf_mbx_was_reset(struct kvf_dev *kvf)
{
	bool reset;

	mutex_lock(&kvf->mbx.lock);
	reset = kvf_mbx_ctl(kvf) & (KWL_V2P_RSTI | KWL_V2P_RSTD);
	mutex_unlock(&kvf->mbx.lock);
	return reset;
}

/*
 * Reset the function and its end of the mailbox. The chip does not give the
 * buffer back by itself, nor does it forget what has been signalled.
 * -EAGAIN while the PF is not ready.
 */
int kvf_mbx_reset(struct kvf_dev *kvf)
{
	u32 ctl;
	int err;

	mutex_lock(&kvf->mbx.lock);
	kwl_wr32(&kvf->hw, KWL_VTCTRL, KWL_VTCTRL_RST);
	kwl_flush(&kvf->hw);
	kwl_wr32(&kvf->hw, KWL_V2PMAILBOX, 0);

	err = read_poll_timeout(kvf_mbx_ctl, ctl, !(ctl & KWL_V2P_RSTI),
				KVF_MBX_POLL_US, KVF_MBX_RSTI_US, false, kvf);
	kvf_mbx_ctl(kvf);
	kvf->mbx.seen = 0;
	mutex_unlock(&kvf->mbx.lock);
	if (kvf->hw.gone)
		return -ENODEV;
	return err ? -EAGAIN : 0;
}
