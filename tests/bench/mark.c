// SPDX-License-Identifier: GPL-2.0-only
/* An instruction that does nothing, and which count.c looks for */
int main(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x80, 0, 0x6c, 0x77, 0x6b");
	return 0;
}
