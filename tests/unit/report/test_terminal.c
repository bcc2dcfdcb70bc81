/* test_terminal.c - what a person reads. */
#include "check.h"

#include "correlator/finding/rule.h"
#include "fake_correlator.h"
#include "report/terminal.h"

static unsigned int width = 80;
static bool colour, all;
static const struct zone *zone;

static void
print(FILE *out)
{
	struct page p = { .out = out, .width = width, .colour = colour, .zone = zone };
	struct terminal_report r = { .points = 1, .all = all };

	terminal_print(&p, &r);
}

static bool
says(const char *what)
{
	char *text = fake_printed(print);
	bool yes = strstr(text, what) != NULL;

	if (!yes)
		printf("not said: %s\n%s", what, text);
	free(text);
	return yes;
}

/* Who copies a command must get one line, and who has a port of his own wants it in the capture. */
static void
a_command_stays_whole(void)
{
	struct finding *f = finding_new(FINDING_FRAGMENTS_DROPPED, CONFIDENCE_POSSIBLE);

	f->server_port = 2525;
	finding_next_capture(f, "a", "b", "c", "d");
	fake_reset();
	fake_black_hole()->next_capture = f->next_capture;
	CHECK(says(
	    "\n                 tcpdump -i IF -s 0 -w next.pcap 'tcp port 25 or 465 or 587 or 110 or 995 or 2525 or icmp or icmp6 "
	    "or port 113 or ip[6:2] & 0x1fff != 0 or ip6[6] = 44'\n"));
	finding_free(f);
}

static void
a_finding_comes_first_and_whole(void)
{
	char *text, *title, *mails;

	fake_reset();
	fake_black_hole(); /* of a flow that is no mail's: its path may be the mail's */
	CHECK(says(
	    "1 fault: large packets vanish without a word (path-MTU black hole).\nNo mail was seen in 40 packets.\n"));
	fake_summary.smtp_sessions = fake_summary.attempted = fake_summary.unknown = 1;
	CHECK(says("1 fault: large packets vanish without a word (path-MTU black hole).\n"
		   "1 mail without an answer in the capture\n"));
	CHECK(says("ERROR  large packets vanish without a word (path-MTU black hole)"));
	CHECK(says("pmtu-black-hole  1122334455667788"));
	CHECK(says("Where          192.0.2.10:34536 -> 198.51.100.25:25"));
	CHECK(says("How sure       confirmed"));
	CHECK(says("What happened  Packets of 1500 bytes vanish; those up to 576 bytes pass."));
	CHECK(says("Size           576 bytes got through, at most 1499 fit, try MTU 1454"));
	CHECK(says("What to do     Clamp the MSS to 1414."));
	CHECK(says("Proof          frames 12, 19: 1500 bytes sent again and again, never\n"
		   "                 acknowledged"));
	CHECK(says("Ruled out      high-loss: small packets passed all the while"));
	CHECK(says("Program shows  0x800CCC0F"));
	CHECK(says("Capture next   the other side of the router"));
	text = fake_printed(print);
	title = strstr(text, "ERROR");
	mails = strstr(text, "\nMails\n");
	CHECK(title != NULL && mails != NULL && title < mails);
	CHECK(strstr(text, "\nCaptures\n") > mails);
	free(text);
}

/* What is one of several causes is not announced as the cause. */
static void
a_possible_fault_is_called_so(void)
{
	fake_reset();
	fake_black_hole()->confidence = CONFIDENCE_POSSIBLE;
	CHECK(says(
	    "1 fault: possibly, large packets vanish without a word (path-MTU black hole).\n"));
}

/* Live: what was told and taken back is no fault of the report. */
static void
what_was_taken_back_is_no_fault(void)
{
	struct finding *f;
	char *text;

	fake_reset();
	f = fake_black_hole();
	f->retracted = true;
	text = fake_printed(print);
	CHECK(strstr(text, "ERROR") == NULL && strstr(text, "What to do") == NULL);
	CHECK(strstr(text,
		  "  pmtu-black-hole, retracted  192.0.2.10:34536 -> 198.51.100.25:25\n") != NULL);
	free(text);
	f->confidence = CONFIDENCE_POSSIBLE; /* never told */
	text = fake_printed(print);
	CHECK(strstr(text, "pmtu-black-hole") == NULL);
	free(text);
}

