/* terminal_findings.c - the findings, worst and surest first. */
#include "report/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/addr.h"
#include "report/alike.h"
#include "report/escape.h"

#define LABELS 17 /* column at which texts begin */
#define TEXT   2048

/* What can be told first, then severity, confidence, time, id: the same input, the same order. */
int
terminal_finding_compare(const struct finding *a, const struct finding *b)
{
	bool a_told = a->confidence != CONFIDENCE_CANNOT_TELL,
	     b_told = b->confidence != CONFIDENCE_CANNOT_TELL;

	if (a_told != b_told)
		return a_told ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->confidence != b->confidence)
		return a->confidence > b->confidence ? -1 : 1;
	if (a->first.ns != b->first.ns)
		return a->first.ns < b->first.ns ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int
compare_pointers(const void *a, const void *b)
{
	return terminal_finding_compare(
	    *(const struct finding *const *)a, *(const struct finding *const *)b);
}

static const char *
severity_word(const struct finding *f)
{
	if (f->confidence == CONFIDENCE_CANNOT_TELL)
		return "CANNOT TELL";
	switch (f->severity) {
	case SEVERITY_ERROR: return "ERROR";
	case SEVERITY_WARNING: return "WARNING";
	default: return "INFO";
	}
}

static void
print_title(const struct page *p, const struct finding *f)
{
	char id[ID_TEXT];

	fputc('\n', p->out);
	page_put(p, terminal_colour(f->severity), "%s", severity_word(f));
	page_put(p, COLOUR_BOLD, "  %s", kind_facts(f->kind)->title);
	fprintf(p->out, "\n  %s%s%s  ", kind_id(f->kind), f->subkind[0] != '\0' ? " / " : "",
	    f->subkind);
	page_put(p, COLOUR_DIM, "%s", id_format(f->id, id));
	fputc('\n', p->out);
}

size_t
terminal_source(const struct terminal_report *r, uint32_t point, uint64_t frame, const char *before,
    char *text, size_t size)
{
	char name[TERMINAL_NAME];

	text[0] = '\0';
	if (correlator_capture(r->correlator, 1) == NULL &&
	    correlator_piece(r->correlator, point, frame) == NULL)
		return 0;
	if (correlator_capture_name(r->correlator, point, frame, name, sizeof(name)) > r->directory)
		snprintf(text, size, "%s%s", before, name + r->directory);
	return strlen(text);
}

uint64_t
terminal_frame(const struct terminal_report *r, uint32_t point, uint64_t frame)
{
	const struct record_piece *piece = correlator_piece(r->correlator, point, frame);

	return piece != NULL ? frame - piece->before : frame;
}

/* Its path; what is about captures names them, where there are several.  Not escaped. */
static const char *
where_text(const struct terminal_report *r, const struct finding *f, char buf[TERMINAL_NAME])
{
	terminal_path(&f->from, &f->to, buf);
	if (f->from.ip.family != 0 || f->to.ip.family != 0 ||
	    correlator_capture(r->correlator, 1) == NULL)
		return buf;
	for (uint32_t i = 1; i < f->evidence_count && i < FINDING_EVIDENCE; i++)
		if (f->evidence[i].point != f->evidence[0].point)
			return "several captures";
	terminal_source(
	    r, f->evidence_count > 0 ? f->evidence[0].point : f->point, 0, "", buf, TERMINAL_NAME);
	return buf;
}

/* "confirmed; of 2 of the 5 connections it is less sure" */
static void
sure_text(const struct finding *f, char *text, size_t size)
{
	bool told = f->confidence != CONFIDENCE_CANNOT_TELL;

	snprintf(text, size, "%s", told ? confidence_name(f->confidence) : "cannot tell");
	if (f->less_sure > 0)
		snprintf(text + strlen(text), size - strlen(text),
		    "; of %u of the %u connections it is less sure", f->less_sure,
		    f->session_count);
}

static void
print_where(const struct page *p, const struct finding *f, const struct terminal_report *r)
{
	char where[TERMINAL_NAME], text[TEXT], span[TERMINAL_SPAN];

	snprintf(text, sizeof(text), "%s", where_text(r, f, where));
	if (f->session_count > 1)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%u connections)",
		    f->session_count);
	page_field(p, "Where", LABELS, text);
	if (f->first.frame != 0)
		page_field(p, "When", LABELS, terminal_span(p, f->first.ns, f->last.ns, span));
	sure_text(f, text, sizeof(text));
	page_field(p, "How sure", LABELS, text);
}

/*
 * "frames 3, 5, ... 9 of client.pcap (eth0)", of several pieces "3, 5 of a.pcap, 9 of b.pcap", at
 * most `most' of them; its length.
 */
