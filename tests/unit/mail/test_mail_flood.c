/*
 * test_mail_flood.c - very many connections, each filled as far as one alone may be: together they
 * are bounded, and it is counted.
 */
#include "check.h"

#include "mail/mail_smtp.h"

enum {
	LINES = 64,
	QUEUES = DISSECT_QUEUES_MOST / LINES + 500,
	MAILS = SMTP_TRANSACTIONS_ALL / LINES + 500
};

struct flood {
	struct mail *m;
	struct flow_watcher w;
	uint64_t mails;
};

static void
count(void *ctx, const struct record *r)
{
	struct flood *f = ctx;

	f->mails += r->type == RECORD_TRANSACTION;
}

static void
say(struct flood *f, void *flow, enum dissect_dir dir, uint64_t *off, const char *p, int times)
{
	size_t len = strlen(p);

	for (int i = 0; i < times; i++) {
		f->w.data(flow, dir, *off, (struct moment){ (int64_t)*off + 1, *off + 1 },
		    (const uint8_t *)p, len);
		*off += len;
	}
}

/* A connection that says `line' so often, and is answered nothing. */
static void *
asks(struct flood *f, const char *line, int times)
{
	static const struct flow_opened opened = { .app = APP_SMTP };
	void *flow = f->w.open(f->w.ctx, &opened);
	uint64_t off[2] = { 0, 0 };

	say(f, flow, DIR_S2C, &off[1], "220 mx\r\n", 1);
	say(f, flow, DIR_C2S, &off[0], "EHLO c\r\n", 1);
	say(f, flow, DIR_S2C, &off[1], "250 mx\r\n", 1);
	say(f, flow, DIR_C2S, &off[0], line, times);
	return flow;
}

static void
flood_begin(struct flood *f, struct record_sink *sink)
{
	struct mail_options o = { .key = { 1, 2, 3 } };

	*f = (struct flood){ 0 };
	*sink = (struct record_sink){ count, f };
	f->m = mail_new(&o, sink);
	f->w = mail_watcher(f->m);
}

static void
flood_end(struct flood *f, void **flow, int n)
{
	struct record_connection facts = { .app = APP_SMTP, .state = CONN_ESTABLISHED };

	for (int i = 0; i < n; i++)
		f->w.close(flow[i], &facts);
}

static void
long_queues_of_many(void)
{
	struct record_sink sink;
	struct flood f;
	static void *flow[QUEUES];
	uint64_t cut;

	flood_begin(&f, &sink);
	for (int i = 0; i < QUEUES; i++)
		flow[i] = asks(&f, "NOOP\r\n", LINES);
	CHECK(f.m->budget.queues.entries <= DISSECT_QUEUES_MOST &&
	    f.m->asked.entries <= DISSECT_QUEUES_MOST);
	cut = mail_caps_get(f.m).searches_cut;
	CHECK(cut >= 500 * (LINES - DISSECT_QUEUE_SHORT));
	flow[0] = (f.w.close(flow[0], &(struct record_connection){ .app = APP_SMTP }),
	    asks(&f, "NOOP\r\n", LINES));
	CHECK_EQ_INT(mail_caps_get(f.m).searches_cut, cut); /* what one gave back another has */
	void *last = asks(&f, "NOOP\r\n", DISSECT_QUEUE_SHORT);
	CHECK_EQ_INT(
	    mail_caps_get(f.m).searches_cut, cut); /* nor does it cost the others anything */
	flood_end(&f, &last, 1);
	flood_end(&f, flow, QUEUES);
	CHECK_EQ_INT(f.m->budget.queues.entries + f.m->asked.entries, 0);
	mail_free(f.m);
}

static void
long_lists_of_fetches(void)
{
	static const struct flow_opened opened = { .app = APP_POP3 };
	struct record_connection facts = { .app = APP_POP3, .state = CONN_ESTABLISHED };
	struct record_sink sink;
	struct flood f;
	static void *flow[QUEUES];

	flood_begin(&f, &sink);
	for (int i = 0; i < QUEUES; i++) {
		uint64_t off[2] = { 0, 0 };

		flow[i] = f.w.open(f.w.ctx, &opened);
		say(&f, flow[i], DIR_S2C, &off[1], "+OK\r\n", 1);
		say(&f, flow[i], DIR_C2S, &off[0], "RETR 1\r\n", LINES);
	}
	CHECK(f.m->waiting.entries > 0 && f.m->waiting.entries <= DISSECT_QUEUES_MOST);
	for (int i = 0; i < QUEUES; i++)
		f.w.close(flow[i], &facts);
	CHECK(mail_caps_get(f.m).fetches > 0);
	CHECK_EQ_INT(f.m->waiting.entries, 0);
	mail_free(f.m);
}

static void
open_mails_of_many(void)
{
	struct record_sink sink;
	struct flood f;
	static void *flow[MAILS];

	flood_begin(&f, &sink);
	for (int i = 0; i < MAILS; i++)
		flow[i] =
		    asks(&f, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n", LINES);
	CHECK(f.m->mails_open <= SMTP_TRANSACTIONS_ALL + MAILS * SMTP_TRANSACTIONS_FEW);
	CHECK(mail_caps_get(f.m).transactions > 0);
	flood_end(&f, flow, MAILS);
	CHECK_EQ_INT(f.m->mails_open, 0);
	CHECK_EQ_INT(f.mails, MAILS * LINES); /* none is lost */
	mail_free(f.m);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "long queues of many", long_queues_of_many },
		{ "long lists of fetches", long_lists_of_fetches },
		{ "open mails of many", open_mails_of_many },
	};

	return check_main("mail flood", tests, sizeof(tests) / sizeof(tests[0]));
}
