#include "reply_codes.h"

#include <stdio.h>
#include <string.h>

#define ANY 0

/*
 * RFC 3463, 5248 and the IANA registry; first row that fits wins.  digit 0 = 4 and 5; stages "" =
 * all.
 */
static const struct enhanced_row {
	unsigned short digit, subject, lo, hi;
	const char *stages;
	enum finding_kind kind;
	enum confidence conf;
	const char *subkind;
} enhanced_rows[] = {
	{ ANY, 1, 7, 8, "", FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_PROBABLE, "" },
	/*
	 * an address that is being verified, or a domain that does not resolve just now: nobody is
	 * unknown yet
	 */
	{ 4, 1, 0, 6, "RD", FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_POSSIBLE,
	    "recipient not verified" },
	{ ANY, 1, 3, 3, "RD", FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_PROBABLE, "syntax" },
	{ ANY, 1, 0, 6, "RD", FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_PROBABLE, "" },
	{ 5, 1, 0, 6, "M", FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_POSSIBLE, "unknown-sender" },
	{ ANY, 1, 10, 10, "RD", FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_PROBABLE, "domain" },
	{ 4, 2, 0, 1, "R", FINDING_GREYLISTED, CONFIDENCE_POSSIBLE, "" },
	{ 4, 2, 0, 1, "", FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_PROBABLE, "" },
	{ 5, 2, 0, 1, "R", FINDING_RECIPIENT_DISABLED, CONFIDENCE_PROBABLE, "" },
	{ 5, 2, 0, 1, "CEMD", FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE, "" },
	{ ANY, 2, 2, 2, "", FINDING_MAILBOX_FULL, CONFIDENCE_PROBABLE, "" },
	{ ANY, 2, 3, 3, "", FINDING_MESSAGE_TOO_BIG, CONFIDENCE_PROBABLE, "" },
	{ ANY, 2, 4, 4, "RD", FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_POSSIBLE, "list" },
	{ ANY, 3, 4, 4, "", FINDING_MESSAGE_TOO_BIG, CONFIDENCE_PROBABLE, "" },
	{ ANY, 3, 1, 1, "", FINDING_SERVER_STORAGE_FULL, CONFIDENCE_PROBABLE, "" },
	/* for good: no trouble of the moment */
	{ 5, 3, 0, 0, "CEMR", FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE, "" },
	{ 5, 3, 2, 2, "", FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE, "" },
	{ 5, 3, 3, 3, "", FINDING_PROTOCOL_ERROR, CONFIDENCE_PROBABLE, "" },
	{ ANY, 3, 0, 5, "", FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_PROBABLE, "" },
	{ ANY, 4, 6, 6, "", FINDING_ROUTING_LOOP, CONFIDENCE_PROBABLE, "" },
	{ 4, 4, 5, 5, "", FINDING_RATE_LIMITED, CONFIDENCE_PROBABLE, "" },
	/* the server's own next hop or DNS, not our path */
	{ 4, 4, 1, 7, "", FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_PROBABLE,
	    "behind the server" },
	{ 5, 4, 4, 4, "R", FINDING_RECIPIENT_UNKNOWN, CONFIDENCE_POSSIBLE, "domain" },
	{ 5, 4, 0, 999, "", FINDING_UNCLASSIFIED_5XX, CONFIDENCE_CONFIRMED, "behind the server" },
	{ ANY, 5, 3, 3, "", FINDING_TOO_MANY_RECIPIENTS, CONFIDENCE_PROBABLE, "" },
	{ ANY, 5, 0, 999, "", FINDING_PROTOCOL_ERROR, CONFIDENCE_PROBABLE, "" },
	{ ANY, 6, 0, 999, "D", FINDING_CONTENT_REJECTED, CONFIDENCE_POSSIBLE, "" },
	{ ANY, 6, 0, 999, "", FINDING_PROTOCOL_ERROR, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 8, 8, "", FINDING_AUTH_FAILED, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 13, 13, "A", FINDING_AUTH_FAILED, CONFIDENCE_PROBABLE, "disabled" },
	{ ANY, 7, 13, 13, "", FINDING_RECIPIENT_DISABLED, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 9, 9, "A", FINDING_AUTH_MECHANISM_MISMATCH, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 9, 9, "", FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE, "" },
	{ ANY, 7, 10, 11, "", FINDING_TLS_REQUIRED, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 25, 25, "", FINDING_RDNS_OR_HELO_REJECTED, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 20, 26, "", FINDING_SENDER_AUTH_REJECTED, CONFIDENCE_PROBABLE, "" },
	{ ANY, 7, 27, 27, "", FINDING_SENDER_DOMAIN_REJECTED, CONFIDENCE_PROBABLE, "" },
	{ 4, 7, 0, 1, "R", FINDING_GREYLISTED, CONFIDENCE_POSSIBLE, "" },
	{ 4, 7, 0, 1, "CEMD", FINDING_TEMPORARY_SERVER_ERROR, CONFIDENCE_PROBABLE, "" },
	/* never relay without a relay word; MR with AUTH offered and unused: see below */
	{ 5, 7, 0, 1, "MR", FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE, "" },
	{ 5, 7, 0, 1, "D", FINDING_CONTENT_REJECTED, CONFIDENCE_POSSIBLE, "" },
	/* security or policy in any case: no address that does not exist */
	{ 5, 7, 0, 999, "CEMRD", FINDING_POLICY_OR_BLOCKLIST, CONFIDENCE_POSSIBLE, "" },
};

