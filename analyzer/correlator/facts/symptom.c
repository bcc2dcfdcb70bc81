/* symptom.c - what the rules of silences and closes have in common. */
#include "symptom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

#define BESIDE_NS   (600 * SECOND)
#define AGAIN_LEAST (SECOND / 5) /* no sender repeats sooner for want of an answer */

bool
session_farewell(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	for (uint32_t i = 0; i < s->refusals_kept && i < RECORD_REFUSALS; i++)
		if (s->refusals[i].reply.code == 421 ||
		    (s->refusals[i].unsolicited &&
			reply_has_words(&s->refusals[i].reply, "timeout")))
			return true;
	return false;
}

/* The server closes while the message is being sent: that connection was not kept for later. */
static bool
closed_in_message(const struct mail_case *c)
{
	const struct record_transaction *t =
	    c->transaction_count > 0 ? c->transactions[c->transaction_count - 1] : NULL;
	const struct moment *fin = &c->conn->dir[1].fin;

	return t != NULL && t->data_sent && moment_before(&t->data_at, fin) &&
	    (!moment_is(&t->end_of_data) || moment_before(fin, &t->end_of_data));
}

bool
session_is_stale(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	return !s->tls && s->command_unanswered &&
	    moment_gap(&c->conn->dir[1].fin, &c->conn->dir[0].data_last) >= SECOND &&
	    !case_one_sided(c) && !case_missing(c) && !closed_in_message(c);
}

/* Somebody waited for the last one until the connection was closed. */
static struct moment
mail_ended(const struct mail_case *c, const struct record_transaction *t)
{
	struct moment end = case_ended(c);

	if (moment_is(&t->last) &&
	    (moment_before(&end, &t->last) || case_transaction_behind(c, t) != NULL))
		return t->last;
	return end;
}

struct finding *
symptom(const struct mail_case *c, enum finding_kind kind, enum confidence conf, int dir,
    const struct record_transaction *t, struct verdicts *out)
{
	/* which reply answered what was guessed there: no more is known for certain */
	bool guessed = t != NULL && t->unsure;
	struct finding *f = verdict_add(out, kind,
	    absence(c, guessed ? confidence_min(conf, CONFIDENCE_POSSIBLE) : conf), c, dir);

	if (t != NULL && moment_is(&t->first)) {
		struct moment end = mail_ended(c, t);

		finding_span(f, &t->first, &end);
	}
	return f;
}

int64_t
symptom_client_silent(const struct mail_case *c, const struct moment *since, struct moment *end)
{
	*end = c->session != NULL && moment_is(&c->session->quit) ? c->session->quit
								  : case_closed(c, 0);
	if (!moment_is(end))
		*end = case_closed(c, 1);
	if (!moment_is(end) && c->capture != NULL)
		*end = c->capture->last;
	return case_all_acked(c, 1) && absence(c, CONFIDENCE_POSSIBLE) >= CONFIDENCE_POSSIBLE &&
		!moment_before(since, &c->conn->dir[0].data_last)
	    ? case_waited(c, since, end)
	    : 0;
}

const char *
symptom_seconds(int64_t ns, char buf[32])
{
	if (ns < SECOND / 1000)
		snprintf(buf, 32, "less than 1 ms");
	else if (ns < SECOND)
		snprintf(buf, 32, "%lld ms", (long long)(ns / 1000000));
	else
		snprintf(buf, 32, "%lld.%lld s", (long long)(ns / SECOND),
		    (long long)(ns % SECOND / 100000000));
	return buf;
}

#define SLOW_LEAST  (20 * SECOND)
#define SLOW_RATE   20000 /* bytes a second */
#define STILL_COMES (5 * SECOND)

bool
symptom_slow(const struct mail_case *c, uint64_t bytes, const struct moment *from,
    const struct moment *last, const struct moment *end, struct finding *f)
{
	int64_t took = case_waited(c, from, end);
	double rate;

	if (!moment_is(from) || !moment_is(last) || took < SLOW_LEAST ||
	    case_waited(c, last, end) > STILL_COMES)
		return false;
	rate = (double)bytes / ((double)took / (double)SECOND);
	if (rate > SLOW_RATE)
		return false;
	evidence_frame(
	    finding_says(f, c->point,
		"it had come on till then, but slowly: %.1f kB a second on average, for %lld s",
		rate / 1000, (long long)(took / SECOND)),
	    last);
	return true;
}

/* It is another finding than one of a server that says nothing. */
static void
say_answer_lost(const struct mail_case *c, uint64_t missing, struct finding *f)
{
	finding_subkind(f, "answer-lost");
	evidence_frame(
	    finding_says(f, c->point,
		"by its number this packet of the server lies behind %llu byte%s that never came here, and that the "
		"client did not acknowledge: it did answer",
		(unsigned long long)missing, PLURAL(missing)),
	    &c->conn->dir[1].last);
	finding_remedy(f,
	    "The server did answer: its log says when. If that was at once, look on the way for what takes its answer (a virus scanner "
	    "or firewall that inspects mail, a bad line).");
	finding_next_capture(f, "an answer that came too late",
	    "one that is taken on its way each time it is sent (by a scanner or firewall that "
	    "inspects mail, a bad line)",
	    "the server's own packets", "at the server, and on either side of each suspect");
}