static void
nothing_wrong_is_said_plainly(void)
{
	fake_reset();
	fake_summary.smtp_sessions = 1;
	fake_summary.attempted = fake_summary.accepted = 3;
	CHECK(says("3 mails accepted; no fault found in this capture."));
	fake_summary.incomplete_count = 1;
	strcpy(fake_summary.incomplete[0], "client.pcap is cut");
	CHECK(says("no fault found in this capture, which is incomplete."));
	CHECK(says("client.pcap is cut"));
}

/* A program that left without a mail, and a finding that may say why. */
static void
what_may_explain_it_is_pointed_at(void)
{
	struct finding *f;

	fake_reset();
	fake_summary.smtp_sessions = 1;
	f = fake_black_hole();
	f->kind = FINDING_TLS_NOT_OFFERED;
	f->confidence = CONFIDENCE_POSSIBLE;
	f->severity = SEVERITY_INFO;
	CHECK(says("1 SMTP session without a visible mail; no fault found, see the hint below.\n"));
	f->confidence = CONFIDENCE_CONFIRMED;
	CHECK(says("no fault found, see the hint below.\n"));
	f->kind = FINDING_MSS_NOT_CLAMPED; /* it is there, and explains nothing */
	CHECK(says("no fault found in this capture.\n"));
	f->kind = FINDING_TLS_NOT_OFFERED;
	f->confidence = CONFIDENCE_POSSIBLE;
	fake_summary.attempted = fake_summary.accepted = 1; /* nothing is to be explained */
	CHECK(says("1 mail accepted; no fault found in this capture.\n"));
}

/* Neither "no fault" nor "no mail": there is something, and the report says what is missing. */
static void
what_cannot_be_decided_is_not_nothing(void)
{
	fake_reset();
	fake_black_hole()->confidence = CONFIDENCE_CANNOT_TELL;
	CHECK(says("No fault proven, 1 that this capture cannot decide."));
	CHECK(!says("No mail was seen"));
	fake_summary.attempted = fake_summary.accepted = 1;
	CHECK(says("1 mail accepted; no fault proven, 1 that this capture cannot decide."));
}

static void
no_mail_at_all_says_how_to_capture(void)
{
	fake_reset();
	CHECK(says("No mail was seen in 40 packets."));
	CHECK(says("tcpdump -i any -s 0 -w mail.pcap"));
	CHECK(says("before the wire"));
	fake_capture.mail_frames = 5; /* somebody did ask: it is not before the wire */
	CHECK(says("A mail port was asked, but no mail was seen in 40 packets."));
	CHECK(!says("before the wire"));
}

/*
 * A link type that nobody here reads is no capture without mail; on the air it may be that all is
 * encrypted.
 */
static void
what_cannot_be_read_is_not_nothing(void)
{
	fake_reset();
	fake_capture.unread = 40;
	CHECK(says("Nothing could be read: of this link type no frame is understood."));
	CHECK(!says("No mail was seen"));
	fake_capture.unread = 0;
	fake_capture.link_type = 127;
	CHECK(says("No mail was seen in 40 packets."));
	CHECK(says("On the air nearly everything is encrypted"));
}

/* Port 465: a session is there, though nobody can read it. */
static void
an_encrypted_session_is_not_nothing(void)
{
	char *text;

	fake_reset();
	fake_summary.hidden_sessions = 2;
	text = fake_printed(print);
	CHECK(
	    strstr(text,
		"2 encrypted sessions whose mails cannot be seen; no fault found in this capture.") !=
	    NULL);
	CHECK(strstr(text, "No mail was seen") == NULL);
	CHECK(strstr(text, "before the wire") == NULL);
	free(text);
}

static struct record_transaction mail_tx;
static struct record_recipient mail_rcpt[2];
static const struct record_recipient *const mail_rcpts[2] = { &mail_rcpt[0], &mail_rcpt[1] };

static void
fake_mail(void)
{
	memset(&mail_tx, 0, sizeof(mail_tx));
	memset(mail_rcpt, 0, sizeof(mail_rcpt));
	mail_tx.sender = "bob@example.org";
	mail_rcpt[0].address = "alice@example.net";
	mail_tx.first = fake_moment(1500, 8);
	mail_tx.last = fake_moment(1600, 17);
	mail_tx.verdict_reply.code = 550;
	mail_tx.verdict_reply.text = "5.1.1 no such user";
	fake_fates[0].transaction = &mail_tx;
	fake_fates[0].recipients = mail_rcpts;
	fake_fates[0].recipient_count = 2;
	fake_fates[0].verdict = VERDICT_REFUSED;
	strcpy(fake_fates[0].fate, "refused: recipient-unknown");
	fake_fate_count = 1;
	fake_summary.smtp_sessions = fake_summary.attempted = fake_summary.refused = 1;
}

