/*
 * vantage_ends.c - what one point shows in an end's name and the point nearer
 * to that end never saw: resets, options, words of the server (diagnosis 1A, 1C; S2, S18).
 */
#include <stdio.h>
#include <string.h>

#include "correlator/facts/dialogue.h"
#include "vantage.h"

enum { RESETS_SURE = 3, NO_SCALE = 255 };

#define RESET_NEAR INT64_C(100000000) /* ns */

/* ---- a reset that its end never sent ----------------------------------------------- */

/*
 * The upper point, nearer to the end, has a reset of it then, for a connection that began before
 * the capture: maybe this one, to which an address translation has meanwhile given another port or
 * address.  So it is taken, too, where the search ends at its bound.
 */
static bool
reset_renamed(const struct store *s, const struct passage *p, uint64_t *cut)
{
	enum { LOOKED = 4096 };
	const struct record_connection *up = p->up->conn;
	int64_t rst = p->down->conn->dir[p->dir].rst.ns;
	struct case_iter it = { .since_ns = rst - p->late - RESET_NEAR };
	const struct mail_case *c;
	uint64_t before = *cut;

	if (p->dir == 1) {
		it.server = &up->server.ip;
		it.server_port = up->server.port;
	}
	for (uint32_t looked = 0; (c = store_case_among(s, &it, &looked, LOOKED, cut)) != NULL;) {
		const struct moment *at;

		if (c == p->up || c->point != p->up->point || !c->has_conn || !case_midstream(c))
			continue;
		at = &c->conn->dir[p->dir].rst;
		if (moment_is(at) && at->ns >= rst - p->late - RESET_NEAR &&
		    at->ns <= rst - p->early + RESET_NEAR)
			return true;
	}
	return *cut != before;
}

/* The upper point, nearer to the end, was watching when it would have passed. */
static bool
reset_forged(const struct store *s, const struct passage *p, bool *went_on, uint64_t *cut)
{
	const struct record_direction *up = &p->up->conn->dir[p->dir],
				      *down = &p->down->conn->dir[p->dir];
	int64_t latest = down->rst.ns - p->early;

	if (down->rst_count == 0 || up->rst_count > 0 || !p->clock ||
	    !copy_trusted(p->up, p->dir) || !copy_trusted(p->up, !p->dir))
		return false;
	if (p->up->capture->first.ns > down->rst.ns - p->late || p->up->capture->last.ns < latest ||
	    !p->up->conn->dir[p->dir].isn_known)
		return false;
	*went_on = up->last.ns > latest;
	return *went_on || !reset_renamed(s, p, cut);
}

static void
say_forged(struct finding *f, const struct passage *p, bool went_on)
{
	const char *who = p->dir == 0 ? "client" : "server";

	finding_room(f, 2);
	evidence_frame(finding_says(f, p->down->point, "%u RST%s in the name of the %s seen here",
			   p->down->conn->dir[p->dir].rst_count,
			   PLURAL(p->down->conn->dir[p->dir].rst_count), who),
	    &p->down->conn->dir[p->dir].rst);
	evidence_frame(finding_says(f, p->up->point, "nearer to the %s no RST of it passed%s", who,
			   went_on ? ", and it went on sending after that; its last packet"
				   : "; its last packet"),
	    &p->up->conn->dir[p->dir].last);
}

