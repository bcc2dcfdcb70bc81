#include "dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/text.h"

#define ANSWER_LATE (SECOND / 2) /* RFC 1122 4.2.3.2: no ACK waits longer */

bool
moment_before(const struct moment *a, const struct moment *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->frame < b->frame;
}

int64_t
moment_gap(const struct moment *from, const struct moment *to)
{
	return moment_is(from) && moment_is(to) && to->ns > from->ns ? to->ns - from->ns : 0;
}

int64_t
case_waited(const struct mail_case *c, const struct moment *from, const struct moment *to)
{
	int64_t gap = moment_gap(from, to);

	return gap > 0 ? gap - case_time_jumped(c, from->ns, to->ns) : gap;
}

/* ---- ports and protocols ----------------------------------------------------------- */

bool
port_is_tls(uint16_t port)
{
	return port == 465 || port == 993 || port == 995;
}

static bool
port_is_smtp(uint16_t port)
{
	return port == 24 || port == 25 || port == 26 || port == 587 || port == 2525;
}

bool
port_is_mail(uint16_t port)
{
	return port_is_smtp(port) || port_is_tls(port) || port == 110 || port == 143;
}

bool
case_is_smtp(const struct mail_case *c)
{
	enum app_proto app = c->session != NULL ? c->session->app : c->conn->app;

	if (app == APP_UNKNOWN)
		return port_is_smtp(c->conn->server.port);
	return app == APP_SMTP || app == APP_SMTP_TUNNELLED || app == APP_SMTPS;
}

bool
case_is_pop(const struct mail_case *c)
{
	enum app_proto app = c->session != NULL ? c->session->app : c->conn->app;

	return app == APP_POP3 || app == APP_POP3S;
}

bool
case_is_mail(const struct mail_case *c)
{
	enum app_proto app = c->has_conn ? c->conn->app : APP_UNKNOWN;

	if (c->session != NULL || !c->has_conn)
		return true;
	return app == APP_UNKNOWN ? port_is_mail(c->conn->server.port) : app != APP_OTHER;
}

/* ---- how it ended --------------------------------------------------------------------- */

static bool
rst_foreign(const struct record_direction *d)
{
	int diff = (int)d->ttl - (int)rst_ttl(d);

	if (d->ttl == 0 || rst_ttl(d) == 0)
		return (d->reset_signs & RESET_R5) != 0;
	return diff >= 2 || diff <= -2;
}

struct moment
case_closed(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];
	struct moment none = { 0 };

	if (moment_is(&d->rst) && !rst_foreign(d) &&
	    (!moment_is(&d->fin) || moment_before(&d->rst, &d->fin)))
		return d->rst;
	return moment_is(&d->fin) ? d->fin : none;
}

/*
 * Exim sends QUIT and FIN right behind the message: it has nothing more to say, but it waits for
 * the answer.
 */
bool
case_closes_its_half(const struct mail_case *c)
{
	return c->session != NULL && moment_is(&c->session->quit) &&
	    moment_is(&c->conn->dir[0].fin) && !moment_is(&c->conn->dir[0].rst);
}

/* What the server said after that was taken: a program that is gone answers with RST. */
bool
case_hears_after_close(const struct mail_case *c)
{
	return case_closes_its_half(c) && case_all_acked(c, 1);
}

const struct record_stall *
reply_unheard(const struct mail_case *c, const struct record_transaction *t)
{
	const struct record_direction *d = &c->conn->dir[1];

	if (t != c->transactions[c->transaction_count - 1] || d->acked >= d->stream_bytes ||
	    c->conn->dir[0].packets == 0)
		return NULL;
	for (uint32_t i = 0; i < c->stall_count; i++)
		if (c->stalls[i]->key.m == 1 && c->stalls[i]->chain_count >= 3 &&
		    !moment_is(&c->stalls[i]->delivered))
			/*
			 * one that begins later is of what was said behind it, as the answer to
			 * QUIT
			 */
			return c->stalls[i]->first.ns < t->final_reply.at.ns - SECOND ||
				c->stalls[i]->first.ns > t->final_reply.at.ns
			    ? NULL
			    : c->stalls[i];
	return NULL;
}

/*
 * A host that resets by itself sends a RST with ACK; this one stands where the server's packet
 * said, so nobody there knew the connection.
 */
bool
reply_met_reset(const struct mail_case *c, const struct record_transaction *t)
{
	const struct record_direction *client = &c->conn->dir[0], *server = &c->conn->dir[1];
	int64_t answered = client->rst.ns - t->final_reply.at.ns;

	return t == c->transactions[c->transaction_count - 1] && moment_is(&t->final_reply.at) &&
	    moment_is(&client->rst) && client->rst_answers && !moment_is(&client->fin) &&
	    server->acked < server->stream_bytes && answered >= 0 &&
	    answered <= ANSWER_LATE + 4 * c->conn->rtt_ns;
}

