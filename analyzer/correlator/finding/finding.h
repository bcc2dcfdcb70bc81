/* finding.h - what mailwhy says: a kind, a path, the proof, the remedy. */
#ifndef FINDING_H
#define FINDING_H

#include "record/record.h"

enum finding_kind {
#define KIND(sym, id, phase, severity, accuses, title) FINDING_##sym,
#include "correlator/finding/kinds.def"
#undef KIND
	FINDING_KINDS
};

enum confidence {
	CONFIDENCE_CANNOT_TELL,
	CONFIDENCE_POSSIBLE,
	CONFIDENCE_PROBABLE,
	CONFIDENCE_CONFIRMED
};
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

#define FINDING_EVIDENCE   12
#define FINDING_FRAMES     16
#define FINDING_SESSIONS   32
#define FINDING_EXCLUDED   12
#define FINDING_CANDIDATES 16
/* Longest texts, with their NUL. */
#define FINDING_SUMMARY 640
#define FINDING_REMEDY  1024
#define FINDING_SHOWS   256
#define FINDING_NEXT    768

struct finding_evidence {
	uint32_t point;
	uint32_t frame_count;
	uint64_t frames[FINDING_FRAMES];
	char says[256];
};

struct finding_excluded {
	enum finding_kind kind;
	char why[200];
};

/* Most findings are short: what they say hangs on them and is as long as it is. */
struct finding {
	uint64_t id; /* hash of kind, path, first session: stable */
	enum finding_kind kind;
	char subkind[64];
	enum confidence confidence;
	enum severity severity;
	uint32_t revision;
	bool retracted;
	bool starved;             /* something could not be said: no memory */
	struct endpoint from, to; /* directed path; port 0 when many */
	uint16_t server_port;     /* of the first connection; 0 = none */
	struct moment first, last;
	bool over; /* what it tells of had ended at `last', and all went on; not told */
	uint32_t point;
	uint32_t evidence_count; /* at most FINDING_EVIDENCE */
	struct finding_evidence *evidence;
	uint32_t session_count; /* all; kept below at most FINDING_SESSIONS */
	uint32_t less_sure;     /* of them: it is less sure than the confidence says */
	uint64_t *sessions;
	uint32_t excluded_count; /* at most FINDING_EXCLUDED */
	struct finding_excluded *excluded;
	const char *summary, *remedy, *client_shows, *next_capture; /* "" = none */
	bool has_mtu;
	struct {
		uint32_t proven, upper, try, safe, mss;
		uint32_t candidate_count, candidates[FINDING_CANDIDATES];
	} mtu;
	bool has_reply;
	struct finding_reply { /* as struct record_reply */
		uint16_t code;
		char enhanced[16];
		const char *text;
		struct moment at;
	} reply;
	struct finding_piece *own; /* memory of all that it points to */
};

/* NULL: no memory. */
struct finding *finding_new(enum finding_kind kind, enum confidence conf);
struct finding *finding_copy(const struct finding *f);
void finding_free(struct finding *f); /* NULL is fine */
void finding_begin(
    struct finding *f, enum finding_kind kind, enum confidence conf); /* makes one of raw memory */
void finding_end(struct finding *f);                                  /* releases what it owns */
/*
 * It was over, and that moment came long after: longer than it had lasted, and than programs wait
 * for what is over.
 */
bool finding_outlived(const struct finding *f, int64_t ns);
/* The same but for revision and retraction? */
bool finding_same(const struct finding *a, const struct finding *b);

/* Facts of a kind, from kinds.def and texts.def. */
struct kind_facts {
	const char *id; /* "pmtu-black-hole" */
	int phase;      /* order of judgement (diagnosis 0.6, 0.7) */
	enum severity severity;
	bool accuses;       /* names a fault of a network, host or provider */
	const char *title;  /* a few words for people */
	const char *remedy; /* default; a rule may say better */
	const char *client_shows;
	/* for docs/findings.md */
	const char *wire;   /* what it is in packets */
	const char *levels; /* how sure, and by what */
	const char *alike;  /* what looks like it and is not */
};
const struct kind_facts *kind_facts(enum finding_kind k);
const char *confidence_name(enum confidence c); /* "cannot-tell" ... "confirmed" */
const char *severity_name(enum severity s);
const char *kind_id(enum finding_kind k);
/* FINDING_KINDS when there is no such id. */
enum finding_kind kind_by_id(const char *id);

#endif /* FINDING_H */
