/*
 * test_rule_proof.c - who changed a mail, told from what its sights prove; and when nothing may be
 * said.
 */
#include "case_build.h"

struct sight {
	struct record conn, session, message;
};

/* A sound mail with two attachments, on its way from client to server. */
static struct sight
build_sight(uint32_t point, uint64_t id, int64_t ms, uint32_t received)
{
	struct sight s;
	struct record_message *m = &s.message.message;

	s.conn = build_connection(point, id, ms, ms + 500);
	s.session = build_session(&s.conn, ms + 60);
	s.message = (struct record){ .type = RECORD_MESSAGE };
	m->key = s.conn.connection.key;
	m->key.n = 1;
	m->app = APP_SMTP;
	m->state = MESSAGE_WHOLE;
	m->bytes = 5000;
	m->parts = 3;
	m->first = at(ms + 200);
	m->last = at(ms + 300);
	m->received = received;
	if (received > 0)
		m->received_by = "gate.example.net";
	m->message_id = "<1@example.net>";
	m->date = "Tue, 05 Mar 2024 10:00:00 +0100";
	m->checked = true;
	m->base64_parts = m->attachments = 2;
	m->attachment_hashes = "11111111 22222222";
	return s;
}

static struct correlator *
judged(const struct sight *s, size_t n)
{
	struct correlator *c = build_correlator();

	for (size_t i = 0; i < n; i++) {
		correlator_take(c, &s[i].message);
		correlator_take(c, &s[i].session);
		correlator_take(c, &s[i].conn);
	}
	correlator_judge(c);
	return c;
}

static void
expect(const struct sight *s, size_t n, enum finding_kind kind, const char *subkind,
    enum confidence conf)
{
	struct correlator *c = judged(s, n);
	const struct finding *f = find_kind(c, kind);

	CHECK(f != NULL);
	if (f == NULL || strcmp(f->subkind, subkind) != 0 || f->confidence != conf)
		print_findings(c);
	CHECK(f != NULL && strcmp(f->subkind, subkind) == 0 && f->confidence == conf);
	correlator_free(c);
}

static void
expect_nothing(const struct sight *s, size_t n)
{
	struct correlator *c = judged(s, n);

	CHECK(find_kind(c, FINDING_ATTACHMENT_CORRUPTED) == NULL);
	CHECK(find_kind(c, FINDING_MAIL_ALTERED_IN_TRANSIT) == NULL);
	correlator_free(c);
}

static void
an_attachment_changes_behind_a_server(void)
{
	struct sight s[2] = { build_sight(0, 1, 0, 0), build_sight(0, 2, 5000, 1) };

	expect_nothing(s, 2);
	s[1].message.message.attachment_hashes = "11111111 33333333";
	expect(s, 2, FINDING_ATTACHMENT_CORRUPTED, "two-points", CONFIDENCE_CONFIRMED);
	/* in another order, or by another message of that Message-ID */
	s[1].message.message.attachment_hashes = "22222222 11111111";
	expect_nothing(s, 2);
	s[1].message.message.attachment_hashes = "11111111 33333333";
	s[1].message.message.date = "Tue, 05 Mar 2024 10:00:01 +0100";
	expect_nothing(s, 2);
	s[1].message.message.date = s[0].message.message.date;
	/* no server lies between: the sender sent another one */
	s[1].message.message.received = 0;
	expect_nothing(s, 2);
	s[1].message.message.received = 1;
	/* hashes of some only */
	s[1].message.message.attachments = 3;
	expect_nothing(s, 2);
	s[1].message.message.attachments = 2;
	s[1].message.message.list = true;
	expect(s, 2, FINDING_MAIL_ALTERED_IN_TRANSIT, "list", CONFIDENCE_CONFIRMED);
}

static void
an_attachment_changes_between_two_points_of_a_connection(void)
{
	struct sight s[2] = { build_sight(0, 1, 0, 0), build_sight(1, 2, 1, 0) };

	s[1].conn.connection.client = s[0].conn.connection.client;
	s[1].conn.connection.payload_hash = s[0].conn.connection.payload_hash;
	for (int d = 0; d < 2; d++)
		s[1].conn.connection.dir[d].isn = s[0].conn.connection.dir[d].isn;
	expect_nothing(s, 2);
	s[1].message.message.attachment_hashes = "11111111 33333333";
	expect(s, 2, FINDING_ATTACHMENT_CORRUPTED, "two-points", CONFIDENCE_CONFIRMED);
}

static void
an_attachment_goes(void)
{
	struct sight s[2] = { build_sight(0, 1, 0, 0), build_sight(0, 2, 5000, 1) };
	struct record_message *m = &s[1].message.message;

	m->attachment_hashes = "11111111";
	m->attachments = 1;
	expect_nothing(s, 2); /* as many parts: it may be there in another encoding */
	m->parts = 2;
	expect(s, 2, FINDING_MAIL_ALTERED_IN_TRANSIT, "attachment-removed", CONFIDENCE_CONFIRMED);
	m->parts = 3;
	m->stub = true;
	expect(s, 2, FINDING_MAIL_ALTERED_IN_TRANSIT, "attachment-removed", CONFIDENCE_CONFIRMED);
	m->attachment_hashes = "44444444";
	expect_nothing(s, 2); /* rewritten altogether: another program's form of the same mail? */
}

