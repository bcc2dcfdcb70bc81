/*
 * Greetings and keywords that a firewall wrote over; TLS where plain text is due, and handshakes
 * that fail.
 */
#include "mail_build.h"

static void
test_masks(void)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
	struct correlator *c;

	build_reply(&m.session.session.greeting, 220, "*** Authorized use only ***", 60);
	c = judged(&m, 1);
	CHECK_NO_FINDING(c, FINDING_BANNER_MASKED);
	correlator_free(c);
	build_reply(&m.session.session.greeting, 220, "*************0*2******0***********", 60);
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_BANNER_MASKED, CONFIDENCE_CONFIRMED);
	correlator_free(c);
	/* one eight-letter mask may be CHUNKING; one more than the others is STARTTLS */
	m = build_mail(1, 0, 250, "2.1.5 Ok");
	m.session.session.masked_keywords = "XXXXXXXA";
	m.session.session.capabilities = "SIZE 100 8BITMIME SMTPUTF8";
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_STARTTLS_STRIPPED, CONFIDENCE_POSSIBLE);
	correlator_free(c);
	m.session.session.capabilities = "SIZE 100 8BITMIME SMTPUTF8 CHUNKING";
	c = judged(&m, 1);
	CHECK_FINDING(c, FINDING_STARTTLS_STRIPPED, CONFIDENCE_PROBABLE);
	correlator_free(c);
}

static void
test_tls_mode(void)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
	struct correlator *c = build_correlator();

	m.session.session.client_first_byte = 0x16 + 1;
	m.session.session.server_first_byte = '2' + 1;
	correlator_take(c, &m.conn);
	correlator_take(c, &m.session);
	correlator_judge(c);
	CHECK_FINDING(c, FINDING_TLS_MODE_MISMATCH, CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(count_findings(c), 1);
	correlator_free(c);
}

/* Refused, and not in a list that was read to its end; of one that was not, nothing is certain. */
static void
test_offer_that_was_cut(void)
{
	for (int cut = 0; cut < 2; cut++) {
		struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
		struct correlator *c;

		m.session.session.starttls_tried = true;
		m.session.session.capabilities_at = at(80);
		m.session.session.offer_cut = cut == 1;
		build_reply(
		    &m.session.session.starttls_reply, 502, "5.5.1 Unrecognized command", 90);
		c = judged(&m, 1);
		CHECK_FINDING(c, FINDING_TLS_NOT_OFFERED,
		    cut == 1 ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED);
		correlator_free(c);
	}
}

static struct correlator *
judged_tls(uint8_t alert, bool finished, bool closed)
{
	struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
	struct correlator *c = build_correlator();

	m.session.session.starttls_tried = m.session.session.tls = true;
	m.session.session.tls_at = at(200);
	m.session.session.tls_alert = alert;
	m.session.session.tls_finished = finished;
	if (closed)
		m.conn.connection.dir[0].fin = at(300);
	correlator_take(c, &m.conn);
	correlator_take(c, &m.session);
	correlator_judge(c);
	return c;
}

static void
test_tls_handshakes(void)
{
	static const struct {
		uint8_t alert; /* description + 1 */
		bool finished, closed;
		enum confidence conf; /* CANNOT_TELL: nothing is said */
	} t[] = {
		{ 48 + 1, false, true, CONFIDENCE_CONFIRMED }, /* unknown CA */
		{ 254 + 1, false, true, CONFIDENCE_PROBABLE }, /* TLS 1.3, encrypted */
		{ 0, false, true, CONFIDENCE_PROBABLE },       /* closed in the middle */
		{ 0, true, true, CONFIDENCE_CANNOT_TELL },     /* done, then closed */
		{ 0 + 1, true, true, CONFIDENCE_CANNOT_TELL }, /* close_notify */
		{ 0, false, false, CONFIDENCE_CANNOT_TELL },   /* the capture ends */
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct correlator *c = judged_tls(t[i].alert, t[i].finished, t[i].closed);

		if (t[i].conf == CONFIDENCE_CANNOT_TELL)
			CHECK_NO_FINDING(c, FINDING_TLS_FAILURE);
		else
			CHECK_FINDING(c, FINDING_TLS_FAILURE, t[i].conf);
		correlator_free(c);
	}
}

/*
 * A RST that somebody else may have sent in its name ends the handshake: nobody is blamed for sure.
 */
static void
test_tls_reset(void)
{
	static const struct {
		int dir;
		uint8_t more;
		bool answers;
		enum confidence conf;
	} t[] = {
		{ 1, 0, false, CONFIDENCE_PROBABLE },
		{ 1, 1, false, CONFIDENCE_POSSIBLE },
		{ 1, 0, true, CONFIDENCE_POSSIBLE },
		{ 0, 0, false, CONFIDENCE_PROBABLE },
		{ 0, 1, false, CONFIDENCE_POSSIBLE },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
		struct correlator *c = build_correlator();
		struct record_direction *end = &m.conn.connection.dir[t[i].dir];

		m.session.session.starttls_tried = m.session.session.tls = true;
		m.session.session.tls_at = at(200);
		end->rst = at(300);
		end->rst_count = 1;
		end->ttl_rst = (uint8_t)(end->ttl + t[i].more);
		end->rst_answers = t[i].answers;
		correlator_take(c, &m.conn);
		correlator_take(c, &m.session);
		correlator_judge(c);
		CHECK_FINDING(c, FINDING_TLS_FAILURE, t[i].conf);
		CHECK((strstr(find_kind(c, FINDING_TLS_FAILURE)->summary, "in its name") != NULL) ==
		    (t[i].conf == CONFIDENCE_POSSIBLE));
		correlator_free(c);
	}
}

