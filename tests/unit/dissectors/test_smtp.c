/* test_smtp.c - dialogues from tests/dialog/smtp_*.txt against what they mean. */
#include <dirent.h>

#include <stdarg.h>

#include "check.h"
#include "dialog.h"
#include "dissectors/smtp/smtp.h"

#define OUT_MAX   (1u << 18)
#define FILES_MAX 200

struct transcript {
	char *text;
	size_t len;
	size_t content;   /* octets of the piece being collected */
	uint8_t head[64]; /* its beginning */
	int balance;      /* content begun and not ended */
	int wrong;        /* broken promises */
	uint32_t last_cmd;
	bool secret;
	const struct dialog *dialog;
};

static const struct {
	uint32_t bit;
	const char *name;
} odd_names[] = {
	{ ODD_BARE_LF, "bare-lf" },
	{ ODD_BARE_CR, "bare-cr" },
	{ ODD_LONG, "long" },
	{ ODD_NUL, "nul" },
	{ ODD_8BIT, "8bit" },
	{ ODD_DOT_LF, "dot-lf" },
	{ ODD_NO_CODE, "no-code" },
	{ ODD_EARLY, "early" },
	{ ODD_UNCLOSED, "unclosed" },
};

static void put(struct transcript *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put(struct transcript *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->text + t->len, OUT_MAX - t->len, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < OUT_MAX - t->len)
		t->len += (size_t)n;
}

static void
put_bytes(struct transcript *t, const char *p, size_t len)
{
	size_t shown = len < 64 ? len : 64;

	put(t, "\"");
	for (size_t i = 0; i < shown; i++)
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e)
			put(t, p[i] == '\n' ? "|" : "\\x%02x", (unsigned char)p[i]);
		else
			put(t, "%c", p[i]);
	put(t, shown < len ? "...\"" : "\"");
}

static void
content_flush(struct transcript *t)
{
	if (t->content == 0)
		return;
	put(t, "> content %zu ", t->content);
	put_bytes(
	    t, (const char *)t->head, t->content < sizeof(t->head) ? t->content : sizeof(t->head));
	put(t, "\n");
	t->content = 0;
}

static void
content_collect(struct transcript *t, const struct dissect_event *ev)
{
	for (size_t i = 0; i < ev->data_len && t->content + i < sizeof(t->head); i++)
		t->head[t->content + i] = ev->data[i];
	t->content += ev->data_len;
	t->wrong += t->balance != 1;
}

static const char *
verb_name(int verb)
{
	static const char *const names[] = {
#define SMTP_VERB(symbol, word, good, flags) #symbol,
#include "dissectors/smtp/smtp_verbs.def"
#undef SMTP_VERB
	};

	return verb >= 0 && verb < SMTP_VERBS ? names[verb] : "?";
}

static void
put_marks(struct transcript *t, const struct dissect_event *ev)
{
	if (ev->arg_num != UINT64_MAX)
		put(t, " n=%llu", (unsigned long long)ev->arg_num);
	if (ev->last)
		put(t, " last");
	for (size_t i = 0; i < sizeof(odd_names) / sizeof(odd_names[0]); i++)
		if (ev->odd & odd_names[i].bit)
			put(t, " %s", odd_names[i].name);
	put(t, "%s%s\n", ev->unsure ? " unsure" : "", ev->guess ? " guess" : "");
}

/*
 * Where it is said to begin stands what it begins with, and its line's end where it ends: the
 * frames that prove it are looked up there.
 */
static bool
is_there(const struct transcript *t, const struct dissect_event *ev, const char *words, size_t len)
{
	int last;

	if (t->dialog == NULL)
		return true;
	for (size_t i = 0; i < len; i++)
		if (dialog_at(t->dialog, ev->dir, ev->off + i) != (unsigned char)words[i])
			return false;
	last = dialog_at(t->dialog, ev->dir, ev->end - 1);
	return len == 0 || last == '\n' || (ev->odd & ODD_UNCLOSED) != 0 ||
	    dialog_at(t->dialog, ev->dir, ev->end) < 0;
}