static void
a_body_hash(void)
{
	struct sight s[2] = { build_sight(0, 1, 0, 1), build_sight(0, 2, 5000, 2) };
	struct record_message *m = &s[0].message.message, *n = &s[1].message.message;

	m->signatures = n->signatures = n->signatures_bad = m->signatures_good = 1;
	m->signature = "example.net, rsa-sha256, relaxed body";
	n->signature = m->signature;
	expect(s, 2, FINDING_MAIL_ALTERED_IN_TRANSIT, "body-hash", CONFIDENCE_CONFIRMED);
	/* a second signer had it as it is */
	n->signatures = 2;
	n->signatures_good = 1;
	expect(s, 2, FINDING_MAIL_ALTERED_IN_TRANSIT, "signed-again", CONFIDENCE_CONFIRMED);
	n->signatures = 1;
	n->signatures_good = 0;
	n->unclosed = true;
	expect(s, 2, FINDING_ATTACHMENT_CORRUPTED, "body-hash", CONFIDENCE_CONFIRMED);
	/* bytes of that direction are missing, or two copies of a byte differ */
	s[1].conn.connection.dir[0].conflict = true;
	expect_nothing(s, 2);
	s[1].conn.connection.dir[0].conflict = false;
	s[1].conn.connection.dir[0].missing = 1;
	expect_nothing(s, 2);
	s[1].conn.connection.dir[0].missing = 0;
	n->checked = false;
	expect_nothing(s, 2);
}

static void
a_fault_is_told_where_it_is_seen_first(void)
{
	struct sight s[2] = { build_sight(0, 1, 0, 1), build_sight(0, 2, 5000, 2) };
	struct correlator *c;
	const struct finding *f;

	for (int i = 0; i < 2; i++) {
		s[i].message.message.fault = PART_ILLEGAL;
		s[i].message.message.faulty_parts = s[i].message.message.fault_part =
		    s[i].message.message.fault_bytes = 1;
	}
	c = judged(s, 2);
	f = find_kind(c, FINDING_ATTACHMENT_CORRUPTED);
	CHECK(f != NULL && f->confidence == CONFIDENCE_PROBABLE && f->session_count == 1 &&
	    f->sessions[0] == 1);
	CHECK(f != NULL && strstr(f->remedy, "gate.example.net") != NULL);
	correlator_free(c);
	/* a sound sight before makes it certain, and says between which two */
	s[0] = build_sight(0, 1, 0, 1);
	expect(s, 2, FINDING_ATTACHMENT_CORRUPTED, "base64", CONFIDENCE_CONFIRMED);
	/* the signer had it so */
	s[1].message.message.signatures = s[1].message.message.signatures_good = 1;
	s[1].message.message.signature = "example.net, rsa-sha256, relaxed body";
	expect_nothing(s, 2);
	/* ... or only its first bytes */
	s[1].message.message.signature = "example.net, rsa-sha256, relaxed body, first 20 bytes";
	expect(s, 2, FINDING_ATTACHMENT_CORRUPTED, "base64", CONFIDENCE_CONFIRMED);
}

static void
a_fault_that_programs_make(void)
{
	struct sight s = build_sight(0, 1, 0, 1);
	struct record_message *m = &s.message.message;

	m->fault = PART_UNPADDED;
	m->faulty_parts = m->fault_part = 1;
	expect(&s, 1, FINDING_ATTACHMENT_CORRUPTED, "base64", CONFIDENCE_POSSIBLE);
	m->fault = PART_LENGTH;
	expect(&s, 1, FINDING_ATTACHMENT_CORRUPTED, "base64", CONFIDENCE_PROBABLE);
	m->received = 0;
	expect(&s, 1, FINDING_ATTACHMENT_CORRUPTED, "base64", CONFIDENCE_POSSIBLE);
	m->fault = PART_MD5;
	expect(&s, 1, FINDING_ATTACHMENT_CORRUPTED, "content-md5", CONFIDENCE_CONFIRMED);
	m->list = true;
	expect(&s, 1, FINDING_MAIL_ALTERED_IN_TRANSIT, "list", CONFIDENCE_CONFIRMED);
}

static void
mails_without_a_name_are_not_one(void)
{
	struct sight s[2] = { build_sight(0, 1, 0, 0), build_sight(0, 2, 5000, 1) };

	for (int i = 0; i < 2; i++)
		s[i].message.message.message_id = "";
	s[1].message.message.attachment_hashes = "11111111 33333333";
	expect_nothing(s, 2);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "an attachment changes behind a server", an_attachment_changes_behind_a_server },
		{ "an attachment changes between two points of a connection",
		    an_attachment_changes_between_two_points_of_a_connection },
		{ "an attachment goes", an_attachment_goes },
		{ "a body hash", a_body_hash },
		{ "a fault is told where it is seen first",
		    a_fault_is_told_where_it_is_seen_first },
		{ "a fault that programs make", a_fault_that_programs_make },
		{ "mails without a name are not one", mails_without_a_name_are_not_one },
	};

	return check_main("rule_proof", tests, sizeof(tests) / sizeof(tests[0]));
}
