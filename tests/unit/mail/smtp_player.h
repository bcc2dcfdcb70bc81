/* smtp_player.h - an SMTP dialogue played to mail/, and the records that came of it. */
#ifndef SMTP_PLAYER_H
#define SMTP_PLAYER_H

#include "check.h"
#include "dialog.h"
#include "kept.h"
#include "mail/mail_internal.h"

#define KEPT 64

/* What most dialogues are made of. */
#define HELLO "S: 220 mx\nC: EHLO me\nS: 250 mx\n"
#define MAIL  "C: MAIL FROM:<a@example.org>\nS: 250 ok\n"
#define RCPT  "C: RCPT TO:<b@example.net>\nS: 250 ok\n"
#define DATA  "C: DATA\nS: 354 go\nC: Message-ID: <1@x>\nC: \nC: hi\nC: .\n"
#define QUIT  "C: QUIT\nS: 221 bye\n"

struct seen {
	struct record_session session;
	struct record_transaction tx[KEPT];
	struct record_recipient rcpt[KEPT];
	struct record_message message[KEPT];
	uint32_t sessions, txs, rcpts, messages;
	struct mail_caps caps;
	uint64_t c2s, s2c; /* bytes of the dialogue */
};

static void
take(void *ctx, const struct record *r)
{
	struct seen *s = ctx;

	switch (r->type) {
	case RECORD_SESSION:
		kept_session(&s->session, r);
		s->sessions++;
		break;
	case RECORD_TRANSACTION:
		if (s->txs < KEPT)
			s->tx[s->txs] = *(const struct record_transaction *)kept(r);
		s->txs++;
		break;
	case RECORD_RECIPIENT:
		if (s->rcpts < KEPT)
			s->rcpt[s->rcpts] = *(const struct record_recipient *)kept(r);
		s->rcpts++;
		break;
	case RECORD_MESSAGE:
		if (s->messages < KEPT)
			s->message[s->messages] = *(const struct record_message *)kept(r);
		s->messages++;
		break;
	default: break;
	}
}

struct player {
	struct flow_watcher w;
	void *flow;
	uint64_t frame;
	struct seen *seen;
};

static void
player_data(void *ctx, enum dissect_dir dir, uint64_t off, int64_t ts, const uint8_t *p, size_t len)
{
	struct player *to = ctx;

	*(dir == DIR_C2S ? &to->seen->c2s : &to->seen->s2c) = off + len;
	to->w.data(to->flow, dir, off, (struct moment){ ts, ++to->frame }, p, len);
}

static void
player_gap(
    void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts)
{
	struct player *to = ctx;

	to->w.gap(to->flow, dir, off, missing, heard, (struct moment){ ts, ++to->frame });
}

/* A connection that ended in order, client first, everything acknowledged. */
static struct record_connection
facts_good(const struct seen *s)
{
	struct record_connection f = { .app = APP_SMTP, .state = CONN_ESTABLISHED };

	f.dir[0].packets = f.dir[1].packets = 10;
	f.dir[0].acked = s->c2s;
	f.dir[1].acked = s->s2c;
	f.dir[0].ttl = f.dir[1].ttl = 64;
	f.last.ns = f.t_end = 10000000000;
	f.dir[0].fin = (struct moment){ 9000000000, 1000 };
	f.dir[1].fin = (struct moment){ 9000000001, 1001 };
	return f;
}

/* The other way is not in the capture. */
static inline void
server_absent(struct record_connection *f)
{
	f->dir[1] = (struct record_direction){ 0 };
	f->dir[0].acked = 0;
}

static struct seen *
play(const char *text, void (*change)(struct record_connection *f))
{
	struct seen *s = calloc(1, sizeof(*s));
	struct dialog *d = dialog_parse(text, strlen(text));
	struct mail_options o = { .key = { 1, 2, 3 } };
	struct record_sink sink = { take, s };
	struct mail *m = mail_new(&o, &sink);
	struct flow_opened f = { .app = APP_SMTP, .hint = d->hint };
	struct player to = { .w = mail_watcher(m), .seen = s };
	struct dialog_player p = { player_data, player_gap, &to };
	struct record_connection facts;

	to.flow = to.w.open(to.w.ctx, &f);
	dialog_play(d, 0, &p);
	facts = facts_good(s);
	if (change != NULL)
		change(&facts);
	to.w.close(to.flow, &facts);
	s->caps = mail_caps_get(m);
	mail_free(m);
	dialog_free(d);
	CHECK_EQ_INT(s->sessions, 1);
	return s;
}

#endif /* SMTP_PLAYER_H */
