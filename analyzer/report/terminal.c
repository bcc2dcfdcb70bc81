/* terminal.c - the order of the report, its first lines, and what its parts share. */
#include "report/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/net/link.h"
#include "record/addr.h"
#include "record/text.h"
#include "record/when.h"
#include "report/escape.h"

char *
terminal_clock(const struct page *p, int64_t ns, char buf[TERMINAL_TIME])
{
	struct when w = when_split(zone_local(p->zone, ns));

	snprintf(
	    buf, TERMINAL_TIME, "%02d:%02d:%02d.%03d", w.hour, w.minute, w.second, w.ns / 1000000);
	return buf;
}

char *
terminal_time(const struct page *p, int64_t ns, char buf[TERMINAL_TIME])
{
	struct when w = when_split(zone_local(p->zone, ns));

	snprintf(buf, TERMINAL_TIME, "%04d-%02d-%02d %02d:%02d:%02d.%03d", w.year, w.month, w.day,
	    w.hour, w.minute, w.second, w.ns / 1000000);
	return buf;
}

bool
terminal_same_day(const struct page *p, int64_t a_ns, int64_t b_ns)
{
	struct when a = when_split(zone_local(p->zone, a_ns)),
		    b = when_split(zone_local(p->zone, b_ns));

	return a.day == b.day && a.month == b.month && a.year == b.year;
}

char *
terminal_span(const struct page *p, int64_t first_ns, int64_t last_ns, char buf[TERMINAL_SPAN])
{
	char a[TERMINAL_TIME], b[TERMINAL_TIME], from[ZONE_OFFSET + 1] = " ", to[ZONE_OFFSET];

	bool once = strcmp(terminal_time(p, first_ns, a), terminal_time(p, last_ns, b)) == 0;

	zone_offset(p->zone, first_ns, from + 1);
	zone_offset(p->zone, last_ns, to);
	if (terminal_same_day(p, first_ns, last_ns))
		terminal_clock(p, last_ns, b);
	if (strcmp(from + 1, to) == 0)
		from[0] = '\0';
	else
		once = false;
	snprintf(buf, TERMINAL_SPAN, "%s%s%s%s %s", a, from, once ? "" : " to ", once ? "" : b, to);
	return buf;
}

char *
terminal_path(const struct endpoint *from, const struct endpoint *to, char buf[TERMINAL_PATH])
{
	char a[ENDPOINT_TEXT], b[ENDPOINT_TEXT];

	endpoint_format(from, a, sizeof(a));
	endpoint_format(to, b, sizeof(b));
	if (a[0] == '\0' && b[0] == '\0')
		strlcpy(buf, "the whole capture", TERMINAL_PATH);
	else
		snprintf(buf, TERMINAL_PATH, "%s -> %s", a[0] != '\0' ? a : "anywhere",
		    b[0] != '\0' ? b : "anywhere");
	return buf;
}

enum page_colour
terminal_colour(enum severity s)
{
	switch (s) {
	case SEVERITY_ERROR: return COLOUR_RED;
	case SEVERITY_WARNING: return COLOUR_YELLOW;
	default: return COLOUR_GREEN;
	}
}

void
terminal_heading(const struct page *p, const char *title)
{
	fputc('\n', p->out);
	page_put(p, COLOUR_BOLD, "%s", title);
	fputc('\n', p->out);
}

/* "3 mails accepted", then ", 1 refused": only the first of its sort has the noun. */
static void
add_count(char *buf, size_t size, uint64_t n, const char *noun, const char *what)
{
	size_t len = strlen(buf);

	if (n == 0)
		return;
	snprintf(buf + len, size - len, "%s%" PRIu64 "%s%s%s%s%s", len > 0 ? ", " : "", n,
	    noun[0] != '\0' ? " " : "", noun, noun[0] != '\0' && n != 1 ? "s" : "",
	    what[0] != '\0' ? " " : "", what);
}

static void
seen_smtp(char *buf, size_t size, const struct summary *s)
{
	const struct {
		uint64_t n;
		const char *what;
	} verdicts[] = {
		{ s->accepted, "accepted" },
		{ s->refused, "refused" },
		{ s->deferred, "deferred" },
		{ s->lost, "lost" },
		{ s->unknown, "without an answer in the capture" },
		{ s->abandoned, "abandoned" },
	};
	const char *noun = "mail";

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		add_count(buf, size, verdicts[i].n, noun, verdicts[i].what);
		noun = buf[0] != '\0' ? "" : noun;
	}
}