/* Another connection of the two, about that time, in which the server did answer in vain. */
static const struct mail_case *
answer_lost_beside(const struct view *v, const struct moment *closed)
{
	const struct mail_case *c = v->c;
	struct case_run run =
	    lookup_cases(v->lookups, LOOKUP_ANSWER_LOST_OF_CLIENT, &c->conn->client.ip);

	for (size_t i = 0; lookup_may(v->lookups, i, run.n, LOOKUP_MOST); i++) {
		const struct mail_case *x = run.at[i];

		if (x != c && x->point == c->point &&
		    endpoint_equal(&x->conn->server, &c->conn->server) &&
		    llabs(x->conn->last.ns - closed->ns) <= BESIDE_NS)
			return x;
	}
	return NULL;
}

static void
say_answer_lost_beside(const struct mail_case *x, struct finding *f)
{
	f->confidence = confidence_min(f->confidence, CONFIDENCE_POSSIBLE);
	evidence_frame(
	    finding_says(f, x->point,
		"in another connection of the two this packet lies behind an answer of the server that never came here: it may "
		"have answered in this one, too"),
	    &x->conn->dir[1].last);
	finding_remedy(f,
	    "Look into the server's log first: it says whether and when it answered. If that was at once, look on the way for what takes its answer "
	    "(a virus scanner or firewall that inspects mail, a bad line); if not, at what the server waited for.");
}

void
symptom_doubt_way_back(const struct view *v, const struct moment *closed, struct finding *f)
{
	const struct mail_case *c = v->c, *beside;
	const struct record_direction *server = &c->conn->dir[1];
	const struct record_direction *client = &c->conn->dir[0];
	uint64_t missing = case_answer_missing(c);
	bool again;

	if (missing > 0) {
		say_answer_lost(c, missing, f);
		return;
	}
	if (server->at_sender) {
		finding_exclude(f, FINDING_PATH_OUTAGE,
		    "the capture is at the server's side: it sent no answer");
		return;
	}
	if (server->last.ns > closed->ns) {
		evidence_frame(
		    finding_says(f, c->point, "the server is heard even after the close"),
		    &server->last);
		finding_exclude(f, FINDING_PATH_OUTAGE,
		    "the server is heard even after the close: the way back works");
		return;
	}
	/* it says its FIN again: an answer to the first was due */
	again =
	    moment_is(&client->fin) && client->last.ns - closed->ns > AGAIN_LEAST + c->conn->rtt_ns;
	f->confidence =
	    confidence_min(f->confidence, again ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE);
	finding_says(f, c->point,
	    "nothing of the server is seen after the close%s: from the client's side a way back that died behind the "
	    "acknowledgement looks the same",
	    again ? ", though the client repeats that" : "");
	finding_next_capture(f, "a client that gave up too early",
	    "an answer lost on a dead way back", "the server's own packets", "at the server");
	if ((beside = answer_lost_beside(v, closed)) != NULL)
		say_answer_lost_beside(beside, f);
}

/* That this end closes, and by a RST. */
bool
symptom_is_reset(const struct mail_case *c, int dir)
{
	const struct record_direction *end = &c->conn->dir[dir];
	struct moment closed = case_closed(c, dir);

	return moment_is(&end->rst) && closed.frame == end->rst.frame && closed.ns == end->rst.ns;
}

static bool
seen_leaving(const struct mail_case *c, int dir)
{
	const struct record_direction *end = &c->conn->dir[dir];

	if (end->at_sender)
		return true;
	return (end->ttl_syn == 64 || end->ttl_syn == 128 || end->ttl_syn == 255) &&
	    c->conn->vantage >= 0 && (dir == 1 ? c->conn->vantage < 200 : c->conn->vantage > 800);
}

