/*
 * case_build.h - records by hand, for tests of the correlator: one client, one
 * server, times in milliseconds, a frame number for each moment.
 */
#ifndef CASE_BUILD_H
#define CASE_BUILD_H

#include "check.h"
#include "correlator/correlator.h"

#define MS      INT64_C(1000000)
#define BASE_NS INT64_C(1700000000000000000)

static uint64_t build_frame;

static inline struct moment
at(int64_t ms)
{
	return (struct moment){ BASE_NS + ms * MS, ++build_frame };
}

static inline struct addr
ip4(int a, int b, int c, int d)
{
	return (
	    struct addr){ .family = 4, .b = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d } };
}

/* A copy that lives as long as the program. */
static inline void *
build_list(const void *v, size_t bytes)
{
	static _Alignas(16) char pool[1 << 20];
	static size_t used;
	void *copy = pool + used;

	CU_ASSERT_FATAL(bytes <= sizeof(pool) - used);
	used += (bytes + 15) & ~(size_t)15;
	return memcpy(copy, v, bytes);
}
#define BUILD_LIST(v) build_list((v), sizeof(v))

static inline struct record
build_capture(uint32_t point, int64_t from_ms, int64_t to_ms)
{
	struct record r = { .capture = { .key = { .point = point } } };

	r.type = RECORD_CAPTURE;
	snprintf(r.capture.file, sizeof(r.capture.file), "point%u.pcap", point);
	r.capture.first = at(from_ms);
	r.capture.last = at(to_ms);
	r.capture.frames = 100;
	return r;
}

/* A whole connection to 198.51.100.25:25: handshake at ms, data both ways, all acknowledged. */
static inline struct record
build_connection(uint32_t point, uint64_t id, int64_t ms, int64_t end_ms)
{
	struct record r = { .type = RECORD_CONNECTION };
	struct record_connection *c = &r.connection;

	c->key = (struct record_key){ .point = point, .conn = id };
	c->client = (struct endpoint){ ip4(192, 0, 2, 10), (uint16_t)(40000 + id % 1000) };
	c->server = (struct endpoint){ ip4(198, 51, 100, 25), 25 };
	c->state = CONN_ESTABLISHED;
	c->app = APP_SMTP;
	c->by = CLASS_PORT;
	c->first = at(ms);
	c->syn[0] = c->first;
	c->syn_count = 1;
	c->synack_count = 1;
	c->synack_first = c->synack_last = at(ms + 20);
	c->handshake = at(ms + 40);
	c->last = at(end_ms);
	c->t_end = c->last.ns;
	c->vantage = -1;
	c->payload_hash = id;
	for (int d = 0; d < 2; d++) {
		c->dir[d] = (struct record_direction){ .packets = 10,
			.data_segments = 5,
			.stream_bytes = 500,
			.acked = 500,
			.isn_known = true,
			.isn = (uint32_t)(id * 7 + (uint64_t)d),
			.ttl = 60,
			.ttl_syn = 60 };
		c->dir[d].data_first = at(ms + 60);
		c->dir[d].data_last = at(end_ms);
	}
	return r;
}

/* So many SYNs, two seconds apart, and no answer. */
static inline struct record
build_syns(uint64_t id, int64_t ms, uint32_t n, int64_t t_end_ms)
{
	struct record r = build_connection(0, id, ms, ms + 1000);
	struct record_connection *c = &r.connection;

	c->state = CONN_UNANSWERED;
	c->synack_count = 0;
	c->synack_first = c->synack_last = c->handshake = (struct moment){ 0 };
	c->payload_hash = 0;
	c->syn_count = n;
	for (uint32_t i = 0; i < n && i < RECORD_SYNS; i++)
		c->syn[i] = at(ms + (int64_t)i * 2000);
	c->dir[0] = (struct record_direction){ .packets = n, .ttl_syn = 64 };
	c->dir[1] = (struct record_direction){ 0 };
	c->t_end = BASE_NS + t_end_ms * MS;
	return r;
}

/* Its client says nothing more from 2 s on, till the end at 22 s. */
static inline struct record
build_paused(void)
{
	struct record r = build_connection(0, 1, 0, 22000);
	struct record_direction *a = &r.connection.dir[0];

	r.connection.rtt_ns = 40 * MS;
	a->at_sender = true;
	a->last = at(2000);
	a->pause_count = 1;
	a->pauses = BUILD_LIST(
	    ((struct pause[]){ { .from = at(2000), .to = at(22000), .trailing = true } }));
	return r;
}

static inline void
build_reply(struct record_reply *r, int code, const char *text, int64_t ms)
{
	r->code = (uint16_t)code;
	r->text = text;
	r->at = at(ms);
}

static inline struct record
build_session(const struct record *connection, int64_t ms)
{
	struct record r = { .type = RECORD_SESSION };
	struct record_session *s = &r.session;

	s->key = connection->connection.key;
	s->app = connection->connection.app;
	s->client = connection->connection.client;
	s->server = connection->connection.server;
	s->first = connection->connection.first;
	s->last = connection->connection.last;
	s->visible = s->server_seen = s->client_seen = true;
	s->ehlo = s->ehlo_answered = true;
	if (s->app == APP_SMTP)
		build_reply(&s->greeting, 220, "mx.example.net ESMTP", ms);
	else
		build_reply(&s->greeting, 1, "ready", ms);
	s->greeting_begun = s->greeting.at;
	return r;
}

