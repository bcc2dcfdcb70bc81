/*
 * What the words of a server mean: every row of the table by its own example, and the traps between
 * rows.
 */
#include "check.h"
#include "correlator/words/replies.h"

static struct replies *table;

/* "550 5.7.1 words" or "-ERR [AUTH] words" to a reply record. */
static bool
reply_read(const char *line, struct record_reply *r)
{
	bool pop = line[0] == '-';

	memset(r, 0, sizeof(*r));
	r->at = (struct moment){ 1, 1 };
	if (pop) {
		r->text = line + 5;
		return true;
	}
	r->code = (uint16_t)strtoul(line, NULL, 10);
	r->text = line + 4;
	return false;
}

static struct reply_class
classify_with(
    const struct replies *t, const char *line, char stage, const struct reply_context *extra)
{
	struct reply_context ctx = extra != NULL ? *extra : (struct reply_context){ 0 };
	struct record_reply r;
	struct reply_class cl;

	ctx.pop = reply_read(line, &r);
	ctx.stage = stage;
	reply_classify(t, &r, &ctx, &cl);
	return cl;
}

static struct reply_class
classify(const char *line, char stage)
{
	return classify_with(table, line, stage, NULL);
}

static void
test_every_row_classifies_its_example(void)
{
	CHECK(replies_count(table) > 200);
	for (size_t i = 0; i < replies_count(table); i++) {
		const struct reply_row *row = replies_row(table, i);
		struct reply_class cl =
		    classify(row->example, row->stages[0] == '*' ? 0 : row->stages[0]);

		if (cl.kind != row->kind || strcmp(cl.subkind, row->subkind) != 0 ||
		    cl.how != REPLY_BY_TEXT)
			printf("row %u: \"%s\" became %s by row %u\n", row->number, row->example,
			    kind_id(cl.kind), cl.row);
		CHECK_EQ_INT(cl.kind, row->kind);
		CHECK_EQ_STR(cl.subkind, row->subkind);
		CHECK_EQ_INT(cl.how, REPLY_BY_TEXT);
	}
}

/* All 134 rows of diagnosis 3.2 are there, but those that are no replies. */
static void
test_no_row_is_missing(void)
{
	for (unsigned int n = 1; n <= 134; n++) {
		bool found = n == 126 || n == 127;

		for (size_t i = 0; i < replies_count(table); i++)
			found = found || replies_row(table, i)->number == n;
		if (!found)
			printf("row %u is missing\n", n);
		CHECK(found);
	}
}