/* What there was. */
static void
seen_all(char *buf, size_t size, const struct summary *s)
{
	buf[0] = '\0';
	seen_smtp(buf, size, s);
	add_count(buf, size, s->retrieved, "POP3 message", "fetched");
	add_count(buf, size, s->cut, "POP3 message", "cut off");
	add_count(buf, size, s->end_unseen, "POP3 message", "whose end is not in the capture");
	add_count(buf, size, s->unconfirmed, "POP3 message", "sent, not confirmed to the end");
	if (buf[0] != '\0')
		return;
	add_count(buf, size, s->smtp_sessions, "SMTP session", "without a visible mail");
	add_count(buf, size, s->pop3_sessions, "POP3 session", "without a message fetched");
	add_count(buf, size, s->imap_sessions, "IMAP session", "(only counted)");
	add_count(buf, size, s->hidden_sessions, "encrypted session", "whose mails cannot be seen");
}

/* The faults of one kind: how many, and the worst and surest of them. */
struct faults {
	const struct finding *worst; /* NULL: none */
	size_t n;
};

static int
compare_faults(const void *a, const void *b)
{
	const struct faults *x = a, *y = b;

	if (x->worst == NULL || y->worst == NULL)
		return (x->worst == NULL) - (y->worst == NULL);
	return terminal_finding_compare(x->worst, y->worst);
}

/*
 * A fault is what can be told and is not mere information.  The kinds, worst first; how many there
 * are of all.
 */
static size_t
count_faults(const struct correlator *c, struct faults kinds[FINDING_KINDS])
{
	const struct finding *const *f;
	size_t n = correlator_findings(c, &f), all = 0;

	memset(kinds, 0, FINDING_KINDS * sizeof(*kinds));
	for (size_t i = 0; i < n; i++) {
		struct faults *k = &kinds[f[i]->kind];

		if (f[i]->severity == SEVERITY_INFO || f[i]->retracted ||
		    f[i]->confidence == CONFIDENCE_CANNOT_TELL)
			continue;
		all++;
		k->n++;
		if (k->worst == NULL || terminal_finding_compare(f[i], k->worst) < 0)
			k->worst = f[i];
	}
	qsort(kinds, FINDING_KINDS, sizeof(*kinds), compare_faults);
	return all;
}

static void
print_kind(const struct page *p, const struct faults *k)
{
	page_put(p, terminal_colour(k->worst->severity), "%s%s",
	    k->worst->confidence == CONFIDENCE_POSSIBLE ? "possibly, " : "",
	    kind_facts(k->worst->kind)->title);
}

/* One line, or one for each kind. */
static void
print_faults(const struct page *p, const struct faults kinds[FINDING_KINDS], size_t all)
{
	size_t more = 0;

	page_put(p, terminal_colour(kinds[0].worst->severity), "%zu fault%s%s:", all, PLURAL(all),
	    all > 1 && kinds[1].worst == NULL ? " of one kind" : "");
	if (kinds[1].worst == NULL) {
		fputc(' ', p->out);
		print_kind(p, &kinds[0]);
		page_line(p, ".");
		return;
	}
	fputc('\n', p->out);
	for (size_t i = 0; i < FINDING_KINDS && kinds[i].worst != NULL; i++) {
		if (i >= TERMINAL_KINDS) {
			more++;
			continue;
		}
		fputs("  ", p->out);
		print_kind(p, &kinds[i]);
		if (kinds[i].n > 1)
			fprintf(p->out, ", %zu times", kinds[i].n);
		fputc('\n', p->out);
	}
	if (more > 0)
		page_line(p, "  and %zu more kind%s", more, PLURAL(more));
}

/*
 * What looks like a fault, and this capture cannot decide: the report says below what is missing.
 */
static size_t
count_undecided(const struct correlator *c)
{
	const struct finding *const *f;
	size_t n = correlator_findings(c, &f), undecided = 0;

	for (size_t i = 0; i < n; i++)
		undecided += f[i]->severity != SEVERITY_INFO && !f[i]->retracted &&
		    f[i]->confidence == CONFIDENCE_CANNOT_TELL;
	return undecided;
}

/*
 * What may be why nothing got through, and is no fault by itself: a client that leaves when it has
 * read what a server offers.
 */
