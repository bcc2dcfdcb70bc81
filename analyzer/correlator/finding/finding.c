/* finding.c - a finding's memory, and filling it: bounded, and never a character cut in two. */
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/text.h"
#include "verdicts.h"

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

static const int64_t outlived_least = INT64_C(10000000000); /* ns */

#define FORMAT(buf, fmt) \
	do { \
		va_list ap_; \
		va_start(ap_, fmt); \
		vsnprintf((buf), sizeof(buf), (fmt), ap_); \
		va_end(ap_); \
		text_trim(buf); \
	} while (0)

/* ---- life -------------------------------------------------------------------------- */

struct finding_piece {
	struct finding_piece *next;
	max_align_t bytes[];
};

/* Lives as long as the finding; NULL: no memory, and the finding knows. */
static void *
finding_alloc(struct finding *f, size_t size)
{
	struct finding_piece *p = malloc(sizeof(*p) + size);

	if (p == NULL) {
		f->starved = true;
		return NULL;
	}
	p->next = f->own;
	f->own = p;
	return p->bytes;
}

/* Room for element n of a list that doubles; false: no memory. */
static bool
finding_grow(struct finding *f, void *listp, uint32_t n, size_t size)
{
	void **list = listp, *grown;

	if ((n & (n - 1)) != 0)
		return true;
	if ((grown = finding_alloc(f, (n > 0 ? 2 * n : 1) * size)) == NULL)
		return false;
	if (n > 0)
		memcpy(grown, *list, n * size);
	*list = grown;
	return true;
}

static const char *
finding_text(struct finding *f, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = n > 1 ? finding_alloc(f, n) : NULL;

	return copy != NULL ? memcpy(copy, text, n) : "";
}

void
finding_begin(struct finding *f, enum finding_kind kind, enum confidence conf)
{
	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->confidence = conf;
	f->severity = kind_facts(kind)->severity;
	f->summary = f->remedy = f->client_shows = f->next_capture = f->reply.text = "";
}

