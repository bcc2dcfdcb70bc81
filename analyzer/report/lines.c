/* lines.c - the JSON contract of design.md for what is not a record. */
#include "report/lines.h"

#include <string.h>

/* A member whose JSON name differs, or that lies deeper. */
#define AS(json, m, k, more, text) \
	{ \
		.name = json, FIELD_PLACE(S, m), .kind = k, .flags = more, .says = text \
	}
#define LIST(json, m, k, counted, text) \
	{ \
		.name = json, FIELD_PLACE(S, m), .kind = k, .flags = FIELD_ALWAYS | FIELD_ARRAY, \
		.count_at = offsetof(struct S, counted), .says = text \
	}
#define STRUCTS(json, m, t, counted, text) \
	{ \
		.name = json, FIELD_PLACE(S, m), .kind = FIELD_STRUCT, \
		.flags = FIELD_ALWAYS | FIELD_ARRAY, .count_at = offsetof(struct S, counted), \
		.table = &t, .says = text \
	}
#define IF(json, m, t, condition, text) \
	{ \
		.name = json, FIELD_PLACE(S, m), .kind = FIELD_STRUCT, .flags = FIELD_ONLY_IF, \
		.cond = offsetof(struct S, condition), .table = &t, .says = text \
	}
#define WORD(json, m, n, text) \
	{ \
		.name = json, FIELD_PLACE(S, m), .kind = FIELD_ENUM, .flags = FIELD_ALWAYS, \
		.names = &n, .says = text \
	}

static const char *const kind_text[] = {
#define KIND(sym, id, phase, severity, accuses, title) [FINDING_##sym] = id,
#include "correlator/finding/kinds.def"
#undef KIND
};
static const struct field_names kind_names = { kind_text, FINDING_KINDS };

static const char *const confidence_text[] = {
	[CONFIDENCE_CANNOT_TELL] = "cannot-tell",
	[CONFIDENCE_POSSIBLE] = "possible",
	[CONFIDENCE_PROBABLE] = "probable",
	[CONFIDENCE_CONFIRMED] = "confirmed",
};
static const struct field_names confidence_names = { confidence_text, 4 };

static const char *const severity_text[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};
static const struct field_names severity_names = { severity_text, 3 };

/* ---- finding ---------------------------------------------------------------- */

#define S line_evidence
FIELD_TABLE(evidence_table, line_evidence, "evidence", "frames of one file and what they say",
    AS("file", file, FIELD_TEXT, FIELD_ALWAYS, "as the user named it"),
    AS("interface", interface, FIELD_TEXT, 0, "when the file has several"),
    AS("log", log, FIELD_TEXT, 0, "the records file it was read from"),
    LIST("frames", frames, FIELD_U64, frame_count, "frame numbers, from 1"),
    AS("says", says, FIELD_TEXT, FIELD_ALWAYS, "what they prove"));
#undef S

#define S finding_excluded
FIELD_TABLE(excluded_table, finding_excluded, "excluded", "a kind that was ruled out",
    WORD("kind", kind, kind_names, "the kind"),
    AS("why", why, FIELD_STRING, FIELD_ALWAYS, "what speaks against it"));
#undef S

/* f.mtu has no name of its own: offsets are those of the whole. */
#define S line_finding
FIELD_TABLE(mtu_table, line_finding, "mtu",
    "the path-MTU estimate, bytes at the IP layer; null when unknown",
    AS("proven", f.mtu.proven, FIELD_U32, FIELD_ALWAYS | FIELD_NOT_ZERO,
	"largest size that got through"),
    AS("upper", f.mtu.upper, FIELD_U32, FIELD_ALWAYS | FIELD_NOT_ZERO,
	"smallest size that did not, less one"),
    AS("try", f.mtu.try, FIELD_U32, FIELD_ALWAYS | FIELD_NOT_ZERO, "the MTU to try first"),
    LIST(
	"candidates", f.mtu.candidates, FIELD_U32, f.mtu.candidate_count, "common MTUs in between"),
    AS("safe", f.mtu.safe, FIELD_U32, FIELD_ALWAYS | FIELD_NOT_ZERO, "an MTU that certainly works"),
    AS("mss", f.mtu.mss, FIELD_U32, FIELD_ALWAYS | FIELD_NOT_ZERO, "the MSS to clamp to"));