static size_t
count_hints(const struct correlator *c, const struct summary *s)
{
	const struct finding *const *f;
	size_t n = correlator_findings(c, &f), hints = 0;

	if (s->accepted + s->retrieved > 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		hints += f[i]->severity == SEVERITY_INFO && !f[i]->retracted &&
		    (f[i]->confidence == CONFIDENCE_POSSIBLE ||
			f[i]->kind == FINDING_TLS_NOT_OFFERED);
	return hints;
}

static const char how_to_capture[] =
    "Capture where the mail passes, on the client, the server or a mirror port, from before it is sent "
    "until a minute after it failed:\n"
    "tcpdump -i any -s 0 -w mail.pcap 'port 25 or port 465 or port 587 or port 110 or port 995 or icmp or icmp6'";

/* Diagnosis 5.9: what never reached the wire. */
static const char before_the_wire[] =
    "If a mail program shows an error while nothing is seen on its host's own interface, the fault lies before the wire: "
    "its name lookups (DNS; Outlook: 0x800CCC0D), a virus scanner or firewall on that host. Such a scanner speaks over the loopback: tcpdump -i lo.";

static const char behind_the_air[] =
    "On the air nearly everything is encrypted: capture on the host itself, not in monitor mode, or behind the access point.";

static bool
is_wireless(const struct terminal_report *r)
{
	for (uint32_t i = 0; i < r->points; i++) {
		const struct record_capture *c = correlator_capture(r->correlator, i);

		if (c != NULL &&
		    (c->link_type == LINK_80211 || c->link_type == LINK_RADIOTAP ||
			c->link_type == LINK_PPI))
			return true;
	}
	return false;
}

/* Of a capture that has packets -f, --from or --to left none. */
static bool
print_all_left_out(const struct page *p, const struct terminal_report *r)
{
	uint64_t filtered = 0, outside = 0;
	char text[256], offset[ZONE_OFFSET];

	for (uint32_t i = 0; i < r->points; i++) {
		const struct record_capture *c = correlator_capture(r->correlator, i);

		filtered += c != NULL ? c->filtered : 0;
		outside += c != NULL ? c->outside : 0;
	}
	if (filtered + outside == 0)
		return false;
	page_put(p, COLOUR_YELLOW, "Nothing is left to look at.");
	fputc('\n', p->out);
	snprintf(text, sizeof(text),
	    "Packets outside of the time asked for (--from, --to; %s): %" PRIu64
	    "; left out by the filter (-f): %" PRIu64 ".",
	    p->zone != NULL && p->zone->name != NULL ? p->zone->name
						     : zone_offset(p->zone, 0, offset),
	    outside, filtered);
	page_field(p, "", 2, text);
	return true;
}

struct frames {
	uint64_t unread, mail;
};

static struct frames
count_frames(const struct terminal_report *r)
{
	struct frames n = { 0 };

	for (uint32_t i = 0; i < r->points; i++) {
		const struct record_capture *c = correlator_capture(r->correlator, i);

		n.unread += c != NULL ? c->unread : 0;
		n.mail += c != NULL ? c->mail_frames : 0;
	}
	return n;
}

/* Frames in which nothing is looked for are no capture without mail. */
static bool
print_unread(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	uint64_t unread = count_frames(r).unread;

	if (unread == 0 || unread < s->packets)
		return false;
	page_put(
	    p, COLOUR_YELLOW, "Nothing could be read: of this link type no frame is understood.");
	fputc('\n', p->out);
	page_field(p, "", 2, how_to_capture);
	return true;
}

/* The words that answer: the worst fault, or that there is none, or that nothing was seen. */
static void
print_answer(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	struct faults kinds[FINDING_KINDS];
	size_t faults = count_faults(r->correlator, kinds),
	       undecided = count_undecided(r->correlator);
	char seen[512];

	seen_all(seen, sizeof(seen), s);
	if (faults > 0) {
		print_faults(p, kinds, faults);
		if (seen[0] == '\0' && count_frames(r).mail == 0)
			snprintf(seen, sizeof(seen), "No mail was seen in %" PRIu64 " packet%s.",
			    s->packets, PLURAL(s->packets));
		page_field_at(p, 0, "", 0, seen);
	} else if (undecided > 0) {
		page_put(p, COLOUR_YELLOW,
		    seen[0] != '\0' ? "%s; no fault proven, %zu that this capture cannot decide."
				    : "%sNo fault proven, %zu that this capture cannot decide.",
		    seen, undecided);
		fputc('\n', p->out);
	} else if (seen[0] != '\0') {
		size_t hints = count_hints(r->correlator, s);
		const char *capture = s->incomplete_count > 0
		    ? " in this capture, which is incomplete"
		    : hints > 0 ? ""
				: " in this capture";
		char below[32] = "";

		if (hints > 0)
			snprintf(below, sizeof(below), ", see the hint%s below", PLURAL(hints));
		page_put(p, s->incomplete_count > 0 || hints > 0 ? COLOUR_YELLOW : COLOUR_GREEN,
		    "%s; no fault found%s%s.", seen, capture, below);
		fputc('\n', p->out);
	} else if (!print_unread(p, r, s) && (s->packets > 0 || !print_all_left_out(p, r))) {
		bool asked = count_frames(r).mail > 0;

		page_put(p, COLOUR_YELLOW,
		    asked ? "A mail port was asked, but no mail was seen in %" PRIu64 " %s."
			: s->packets > 0 ? "No mail was seen in %" PRIu64 " %s."
					 : "There is nothing to see: %" PRIu64 " %s.",
		    s->packets, s->packets == 1 ? "packet" : "packets");
		fputc('\n', p->out);
		page_field(p, "", 2, how_to_capture);
		if (!asked)
			page_field(p, "", 2, before_the_wire);
		if (is_wireless(r))
			page_field(p, "", 2, behind_the_air);
	}
}

bool
terminal_period(const struct terminal_report *r, int64_t *first, int64_t *last)
{
	*first = INT64_MAX;
	*last = INT64_MIN;
	for (uint32_t i = 0; i < r->points; i++) {
		const struct record_capture *c = correlator_capture(r->correlator, i);

		if (c == NULL || c->frames == 0)
			continue;
		*first = c->first.ns < *first ? c->first.ns : *first;
		*last = c->last.ns > *last ? c->last.ns : *last;
	}
	return *first <= *last;
}

static void
print_top(const struct page *p, const struct terminal_report *r, const struct summary *s)
{
	char span[TERMINAL_SPAN];
	int64_t first, last;

	fprintf(p->out, "mailwhy %s: %" PRIu64 " packet%s, %" PRIu64 " input%s", MAILWHY_VERSION,
	    s->packets, PLURAL(s->packets), s->inputs, PLURAL(s->inputs));
	if (terminal_period(r, &first, &last)) {
		fprintf(p->out, ", %s", terminal_span(p, first, last, span));
		if (p->zone != NULL && p->zone->name != NULL)
			fprintf(p->out, " (%s)", p->zone->name);
	}
	fputs("\n\n", p->out);
}

/*
 * A name that stands at every frame is told without what all of them have; under "Captures" it
 * stands whole.
 */
static size_t
common_directory(const struct terminal_report *r)
{
	const char *first = NULL;
	size_t common = 0;

	for (uint32_t i = 0; i < r->points; i++) { /* pieces lie where the first of them lies */
		const struct record_capture *c = correlator_capture(r->correlator, i);
		size_t n = 0, slash = 0;

		if (c == NULL || c->file[0] == '\0')
			continue;
		for (; first != NULL && n < common && c->file[n] == first[n]; n++)
			slash = c->file[n] == '/' ? n + 1 : slash;
		if (first == NULL) {
			const char *end = strrchr(c->file, '/');

			first = c->file;
			slash = end != NULL ? (size_t)(end - first) + 1 : 0;
		}
		common = slash;
	}
	return common;
}

int
terminal_print(const struct page *p, const struct terminal_report *given)
{
	struct summary *s = calloc(1, sizeof(*s));
	struct terminal_report r = *given;
	int rc;

	if (s == NULL)
		return -1;
	r.directory = common_directory(&r);
	correlator_summary(r.correlator, s);
	print_top(p, &r, s);
	print_answer(p, &r, s);
	rc = terminal_findings(p, &r);
	terminal_mails(p, &r, s);
	terminal_captures(p, &r, s);
	free(s);
	return rc;
}

void
terminal_finding_line(const struct page *p, const struct finding *f)
{
	char time[TERMINAL_TIME], offset[ZONE_OFFSET], path[TERMINAL_PATH], text[1024];

	fprintf(p->out, "%s %s ", terminal_time(p, f->last.ns, time),
	    zone_offset(p->zone, f->last.ns, offset));
	page_put(p, terminal_colour(f->severity), "%s", kind_id(f->kind));
	fprintf(p->out, " %s %s (%s)", f->retracted ? "retracted" : confidence_name(f->confidence),
	    terminal_path(&f->from, &f->to, path), kind_facts(f->kind)->title);
	if (!f->retracted && f->summary[0] != '\0')
		fprintf(p->out, ": %s", escape_string(text, sizeof(text), f->summary));
	fputc('\n', p->out);
}
