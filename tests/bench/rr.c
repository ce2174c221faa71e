// SPDX-License-Identifier: GPL-2.0-only
/*
 * Request and response over UDP, a byte each way and one at a time:
 *
 *	rr serve ADDRESS	answer until an empty request comes
 *	rr ask ADDRESS COUNT	print the median time of an answer, in nanoseconds
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PORT	7777

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int serve(int sock, const struct sockaddr_in *local)
{
	struct sockaddr_in from;
	socklen_t len;
	char byte;
	ssize_t got;

	if (bind(sock, (const struct sockaddr *)local, sizeof(*local)))
		return fail("bind");
	do {
		len = sizeof(from);
		got = recvfrom(sock, &byte, 1, 0, (struct sockaddr *)&from,
			       &len);
		if (got < 0 || sendto(sock, &byte, got, 0,
				      (struct sockaddr *)&from, len) != got)
			return fail("serve");
	} while (got);
	return 0;
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int later(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static int ask(int sock, const struct sockaddr_in *remote, size_t count)
{
	long long *took = calloc(count, sizeof(*took));
	char byte = 'r';
	size_t i;

	if (!took ||
	    connect(sock, (const struct sockaddr *)remote, sizeof(*remote)))
		return fail("connect");
	for (i = 0; i < count; i++) {
		long long start = now();

		if (send(sock, &byte, 1, 0) != 1 ||
		    recv(sock, &byte, 1, 0) != 1)
			return fail("ask");
		took[i] = now() - start;
	}
	send(sock, &byte, 0, 0);
	recv(sock, &byte, 1, 0);
	qsort(took, count, sizeof(*took), later);
	printf("%lld\n", took[count / 2]);
	free(took);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
	};
	struct timeval patience = { .tv_sec = 10 };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc < 3 || sock < 0 || inet_aton(argv[2], &addr.sin_addr) == 0)
		return fail("rr");
	if (!strcmp(argv[1], "serve"))
		return serve(sock, &addr);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return ask(sock, &addr, argc > 3 ? strtoul(argv[3], NULL, 0) : 1);
}