static void
each_mail_has_its_fate(void)
{
	fake_reset();
	fake_mail();
	CHECK(says(
	    "  10:00:01.500 <bob@example.org> -> <alice@example.net> and 1 more\n"
	    "               refused: recipient-unknown: 550 5.1.1 no such user [frames 8-17]\n"));
	mail_tx.recipients = 1500; /* more than have records */
	CHECK(says("  10:00:01.500 <bob@example.org> -> <alice@example.net> and 1499 more\n"));
}

/* A sensor of weeks: the clock alone says little. */
static void
mails_of_several_days_have_their_day(void)
{
	static struct record_transaction later[2];
	const int64_t day = INT64_C(86400) * 1000;

	fake_reset();
	fake_mail();
	for (int i = 0; i < 2; i++) {
		later[i] = mail_tx;
		later[i].first = fake_moment(day + 2500 + i, 20);
		fake_fates[1 + i] = fake_fates[0];
		fake_fates[1 + i].transaction = &later[i];
	}
	fake_fate_count = 3;
	CHECK(says("  2026-11-21\n  10:00:01.500 <bob@example.org>"));
	CHECK(says("[frames 8-17]\n  2026-11-22\n  10:00:02.500 <bob@example.org>"));
	CHECK(says("\n  10:00:02.501 <bob@example.org>"));
	fake_fates[0].retries = 1;
	fake_fates[0].retry_verdict = VERDICT_ACCEPTED;
	fake_fates[0].retry_at = later[0].first;
	CHECK(says("tried again (same sender and recipient): accepted at 2026-11-22"));
	fake_fate_count = 1;
	CHECK(!says("  2026-11-21\n"));
}

/* 02:59:59 and, ten seconds later, 02:00:09: clocks alone would lead astray. */
static void
two_offsets_stay_two(void)
{
	static struct record_transaction later;
	const int64_t change = INT64_C(1792890000) * 1000000000; /* 2026-10-25 01:00 UTC */
	struct finding *f;
	struct zone z;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	CHECK_EQ_INT(zone_parse(&z, "local"), 0);
	zone = &z;
	fake_reset();
	fake_mail();
	f = fake_black_hole();
	CHECK(says(", 2026-11-21 11:00:00.000 to 11:00:31.000 +01:00 (local time)\n"));
	CHECK(says("\n  11:00:01.500 <bob@example.org>"));
	CHECK(!says("  2026-11-21 +01:00\n"));
	f->last = f->first;
	CHECK(says("When           2026-11-21 11:00:00.100 +01:00\n"));

	fake_capture.first.ns = f->first.ns = mail_tx.first.ns = change - 1000000000;
	fake_capture.last.ns = f->last.ns = change + 9000000000;
	later = mail_tx;
	later.first.ns = fake_capture.last.ns;
	fake_fates[1] = fake_fates[0];
	fake_fates[1].transaction = &later;
	fake_fate_count = 2;
	fake_fates[0].retries = 1;
	fake_fates[0].retry_at = later.first;
	CHECK(
	    says("1 input, 2026-10-25 02:59:59.000 +02:00 to 02:00:09.000 +01:00 (local time)\n"));
	CHECK(says("When           2026-10-25 02:59:59.000 +02:00 to 02:00:09.000 +01:00\n"));
	CHECK(says("  2026-10-25 +02:00\n  02:59:59.000 <bob@example.org>"));
	CHECK(says("  2026-10-25 +01:00\n  02:00:09.000 <bob@example.org>"));
	width = 120;
	CHECK(says(" at 02:00:09.000 +01:00 by"));
	width = 80;
	fake_capture.frames = 0; /* nobody says above which zone it is */
	fake_fate_count = 1;
	CHECK(says("  2026-10-25 +02:00\n  02:59:59.000 <bob@example.org>"));
	zone = NULL;
}

