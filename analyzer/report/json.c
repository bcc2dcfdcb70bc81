/* json.c - JSON lines in the order of the contract. */
#include "report/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/record_json.h"
#include "record/record_order.h"
#include "record/record_schema.h"
#include "report/lines.h"
#include "report/sorter.h"
#include "report/spool.h"

#define SPOOL_MEMORY   (64U << 20)
#define ENTRIES_MEMORY (1U << 17) /* entries; what is beyond goes to a file, like the lines */

struct entry { /* one record's line */
	struct record_order order;
	uint64_t at, serial; /* equal ones stay in the order they came */
	uint32_t len;
};

struct json_report {
	FILE *live; /* NULL: records are kept */
	struct spool *spool;
	struct sorter *order;
	uint64_t count;
	int error; /* errno of the first failure */
};

static int
entry_compare(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int c = record_order_compare(&a->order, &b->order);

	return c != 0 ? c : (a->serial > b->serial) - (a->serial < b->serial);
}

struct json_report *
json_report_new(FILE *live)
{
	struct json_report *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->live = live;
	j->spool = spool_new(SPOOL_MEMORY);
	j->order = sorter_new(sizeof(struct entry), ENTRIES_MEMORY, entry_compare);
	if (j->spool == NULL || j->order == NULL) {
		json_report_free(j);
		return NULL;
	}
	return j;
}

void
json_report_free(struct json_report *j)
{
	if (j == NULL)
		return;
	spool_free(j->spool);
	sorter_free(j->order);
	free(j);
}

static int
entry_keep(struct json_report *j, const struct record *r, const char *line)
{
	struct entry e;

	memset(&e, 0, sizeof(e)); /* its padding, too, goes to a file */
	e.order = record_order_of(r);
	e.len = (uint32_t)strlen(line);
	e.serial = j->count++;
	if (spool_add(j->spool, line, e.len, &e.at) != 0)
		return -1;
	return sorter_put(j->order, &e);
}

void
json_report_take(struct json_report *j, const struct record *r)
{
	char *line = record_json_encode(r);

	errno = ENOMEM;
	if (line != NULL && j->live != NULL)
		fprintf(j->live, "%s\n",
		    line); /* whether it arrived is seen when the output is closed */
	else if ((line == NULL || entry_keep(j, r, line) != 0) && j->error == 0)
		j->error = errno;
	free(line);
}

static void
print_records(struct json_report *j, FILE *out)
{
	const struct entry *e;
	const char *line;

	while ((e = sorter_take(j->order)) != NULL &&
	    (line = spool_get(j->spool, e->at, e->len)) != NULL) {
		fwrite(line, 1, e->len, out);
		fputc('\n', out);
	}
	if (errno != 0 && j->error == 0)
		j->error = errno;
}

/* A line that memory does not suffice for is told by the caller's errno. */
static int
print_line(FILE *out, const struct field_table *t, const void *object)
{
	char *line = record_json_line(t, object);

	if (line == NULL)
		return ENOMEM;
	fputs(line, out);
	fputc('\n', out);
	free(line);
	return 0;
}

static int
print_finding(FILE *out, const struct finding *f, const struct correlator *c)
{
	struct line_finding *l = malloc(sizeof(*l));
	int error = ENOMEM;

	if (l != NULL) {
		line_finding_fill(l, f, c);
		error = print_line(out, &finding_table, l);
	}
	free(l);
	return error;
}

void
json_report_finding(FILE *out, const struct finding *f, const struct correlator *c)
{
	print_finding(out, f, c);
}

static int
print_mails(FILE *out, const struct correlator *c)
{
	const struct fate *fates;
	size_t n = correlator_fates(c, &fates);
	struct line_mail mail;
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		line_mail_fill(&mail, &fates[i]);
		error = print_line(out, &mail_table, &mail);
	}
	return error;
}

static int
print_findings(FILE *out, const struct correlator *c)
{
	const struct finding *const *f;
	size_t n = correlator_findings(c, &f);
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = print_finding(out, f[i], c);
	return error;
}

static int
print_summary(FILE *out, const struct correlator *c)
{
	struct line_summary *l = calloc(1, sizeof(*l));
	int error = ENOMEM;

	if (l != NULL) {
		correlator_summary(c, &l->s);
		error = print_line(out, &summary_table, l);
	}
	free(l);
	return error;
}

int
json_report_end(struct json_report *j, FILE *out, const struct correlator *c)
{
	int error;

	print_records(j, out);
	error = print_mails(out, c);
	if (error == 0)
		error = print_findings(out, c);
	if (error == 0)
		error = print_summary(out, c);
	if (j->error == 0)
		j->error = error;
	errno = j->error;
	return j->error != 0 ? -1 : 0;
}

void
json_report_schema(FILE *out)
{
	static const struct field_table *const more[] = { &finding_table, &mail_table,
		&summary_table };

	record_schema_write(out, more, sizeof(more) / sizeof(more[0]));
}

/* ---- docs/findings.md ------------------------------------------------------- */

static const char *
or_dash(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : "-";
}

void
findings_markdown(FILE *out)
{
	fputs(
	    "# What mailwhy can say\n\nWritten by `mailwhy --print-findings`; the words stand in "
	    "`analyzer/correlator/finding/kinds.def`, `texts.def` and `meanings.def`.\n"
	    "A finding that *accuses* names a fault of a network, a host or a provider.\n"
	    "The phase is the order of judgement: a cause of an earlier one silences its symptoms.\n"
	    "`tests/kinds` has captures that must show each kind and captures that look alike and must not.\n",
	    out);
	for (unsigned int k = 0; k < FINDING_KINDS; k++) {
		const struct kind_facts *f = kind_facts((enum finding_kind)k);

		fprintf(out,
		    "\n## %s\n\n%s. Severity: %s. Phase %d.%s\n\n- On the wire: %s\n- How sure: %s\n"
		    "- Looks like it and is not: %s\n- What to do: %s\n- What the user's program shows: %s\n",
		    f->id, f->title, severity_name(f->severity), f->phase,
		    f->accuses ? " Accuses." : "", or_dash(f->wire), or_dash(f->levels),
		    or_dash(f->alike), or_dash(f->remedy), or_dash(f->client_shows));
	}
}
