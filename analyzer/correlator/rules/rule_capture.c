/* rule_capture.c - what the capture itself can and cannot show (diagnosis 1F, 0.5 S14, S16). */
#include <stdio.h>
#include <stdlib.h>

#include "correlator/facts/dialogue.h"
#include "correlator/facts/lookup.h"
#include "correlator/finding/verdicts.h"

#define WHOLE_LEAST 1514 /* a frame of Ethernet that is full */

enum { HALVES_LOOKED = 64, TWICE_LEAST = 5 }; /* connections of the same hosts */

static struct finding *
quality(struct verdicts *out, enum finding_kind kind, const struct record_capture *c)
{
	return verdict_add_bare(out, kind, CONFIDENCE_CONFIRMED, c->key.point, &c->first, &c->last);
}

static void
judge_loss(const struct record_capture *c, struct verdicts *out)
{
	uint32_t q = capture_q_permille(c);
	struct finding *f;

	if (q < 10 && (!c->drops_known || c->drops_kernel + c->drops_interface == 0))
		return;
	f = quality(out, FINDING_CAPTURE_LOSS, c);
	if (q >= 10)
		finding_says(f, c->key.point,
		    "of %llu acknowledged bytes %llu (%u.%u %%) are not in the capture",
		    (unsigned long long)c->acked_bytes, (unsigned long long)c->acked_unseen, q / 10,
		    q % 10);
	if (c->drops_known && c->drops_kernel + c->drops_interface > 0)
		finding_says(f, c->key.point, "the capturing machine dropped %llu packet%s itself",
		    (unsigned long long)c->drops_kernel + c->drops_interface,
		    PLURAL(c->drops_kernel + c->drops_interface));
	finding_summary(f,
	    "The capture missed packets that were on the wire (%u.%u %% of the acknowledged bytes): findings that rest on "
	    "something not seen are lowered or withheld.",
	    q / 10, q % 10);
}

static void
judge_offload(const struct record_capture *c, struct verdicts *out)
{
	struct finding *f;

	if (c->data_bytes == 0 || c->super_bytes * 5 <= c->data_bytes)
		return;
	f = quality(out, FINDING_CAPTURE_OFFLOAD, c);
	finding_says(f, c->key.point,
	    "%llu of %llu data bytes are in packets larger than the wire can carry",
	    (unsigned long long)c->super_bytes, (unsigned long long)c->data_bytes);
	finding_summary(f,
	    "Segmentation offload hides the true packet sizes (%llu %% of the data bytes).",
	    (unsigned long long)(c->super_bytes * 100 / c->data_bytes));
}

static void
judge_duplicates(const struct record_capture *c, uint64_t twice, struct verdicts *out)
{
	uint64_t all = c->tcp_frames > c->eligible ? c->tcp_frames : c->eligible;
	struct finding *f;

	if (c->duplicates < 3 || c->duplicates * 20 < all)
		return;
	f = quality(out, FINDING_CAPTURE_DUPLICATES, c);
	evidence_frame(finding_says(f, c->key.point,
			   "%llu of %llu TCP frames are copies; the first is this one",
			   (unsigned long long)c->duplicates, (unsigned long long)all),
	    &c->duplicate_first);
	if (twice < TWICE_LEAST || twice * 10 < c->duplicates || c->acked_unseen > 0) {
		finding_summary(f, "%llu packet%s twice in the capture; the copies were left out.",
		    (unsigned long long)c->duplicates, c->duplicates == 1 ? " is" : "s are");
		return;
	}
	/* a mirror's copies reach nobody */
	finding_says(f, c->key.point,
	    "%llu packets that were sent once reached their receivers twice, as these say (D-SACK)",
	    (unsigned long long)twice);
	finding_summary(f,
	    "%llu packets are twice in the capture, and reached their receivers twice, too: the network itself delivers them twice. The copies "
	    "were left out.",
	    (unsigned long long)c->duplicates);
	finding_remedy(f,
	    "Look for what sends packets twice: a loop of switches or bridges, two routers or cards that both forward, a mirror port that leads back into "
	    "the network. The mail suffers little from it.");
}

