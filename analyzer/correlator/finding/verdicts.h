/*
 * verdicts.h - the findings of one judgement before they are merged.
 *
 * A draft is one rule's word on one connection.
 */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "correlator/finding/rule.h"

#define NO_DRAFT UINT32_MAX

struct draft {
	const struct mail_case *c; /* NULL: no connection */
	struct finding *f;
	int dir;
	bool silenced;   /* a cause swallowed it */
	bool led_on;     /* it swallowed what befell the conversation */
	bool given;      /* f became a finding of the report: freed there */
	uint32_t next;   /* of the same case */
	uint64_t merged; /* id of the finding it became part of; 0 = none */
};

struct verdicts {
	struct draft *v;
	uint32_t n, room;
	uint32_t *head; /* by case index: its first draft */
	size_t heads;
	uint32_t of_kind[FINDING_KINDS]; /* drafts */
	uint64_t dropped;                /* findings not kept: cap or memory */
	uint64_t searches_cut;           /* that ended at their bound */
	uint64_t refusals_unread; /* of connections with very many that say different things */
	uint64_t pairs_beyond; /* connections of pairs of capture points that were not compared: too
				  many pairs */
	uint64_t starved;      /* other allocations that failed */
	struct finding scratch;
};

bool verdicts_init(struct verdicts *v, size_t cases);
void verdicts_free(struct verdicts *v);

/* ---- what joining and copying need of a finding --------------------------------- */

void finding_session(struct finding *f, uint64_t id);
void finding_sessions(struct finding *f, const struct finding *x);
/* Unless it is there already. */
void finding_says_too(struct finding *f, const struct finding_evidence *x);

#endif /* VERDICTS_H */
