// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile guest: does to a VF's registers what no driver would. What it does
 * follows from its seed alone, as far as the PF lets it.
 *
 *	kwl_hostile BAR0 SEED COUNT WHAT [ADDRESS...]
 *	kwl_hostile GROUP:PCI SEED COUNT rings
 *
 * BAR0 is a file of sysfs. GROUP is one of /dev/vfio/, for a VF that may master
 * the bus behind an IOMMU.
 *
 * WHAT is
 *	talk	messages, malformed ones among them, each of which waits for
 *		its answer, so that all get as deep into the PF as they can
 *	flood	messages, right, wrong and out of order, without waiting
 *	hammer	requests that cost the PF as little as possible, so that it
 *		sees as many as possible
 *	poke	writes all over the BAR
 *	reset	resets of the function
 *	rings	descriptors and rings that point to its memory, past it, or
 *		anywhere else
 *	rest	nothing, a millisecond each
 *
 * ADDRESSes are those of others. They are asked for all the time. Prints how
 * often what happened; "stolen" counts those that were granted.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

#include "kwl_vfio.h"

#define ARRAY_SIZE(x)	((int)(sizeof(x) / sizeof((x)[0])))

#define BAR_SIZE	0x4000

#define VTCTRL		0x0000
#define VTCTRL_RST	0x04000000
#define MAIL		0x0800
#define WORDS		16
#define CONTROL		0x0c40
#define CONTROL_REQ	0x01
#define CONTROL_ACK	0x02
#define CONTROL_VFU	0x04
#define CONTROL_PFSTS	0x10
#define CONTROL_PFACK	0x20

#define MSG_RESET	1
#define MSG_SET_MAC	2
#define MSG_GROUPS	3
#define MSG_VLAN	4
#define MSG_LPE		5
#define MSG_PROMISC	6
#define MSG_LIST_ADDRS	0x80
#define MSG_LIST_GROUPS	0x81
#define MSG_ACK		0x80000000
#define MSG_NACK	0x40000000
#define MSG_CTS		0x20000000
#define EXTENSION	0x4b570001

#define OTHERS_MAX	16

/* Rings: of the queue pair, in both directions alike */
#define RX_QUEUE	0x2800
#define TX_QUEUE	0x3800
#define RING_BAL	0x00
#define RING_BAH	0x04
#define RING_LEN	0x08
#define RING_HEAD	0x10
#define RING_TAIL	0x18
#define RING_CTL	0x28
#define RING_ENABLE	0x02000000
#define RING_FLUSH	0x04000000
#define RING_MAX	64	/* descriptors, so that a round ends soon */
#define DESC_SIZE	16

static __u32 *bar;
static struct kwl_vfio dma = { .iova = 0x40000000, .size = 1 << 20 };
static __u8 others[OTHERS_MAX][6];
static int num_others;
static __u64 state;

static struct {
	unsigned long sent, answered, granted, refused, silent, stolen;
	unsigned long writes, resets;
} count;

/* The same everywhere, unlike rand() */
static __u32 any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

static __u32 below(__u32 limit)
{
	return any() % limit;
}

static int one_in(__u32 many)
{
	return !below(many);
}

static __u32 get(__u32 offset)
{
	return __atomic_load_n(&bar[offset / 4], __ATOMIC_ACQUIRE);
}

static void put(__u32 offset, __u32 value)
{
	__atomic_store_n(&bar[offset / 4], value, __ATOMIC_RELEASE);
	count.writes++;
}

static void rest_us(long us)
{
	struct timespec time = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1000000000.0;
}

/* What to say */

static void put_addr(__u32 *words, const __u8 *addr)
{
	memcpy(words, addr, 6);
}

/* That of somebody else, a legal one, or anything */
static int some_addr(__u8 *addr)
{
	int i;

	if (num_others && !one_in(3)) {
		memcpy(addr, others[below(num_others)], 6);
		return 1;
	}
	for (i = 0; i < 6; i++)
		addr[i] = any();
	if (!one_in(4))
		addr[0] = 2;
	return 0;
}