static void
judge_snaplen(const struct record_capture *c, struct verdicts *out)
{
	struct finding *f;

	if (c->cut_frames == 0)
		return;
	f = quality(out, FINDING_CAPTURE_SNAPLEN, c);
	finding_says(f, c->key.point, "%llu frame%s cut, none longer than %u bytes",
	    (unsigned long long)c->cut_frames, c->cut_frames == 1 ? " is" : "s are", c->cut_at);
	if (c->cut_at < WHOLE_LEAST || (c->snaplen != 0 && c->snaplen <= c->cut_at)) {
		finding_summary(
		    f, "Packets were cut at %u bytes: sizes are known, words are not.", c->cut_at);
		return;
	}
	finding_summary(f,
	    "Packets were cut at %u bytes, though the snap length did not ask for it: larger ones, joined by segmentation offload, did not fit into "
	    "the capturing program's buffer. The rest of their words is missing.",
	    c->cut_at);
	finding_remedy(f,
	    "Switch segmentation offload off while capturing, here and on the virtual machine or container behind this interface: ethtool -K IF "
	    "tso off gso off gro off lro off. Or capture on the switch (mirror port). tcpdump -s 0 does not help here.");
}

static int64_t
jumped_most(const struct record_capture *c)
{
	int64_t most = 0;

	for (int i = 0; i < RECORD_JUMPS; i++)
		most = c->clock_jumps[i].ns > most ? c->clock_jumps[i].ns : most;
	return most;
}

static void
say_jump(struct finding *f, const struct record_capture *c, const struct clock_jump *j)
{
	int64_t capture = j->to.ns - j->from.ns, ends = capture > j->ns ? capture - j->ns : 0;

	if (j->from.frame == 0)
		return;
	evidence_frames(
	    finding_says(f, c->key.point,
		"between two packets the capture's clock ran on by %lld.%01lld s, the clocks of both "
		"ends of a connection (TCP time stamps) by %lld.%01lld s at most",
		(long long)(capture / SECOND), (long long)(capture % SECOND / 100000000),
		(long long)(ends / SECOND), (long long)(ends % SECOND / 100000000)),
	    &j->from, &j->to);
}

static void
judge_clock(const struct record_capture *c, struct verdicts *out)
{
	/* two queues of one card may swap neighbours; a step is something else */
	bool back = c->clock_back_ns > SECOND;
	struct finding *f;

	if (!back && c->clock_forward == 0)
		return;
	f = quality(out, FINDING_CAPTURE_CLOCK, c);
	if (back)
		evidence_frame(
		    finding_says(f, c->key.point, "time went back %llu %s, here by %lld.%03lld s",
			(unsigned long long)c->clock_back, c->clock_back == 1 ? "time" : "times",
			(long long)(c->clock_back_ns / SECOND),
			(long long)(c->clock_back_ns % SECOND / 1000000)),
		    &c->clock_back_at);
	for (int i = 0; i < RECORD_JUMPS; i++)
		say_jump(f, c, &c->clock_jumps[i]);
	if (back)
		finding_summary(f,
		    "The clock of the capture went back; times in this report follow the order of the packets.");
	else
		finding_summary(f,
		    "The clock of the capture was set forward by about %lld s in its middle: a silence over it is none.",
		    (long long)((jumped_most(c) + SECOND / 2) / SECOND));
}

/* ---- where the capture was taken (0.1, v) -------------------------------------- */

enum place {
	PLACE_CLIENT = 1 << 0,
	PLACE_SERVER = 1 << 1,
	PLACE_BETWEEN = 1 << 2,
	PLACE_ANY = 1 << 3
};

/* What one connection says: its handshake's times and the TTLs must agree, else nothing. */
static unsigned int
case_place(const struct mail_case *c)
{
	int32_t v = c->conn->vantage;
	bool client = c->conn->dir[0].at_sender, server = c->conn->dir[1].at_sender;

	if (v < 0)
		return 0;
	if (v > 800)
		return server ? PLACE_ANY : PLACE_CLIENT;
	if (v < 200)
		return client ? PLACE_ANY : PLACE_SERVER;
	return client || server ? PLACE_ANY : PLACE_BETWEEN;
}

struct places {
	unsigned int seen; /* PLACE_* of all connections */
	uint32_t n;
	bool own;            /* of each the TTL is still the first one */
	int32_t least, most; /* v */
	const struct mail_case *first;
};

static void
places_add(struct places *p, const struct mail_case *c)
{
	unsigned int place = c->has_conn ? case_place(c) : 0;
	int32_t v = c->conn->vantage;

	if (place == 0)
		return;
	if (p->n++ == 0)
		*p = (struct places){ .n = 1, .own = true, .least = v, .most = v, .first = c };
	p->seen |= place;
	p->own = p->own && (c->conn->dir[0].at_sender || c->conn->dir[1].at_sender);
	p->least = v < p->least ? v : p->least;
	p->most = v > p->most ? v : p->most;
}