static void
test_traps(void)
{
	static const struct {
		const char *line;
		char stage;
		enum finding_kind kind;
		enum confidence conf;
	} t[] = {
		/* case, white space and several lines do not matter */
		{ "550 5.7.1 <a@b.example>... RELAYING   Denied", 'R',
		    FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_CONFIRMED },
		/* the seeds */
		{ "553 To send mail, first check your mail with a valid POP account (#5.7.1)", 'R',
		    FINDING_POP_BEFORE_SMTP_REQUIRED, CONFIDENCE_CONFIRMED },
		{ "550 relaying to <x@example.net> prohibited by administrator", 'R',
		    FINDING_RELAY_DENIED_WRONG_NETWORK, CONFIDENCE_CONFIRMED },
		/* a list beats relay, a size is no quota */
		{ "554 5.7.1 Relay access denied, blocked using zen.spamhaus.org", 'R',
		    FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_CONFIRMED },
		{ "552 5.3.4 Message size exceeds fixed limit", 'M', FINDING_MESSAGE_TOO_BIG,
		    CONFIDENCE_CONFIRMED },
		{ "452 4.5.3 Error: too many recipients", 'R', FINDING_TOO_MANY_RECIPIENTS,
		    CONFIDENCE_CONFIRMED },
		/* user unknown against policy, by the enhanced code */
		{ "550 5.4.1 Recipient address rejected: Access denied", 'R',
		    FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_CONFIRMED },
		{ "554 5.7.1 <x@y.example>: Recipient address rejected: Access denied", 'R',
		    FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_CONFIRMED },
		/* x.1.1 beats a relay word */
		{ "550 5.1.1 relaying denied", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_PROBABLE },
		/* never relay without a relay word */
		{ "550 5.7.1 no", 'R', FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE },
		{ "550 5.7.1 no", 'D', FINDING_CONTENT_REJECTED, CONFIDENCE_POSSIBLE },
		{ "450 4.7.1 later", 'R', FINDING_GREYLISTED, CONFIDENCE_POSSIBLE },
		{ "451 4.7.1 later", 'D', FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_PROBABLE },
		/* an address is no reason: the recipient's name holds the words */
		{ "550 5.1.1 <relaying.denied@virus.example>: nobody", 'R',
		    FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_PROBABLE },
		/* what stands behind it does, be there no blank between */
		{ "550 joe@example.org:User unknown", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_CONFIRMED },
		{ "550 joe@example.org...Relaying denied", 'R', FINDING_RELAY_DENIED_WRONG_NETWORK,
		    CONFIDENCE_CONFIRMED },
		{ "550 joe@relaying denied", 'R', FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_POSSIBLE },
		{ "550 @:@@ relaying denied", 'R', FINDING_RELAY_DENIED_WRONG_NETWORK,
		    CONFIDENCE_CONFIRMED },
		/* whose quota: an account's that sends is no mailbox */
		{ "450 4.7.1 <joe@example.org>: Recipient address rejected: Policy Rejection- Quota Exceeded.",
		    'R', FINDING_RATE_LIMITED, CONFIDENCE_CONFIRMED },
		{ "550 5.4.6 Unusual sending activity detected.", 'D', FINDING_RATE_LIMITED,
		    CONFIDENCE_CONFIRMED },
		/*
		 * everybody asks to come again; who is busy, or finds something malformed, says no
		 * more than that
		 */
		{ "450 4.7.1 Please try again in 5 minutes", 'R', FINDING_GREYLISTED,
		    CONFIDENCE_POSSIBLE },
		{ "451 4.3.0 Temporary lookup failure, please try again in 5 minutes", 'R',
		    FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_CONFIRMED },
		{ "421 4.3.2 Server busy", 'C', FINDING_TEMPORARY_SERVER_ERROR,
		    CONFIDENCE_CONFIRMED },
		{ "451 4.7.500 Server busy. Please try again later from [192.0.2.1].", 'C',
		    FINDING_RATE_LIMITED, CONFIDENCE_CONFIRMED },
		/*
		 * rspamd's soft reject is greylisting for the most part; a filter that is down is
		 * not, nor another code's words
		 */
		{ "451 4.7.1 Try again later", 'D', FINDING_GREYLISTED, CONFIDENCE_POSSIBLE },
		{ "451 4.7.1 Service unavailable - try again later", 'D',
		    FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_CONFIRMED },
		{ "451 4.3.0 Try again later", 'D', FINDING_TEMPORARY_SERVER_ERROR,
		    CONFIDENCE_PROBABLE },
		/* a limit of the sender is no policy against it, and no full mailbox */
		{ "550 5.7.236 Access denied", 'D', FINDING_RATE_LIMITED, CONFIDENCE_CONFIRMED },
		{ "550 5.7.1 Email quota exceeded.", 'R', FINDING_RATE_LIMITED,
		    CONFIDENCE_CONFIRMED },
		{ "552 5.2.2 Quota exceeded", 'R', FINDING_MAILBOX_FULL, CONFIDENCE_CONFIRMED },
		/* an unavailable mailbox that is none */
		{ "550 Requested action not taken: mailbox unavailable. Reject due to policy restrictions.",
		    'D', FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_CONFIRMED },
		{ "550 Mailbox unavailable or access denied", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_POSSIBLE },
		{ "550 5.1.1 Policy rejection: user unknown", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_CONFIRMED },
		{ "550 5.6.0 malformed MIME part", 'D', FINDING_CONTENT_REJECTED,
		    CONFIDENCE_CONFIRMED },
		{ "550 Subject contains invalid characters", 'D', FINDING_CONTENT_REJECTED,
		    CONFIDENCE_POSSIBLE },
		{ "550 5.6.11 invalid characters", 'D', FINDING_PROTOCOL_ERROR,
		    CONFIDENCE_CONFIRMED },
		/*
		 * a recipient is no sender; RFC 5321's words for 550 beside a code of policy are of
		 * policy
		 */
		{ "553 5.1.3 The recipient address <joe> is not a valid RFC 5321 address.", 'R',
		    FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_CONFIRMED },
		{ "550 5.7.1 Requested action not taken: mailbox unavailable", 'R',
		    FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_CONFIRMED },
		{ "550 5.5.0 Requested action not taken: mailbox unavailable", 'R',
		    FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_CONFIRMED },
		/* generic words only at their stage */
		{ "550 virus", 'D', FINDING_CONTENT_REJECTED, CONFIDENCE_CONFIRMED },
		{ "550 virus", 'R', FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_POSSIBLE },
		/* an IP address is no enhanced code */
		{ "550 host 5.7.1.25 says no", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_POSSIBLE },
		/* words that name the sending host are about it, whatever the code */
		{ "550 mail from 192.0.2.10 is not wanted here", 'R', FINDING_POLICY_OR_BLOCKLIST,
		    CONFIDENCE_POSSIBLE },
		{ "550 no mail for version 1.2.3", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_POSSIBLE },
		/* codes that nobody listed: the first digit counts */
		{ "472 DNS A-record is empty", 'M', FINDING_SENDER_DOMAIN_REJECTED,
		    CONFIDENCE_CONFIRMED },
		{ "472 hm", 'M', FINDING_UNCLASSIFIED_4XX, CONFIDENCE_CONFIRMED },
		{ "577 hm", 'M', FINDING_UNCLASSIFIED_5XX, CONFIDENCE_CONFIRMED },
		/* a reply that lost its code */
		{ "000 4.7.0 [IPTS04] Messages from 192.0.2.1 temporarily deferred due to user complaints",
		    'D', FINDING_RATE_LIMITED, CONFIDENCE_CONFIRMED },
		/* tls-required only where the words say so */
		{ "530 5.7.0 Must issue a STARTTLS command first", 'M', FINDING_TLS_REQUIRED,
		    CONFIDENCE_CONFIRMED },
		{ "530 nope", 'M', FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_POSSIBLE },
		{ "421 4.4.2 mx.example Error: timeout exceeded", 0, FINDING_SERVER_TIMEOUT_421,
		    CONFIDENCE_CONFIRMED },
		/* a sender's limit is not the recipient's mailbox */
		{ "454 Throttling failure: Daily message quota exceeded", 'D', FINDING_RATE_LIMITED,
		    CONFIDENCE_CONFIRMED },
		{ "452 4.2.2 Mailbox full, disk quota exceeded", 'R', FINDING_MAILBOX_FULL,
		    CONFIDENCE_CONFIRMED },
		/* the sender's domain takes no mail: the recipient is well */
		{ "550 5.7.27 <a@b.example>: Sender address rejected: Domain b.example does not accept mail (nullMX)",
		    'R', FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_CONFIRMED },
		{ "556 5.1.10 <a@b.example>: Recipient address rejected: Domain b.example does not accept mail (nullMX)",
		    'R', FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_CONFIRMED },
		/* slowed down for want of a signature */
		{ "421 4.7.26 This mail has been rate limited because it is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.",
		    'D', FINDING_SENDER_AUTH_REJECTED, CONFIDENCE_CONFIRMED },
		{ "421 4.7.28 mail from your IP address has been temporarily rate limited", 'D',
		    FINDING_RATE_LIMITED, CONFIDENCE_CONFIRMED },
		/* greylisting says why; what it says is not the verdict */
		{ "450 4.7.1 Greylisted, no reverse DNS, try again later", 'R', FINDING_GREYLISTED,
		    CONFIDENCE_CONFIRMED },
		{ "554 5.7.1 blocked using bl.example.org; no reverse DNS", 'C',
		    FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_CONFIRMED },
		/* a login's words are no recipient's */
		{ "535 5.7.8 user not found", 'A', FINDING_AUTH_FAILED, CONFIDENCE_PROBABLE },
		{ "550 5.1.1 user not found", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_CONFIRMED },
		{ "535 account disabled", 'A', FINDING_AUTH_FAILED, CONFIDENCE_POSSIBLE },
		{ "535 5.7.8 user unknown", 'A', FINDING_AUTH_FAILED, CONFIDENCE_PROBABLE },
		{ "535 5.2.2 over quota", 'A', FINDING_SENDER_QUOTA, CONFIDENCE_PROBABLE },
		{ "535 authentication required", 'A', FINDING_AUTH_FAILED, CONFIDENCE_PROBABLE },
		{ "535 5.7.8 Error: authentication failed: generic failure", 'A',
		    FINDING_AUTH_TEMPORARY_FAILURE, CONFIDENCE_CONFIRMED },
		/* no login was tried */
		{ "550 User account disabled", 'R', FINDING_RECIPIENT_DISABLED,
		    CONFIDENCE_PROBABLE },
		{ "550 5.7.1 domain authentication unsuccessful", 'D', FINDING_POLICY_OR_BLOCKLIST,
		    CONFIDENCE_PROBABLE },
		{ "554 generic failure", 'D', FINDING_CONTENT_REJECTED, CONFIDENCE_POSSIBLE },
		{ "451 temporary authentication failure", 'R', FINDING_TEMPORARY_SERVER_ERROR,
		    CONFIDENCE_PROBABLE },
		{ "554 5.7.1 relaying denied", 'C', FINDING_RELAY_DENIED_WRONG_NETWORK,
		    CONFIDENCE_PROBABLE },
		/* what MAIL is answered is about the sender */
		{ "550 no such user", 'M', FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_PROBABLE },
		{ "550 5.1.0 no", 'M', FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_POSSIBLE },
		{ "550 5.1.8 user unknown", 'R', FINDING_SENDER_DOMAIN_REJECTED,
		    CONFIDENCE_PROBABLE },
		/* the subject of the enhanced code bars another one's basic code */
		{ "550 5.7.193 no", 'R', FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE },
		{ "550 5.4.1 no", 'R', FINDING_UNCLASSIFIED_5XX, CONFIDENCE_CONFIRMED },
		{ "550 5.4.4 no", 'R', FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_POSSIBLE },
		/* nothing was sent yet that could hold one */
		{ "550 virus detected", 'R', FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_PROBABLE },
		{ "504 5.5.4 no", 'A', FINDING_AUTH_MECHANISM_MISMATCH, CONFIDENCE_POSSIBLE },
		/* mail may have to be authenticated, too */
		{ "550 5.7.1 messages must be authenticated with SPF or DKIM", 'D',
		    FINDING_SENDER_AUTH_REJECTED, CONFIDENCE_CONFIRMED },
		{ "550 You must be authenticated to relay", 'R',
		    FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_CONFIRMED },
		/* generic words give way: to an address that is a list's, to a size, to a user */
		{ "550 5.1.1 <spf@blacklist.example>: no such user", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_CONFIRMED },
		{ "552 5.3.4 spamfilter.example.org: message size exceeds fixed limit", 'D',
		    FINDING_MESSAGE_TOO_BIG, CONFIDENCE_CONFIRMED },
		{ "550 5.1.1 spamgw.example.org says no", 'D', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_PROBABLE },
		{ "550 spam", 'M', FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE },
		/* 530 speaks of the login, x.7.0 says no more; words may speak of encryption */
		{ "530 5.7.0 who are you", 'M', FINDING_AUTH_REQUIRED_NOT_ATTEMPTED,
		    CONFIDENCE_POSSIBLE },
		{ "530 5.7.0 encrypt first", 'M', FINDING_TLS_REQUIRED, CONFIDENCE_POSSIBLE },
		{ "550 5.7.0 who are you", 'M', FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE },
		/* mail programs are checked, too */
		{ "503 This mail server requires authentication when attempting to send to a non-local e-mail address. Please check your mail client settings",
		    'R', FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_CONFIRMED },
		{ "550 5.1.1 relay3.example.org: no such user", 'R', FINDING_RECIPIENT_UNKNOWN,
		    CONFIDENCE_CONFIRMED },
		{ "550 mailbox size exceeds its quota", 'R', FINDING_MAILBOX_FULL,
		    CONFIDENCE_CONFIRMED },
		{ "552 Too many recipients", 'R', FINDING_TOO_MANY_RECIPIENTS,
		    CONFIDENCE_CONFIRMED },
		{ "450 4.7.1 Client host [192.0.2.1] blocked using bl.example.org", 'R',
		    FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_CONFIRMED },
		/* for good is not for the moment */
		{ "521 5.3.2 mail.example.org does not accept mail", 'C',
		    FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE },
		{ "553 5.3.0 <a@b.example>... Spammer", 'M', FINDING_POLICY_OR_BLOCKLIST,
		    CONFIDENCE_POSSIBLE },
		{ "421 4.3.2 Service currently unavailable", 'C', FINDING_TEMPORARY_SERVER_ERROR,
		    CONFIDENCE_PROBABLE },
		{ "-ERR [IN-USE] locked", 'P', FINDING_POP_LOCKED, CONFIDENCE_CONFIRMED },
		/* a lock or a fault of the server is no wrong password */
		{ "-ERR Mailbox is in use by another session", 'P', FINDING_POP_LOCKED,
		    CONFIDENCE_CONFIRMED },
		{ "-ERR Temporary authentication failure. [pop1:2024-01-01 00:00:00]", 'P',
		    FINDING_POP_SERVER_ERROR, CONFIDENCE_CONFIRMED },
		{ "-ERR authentication failed", 'P', FINDING_POP_AUTH_FAILED,
		    CONFIDENCE_CONFIRMED },
		{ "-ERR [AUTH] temporary failure", 'P', FINDING_POP_SERVER_ERROR,
		    CONFIDENCE_CONFIRMED },
		{ "-ERR nope", 'P', FINDING_KINDS, CONFIDENCE_CANNOT_TELL },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct reply_class cl = classify(t[i].line, t[i].stage);

		if (cl.kind != t[i].kind)
			printf("\"%s\" at %c became %s\n", t[i].line,
			    t[i].stage != 0 ? t[i].stage : '-', kind_id(cl.kind));
		CHECK_EQ_INT(cl.kind, t[i].kind);
		if (t[i].kind != FINDING_KINDS)
			CHECK_EQ_INT(cl.confidence, t[i].conf);
	}
}