static size_t
frames_text(char *text, size_t size, const struct finding_evidence *e, uint32_t most,
    const struct terminal_report *r)
{
	uint32_t n = e->frame_count < FINDING_FRAMES ? e->frame_count : FINDING_FRAMES,
		 skip = n > most ? n - most : 0;
	const struct record_piece *piece = NULL;
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0, last = 0; i < n; last = i++) {
		const struct record_piece *now;

		if (i == n - 1 - skip)
			i += skip;
		now = correlator_piece(r->correlator, e->point, e->frames[i]);
		if (i > 0 && now != piece)
			len += terminal_source(
			    r, e->point, e->frames[last], " of ", text + len, size - len);
		piece = now;
		len += (size_t)snprintf(text + len, size - len, "%s%" PRIu64,
		    i == 0                       ? (n == 1 ? "frame " : "frames ")
			: i == n - 1 && skip > 0 ? ", ... "
						 : ", ",
		    terminal_frame(r, e->point, e->frames[i]));
	}
	return len +
	    terminal_source(r, e->point, n > 0 ? e->frames[n - 1] : 0, n > 0 ? " of " : "",
		text + len, size - len);
}

static void
print_proof(const struct page *p, const struct finding_evidence *e, const struct terminal_report *r,
    const char *label)
{
	char text[TEXT];
	size_t len = frames_text(text, sizeof(text), e, FINDING_FRAMES, r);

	snprintf(text + len, sizeof(text) - len, "%s%s", len > 0 ? ": " : "", e->says);
	page_field(p, label, LABELS, text);
}

static void
print_excluded(const struct page *p, const struct finding *f)
{
	char text[TEXT];

	for (uint32_t i = 0; i < f->excluded_count && i < FINDING_EXCLUDED; i++) {
		snprintf(
		    text, sizeof(text), "%s: %s", kind_id(f->excluded[i].kind), f->excluded[i].why);
		page_field(p, i == 0 ? "Ruled out" : "", LABELS, text);
	}
}

