/*
 * Classic pcap through libpcap: whatever plain.c leaves, that is older
 * versions and the "modified" format of Alexey Kuznetzov with its 24-byte
 * record headers.  libpcap gets a stream over our input with a big buffer
 * (engines.md 4: a quarter of its time is small reads).
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

enum {
	CLASSIC_HEADER = 24,
	CLASSIC_RECORD = 16,
	CLASSIC_RECORD_MODIFIED = 24,
};
#define CLASSIC_BUFFER    (256u << 10)
#define CLASSIC_MODIFIED  0xa1b2cd34u
#define CLASSIC_LINK_MASK 0x03ffffffu
#define SECOND_NS         1000000000

struct classic {
	pcap_t *pcap;
	char *buffer;    /* of the stream, which pcap owns */
	uint32_t record; /* length of a record header */
	uint64_t offset; /* of the next record, while no frame exceeded the snap length */
};

static const uint32_t magics[] = { 0xa1b2c3d4, 0xa1b23c4d, CLASSIC_MODIFIED };

static uint32_t
classic_magic(const uint8_t *p)
{
	uint32_t magic;

	memcpy(&magic, p, sizeof(magic));
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (magic == magics[i] || __builtin_bswap32(magic) == magics[i])
			return magics[i];
	return 0;
}

/* A word of the header, in the byte order that its magic shows. */
static uint32_t
classic_u32(const uint8_t *header, size_t at)
{
	uint32_t magic, v;

	memcpy(&magic, header, sizeof(magic));
	memcpy(&v, header + at, sizeof(v));
	return magic == classic_magic(header) ? v : __builtin_bswap32(v);
}

bool
classic_is(const uint8_t *p, size_t len)
{
	return len >= 4 && classic_magic(p) != 0;
}

/* The stream's read: what was peeked at first, then as much as fits, without a second copy. */
static ssize_t
classic_read(void *cookie, char *buf, size_t n)
{
	struct input *in = cookie;
	const uint8_t *p = input_need(in, 1);

	if (p == NULL)
		return in->error[0] != '\0' ? -1 : 0;
	if (n > input_left(in))
		n = input_left(in);
	memcpy(buf, p, n);
	input_skip(in, n);
	return (ssize_t)n;
}

static FILE *
classic_stream(struct classic *s, struct input *in)
{
	static const cookie_io_functions_t functions = { .read = classic_read };
	FILE *f = fopencookie(in, "r", functions);

	if (f != NULL && (s->buffer = malloc(CLASSIC_BUFFER)) != NULL)
		setvbuf(f, s->buffer, _IOFBF, CLASSIC_BUFFER);
	return f;
}

/*
 * The header has seconds as unsigned 32 bits; libpcap hands them on signed, and
 * a fraction over a second wraps in its hands.
 */
static int64_t
classic_time(struct capture *c, const struct pcap_pkthdr *h)
{
	int64_t fraction = h->ts.tv_usec;

	if (fraction < 0 || fraction >= SECOND_NS) {
		fraction = SECOND_NS - 1;
		c->counts.repaired++;
	}
	return (int64_t)(uint32_t)h->ts.tv_sec * SECOND_NS + fraction;
}

static enum capture_rc
classic_failed(struct capture *c, const struct classic *s)
{
	return capture_damaged(c, s->offset,
	    "damaged or cut short at frame %llu, about offset %llu: %s",
	    (unsigned long long)c->counts.frames + 1, (unsigned long long)s->offset,
	    c->in->error[0] != '\0' ? c->in->error : pcap_geterr(s->pcap));
}

static enum capture_rc
classic_next(struct capture *c, struct capture_frame *out)
{
	struct classic *s = c->state;
	struct pcap_pkthdr *h;
	const u_char *data;
	int rc = pcap_next_ex(s->pcap, &h, &data);

	if (rc == PCAP_ERROR_BREAK)
		return CAPTURE_END;
	if (rc != 1)
		return classic_failed(c, s);
	s->offset += s->record + h->caplen;
	if (h->len < h->caplen)
		c->counts.repaired++;
	out->data = data;
	out->caplen = h->caplen;
	out->len = h->len < h->caplen ? h->caplen : h->len;
	out->ts_ns = classic_time(c, h);
	out->point = 0;
	out->link_type = c->point[0]->link_type;
	return CAPTURE_FRAME;
}

static void
classic_close(struct capture *c)
{
	struct classic *s = c->state;

	if (s == NULL)
		return;
	if (s->pcap != NULL)
		pcap_close(s->pcap);
	free(s->buffer);
	free(s);
}

static const struct reader classic_reader = { "pcap", classic_next, classic_close, NULL, NULL };

static pcap_t *
classic_start(struct classic *s, struct input *in, char *err, size_t errlen)
{
	char why[PCAP_ERRBUF_SIZE] = "out of memory";
	FILE *f = classic_stream(s, in);
	pcap_t *p = NULL;

	if (f != NULL)
		p = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (p == NULL) {
		snprintf(err, errlen, "%s", why);
		if (f != NULL)
			fclose(f);
	}
	return p;
}

int
classic_open(struct capture *c, char *err, size_t errlen)
{
	const uint8_t *h = input_need(c->in, CLASSIC_HEADER);
	struct classic *s = calloc(1, sizeof(*s));
	uint32_t link_type, snaplen;

	c->reader = &classic_reader;
	c->state = s;
	if (h == NULL) {
		snprintf(err, errlen,
		    "cut short: the file ends inside the header of a pcap, at %zu bytes",
		    input_left(c->in));
		return -1;
	}
	if (s == NULL) {
		snprintf(err, errlen, "out of memory");
		return -1;
	}
	s->record = classic_magic(h) == CLASSIC_MODIFIED ? CLASSIC_RECORD_MODIFIED : CLASSIC_RECORD;
	s->offset = CLASSIC_HEADER;
	snaplen = classic_u32(h, 16); /* libpcap's are DLT_*, and its own idea of the length */
	link_type = classic_u32(h, 20) & CLASSIC_LINK_MASK;
	if ((s->pcap = classic_start(s, c->in, err, errlen)) == NULL)
		return -1;
	if (capture_point_add(c, link_type, snaplen) == NULL) {
		snprintf(err, errlen, "out of memory");
		return -1;
	}
	return 0;
}