static void
test_login_offered_and_unused(void)
{
	struct reply_context ctx = { .auth_offered = true };
	struct reply_class cl = classify_with(table, "550 5.7.1 no", 'R', &ctx);

	CHECK_EQ_INT(cl.kind, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED);
	CHECK_EQ_INT(cl.confidence, CONFIDENCE_POSSIBLE);
	ctx.auth_tried = true;
	CHECK_EQ_INT(
	    classify_with(table, "550 5.7.1 no", 'R', &ctx).kind, FINDING_POLICY_OR_BLOCKLIST);
}

/* A 552 is the quota for a small mail, the size for a large one. */
static void
test_size_or_quota(void)
{
	struct reply_context ctx = { .large = true };

	CHECK_EQ_INT(classify("552 no", 'D').kind, FINDING_MAILBOX_FULL);
	CHECK_EQ_INT(classify_with(table, "552 no", 'D', &ctx).kind, FINDING_MESSAGE_TOO_BIG);
}

/* Behind a gap only the words count. */
static void
test_after_gap(void)
{
	struct reply_context ctx = { .after_gap = true };
	struct reply_class cl = classify_with(table, "550 5.1.1 hm", 'R', &ctx);

	CHECK_EQ_INT(cl.kind, FINDING_UNCLASSIFIED_5XX);
	CHECK_EQ_INT(cl.confidence, CONFIDENCE_POSSIBLE);
	CHECK_EQ_INT(
	    classify_with(table, "550 user unknown", 0, &ctx).kind, FINDING_RECIPIENT_UNKNOWN);
	/* to MAIL or VRFY they may have been said as well */
	CHECK_EQ_INT(
	    classify_with(table, "550 user unknown", 0, &ctx).confidence, CONFIDENCE_PROBABLE);
	CHECK_EQ_INT(classify_with(table, "550 blocked using zen.example.org", 0, &ctx).confidence,
	    CONFIDENCE_CONFIRMED);
	CHECK_EQ_INT(
	    classify_with(table, "535 5.7.8 user unknown", 0, &ctx).kind, FINDING_AUTH_FAILED);
	CHECK_EQ_INT(classify_with(table, "550 5.1.7 user unknown", 0, &ctx).kind,
	    FINDING_SENDER_DOMAIN_REJECTED);
	CHECK_EQ_INT(
	    classify_with(table, "550 invalid recipient", 0, &ctx).confidence, CONFIDENCE_PROBABLE);
}