static void
add_number(char *buf, size_t size, const char *fmt, uint32_t v)
{
	size_t len = strlen(buf);

	if (v != 0 && len < size) {
		if (len > 0)
			len += (size_t)snprintf(buf + len, size - len, ", ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(buf + len, size - len, fmt, v); /* formats of print_mtu() only */
#pragma GCC diagnostic pop
	}
}

static void
print_mtu(const struct page *p, const struct finding *f)
{
	char text[256] = "";

	if (!f->has_mtu)
		return;
	add_number(text, sizeof(text), "%u bytes got through", f->mtu.proven);
	add_number(text, sizeof(text), "at most %u fit", f->mtu.upper);
	add_number(text, sizeof(text), "try MTU %u", f->mtu.try);
	add_number(text, sizeof(text), "MTU %u is safe", f->mtu.safe);
	add_number(text, sizeof(text), "clamp the MSS to %u", f->mtu.mss);
	page_field(p, "Size", LABELS, text);
}

static void
print_reply(const struct page *p, const struct finding *f)
{
	char text[TEXT];

	if (!f->has_reply || strstr(f->summary, f->reply.text) != NULL)
		return; /* what happened quotes it */
	if (f->reply.code > 1)
		snprintf(text, sizeof(text), "%u %s", f->reply.code, f->reply.text);
	else
		snprintf(text, sizeof(text), "%s", f->reply.text);
	page_field(p, "Server said", LABELS, text);
}

/*
 * "192.0.2.11:40001 -> 198.51.100.25:25 (3 connections), frames 57, 59: 550 no such user"; what the
 * first said, too, is left out.
 */
static void
other_text(char *text, size_t size, const struct finding *f, const struct finding *first,
    const struct terminal_report *r)
{
	char path[TERMINAL_PATH], many[32] = "", frames[TEXT] = "", code[8] = "";
	bool shown =
	    f->evidence_count > 0 && frames_text(frames, sizeof(frames), &f->evidence[0], 3, r) > 0;
	bool words = f->has_reply && strcmp(f->reply.text, first->reply.text) != 0;

	if (f->session_count > 1)
		snprintf(many, sizeof(many), " (%u connections)", f->session_count);
	if (words && f->reply.code > 1)
		snprintf(code, sizeof(code), "%u ", f->reply.code);
	snprintf(text, size, "%s%s%s%s%s%s%s", terminal_path(&f->from, &f->to, path), many,
	    shown ? ", " : "", frames, words ? ": " : "", code, words ? f->reply.text : "");
}

/* Of what is alike only the paths, and the words where they differ. */
static void
print_others(const struct page *p, const struct alike *g, const struct terminal_report *r,
    unsigned int at, unsigned int indent)
{
	char text[TEXT];

	for (size_t i = 1; i < g->count && i <= TERMINAL_ALIKE; i++) {
		other_text(text, sizeof(text), g->v[i], g->v[0], r);
		page_field_at(p, at, i == 1 ? "The same" : "", indent, text);
	}
	if (g->count > TERMINAL_ALIKE + 1) {
		snprintf(text, sizeof(text), "and %zu more; --all or --json tells all of them",
		    g->count - TERMINAL_ALIKE - 1);
		page_field_at(p, at, "", indent, text);
	}
}

static void
print_fault(const struct page *p, const struct alike *g, const struct terminal_report *r)
{
	const struct finding *f = g->v[0];

	print_title(p, f);
	print_where(p, f, r);
	page_field(p, "What happened", LABELS, f->summary);
	print_mtu(p, f);
	print_reply(p, f);
	page_field(p, "What to do", LABELS, f->remedy);
	for (uint32_t i = 0; i < f->evidence_count && i < FINDING_EVIDENCE; i++)
		print_proof(p, &f->evidence[i], r, i == 0 ? "Proof" : "");
	print_excluded(p, f);
	print_others(p, g, r, 2, LABELS);
	page_field(p, "Program shows", LABELS, f->client_shows);
	page_field(p, "Capture next", LABELS, f->next_capture);
}

/* What is no fault: two lines and its first proof. */
static void
print_info(const struct page *p, const struct alike *g, const struct terminal_report *r)
{
	const struct finding *f = g->v[0];
	char where[TERMINAL_NAME], frames[TEXT] = "", text[2 * TEXT];
	bool shown;

	fprintf(p->out, "  %s, %s", kind_id(f->kind),
	    f->retracted ? "retracted" : confidence_name(f->confidence));
	fprintf(p->out, "  %s\n", escape_string(text, sizeof(text), where_text(r, f, where)));
	if (f->retracted) {
		page_line(
		    p, "      Said while the capture ran; what came later does not bear it out.");
		return;
	}
	shown = f->evidence_count > 0 &&
	    frames_text(frames, sizeof(frames), &f->evidence[0], FINDING_FRAMES, r) > 0;
	snprintf(text, sizeof(text), "%s%s%s%s", f->summary, shown ? " [" : "", frames,
	    shown ? "]" : "");
	page_field_at(p, 6, "", 6, text);
	page_field_at(p, 6, "", 6, f->remedy);
	print_others(p, g, r, 6, 16);
}

static bool
is_info(const struct finding *f)
{
	return f->retracted ||
	    (f->severity == SEVERITY_INFO && f->confidence != CONFIDENCE_CANNOT_TELL);
}

/* Live, what is less than probable was not told before, and need not be taken back. */
static bool
is_told(const struct finding *f)
{
	return !f->retracted || f->confidence >= CONFIDENCE_PROBABLE;
}

static void
print_rest(const struct page *p, size_t left)
{
	if (left > 0)
		page_line(p, "  ... and %zu more; --all or --json tells all of them", left);
}

/*
 * One by one with --all; else what is alike once, and no more than `most' of that.  -1: no memory.
 */
static int
print_groups(const struct page *p, const struct terminal_report *r, const struct finding **v,
    size_t n,
    void (*print)(const struct page *, const struct alike *, const struct terminal_report *),
    size_t most, bool anywhere)
{
	size_t count = 0, left = n;
	struct alike *groups;

	for (size_t i = 0; i < n && r->all; i++)
		print(p, &(struct alike){ v + i, 1 }, r);
	if (n == 0 || r->all)
		return 0;
	if ((groups = alike_group(v, n, anywhere, &count)) == NULL)
		return -1;
	for (size_t i = 0; i < count && i < most; i++) {
		print(p, &groups[i], r);
		left -= groups[i].count;
	}
	print_rest(p, left);
	free(groups);
	return 0;
}

/* The worst come first, so what is over the caps is the least. */
static int
print_sorted(const struct page *p, const struct finding **faults, size_t n,
    const struct finding **infos, size_t m, const struct terminal_report *r)
{
	if (print_groups(p, r, faults, n, print_fault, TERMINAL_FAULTS, false) != 0)
		return -1;
	if (m > 0)
		terminal_heading(p, "Also seen");
	return print_groups(p, r, infos, m, print_info, TERMINAL_INFOS, true);
}

int
terminal_findings(const struct page *p, const struct terminal_report *r)
{
	const struct finding *const *f;
	const struct finding **sorted;
	size_t n = correlator_findings(r->correlator, &f), faults = 0, infos = 0;
	int rc;

	if (n == 0)
		return 0;
	if ((sorted = reallocarray(NULL, 2 * n, sizeof(struct finding *))) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (is_told(f[i]) && !is_info(f[i]))
			sorted[faults++] = f[i];
		else if (is_told(f[i]) && !terminal_is_place(f[i]))
			sorted[n + infos++] = f[i];
	}
	qsort(sorted, faults, sizeof(struct finding *), compare_pointers);
	qsort(sorted + n, infos, sizeof(struct finding *), compare_pointers);
	rc = print_sorted(p, sorted, faults, sorted + n, infos, r);
	free(sorted);
	return rc;
}