static bool
stage_in(const char *stages, char stage)
{
	return stages[0] == '\0' || (stage != 0 && strchr(stages, stage) != NULL);
}

static void
class_set(struct reply_class *out, enum finding_kind kind, enum confidence conf, enum reply_how how,
    const char *subkind)
{
	out->kind = kind;
	out->confidence = conf;
	out->how = how;
	snprintf(out->subkind, sizeof(out->subkind), "%s", subkind);
}

bool
reply_by_enhanced(
    const unsigned int code[3], const struct reply_context *ctx, struct reply_class *out)
{
	for (size_t i = 0; i < sizeof(enhanced_rows) / sizeof(enhanced_rows[0]); i++) {
		const struct enhanced_row *row = &enhanced_rows[i];

		if ((row->digit != ANY && row->digit != code[0]) || row->subject != code[1] ||
		    code[2] < row->lo || code[2] > row->hi || !stage_in(row->stages, ctx->stage))
			continue;
		if (code[0] == 5 && code[1] == 7 && code[2] <= 1 &&
		    row->kind == FINDING_POLICY_OR_BLOCKLIST && ctx->auth_offered &&
		    !ctx->auth_tried)
			class_set(out, FINDING_AUTH_REQUIRED_NOT_ATTEMPTED, CONFIDENCE_POSSIBLE,
			    REPLY_BY_ENHANCED, "");
		else
			class_set(out, row->kind, row->conf, REPLY_BY_ENHANCED, row->subkind);
		return true;
	}
	return false;
}

/* 3.4: all possible.  First row that fits wins. */
static const struct code_row {
	unsigned short lo, hi;
	const char *stages;
	enum finding_kind kind;
} code_rows[] = {
	{ 421, 421, "", FINDING_TEMPORARY_SERVER_ERROR },
	{ 454, 454, "S", FINDING_TLS_FAILURE },
	{ 400, 499, "A", FINDING_AUTH_TEMPORARY_FAILURE },
	{ 450, 451, "", FINDING_TEMPORARY_SERVER_ERROR },
	{ 452, 452, "R", FINDING_TOO_MANY_RECIPIENTS },
	{ 452, 452, "", FINDING_SERVER_STORAGE_FULL },
	{ 504, 504, "A", FINDING_AUTH_MECHANISM_MISMATCH },
	{ 500, 504, "", FINDING_PROTOCOL_ERROR },
	{ 555, 555, "", FINDING_PROTOCOL_ERROR },
	{ 521, 521, "", FINDING_POLICY_OR_BLOCKLIST },
	{ 556, 556, "", FINDING_POLICY_OR_BLOCKLIST },
	{ 538, 538, "", FINDING_TLS_REQUIRED },
	{ 530, 530, "", FINDING_AUTH_REQUIRED_NOT_ATTEMPTED },
	{ 534, 535, "", FINDING_AUTH_FAILED },
	{ 505, 599, "A", FINDING_AUTH_FAILED },
	{ 550, 599, "C", FINDING_POLICY_OR_BLOCKLIST },
	{ 550, 551, "R", FINDING_RECIPIENT_UNKNOWN },
	{ 553, 553, "R", FINDING_RECIPIENT_UNKNOWN },
	{ 553, 553, "M", FINDING_SENDER_MISMATCH },
	{ 554, 554, "RM", FINDING_POLICY_OR_BLOCKLIST },
	{ 550, 550, "M", FINDING_POLICY_OR_BLOCKLIST },
	{ 552, 552, "", FINDING_MAILBOX_FULL },
	{ 550, 550, "D", FINDING_CONTENT_REJECTED },
	{ 554, 554, "D", FINDING_CONTENT_REJECTED },
};

/*
 * "192.0.2.1 is on our list": it is about the host that sends, whatever the code says; not what
 * another one said.
 */
static bool
names_a_host(const char *text)
{
	if (strstr(text, " said") != NULL || strstr(text, " says") != NULL)
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		unsigned int parts = 0;
		const char *q = p;

		if (*p < '0' || *p > '9' ||
		    (p > text && ((p[-1] >= '0' && p[-1] <= '9') || p[-1] == '.')))
			continue;
		for (parts = 0; parts < 4; parts++) {
			size_t n = strspn(q, "0123456789");

			if (n == 0 || n > 3 || (parts < 3 && q[n] != '.'))
				break;
			q += n + (parts < 3);
		}
		if (parts == 4 && *q != '.')
			return true;
	}
	return false;
}

bool
reply_by_code(
    const struct record_reply *r, const struct reply_context *ctx, struct reply_class *out)
{
	for (size_t i = 0; i < sizeof(code_rows) / sizeof(code_rows[0]); i++) {
		const struct code_row *row = &code_rows[i];
		enum finding_kind kind = row->kind;

		if (r->code < row->lo || r->code > row->hi || !stage_in(row->stages, ctx->stage))
			continue;
		if (r->code == 552 && ctx->large)
			kind = FINDING_MESSAGE_TOO_BIG;
		if (kind == FINDING_RECIPIENT_UNKNOWN && names_a_host(r->text))
			kind = FINDING_POLICY_OR_BLOCKLIST;
		if (r->code == 530 && reply_names_tls(r))
			kind = FINDING_TLS_REQUIRED;
		class_set(out, kind, CONFIDENCE_POSSIBLE, REPLY_BY_CODE, "");
		return true;
	}
	return false;
}
