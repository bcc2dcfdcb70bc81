/*
 * verdicts.h - the findings of one judgement before they are merged.
 *
 * A draft is one rule's word on one connection.  While its judge() runs the
 * finding lies open (a full struct); afterwards it is packed, because a struct
 * finding is 11 kB of mostly nothing.
 */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "correlator/rule.h"

#define NO_DRAFT	UINT32_MAX

struct draft {
	const struct mail_case *c;	/* NULL: no connection */
	int		 dir;
	enum finding_kind kind;
	enum confidence	 confidence;
	bool		 silenced;	/* a cause swallowed it */
	struct finding	*open;		/* NULL when packed */
	uint8_t		*packed;
	uint32_t	 packed_len;
	uint32_t	 next;		/* of the same case */
	uint64_t	 merged;	/* id of the finding it became part of; 0 = none */
};

struct verdicts {
	struct draft	*v;
	uint32_t	 n, room;
	uint32_t	 open_from;	/* drafts from here on may be open */
	uint32_t	*head;		/* by case index: its first draft */
	size_t		 heads;
	uint64_t	 dropped;	/* findings not kept: cap or memory */
	uint64_t	 starved;	/* other allocations that failed */
	struct finding	 scratch;
	struct finding	 borrowed[4];	/* what verdict_claimed() lent */
	unsigned int	 borrowed_at;
};

bool	verdicts_init(struct verdicts *v, size_t cases);
void	verdicts_free(struct verdicts *v);
void	verdicts_seal(struct verdicts *v);	/* packs what lies open: after each judge() */
void	draft_unpack(const struct draft *d, struct finding *out);
void	draft_repack(struct verdicts *v, struct draft *d, const struct finding *f);
/* Preset of a new finding. */
void	finding_preset(struct finding *f, enum finding_kind kind, enum confidence conf);

#endif /* VERDICTS_H */
