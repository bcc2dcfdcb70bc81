#include "flow/prelude.h"

#include <stdlib.h>
#include <string.h>

void
prelude_init(struct prelude *pr)
{
	memset(pr, 0, sizeof(*pr));
	pr->tail = &pr->head;
}

void
prelude_clear(struct prelude *pr)
{
	struct prelude_packet *n;

	while ((n = pr->head) != NULL) {
		pr->head = n->next;
		explicit_bzero(n + 1, n->p.caplen);	/* it may be a password */
		free(n);
	}
	classify_free(pr->classify);
	prelude_init(pr);
}

void
prelude_keep(struct prelude *pr, const struct packet *p, enum dissect_dir dir)
{
	uint32_t room = PRELUDE_BYTES - pr->bytes;
	uint32_t n = p->caplen < room ? p->caplen : room;
	struct prelude_packet *k;

	if (pr->packets >= PRELUDE_PACKETS || (k = malloc(sizeof(*k) + n)) == NULL)
		return;
	k->next = NULL;
	k->dir = dir;
	k->p = *p;
	k->p.caplen = n;
	k->p.payload = (const uint8_t *)(k + 1);
	if (n > 0)
		memcpy(k + 1, p->payload, n);
	*pr->tail = k;
	pr->tail = &k->next;
	pr->packets++;
	pr->bytes += n;
	pr->memory += sizeof(*k) + n;
}

/* The bytes of p that follow what was shown; false: none, or not yet in order. */
static bool
prelude_fresh(struct prelude *pr, const struct packet *p, enum dissect_dir dir, uint32_t *skip)
{
	uint32_t seq = p->seq + ((p->flags & TCP_SYN) != 0);
	int32_t ahead;

	if (!pr->begun[dir]) {
		pr->begun[dir] = true;
		pr->next_seq[dir] = seq;
	}
	ahead = (int32_t)(seq - pr->next_seq[dir]);
	if (ahead > 0 || (uint32_t)-ahead >= p->len)
		return false;
	*skip = (uint32_t)-ahead;
	pr->next_seq[dir] = seq + p->len;
	return true;
}

struct classify_verdict
prelude_classify(struct prelude *pr, const struct packet *p, enum dissect_dir dir,
    enum app_proto implicit, bool midstream)
{
	static const struct classify_verdict not_mail = { CLASSIFY_NOT, APP_OTHER, CLASS_NONE };
	struct classify_verdict v = { CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE };
	uint32_t skip;

	if (pr->classify == NULL) {
		uint16_t port[2] = { p->sport, p->dport };

		if (implicit == APP_UNKNOWN && !classify_worth(dir, p->payload, p->caplen))
			return not_mail;
		pr->classify = classify_new(implicit, midstream, port[dir], port[!dir]);
		if (pr->classify == NULL)
			return not_mail;
	}
	if (prelude_fresh(pr, p, dir, &skip) && skip < p->caplen)
		v = classify_feed(pr->classify, dir, p->payload + skip, p->caplen - skip);
	if (v.answer == CLASSIFY_WAIT && (pr->bytes >= PRELUDE_BYTES ||
	    pr->packets >= PRELUDE_PACKETS || pr->classify->packets >= CLASSIFY_PACKETS))
		return classify_end(pr->classify);
	return v;
}
