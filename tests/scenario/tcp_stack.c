/*
 * tcp_stack.c - how the TCPs of the wild repeat what got lost, as far as a
 * capture shows it: when, how often, and in what size after large packets
 * vanish again and again (RFC 2923 2.1).
 */
#include <string.h>

#include "scenario.h"

const struct stack stack_linux = {
	.name = "linux", .rack = true, .rto_least_ms = 200, .rto_added = true, .delayed_ack_ms = 40
};

static const struct stack stacks[] = {
	/* TcpMaxDataRetransmissions 5; EnablePMTUBHDetect is on or off, by version */
	{ .name = "windows", .rto_least_ms = 300, .retries = 5, .delayed_ack_ms = 200 },
	{ .name = "windows-detect",
	    .rto_least_ms = 300,
	    .retries = 5,
	    .shrink_after = 2,
	    .shrink_mss = { 536, 536 },
	    .shrink_df = true,
	    .delayed_ack_ms = 200 },
	/* net.inet.tcp.pmtud_blackhole_detection */
	{ .name = "bsd",
	    .rto_least_ms = 230,
	    .retries = 12,
	    .shrink_after = 2,
	    .shrink_mss = { 1200, 536 },
	    .delayed_ack_ms = 100 },
	/* as RFC 1122 has it */
	{ .name = "old", .rto_least_ms = 1000, .retries = 12, .delayed_ack_ms = 200 },
};

const struct stack *
stack_named(const char *name)
{
	if (strcmp(name, stack_linux.name) == 0)
		return &stack_linux;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		if (strcmp(name, stacks[i].name) == 0)
			return &stacks[i];
	fail("\"%s\" is no stack", name);
}

static const struct {
	const char *name;
	int gaps[11]; /* s */
} syns[] = {
	[SYN_LINUX] = { "linux", { 1, 1, 1, 1, 1, 2, 4, 8, 16, 33, 0 } },
	[SYN_LINUX_OLD] = { "linux-old", { 1, 2, 4, 8, 16, 32, 0 } },
	[SYN_WINDOWS] = { "windows", { 3, 6, 0 } },
};

enum syn_style
syn_named(const char *name)
{
	for (unsigned int i = 0; i < sizeof(syns) / sizeof(syns[0]); i++)
		if (strcmp(name, syns[i].name) == 0)
			return (enum syn_style)i;
	fail("\"%s\" is no way to repeat SYNs", name);
}

int64_t
syn_gap(enum syn_style style, unsigned int n)
{
	return n >= 1 && n <= 10 ? syns[style].gaps[n - 1] * s_ns : 0;
}

/*
 * Windows asks a port that answered with a RST twice more (TcpMaxConnectRetransmissions), the same
 * SYN each time.
 */
int64_t
syn_refused_gap(enum syn_style style, unsigned int n)
{
	return style == SYN_WINDOWS && n <= 2 ? s_ns / 2 : 0;
}
