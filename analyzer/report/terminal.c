/* terminal.c - the order of the report, its first lines, and what its parts share. */
#include "report/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/addr.h"
#include "record/when.h"
#include "report/escape.h"

char *
terminal_clock(int64_t ns, char buf[TERMINAL_TIME])
{
	struct when w = when_split(ns);

	snprintf(buf, TERMINAL_TIME, "%02d:%02d:%02d.%03d", w.hour, w.minute, w.second, w.ns / 1000000);
	return buf;
}

char *
terminal_time(int64_t ns, char buf[TERMINAL_TIME])
{
	struct when w = when_split(ns);

	snprintf(buf, TERMINAL_TIME, "%04d-%02d-%02d %02d:%02d:%02d", w.year, w.month, w.day, w.hour,
	    w.minute, w.second);
	return buf;
}

char *
terminal_path(const struct endpoint *from, const struct endpoint *to, char buf[TERMINAL_PATH])
{
	char a[ENDPOINT_TEXT], b[ENDPOINT_TEXT];

	endpoint_format(from, a, sizeof(a));
	endpoint_format(to, b, sizeof(b));
	snprintf(buf, TERMINAL_PATH, "%s -> %s", a[0] != '\0' ? a : "anywhere", b[0] != '\0' ? b : "anywhere");
	return buf;
}

enum page_colour
terminal_colour(enum severity s)
{
	switch (s) {
	case SEVERITY_ERROR:
		return COLOUR_RED;
	case SEVERITY_WARNING:
		return COLOUR_YELLOW;
	default:
		return COLOUR_GREEN;
	}
}

void
terminal_heading(const struct page *p, const char *title)
{
	fputc('\n', p->out);
	page_put(p, COLOUR_BOLD, "%s", title);
	fputc('\n', p->out);
}

/* "3 mails", "1 mail" */
static void
add_count(char *buf, size_t size, uint64_t n, const char *one, const char *many)
{
	size_t len = strlen(buf);

	if (n > 0)
		snprintf(buf + len, size - len, "%s%" PRIu64 " %s", len > 0 ? ", " : "", n, n == 1 ? one : many);
}

static void
seen_mail(char *buf, size_t size, const struct summary *s)
{
	buf[0] = '\0';
	add_count(buf, size, s->accepted, "mail accepted", "mails accepted");
	add_count(buf, size, s->refused, "refused", "refused");
	add_count(buf, size, s->deferred, "deferred", "deferred");
	add_count(buf, size, s->lost, "lost", "lost");
	add_count(buf, size, s->unknown, "of unknown fate", "of unknown fate");
	add_count(buf, size, s->abandoned, "abandoned", "abandoned");
	add_count(buf, size, s->retrieved, "message fetched", "messages fetched");
	add_count(buf, size, s->cut, "fetch cut off", "fetches cut off");
}

/* What there was, for a report in which nothing is wrong or nothing was seen. */
static void
seen_all(char *buf, size_t size, const struct summary *s)
{
	seen_mail(buf, size, s);
	if (buf[0] != '\0')
		return;
	add_count(buf, size, s->smtp_sessions, "SMTP session", "SMTP sessions");
	add_count(buf, size, s->pop3_sessions, "POP3 session", "POP3 sessions");
	add_count(buf, size, s->imap_sessions, "IMAP session (only counted)", "IMAP sessions (only counted)");
}

static size_t
count_faults(const struct correlator *c)
{
	const struct finding *f;
	size_t n = correlator_findings(c, &f), faults = 0;

	for (size_t i = 0; i < n; i++)
		if (f[i].severity != SEVERITY_INFO && !f[i].retracted && f[i].confidence != CONFIDENCE_CANNOT_TELL)
			faults++;
	return faults;
}

static const char how_to_capture[] =
    "Capture where the mail passes, on the client, the server or a mirror port, from before it is sent "
    "until a minute after it failed:\n"
    "tcpdump -i any -s 0 -w mail.pcap 'port 25 or port 465 or port 587 or port 110 or port 995 or icmp or icmp6'";

/* The one sentence that answers; without a fault it says so. */
static void
print_answer(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	char seen[256], line[512];
	size_t faults = count_faults(r->correlator);

	seen_all(seen, sizeof(seen), s);
	if (faults > 0) {
		snprintf(line, sizeof(line), "%zu fault%s found%s%s.", faults, faults == 1 ? "" : "s",
		    seen[0] != '\0' ? "; " : "", seen);
		page_put(p, COLOUR_BOLD, "%s\n", line);
		return;
	}
	if (seen[0] != '\0') {
		snprintf(line, sizeof(line), "%s; no fault found in this capture%s.", seen,
		    s->incomplete_count > 0 ? ", which is incomplete" : "");
		page_put(p, s->incomplete_count > 0 ? COLOUR_YELLOW : COLOUR_GREEN, "%s\n", line);
		return;
	}
	snprintf(line, sizeof(line), "No mail was seen in %" PRIu64 " packets.", s->packets);
	page_put(p, COLOUR_YELLOW, "%s\n", line);
	page_field(p, "", 2, how_to_capture);
}

static void
print_top(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	char a[TERMINAL_TIME], b[TERMINAL_TIME];

	for (uint32_t i = 0; i < r->points; i++) {
		const struct record_capture *c = correlator_capture(r->correlator, i);

		if (c == NULL || c->frames == 0)
			continue;
		first = c->first.ns < first ? c->first.ns : first;
		last = c->last.ns > last ? c->last.ns : last;
	}
	fprintf(p->out, "mailwhy %s: %" PRIu64 " packet%s, %" PRIu64 " capture point%s", MAILWHY_VERSION,
	    s->packets, s->packets == 1 ? "" : "s", s->inputs, s->inputs == 1 ? "" : "s");
	if (first <= last)
		fprintf(p->out, ", %s to %s UTC", terminal_time(first, a), terminal_time(last, b) +
		    (first / 86400000000000 == last / 86400000000000 ? 11 : 0));
	fputs("\n\n", p->out);
}

void
terminal_print(const struct page *p, const struct terminal_report *r)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		fputs("mailwhy: no memory for the report\n", stderr);
		return;
	}
	correlator_summary(r->correlator, s);
	print_top(p, r, s);
	print_answer(p, r, s);
	terminal_findings(p, r);
	terminal_mails(p, r, s);
	terminal_captures(p, r, s);
	free(s);
}

void
terminal_finding_line(const struct page *p, const struct finding *f)
{
	char clock[TERMINAL_TIME], path[TERMINAL_PATH], text[1024];

	fprintf(p->out, "%s ", terminal_clock(f->last.ns, clock));
	page_put(p, terminal_colour(f->severity), "%s", kind_id(f->kind));
	fprintf(p->out, " %s %s (%s)", f->retracted ? "retracted" : confidence_name(f->confidence),
	    terminal_path(&f->from, &f->to, path), kind_facts(f->kind)->title);
	if (!f->retracted && f->summary[0] != '\0')
		fprintf(p->out, ": %s", escape_string(text, sizeof(text), f->summary));
	fputc('\n', p->out);
}
