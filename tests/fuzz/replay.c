// SPDX-License-Identifier: GPL-2.0-only
/*
 * Without libFuzzer: run the inputs of a kept corpus, one in hexadecimal a
 * line, in that order.
 */
#include "fuzz.h"

static char line[1 << 16];

static int digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Of exactly its size, so that reading past it is noticed */
static void run(const char *hex, size_t size)
{
	u8 *input = malloc(size);
	size_t i;

	fuzz_check(input);
	for (i = 0; i < size; i++)
		input[i] = digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]);
	fuzz_one(input, size);
	free(input);
}

int main(void)
{
	int number = 0, inputs = 0;

	/* The last number names the input that ended it all */
	setbuf(stdout, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		size_t digits = strspn(line, "0123456789abcdef");

		number++;
		if (!digits)
			continue;
		fuzz_check(line[digits] == '\n' && !(digits % 2));
		printf("\rline %d", number);
		run(line, digits / 2);
		inputs++;
	}
	printf("\r%d inputs\n", inputs);
	return !inputs;
}