/* One capture only: where there are more, each pair of them is told (rule_vantage.c). */
static void
judge_place(const struct record_capture *c, const struct places *p, struct verdicts *out)
{
	const char *side = p->seen == PLACE_CLIENT ? "client" : "server";
	const struct record_connection *x = p->first != NULL ? p->first->conn : NULL;
	struct finding *f;

	if (x == NULL ||
	    (p->seen != PLACE_CLIENT && p->seen != PLACE_SERVER && p->seen != PLACE_BETWEEN))
		return;
	f = quality(out, FINDING_CAPTURE_VANTAGE, c);
	finding_subkind(f, p->seen == PLACE_BETWEEN ? "between" : side);
	evidence_frames(
	    finding_says(f, c->key.point,
		"%d to %d %% of the round trip lie between here and the servers (%u handshake%s)",
		p->least / 10, p->most / 10, p->n, PLURAL(p->n)),
	    &x->syn[0], &x->synack_first);
	if (p->own)
		finding_says(f, c->key.point,
		    "the packets of the %ss have their first TTL still (%u): no router lies between",
		    side, x->dir[p->seen == PLACE_CLIENT ? 0 : 1].ttl);
	if (p->seen == PLACE_BETWEEN)
		finding_summary(f,
		    "The capture was taken on the way between clients and servers, far from both.");
	else
		finding_summary(f,
		    p->own ? "The capture was taken on the %ss' own network."
			   : "The capture was taken near the %ss.",
		    side);
}

struct tally {
	uint32_t one_sided, midstream, parted, tls;
	uint64_t twice; /* packets that came twice to their receivers, and were sent once */
	const struct mail_case *first_one_sided, *first_midstream, *first_part, *first_tls;
};

static bool
over(const struct record_connection *c)
{
	return c->dir[0].fin.frame + c->dir[0].rst.frame + c->dir[1].fin.frame +
	    c->dir[1].rst.frame >
	    0;
}

/*
 * What this capture shows of the connection before a silence that was taken for its end; NULL =
 * nothing.
 */
static const struct mail_case *
part_before(const struct view *v, const struct mail_case *c)
{
	struct case_iter it = { .client = &c->conn->client.ip,
		.server = &c->conn->server.ip,
		.server_port = c->conn->server.port,
		.to_ns = c->conn->first.ns,
		.backwards = true };
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, HALVES_LOOKED)) != NULL;)
		if (x != c && x->point == c->point && x->has_conn &&
		    x->conn->client.port == c->conn->client.port &&
		    x->conn->last.ns <= c->conn->first.ns && !over(x->conn))
			return x;
	return NULL;
}

static void
tally_parts(const struct view *v, struct tally *t, const struct mail_case *c)
{
	const struct mail_case *x =
	    c->has_conn && c->conn->state == CONN_MIDSTREAM ? part_before(v, c) : NULL;

	if (x != NULL && t->parted++ == 0)
		t->first_part = x;
}

/* More that came twice than was sent twice. */
static uint64_t
came_twice(const struct record_direction *d)
{
	uint64_t again = (uint64_t)d->retransmissions + d->needless + d->hole_fills;

	return d->dsacks > again ? d->dsacks - again : 0;
}

static void
tally_case(struct tally *t, const struct mail_case *c)
{
	for (int d = 0; c->has_conn && d < 2; d++)
		t->twice += came_twice(&c->conn->dir[d]);
	if (case_one_sided(c) && t->one_sided++ == 0)
		t->first_one_sided = c;
	if (c->has_conn && c->conn->state == CONN_MIDSTREAM && case_is_mail(c) &&
	    t->midstream++ == 0)
		t->first_midstream = c;
	if (c->session != NULL && c->session->tls && t->tls++ == 0)
		t->first_tls = c;
}

/* Where the side of it was captured that is not here; NULL = nowhere. */
static const struct mail_case *
other_half(const struct view *v, const struct mail_case *c)
{
	struct case_iter it = { .client = &c->conn->client.ip, .server = &c->conn->server.ip };
	const struct mail_case *x;

	for (uint32_t looked = 0;
	     (x = lookup_next(v->lookups, &it, &looked, HALVES_LOOKED)) != NULL;)
		if (case_other_half(c, x))
			return x;
	return NULL;
}

static void
say_halves(const struct mail_case *y, struct finding *f)
{
	evidence_frame(
	    finding_says(f, y->point, "the other direction of that connection was captured here"),
	    &y->conn->first);
	finding_remedy(f,
	    "Each capture holds the direction that the other lacks (the two cards of a tap, two mirror ports): make one of "
	    "them and read that: mergecap -F pcap -w whole.pcap FILES");
}

static void
judge_one_sided(const struct view *v, const struct record_capture *c, const struct tally *t,
    struct verdicts *out)
{
	const struct mail_case *x = t->first_one_sided, *y;
	struct finding *f;
	int gone;

