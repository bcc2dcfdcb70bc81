/*
 * pcapng, every file of it: sections of either byte order, interfaces with
 * their own link type, snap length and clock, drop counters.  libpcap refuses
 * interfaces that differ and hides which one a packet came from.
 *
 * draft-ietf-opsawg-pcapng: a block is type, total length, body, total length
 * again, all in the byte order of its section.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "record/text.h"
#include "record/when.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete, and still met */
	BLOCK_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,

	BLOCK_EDGE = 8, /* type and length */
	BLOCK_MIN = 12,
	SECTION_MIN = 28,
	PACKET_HEAD = 20, /* of the body */
};
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define SECOND_NS        1000000000

/* One interface of the section. */
struct port {
	uint32_t point, link_type, snaplen;
	uint8_t resolution; /* if_tsresol: 10^-n, with the high bit 2^-n */
	uint64_t unit_ns;   /* 10^-n s in ns when n <= 9, else 0 */
	int64_t offset_ns;  /* if_tsoffset */
	bool statistics;    /* an ISB has spoken */
};

struct pcapng {
	bool swapped;
	struct port *port; /* of this section, by interface id */
	uint32_t count, cap;
	uint64_t block_at;       /* offset of the block in hand ... */
	uint32_t block_type;     /* ... and its type, 0 when that is not there */
	int64_t last_ns;         /* time of the frame before */
	enum capture_rc pending; /* damage met while opening; else CAPTURE_AGAIN */
};

struct block {
	uint32_t type;
	const uint8_t *body;
	uint32_t len; /* of the body */
};

/* ---- bytes ------------------------------------------------------------------ */

static inline uint32_t
get32(const struct pcapng *s, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return s->swapped ? __builtin_bswap32(v) : v;
}

static inline uint16_t
get16(const struct pcapng *s, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return s->swapped ? __builtin_bswap16(v) : v;
}

static inline uint64_t
get64(const struct pcapng *s, const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return s->swapped ? __builtin_bswap64(v) : v;
}

/* Times are two words, high one first in either byte order. */
static inline uint64_t
get_time(const struct pcapng *s, const uint8_t *p)
{
	return (uint64_t)get32(s, p) << 32 | get32(s, p + 4);
}

static inline uint32_t
pad4(uint32_t n)
{
	return (n + 3) & ~(uint32_t)3;
}

/* ---- options ---------------------------------------------------------------- */

struct option {
	uint16_t code, len;
	const uint8_t *value;
};

/* Steps through the options in [p, end); false at their end, or where they stop making sense. */
static bool
option_next(const struct pcapng *s, const uint8_t **p, const uint8_t *end, struct option *o)
{
	if (end - *p < 4)
		return false;
	o->code = get16(s, *p);
	o->len = get16(s, *p + 2);
	o->value = *p + 4;
	if (o->code == 0 || end - o->value < o->len)
		return false;
	*p = end - o->value < (ptrdiff_t)pad4(o->len) ? end : o->value + pad4(o->len);
	return true;
}

/* ---- time ------------------------------------------------------------------- */

static void
port_set_resolution(struct port *p, uint8_t resolution)
{
	p->resolution = resolution;
	p->unit_ns = 0;
	if (resolution > 9)
		return;
	p->unit_ns = 1;
	for (uint8_t i = resolution; i < 9; i++)
		p->unit_ns *= 10;
}

/* Finer than a nanosecond, or a power of two. */
static unsigned __int128
port_scale(const struct port *p, uint64_t ts)
{
	unsigned __int128 ns = (unsigned __int128)ts * SECOND_NS;
	uint8_t n = p->resolution & 0x7f;

	if (p->resolution & 0x80)
		return ns >> n;
	for (; n > 0 && ns > 0; n--)
		ns /= 10;
	return ns;
}