static void
judge_reset(const struct ring *r, int dir, struct verdicts *out)
{
	const struct mail_case *c = r->copy[0];
	struct draft *d = ring_claim(out, c, dir, FINDING_MIDDLEBOX_RESET),
		     *peer = ring_claim(out, c, dir, FINDING_PEER_RESET);
	struct passage p[RING_PASSAGES], *at = NULL;
	uint32_t n = ring_passages(r, dir, p);
	struct finding *fresh;
	struct places names;
	char where[320];
	bool went_on = false, moved;

	for (uint32_t i = 0; (d != NULL || peer != NULL) && at == NULL && i < n; i++)
		if (reset_forged(r->store, &p[i], &went_on, &out->searches_cut))
			at = &p[i];
	if (at == NULL)
		return;
	names = places_of(at);
	snprintf(where, sizeof(where), "The RST was made between %s and %s: the %s never sent it.",
	    names.down, names.up, dir == 0 ? "client" : "server");
	if (d != NULL) {
		say_forged(d->f, at, went_on);
		ring_sure(out, c, d, CONFIDENCE_CONFIRMED, where);
		return;
	}
	ring_silence(out, c, dir, FINDING_PEER_RESET, CONFIDENCE_CONFIRMED);
	/* a host that got the server's address answers so, too, for what it does not know */
	moved = dir == 1 && at->down->conn->dir[dir].rst_answers && !went_on;
	fresh = verdict_add(out, FINDING_MIDDLEBOX_RESET,
	    went_on || (!moved && at->down->conn->dir[dir].rst_count >= RESETS_SURE)
		? CONFIDENCE_CONFIRMED
		: CONFIDENCE_PROBABLE,
	    at->down, dir);
	finding_span(fresh, &at->down->conn->dir[dir].rst, &at->down->conn->dir[dir].rst);
	finding_summary(fresh, "A device in between%s cut the connection in the name of the %s.",
	    moved ? ", or another machine with the server's address," : "",
	    dir == 0 ? "client" : "server");
	if (moved)
		finding_remedy(fresh,
		    "A firewall, proxy or IPS on the way cuts the connection: look into its log at that time. Or the server's address moved to another "
		    "machine, or two have it (failover, balancer, given twice): compare the hardware addresses (tcpdump -e).");
	say_forged(fresh, at, went_on);
	finding_adds(fresh, where);
	finding_exclude(
	    fresh, FINDING_PEER_RESET, "the capture nearer to that end has no RST of it");
}

/* ---- options that change on the way ------------------------------------------------------ */

static bool
options_read(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];

	return c->has_conn && d->isn_known && d->mss != 0 && !d->syn_cut;
}

/* S18: the server agreed, the client never heard of it; or one of them heard another number. */
static bool
scale_broken(const struct passage *p)
{
	const struct record_connection *up = p->up->conn, *down = p->down->conn;

	return options_read(p->up, 0) && options_read(p->up, 1) && options_read(p->down, 0) &&
	    options_read(p->down, 1) && up->dir[p->dir].wscale != down->dir[p->dir].wscale &&
	    up->dir[p->dir].wscale != NO_SCALE &&
	    (p->dir == 1 ? up->dir[0].wscale != NO_SCALE
			 : up->dir[1].wscale != NO_SCALE || down->dir[1].wscale != NO_SCALE);
}

static void
say_scale(struct finding *f, const struct passage *p)
{
	const struct record_connection *up = p->up->conn, *down = p->down->conn;
	const char *what = p->dir == 0 ? "SYN" : "SYN-ACK";

	finding_room(f, 2);
	evidence_frame(finding_says(f, p->up->point, "the %s passes here with window scale %u",
			   what, up->dir[p->dir].wscale),
	    p->dir == 0 ? &up->syn[0] : &up->synack_first);
	if (down->dir[p->dir].wscale == NO_SCALE)
		evidence_frame(finding_says(f, p->down->point,
				   "the same %s arrives here without the option", what),
		    p->dir == 0 ? &down->syn[0] : &down->synack_first);
	else
		evidence_frame(
		    finding_says(f, p->down->point, "the same %s arrives here with window scale %u",
			what, down->dir[p->dir].wscale),
		    p->dir == 0 ? &down->syn[0] : &down->synack_first);
}

static bool
scale_differs(const struct passage *p)
{
	return options_read(p->up, p->dir) && options_read(p->down, p->dir) &&
	    p->up->conn->dir[p->dir].wscale != p->down->conn->dir[p->dir].wscale;
}

static void
judge_scale(const struct ring *r, int dir, struct verdicts *out)
{
	const struct mail_case *c = r->copy[0];
	struct draft *d = ring_claim(out, c, -1, FINDING_WINDOW_SCALE_BROKEN);
	struct passage p[RING_PASSAGES];
	uint32_t n = ring_passages(r, dir, p), i = 0;
	struct finding *fresh;
	struct places names;
	char where[320];

	while (i < n && !(d != NULL ? scale_differs(&p[i]) : scale_broken(&p[i])))
		i++;
	if (i == n)
		return;
	names = places_of(&p[i]);
	snprintf(
	    where, sizeof(where), "The option is changed between %s and %s.", names.up, names.down);
	if (d != NULL) {
		say_scale(d->f, &p[i]);
		ring_sure(out, c, d, CONFIDENCE_CONFIRMED, where);
		return;
	}
	fresh = verdict_add(
	    out, FINDING_WINDOW_SCALE_BROKEN, CONFIDENCE_CONFIRMED, p[i].up, dir == 1 ? 0 : 1);
	finding_summary(fresh, "The two ends do not agree about TCP window scaling.");
	say_scale(fresh, &p[i]);
	finding_adds(fresh, where);
}