bool
symptom_doubt_reset(const struct mail_case *c, int dir, struct finding *f)
{
	const struct record_direction *end = &c->conn->dir[dir];
	uint8_t ttl = end->ttl != 0 ? end->ttl : end->ttl_syn;
	bool fits = (c->conn->dir[0].reset_signs | c->conn->dir[1].reset_signs) == 0 &&
	    (ttl == 0 || rst_ttl(end) == ttl);
	const char *who = dir == 1 ? "server" : "client";

	if (!symptom_is_reset(c, dir))
		return false;
	if (ttl != 0)
		evidence_frame(
		    finding_says(f, c->point,
			"the close is a RST, its TTL %u; that of the %s's other packets: %u",
			rst_ttl(end), who, ttl),
		    &end->rst);
	if (end->rst_answers)
		finding_says(f, c->point,
		    "it answers a packet as who knows no such connection any more: what ended that is not in the capture");
	if (fits && seen_leaving(c, dir) && end->rst_answers) {
		f->confidence = confidence_min(f->confidence, CONFIDENCE_PROBABLE);
		if (dir == 1)
			finding_remedy(f,
			    "The server's host knew the connection no longer: it was restarted, or its address moved to another machine or is that of "
			    "two (failover, balancer; compare hardware addresses: tcpdump -e). The logs of both at that time say it.");
		return false;
	}
	if (fits && seen_leaving(c, dir)) {
		finding_exclude(f, FINDING_MIDDLEBOX_RESET,
		    "the capture is at the %s's side: the RST is its own", who);
		return false;
	}
	f->confidence = confidence_min(
	    f->confidence, fits && !end->rst_answers ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE);
	if (dir == 1 && (!fits || end->rst_answers))
		finding_remedy(f,
		    "The server's log at that time says whether it did so, and why (crash, restart, limit). If it knows nothing of it: a firewall, "
		    "proxy or IPS on the way, or another machine with its address (failover, balancer, an address given twice), sent the RST.");
	if (dir == 1)
		finding_next_capture(f, "a reset by the server", "one by a device in between",
		    "the other end's view",
		    "at both ends (a RST that one end never sent was injected)");
	else
		finding_next_capture(f, "a reset by the client", "one by a device in between",
		    "the other end's view",
		    "at both ends (a RST that one end never sent was injected)");
	return !fits || end->rst_answers;
}

bool
symptom_last_refuses(const struct mail_case *c)
{
	const struct record_reply *r = refusal_last(c);

	return r != NULL && r->at.ns >= c->conn->dir[1].data_last.ns;
}

void
symptom_dropped(const struct mail_case *c, const struct record_transaction *t, const char *when,
    enum confidence conf, struct verdicts *out)
{
	struct moment end = case_closed(c, 1);
	struct finding *f = symptom(c, FINDING_SERVER_DROPPED, conf, 1, t, out);
	/* nothing was asked, or only when it had closed */
	const char *without = strcmp(when, "in-session") == 0 &&
		(!c->session->command_unanswered || session_is_stale(c))
	    ? "a word"
	    : "an answer";

	finding_subkind(f, when);
	evidence_frame(finding_says(f, c->point, "the server closes without %s", without), &end);
	finding_summary(f, "The server%s %s the connection %s, without %s.",
	    symptom_doubt_reset(c, 1, f) ? ", or a device in its name," : "",
	    symptom_is_reset(c, 1) ? "reset" : "closed",
	    strcmp(when, "after-data") == 0    ? "after it had received the whole message"
		: strcmp(when, "in-data") == 0 ? "while the message was being sent"
					       : "in the middle of the session",
	    without);
}

bool
symptom_too_big(const struct mail_case *c, const struct record_transaction *t, struct verdicts *out)
{
	uint64_t limit = case_size_limit(c);
	struct moment end = case_closed(c, 1);
	struct finding *f;

	if (limit == 0 || t->bytes <= limit)
		return false;
	f = symptom(c, FINDING_MESSAGE_TOO_BIG, CONFIDENCE_PROBABLE, 0, t, out);
	finding_subkind(f, "cut-off");
	evidence_frame(finding_says(f, c->point,
			   "the server announced that it takes at most %llu byte%s (SIZE)",
			   (unsigned long long)limit, PLURAL(limit)),
	    &c->session->capabilities_at);
	evidence_frame(
	    finding_says(f, c->point,
		"%llu bytes of the message were sent; then the server closes without a word",
		(unsigned long long)t->bytes),
	    &end);
	finding_summary(f,
	    "The server closed the connection after %llu bytes of a message; it had announced that it takes at most %llu.",
	    (unsigned long long)t->bytes, (unsigned long long)limit);
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
	return true;
}

void
symptom_no_mail_server(const struct mail_case *c, struct finding *f)
{
	const char *opening = c->session->server_opening;

	if (strncmp(opening, "HTTP/", 5) == 0) {
		finding_summary(f,
		    "What answers on port %u is a web server or web proxy, and no mail server: it begins with \"%s\".",
		    c->conn->server.port, opening);
		finding_remedy(f,
		    "In a hotel, a train or a guest network it is most often the network's login page: open any web page in a browser, log in there, and try "
		    "again. Else check the name and the port of the mail server in the program, and whether a proxy or firewall takes the port to itself: a try from "
		    "another network (a telephone's) tells.");
		return;
	}
	if (opening[0] != '\0')
		finding_summary(f,
		    "What answers on port %u is no mail server: it begins with \"%s\".",
		    c->conn->server.port, opening);
	else
		finding_summary(f,
		    "What answers on port %u is no mail server: it does not begin with a greeting.",
		    c->conn->server.port);
	finding_remedy(f,
	    "Check the name and the port of the mail server in the program that sends: something else listens there.");
}
