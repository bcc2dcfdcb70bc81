/*
 * fuzz_smtp.c - a dialogue as in tests/dialog.h, through the SMTP dissector
 * and the mail room.  Beyond memory safety: content begins and ends in turn,
 * ordinals only grow, pieces change no field of an event, and all held bytes
 * are given back.
 */
#include "../dialog.h"
#include "fuzz_stream.h"

#include "dissectors/dissect_event.h"
#include "mail/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

struct seen {
	struct fuzz_log log;
	uint64_t events;
	uint32_t cmd;
	bool open;
};

static void
note(void *ctx, const struct dissect_event *ev)
{
	struct seen *s = ctx;

	if (ev->kind == EVENT_CONTENT_BEGIN) {
		if (s->open)
			abort();
		s->open = true;
	} else if (ev->kind == EVENT_CONTENT_END) {
		if (!s->open)
			abort();
		s->open = false;
	} else if (ev->kind == EVENT_CONTENT && !s->open) {
		abort();
	}
	if (ev->kind == EVENT_COMMAND && ev->cmd <= s->cmd)
		abort();
	if (ev->cmd > s->cmd)
		s->cmd = ev->cmd;
	if (ev->end < ev->off)
		abort();
	s->events += ev->kind != EVENT_CONTENT;
	fuzz_take(&s->log, ev);
}

static void
dissector_data(
    void *st, enum dissect_dir dir, uint64_t off, int64_t ts, const uint8_t *p, size_t len)
{
	dissector_smtp.data(st, dir, off, ts, p, len);
}

static void
dissector_gap(
    void *st, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts)
{
	dissector_smtp.gap(st, dir, off, missing, heard, ts);
}

static struct seen
dissect(const struct dialog *d, size_t piece)
{
	struct seen s = { .log = { 0 } };
	struct dissect_budget budget = { .limit = 1u << 20 };
	struct dissect_sink sink = { note, &s };
	struct dissect_hint hint = d->hint;
	struct dialog_player to = { dissector_data, dissector_gap, NULL };

	hint.budget = &budget;
	to.ctx = dissector_smtp.open(&sink, &hint);
	if (to.ctx == NULL)
		return s;
	dialog_play(d, piece, &to);
	dissector_smtp.close(to.ctx);
	if (budget.held != 0 || s.open)
		abort();
	if (budget.refused != 0)
		s = (struct seen){ 0 }; /* where a bound is hit depends on the pieces */
	return s;
}

static void
take(void *ctx, const struct record *r)
{
	(void)ctx;
	if (r->type == RECORD_TRANSACTION &&
	    r->transaction.recipients_accepted > r->transaction.recipients)
		abort();
}

struct watched {
	struct flow_watcher w;
	void *flow;
	uint64_t frame;
};

static void
watched_data(
    void *ctx, enum dissect_dir dir, uint64_t off, int64_t ts, const uint8_t *p, size_t len)
{
	struct watched *w = ctx;

	w->w.data(w->flow, dir, off, (struct moment){ ts, ++w->frame }, p, len);
}

static void
watched_gap(
    void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts)
{
	struct watched *w = ctx;

	w->w.gap(w->flow, dir, off, missing, heard, (struct moment){ ts, ++w->frame });
}

static void
watch(const struct dialog *d)
{
	struct mail_options o = { .show_users = true };
	struct record_sink sink = { take, NULL };
	struct mail *m = mail_new(&o, &sink);
	struct flow_opened f = { .app = APP_SMTP, .hint = d->hint };
	struct record_connection facts = { .app = APP_SMTP };
	struct watched w = { .frame = 0 };
	struct dialog_player to = { watched_data, watched_gap, &w };

	if (m == NULL)
		return;
	w.w = mail_watcher(m);
	w.flow = w.w.open(w.w.ctx, &f);
	dialog_play(d, 0, &to);
	facts.dir[0].packets = facts.dir[1].packets = 1;
	w.w.close(w.flow, &facts);
	mail_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct dialog *d = dialog_parse((const char *)p, len);
	struct seen whole, pieces;

	whole = dissect(d, 0);
	for (size_t piece = 1; piece <= 3; piece += 2) {
		pieces = dissect(d, piece);
		if (whole.log.hash != pieces.log.hash || whole.log.content != pieces.log.content ||
		    whole.events != pieces.events)
			abort();
	}
	watch(d);
	dialog_free(d);
	return 0;
}
