/*
 * fuzz_dialogue.c - bytes are a script of a mail session, so that every input
 * is a dialogue that means something: verbs, logins, replies, content, gaps and
 * pauses from a table, in any order and in pieces of any size.  Dissector and
 * mail room must make the same records whatever the pieces, must count every
 * mail once, and nothing they say may hold a secret of a login.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/correlator.h"
#include "dissectors/dissect_event.h"
#include "mail/mail.h"
#include "record/record_json.h"
#include "tests/fuzz/mails_add_up.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET   "Hus7hPassw0rd"
#define SECRET64 "SHVzN2hQYXNzdzByZA" /* its base64 */

/* What may be said: S server, C client, X a client line that holds a secret. */
static const char *const smtp_lines[] = { "S220 mx.example ESMTP\r\n", "CEHLO me\r\n",
	"CHELO me\r\n", "S250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING\r\n",
	"CMAIL FROM:<a@example.org> SIZE=100\r\n", "CRCPT TO:<b@example.net>\r\n",
	"CRCPT TO:<c@example.net>\r\n", "S250 2.0.0 ok\r\n", "CDATA\r\n", "S354 go ahead\r\n",
	"CSubject: x\r\n\r\nhello\r\n", "C..dot\r\n", "C.\r\n", "CRSET\r\n", "CNOOP\r\n",
	"CQUIT\r\n", "S221 bye\r\n", "S550 5.1.1 unknown\r\n", "S451 4.7.1 later\r\n",
	"S421 4.4.2 timeout\r\n", "S503 no\r\n", "CBDAT 10 LAST\r\n", "C0123456789",
	"CAUTH LOGIN\r\n", "CAUTH PLAIN\r\n", "S334 VXNlcm5hbWU6\r\n", "S334 \r\n",
	"S235 2.7.0 welcome\r\n", "S535 5.7.8 no\r\n", "C*\r\n", "CSTARTTLS\r\n",
	"S220 ready\r\n" };
static const char *const smtp_logins[] = {
	"CAUTH PLAIN " SECRET64 "\r\n",
	"CAUTH LOGIN\r\n~S334 VXNlcm5hbWU6\r\n~Cbmc=\r\n~S334 UGFzc3dvcmQ6\r\n~C" SECRET64
	"\r\n~S235 ok\r\n",
	"CAUTH PLAIN\r\n~S334 \r\n~C" SECRET64 "\r\n~S535 no\r\n",
	"CAUTH CRAM-MD5\r\n~S334 PDE+\r\n~C" SECRET64 "\r\n~S235 ok\r\n",
};
static const char *const pop3_lines[] = { "S+OK ready <1.2@pop>\r\n", "CUSER ng\r\n", "S+OK\r\n",
	"S-ERR [AUTH] no\r\n", "CSTAT\r\n", "S+OK 2 320\r\n", "CLIST\r\n",
	"S+OK\r\n1 120\r\n2 200\r\n.\r\n", "CUIDL\r\n", "CRETR 1\r\n",
	"S+OK 120 octets\r\nSubject: x\r\n\r\nhello\r\n.\r\n", "S..dot\r\n.\r\n", "CTOP 1 0\r\n",
	"CDELE 1\r\n", "CRETR 2\r\n", "CNOOP\r\n", "CRSET\r\n", "CCAPA\r\n",
	"S+OK\r\nSASL PLAIN\r\n.\r\n", "CQUIT\r\n", "S-ERR [IN-USE] locked\r\n", "CSTLS\r\n",
	"S+OK begin\r\n", "S+ \r\n" };