static int64_t
port_time(struct capture *c, const struct port *p, uint64_t ts)
{
	const struct pcapng *s = c->state;
	unsigned __int128 ns =
	    p->unit_ns != 0 ? (unsigned __int128)ts * p->unit_ns : port_scale(p, ts);
	int64_t sum;

	if (ns <= INT64_MAX && !__builtin_add_overflow((int64_t)ns, p->offset_ns, &sum) &&
	    when_fits(sum))
		return sum;
	c->counts.repaired++;
	return s->last_ns;
}

/* ---- blocks ----------------------------------------------------------------- */

/* CAPTURE_AGAIN from a block means: nothing for the caller, go on. */

static bool
is_packet(uint32_t type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE || type == BLOCK_PACKET;
}

static enum capture_rc
pcapng_damaged(struct capture *c, const char *why)
{
	const struct pcapng *s = c->state;

	capture_damaged(c, s->block_at, "damaged %s frame %llu, offset %llu: %s",
	    is_packet(s->block_type) ? "at" : "before", (unsigned long long)c->counts.frames + 1,
	    (unsigned long long)s->block_at, why);
	return CAPTURE_DAMAGED;
}

static enum capture_rc
take_section(struct capture *c, const struct block *b)
{
	struct pcapng *s = c->state;

	if (b->len < SECTION_MIN - BLOCK_MIN)
		return pcapng_damaged(c, "a section header that is too short");
	if (get16(s, b->body + 4) != 1)
		return pcapng_damaged(c, "a section of a version of pcapng that is not known");
	s->count = 0;
	return CAPTURE_AGAIN;
}

static void
take_interface_option(
    const struct pcapng *s, struct capture_point *point, struct port *p, const struct option *o)
{
	switch (o->code) {
	case 2: /* if_name */
		text_copy_utf8(point->interface, sizeof(point->interface), o->value, o->len);
		break;
	case 3: /* if_description stands in for a missing name */
		if (point->interface[0] == '\0')
			text_copy_utf8(
			    point->interface, sizeof(point->interface), o->value, o->len);
		break;
	case 9: /* if_tsresol */
		if (o->len == 1)
			port_set_resolution(p, o->value[0]);
		break;
	case 14: /* if_tsoffset, seconds */
		if (o->len == 8 &&
		    __builtin_mul_overflow(
			(int64_t)get64(s, o->value), (int64_t)SECOND_NS, &p->offset_ns))
			p->offset_ns = 0;
		break;
	}
}

static struct port *
port_add(struct pcapng *s)
{
	struct port *grown;
	uint32_t cap = s->cap != 0 ? s->cap * 2 : 4;

	if (s->count == s->cap) {
		if ((grown = reallocarray(s->port, cap, sizeof(*grown))) == NULL)
			return NULL;
		s->port = grown;
		s->cap = cap;
	}
	return &s->port[s->count++];
}

static enum capture_rc
take_interface(struct capture *c, const struct block *b)
{
	struct pcapng *s = c->state;
	struct capture_point *point;
	struct port *p;
	struct option o;
	const uint8_t *at = b->body + 8, *end = b->body + b->len;

	if (b->len < 8)
		return pcapng_damaged(c, "an interface description that is too short");
	if (c->point_count >= CAPTURE_POINTS_MAX)
		return pcapng_damaged(c, "too many interfaces, the rest is not read");
	point = capture_point_add(c, get16(s, b->body), get32(s, b->body + 4));
	if (point == NULL || (p = port_add(s)) == NULL)
		return pcapng_damaged(c, "out of memory");
	*p = (struct port){
		.point = c->point_count - 1,
		.link_type = point->link_type,
		.snaplen = point->snaplen,
	};
	port_set_resolution(p, 6);
	while (option_next(s, &at, end, &o))
		take_interface_option(s, point, p, &o);
	return CAPTURE_AGAIN;
}