FIELD_TABLE_SHARED(finding_table, line_finding, "finding",
    "what is wrong, where, how sure, what proves it, what to do",
    AS("id", f.id, FIELD_ID, FIELD_ALWAYS, "hash of kind, path and first session"),
    WORD("kind", f.kind, kind_names, "see docs/findings.md"),
    AS("subkind", f.subkind, FIELD_STRING, FIELD_ALWAYS, "finer word"),
    AS("title", title, FIELD_TEXT, FIELD_ALWAYS, "the kind in a few words"),
    WORD("confidence", f.confidence, confidence_names, "how sure"),
    WORD("severity", f.severity, severity_names, "how bad"),
    AS("revision", f.revision, FIELD_U32, 0, "live: how often it changed"),
    AS("retracted", f.retracted, FIELD_BOOL, 0, "live: taken back"),
    AS("from", f.from, FIELD_ENDPOINT, FIELD_ALWAYS,
	"start of the directed path; port null when many"),
    AS("to", f.to, FIELD_ENDPOINT, FIELD_ALWAYS, "its end"),
    AS("first", f.first, FIELD_MOMENT, FIELD_ALWAYS, "first sign"),
    AS("last", f.last, FIELD_MOMENT, FIELD_ALWAYS, "last sign"),
    STRUCTS("evidence", evidence, evidence_table, evidence_count, "the proof"),
    LIST("sessions", sessions, FIELD_ID, sessions_kept, "connections concerned; the first of them"),
    AS("session_count", f.session_count, FIELD_U32, FIELD_ALWAYS, "all of them"),
    AS("less_sure", f.less_sure, FIELD_U32, 0,
	"of how many of them it is less sure than `confidence' says"),
    STRUCTS("excluded", excluded, excluded_table, f.excluded_count, "what was ruled out, and why"),
    AS("summary", summary, FIELD_TEXT, FIELD_ALWAYS, "what happened"),
    AS("remedy", remedy, FIELD_TEXT, FIELD_ALWAYS, "what to do"),
    AS("client_shows", client_shows, FIELD_TEXT, FIELD_ALWAYS, "what the user's program shows"),
    AS("next_capture", next_capture, FIELD_TEXT, FIELD_ALWAYS, "what to capture to be surer"),
    { .name = "mtu",
	.offset = 0,
	.size = sizeof(struct line_finding),
	.kind = FIELD_STRUCT,
	.flags = FIELD_ONLY_IF,
	.cond = offsetof(struct line_finding, f.has_mtu),
	.table = &mtu_table,
	.says = "size findings: the estimate" },
    IF("reply", reply, record_reply_table, f.has_reply, "reply findings: the server's words"));
#undef S

/* ---- mail ------------------------------------------------------------------- */

#define S line_retry
FIELD_TABLE(retry_table, line_retry, "retry",
    "the same mail tried again: sender and recipient are the same",
    AS("count", count, FIELD_U32, FIELD_ALWAYS, "attempts, up to the one that was accepted"),
    AS("same_message_id", same_message_id, FIELD_BOOL, FIELD_ALWAYS,
	"all of them showed the Message-ID of this one"),
    WORD("verdict", verdict, verdict_names, "of the last of them"),
    AS("at", at, FIELD_MOMENT, FIELD_ALWAYS, "its MAIL"),
    AS("server", server, FIELD_ENDPOINT, FIELD_ALWAYS, "with whom"));
#undef S

#define S line_mail
FIELD_TABLE_SHARED(mail_table, line_mail, "mail", "one message and its fate",
    { .name = "key",
	FIELD_PLACE(S, key),
	.kind = FIELD_STRUCT,
	.flags = FIELD_INLINE,
	.table = &record_key_table,
	.says = "identity" },
    WORD("app", app, app_proto_names, "smtp or pop3"),
    WORD("verdict", verdict, verdict_names, "its fate at this hop by the counting rules"),
    WORD("stage", stage, smtp_stage_names, "where the verdict fell"),
    AS("fate", fate, FIELD_TEXT, FIELD_ALWAYS, "the verdict joined with the findings"),
    LIST("because", because, FIELD_ID, because_count, "findings that cover it"),
    AS("client", client, FIELD_ENDPOINT, 0, "client"),
    AS("server", server, FIELD_ENDPOINT, 0, "server"),
    AS("community_id", community_id, FIELD_TEXT, 0, "Community ID of its connection"),
    AS("sender", sender, FIELD_TEXT, FIELD_ALWAYS, "envelope sender; POP3: From"),
    AS("message_id", message_id, FIELD_TEXT, FIELD_ALWAYS, "Message-ID"),
    AS("recipients", recipients, FIELD_U32, FIELD_ALWAYS, "RCPT commands"),
    AS("recipients_accepted", recipients_accepted, FIELD_U32, FIELD_ALWAYS, "of them accepted"),
    AS("number", number, FIELD_U32, 0, "POP3 message number"),
    AS("bytes", bytes, FIELD_U64, FIELD_ALWAYS, "content bytes seen"),
    IF("reply", reply, record_reply_table, has_reply, "the reply that decided"),
    AS("first", first, FIELD_MOMENT, 0, "MAIL, or the first byte"),
    AS("last", last, FIELD_MOMENT, 0, "its end"),
    IF("retry", retry, retry_table, has_retry, "not accepted: the attempts that followed"));