static size_t
verb_len(const struct dissect_event *ev)
{
	size_t n = 0;

	while (ev->verb != SMTP_END_OF_DATA && n < ev->line_len &&
	    strchr(" *<\n", ev->line[n]) == NULL)
		n++;
	return n;
}

static void
put_command(struct transcript *t, const struct dissect_event *ev)
{
	put(t, "> %u %s ", ev->cmd, verb_name(ev->verb));
	put_bytes(t, ev->line, ev->line_len);
	if ((ev->verb == SMTP_MAIL || ev->verb == SMTP_RCPT || ev->verb == SMTP_AUTH) &&
	    ev->arg != NULL)
		put(t, " <%.*s>", (int)ev->arg_len, ev->arg);
	if (ev->user != NULL)
		put(t, " user=%.*s", (int)ev->user_len, ev->user);
	t->wrong += !is_there(t, ev, ev->line, verb_len(ev));
	t->wrong += ev->cmd != t->last_cmd + 1;
	t->last_cmd = ev->cmd;
}

static void
put_reply(struct transcript *t, const struct dissect_event *ev)
{
	if (ev->reply_to == REPLY_TO_COMMAND)
		put(t, "< %u %s %u ", ev->cmd, verb_name(ev->verb), ev->code);
	else
		put(t, "< %s %u ", ev->reply_to == REPLY_GREETING ? "greeting" : "unsolicited",
		    ev->code);
	if (ev->enhanced[0] != 0)
		put(t, "%u.%u.%u ", ev->enhanced[0], ev->enhanced[1], ev->enhanced[2]);
	put_bytes(t, ev->arg, ev->arg_len);
	t->wrong += !is_there(t, ev, ev->line, ev->code != 0 ? 3 : 0);
	t->wrong += ev->cmd > t->last_cmd;
}

