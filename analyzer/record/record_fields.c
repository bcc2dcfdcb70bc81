/*
 * record_fields.c - the tables of the records: names and identities that all
 * of them use, and captures.  Those of the rest are in record_fields_flow.c and
 * record_fields_mail.c.  The texts go into docs/records.schema.json.
 */
#include "record/record_fields_impl.h"

#include <string.h>

NAMES(app_proto_names, [APP_UNKNOWN] = "unknown", [APP_SMTP] = "smtp",
    [APP_SMTP_TUNNELLED] = "smtp-tunnelled", [APP_SMTPS] = "smtps", [APP_POP3] = "pop3",
    [APP_POP3S] = "pop3s", [APP_IMAP] = "imap", [APP_IMAPS] = "imaps", [APP_OTHER] = "other");
NAMES(smtp_stage_names, [STAGE_NONE] = "none", [STAGE_CONNECT] = "connect", [STAGE_EHLO] = "ehlo",
    [STAGE_STARTTLS] = "starttls", [STAGE_AUTH] = "auth", [STAGE_MAIL] = "mail",
    [STAGE_RCPT] = "rcpt", [STAGE_DATA] = "data", [STAGE_DOT] = "dot", [STAGE_OTHER] = "other");
NAMES(verdict_names, [VERDICT_NONE] = "none", [VERDICT_ACCEPTED] = "accepted",
    [VERDICT_REFUSED] = "refused", [VERDICT_DEFERRED] = "deferred", [VERDICT_LOST] = "lost",
    [VERDICT_UNKNOWN] = "unknown", [VERDICT_ABANDONED] = "abandoned", [VERDICT_ASKED] = "asked");

#define S record_key
FIELD_TABLE_SHARED(record_key_table, record_key, "key", "identity of a record within its type",
    KEEP(point, "capture point"), ID(conn, "connection"),
    F(n, "ordinal below the connection: transaction, stall, ..."),
    F(m, "ordinal below that: recipient; a stall's direction, 0 client to server, 1 back"));
#undef S

#define S record_reply
FIELD_TABLE_SHARED(record_reply_table, record_reply, "reply", "a reply of the server",
    KEEP(code, "SMTP reply code; POP3: 1 +OK, 0 -ERR"),
    KEEP(enhanced, "enhanced status code (RFC 3463)"),
    KEEP_TEXT(text, RECORD_WORDS, "its text, lines joined by a blank"),
    F(cut, "the rest of it is not in the capture"), F(at, "when it was complete"));
#undef S

#define S clock_jump
FIELD_TABLE(clock_jump_table, clock_jump, "clock-jump", "the capture's clock was set forward",
    F(from, "last packet before"), F(to, "first packet after"),
    F(ns, "by about so many nanoseconds"));
#undef S

