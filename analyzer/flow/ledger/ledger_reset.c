/*
 * ledger_reset.c - resets (S17): what each of them answers, as far as the window
 * of segments tells.
 */
#include "flow/ledger/ledger_impl.h"

#include <string.h>

enum {
	GOES_ON = 1 << 16
}; /* a window without scale: another connection's numbers would hardly be so near */

/* The peer's largest ACK of at least `age' ago. */
static bool
old_ack(const struct ledger *l, int dir, int64_t before, int64_t *rel)
{
	const struct side *s = &l->side[dir];
	bool any = false;

	for (uint32_t i = l->count; i-- > 0;) {
		const struct seg *g = &l->segs[i];
		int64_t a;

		if (g->ns > before || seg_s2c(g) == (dir == 1) || !(g->flags & TCP_ACK) ||
		    (g->flags & TCP_RST))
			continue;
		a = side_rel(s, g->ack);
		if (!any || a > *rel)
			*rel = a;
		any = true;
	}
	return any;
}

/* When the peer first sent the bytes that end at `end'; 0 unknown. */
static int64_t
first_sent(const struct ledger *l, int dir, int64_t end)
{
	int64_t ns = 0;

	for (uint32_t i = l->count; i-- > 0;) {
		const struct seg *g = &l->segs[i];

		if (seg_s2c(g) == (dir == 1) && g->len > 0 &&
		    side_rel(&l->side[dir], g->seq) + g->len == end)
			ns = g->ns;
	}
	return ns;
}

/* When the peer broke a long silence of both, if nobody but it said anything since; 0 otherwise. */
static int64_t
silence_broken(const struct ledger *l, int dir, int64_t rel)
{
	int64_t quiet = l->handshake_ns * 100 > 2 * SECOND ? l->handshake_ns * 100 : 2 * SECOND;

	for (uint32_t i = l->count; i-- > 1;) {
		const struct seg *g = &l->segs[i];

		if (seg_s2c(g) == (dir == 1) || (g->flags & (TCP_RST | TCP_SYN)) != 0 ||
		    side_rel(&l->side[dir], g->ack) != rel)
			return 0;
		if (g->ns - l->segs[i - 1].ns >= quiet)
			return g->ns;
	}
	return 0;
}

/*
 * R6: the time since the packet that this RST answers.  A RST with an ACK names the bytes it knows
 * of.  One without is an answer only if nothing else happened for so long that chance is ruled out.
 */
static int64_t
rst_haste(const struct ledger *l, int dir, const struct packet *p, int64_t rel)
{
	const struct side *peer = &l->side[!dir];
	int64_t end = side_rel(peer, p->ack), asked;

	if (p->flags & TCP_ACK)
		asked = end > peer->acked ? first_sent(l, !dir, end) : 0;
	else
		asked = silence_broken(l, dir, rel);
	return asked == 0 ? 0 : p->at.ns > asked ? p->at.ns - asked : 1;
}

int64_t
reset_age(const struct ledger *l)
{
	int64_t age = (l->handshake_ns > 0 ? l->handshake_ns : SECOND) * 3 / 2;

	return age > 50 * MS ? age : 50 * MS;
}

void
rst_note(struct ledger *l, int dir, const struct packet *p, int64_t rel)
{
	struct side *s = &l->side[dir];
	int64_t ack = rel;
	struct rst_note *n;

	if (s->rst.frame == 0) {
		s->rst = p->at;
		s->ttl_rst_first = p->ttl;
	}
	s->rst_count++;
	s->ttl_rst = p->ttl;
	if (s->rst_kept == LEDGER_RSTS || !side_lists(s))
		return;
	n = &s->lists->rsts[s->rst_kept++];
	memset(n, 0, sizeof(*n));
	n->at = p->at;
	n->rel = rel;
	n->ack = p->ack;
	n->ttl = p->ttl;
	n->bare = (p->flags & TCP_ACK) == 0;
	if (n->bare) {
		(void)old_ack(l, dir, p->at.ns - reset_age(l), &ack);
		n->reply = rel >= ack;
		n->amid = n->reply && rel < s->max;
		n->answers = n->amid ||
		    (n->reply && l->side[!dir].last.frame != 0 &&
			p->at.ns - l->side[!dir].last.ns <= reset_age(l));
	}
	n->haste = rst_haste(l, dir, p, rel);
	n->r2 = !n->reply && s->max > rel && s->based;
}

void
rst_forget(struct side *s)
{
	s->rst = (struct moment){ 0 };
	s->rst_count = s->rst_kept = 0;
	s->ttl_rst = s->ttl_rst_first = 0;
}

/*
 * S17 R1.  Who reset knows nothing of the connection any more: what goes on where the RST stood is
 * not his, however late.  What a RST overtook on the way was sent before it: an ACK or an end
 * beside it, and whatever lies behind the place that a closed socket took from the packet it
 * answers.
 */
void
rst_refuted(struct ledger *l, int dir, const struct packet *p, int64_t rel)
{
	struct side *s = &l->side[dir];

	for (uint32_t i = 0; i < s->rst_kept; i++) {
		struct rst_note *n = &s->lists->rsts[i];
		int64_t overtaken = p->len == 0 || n->reply ? reset_age(l) : 0;

		if (p->at.ns > n->at.ns + overtaken && rel >= n->rel &&
		    (p->at.ns < n->at.ns + 2 * SECOND || rel - n->rel < GOES_ON))
			n->r1 = true;
	}
}