/* True if the PF must not grant it */
static int fill_addrs(__u32 *words, int many)
{
	__u8 list[10][6];
	int i, theft = 0;

	for (i = 0; i < 10; i++)
		theft |= some_addr(list[i]) && i < many;
	memcpy(words, list, sizeof(list));
	return theft;
}

/* Some message of the protocol, with parameters of which some are legal */
static int make_message(__u32 *words)
{
	static const __u32 ids[] = {
		MSG_RESET, MSG_SET_MAC, MSG_SET_MAC, MSG_GROUPS, MSG_VLAN,
		MSG_VLAN, MSG_LPE, MSG_PROMISC, MSG_LIST_ADDRS,
		MSG_LIST_ADDRS, MSG_LIST_GROUPS,
	};
	__u32 id = ids[below(ARRAY_SIZE(ids))], info = any() & 255;
	int theft = 0;
	__u8 addr[6];

	switch (id) {
	case MSG_RESET:
		words[0] = MSG_RESET;
		words[1] = one_in(3) ? any() : EXTENSION + below(3) - 1;
		return 0;
	case MSG_SET_MAC:
		info = one_in(8) ? info : below(3);
		theft = some_addr(addr) && info != 1;
		put_addr(&words[1], addr);
		break;
	case MSG_VLAN:
		info = one_in(8) ? info : !one_in(4);
		words[1] = one_in(8) ? any() : below(4096);
		break;
	case MSG_PROMISC:
		info = one_in(8) ? info : below(4);
		break;
	case MSG_LIST_ADDRS:
		info = one_in(8) ? info : 0x60 | below(11);
		/* A part of a list is granted, the whole is what counts */
		theft = fill_addrs(&words[1], info & 31) && info & 0x40;
		break;
	default:
		break;
	}
	words[0] = id | info << 16;
	return theft;
}

/* Words that mean nothing, or look like answers */
static void make_garbage(__u32 *words)
{
	words[0] = any();
	switch (below(4)) {
	case 0:
		words[0] |= MSG_ACK;
		break;
	case 1:
		words[0] = MSG_NACK | MSG_CTS | below(256);
		break;
	case 2:
		words[0] &= 0x00ff00ff;
		break;
	default:
		break;
	}
}

static int make(__u32 *words)
{
	int i;

	for (i = 1; i < WORDS; i++)
		words[i] = any();
	if (!one_in(4))
		return make_message(words);
	make_garbage(words);
	return 0;
}

static void write_words(const __u32 *words, int many)
{
	int i;

	for (i = 0; i < many; i++)
		put(MAIL + 4 * i, words[i]);
}

/* How to say it */

/* True if the bit has come before the time is over */
static int wait_for(__u32 bit, __u32 *seen, long us)
{
	double end = now() + us / 1000000.0;

	while (!((*seen |= get(CONTROL)) & bit)) {
		if (now() > end)
			return 0;
		rest_us(100);
	}
	*seen &= ~bit;
	return 1;
}

/* As a driver would; false if nobody answers */
static int ask(const __u32 *words, __u32 *answer)
{
	__u32 seen = 0;
	int tries = 200;

	do {
		put(CONTROL, CONTROL_VFU);
		if (get(CONTROL) & CONTROL_VFU)
			break;
		rest_us(100);
	} while (--tries);
	get(CONTROL);
	write_words(words, WORDS);
	put(CONTROL, CONTROL_REQ);
	count.sent++;
	/* What looks like an answer gets none */
	if (!wait_for(CONTROL_PFACK, &seen, 100000) ||
	    !wait_for(CONTROL_PFSTS, &seen,
		      words[0] & (MSG_ACK | MSG_NACK) ? 2000 : 100000))
		return 0;
	*answer = get(MAIL);
	put(CONTROL, CONTROL_ACK);
	count.answered++;
	return 1;
}