static const char *const pop3_logins[] = {
	"CUSER ng\r\n~S+OK\r\n~CPASS " SECRET "\r\n~S+OK\r\n",
	"CUSER ng\r\n~S+OK\r\n~CPASS " SECRET "\r\n~S-ERR no\r\n",
	"CAUTH PLAIN\r\n~S+ \r\n~C" SECRET64 "\r\n~S+OK\r\n",
	"CAUTH PLAIN " SECRET64 "\r\n~S+OK\r\n",
	"CAPOP ng " SECRET "\r\n~S+OK\r\n",
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct run {
	struct flow_watcher w;
	void *flow;
	uint64_t off[2], frame, records;
	int64_t now;
	size_t piece;
	uint64_t hash;
	struct correlator *correlator;
};

static bool
holds(const void *p, size_t len, const char *secret)
{
	return len > 0 && memmem(p, len, secret, strlen(secret)) != NULL;
}

/* Whole or without its beginning: eight bytes of it are too many. */
static void
nothing_secret(const void *p, size_t len)
{
	if (holds(p, len, "Hus7hPas") || holds(p, len, "Passw0rd") || holds(p, len, "SHVzN2hQ") ||
	    holds(p, len, "YXNzdzByZA"))
		abort();
}

/* Content is the mail's own text, whatever it looks like; nobody keeps it. */
static void
hear(void *ctx, const struct flow_opened *f, struct moment at, uint64_t last,
    const struct dissect_event *ev)
{
	(void)ctx;
	(void)f;
	(void)at;
	(void)last;
	nothing_secret(ev->line, ev->line_len);
	nothing_secret(ev->arg, ev->arg_len);
	if (ev->user != NULL)
		nothing_secret(ev->user, ev->user_len);
}

static void
take(void *ctx, const struct record *r)
{
	struct run *run = ctx;
	char *line = record_json_encode(r);

	if (line == NULL)
		abort();
	nothing_secret(line, strlen(line));
	for (const char *p = line; *p != '\0'; p++)
		run->hash = (run->hash ^ (uint8_t)*p) * 0x100000001b3u;
	run->records++;
	free(line);
	correlator_take(run->correlator, r);
	if (r->type != RECORD_TRANSACTION)
		return;
	if (r->transaction.recipients_accepted > r->transaction.recipients)
		abort();
}

static void
say(struct run *r, const char *text, size_t len)
{
	enum dissect_dir dir = text[0] == 'S' ? DIR_S2C : DIR_C2S;
	size_t n;

	r->frame++;
	for (size_t at = 1; at < len; at += n) {
		n = r->piece < len - at ? r->piece : len - at;
		uint8_t *copy = malloc(n); /* so that a byte too many is seen */

		memcpy(copy, text + at, n);
		r->w.data(r->flow, dir, r->off[dir], (struct moment){ r->now, r->frame }, copy, n);
		r->off[dir] += n;
		free(copy);
	}
	r->now += 1000000;
}

/* A login is never torn: its lines follow one another. */
static void
say_all(struct run *r, const char *text)
{
	for (const char *end; *text != '\0'; text = *end == '~' ? end + 1 : end) {
		end = strchrnul(text, '~');
		say(r, text, (size_t)(end - text));
	}
}

static void
miss(struct run *r, enum dissect_dir dir, uint64_t n)
{
	r->w.gap(r->flow, dir, r->off[dir], n, n & 1 ? r->off[!dir] : UINT64_MAX,
	    (struct moment){ r->now, ++r->frame });
	r->off[dir] += n;
}

/* One byte, one step. */
static void
step(struct run *r, bool pop, uint8_t b)
{
	if (b >= 0xf8)
		r->now += INT64_C(1000000000) << (b & 7);
	else if (b >= 0xf0)
		miss(r, b & 1 ? DIR_S2C : DIR_C2S, 1 + (b & 6) * 20u);
	else if (b >= 0xe0)
		say_all(r,
		    pop ? pop3_logins[b % COUNT(pop3_logins)]
			: smtp_logins[b % COUNT(smtp_logins)]);
	else
		say_all(
		    r, pop ? pop3_lines[b % COUNT(pop3_lines)] : smtp_lines[b % COUNT(smtp_lines)]);
}

static struct run
play(const uint8_t *p, size_t len, size_t piece)
{
	struct run r = { .piece = piece, .now = 1000000000, .hash = 0xcbf29ce484222325u };
	struct mail_options o = { .show_users = p[0] & 1, .transcript = hear };
	struct record_sink sink = { take, &r };
	struct flow_opened f = { .app = p[0] & 2 ? APP_POP3 : APP_SMTP };
	struct record_connection facts = { .app = f.app, .state = CONN_ESTABLISHED };
	struct mail *m = mail_new(&o, &sink);
	struct correlator_options co = { .user_replies = NULL };
	char err[256];

	r.correlator = correlator_new(&co, err, sizeof(err));
	if (m == NULL || r.correlator == NULL)
		abort();
	f.hint = (struct dissect_hint){
		.midstream = p[0] & 4, .server_seen = true, .client_seen = true
	};
	r.w = mail_watcher(m);
	r.flow = r.w.open(r.w.ctx, &f);
	for (size_t i = 1; i < len; i++)
		step(&r, f.app == APP_POP3, p[i]);
	facts.dir[0].packets = facts.dir[1].packets = 10;
	facts.dir[0].acked = p[0] & 8 ? r.off[0] : 0;
	facts.dir[1].acked = r.off[1];
	facts.last.ns = facts.t_end = r.now + (p[0] & 16 ? INT64_C(90000000000) : 0);
	r.w.close(r.flow, &facts);
	mail_free(m);
	correlator_judge(r.correlator);
	mails_add_up(r.correlator);
	correlator_free(r.correlator);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole;

	if (size < 2 || size > 600)
		return 0;
	whole = play(data, size, SIZE_MAX);
	if (play(data, size, 1).hash != whole.hash || play(data, size, 5).hash != whole.hash)
		abort();
	return 0;
}
