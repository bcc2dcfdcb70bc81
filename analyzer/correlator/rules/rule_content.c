/*
 * rule_content.c - inline-content-drop: one piece of the message never arrives,
 * while neighbours of the same size, before and after, do.
 */
#include "correlator/facts/lookup.h"
#include "correlator/facts/path_say.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN = 4, CHAIN_SURE = 6, LATER = 3, STARTS = 3 };

/*
 * All else of its size came: told by SACK, or by one repeated ACK for each.  Where the newest did
 * not, the path died.
 */
static bool
neighbours_came(const struct record_stall *s)
{
	uint32_t lost = s->n_lost_ge + s->n_lost_lt;

	if (stall_heard_large(s) && s->again + 1 >= s->later_sent)
		return true;
	return s->proven >= s->w_min && s->later_delivered >= LATER && s->later_last &&
	    !s->options_cut && !stall_by_chance(s, lost > s->chain_lost ? lost - s->chain_lost : 0);
}

/* What looks at the content lets the same packet never pass; cut anew it may. */
static bool
pierced(const struct record_stall *s)
{
	if (s->delivered.frame != 0 && s->delivered_w >= s->w_min)
		return false;
	return s->chain_lost >= CHAIN && s->lost_last.ns - s->first.ns >= 3 * PATH_SECOND &&
	    s->w_min > 0 && neighbours_came(s) && s->chain_starts <= STARTS && !s->zero_window;
}

/* Something of this sender arrived after the piece had been lost for good: the path lived. */
static bool
lived(const struct way *w, const struct record_stall *s, struct live_elsewhere *e)
{
	int64_t since = s->chain_len >= CHAIN ? s->chain[CHAIN - 1].ns : s->last.ns;

	*e = way_live_elsewhere(w, since, s->last.ns);
	return ((s->live & LIVE_L2) != 0 && s->live_at[1].ns > since) ||
	    ((s->live & LIVE_L2B) != 0 && s->live_at[2].ns > since) || e->bits != 0 ||
	    s->delivered.frame != 0;
}

/*
 * The receiver repeats its acknowledgement for each that comes, and names none of them although it
 * agreed to SACK, or may have: it refuses them, for their time stamps (PAWS, RFC 7323 5) or another
 * mark, or something takes its SACK away.
 */
static bool
all_refused(const struct way *w, const struct record_stall *s)
{
	return s->later_delivered == 0 && !s->options_cut &&
	    (case_midstream(w->c) || (w->a->sack_ok && w->b->sack_ok));
}

/* The same content offset in another session of the path. */
static const struct mail_case *
again(const struct way *w, const struct record_stall *s)
{
	struct case_iter it = { .client = &w->c->conn->client.ip,
		.server = &w->c->conn->server.ip };
	const struct mail_case *o;

	for (uint32_t looked = 0;
	     (o = lookup_next(w->v->lookups, &it, &looked, LOOKUP_MOST)) != NULL;)
		for (uint32_t i = 0; o != w->c && o->point == w->c->point && i < o->stall_count;
		     i++) {
			const struct record_stall *t = o->stalls[i];
			uint64_t d = t->head > s->head ? t->head - s->head : s->head - t->head;

			if (t->key.m == (uint32_t)w->dir && pierced(t) && d < 2048)
				return o;
		}
	return NULL;
}

/* Which part of the message this byte of the stream is in; NULL: in none, or it cannot be told. */
static const struct mime_part *
part_at(const struct record_message *m, uint64_t at)
{
	for (uint32_t i = 0; i < m->outline_count && i < RECORD_OUTLINE; i++)
		if (at >= m->outline[i].from && at < m->outline[i].to)
			return &m->outline[i];
	return NULL;
}

/* " (figures.pdf, application/pdf, base64)": what is known of it. */
static const char *
part_words(const struct mime_part *p, char *buf, size_t size)
{
	const char *const words[] = { p->name, p->type, p->encoding };
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && n < size; i++)
		if (words[i][0] != '\0')
			n += (size_t)snprintf(
			    buf + n, size - n, "%s%s", n > 0 ? ", " : " (", words[i]);
	if (n > 0 && n + 1 < size)
		memcpy(buf + n, ")", 2);
	return buf;
}

static void
say_part(struct finding *f, const struct way *w, const struct record_stall *s)
{
	for (uint32_t i = 0; i < w->c->message_count; i++) {
		const struct record_message *m = w->c->messages[i];
		const struct mime_part *p =
		    (m->app == APP_SMTP ? 0 : 1) == w->dir ? part_at(m, s->head) : NULL;
		char words[sizeof(p->name) + sizeof(p->type) + sizeof(p->encoding) + 8];

		if (p == NULL || p->path[0] == '\0')
			continue;
		evidence_frame(
		    finding_says(f, w->c->point, "that place lies in MIME part %s of the message%s",
			p->path, part_words(p, words, sizeof(words))),
		    &s->first);
		return;
	}
}

