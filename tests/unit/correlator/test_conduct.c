/*
 * What strict servers hold against a client is looked for in the whole dialogue, and told by the
 * line that did it.
 */
#include "mail_build.h"

static const struct finding *
refused(struct mail *m, struct correlator **c)
{
	m->session.session.ehlo = m->session.session.ehlo_answered = true;
	*c = judged(m, 1);
	return find_kind(*c, FINDING_PROTOCOL_ERROR);
}

static void
test_each_conduct_names_its_line(void)
{
	static const struct {
		int code, what;
		const char *text, *says, *remedy;
	} t[] = {
		{ 550, 0, "5.5.1 Protocol error", "before the greeting is complete",
		    "complete 220 greeting" },
		{ 550, 1, "5.5.1 Protocol error", "does not wait for the answer",
		    "does not offer PIPELINING" },
		{ 550, 2, "5.5.1 Protocol error", "line feed alone", "CR LF" },
		{ 503, 1,
		    "5.5.0 <bob@example.org>: Recipient address rejected: Improper use of SMTP command pipelining",
		    "does not wait for the answer", "does not offer PIPELINING" },
		{ 554, 1, "SMTP synchronization error", "does not wait for the answer",
		    "does not offer PIPELINING" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, t[i].code, t[i].text);
		struct correlator *c;
		const struct finding *f;
		struct moment when = at(60 + 10 * t[i].what), none = { 0 };

		m.conn.connection.dir[0].data_first = when;
		m.session.session.early_talker = t[i].what == 0;
		m.session.session.unoffered = t[i].what == 1 ? when : none;
		m.session.session.bare_command = t[i].what == 2 ? when : none;
		f = refused(&m, &c);
		CHECK(f != NULL && f->confidence == CONFIDENCE_CONFIRMED);
		CHECK(f != NULL && frame_of(f, t[i].says) == when.frame);
		CHECK(f != NULL && strstr(f->remedy, t[i].remedy) != NULL);
		correlator_free(c);
	}
}

static void
test_nothing_seen(void)
{
	struct mail m = build_mail(1, 0, 550, "5.5.1 Protocol error");
	struct correlator *c;
	const struct finding *f = refused(&m, &c);

	CHECK(f != NULL && strstr(f->remedy, "None of it is seen") != NULL);
	correlator_free(c);
	m.conn.connection.disordered =
	    1; /* what seems not to have waited may only be recorded so */
	m.session.session.unoffered = at(70);
	f = refused(&m, &c);
	CHECK(f != NULL && frame_of(f, "does not wait") == 0 &&
	    strstr(f->remedy, "None of it is seen") != NULL);
	correlator_free(c);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "each conduct names its line", test_each_conduct_names_its_line },
		{ "nothing seen", test_nothing_seen },
	};

	return check_main("conduct", tests, sizeof(tests) / sizeof(tests[0]));
}