/* Every record begins with its key. */
static const struct record_key *
key_at(const void *list, uint32_t i)
{
	const struct record_key *k;

	memcpy(
	    &k, (const char *)list + i * sizeof(struct record_key *), sizeof(struct record_key *));
	return k;
}

/* Lists of a case are in order of n: the first that is this one or behind it. */
static uint32_t
list_from(const void *list, uint32_t count, uint64_t n)
{
	uint32_t lo = 0, hi = count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (key_at(list, mid)->n < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct record_transaction *
case_transaction(const struct mail_case *c, uint32_t n)
{
	uint32_t i = list_from(c->transactions, c->transaction_count, n);

	return i < c->transaction_count && c->transactions[i]->key.n == n ? c->transactions[i]
									  : NULL;
}

const struct record_transaction *
case_transaction_behind(const struct mail_case *c, const struct record_transaction *t)
{
	uint32_t i = list_from(c->transactions, c->transaction_count, (uint64_t)t->key.n + 1);

	while (i < c->transaction_count && c->transactions[i]->nested)
		i++;
	return i < c->transaction_count ? c->transactions[i] : NULL;
}

const struct record_message *
case_message(const struct mail_case *c, uint32_t n)
{
	uint32_t i = list_from(c->messages, c->message_count, n);

	return i < c->message_count && c->messages[i]->key.n == n ? c->messages[i] : NULL;
}

const struct record_recipient *const *
case_recipients(const struct mail_case *c, uint32_t n, uint32_t *count)
{
	uint32_t from = list_from(c->recipients, c->recipient_count, n), to = from;

	while (to < c->recipient_count && c->recipients[to]->key.n == n)
		to++;
	*count = to - from;
	return to > from ? (const struct record_recipient *const *)&c->recipients[from] : NULL;
}

bool
transaction_unheard(const struct mail_case *c, const struct record_transaction *t)
{
	struct moment closed = case_closed(c, 0);

	if (t->verdict == VERDICT_LOST || t->verdict == VERDICT_UNKNOWN)
		return t->end_acked || moment_is(&t->end_of_data);
	if (t->verdict != VERDICT_ACCEPTED)
		return false;
	return reply_unheard(c, t) != NULL || reply_met_reset(c, t) ||
	    (moment_is(&closed) && moment_before(&closed, &t->final_reply.at) &&
		!case_hears_after_close(c));
}

bool
case_line_between(const struct mail_case *c, const struct moment *refused)
{
	const struct moment *spoke = &c->conn->dir[0].data_first;

	if (c->session == NULL || case_midstream(c) || case_missing(c) || case_one_sided(c) ||
	    c->conn->disordered > 0)
		return false;
	return c->session->proxy_header || !moment_is(spoke) || moment_before(refused, spoke);
}

void
say_line_between(const struct mail_case *c, struct finding *f, const struct record_reply *r)
{
	char quote[256];

	finding_subkind(f, "line-between");
	f->severity = SEVERITY_ERROR;
	if (c->session->proxy_header)
		evidence_frame(
		    finding_says(f, c->point,
			"the connection begins with a PROXY header, which the server takes for a command"),
		    &c->conn->dir[0].data_first);
	else
		finding_says(f, c->point,
		    "until then the client had said nothing: the server refuses a line of something in between");
	finding_summary(f, "The server refuses a line that is not the client's: \"%s\"; %s.",
	    reply_quote(r, false, quote, sizeof(quote)),
	    c->session->proxy_header
		? "it does not expect the PROXY header"
		: "probably a proxy before it sends a PROXY header, which it does not expect");
	finding_remedy(f,
	    "A proxy or balancer before the server puts a line of its own before the client's. Either tell the server to expect it (PROXY protocol; Postfix: "
	    "smtpd_upstream_proxy_protocol or postscreen_upstream_proxy_protocol, Exim: hosts_proxy, Dovecot: haproxy), or the proxy not to send it (haproxy: "
	    "no send-proxy; nginx: proxy_protocol off).");
}

struct moment
case_goodbye(const struct mail_case *c)
{
	const struct record_session *s = c->session;

	if (s == NULL || !moment_is(&s->quit) || s->commands != 1 || s->gap_client ||
	    s->midstream || moment_is(&s->greeting.at))
		return (struct moment){ 0 };
	return s->quit;
}

int64_t
case_silence_shown(const struct mail_case *c, int dir, const struct moment *since)
{
	return moment_gap(since, &c->conn->dir[dir].last);
}

int
case_first_closer(const struct mail_case *c)
{
	struct moment a = case_closed(c, 0), b = case_closed(c, 1);

	if (!moment_is(&a) && !moment_is(&b))
		return -1;
	if (!moment_is(&b))
		return 0;
	if (!moment_is(&a))
		return 1;
	return moment_before(&a, &b) ? 0 : 1;
}

uint64_t
case_answer_missing(const struct mail_case *c)
{
	const struct record_direction *server = &c->conn->dir[1];
	const struct stretch *gone;

	if (server->unseen_count == 0 || server->unseen_count > RECORD_STRETCHES)
		return 0;
	gone = &server->unseen[server->unseen_count - 1];
	/* one byte is what a FIN takes in the numbers, and no answer */
	return gone->at == server->acked && gone->at >= server->stream_bytes && gone->bytes > 1
	    ? gone->bytes
	    : 0;
}

struct moment
case_ended(const struct mail_case *c)
{
	int closer = case_first_closer(c);

	return closer < 0 ? c->conn->last : case_closed(c, closer);
}

bool
case_all_acked(const struct mail_case *c, int dir)
{
	const struct record_direction *d = &c->conn->dir[dir];

	return d->acked >= d->stream_bytes;
}

/*
 * The last of it may arrive where what came before is lost; a capture that merely ends before the
 * ACK proves nothing.
 */
bool
message_unconfirmed(const struct mail_case *c, const struct record_message *m)
{
	if (m->state != MESSAGE_WHOLE || c->conn->dir[1].acked >= m->end ||
	    c->conn->dir[0].packets == 0 || case_one_sided(c))
		return false;
	return m->gap || case_stalled(c) || moment_before(&m->last, &c->conn->dir[0].fin);
}

bool
message_refused(const struct record_message *m)
{
	return m->state == MESSAGE_NOT_RETRIEVED && moment_is(&m->reply.at);
}

bool
case_stalled(const struct mail_case *c)
{
	for (uint32_t i = 0; i < c->stall_count; i++)
		if (!moment_is(&c->stalls[i]->delivered) && c->stalls[i]->chain_count >= 3)
			return true;
	for (int d = 0; d < 2; d++)
		if (c->conn->dir[d].hole_bytes > 0 && !moment_is(&c->conn->dir[d].hole_filled) &&
		    !c->conn->dir[d].hole_acked)
			return true;
	return rst_foreign(&c->conn->dir[0]) || rst_foreign(&c->conn->dir[1]);
}

bool
case_mail_began(const struct mail_case *c, int64_t from_ns, int64_t to_ns)
{
	for (uint32_t i = 0; i < c->transaction_count; i++)
		if (c->transactions[i]->first.ns > from_ns && c->transactions[i]->first.ns <= to_ns)
			return true;
	for (uint32_t i = 0; case_is_pop(c) && i < c->message_count; i++)
		if (c->messages[i]->first.ns > from_ns && c->messages[i]->first.ns <= to_ns)
			return true;
	return false;
}

bool
case_mail_passed(const struct mail_case *c, int64_t from_ns, int64_t to_ns)
{
	for (uint32_t i = 0; i < c->transaction_count; i++) {
		const struct record_transaction *t = c->transactions[i];

		if (t->verdict == VERDICT_ACCEPTED && t->verdict_reply.at.ns >= from_ns &&
		    t->verdict_reply.at.ns <= to_ns)
			return true;
	}
	for (uint32_t i = 0; case_is_pop(c) && i < c->message_count; i++)
		if (c->messages[i]->state == MESSAGE_WHOLE && c->messages[i]->last.ns >= from_ns &&
		    c->messages[i]->last.ns <= to_ns)
			return true;
	return false;
}

enum confidence
absence(const struct mail_case *c, enum confidence conf)
{
	uint32_t q = capture_q_permille(c->capture);

	if (case_missing(c) || case_one_sided(c) || c->conn->disordered > 0 || q >= 50)
		return CONFIDENCE_CANNOT_TELL;
	return q >= 10 ? confidence_lower(conf, 1) : conf;
}

uint64_t
case_size_limit(const struct mail_case *c)
{
	const char *list = c->session != NULL ? c->session->capabilities : "";

	for (const char *p = list; (p = strcasestr(p, "SIZE ")) != NULL; p++) {
		if (p == list || p[-1] == ' ')
			return strtoull(p + 5, NULL, 10);
	}
	return 0;
}

/* ---- words ------------------------------------------------------------------- */

const char *
address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : "";
}

char *
reply_quote(const struct record_reply *r, bool pop, char *buf, size_t len)
{
	size_t all = strlen(r->text);
	char head[40] = "", words[152];
	bool cut =
	    text_copy_utf8(words, sizeof(words), r->text, all) < all; /* between characters */

	if (pop)
		snprintf(head, sizeof(head), "%s %s%s%s", r->code == 1 ? "+OK" : "-ERR",
		    r->enhanced[0] != '\0' ? "[" : "", r->enhanced,
		    r->enhanced[0] != '\0' ? "] " : "");
	else if (r->code != 0)
		snprintf(head, sizeof(head), "%u ", r->code);
	if (!pop && r->enhanced[0] != '\0' && strstr(r->text, r->enhanced) == NULL)
		snprintf(head + strlen(head), sizeof(head) - strlen(head), "%s ", r->enhanced);
	if (words[0] == '\0' && head[0] != '\0')
		head[strlen(head) - 1] = '\0'; /* its blank */
	snprintf(buf, len, "%s%s%s", head, words, cut ? "..." : "");
	return buf;
}
