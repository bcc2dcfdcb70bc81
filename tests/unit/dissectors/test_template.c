/* test_template.c - the tests to copy with dissectors/template.c. */
#include "check.h"
#include "dialog.h"
#include "dissectors/registry.h"
#include "dissectors/template.h"

struct log {
	char text[2048];
	size_t len;
};

/* One line for each event: what a reader of a report would notice. */
static void
say_event(void *ctx, const struct dissect_event *ev)
{
	static const char *const names[] = {
		[EVENT_COMMAND] = "query",
		[EVENT_REPLY] = "answer",
		[EVENT_GAP] = "gap",
		[EVENT_NOISE] = "noise",
	};
	struct log *l = ctx;
	int n;

	n = snprintf(l->text + l->len, sizeof(l->text) - l->len, "%s%s%s %.*s\n", names[ev->kind],
	    ev->unsure ? "?" : "", ev->odd & ODD_LONG ? " long" : "",
	    (int)(ev->arg_len < 40 ? ev->arg_len : 40), ev->arg);
	if (n > 0 && (size_t)n < sizeof(l->text) - l->len)
		l->len += (size_t)n;
}

static void
play_data(void *st, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p, size_t len)
{
	dissector_finger.data(st, dir, off, ts_ns, p, len);
}

static void
play_gap(
    void *st, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	dissector_finger.gap(st, dir, off, missing, heard, ts_ns);
}

/* The events are the same in pieces of any size. */
static const char *
play(const char *dialogue)
{
	static struct log log, whole;
	struct dissect_sink sink = { say_event, &log };
	struct dialog *d = dialog_parse(dialogue, strlen(dialogue));

	for (size_t piece = 0; piece < 6; piece++) {
		struct dialog_player to = { play_data, play_gap, NULL };

		memset(&log, 0, sizeof(log));
		to.ctx = dissector_finger.open(&sink, &d->hint);
		dialog_play(d, piece, &to);
		dissector_finger.close(to.ctx);
		if (piece == 0)
			whole = log;
		else
			CHECK_EQ_STR(log.text, whole.text);
	}
	dialog_free(d);
	return whole.text;
}

static void
a_query_and_its_answer(void)
{
	CHECK_EQ_STR(play("C: /W alice\nS: Login: alice\nS: No plan.\n"),
	    "query alice\nanswer Login: alice\nanswer No plan.\n");
	CHECK_EQ_STR(play("C| alice\\n\nS| no line end"), "query alice\n");
}

static void
a_gap_is_told_and_not_glued(void)
{
	CHECK_EQ_STR(play("C: alice\nS| Login: al\n=== gap S 10\nS: an.\nS: whole\n"),
	    "query alice\ngap? \nanswer? an.\nanswer whole\n");
	CHECK_EQ_STR(play("=== midstream\nC: ice\n"), "query? ice\n");
}

static void
hostile_lines(void)
{
	CHECK(strstr(play("S*3000 x\nS: \n"), "answer long xxxx") != NULL);
	CHECK_EQ_STR(play("C: a\\x01b\n"),
	    "noise a\x01"
	    "b\n");
}

static void
queries_on_every_prefix(void)
{
	static const char line[] = "/W  alice";
	struct finger_query q;

	for (size_t n = 0; n < sizeof(line); n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, line, n);
		CHECK_EQ_INT(finger_query_parse(copy, n, &q), DISSECT_OK);
		CHECK(q.user >= copy && q.user + q.user_len <= copy + n);
		free(copy);
	}
}

static void
dissectors_are_found_by_name(void)
{
	CHECK(dissector_find("pop3") == &dissector_pop3);
	CHECK(dissector_find("smtp") == &dissector_smtp);
	CHECK(dissector_find("finger") == NULL); /* a template; yours is there */
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a query and its answer", a_query_and_its_answer },
		{ "a gap is told and not glued", a_gap_is_told_and_not_glued },
		{ "hostile lines", hostile_lines },
		{ "queries on every prefix", queries_on_every_prefix },
		{ "dissectors are found by name", dissectors_are_found_by_name },
	};

	return check_main("template", tests, sizeof(tests) / sizeof(tests[0]));
}