/* isb_ifdrop and isb_osdrop, counted from the start of the capture: the last block is right. */
static enum capture_rc
take_statistics(struct capture *c, const struct block *b)
{
	struct pcapng *s = c->state;
	const uint8_t *at = b->body + 12, *end = b->body + b->len;
	struct capture_point *point;
	struct port *p;
	struct option o;

	if (b->len < 12 || get32(s, b->body) >= s->count)
		return CAPTURE_AGAIN; /* of no use, but no harm to the packets */
	p = &s->port[get32(s, b->body)];
	point = c->point[p->point];
	while (option_next(s, &at, end, &o)) {
		if (o.len != 8 || (o.code != 5 && o.code != 7))
			continue;
		if (!p->statistics)
			point->drops_kernel = 0;
		p->statistics = point->drops_known = true;
		if (o.code == 5)
			point->drops_interface = get64(s, o.value);
		else
			point->drops_kernel = get64(s, o.value);
	}
	return CAPTURE_AGAIN;
}

static void
emit(struct capture *c, const struct port *p, int64_t ts_ns, const uint8_t *data, uint32_t caplen,
    uint32_t len, struct capture_frame *out)
{
	struct pcapng *s = c->state;

	if (len < caplen) {
		len = caplen;
		c->counts.repaired++;
	}
	out->data = data;
	out->caplen = caplen;
	out->len = len;
	out->ts_ns = s->last_ns = ts_ns;
	out->point = p->point;
	out->link_type = p->link_type;
}

/* Packets lost before this one, told of packet by packet: good until statistics say more. */
static void
note_drops(struct capture *c, const struct port *p, uint64_t drops)
{
	struct capture_point *point = c->point[p->point];

	if (p->statistics)
		return;
	point->drops_known = true;
	point->drops_kernel += drops;
}

/* epb_dropcount: packets lost between the one before and this. */
static void
take_enhanced_options(
    struct capture *c, const struct port *p, const uint8_t *at, const uint8_t *end)
{
	const struct pcapng *s = c->state;
	struct option o;

	while (option_next(s, &at, end, &o))
		if (o.code == 4 && o.len == 8)
			note_drops(c, p, get64(s, o.value));
}

/* The Enhanced Packet Block and its forerunner share all but the first word. */
static uint32_t
packet_interface(const struct pcapng *s, const struct block *b)
{
	return b->type == BLOCK_ENHANCED ? get32(s, b->body) : get16(s, b->body);
}

/* NULL = none. */
static const char *
packet_fault(const struct pcapng *s, const struct block *b)
{
	if (b->len < PACKET_HEAD)
		return "a packet block that is too short";
	if (packet_interface(s, b) >= s->count)
		return "a packet of an interface that is not described";
	if (get32(s, b->body + 12) > b->len - PACKET_HEAD)
		return "a packet that is larger than its block";
	return NULL;
}

/* A packet without fault. */
static void
emit_packet(struct capture *c, const struct block *b, struct capture_frame *out)
{
	const struct pcapng *s = c->state;
	const struct port *p = &s->port[packet_interface(s, b)];
	const uint8_t *data = b->body + PACKET_HEAD;
	uint32_t caplen = get32(s, b->body + 12);

	emit(c, p, port_time(c, p, get_time(s, b->body + 4)), data, caplen, get32(s, b->body + 16),
	    out);
	if (b->len - PACKET_HEAD > pad4(caplen) && b->type == BLOCK_ENHANCED)
		take_enhanced_options(c, p, data + pad4(caplen), b->body + b->len);
}

static enum capture_rc
take_packet(struct capture *c, const struct block *b, struct capture_frame *out)
{
	const char *fault = packet_fault(c->state, b);

	if (fault != NULL)
		return pcapng_damaged(c, fault);
	emit_packet(c, b, out);
	return CAPTURE_FRAME;
}

static enum capture_rc
take_old_packet(struct capture *c, const struct block *b, struct capture_frame *out)
{
	const struct pcapng *s = c->state;
	enum capture_rc rc = take_packet(c, b, out);
	uint16_t drops;

	if (rc != CAPTURE_FRAME)
		return rc;
	drops = get16(s, b->body + 2);
	if (drops > 0 && drops != UINT16_MAX) /* that is "not known" */
		note_drops(c, &s->port[packet_interface(s, b)], drops);
	return rc;
}