void
finding_end(struct finding *f)
{
	struct finding_piece *p = f->own, *next;

	for (; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	f->own = NULL;
}

struct finding *
finding_new(enum finding_kind kind, enum confidence conf)
{
	struct finding *f = malloc(sizeof(*f));

	if (f != NULL)
		finding_begin(f, kind, conf);
	return f;
}

void
finding_free(struct finding *f)
{
	if (f != NULL)
		finding_end(f);
	free(f);
}

/* ---- comparing ----------------------------------------------------------------------- */

static bool
evidence_same(const struct finding_evidence *a, const struct finding_evidence *b)
{
	return a->point == b->point && a->frame_count == b->frame_count &&
	    strcmp(a->says, b->says) == 0 &&
	    memcmp(a->frames, b->frames, a->frame_count * sizeof(a->frames[0])) == 0;
}

static bool
lists_same(const struct finding *a, const struct finding *b)
{
	if (a->evidence_count != b->evidence_count || a->excluded_count != b->excluded_count ||
	    a->session_count != b->session_count || a->less_sure != b->less_sure)
		return false;
	for (uint32_t i = 0; i < a->evidence_count; i++)
		if (!evidence_same(&a->evidence[i], &b->evidence[i]))
			return false;
	for (uint32_t i = 0; i < a->excluded_count; i++)
		if (a->excluded[i].kind != b->excluded[i].kind ||
		    strcmp(a->excluded[i].why, b->excluded[i].why) != 0)
			return false;
	for (uint32_t i = 0; i < a->session_count && i < FINDING_SESSIONS; i++)
		if (a->sessions[i] != b->sessions[i])
			return false;
	return true;
}

static bool
moment_same(const struct moment *a, const struct moment *b)
{
	return a->ns == b->ns && a->frame == b->frame;
}

static bool
texts_same(const struct finding *a, const struct finding *b)
{
	return strcmp(a->subkind, b->subkind) == 0 && strcmp(a->summary, b->summary) == 0 &&
	    strcmp(a->remedy, b->remedy) == 0 && strcmp(a->client_shows, b->client_shows) == 0 &&
	    strcmp(a->next_capture, b->next_capture) == 0;
}

static bool
reply_same(const struct finding_reply *a, const struct finding_reply *b)
{
	return a->code == b->code && moment_same(&a->at, &b->at) &&
	    strcmp(a->enhanced, b->enhanced) == 0 && strcmp(a->text, b->text) == 0;
}

bool
finding_outlived(const struct finding *f, int64_t ns)
{
	int64_t lasted = f->last.ns - f->first.ns;

	return f->over && ns - f->last.ns > (lasted > outlived_least ? lasted : outlived_least);
}

bool
finding_same(const struct finding *a, const struct finding *b)
{
	return a->id == b->id && a->kind == b->kind && a->confidence == b->confidence &&
	    a->severity == b->severity && a->point == b->point &&
	    endpoint_equal(&a->from, &b->from) && endpoint_equal(&a->to, &b->to) &&
	    moment_same(&a->first, &b->first) && moment_same(&a->last, &b->last) &&
	    a->has_mtu == b->has_mtu && memcmp(&a->mtu, &b->mtu, sizeof(a->mtu)) == 0 &&
	    a->has_reply == b->has_reply && reply_same(&a->reply, &b->reply) && texts_same(a, b) &&
	    lists_same(a, b);
}

/* ---- evidence and what was ruled out --------------------------------------------------- */

/* The next one, empty; NULL: there are enough, or no memory. */
static struct finding_evidence *
evidence_new(struct finding *f)
{
	struct finding_evidence *e;

	if (f->evidence_count >= FINDING_EVIDENCE ||
	    !finding_grow(f, &f->evidence, f->evidence_count, sizeof(*e)))
		return NULL;
	e = &f->evidence[f->evidence_count++];
	memset(e, 0, sizeof(*e));
	return e;
}

struct finding_evidence *
finding_says(struct finding *f, uint32_t point, const char *fmt, ...)
{
	struct finding_evidence *e = evidence_new(f);

	if (e == NULL)
		return NULL;
	e->point = point;
	FORMAT(e->says, fmt);
	return e;
}

void
finding_says_too(struct finding *f, const struct finding_evidence *x)
{
	struct finding_evidence *e;

	for (uint32_t i = 0; i < f->evidence_count; i++)
		if (evidence_same(&f->evidence[i], x))
			return;
	if ((e = evidence_new(f)) != NULL)
		*e = *x;
}

void
finding_session(struct finding *f, uint64_t id)
{
	if (f->session_count < FINDING_SESSIONS) {
		if (!finding_grow(f, &f->sessions, f->session_count, sizeof(*f->sessions)))
			return;
		f->sessions[f->session_count] = id;
	}
	f->session_count++;
}

void
finding_sessions(struct finding *f, const struct finding *x)
{
	for (uint32_t i = 0; i < x->session_count && i < FINDING_SESSIONS; i++)
		finding_session(f, x->sessions[i]);
	if (x->session_count > FINDING_SESSIONS)
		f->session_count += x->session_count - FINDING_SESSIONS;
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

struct finding_evidence *
evidence_frames(struct finding_evidence *e, const struct moment *m, const struct moment *n)
{
	return evidence_frame(evidence_frame(e, m), n);
}

void
finding_exclude(struct finding *f, enum finding_kind kind, const char *fmt, ...)
{
	struct finding_excluded *x;

	for (uint32_t i = 0; i < f->excluded_count; i++)
		if (f->excluded[i].kind == kind)
			return;
	if (f->excluded_count >= FINDING_EXCLUDED ||
	    !finding_grow(f, &f->excluded, f->excluded_count, sizeof(*x)))
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
	char text[FINDING_SUMMARY];

	FORMAT(text, fmt);
	text[0] = (char)toupper((unsigned char)text[0]); /* it may begin with a kind's title */
	f->summary = finding_text(f, text);
}

void
finding_remedy(struct finding *f, const char *fmt, ...)
{
	char text[FINDING_REMEDY];

	FORMAT(text, fmt);
	f->remedy = finding_text(f, text);
}

void
finding_client_shows(struct finding *f, const char *fmt, ...)
{
	char text[FINDING_SHOWS];

	FORMAT(text, fmt);
	f->client_shows = finding_text(f, text);
}

static bool
is_usual(uint16_t port)
{
	static const uint16_t usual[] = { 0, 25, 465, 587, 110, 995, 113 };

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (usual[i] == port)
			return true;
	return false;
}

/*
 * What a capture of the next attempt should look like: diagnosis 5.  A server of another port is in
 * it, and where fragments are the question those that have no port.
 */
static void
capture_command(const struct finding *f, char *buf, size_t size)
{
	char port[16] = "";

	if (!is_usual(f->server_port))
		snprintf(port, sizeof(port), " or %u", f->server_port);
	snprintf(buf, size,
	    "tcpdump -i IF -s 0 -w next.pcap 'tcp port 25 or 465 or 587 or 110 or 995%s or icmp or icmp6 or port 113%s'",
	    port,
	    f->kind == FINDING_FRAGMENTS_DROPPED ? " or ip[6:2] & 0x1fff != 0 or ip6[6] = 44" : "");
}

void
finding_next_capture(
    struct finding *f, const char *x, const char *y, const char *lacks, const char *where)
{
	char text[FINDING_NEXT], command[200];

	capture_command(f, command, sizeof(command));
	snprintf(text, sizeof(text),
	    "Cannot tell %s%s%s%s: this capture lacks %s. Capture %s, both directions, offloads off (ethtool -K IF tso off gso off "
	    "gro off lro off), during one retry, and run mailwhy on that:\n%s",
	    y == NULL ? "whether " : "", x, y == NULL ? "" : " from ", y == NULL ? "" : y, lacks,
	    where, command);
	text_trim(text);
	f->next_capture = finding_text(f, text);
}

void
finding_reply(struct finding *f, const struct record_reply *r)
{
	f->reply = (struct finding_reply){
		.code = r->code, .at = r->at, .text = finding_text(f, r->text)
	};
	memcpy(f->reply.enhanced, r->enhanced, sizeof(f->reply.enhanced));
	f->has_reply = true;
}

void
finding_span(struct finding *f, const struct moment *first, const struct moment *last)
{
	f->first = *first;
	f->last = *last;
}

/* ---- a copy ------------------------------------------------------------------------------ */

/* What x says, in memory of f's own. */
static void
finding_own(struct finding *f, const struct finding *x)
{
	f->own = NULL;
	f->evidence_count = f->excluded_count = f->session_count = 0;
	for (uint32_t i = 0; i < x->evidence_count; i++) {
		struct finding_evidence *e = evidence_new(f);

		if (e != NULL)
			*e = x->evidence[i];
	}
	for (uint32_t i = 0; i < x->excluded_count; i++)
		finding_exclude(f, x->excluded[i].kind, "%s", x->excluded[i].why);
	finding_sessions(f, x);
	f->summary = finding_text(f, x->summary);
	f->remedy = finding_text(f, x->remedy);
	f->client_shows = finding_text(f, x->client_shows);
	f->next_capture = finding_text(f, x->next_capture);
	f->reply.text = finding_text(f, x->reply.text);
}

struct finding *
finding_copy(const struct finding *x)
{
	struct finding *f = malloc(sizeof(*f));

	if (f == NULL)
		return NULL;
	*f = *x;
	finding_own(f, x);
	return f;
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
