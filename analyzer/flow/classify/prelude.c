#include "flow/classify/prelude.h"

#include <stdlib.h>
#include <string.h>

#include "dissectors/proxy_header.h"

enum { ROOM_FIRST = 1024, ALIGN = 8 };

/*
 * A kept packet: this, the packet as far as it says something, its payload, up to the next multiple
 * of ALIGN.
 */
struct kept {
	uint16_t packet, payload; /* bytes */
	enum dissect_dir dir;
};

static uint32_t
kept_size(struct kept k)
{
	return (uint32_t)(sizeof(k) + k.packet + k.payload + ALIGN - 1) & ~(ALIGN - 1U);
}

void
prelude_init(struct prelude *pr, void *room, uint32_t size)
{
	*pr = (struct prelude){
		.packet = room, .size = room != NULL ? size : 0, .lent = room != NULL
	};
}

/* Payload may be a password: it is wiped before its memory goes elsewhere. */
static void
room_leave(struct prelude *pr)
{
	if (pr->bytes > 0)
		explicit_bzero(pr->packet, pr->used);
	if (!pr->lent)
		free(pr->packet);
}

void
prelude_clear(struct prelude *pr)
{
	room_leave(pr);
	classify_free(pr->classify);
	prelude_init(pr, NULL, 0);
}

static bool
room_move(struct prelude *pr, uint32_t size)
{
	uint8_t *bigger = malloc(size);

	if (bigger == NULL)
		return false;
	if (pr->used > 0)
		memcpy(bigger, pr->packet, pr->used);
	room_leave(pr);
	pr->packet = bigger;
	pr->size = size;
	pr->lent = false;
	return true;
}

bool
prelude_move(struct prelude *to, struct prelude *from)
{
	if (from->lent && !room_move(from, from->used > ROOM_FIRST ? from->used : ROOM_FIRST)) {
		prelude_clear(from);
		prelude_init(to, NULL, 0);
		return false;
	}
	*to = *from;
	prelude_init(from, NULL, 0);
	return true;
}

uint32_t
prelude_memory(const struct prelude *pr)
{
	return pr->lent ? 0 : pr->size;
}

void
prelude_keep(struct prelude *pr, const struct packet *p, enum dissect_dir dir)
{
	uint32_t left = PRELUDE_BYTES - pr->bytes;
	struct kept k = {
		.packet = (uint16_t)packet_size(p),
		.payload = (uint16_t)(p->caplen < left ? p->caplen : left),
		.dir = dir,
	};
	uint32_t need = kept_size(k);
	uint8_t *at;

	if (pr->packets >= PRELUDE_PACKETS)
		return;
	if (pr->size - pr->used < need &&
	    !room_move(
		pr, (pr->used + need > ROOM_FIRST / 2 ? pr->used + need : ROOM_FIRST / 2) * 2))
		return;
	at = pr->packet + pr->used;
	memcpy(at, &k, sizeof(k));
	memcpy(at + sizeof(k), p, k.packet);
	if (k.payload > 0)
		memcpy(at + sizeof(k) + k.packet, p->payload, k.payload);
	pr->used += need;
	pr->packets++;
	pr->bytes += k.payload;
}

bool
prelude_next(const struct prelude *pr, uint32_t *pos, struct packet *p, enum dissect_dir *dir)
{
	const uint8_t *at = pr->packet + *pos;
	struct kept k;

	if (*pos >= pr->used)
		return false;
	memcpy(&k, at, sizeof(k));
	memset(p, 0, sizeof(*p));
	memcpy(p, at + sizeof(k), k.packet);
	p->payload = at + sizeof(k) + k.packet;
	p->caplen = k.payload;
	*dir = k.dir;
	*pos += kept_size(k);
	return true;
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
	/* what a proxy says of the client is not the client's */
	uint32_t skip,
	    header = dir == DIR_C2S && !midstream && !pr->begun[dir]
	    ? (uint32_t)proxy_header_length(p->payload, p->caplen)
	    : 0;

	if (pr->classify == NULL) {
		uint16_t port[2] = { p->sport, p->dport };

		if (implicit == APP_UNKNOWN &&
		    !classify_worth(
			dir, header > 0 ? p->payload + header : p->payload, p->caplen - header))
			return not_mail;
		pr->classify = classify_new(implicit, midstream, port[dir], port[!dir]);
		if (pr->classify == NULL)
			return not_mail;
	}
	if (prelude_fresh(pr, p, dir, &skip) && (skip += header) < p->caplen)
		v = classify_feed(pr->classify, dir, p->payload + skip, p->caplen - skip);
	if (v.answer == CLASSIFY_WAIT &&
	    (pr->bytes + p->caplen >= PRELUDE_BYTES || pr->packets + 1 >= PRELUDE_PACKETS ||
		pr->classify->packets >= CLASSIFY_PACKETS))
		return classify_end(pr->classify);
	return v;
}