/* What must never appear: the secrets of the dialogues, in clear and in base64. */
static bool
has_secret(const char *p, size_t len)
{
	static const char *const secrets[] = { "s3cret", "czNjcmV0", "AGFsaWNl", "UVVJVA",
		"ldA==", "01234567", "sesame" };

	for (size_t i = 0; p != NULL && i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (memmem(p, len, secrets[i], strlen(secrets[i])) != NULL)
			return true;
	return false;
}

static void
collect(void *ctx, const struct dissect_event *ev)
{
	struct transcript *t = ctx;

	t->secret |= has_secret(ev->line, ev->line_len) || has_secret(ev->arg, ev->arg_len);
	t->wrong += ev->end < ev->off;
	if (ev->kind == EVENT_CONTENT) {
		content_collect(t, ev);
		return;
	}
	content_flush(t);
	switch (ev->kind) {
	case EVENT_COMMAND: put_command(t, ev); break;
	case EVENT_REPLY: put_reply(t, ev); break;
	case EVENT_CONTENT_BEGIN:
		put(t, "> begin %u", ev->cmd);
		t->wrong += t->balance++ != 0;
		break;
	case EVENT_CONTENT_END:
		put(t, "> end %u %s", ev->cmd, ev->complete ? "complete" : "cut");
		t->wrong += --t->balance != 0;
		if (ev->verb == SMTP_END_OF_DATA && ev->cmd != 0)
			t->last_cmd = ev->cmd;
		break;
	case EVENT_TLS: put(t, ev->dir == DIR_C2S ? "> tls" : "< tls"); break;
	case EVENT_TLS_ALERT:
		put(t, "%s alert %u", ev->dir == DIR_C2S ? ">" : "<", ev->code);
		break;
	case EVENT_TLS_CLOSE: put(t, "%s tls ends", ev->dir == DIR_C2S ? ">" : "<"); break;
	case EVENT_TLS_HANDSHAKE:
	case EVENT_TLS_SPOKE: return;
	case EVENT_GAP:
		put(t, "%s gap %llu", ev->dir == DIR_C2S ? ">" : "<",
		    (unsigned long long)(ev->end - ev->off));
		break;
	default:
		put(t, "%s noise %.*s", ev->dir == DIR_C2S ? ">" : "<", (int)ev->line_len,
		    ev->line);
	}
	put_marks(t, ev);
}

static void
player_data(void *st, enum dissect_dir dir, uint64_t off, int64_t ts, const uint8_t *p, size_t len)
{
	dissector_smtp.data(st, dir, off, ts, p, len);
}

static void
player_gap(
    void *st, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts)
{
	dissector_smtp.gap(st, dir, off, missing, heard, ts);
}

static struct transcript
play(const struct dialog *d, size_t piece)
{
	struct transcript t = { .text = calloc(1, OUT_MAX), .dialog = d };
	struct dissect_budget budget = { .limit = 32u << 20 };
	struct dissect_sink sink = { collect, &t };
	struct dissect_hint hint = d->hint;
	struct dialog_player to = { player_data, player_gap, NULL };

	if (t.text == NULL)
		abort();
	hint.budget = &budget;
	to.ctx = dissector_smtp.open(&sink, &hint);
	dialog_play(d, piece, &to);
	dissector_smtp.close(to.ctx);
	content_flush(&t);
	CHECK_EQ_INT(t.wrong, 0);
	CHECK_EQ_INT(t.balance, 0);
	CHECK_EQ_INT(t.secret, 0);
	CHECK_EQ_INT(budget.held, 0);
	return t;
}

static int
is_dialog(const struct dirent *e)
{
	return strncmp(e->d_name, "smtp_", 5) == 0;
}

static void
each_dialog(void (*test)(const char *name, const struct dialog *d))
{
	struct dirent **names;
	char path[1024];
	int n = scandir(TESTS_DIR "/dialog", &names, is_dialog, alphasort);

	CHECK(n > 20);
	for (int i = 0; i < n; i++) {
		struct dialog *d;

		snprintf(path, sizeof(path), "%s/dialog/%s", TESTS_DIR, names[i]->d_name);
		d = dialog_load(path);
		test(names[i]->d_name, d);
		dialog_free(d);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void
means_what_it_says(const char *name, const struct dialog *d)
{
	struct transcript t = play(d, 0);
	bool same = d->expect != NULL && strcmp(t.text, d->expect) == 0;

	if (!same)
		printf("\n%s says:\n--- expect\n%s", name, t.text);
	CHECK(same);
	free(t.text);
}

static void
in_any_pieces(const char *name, const struct dialog *d)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 50, 1000 };
	struct transcript whole = play(d, 0);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct transcript t = play(d, pieces[i]);

		if (strcmp(t.text, whole.text) != 0)
			printf("\n%s in pieces of %zu says:\n%s", name, pieces[i], t.text);
		CHECK(strcmp(t.text, whole.text) == 0);
		free(t.text);
	}
	free(whole.text);
}

/* Lines before the gap are read as ever; from it to the next reply all is unsure. */
static void
with_a_gap_at_every_line(const char *name, const struct dialog *d)
{
	struct transcript whole = play(d, 0);
	struct dialog copy = *d;

	(void)name;
	for (size_t i = 0; i < d->count; i++) {
		struct dialog_step saved = d->step[i];
		struct transcript t;

		copy.step[i].kind = DIALOG_GAP;
		t = play(&copy, 0);
		CHECK(strstr(t.text, " gap ") != NULL);
		free(t.text);
		t = play(&copy, 1);
		free(t.text);
		copy.step[i] = saved;
	}
	free(whole.text);
}

/* The capture may end anywhere. */
static void
cut_at_every_line(const char *name, const struct dialog *d)
{
	struct dialog copy = *d;

	(void)name;
	for (copy.count = 0; copy.count < d->count; copy.count++)
		free(play(&copy, 0).text);
}

static void
test_dialogs(void)
{
	each_dialog(means_what_it_says);
}

static void
test_pieces(void)
{
	each_dialog(in_any_pieces);
}

static void
test_gaps(void)
{
	each_dialog(with_a_gap_at_every_line);
}

static void
test_cuts(void)
{
	each_dialog(cut_at_every_line);
}

static struct transcript
play_text(const char *text)
{
	struct dialog *d = dialog_parse(text, strlen(text));
	struct transcript t = play(d, 0);

	dialog_free(d);
	return t;
}