static void
say_refused(struct finding *f, const struct way *w, const struct record_stall *s)
{
	const char *who = w->dir == 0 ? "server" : "client";

	finding_says(f, w->c->point,
	    case_midstream(w->c)
		? "none of these acknowledgements names what came behind (SACK; whether that was agreed is not in the "
		  "capture)"
		: "both ends agreed to SACK, and none of these acknowledgements names what came behind");
	finding_summary(f,
	    "From byte %llu of the stream on nothing is acknowledged, although what is sent reaches the %s, which repeats its acknowledgement: "
	    "it refuses what comes (time stamps that went back, which a device changed: PAWS), or one piece is dropped each time and the rest not named.",
	    (unsigned long long)s->head, who);
	finding_remedy(f,
	    "Capture at both ends and compare the TCP time stamps of one packet: a load balancer, NAT router or scrubber that changes them halfway makes "
	    "the %s refuse all that follows. Switching TCP time stamps off at one end shows it (net.ipv4.tcp_timestamps=0).",
	    who);
	finding_next_capture(f, "packets that the receiver refuses", "one piece that is dropped",
	    "the same packets as they reach the receiver", "at both ends");
}

static void
report(const struct way *w, const struct record_stall *s, struct verdicts *out)
{
	const struct mail_case *o = again(w, s);
	struct live_elsewhere e;
	bool alive = lived(w, s, &e);
	bool refused = all_refused(w, s);
	enum confidence conf = refused                            ? CONFIDENCE_POSSIBLE
	    : o != NULL || (s->chain_lost >= CHAIN_SURE && alive) ? CONFIDENCE_CONFIRMED
								  : CONFIDENCE_PROBABLE;
	struct finding *f =
	    verdict_add(out, FINDING_INLINE_CONTENT_DROP, way_gate(w, conf), w->c, w->dir);

	finding_span(f, &s->first, &s->last);
	say_chain(f, w, s);
	say_part(f, w, s);
	if (s->later_delivered > 0)
		finding_says(f, w->c->point,
		    "%u segment%s behind it came through meanwhile, up to %u bytes",
		    s->later_delivered, PLURAL(s->later_delivered), s->later_w_max);
	else
		evidence_frames(
		    finding_says(f, w->c->point,
			"meanwhile the receiver repeated its acknowledgement: at least %u packet%s of "
			"%u bytes behind it arrived",
			s->again, PLURAL(s->again), s->w_min),
		    &s->again_first, &s->again_last);
	say_proven(f, w, s);
	if (alive)
		say_liveness(f, w, s, &e);
	if (o != NULL)
		finding_says(
		    f, o->point, "the same place of the content is lost in another session, too");
	if (w->b->at_sender)
		finding_says(f, w->c->point,
		    "this capture was taken at the receiver's side: the piece came as far as here");
	if (refused)
		say_refused(f, w, s);
	else
		finding_summary(f,
		    "One piece of the content, at byte %llu of the stream, does not get through however often it is sent (at least %u times); other "
		    "packets of the same size pass before and after it. Something %s looks at the content and drops it.",
		    (unsigned long long)s->head, s->chain_lost,
		    w->b->at_sender
			? "between this point and the receiving program (a filter of that host, a virus scanner)"
			: "on the way");
	finding_exclude(f, FINDING_PMTU_BLACK_HOLE, "packets of %u bytes do arrive",
	    s->proven > s->w_min ? s->proven : s->w_min);
	if (alive || o != NULL)
		finding_exclude(f, FINDING_PATH_OUTAGE, "%s",
		    alive ? "the way lived while the piece was sent again"
			  : "a path does not die twice at the same byte");
	else
		finding_next_capture(f, "a piece that is dropped each time",
		    "a path that died right behind it",
		    "anything else of the sender while it "
		    "repeated the piece",
		    "at this point, while the same mail is sent once more");
	if (s->chain_lost >= CHAIN_SURE)
		finding_exclude(f, FINDING_HIGH_LOSS,
		    "%u losses of the same bytes in a row are not chance", s->chain_lost);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		struct way w = way_of(v, v->c, d);
		const struct record_stall *s;
		uint32_t i = 0;

		if (!way_two_sided(&w) || way_claimed(&w, out, 4, 6))
			continue;
		while ((s = way_stall(&w, &i)) != NULL)
			if (pierced(s)) {
				report(&w, s, out);
				break;
			}
	}
}

const struct rule rule_content = { "content", RULE_MAIL, judge, true };