/*
 * The client waits for the server, and leaves: it is the server that did not go on.  Where the
 * client is due, that is open.
 */
static void
test_tls_silence(void)
{
	static const struct {
		int64_t told, asked;
		bool silence;
	} t[] = { { 190, 250, true }, { 260, 250, false }, { 190, 11000, false } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
		struct correlator *c = build_correlator();

		m.session.session.starttls_tried = m.session.session.tls = true;
		m.session.session.tls_at = at(200);
		m.conn.connection.dir[0].data_last = at(t[i].asked);
		m.conn.connection.dir[1].data_last = at(t[i].told);
		m.conn.connection.dir[0].fin = at(12000);
		correlator_take(c, &m.conn);
		correlator_take(c, &m.session);
		correlator_judge(c);
		CHECK_FINDING(c, FINDING_TLS_FAILURE,
		    t[i].silence ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE);
		CHECK_EQ_STR(find_kind(c, FINDING_TLS_FAILURE)->subkind,
		    t[i].silence ? "silence" : "closed");
		correlator_free(c);
	}
}

/* 454 may be a limit of sessions: where its words are cut nobody knows. */
static void
test_tls_refused_in_cut_words(void)
{
	for (int cut = 0; cut < 2; cut++) {
		struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
		struct correlator *c = build_correlator();

		m.session.session.starttls_tried = m.session.session.starttls_offered = true;
		m.session.session.starttls_reply = (struct record_reply){
			.code = 454, .text = "4.7.0 Error: too many new ", .at = at(210)
		};
		m.conn.connection.dir[1].cut_bytes = (uint64_t)cut * 40;
		correlator_take(c, &m.conn);
		correlator_take(c, &m.session);
		correlator_judge(c);
		CHECK_FINDING(
		    c, FINDING_TLS_FAILURE, cut ? CONFIDENCE_POSSIBLE : CONFIDENCE_CONFIRMED);
		correlator_free(c);
	}
}

/* What came is not what was sent: no certificate is to be looked at. */
static void
test_tls_bad_record(void)
{
	struct correlator *c = judged_tls(20 + 1, false, true);

	CHECK(find_kind(c, FINDING_TLS_FAILURE) != NULL &&
	    strncmp(find_kind(c, FINDING_TLS_FAILURE)->remedy, "It is not the certificate", 25) ==
		0);
	correlator_free(c);
}

/*
 * Every session ends with a close: where the end of the handshake could not be seen, that is no
 * sign of anything.
 */
static void
test_tls_of_a_cut_capture(void)
{
	static const uint8_t alerts[] = { 0, 254 + 1 };

	for (size_t i = 0; i < sizeof(alerts); i++)
		for (int dir = 0; dir < 2; dir++) {
			struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
			struct correlator *c = build_correlator();

			m.session.session.starttls_tried = m.session.session.tls = true;
			m.session.session.tls_at = at(200);
			m.session.session.tls_alert = alerts[i];
			m.session.session.tls_alert_from = 1;
			m.conn.connection.dir[0].fin = at(300);
			m.conn.connection.dir[dir].cut_bytes = 500;
			correlator_take(c, &m.conn);
			correlator_take(c, &m.session);
			correlator_judge(c);
			CHECK(find_kind(c, FINDING_TLS_FAILURE) == NULL);
			correlator_free(c);
		}
}

/*
 * An old client is what those alerts mean that are about versions and ciphers; a bad certificate is
 * one for a new client, too.
 */
static void
test_tls_alert_of_an_old_client(void)
{
	static const struct {
		uint8_t code;
		bool old;
	} t[] = { { 70, true }, { 40, true }, { 42, false }, { 44, false } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct mail m = build_mail(1, 0, 250, "2.1.5 Ok");
		struct correlator *c = build_correlator();
		const struct finding *f;

		m.session.session.starttls_tried = m.session.session.tls = true;
		m.session.session.tls_at = at(200);
		m.session.session.tls_offered = 0x0301;
		m.session.session.tls_alert = (uint8_t)(t[i].code + 1);
		m.session.session.tls_alert_from = 1;
		correlator_take(c, &m.conn);
		correlator_take(c, &m.session);
		correlator_judge(c);
		f = find_kind(c, FINDING_TLS_FAILURE);
		CU_ASSERT_FATAL(f != NULL);
		CHECK((strstr(f->remedy, "TLS 1.2") != NULL) == t[i].old);
		correlator_free(c);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "masks", test_masks },
		{ "TLS to a plain port", test_tls_mode },
		{ "TLS handshakes", test_tls_handshakes },
		{ "TLS handshakes that a RST ends", test_tls_reset },
		{ "TLS handshakes that the server leaves open", test_tls_silence },
		{ "STARTTLS refused in words that are cut", test_tls_refused_in_cut_words },
		{ "TLS records that are not what was sent", test_tls_bad_record },
		{ "TLS of a cut capture", test_tls_of_a_cut_capture },
		{ "TLS alerts to an old client", test_tls_alert_of_an_old_client },
		{ "an offer that was cut", test_offer_that_was_cut },
	};

	return check_main("rule_tls", tests, sizeof(tests) / sizeof(tests[0]));
}