static void talk(unsigned long many)
{
	__u32 words[WORDS], answer;

	while (many--) {
		int theft = make(words);

		answer = 0;
		if (!ask(words, &answer)) {
			count.silent++;
		} else if (answer & MSG_NACK) {
			count.refused++;
		} else if (answer & MSG_ACK) {
			count.granted++;
			count.stolen += theft;
		}
		/* Without a session nothing gets far */
		if (!(answer & MSG_CTS) && !one_in(3)) {
			words[0] = MSG_RESET;
			words[1] = EXTENSION;
			ask(words, &answer);
		}
	}
}

static void flood(unsigned long many)
{
	__u32 words[WORDS];

	while (many--) {
		make(words);
		/* With the buffer, without it, or out of turn */
		if (!one_in(4))
			put(CONTROL, CONTROL_VFU);
		write_words(words, one_in(4) ? WORDS : 3);
		switch (below(8)) {
		case 0:
			put(CONTROL, CONTROL_REQ | CONTROL_ACK);
			break;
		case 1:
			/* Changes what it has just asked for */
			put(CONTROL, CONTROL_REQ | CONTROL_VFU);
			put(MAIL, any());
			put(MAIL + 4, any());
			put(CONTROL, CONTROL_REQ);
			break;
		case 2:
			/* And sits on the buffer */
			put(CONTROL, CONTROL_REQ | CONTROL_VFU);
			if (one_in(64))
				rest_us(20000);
			break;
		case 3:
			put(CONTROL, any());
			put(CONTROL, CONTROL_REQ);
			break;
		default:
			put(CONTROL, CONTROL_REQ);
		}
		if (one_in(16))
			put(VTCTRL, VTCTRL_RST);
		count.sent++;
	}
	put(CONTROL, 0);
}

static void hammer(unsigned long many)
{
	while (many--) {
		put(MAIL, MSG_NACK);
		put(CONTROL, CONTROL_REQ);
		count.sent++;
	}
}

/* Everything but lengths of rings that keep the emulator busy for minutes */
static void poke(unsigned long many)
{
	while (many--) {
		__u32 offset = one_in(2) ? 4 * below(BAR_SIZE / 4) :
					   0x2800 + 0x1000 * below(2) +
					   0x100 * below(2) + 4 * below(16);
		__u32 value = one_in(4) ? any() :
			      one_in(2) ? 1u << below(32) : below(0x10000);

		if ((offset & 0xfff) == 0x808 || (offset & 0xfff) == 0x908)
			value &= 0xf80;
		put(offset, value);
		if (one_in(8))
			get(4 * below(BAR_SIZE / 4));
	}
}

static void reset(unsigned long many)
{
	while (many--) {
		put(VTCTRL, VTCTRL_RST);
		count.resets++;
		if (one_in(4))
			put(CONTROL, any() & 7);
	}
	put(CONTROL, 0);
}

/* Of its own memory, its edge, nobody's, or beyond what the bus has */
static __u64 some_place(void)
{
	switch (below(8)) {
	case 0:
		return dma.iova + dma.size - below(64);
	case 1:
		return (__u64)any() << 32 | any();
	case 2:
		return below(0x40000000);
	default:
		return dma.iova + below(dma.size);
	}
}

/* For the transmitter: context or data, of any length, one frame or many */
static void make_tx_desc(__u32 *desc)
{
	static const __u32 types[] = { 0x20200000, 0x20300000, 0x0 };
	__u64 place = some_place();

	desc[0] = place;
	desc[1] = place >> 32;
	/* Type, end of packet or not, CRC, write back, TSO, VLAN */
	desc[2] = types[below(3)] | (one_in(2) ? 0x01000000 : 0) | 0x0a000000 |
		  (one_in(8) ? 0x80000000 : 0) | (one_in(8) ? 0x40000000 : 0) |
		  (one_in(8) ? any() & 0xffff : below(1600));
	desc[3] = one_in(2) ? any() : (desc[2] & 0xffff) << 14;
}

static void make_rx_desc(__u32 *desc)
{
	__u64 place = some_place(), head = some_place();

	desc[0] = place;
	desc[1] = place >> 32;
	desc[2] = head;
	desc[3] = head >> 32;
}