static void
test_user_rows_win(void)
{
	static const char mine[] =
	    "# mine\n900\t5\t-\trelaying denied\tR\tpop-before-smtp-required\t9\tour provider\t550 relaying denied\r\n";
	char err[256] = "";
	struct replies *t = replies_new(mine, err, sizeof(err));
	struct reply_class cl;

	CHECK(t != NULL);
	cl = classify_with(t, "550 5.7.1 relaying denied", 'R', NULL);
	CHECK_EQ_INT(cl.kind, FINDING_POP_BEFORE_SMTP_REQUIRED);
	CHECK_EQ_STR(cl.product, "our provider");
	CHECK_EQ_INT(
	    classify_with(t, "550 user unknown", 'R', NULL).kind, FINDING_RECIPIENT_UNKNOWN);
	replies_free(t);
}

static void
test_bad_user_rows_are_named(void)
{
	static const char *const bad[] = {
		"1\t5\t-\tx\tR\tno-such-kind\t1\t-\tx\n",
		"1\t5\n",
		"nonsense\n",
		"1\t5\t-\tx\tR\tgreylisted\t77\t-\tx\n",
		"\n\n1\t5\t-\t\tR\tgreylisted\t1\t-\tx\n",
	};
	char err[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = '\0';
		CHECK(replies_new(bad[i], err, sizeof(err)) == NULL);
		CHECK(strstr(err, "line ") != NULL);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "every row classifies its example", test_every_row_classifies_its_example },
		{ "no row is missing", test_no_row_is_missing },
		{ "traps between rows", test_traps },
		{ "a login offered and unused", test_login_offered_and_unused },
		{ "size or quota", test_size_or_quota },
		{ "after a gap only words count", test_after_gap },
		{ "the user's rows win", test_user_rows_win },
		{ "bad rows are named by line", test_bad_user_rows_are_named },
	};
	char err[256];
	int rc;

	if ((table = replies_new(NULL, err, sizeof(err))) == NULL) {
		printf("%s\n", err);
		return 1;
	}
	rc = check_main("replies", tests, sizeof(tests) / sizeof(tests[0]));
	replies_free(table);
	return rc;
}
