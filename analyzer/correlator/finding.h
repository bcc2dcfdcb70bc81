/* finding.h - what mailwhy says: a kind, a path, the proof, the remedy. */
#ifndef FINDING_H
#define FINDING_H

#include "record/record.h"

enum finding_kind {
#define KIND(sym, id, phase, severity, accuses, title)	FINDING_##sym,
#include "correlator/kinds.def"
#undef KIND
	FINDING_KINDS
};

enum confidence { CONFIDENCE_CANNOT_TELL, CONFIDENCE_POSSIBLE, CONFIDENCE_PROBABLE, CONFIDENCE_CONFIRMED };
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

#define FINDING_EVIDENCE	12
#define FINDING_FRAMES		16
#define FINDING_SESSIONS	32
#define FINDING_EXCLUDED	12
#define FINDING_CANDIDATES	16

struct finding_evidence {
	uint32_t	point;
	uint32_t	frame_count;
	uint64_t	frames[FINDING_FRAMES];
	char		says[256];
};

struct finding_excluded {
	enum finding_kind kind;
	char		why[200];
};

struct finding {
	uint64_t	id;		/* hash of kind, path, first session: stable */
	enum finding_kind kind;
	char		subkind[64];
	enum confidence	confidence;
	enum severity	severity;
	uint32_t	revision;
	bool		retracted;
	struct endpoint	from, to;	/* directed path; port 0 when many */
	struct moment	first, last;
	uint32_t	point;
	uint32_t	evidence_count;
	struct finding_evidence evidence[FINDING_EVIDENCE];
	uint32_t	session_count;	/* all; kept below at most FINDING_SESSIONS */
	uint64_t	sessions[FINDING_SESSIONS];
	uint32_t	excluded_count;
	struct finding_excluded excluded[FINDING_EXCLUDED];
	char		summary[640], remedy[1024], client_shows[256], next_capture[512];
	bool		has_mtu;
	struct {
		uint32_t proven, upper, try, safe, mss;
		uint32_t candidate_count, candidates[FINDING_CANDIDATES];
	} mtu;
	bool		has_reply;
	struct record_reply reply;
};

/* Facts of a kind, from kinds.def and texts.c. */
struct kind_facts {
	const char	*id;		/* "pmtu-black-hole" */
	int		 phase;		/* order of judgement (diagnosis 0.6, 0.7) */
	enum severity	 severity;
	bool		 accuses;	/* names a fault of a network, host or provider */
	const char	*title;		/* a few words for people */
	const char	*remedy;	/* default; a rule may say better */
	const char	*client_shows;
	/* for docs/findings.md */
	const char	*wire;		/* what it is in packets */
	const char	*levels;	/* how sure, and by what */
	const char	*alike;		/* what looks like it and is not */
};
const struct kind_facts *kind_facts(enum finding_kind k);
const char	*confidence_name(enum confidence c);	/* "cannot-tell" ... "confirmed" */
const char	*severity_name(enum severity s);
const char	*kind_id(enum finding_kind k);
/* FINDING_KINDS when there is no such id. */
enum finding_kind kind_by_id(const char *id);

#endif /* FINDING_H */