/* ---- words of the server that change on the way ---------------------------------------------- */

static bool
words_whole(const struct mail_case *c)
{
	return c->session != NULL && case_is_smtp(c) && !case_missing_dir(c, 1) &&
	    !c->session->gap_server && !c->session->midstream && !c->session->greeting_cut &&
	    !c->session->offer_cut;
}

static bool
starttls_gone(const struct passage *p)
{
	const struct record_session *sent = p->up->session, *came = p->down->session;

	return words_whole(p->up) && words_whole(p->down) && sent->ehlo_answered &&
	    came->ehlo_answered && sent->starttls_offered && !came->starttls_offered &&
	    (came->capabilities[0] != '\0' || came->masked_keywords[0] != '\0');
}

static void
say_starttls(struct finding *f, const struct passage *p)
{
	evidence_frame(finding_says(f, p->up->point, "the EHLO reply passes here with STARTTLS"),
	    &p->up->session->capabilities_at);
	evidence_frame(
	    finding_says(f, p->down->point, "the same reply arrives here without it: %.120s",
		p->down->session->capabilities),
	    &p->down->session->capabilities_at);
	finding_exclude(f, FINDING_TLS_NOT_OFFERED, "the server does offer it");
}

static bool
greeting_differs(const struct passage *p)
{
	const struct record_reply *sent, *came;

	if (!words_whole(p->up) || !words_whole(p->down))
		return false;
	sent = &p->up->session->greeting;
	came = &p->down->session->greeting;
	return moment_is(&sent->at) && moment_is(&came->at) && sent->code == came->code &&
	    strcmp(sent->text, came->text) != 0;
}

static void
say_greeting(struct finding *f, const struct passage *p)
{
	const struct record_reply *sent = &p->up->session->greeting,
				  *came = &p->down->session->greeting;

	evidence_frame(
	    finding_says(f, p->up->point, "the greeting passes here as \"%.100s\"", sent->text),
	    &sent->at);
	evidence_frame(
	    finding_says(f, p->down->point, "and arrives here as \"%.100s\"", came->text),
	    &came->at);
}

static const struct change {
	enum finding_kind kind;
	bool (*is)(const struct passage *p);
	void (*say)(struct finding *f, const struct passage *p);
	const char *subkind, *summary, *what;
} changes[] = {
	{ FINDING_STARTTLS_STRIPPED, starttls_gone, say_starttls, "",
	    "A device in between removes STARTTLS from the server's EHLO reply: "
	    "mail goes unencrypted or not at all.",
	    "It is removed" },
	{ FINDING_BANNER_MASKED, greeting_differs, say_greeting, "banner",
	    "A device in between rewrites the server's greeting.", "It is rewritten" },
};

static void
judge_words(const struct ring *r, const struct change *k, struct verdicts *out)
{
	const struct mail_case *c = r->copy[0];
	struct passage p[RING_PASSAGES];
	uint32_t n = ring_passages(r, 1, p), i = 0;
	struct draft *d = ring_claim(out, c, 1, k->kind);
	struct finding *fresh;
	struct places names;
	char where[320];

	while (i < n && !k->is(&p[i]))
		i++;
	if (i == n)
		return;
	names = places_of(&p[i]);
	snprintf(where, sizeof(where), "%s between %s and %s.", k->what, names.up, names.down);
	if (d != NULL) {
		finding_room(d->f, 2);
		k->say(d->f, &p[i]);
		ring_sure(out, c, d, CONFIDENCE_CONFIRMED, where);
		return;
	}
	fresh = verdict_add(out, k->kind, CONFIDENCE_CONFIRMED, p[i].down, 1);
	finding_subkind(fresh, k->subkind);
	finding_summary(fresh, "%s", k->summary);
	k->say(fresh, &p[i]);
	finding_adds(fresh, where);
}

void
vantage_ends(const struct ring *r, struct verdicts *out)
{
	for (int d = 0; d < 2; d++) {
		judge_reset(r, d, out);
		judge_scale(r, d, out);
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		judge_words(r, &changes[i], out);
}
