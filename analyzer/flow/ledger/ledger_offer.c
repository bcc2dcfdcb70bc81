/*
 * ledger_offer.c - the windows that an endpoint offers: what is usual, how long
 * none was open, who asked meanwhile.  O(1) a packet.
 */
#include "flow/ledger/ledger_impl.h"

enum {
	PROBE_W = 53,       /* a window probe: 52 bytes of headers and one of data */
	WINDOW_LEAST = 536, /* the smallest MSS that is usual (RFC 9293 3.7.1) */
};

/* A sample of at most 64 of its windows, evenly spread: their median is honest. */
static void
window_sample(struct side *s, uint16_t window)
{
	if (s->sample_skip > 0) {
		s->sample_skip--;
		return;
	}
	if (s->sample_count == LEDGER_SAMPLES) {
		for (uint32_t i = 0; i < LEDGER_SAMPLES / 2; i++)
			s->samples[i] = s->samples[2 * (size_t)i];
		s->sample_count /= 2;
		s->sample_stride = s->sample_stride == 0 ? 2 : s->sample_stride * 2;
	}
	s->samples[s->sample_count++] = window;
	s->sample_skip = s->sample_stride > 1 ? s->sample_stride - 1 : 0;
}

static void
zero_end(struct side *s, const struct moment *at)
{
	if (at->ns - s->zero_from.ns > s->zero_longest_to.ns - s->zero_longest_from.ns ||
	    s->zero_longest_from.frame == 0) {
		s->zero_longest_from = s->zero_from;
		s->zero_longest_room = s->zero_room;
		s->zero_longest_to = *at;
		s->zero_longest_over = false;
	}
}

/* The window is open again; `at': since that was seen, NULL where only what follows tells of it. */
static void
zero_over(struct side *s, const struct moment *at)
{
	if (at != NULL)
		zero_end(s, at);
	if (s->zero_longest_from.frame == s->zero_from.frame)
		s->zero_longest_over = true;
	s->zero_now = false;
}

/*
 * The peer may not send into it, although it is not 0 (silly window): less than a segment and less
 * than half of the most.  Where the scale is not known any window looks small: then next to nothing
 * of the most is asked for.
 */
static bool
window_silly(const struct side *s, const struct side *peer, uint32_t bytes)
{
	if (!s->scale_read || !peer->scale_read)
		return bytes < WINDOW_LEAST && bytes < s->window_max / 16;
	return bytes < s->mss && bytes < s->window_max / 2;
}

static int64_t
answer_within(const struct ledger *l)
{
	return DELACK + 4 * (l->handshake_ns > 0 ? l->handshake_ns : SECOND);
}

/* The window that `s' offers, in a packet of its own. */
void
window_note(const struct ledger *l, struct side *s, const struct side *peer, const struct packet *p)
{
	uint32_t bytes = (uint32_t)p->window << s->window_shift;

	if ((p->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return;
	window_sample(s, p->window);
	s->window_known = true;
	s->window_last = p->window;
	if (bytes > s->window_max)
		s->window_max = bytes;
	/* without its scale only less than it once was tells that there may be no room */
	if (!(s->scale_read && peer->scale_read) && bytes < s->window_max / 2)
		s->window_zero_last = p->at.ns;
	if (p->window != 0 && !window_silly(s, peer, bytes)) {
		if (s->zero_now)
			zero_over(s, &p->at);
		return;
	}
	s->window_zero_last = p->at.ns;
	if (!s->zero_now) {
		s->zero_from = p->at;
		s->zero_room = 0;
	}
	if (bytes > s->zero_room)
		s->zero_room = bytes;
	s->zero_now = true;
	zero_end(s, &p->at);
	if (s->probe_ns != 0 && p->at.ns - s->probe_ns <= answer_within(l))
		s->zero_probes++;
	s->probe_ns = 0;
}

/*
 * A asks whether the shut window has opened: with next to nothing, or, where B took its offer back
 * while data was on its way (a full buffer), with that data again.  What was on its way when the
 * window shut asks nothing.
 */
static bool
window_asks(const struct side *peer, const struct packet *p)
{
	uint32_t offered = (uint32_t)peer->window_last << peer->window_shift;

	if (!peer->zero_now || (p->flags & (TCP_SYN | TCP_RST)) != 0)
		return false;
	return (p->len <= 1 && p->w <= PROBE_W + (p->src.family == 6 ? 20U : 0)) ||
	    (p->len > offered && p->at.ns - peer->zero_from.ns >= REPEAT_LEAST);
}

/*
 * A sends what it never sent before, and more than a probe beyond what B took last: it heard of a
 * window that was not captured.  What was on its way when the window shut is given time to come by.
 */
static bool
window_passed(const struct ledger *l, const struct side *s, const struct side *peer,
    const struct packet *p, int64_t rel)
{
	uint32_t segments = 2 * (s->w_seen > WINDOW_LEAST ? s->w_seen : WINDOW_LEAST);

	return rel >= s->data_max && rel > s->acked + peer->zero_room + segments &&
	    p->at.ns - peer->zero_from.ns > answer_within(l);
}

/* A's data against the window that B, `peer', offered last. */
void
window_use(const struct ledger *l, const struct side *s, struct side *peer, const struct packet *p,
    int64_t rel)
{
	if (window_asks(peer, p))
		peer->probe_ns = p->at.ns;
	if (peer->zero_now && p->len > 0 && window_passed(l, s, peer, p, rel))
		zero_over(peer, NULL);
	if (p->len == 0 || !peer->window_known)
		return;
	peer->window_eq += p->len == peer->window_last;
	peer->window_over += p->len > peer->window_last;
}
