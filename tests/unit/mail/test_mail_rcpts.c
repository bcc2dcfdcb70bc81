/*
 * test_mail_rcpts.c - recipients of very many mails at once: all are counted, so many have a record
 * of their own.
 */
#include "check.h"

#include "mail/mail_smtp.h"

enum { FLOWS = 2 * (SMTP_RECIPIENTS_OPEN / SMTP_RECIPIENTS_KEPT), EACH = SMTP_RECIPIENTS_KEPT };

struct counted {
	uint64_t rcpts, recipients, mails;
};

static void
count(void *ctx, const struct record *r)
{
	struct counted *n = ctx;

	n->rcpts += r->type == RECORD_RECIPIENT;
	n->mails += r->type == RECORD_TRANSACTION;
	n->recipients += r->type == RECORD_TRANSACTION ? r->transaction.recipients : 0;
}

static void
say(struct flow_watcher *w, void *flow, enum dissect_dir dir, uint64_t *off, const char *p,
    size_t len)
{
	w->data(flow, dir, *off, (struct moment){ (int64_t)*off + 1, *off + 1 }, (const uint8_t *)p,
	    len);
	*off += len;
}

static void *
mail_opened(struct flow_watcher *w, uint64_t off[2])
{
	static char rcpts[EACH * 32];
	static const char hello[] = "EHLO c\r\nMAIL FROM:<a@example.org>\r\n",
			  ready[] = "220 mx\r\n250 mx\r\n250 ok\r\n";
	static const struct flow_opened f = { .app = APP_SMTP };
	void *flow = w->open(w->ctx, &f);
	size_t n = 0;

	for (int i = 0; i < EACH; i++)
		n += (size_t)snprintf(
		    rcpts + n, sizeof(rcpts) - n, "RCPT TO:<%d@example.net>\r\n", i);
	say(w, flow, DIR_S2C, &off[1], ready, 8);
	say(w, flow, DIR_C2S, &off[0], hello, sizeof(hello) - 1);
	say(w, flow, DIR_S2C, &off[1], ready + 8, sizeof(ready) - 9);
	say(w, flow, DIR_C2S, &off[0], rcpts, n);
	return flow;
}

static void
very_many_at_once(void)
{
	struct counted n = { 0 };
	struct record_sink sink = { count, &n };
	struct mail_options o = { .key = { 1, 2, 3 } };
	struct mail *m = mail_new(&o, &sink);
	struct flow_watcher w = mail_watcher(m);
	struct record_connection facts = { .app = APP_SMTP, .state = CONN_ESTABLISHED };
	static void *flow[FLOWS];
	uint64_t off[2];

	for (int round = 1; round <= 2; round++) { /* what was settled makes room */
		for (int i = 0; i < FLOWS; i++) {
			off[0] = off[1] = 0;
			flow[i] = mail_opened(&w, off);
		}
		for (int i = 0; i < FLOWS; i++)
			w.close(flow[i], &facts);
		CHECK_EQ_INT(n.mails, round * FLOWS);
		CHECK_EQ_INT(n.recipients, round * FLOWS * EACH);
		CHECK_EQ_INT(n.rcpts, round * (int)SMTP_RECIPIENTS_OPEN);
		CHECK_EQ_INT(mail_caps_get(m).recipients, n.recipients - n.rcpts);
	}
	mail_free(m);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "very many at once", very_many_at_once },
	};

	return check_main("mail recipients", tests, sizeof(tests) / sizeof(tests[0]));
}