static void
many_mails_are_counted(void)
{
	fake_reset();
	fake_mail();
	for (size_t i = 1; i < 80; i++)
		fake_fates[i] = fake_fates[0];
	fake_fate_count = 80;
	CHECK(says("... and 30 more; --all or --json tells all of them"));
}

/* Behind a thousand mails that went well stands the one that did not: it is why somebody looks. */
static void
mails_that_failed_are_told_before_others(void)
{
	char *text, *fine, *failed;

	fake_reset();
	fake_mail();
	for (size_t i = 0; i < 79; i++) {
		fake_fates[i] = fake_fates[0];
		fake_fates[i].verdict = VERDICT_ACCEPTED;
		strcpy(fake_fates[i].fate, "accepted");
	}
	fake_fates[79] = fake_fates[0];
	fake_fates[79].verdict = VERDICT_REFUSED;
	strcpy(fake_fates[79].fate, "refused: recipient-unknown");
	fake_fate_count = 80;
	text = fake_printed(print);
	fine = strstr(text, "accepted: 550");
	failed = strstr(text, "refused: recipient-unknown: 550");
	CHECK(fine != NULL && failed != NULL && fine < failed);
	CHECK(strstr(text, "... and 30 more") != NULL);
	free(text);
}

static void
refuse(struct finding *f, const char *client, const char *server, const char *words, uint64_t frame)
{
	f->id = frame;
	f->kind = FINDING_RECIPIENT_UNKNOWN;
	f->from = fake_endpoint(client, 40000);
	f->to = fake_endpoint(server, 25);
	f->has_mtu = false;
	f->has_reply = true;
	f->reply.code = 550;
	f->reply.text = words;
	f->remedy = "Correct the address.";
	f->evidence[0].frame_count = 1;
	f->evidence[0].frames[0] = frame;
}

/* One server that refuses three clients is one thing to mend; another server is another. */
static void
what_is_alike_is_told_once(void)
{
	char *text, *again;

	fake_reset();
	refuse(fake_black_hole(), "192.0.2.10", "198.51.100.25", "no such user", 21);
	refuse(fake_black_hole(), "192.0.2.77", "198.51.100.99", "no such user", 22);
	refuse(fake_black_hole(), "192.0.2.11", "198.51.100.25", "no such user", 23);
	refuse(fake_black_hole(), "192.0.2.12", "198.51.100.25", "unknown", 24);
	CHECK(says("\n4 faults of one kind: the recipient does not exist.\n"));
	fake_black_hole();
	text = fake_printed(print);
	CHECK(
	    strstr(text,
		"5 faults:\n  the recipient does not exist, 4 times\n  large packets vanish without a word (path-MTU black hole)\n") !=
	    NULL);
	CHECK(
	    strstr(text,
		"  The same       192.0.2.11:40000 -> 198.51.100.25:25, frame 23\n"
		"                 192.0.2.12:40000 -> 198.51.100.25:25, frame 24: 550 unknown\n") !=
	    NULL);
	CHECK((again = strstr(text, "Correct the address.")) != NULL &&
	    (again = strstr(again + 1, "Correct the address.")) != NULL &&
	    strstr(again + 1, "Correct the address.") == NULL);
	CHECK(strstr(text, "Where          192.0.2.77:40000 -> 198.51.100.99:25\n") != NULL);
	free(text);
	all = true;
	CHECK(says("Where          192.0.2.12:40000 -> 198.51.100.25:25"));
	CHECK(!says("The same"));
	all = false;
}

static void
hostile_text_is_harmless(void)
{
	char *text;
	struct finding *f;

	fake_reset();
	fake_mail();
	f = fake_black_hole();
	mail_tx.verdict_reply.text = "\x1b[2J\x1b]0;x\x07 \xc2\x9b";
	mail_tx.sender = "\xe2\x80\xae\r\n";
	f->summary = "\x1b[31mred\xff";
	strcpy(fake_capture.file, "\x1b[31m.pcap");
	colour = false;
	text = fake_printed(print);
	for (const char *p = text; *p != '\0'; p++)
		CHECK((unsigned char)*p >= 0x20 || *p == '\n');
	CHECK(strstr(text, "\\x1b[31mred\\xff") != NULL);
	free(text);
}