static inline struct record
build_transaction(const struct record *connection, uint32_t n, enum verdict verdict, int64_t ms)
{
	struct record r = { .type = RECORD_TRANSACTION };
	struct record_transaction *t = &r.transaction;

	t->key = connection->connection.key;
	t->key.n = n;
	t->sender = "a@example.com";
	t->first = at(ms);
	t->last = at(ms + 100);
	t->recipients = 1;
	t->verdict = verdict;
	build_reply(&t->mail_reply, 250, "2.1.0 Ok", ms + 10);
	if (verdict == VERDICT_ACCEPTED) {
		t->recipients_accepted = 1;
		t->data_sent = t->end_acked = true;
		t->data_at = at(ms + 30);
		build_reply(&t->data_reply, 354, "go on", ms + 40);
		t->end_of_data = at(ms + 60);
		build_reply(&t->final_reply, 250, "2.0.0 Ok: queued as 42", ms + 80);
		t->verdict_reply = t->final_reply;
	}
	return r;
}

static inline struct record
build_recipient(const struct record *transaction, uint32_t m, const char *address, int code,
    const char *text, int64_t ms)
{
	struct record r = { .type = RECORD_RECIPIENT };
	struct record_recipient *x = &r.recipient;

	x->key = transaction->transaction.key;
	x->key.m = m;
	x->address = address;
	x->at = at(ms);
	build_reply(&x->reply, code, text, ms + 5);
	x->verdict = code / 100 == 2 ? VERDICT_ACCEPTED
	    : code / 100 == 4        ? VERDICT_DEFERRED
				     : VERDICT_REFUSED;
	return r;
}

static inline struct record
build_host(int client_last, struct addr server, uint16_t port, int64_t ms)
{
	struct record r = { .type = RECORD_HOST };

	r.host.client = ip4(192, 0, 2, client_last);
	r.host.server = (struct endpoint){ server, port };
	r.host.first = at(ms);
	r.host.last = at(ms + 1000);
	r.host.ttl = 60;
	r.host.rtt_min_ns = 20 * MS;
	return r;
}

static inline struct correlator *
build_correlator(void)
{
	char err[256] = "";
	struct correlator *c = correlator_new(NULL, err, sizeof(err));

	if (c == NULL) {
		printf("%s\n", err);
		exit(1);
	}
	return c;
}

/* The finding of this kind that stands, NULL = none. */
static inline const struct finding *
find_kind(const struct correlator *c, enum finding_kind k)
{
	const struct finding *const *v;
	size_t n = correlator_findings(c, &v);

	for (size_t i = 0; i < n; i++)
		if (v[i]->kind == k && !v[i]->retracted)
			return v[i];
	return NULL;
}

/* The first frame that it names for the sentence with these words; 0 = there is none. */
static inline uint64_t
frame_of(const struct finding *f, const char *words)
{
	for (uint32_t i = 0; f != NULL && i < f->evidence_count; i++)
		if (strstr(f->evidence[i].says, words) != NULL)
			return f->evidence[i].frame_count > 0 ? f->evidence[i].frames[0] : 0;
	return 0;
}

static inline size_t
count_findings(const struct correlator *c)
{
	const struct finding *const *v;
	size_t n = correlator_findings(c, &v), standing = 0;

	for (size_t i = 0; i < n; i++)
		standing += !v[i]->retracted;
	return standing;
}

static inline void
print_findings(const struct correlator *c)
{
	const struct finding *const *v;
	size_t n = correlator_findings(c, &v);

	for (size_t i = 0; i < n; i++)
		printf("  %s(%s) %s: %s\n", kind_id(v[i]->kind), v[i]->subkind,
		    confidence_name(v[i]->confidence), v[i]->summary);
}

#define CHECK_FINDING(c, k, conf) \
	do { \
		const struct finding *f_ = find_kind((c), (k)); \
		if (f_ == NULL) \
			print_findings(c); \
		CHECK(f_ != NULL); \
		if (f_ != NULL) \
			CHECK_EQ_STR(confidence_name(f_->confidence), confidence_name(conf)); \
	} while (0)

#define CHECK_NO_FINDING(c, k) \
	do { \
		if (find_kind((c), (k)) != NULL) \
			print_findings(c); \
		CHECK(find_kind((c), (k)) == NULL); \
	} while (0)

static inline struct correlator *
judged_records(const struct record *v, size_t n)
{
	struct correlator *c = build_correlator();

	for (size_t i = 0; i < n; i++)
		correlator_take(c, &v[i]);
	correlator_judge(c);
	return c;
}

#define JUDGED(...) \
	judged_records((struct record[]){ __VA_ARGS__ }, \
	    sizeof((struct record[]){ __VA_ARGS__ }) / sizeof(struct record))

#endif /* CASE_BUILD_H */
