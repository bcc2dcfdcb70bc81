/* test_transcript.c - sessions as dialogues. */
#include "check.h"

#include "fake_correlator.h"
#include "report/transcript.h"

static struct transcript *t;
static struct flow_opened flow = { .key = { .point = 0, .conn = 0xabc }, .app = APP_SMTP };

static void
print(FILE *out)
{
	struct page p = { .out = out, .width = 80 };

	CHECK_EQ_INT(transcript_print(t, &p), 0);
}

static void
line(enum event_kind kind, enum dissect_dir dir, int ms, uint64_t frame, const char *text)
{
	struct dissect_event ev = {
		.kind = kind, .dir = dir, .line = text, .line_len = strlen(text)
	};

	transcript_event(t, &flow, fake_moment(ms, frame), frame, &ev);
}

static void
content(int ms, uint64_t frame, size_t len)
{
	struct dissect_event ev = { .kind = EVENT_CONTENT, .dir = DIR_C2S, .data_len = len };

	transcript_event(t, &flow, fake_moment(ms, frame), frame, &ev);
}

static void
connection(void)
{
	struct record r = { .type = RECORD_CONNECTION };

	r.connection.key = flow.key;
	r.connection.app = APP_SMTP;
	r.connection.client = fake_endpoint("192.0.2.10", 34536);
	r.connection.server = fake_endpoint("198.51.100.25", 25);
	r.connection.first = fake_moment(0, 1);
	r.connection.dir[1].fin = fake_moment(900, 20);
	transcript_take(t, &r);
}

static void
a_session_reads_as_a_dialogue(void)
{
	struct dissect_event end = { .kind = EVENT_CONTENT_END, .dir = DIR_C2S, .complete = true };
	struct dissect_event gap = { .kind = EVENT_GAP, .dir = DIR_S2C, .off = 10, .end = 1470 };
	char *text;

	t = transcript_new();
	line(EVENT_REPLY, DIR_S2C, 40, 4, "220 mx ESMTP");
	line(EVENT_COMMAND, DIR_C2S, 41, 5, "EHLO me");
	line(EVENT_REPLY, DIR_S2C, 80, 6, "250-mx\n250 SIZE");
	content(100, 8, 1000);
	content(101, 9, 448);
	transcript_event(t, &flow, fake_moment(102, 9), 9, &end);
	transcript_event(t, &flow, fake_moment(103, 11), 11, &gap);
	connection();
	text = fake_printed(print);
	CHECK_EQ_STR(text,
	    "== 192.0.2.10:34536 -> 198.51.100.25:25  smtp  2026-11-21 10:00:00.000 UTC\n"
	    "      0.040000         4  S: 220 mx ESMTP\n"
	    "      0.041000         5  C: EHLO me\n"
	    "      0.080000         6  S: 250-mx\n"
	    "      0.080000         6  S: 250 SIZE\n"
	    "      0.100000       8-9  C: <1448 bytes of content>\n"
	    "      0.102000         9  === end of data (client)\n"
	    "      0.103000        11  === gap: 1460 bytes of the server are not in the capture\n"
	    "      0.900000        20  === the server closes\n"
	    "\n");
	free(text);
	transcript_free(t);
}

static void
hostile_lines_are_harmless(void)
{
	char *text;

	t = transcript_new();
	line(EVENT_NOISE, DIR_C2S, 1, 2, "\x1b[2J\xff\xe2\x80\xae");
	text = fake_printed(print);
	CHECK(strstr(text, "C? \\x1b[2J\\xff\\u{202e}\n") != NULL);
	CHECK(strchr(text, '\x1b') == NULL);
	free(text);
	transcript_free(t);
}

static void
a_very_long_line_is_cut(void)
{
	char *text, *longline = calloc(1, 12001);

	memset(longline, '\x1b', 12000);
	t = transcript_new();
	line(EVENT_COMMAND, DIR_C2S, 1, 2, longline);
	text = fake_printed(print);
	CHECK(strstr(text, "\\x1b ...\n") != NULL);
	CHECK(strlen(text) < 10000);
	free(text);
	free(longline);
	transcript_free(t);
}

static void
sessions_are_told_one_by_one(void)
{
	char *text, *second;

	t = transcript_new();
	line(EVENT_COMMAND, DIR_C2S, 10, 1, "EHLO one");
	flow.key.conn = 0x1;
	line(EVENT_COMMAND, DIR_C2S, 20, 2, "EHLO two");
	flow.key.conn = 0xabc;
	line(EVENT_COMMAND, DIR_C2S, 30, 3, "NOOP one");
	text = fake_printed(print);
	second = strstr(text, "EHLO two");
	CHECK(second != NULL && strstr(text, "EHLO one") < second &&
	    strstr(text, "NOOP one") < second);
	free(text);
	transcript_free(t);
}

static void
nothing_is_said_so(void)
{
	char *text;

	t = transcript_new();
	connection();
	text = fake_printed(print);
	CHECK_EQ_STR(text, "No session was seen.\n");
	free(text);
	transcript_free(t);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a session reads as a dialogue", a_session_reads_as_a_dialogue },
		{ "hostile lines are harmless", hostile_lines_are_harmless },
		{ "a very long line is cut", a_very_long_line_is_cut },
		{ "sessions are told one by one", sessions_are_told_one_by_one },
		{ "no session is said", nothing_is_said_so },
	};

	return check_main("transcript", tests, sizeof(tests) / sizeof(tests[0]));
}