	if (x == NULL)
		return;
	gone = case_unseen_dir(x);
	f = quality(out, FINDING_CAPTURE_ONE_SIDED, c);
	evidence_frame(
	    finding_says(f, c->key.point,
		"%u %s packets of one side only; first: nothing from the %s", t->one_sided,
		t->one_sided == 1 ? "connection shows" : "connections show",
		gone == 0 ? "client" : "server"),
	    &x->conn->first);
	finding_summary(f,
	    "Only one direction was captured (of %u connection%s): delivered and lost, refused and unanswered cannot be told "
	    "apart there.",
	    t->one_sided, PLURAL(t->one_sided));
	if ((y = other_half(v, x)) != NULL)
		say_halves(y, f);
}

static void
judge_midstream(const struct record_capture *c, const struct tally *t, struct verdicts *out)
{
	struct finding *f;

	if (t->first_midstream == NULL)
		return;
	f = quality(out, FINDING_CAPTURE_MIDSTREAM, c);
	evidence_frame(
	    finding_says(f, c->key.point,
		"connections that had begun before the capture: %u; first packet of the first of them",
		t->midstream),
	    &t->first_midstream->conn->first);
	if (t->parted == 0) {
		finding_summary(f, "%u mail connection%s had begun before the capture.",
		    t->midstream, PLURAL(t->midstream));
		return;
	}
	finding_subkind(f, "parted");
	evidence_frame(finding_says(f, c->key.point,
			   "the last packet of such a connection before the silence"),
	    &t->first_part->conn->last);
	finding_summary(f,
	    "%u mail connection%s told of without %s beginning; of %u the first part stands here, too, as another connection: either "
	    "nothing was said for so long that it was taken for over, or the capture's clock was set forward.",
	    t->midstream, t->midstream == 1 ? " is" : "s are", t->midstream == 1 ? "its" : "their",
	    t->parted);
	finding_remedy(f,
	    "Read the two parts as one connection. If nobody was silent so long, set the clock of the capturing machine by NTP before the capture "
	    "begins.");
}

static void
judge_encrypted(const struct record_capture *c, const struct tally *t, struct verdicts *out)
{
	struct finding *f;

	if (t->first_tls == NULL)
		return;
	f = quality(out, FINDING_CAPTURE_ENCRYPTED, c);
	evidence_frame(finding_says(f, c->key.point, "%u %s in TLS; the first from here on", t->tls,
			   t->tls == 1 ? "session continues" : "sessions continue"),
	    &t->first_tls->session->tls_at);
	finding_summary(f, "%u %s encrypted: replies, logins and mails inside cannot be read.",
	    t->tls, t->tls == 1 ? "session is" : "sessions are");
}

/* A capture and what its connections tell of it. */
struct sum {
	const struct record_capture *c;
	struct tally tally;
	struct places places;
};

static int
point_against(const void *key, const void *element)
{
	uint32_t x = ((const struct mail_case *)key)->point,
		 y = ((const struct sum *)element)->c->key.point;

	return (x > y) - (x < y);
}

static void
sum_case(const struct view *v, struct sum *s, const struct mail_case *x)
{
	tally_case(&s->tally, x);
	tally_parts(v, &s->tally, x);
	places_add(&s->places, x);
}

static void
judge_sum(const struct view *v, const struct sum *s, bool alone, struct verdicts *out)
{
	judge_loss(s->c, out);
	judge_one_sided(v, s->c, &s->tally, out);
	judge_offload(s->c, out);
	judge_duplicates(s->c, s->tally.twice, out);
	judge_midstream(s->c, &s->tally, out);
	judge_snaplen(s->c, out);
	judge_clock(s->c, out);
	judge_encrypted(s->c, &s->tally, out);
	if (alone)
		judge_place(s->c, &s->places, out);
}

/* One walk over the connections, be there thousands of capture points. */
static void
judge(const struct view *v, struct verdicts *out)
{
	struct case_iter it = { 0 };
	struct sum *sums;
	const struct mail_case *x;
	size_t pos = 0, n = 0;

	while (store_capture_next(v->store, &pos) != NULL)
		n++;
	if (n == 0)
		return;
	if ((sums = calloc(n, sizeof(*sums))) == NULL) {
		out->starved++;
		return;
	}
	pos = 0;
	for (size_t i = 0; i < n; i++)
		sums[i].c = store_capture_next(v->store, &pos);
	while ((x = store_case_next(v->store, &it)) != NULL) {
		struct sum *s = bsearch(x, sums, n, sizeof(*sums), point_against);

		if (s != NULL)
			sum_case(v, s, x);
	}
	for (size_t i = 0; i < n; i++)
		judge_sum(v, &sums[i], n == 1, out);
	free(sums);
}

const struct rule rule_capture = { "capture", RULE_STORE, judge, false };
