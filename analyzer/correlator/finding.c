/* finding.c - filling a finding: bounded, and never a character cut in two. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record/text.h"
#include "rule.h"

/* What a capture of the next attempt should look like: diagnosis 5. */
#define CAPTURE_COMMAND	"tcpdump -i IF -s 0 -w next.pcap 'tcp port 25 or 465 or 587 or 110 or 995 or icmp or icmp6 or port 113'"

/* Text from the network may be cut by the buffer: drop a character that lost its tail. */
static void
text_trim(char *s)
{
	size_t n = strlen(s), k;

	for (k = 0; k < 4 && k < n; k++)
		if (((unsigned char)s[n - 1 - k] & 0xc0) != 0x80)
			break;
	if (k < 4 && k < n && !text_valid_utf8(s + n - 1 - k, k + 1))
		s[n - 1 - k] = '\0';
}

#define FORMAT(buf, fmt) do {						\
	va_list ap_;							\
	va_start(ap_, fmt);						\
	vsnprintf((buf), sizeof(buf), (fmt), ap_);			\
	va_end(ap_);							\
	text_trim(buf);							\
} while (0)

struct finding_evidence *
finding_says(struct finding *f, uint32_t point, const char *fmt, ...)
{
	struct finding_evidence *e;

	if (f->evidence_count >= FINDING_EVIDENCE)
		return NULL;
	e = &f->evidence[f->evidence_count++];
	e->point = point;
	FORMAT(e->says, fmt);
	return e;
}

struct finding_evidence *
evidence_frame_nr(struct finding_evidence *e, uint64_t frame)
{
	if (e == NULL || frame == 0)
		return e;
	for (uint32_t i = 0; i < e->frame_count; i++)
		if (e->frames[i] == frame)
			return e;
	if (e->frame_count < FINDING_FRAMES)
		e->frames[e->frame_count++] = frame;
	return e;
}

struct finding_evidence *
evidence_frame(struct finding_evidence *e, const struct moment *m)
{
	return evidence_frame_nr(e, m->frame);
}

void
finding_exclude(struct finding *f, enum finding_kind kind, const char *fmt, ...)
{
	struct finding_excluded *x;

	for (uint32_t i = 0; i < f->excluded_count; i++)
		if (f->excluded[i].kind == kind)
			return;
	if (f->excluded_count >= FINDING_EXCLUDED)
		return;
	x = &f->excluded[f->excluded_count++];
	x->kind = kind;
	FORMAT(x->why, fmt);
}

void
finding_subkind(struct finding *f, const char *subkind)
{
	snprintf(f->subkind, sizeof(f->subkind), "%s", subkind);
	text_trim(f->subkind);
}

void
finding_summary(struct finding *f, const char *fmt, ...)
{
	FORMAT(f->summary, fmt);
	f->summary[0] = (char)toupper((unsigned char)f->summary[0]);	/* it may begin with a kind's title */
}

void
finding_remedy(struct finding *f, const char *fmt, ...)
{
	FORMAT(f->remedy, fmt);
}

void
finding_client_shows(struct finding *f, const char *fmt, ...)
{
	FORMAT(f->client_shows, fmt);
}

void
finding_next_capture(struct finding *f, const char *x, const char *y, const char *lacks, const char *where)
{
	snprintf(f->next_capture, sizeof(f->next_capture),
	    "Cannot tell %s from %s: this capture lacks %s. Capture %s, both directions, offloads off (ethtool -K IF tso off gso off "
	    "gro off lro off), during one retry: %s -- and run again.", x, y, lacks, where, CAPTURE_COMMAND);
	text_trim(f->next_capture);
}

void
finding_reply(struct finding *f, const struct record_reply *r)
{
	f->reply = *r;
	f->has_reply = true;
}

void
finding_span(struct finding *f, const struct moment *first, const struct moment *last)
{
	f->first = *first;
	f->last = *last;
}

enum confidence
confidence_lower(enum confidence c, unsigned int levels)
{
	while (levels-- > 0 && c > CONFIDENCE_POSSIBLE)
		c--;
	return c;
}

enum confidence
confidence_min(enum confidence a, enum confidence b)
{
	return a < b ? a : b;
}