#undef S

/* ---- summary ---------------------------------------------------------------- */

#define S                    line_summary
#define COUNT(json, m, text) AS(json, s.m, FIELD_U64, FIELD_ALWAYS, text)
#define GROUP(json, t, text) \
	{ \
		.name = json, .offset = 0, .size = sizeof(struct S), .kind = FIELD_STRUCT, \
		.flags = FIELD_ALWAYS, .table = &t, .says = text \
	}

FIELD_TABLE(smtp_messages_table, line_summary, "smtp-messages", "mails by verdict",
    COUNT("attempted", attempted, "all but the abandoned and the asked"),
    COUNT("accepted", accepted, "the final 2xx was seen"), COUNT("refused", refused, "5xx"),
    COUNT("deferred", deferred, "4xx"),
    COUNT("lost", lost, "the server never got or never answered it"),
    COUNT("unknown", unknown, "the capture does not tell"),
    COUNT("abandoned", abandoned, "the client thought better of it"),
    COUNT("asked", asked, "no mail: only asked whether an address takes mail (callout)"));
FIELD_TABLE(smtp_recipients_table, line_summary, "smtp-recipients", "RCPTs by reply",
    COUNT("accepted", rcpt_accepted, "2xx"), COUNT("refused", rcpt_refused, "5xx"),
    COUNT("deferred", rcpt_deferred, "4xx"));
FIELD_TABLE(smtp_table, line_summary, "smtp", "SMTP",
    COUNT("sessions", smtp_sessions, "connections with a visible line"),
    GROUP("messages", smtp_messages_table, "mails"),
    GROUP("recipients", smtp_recipients_table, "recipients"));
FIELD_TABLE(pop3_messages_table, line_summary, "pop3-messages", "messages fetched",
    COUNT("retrieved", retrieved, "whole"), COUNT("cut", cut, "cut off"),
    COUNT("end_unseen", end_unseen, "their end is not in the capture"),
    COUNT("unconfirmed", unconfirmed, "sent to their end, not acknowledged to it"));
FIELD_TABLE(pop3_logins_table, line_summary, "pop3-logins", "logins",
    COUNT("accepted", logins_accepted, "+OK"), COUNT("refused", logins_refused, "-ERR"));
FIELD_TABLE(pop3_table, line_summary, "pop3", "POP3",
    COUNT("sessions", pop3_sessions, "connections with a visible line"),
    GROUP("messages", pop3_messages_table, "messages"),
    GROUP("logins", pop3_logins_table, "logins"));
FIELD_TABLE(imap_table, line_summary, "imap", "IMAP",
    COUNT("sessions", imap_sessions, "connections with an IMAP greeting"));
FIELD_TABLE(icmp_table, line_summary, "icmp", "ICMP and ICMPv6",
    COUNT("frag_needed", frag_needed, "fragmentation needed, packet too big"));
FIELD_TABLE(replies_used_table, line_summary, "replies-used", "the tables of replies",
    AS("version", s.replies_version, FIELD_U32, FIELD_ALWAYS, "of the built-in table"),
    AS("rows", s.replies_rows, FIELD_U32, FIELD_ALWAYS, "rows of it"),
    AS("own_rows", s.replies_own, FIELD_U32, FIELD_ALWAYS,
	"rows of the file given with --replies"));
