/* terminal_captures.c - how good each capture is, and what that costs the answer. */
#include "report/terminal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "record/text.h"

#define LABELS 6

/* A further fact, after a comma. */
static void __attribute__((format(printf, 2, 3))) fact(struct page_text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->len > 0)
		page_text_add(t, ", ");
	va_start(ap, fmt);
	page_text_vadd(t, fmt, ap);
	va_end(ap);
}

static void
count(struct page_text *t, uint64_t n, const char *what)
{
	if (n > 0)
		fact(t, "%" PRIu64 " %s", n, what);
}

static void
counted(struct page_text *t, uint64_t n, const char *one, const char *many)
{
	count(t, n, n == 1 ? one : many);
}

static void
print_frames(const struct page *p, const struct record_capture *c)
{
	struct page_text t = { .len = 0 };
	int64_t tenths = (c->last.ns - c->first.ns) / 100000000;

	fact(&t, "%" PRIu64 " %s in %" PRId64 ".%" PRId64 " s", c->frames,
	    c->frames == 1 ? "frame" : "frames", tenths / 10, tenths % 10);
	count(&t, c->tcp_frames, "TCP");
	count(&t, c->mail_frames, "of mail");
	count(&t, c->icmp_frames, "ICMP");
	count(&t, c->other_frames, "other");
	counted(&t, c->flows, "connection", "connections");
	count(&t, c->filtered, "left out by the filter");
	count(&t, c->outside, "outside of the time asked for");
	page_field_at(p, LABELS, "", LABELS, t.s);
}

static void
quality_say(struct page_text *t, const struct record_capture *c)
{
	if (c->acked_bytes > 0 && c->acked_unseen > 0) {
		uint64_t tenths = c->acked_unseen < UINT64_MAX / 1000
		    ? c->acked_unseen * 1000 / c->acked_bytes
		    : 0;

		fact(t, "%" PRIu64 ".%" PRIu64 " %% of the bytes are missing (capture loss)",
		    tenths / 10, tenths % 10);
	}
	if (c->drops_known)
		counted(t, c->drops_kernel + c->drops_interface, "packet dropped while capturing",
		    "packets dropped while capturing");
	counted(t, c->duplicates, "copy dropped", "copies dropped");
	counted(t, c->cut_frames, "frame cut by the snap length", "frames cut by the snap length");
	count(t, c->undecodable, "undecodable");
	counted(t, c->fragments_orphaned, "incomplete fragment", "incomplete fragments");
	counted(
	    t, c->flows_one_sided, "connection seen one way only", "connections seen one way only");
	count(t, c->flows_midstream, "joined in the middle");
	if (c->clock_back > 0)
		fact(t, "the clock goes back %" PRIu64 " time%s", c->clock_back,
		    PLURAL(c->clock_back));
	counted(t, c->bad_checksums, "wrong checksum", "wrong checksums");
	counted(t, c->repaired, "frame with an impossible length or time",
	    "frames with an impossible length or time");
	counted(t, c->timeless, "frame without a time of its own",
	    "frames without a time of their own");
	count(t, c->unfilterable, "left out because the filter has no meaning on their link type");
	if (c->super_bytes > 0)
		fact(t, "segments larger than packets (offload)");
	count(t, c->unread, "of a link type that is not read");
}

static void
print_quality(const struct page *p, const struct record_capture *c)
{
	struct page_text t = { .len = 0 };

	quality_say(&t, c);
	if (t.len > 0 || c->damage[0] == '\0')
		page_field_at(
		    p, LABELS, "", LABELS, t.len > 0 ? t.s : "nothing missing, nothing doubled");
}

/* There is something to know about it: of too many captures such are told. */
static bool
is_flawed(const struct record_capture *c)
{
	struct page_text t = { .len = 0 };

	quality_say(&t, c);
	return t.len > 0 || c->damage[0] != '\0' || c->caps_hit > 0;
}