/* A ring of the queue at that offset; most are where the function may read */
static void set_ring(__u32 queue, void (*make_desc)(__u32 *desc))
{
	__u32 many = 8 * (1 + below(RING_MAX / 8)), at = 128 * below(dma.size / 128 - 8), i;
	__u64 base = one_in(4) ? some_place() & ~127ull : dma.iova + at;

	for (i = 0; i < many; i++)
		make_desc((__u32 *)((char *)dma.memory + at) + i * DESC_SIZE / 4);
	put(queue + RING_CTL, 0);
	put(queue + RING_BAL, base);
	put(queue + RING_BAH, base >> 32);
	put(queue + RING_LEN, many * DESC_SIZE);
	put(queue + RING_HEAD, 0);
	put(queue + RING_CTL, RING_ENABLE | (one_in(2) ? RING_FLUSH : 0));
	/* In range: past its end the emulator runs in a circle for ever */
	put(queue + RING_TAIL, below(many));
}

/* Into service, or the card would not look at its rings */
static void hello(void)
{
	__u32 words[WORDS] = { MSG_RESET }, answer = 0;
	int tries = 20;

	do {
		put(VTCTRL, VTCTRL_RST);
		rest_us(20000);
		ask(words, &answer);
	} while (!(answer & MSG_ACK) && --tries);
	if (tries)
		count.granted++;
}

static void rings(unsigned long many)
{
	int i;

	if (!dma.memory) {
		fprintf(stderr, "no memory for descriptors: give GROUP:PCI\n");
		exit(2);
	}
	for (i = 0; i < (int)dma.size / 4; i++)
		((__u32 *)dma.memory)[i] = any();
	hello();
	while (many--) {
		set_ring(RX_QUEUE, make_rx_desc);
		set_ring(TX_QUEUE, make_tx_desc);
		count.sent++;
		if (one_in(8))
			rest_us(1000);
		if (one_in(500))
			hello();
	}
}

static void rest(unsigned long many)
{
	while (many--)
		rest_us(1000);
}

static int parse_addr(const char *text, __u8 *addr)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &addr[0],
		      &addr[1], &addr[2], &addr[3], &addr[4], &addr[5]) == 6;
}

/* GROUP:PCI, or a file */
static void open_bar(char *name)
{
	char *pci = strchr(name, ':'), group[64];
	int fd;

	if (name[0] != '/' && pci) {
		*pci++ = '\0';
		snprintf(group, sizeof(group), "/dev/vfio/%s", name);
		kwl_vfio_open(&dma, group, pci);
		bar = dma.bar;
		return;
	}
	fd = open(name, O_RDWR | O_SYNC);
	bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || bar == MAP_FAILED)
		kwl_vfio_fail(name);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*work)(unsigned long many);
	} works[] = {
		{ "talk", talk },
		{ "flood", flood },
		{ "hammer", hammer },
		{ "poke", poke },
		{ "reset", reset },
		{ "rings", rings },
		{ "rest", rest },
	};
	unsigned long many;
	double start;
	int i;

	if (argc < 5 || argc > 5 + OTHERS_MAX) {
		fprintf(stderr, "usage: BAR0 SEED COUNT WHAT [ADDRESS...]\n");
		return 2;
	}
	open_bar(argv[1]);
	/* Never zero, and far from that of the next seed */
	state = (strtoull(argv[2], NULL, 0) + 1) * 0x9e3779b97f4a7c15ull;
	many = strtoul(argv[3], NULL, 0);
	for (i = 5; i < argc; i++)
		if (!parse_addr(argv[i], others[num_others++]))
			return 2;

	start = now();
	for (i = 0; i < ARRAY_SIZE(works); i++)
		if (!strcmp(argv[4], works[i].name))
			works[i].work(many);
	printf("{\"sent\": %lu, \"answered\": %lu, \"granted\": %lu, \"refused\": %lu, ",
	       count.sent, count.answered, count.granted, count.refused);
	printf("\"silent\": %lu, \"stolen\": %lu, \"writes\": %lu, \"resets\": %lu, ",
	       count.silent, count.stolen, count.writes, count.resets);
	printf("\"seconds\": %.3f}\n", now() - start);
	return 0;
}