/* A server repeats what it refused: what was masked in the line is masked in the reply. */
static void
test_echo_of_a_masked_line(void)
{
	struct transcript t =
	    play_text("S: 220 mx\nC: PASS s3cret\nS: 500 what is s3cret?\nC: QUIT\nS: 221 bye\n");

	CHECK(strstr(t.text, "500 \"what is ******?\"") != NULL);
	free(t.text);
	/* joined in a login, whose command is not in the capture */
	t = play_text("=== midstream\nC: czNjcmV0\nS: 535 5.7.8 what is s3cret?\n");
	CHECK(strstr(t.text, "535 5.7.8 \"5.7.8 what is ******?\"") != NULL);
	free(t.text);
}

/* Held bytes are bounded: then they are content, and that is counted. */
static void
test_held_too_much(void)
{
	static const char text[] =
	    "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
	    "C: DATA\nC*300000 z\nC| \\r\\n.\\r\\n\nS: 354 go\nS: 250 queued\nC: QUIT\nS: 221 bye\n";
	struct transcript t = play_text(text);

	CHECK(strstr(t.text, "> content 300002 \"zzz") != NULL);
	CHECK(strstr(t.text, "> end 5 complete") != NULL);
	CHECK(strstr(t.text, "< 4 DATA 354") != NULL);
	CHECK(strstr(t.text, "< 5 END_OF_DATA 250") != NULL);
	CHECK(strstr(t.text, "< 6 QUIT 221") != NULL);
	free(t.text);
}

/* ... by all flows together, too. */
static void
test_common_budget(void)
{
	struct transcript t = { .text = calloc(1, OUT_MAX) };
	struct dissect_budget budget = { .limit = 10000 };
	struct dissect_sink sink = { collect, &t };
	struct dissect_hint hint = { .server_seen = true, .client_seen = true, .budget = &budget };
	static const char begin[] = "MAIL FROM:<a@b>\r\nDATA\r\n";
	void *st[8];
	static uint8_t body[3000];

	memset(body, 'x', sizeof(body));
	for (int i = 0; i < 8; i++) {
		st[i] = dissector_smtp.open(&sink, &hint);
		dissector_smtp.data(
		    st[i], DIR_C2S, 0, 1, (const uint8_t *)begin, sizeof(begin) - 1);
		dissector_smtp.data(st[i], DIR_C2S, sizeof(begin) - 1, 1, body, sizeof(body));
		CHECK(budget.held <= budget.limit + 4096);
	}
	CHECK(budget.refused > 0);
	for (int i = 0; i < 8; i++)
		dissector_smtp.close(st[i]);
	CHECK_EQ_INT(budget.held, 0);
	free(t.text);
}

/* A thousand commands without a reply: the oldest are forgotten, nothing grows. */
static void
test_outstanding_bounded(void)
{
	struct transcript t = { .text = calloc(1, OUT_MAX) };
	struct dissect_sink sink = { collect, &t };
	struct dissect_hint hint = { .client_seen = true };
	void *st = dissector_smtp.open(&sink, &hint);

	for (uint64_t i = 0; i < 3000; i++)
		dissector_smtp.data(st, DIR_C2S, i * 6, 1, (const uint8_t *)"NOOP\r\n", 6);
	dissector_smtp.data(st, DIR_S2C, 0, 2, (const uint8_t *)"220 mx\r\n250 ok\r\n", 16);
	dissector_smtp.close(st);
	CHECK_EQ_INT(t.last_cmd, 3000);
	CHECK_EQ_INT(t.wrong, 0);
	free(t.text);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "each dialogue means what it says", test_dialogs },
		{ "in any pieces the same", test_pieces },
		{ "with a gap at every line", test_gaps },
		{ "cut at every line", test_cuts },
		{ "an echo is masked", test_echo_of_a_masked_line },
		{ "held bytes of a flow are bounded", test_held_too_much },
		{ "held bytes of all flows are bounded", test_common_budget },
		{ "outstanding commands are bounded", test_outstanding_bounded },
	};

	return check_main("smtp", tests, sizeof(tests) / sizeof(tests[0]));
}
