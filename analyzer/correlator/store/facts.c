/*
 * facts.c - small facts of cases and addresses, and the gates of diagnosis 0.3, 0.5 S14 and 0.7 G.
 */
#include <string.h>

#include "store.h"

int64_t
case_time_jumped(const struct mail_case *c, int64_t from_ns, int64_t to_ns)
{
	int64_t sum = 0;

	for (int i = 0; c->capture != NULL && i < RECORD_JUMPS; i++) {
		const struct clock_jump *j = &c->capture->clock_jumps[i];

		if (j->from.frame != 0 && j->from.ns < to_ns && from_ns < j->to.ns)
			sum += j->ns;
	}
	return sum < to_ns - from_ns ? sum : to_ns - from_ns;
}

uint32_t
capture_q_permille(const struct record_capture *c)
{
	if (c == NULL || c->acked_bytes == 0)
		return 0;
	if (c->acked_unseen >= c->acked_bytes)
		return 1000;
	return (uint32_t)((double)c->acked_unseen * 1000.0 / (double)c->acked_bytes);
}

int
case_unseen_dir(const struct mail_case *c)
{
	for (int d = 0; d < 2; d++) {
		const struct record_direction *seen = &c->conn->dir[!d], *gone = &c->conn->dir[d];

		if (gone->packets != 0 || seen->packets == 0)
			continue;
		/*
		 * S14: twenty packets, or data while the ACK field of the seen side moves on; or an
		 * answer to a SYN that is not here
		 */
		if (seen->packets >= 20 || (seen->data_segments >= 1 && gone->acked > 0) ||
		    (d == 0 && c->conn->synack_count > 0))
			return d;
	}
	return -1;
}

bool
case_one_sided(const struct mail_case *c)
{
	return case_unseen_dir(c) >= 0;
}

bool
case_missing_dir(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];

	if (d->missing > 0 || d->acked_unseen > 0 || d->cut_bytes > 0 || d->conflict)
		return true;
	return c->session != NULL && (dir == 0 ? c->session->gap_client : c->session->gap_server);
}

bool
case_missing(const struct mail_case *c)
{
	return case_missing_dir(c, 0) || case_missing_dir(c, 1);
}

bool
case_midstream(const struct mail_case *c)
{
	return c->conn->state == CONN_MIDSTREAM || (c->session != NULL && c->session->midstream);
}

bool
addr_prefix_equal(
    const struct addr *a, const struct addr *b, unsigned int v4_bits, unsigned int v6_bits)
{
	unsigned int bits = a->family == 6 ? v6_bits : v4_bits;
	uint8_t mask;

	if (a->family != b->family || memcmp(a->b, b->b, bits / 8) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	mask = (uint8_t)(0xff << (8 - bits % 8));
	return (a->b[bits / 8] & mask) == (b->b[bits / 8] & mask);
}

static bool
v4_public(const uint8_t *b)
{
	return !(b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 ||
	    (b[0] == 100 && (b[1] & 0xc0) == 64) || /* RFC 6598 */
	    (b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
	    (b[0] == 192 && b[1] == 168));
}

bool
addr_public(const struct addr *a)
{
	if (a->family == 4)
		return v4_public(a->b);
	return a->family == 6 && (a->b[0] & 0xe0) == 0x20; /* 2000::/3, RFC 4291 */
}