static void
colours_only_when_wanted(void)
{
	char *text;

	fake_reset();
	fake_black_hole();
	colour = true;
	text = fake_printed(print);
	CHECK(strstr(text, "\033[1;31mERROR\033[0m") != NULL);
	free(text);
	colour = false;
	text = fake_printed(print);
	CHECK(strchr(text, '\033') == NULL);
	free(text);
}

static void
lines_fit_the_width(void)
{
	static char remedy[301]; /* the finding keeps it beyond this test */

	fake_reset();
	fake_black_hole();
	memset(remedy, 'x', 300);
	fake_findings[0].remedy = remedy;
	fake_summary.smtp_sessions = fake_summary.attempted = fake_summary.accepted = 1200000;
	fake_summary.rcpt_accepted = fake_summary.rcpt_deferred = fake_summary.refused = 1200000;
	CHECK(says("refused;\n        recipients: 1200000 accepted, 1200000 deferred\n"));
	CHECK(!says(" 0 refused"));
	for (width = 40; width <= 120; width += 20) {
		char *text = fake_printed(print), *line = strstr(text, "What happened"), *end;

		for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1)
			CHECK((size_t)(end - line) <= width);
		free(text);
	}
	width = 80;
}

static void
what_is_no_fault_is_told_shortly(void)
{
	char *text;
	struct finding *f;

	fake_reset();
	f = fake_black_hole();
	f->confidence = CONFIDENCE_CANNOT_TELL;
	f->id = 1;
	f = fake_black_hole();
	f->kind = FINDING_SLOW_REPLY;
	f->severity = SEVERITY_INFO;
	CHECK(says("No fault proven, 1 that"));
	text = fake_printed(print);
	CHECK(strstr(text, "CANNOT TELL") < strstr(text, "Also seen\n  slow-reply, confirmed"));
	free(text);
}

static void
capture_quality_is_told(void)
{
	fake_reset();
	fake_capture.acked_bytes = 1000;
	fake_capture.acked_unseen = 25;
	fake_capture.duplicates = 7;
	fake_capture.damage_frame = 40;
	strcpy(fake_capture.damage, "frame 41 is cut short");
	fake_capture.caps_hit = 12;
	strcpy(fake_capture.caps, "flows 12");
	CHECK(says("40 frames in 31.0 s"));
	CHECK(says("2.5 % of the bytes are missing (capture loss), 7 copies dropped"));
	CHECK(says("damaged behind frame 40: frame 41 is cut short"));
	CHECK(says("bounds were hit: flows 12"));
	fake_capture.filtered = 3;
	fake_capture.unfilterable = 1;
	fake_capture.repaired = 2;
	fake_capture.timeless = 1;
	CHECK(says(", 3 left out by the filter"));
	CHECK(says("impossible length or time"));
	CHECK(says("1 frame without a time of its own"));
	CHECK(says("has no meaning on their link type"));
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "a finding comes first and whole", a_finding_comes_first_and_whole },
		{ "a command stays whole", a_command_stays_whole },
		{ "a possible fault is called so", a_possible_fault_is_called_so },
		{ "what was taken back is no fault", what_was_taken_back_is_no_fault },
		{ "nothing wrong is said plainly", nothing_wrong_is_said_plainly },
		{ "what may explain it is pointed at", what_may_explain_it_is_pointed_at },
		{ "what cannot be decided is not nothing", what_cannot_be_decided_is_not_nothing },
		{ "no mail at all: says how to capture", no_mail_at_all_says_how_to_capture },
		{ "what cannot be read is not nothing", what_cannot_be_read_is_not_nothing },
		{ "an encrypted session is not nothing", an_encrypted_session_is_not_nothing },
		{ "each mail has its fate", each_mail_has_its_fate },
		{ "mails of several days have their day", mails_of_several_days_have_their_day },
		{ "two offsets stay two", two_offsets_stay_two },
		{ "many mails are counted", many_mails_are_counted },
		{ "mails that failed are told before others",
		    mails_that_failed_are_told_before_others },
		{ "what is alike is told once", what_is_alike_is_told_once },
		{ "hostile text is harmless", hostile_text_is_harmless },
		{ "colours only when wanted", colours_only_when_wanted },
		{ "lines fit the width", lines_fit_the_width },
		{ "what is no fault is told shortly", what_is_no_fault_is_told_shortly },
		{ "the quality of the capture is told", capture_quality_is_told },
	};

	return check_main("terminal", t, sizeof(t) / sizeof(t[0]));
}
