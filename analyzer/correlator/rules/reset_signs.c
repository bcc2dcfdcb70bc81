/*
 * reset_signs.c - the signs of a RST that a device sent in the name of an end: sequence numbers,
 * TTLs, haste, and what several sessions have in common.
 */
#include "reset_signs.h"

#include <ctype.h>
#include <string.h>

#include "correlator/facts/contrast.h"
#include "correlator/facts/lookup.h"

#define SIGN_HERE     (UINT32_C(1) << 31) /* not of the record */
#define RESET_TTL     (RESET_R5 | RESET_R5B)
#define SIGNS_CUTTING (RESET_R1 | RESET_R2 | RESET_R7 | RESET_R8)

enum { SIGNS_PROBABLE = 2, SIGNS_SURE = 3, SESSIONS_R8 = 2, SESSIONS_LOOKED = 4096 };

static const struct sign {
	uint32_t bit;
	const char *words;
} signs[] = {
	{ RESET_R1, "the \"resetting\" end goes on sending after its RST" },
	{ RESET_R2, "the RST carries an old sequence number of its end" },
	{ RESET_R3, "several RSTs with different sequence numbers" },
	{ RESET_R4, "several RSTs with different acknowledgements" },
	{ RESET_R5, "the RST's TTL differs from the end's other packets" },
	{ RESET_R5B, "the RST was made with another initial TTL" },
	{ RESET_R6, "the RST came sooner than the end itself can answer" },
	{ RESET_R7, "both ends get a RST at the same moment, neither had closed" },
	{ SIGN_HERE,
	    "the RST has passed no router, the end's other packets have: it was made on this network" },
	{ RESET_R8, "in several sessions the RST follows at once the same command" },
};

int
reset_first(const struct record_connection *c)
{
	const struct moment *a = &c->dir[0].rst, *b = &c->dir[1].rst;

	if (a->frame == 0 && b->frame == 0)
		return -1;
	if (a->frame == 0 || (b->frame != 0 && b->ns < a->ns))
		return 1;
	return 0;
}

/* The shortest way from this point to the end whose RST it is, and back; 0 = not known. */
static int64_t
loop_to(const struct record_connection *c, int d)
{
	if (!c->rtt_known || c->vantage < 0)
		return 0;
	return c->rtt_ns / 1000 * (d == 1 ? c->vantage : 1000 - c->vantage);
}

/*
 * The only handshake of a connection may have waited for ARP, and its few answers
 * for a program: what other connections of these two hosts needed counts as well.
 */
static bool
too_hasty(const struct view *v, int d)
{
	struct case_iter it = { .client = &v->c->conn->client.ip,
		.server = &v->c->conn->server.ip };
	const struct mail_case *x;
	int64_t least = v->c->conn->dir[d].loop_ns;

	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, SESSIONS_LOOKED)) != NULL;)
		if (x->has_conn && x->point == v->c->point && x->conn->dir[d].loop_ns > 0 &&
		    x->conn->dir[d].loop_ns < least)
			least = x->conn->dir[d].loop_ns;
	return least == 0 || v->c->conn->dir[d].reset_haste_ns < least / 2;
}

/* The signs of both ends' RSTs. */
static uint32_t
signs_of(const struct view *v)
{
	uint32_t bits = 0;

	for (int d = 0; d < 2; d++) {
		uint32_t b = v->c->conn->dir[d].reset_signs;

		bits |= (b & RESET_R6) != 0 && !too_hasty(v, d) ? b & ~(uint32_t)RESET_R6 : b;
	}
	return bits;
}

/*
 * Captured at the other end, whose packets have their first TTL: so has the RST, which its end,
 * some routers away, cannot have sent.  Of a capture that was taken at two places that is not
 * known.
 */
static bool
made_here(const struct view *v, int d)
{
	const struct record_direction *end = &v->c->conn->dir[d], *other = &v->c->conn->dir[!d];

	return (end->reset_signs & RESET_R5) != 0 && ttl_undiminished(end->ttl_rst) &&
	    end->ttl_rst_first == end->ttl_rst && end->ttl != 0 && end->ttl < end->ttl_rst &&
	    ttl_hops(end->ttl) == (unsigned int)(end->ttl_rst - end->ttl) && end->ttl_rst != 0 &&
	    ttl_undiminished(other->ttl) && other->ttl_syn == other->ttl &&
	    end->ttl_syn == end->ttl && !contrast_mixed(v);
}

