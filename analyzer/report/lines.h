/*
 * lines.h - finding, mail and summary as structs with tables, so that their
 * JSON and its schema come from the same place as the records'.  Texts are
 * borrowed from what a line is filled from.  The names in the tables are a
 * contract with programs: add, never rename.
 */
#ifndef LINES_H
#define LINES_H

#include "correlator/correlator.h"
#include "record/record_fields.h"

/* Frames of one file: of a capture in pieces each frame may lie in another one. */
#define LINE_EVIDENCE (FINDING_EVIDENCE * FINDING_FRAMES)
struct line_evidence {
	const char *file, *interface, *log;
	uint32_t frame_count;
	uint64_t frames[FINDING_FRAMES];
	const char *says;
};

struct line_finding {
	struct finding f; /* what it points to is copied below */
	const char *title, *summary, *remedy, *client_shows, *next_capture;
	struct record_reply reply;
	uint32_t sessions_kept;
	uint64_t sessions[FINDING_SESSIONS];
	uint32_t evidence_count;
	struct line_evidence evidence[LINE_EVIDENCE];
	struct finding_excluded excluded[FINDING_EXCLUDED];
};

struct line_mail {
	struct record_key key;
	enum app_proto app;
	enum verdict verdict;
	enum smtp_stage stage;
	const char *fate;
	uint32_t because_count;
	uint64_t because[8];
	struct endpoint client, server;
	const char *community_id, *sender, *message_id;
	uint32_t recipients, recipients_accepted, number;
	uint64_t bytes;
	bool has_reply;
	struct record_reply reply;
	struct moment first, last;
	bool has_retry;
	struct line_retry {
		uint32_t count;
		bool same_message_id;
		enum verdict verdict;
		struct moment at;
		struct endpoint server;
	} retry;
};

struct line_summary {
	struct summary s;
};

void line_finding_fill(
    struct line_finding *out, const struct finding *f, const struct correlator *c);
void line_mail_fill(struct line_mail *out, const struct fate *f);

extern const struct field_table finding_table, mail_table, summary_table;

#endif /* LINES_H */