static void
print_damage(const struct page *p, const struct record_capture *c)
{
	struct page_text t = { .len = 0 };

	if (c->damage[0] != '\0') {
		fact(&t, "damaged behind frame %" PRIu64 ": %s", c->damage_frame, c->damage);
		page_field_at(p, LABELS, "", LABELS, t.s);
	}
	if (c->caps_hit > 0) {
		t.len = 0;
		fact(&t, "bounds were hit: %s", c->caps);
		page_field_at(p, LABELS, "", LABELS, t.s);
	}
}

bool
terminal_is_place(const struct finding *f)
{
	return f->kind == FINDING_CAPTURE_VANTAGE && strncmp(f->subkind, "pair", 4) != 0;
}

static void
print_place(const struct page *p, const struct correlator *correlator, uint32_t point)
{
	const struct finding *const *f;
	size_t n = correlator_findings(correlator, &f);

	for (size_t i = 0; i < n; i++)
		if (terminal_is_place(f[i]) && !f[i]->retracted && f[i]->point == point)
			page_field_at(p, LABELS, "", LABELS, f[i]->summary);
}

static void
print_no_frames(const struct page *p, const struct record_capture *c)
{
	struct page_text t = { .len = 0 };

	fact(&t, "no packets");
	count(&t, c->filtered, "left out by the filter");
	count(&t, c->outside, "outside of the time asked for");
	page_field_at(p, LABELS, "", LABELS, t.s);
}

static void
print_pieces(const struct page *p, const struct terminal_report *r, uint32_t point)
{
	const struct record_piece *v;
	char text[512];
	size_t n;

	if ((v = correlator_pieces(r->correlator, point, &n)) == NULL)
		return;
	snprintf(text, sizeof(text),
	    "in %zu pieces, the last of them %s; frames have their numbers in their pieces", n,
	    v[n - 1].file);
	page_field_at(p, LABELS, "", LABELS, text);
}

static void
print_capture(const struct page *p, const struct terminal_report *r, const struct record_capture *c)
{
	char name[TERMINAL_NAME];

	correlator_capture_name(r->correlator, c->key.point, 0, name, sizeof(name));
	page_field_at(p, 2, "", 2, name);
	print_pieces(p, r, c->key.point);
	if (c->frames == 0)
		print_no_frames(p, c);
	else {
		print_frames(p, c);
		print_quality(p, c);
	}
	print_damage(p, c);
}

/* The capture of a point that is one; NULL: none is known. */
static const struct record_capture *
capture_at(const struct terminal_report *r, uint32_t point)
{
	const struct record_capture *c = correlator_capture(r->correlator, point);

	return c != NULL && c->key.point == point ? c : NULL;
}

/* At most TERMINAL_CAPTURES of many, in their order. */
static void
print_captures(const struct page *p, const struct terminal_report *r)
{
	size_t count[2] = { 0 }, left[2] = { SIZE_MAX, SIZE_MAX }, untold = 0;
	const struct record_capture *c;
	uint64_t frames = 0;

	for (uint32_t i = 0; i < r->points; i++)
		if ((c = capture_at(r, i)) != NULL)
			count[is_flawed(c)]++;
	if (count[0] + count[1] > 0)
		terminal_heading(p, "Captures");
	if (!r->all && count[0] + count[1] > TERMINAL_CAPTURES) {
		left[true] = count[true] < TERMINAL_CAPTURES ? count[true] : TERMINAL_CAPTURES;
		left[false] = TERMINAL_CAPTURES - left[true];
	}
	for (uint32_t i = 0; i < r->points; i++) {
		if ((c = capture_at(r, i)) == NULL)
			continue;
		if (left[is_flawed(c)] == 0) {
			untold++;
			frames += c->frames;
			continue;
		}
		left[is_flawed(c)]--;
		print_capture(p, r, c);
		print_place(p, r->correlator, i);
	}
	if (untold > 0)
		page_line(p,
		    "  ... and %zu more, %" PRIu64
		    " frame%s in all; --all or --json tells all of them",
		    untold, frames, PLURAL(frames));
}

void
terminal_captures(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	print_captures(p, r);
	if (s->incomplete_count > 0)
		terminal_heading(p, "Incomplete");
	for (uint32_t i = 0; i < s->incomplete_count && i < 32; i++)
		page_field(p, "", 2, s->incomplete[i]);
}