/*
 * A server's RST whose TTL is not that of its other packets here, but that of its packets in
 * another connection: two machines have the address (failover, balancer, given twice), or its ways
 * differ in length.  NULL = none known.
 */
static const struct mail_case *
other_machine(const struct view *v, int d)
{
	const struct record_direction *end = &v->c->conn->dir[d];
	struct case_iter it = { .server = &v->c->conn->server.ip };
	const struct mail_case *x;

	if (d != 1 || rst_ttl(end) == 0 || rst_ttl(end) == end->ttl)
		return NULL;
	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, SESSIONS_LOOKED)) != NULL;)
		if (x != v->c && x->has_conn && x->point == v->c->point &&
		    x->conn->dir[1].ttl == rst_ttl(end) && x->conn->dir[1].data_segments > 0)
			return x;
	return NULL;
}

/*
 * The verb that was in flight when the RST came, before the end itself can have answered; false:
 * none.
 */
static bool
cut_at(const struct mail_case *c, char verb[16])
{
	const struct record_connection *k = c->conn;
	const struct record_session *s = c->session;
	int d = reset_first(k);
	size_t n;

	if (d < 0 || s == NULL || !s->command_unanswered || k->dir[0].data_last.frame == 0)
		return false;
	if (k->dir[d].rst.ns < k->dir[0].data_last.ns ||
	    k->dir[d].rst.ns - k->dir[0].data_last.ns > loop_to(k, d) / 4 * 3)
		return false;
	n = strspn(s->last_command, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	if (n == 0 || n > 15 || (s->last_command[n] != '\0' && s->last_command[n] != ' '))
		return false;
	for (size_t i = 0; i <= n; i++)
		verb[i] = i == n ? '\0' : (char)toupper((unsigned char)s->last_command[i]);
	return true;
}

/*
 * R8: sessions of these two hosts that were cut at this verb, this one included; counted until it
 * is enough.
 */
static uint32_t
sessions_cut_at(const struct view *v, const char *verb)
{
	struct case_iter it = { .client = &v->c->conn->client.ip,
		.server = &v->c->conn->server.ip };
	const struct mail_case *x;
	uint32_t n = 0;
	char theirs[16];

	for (uint32_t looked = 0; n < SESSIONS_R8 &&
	     (x = lookup_next(v->lookups, &it, &looked, SESSIONS_LOOKED)) != NULL;)
		n += x->has_conn && x->point == v->c->point && cut_at(x, theirs) &&
		    strcmp(verb, theirs) == 0;
	return n;
}

struct reset_signs
reset_signs(const struct view *v, int d)
{
	struct reset_signs s = { .bits = signs_of(v) };
	char verb[16];

	s.other = (s.bits & RESET_TTL) != 0 ? other_machine(v, d) : NULL;
	if (s.other != NULL)
		s.bits &= ~(uint32_t)RESET_TTL;
	if (cut_at(v->c, verb) && sessions_cut_at(v, verb) >= SESSIONS_R8)
		s.bits |= RESET_R8;
	if (made_here(v, d))
		s.bits |= SIGN_HERE;
	return s;
}

uint32_t
reset_sign_count(uint32_t bits)
{
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		n += (bits & signs[i].bit) != 0;
	return n;
}

bool
reset_forged(uint32_t bits)
{
	return reset_sign_count(bits) >= SIGNS_PROBABLE &&
	    (bits & (RESET_R1 | RESET_R2 | RESET_R5 | RESET_R6)) != 0;
}

/* SIGN_HERE is told by the TTL, as R5 is: one TTL is not two proofs. */
bool
reset_forged_surely(uint32_t bits)
{
	return reset_sign_count(bits & ~SIGN_HERE) >= SIGNS_SURE;
}

bool
reset_cut(uint32_t bits)
{
	return (bits & SIGNS_CUTTING) != 0;
}

void
reset_say_signs(struct finding *f, uint32_t point, uint32_t bits)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (bits & signs[i].bit)
			finding_says(f, point, "%s", signs[i].words);
}
