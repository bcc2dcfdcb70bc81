/*
 * rule.h - what a rule sees and returns.
 *
 * A diagnosis is one file rule_x.c with a pure judge(): it looks at one
 * connection (scope RULE_CASE: called once for each; RULE_MAIL: for each that carries mail, or
 * should) or at the whole store (RULE_STORE: called once), at the claims of the rules before it,
 * and adds findings.  Both see the claims on its connection and on the copies of that; RULE_LATER
 * is one that looks at those on others, too.  rules.def lists the rules in the order of diagnosis
 * 0.6 and 0.7. Silencing symptoms, merging sessions of one path and epoch, ids, revisions and
 * default texts are the driver's.
 */
#ifndef RULE_H
#define RULE_H

#include "correlator/finding/finding.h"
#include "correlator/store/store.h"
#include "record/text.h"

struct replies; /* the reply table, replies.h */
struct lookups; /* what is asked of all connections at once, lookup.h */

struct view {
	const struct store *store;
	const struct mail_case *c; /* NULL for RULE_STORE */
	const struct replies *replies;
	struct lookups *lookups;
};

struct verdicts; /* claims made so far, and new ones */

enum rule_scope { RULE_CASE, RULE_MAIL, RULE_LATER, RULE_STORE };

struct rule {
	const char *name;
	enum rule_scope scope;
	void (*judge)(const struct view *v, struct verdicts *out);
	bool asks_others; /* what other connections prove speaks against it: see judge_one() */
};

/*
 * Adds a finding of this connection.  dir 0 = client to server, 1 = server to
 * client: the directed path from -> to; -1 = client to server, no direction of
 * its own.  Preset: kind, confidence, severity, from, to, first and last (of
 * the connection: narrow them), point, session.  Texts left empty get the
 * kind's defaults.  Never NULL: when memory or the cap is exhausted a scratch
 * finding is returned and counted.
 */
struct finding *verdict_add(struct verdicts *out, enum finding_kind kind, enum confidence conf,
    const struct mail_case *c, int dir);
/*
 * A finding of no connection (captures, scans, lone ICMP): set from, to, first and last yourself.
 */
struct finding *verdict_add_bare(struct verdicts *out, enum finding_kind kind, enum confidence conf,
    uint32_t point, const struct moment *first, const struct moment *last);

/* Claims: did a rule before say this kind for the connection (dir -1: any direction)? */
const struct finding *verdict_claimed(
    const struct verdicts *out, const struct mail_case *c, int dir, enum finding_kind kind);
/* Of any connection? */
bool verdict_any(const struct verdicts *out, enum finding_kind kind);
/* So many refusals of a connection were not read: it has too many that say different things. */
void verdict_unread(struct verdicts *out, uint64_t refusals);
/* Any claim of these phases that is more than information? */
bool verdict_troubled(
    const struct verdicts *out, const struct mail_case *c, int dir, int lo, int hi);
/* One that was not over by then? */
bool verdict_troubled_at(
    const struct verdicts *out, const struct mail_case *c, int dir, int lo, int hi, int64_t ns);

/* ---- filling a finding ------------------------------------------------------ */

/* One more piece of evidence; NULL-safe chain: evidence_frame(finding_says(f, p, "..."), &m). */
struct finding_evidence *finding_says(struct finding *f, uint32_t point, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct finding_evidence *evidence_frame(struct finding_evidence *e, const struct moment *m);
struct finding_evidence *evidence_frames(
    struct finding_evidence *e, const struct moment *m, const struct moment *n);
struct finding_evidence *evidence_frame_nr(struct finding_evidence *e, uint64_t frame);
void finding_exclude(struct finding *f, enum finding_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void finding_subkind(struct finding *f, const char *subkind);
void finding_summary(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_remedy(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_client_shows(struct finding *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "Cannot tell X from Y (NULL: whether X): this capture lacks E. Capture at P (...)": diagnosis 5.
 */
void finding_next_capture(
    struct finding *f, const char *x, const char *y, const char *lacks, const char *where);
void finding_reply(struct finding *f, const struct record_reply *r);
void finding_span(struct finding *f, const struct moment *first, const struct moment *last);
enum confidence confidence_lower(enum confidence c, unsigned int levels); /* not below possible */
enum confidence confidence_min(enum confidence a, enum confidence b);

#endif /* RULE_H */