static bool
block_length_can_be(uint32_t total)
{
	return total >= BLOCK_MIN && total % 4 == 0 && total <= CAPTURE_FRAME_MAX;
}

/*
 * Whether an Enhanced Packet Block without fault, and whole, is what the `left' bytes in the buffer
 * begin with.
 */
static bool
packet_at_hand(const struct pcapng *s, const uint8_t *h, size_t left, struct block *b)
{
	uint32_t total;

	if (left < BLOCK_MIN || get32(s, h) != BLOCK_ENHANCED)
		return false;
	total = get32(s, h + 4);
	if (total > left || !block_length_can_be(total) || get32(s, h + total - 4) != total)
		return false;
	*b = (struct block){ BLOCK_ENHANCED, h + BLOCK_EDGE, total - BLOCK_MIN };
	return packet_fault(s, b) == NULL;
}

/* The first time that is at hand; 0: none.  What was written before it is nobody's of 1970. */
static int64_t
time_ahead(struct capture *c)
{
	const struct pcapng *s = c->state;
	const uint8_t *h = c->in->buf + c->in->pos;
	size_t left = input_left(c->in);
	struct block b;

	while (left >= BLOCK_MIN && !packet_at_hand(s, h, left, &b)) {
		uint32_t total = get32(s, h + 4);

		if (get32(s, h) == BLOCK_SECTION || !block_length_can_be(total) || total > left)
			return 0;
		h += total;
		left -= total;
	}
	return left >= BLOCK_MIN
	    ? port_time(c, &s->port[packet_interface(s, &b)], get_time(s, b.body + 4))
	    : 0;
}

static enum capture_rc
take_simple(struct capture *c, const struct block *b, struct capture_frame *out)
{
	struct pcapng *s = c->state;
	uint32_t caplen, len;

	if (b->len < 4)
		return pcapng_damaged(c, "a packet block that is too short");
	if (s->count == 0)
		return pcapng_damaged(c, "a packet of an interface that is not described");
	len = get32(s, b->body);
	caplen = len;
	if (s->port[0].snaplen != 0 && caplen > s->port[0].snaplen)
		caplen = s->port[0].snaplen;
	if (caplen > b->len - 4)
		return pcapng_damaged(c, "a packet that is larger than its block");
	if (c->counts.frames == 0)
		s->last_ns = time_ahead(c);
	emit(c, &s->port[0], s->last_ns, b->body + 4, caplen, len, out);
	c->counts.timeless++;
	return CAPTURE_FRAME;
}

static enum capture_rc
block_take(struct capture *c, const struct block *b, struct capture_frame *out)
{
	switch (b->type) {
	case BLOCK_ENHANCED: return take_packet(c, b, out);
	case BLOCK_SIMPLE: return take_simple(c, b, out);
	case BLOCK_PACKET: return take_old_packet(c, b, out);
	case BLOCK_INTERFACE: return take_interface(c, b);
	case BLOCK_SECTION: return take_section(c, b);
	case BLOCK_STATISTICS: return take_statistics(c, b);
	}
	return CAPTURE_AGAIN; /* names, secrets, custom and unknown blocks */
}

/* A section header says itself in which byte order its length is. */
static bool
section_order(struct pcapng *s, const uint8_t *h)
{
	s->swapped = false;
	if (get32(s, h + 8) == BYTE_ORDER_MAGIC)
		return true;
	s->swapped = true;
	return get32(s, h + 8) == BYTE_ORDER_MAGIC;
}

static enum capture_rc
pcapng_end(struct capture *c)
{
	const struct pcapng *s = c->state;

	if (input_left(c->in) == 0 && c->in->error[0] == '\0')
		return CAPTURE_END;
	return capture_cut(c, is_packet(s->block_type) ? "frame" : "a block before frame");
}