static const struct field counts_table_fields[] = {
#define KIND(sym, id, phase, severity, accuses, title) \
	{ .name = id, FIELD_PLACE(S, s.findings[FINDING_##sym]), .kind = FIELD_U64, .says = title },
#include "correlator/finding/kinds.def"
#undef KIND
};
static const struct field_table counts_table = {
	"finding-counts",
	sizeof(struct line_summary),
	counts_table_fields,
	FINDING_KINDS,
	"findings by kind",
};
FIELD_TABLE_SHARED(summary_table, line_summary, "summary", "the last line: everything counted",
    COUNT("packets", packets, "frames read"), COUNT("inputs", inputs, "capture points"),
    GROUP("smtp", smtp_table, "SMTP"), GROUP("pop3", pop3_table, "POP3"),
    GROUP("imap", imap_table, "IMAP"), GROUP("icmp", icmp_table, "ICMP and ICMPv6"),
    GROUP("findings", counts_table, "findings by kind"),
    GROUP("replies", replies_used_table, "the words of servers that were known"),
    { .name = "incomplete",
	FIELD_PLACE(S, s.incomplete),
	.kind = FIELD_STRING,
	.flags = FIELD_ALWAYS | FIELD_ARRAY,
	.each = sizeof(((struct summary *)0)->incomplete[0]),
	.count_at = offsetof(struct S, s.incomplete_count),
	.says = "why the answer may be incomplete" });
#undef S

/* ---- filling ---------------------------------------------------------------- */

static void
evidence_name(struct line_evidence *out, const struct finding_evidence *e,
    const struct record_piece *piece, const struct correlator *c)
{
	const struct record_capture *cap = correlator_capture(c, e->point);

	if (cap != NULL) {
		out->file = piece != NULL ? piece->file : cap->file;
		out->interface = cap->interface;
		out->log = cap->log;
	}
	out->says = e->says;
}

/* Frames have their numbers in their files: those of another piece are told apart. */
static void
evidence_fill(struct line_finding *f, const struct finding_evidence *e, const struct correlator *c)
{
	struct line_evidence *out = &f->evidence[f->evidence_count++];
	const struct record_piece *piece = correlator_piece(
				      c, e->point, e->frame_count > 0 ? e->frames[0] : 0),
				  *now;

	evidence_name(out, e, piece, c);
	for (uint32_t i = 0; i < e->frame_count && i < FINDING_FRAMES; i++) {
		now = correlator_piece(c, e->point, e->frames[i]);
		if (now != piece) {
			out = &f->evidence[f->evidence_count++];
			evidence_name(out, e, now, c);
			piece = now;
		}
		out->frames[out->frame_count++] = e->frames[i] - (now != NULL ? now->before : 0);
	}
}

void
line_finding_fill(struct line_finding *out, const struct finding *f, const struct correlator *c)
{
	memset(out, 0, sizeof(*out));
	out->f = *f;
	out->title = kind_facts(f->kind)->title;
	out->summary = f->summary;
	out->remedy = f->remedy;
	out->client_shows = f->client_shows;
	out->next_capture = f->next_capture;
	out->reply = (struct record_reply){
		.code = f->reply.code, .text = f->reply.text, .at = f->reply.at
	};
	memcpy(out->reply.enhanced, f->reply.enhanced, sizeof(out->reply.enhanced));
	out->sessions_kept =
	    f->session_count < FINDING_SESSIONS ? f->session_count : FINDING_SESSIONS;
	for (uint32_t i = 0; i < out->sessions_kept; i++)
		out->sessions[i] = f->sessions[i];
	for (uint32_t i = 0; i < f->evidence_count && i < FINDING_EVIDENCE; i++)
		evidence_fill(out, &f->evidence[i], c);
	for (uint32_t i = 0; i < f->excluded_count; i++)
		out->excluded[i] = f->excluded[i];
}

static void
mail_fill_transaction(struct line_mail *out, const struct record_transaction *t)
{
	out->sender = t->sender;
	out->message_id = t->message_id;
	out->recipients = t->recipients;
	out->recipients_accepted = t->recipients_accepted;
	out->bytes = t->bytes;
	out->stage = t->stage;
	out->first = t->first;
	out->last = t->last;
	out->reply = t->verdict_reply;
	out->has_reply = t->verdict_reply.at.frame != 0 || t->verdict_reply.code != 0;
}

static void
mail_fill_message(struct line_mail *out, const struct record_message *m)
{
	out->sender = m->from;
	out->message_id = m->message_id;
	out->number = m->number;
	out->bytes = m->bytes;
	out->first = m->first;
	out->last = m->last;
	out->reply = m->reply;
	out->has_reply = m->reply.at.frame != 0;
}

void
line_mail_fill(struct line_mail *out, const struct fate *f)
{
	memset(out, 0, sizeof(*out));
	out->key = f->key;
	out->app = f->app;
	out->verdict = f->verdict;
	out->fate = f->fate;
	out->because_count = f->because_count;
	memcpy(out->because, f->because, sizeof(out->because));
	if (f->connection != NULL) {
		out->client = f->connection->client;
		out->server = f->connection->server;
		out->community_id = f->connection->community_id;
	}
	if (f->transaction != NULL)
		mail_fill_transaction(out, f->transaction);
	else if (f->message != NULL)
		mail_fill_message(out, f->message);
	out->has_retry = f->retries > 0;
	out->retry = (struct line_retry){ f->retries, f->retry_same_id, f->retry_verdict,
		f->retry_at, f->retry_server };
}