#define S record_capture
FIELD_TABLE(capture_table, record_capture, "capture", "one capture point and its quality", KEY,
    KEEP(file, "as the user named it"), F(interface, "when the file has several"),
    F(log, "the records file it was read from"), F(link_type, "LINKTYPE_ number"),
    F(snaplen, "0 unlimited or unknown"), F(first, "first frame"), F(last, "last frame"),
    KEEP(frames, "frames"), KEEP(bytes, "bytes on the wire"), F(tcp_frames, "TCP"),
    F(mail_frames, "of mail connections"), F(icmp_frames, "ICMP and ICMPv6"),
    F(other_frames, "anything else"), F(undecodable, "headers cut or impossible"),
    F(unread, "frames of a link type that is not read: all or none"),
    F(cut_frames, "captured shorter than they were"),
    F(cut_at, "largest captured length of a cut frame"), F(fragments, "IP fragments"),
    F(fragments_orphaned, "of them never completed"), F(duplicates, "copies dropped"),
    F(eligible, "TCP frames of which a copy could be told"), F(duplicate_first, "first copy"),
    F(loops, "packets that came ten times and more, with falling TTL"),
    F(clock_back, "times that went back"), F(clock_back_ns, "largest step back in nanoseconds"),
    F(clock_back_at, "where"),
    F(clock_forward,
	"times that the clock was set forward: the time stamps of both ends of a connection did not see that time"),
    STRUCTS(clock_jumps, clock_jump_table, "the largest of them"),
    F(drops_known, "the source counts its drops"), F(drops_kernel, "dropped by the kernel"),
    F(drops_interface, "dropped by the interface"),
    F(acked_bytes, "bytes acknowledged on connections seen both ways"),
    F(acked_unseen, "of them not in the capture: capture loss"), F(data_bytes, "TCP payload"),
    F(super_bytes, "of it in super-segments"), F(bad_checksums, "TCP checksums that are wrong"),
    F(filtered, "frames of the file that the filter left out (with its first point)"),
    F(unfilterable, "of them because the filter has no meaning on their link type"),
    F(outside, "frames of the file outside of --from and --to"),
    F(repaired, "frames of the file with a length or time that cannot be, put right"),
    F(timeless,
	"frames of the file without a time of their own: they have that of the frame before"),
    F(flows, "TCP connections"), F(flows_one_sided, "of them seen in one direction only"),
    F(flows_midstream, "of them joined in the middle"), F(damage, "why reading stopped early"),
    F(damage_frame, "last whole frame before it"), F(damage_offset, "byte offset of it"),
    F(caps_hit, "bounds that were hit"), F(caps, "which"));
#undef S

#define S record_piece
FIELD_TABLE(piece_table, record_piece, "piece", "one of the files that a capture was written to",
    KEY, F(file, "file, as the user named it"),
    F(before, "frames of the pieces before it: frames are counted through all of them"),
    F(frames, "its frames"), F(first, "first frame"), F(last, "last frame"));
#undef S

static const struct field_table *const tables[] = {
	[RECORD_CAPTURE] = &capture_table,
	[RECORD_CONNECTION] = &connection_table,
	[RECORD_SESSION] = &session_table,
	[RECORD_TRANSACTION] = &transaction_table,
	[RECORD_RECIPIENT] = &recipient_table,
	[RECORD_MESSAGE] = &message_table,
	[RECORD_STALL] = &stall_table,
	[RECORD_ICMP_ERROR] = &icmp_error_table,
	[RECORD_PATH] = &path_table,
	[RECORD_HOST] = &host_table,
	[RECORD_PIECE] = &piece_table,
};

const struct field_table *
record_table(enum record_type type)
{
	if ((size_t)type >= sizeof(tables) / sizeof(tables[0]))
		return NULL;
	return tables[type];
}

enum record_type
record_type_by_name(const char *name)
{
	for (size_t i = RECORD_CAPTURE; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(tables[i]->name, name) == 0)
			return (enum record_type)i;
	return (enum record_type)0;
}

size_t
field_element(const struct field *f)
{
	static const size_t sizes[] = {
		[FIELD_U64] = 8,
		[FIELD_U32] = 4,
		[FIELD_U16] = 2,
		[FIELD_ID] = 8,
		[FIELD_MOMENT] = sizeof(struct moment),
	};

	if ((f->flags & FIELD_ARRAY) == 0)
		return f->size;
	if (f->kind == FIELD_STRING)
		return f->each;
	return f->kind == FIELD_STRUCT ? f->table->size : sizes[f->kind];
}

size_t
field_counted(const struct field *f, const void *base)
{
	size_t most = f->size / field_element(f);
	uint32_t n;

	memcpy(&n, (const uint8_t *)base + f->count_at, sizeof(n));
	return n < most ? n : most;
}

static const char *
name_of(const struct field_names *n, unsigned int v)
{
	return v < n->count && n->name[v] != NULL ? n->name[v] : "unknown";
}

const char *
verdict_name(enum verdict v)
{
	return name_of(&verdict_names, v);
}

const char *
app_proto_name(enum app_proto p)
{
	return name_of(&app_proto_names, p);
}