/* The next block, whole, consumed; CAPTURE_AGAIN when it is there. */
static enum capture_rc
block_read(struct capture *c, struct block *b)
{
	struct pcapng *s = c->state;
	const uint8_t *h = input_need(c->in, BLOCK_EDGE);
	uint32_t total;

	s->block_at = input_offset(c->in);
	s->block_type = 0;
	if (h == NULL)
		return pcapng_end(c);
	b->type = s->block_type = get32(s, h);
	if (b->type == BLOCK_SECTION) {
		if ((h = input_need(c->in, BLOCK_MIN)) == NULL)
			return pcapng_end(c);
		if (!section_order(s, h))
			return pcapng_damaged(c, "a section header without its byte order mark");
	}
	total = get32(s, h + 4);
	if (!block_length_can_be(total))
		return pcapng_damaged(c, "a block of impossible length");
	if ((h = input_need(c->in, total)) == NULL)
		return pcapng_end(c);
	if (get32(s, h + total - 4) != total)
		return pcapng_damaged(c, "a block whose two lengths differ");
	b->body = h + BLOCK_EDGE;
	b->len = total - BLOCK_MIN;
	input_skip(c->in, total);
	return CAPTURE_AGAIN;
}

static enum capture_rc
pcapng_next(struct capture *c, struct capture_frame *out)
{
	struct pcapng *s = c->state;
	struct block b = { 0 };
	enum capture_rc rc = s->pending;

	while (rc == CAPTURE_AGAIN) {
		rc = block_read(c, &b);
		if (rc == CAPTURE_AGAIN)
			rc = block_take(c, &b, out);
	}
	return rc;
}

static size_t
pcapng_batch(struct capture *c, struct capture_frame *out, size_t max)
{
	const struct pcapng *s = c->state;
	struct block b;
	size_t n = 0;

	if (s->pending != CAPTURE_AGAIN)
		return 0;
	while (n < max && packet_at_hand(s, c->in->buf + c->in->pos, input_left(c->in), &b)) {
		emit_packet(c, &b, &out[n++]);
		input_skip(c->in, BLOCK_MIN + b.len);
	}
	return n;
}

static void
pcapng_close(struct capture *c)
{
	struct pcapng *s = c->state;

	if (s != NULL)
		free(s->port);
	free(s);
}

static const struct reader pcapng_reader = { "pcapng", pcapng_next, pcapng_close, NULL,
	pcapng_batch };

bool
pcapng_is(const uint8_t *p, size_t len)
{
	return len >= 4 && memcmp(p, "\x0a\x0d\x0d\x0a", 4) == 0;
}

/* Whether the block at hand belongs to the file's head: before the first packet. */
static bool
head_goes_on(struct capture *c)
{
	const uint8_t *h = input_need(c->in, BLOCK_EDGE);

	return h != NULL && get32(c->state, h) != BLOCK_SECTION && !is_packet(get32(c->state, h));
}

/* Reads on to the first interface, so that a filter can be tried on it. */
int
pcapng_open(struct capture *c, char *err, size_t errlen)
{
	struct pcapng *s = calloc(1, sizeof(*s));
	struct capture_frame none;
	struct block b = { 0 };

	c->reader = &pcapng_reader;
	c->state = s;
	c->many_points = true;
	if (s == NULL) {
		snprintf(err, errlen, "out of memory");
		return -1;
	}
	s->pending = CAPTURE_AGAIN;
	do {
		s->pending = block_read(c, &b);
		if (s->pending == CAPTURE_AGAIN)
			s->pending = block_take(c, &b, &none);
		if (s->pending == CAPTURE_DAMAGED && s->block_at == 0) {
			snprintf(err, errlen, "a pcapng without a whole section header: %s",
			    c->damage.why);
			return -1;
		}
	} while (s->pending == CAPTURE_AGAIN && c->point_count == 0 && head_goes_on(c));
	return 0;
}
