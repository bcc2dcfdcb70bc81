/* pipeline.c - what records go through, and what is printed in the end. */
#include "pipeline.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/filter.h"
#include "record/record_caps.h"
#include "report/escape.h"
#include "report/terminal.h"

#define REPLIES_MAX       (1U << 20) /* bytes of a user's reply table */
#define LINKTYPE_ETHERNET 1

void
complain(struct pipeline *p, const char *fmt, ...)
{
	char text[1024], safe[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p != NULL)
		progress_end(&p->progress);
	fprintf(stderr, "mailwhy: %s\n", escape_string(safe, sizeof(safe), text));
}

bool
pipeline_reader_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* ---- opening ---------------------------------------------------------------- */

void
pipeline_take(struct pipeline *p, const struct record *r)
{
	correlator_take(p->correlator, r);
	if (p->take != TAKE_JUDGED && p->log != NULL)
		record_log_write(p->log, r);
	if (p->take != TAKE_ALL)
		return;
	if (p->json != NULL)
		json_report_take(p->json, r);
	if (p->transcript != NULL)
		transcript_take(p->transcript, r);
}

/*
 * mail/ serves all points: what its bounds cost since the last point ended is said with this one.
 */
static void
capture_take(struct pipeline *p, const struct record *r)
{
	struct mail_caps now = mail_caps_get(p->mail), *was = &p->mail_caps;
	struct record whole;

	whole.type = RECORD_CAPTURE;
	whole.capture = r->capture;
	record_caps_add(&whole.capture, "mail-held", now.held - was->held);
	record_caps_add(&whole.capture, "mail-recipients", now.recipients - was->recipients);
	record_caps_add(&whole.capture, "mail-transactions", now.transactions - was->transactions);
	record_caps_add(&whole.capture, "mail-listings", now.listings - was->listings);
	record_caps_add(&whole.capture, "mail-fetches", now.fetches - was->fetches);
	record_caps_add(&whole.capture, "mail-searches", now.searches_cut - was->searches_cut);
	record_caps_add(&whole.capture, "mail-memory", now.memory - was->memory);
	*was = now;
	whole.capture.outside = p->outside;
	p->outside = 0;
	pipeline_take(p, &whole);
}

/* What flow/ and mail/ saw; records that are read come to pipeline_take() as they are. */
static void
observed_take(void *ctx, const struct record *r)
{
	struct pipeline *p = ctx;

	if (r->type == RECORD_CAPTURE && p->take != TAKE_JUDGED)
		capture_take(ctx, r);
	else
		pipeline_take(ctx, r);
}

/* The whole file as a string, to be freed; NULL after a message. */
static char *
read_replies(struct pipeline *p, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = in != NULL ? malloc(REPLIES_MAX + 1) : NULL;
	size_t n = text != NULL ? fread(text, 1, REPLIES_MAX + 1, in) : 0;

	if (text == NULL || ferror(in) || n > REPLIES_MAX) {
		complain(p, "%s: %s", path,
		    n > REPLIES_MAX ? "too large for a table of replies" : strerror(errno));
		free(text);
		text = NULL;
	} else
		text[n] = '\0';
	if (in != NULL)
		fclose(in);
	return text;
}

static int
open_correlator(struct pipeline *p)
{
	struct correlator_options co = { .user_replies = NULL };
	char err[256] = "no memory", *text = NULL;
	bool memory;

	if (p->o->replies != NULL && (text = read_replies(p, p->o->replies)) == NULL)
		return EXIT_INPUT;
	co.user_replies = text;
	errno = 0;
	p->correlator = correlator_new(&co, err, sizeof(err));
	memory = errno == ENOMEM;
	if (p->correlator == NULL)
		complain(
		    p, "%s%s%s", text != NULL ? p->o->replies : "", text != NULL ? ": " : "", err);
	free(text);
	if (p->correlator == NULL)
		return memory ? EXIT_INPUT : EXIT_USAGE;
	return 0;
}

/*
 * The key is fixed: the same capture must give the same records.  It keeps
 * names from being read, not from being guessed; docs/records.md says so.
 */
static int
open_mail(struct pipeline *p)
{
	struct mail_options mo = { .show_users = p->o->show_users, .key = "mailwhy-user-v1" };

	if (p->o->output == OUTPUT_TRANSCRIPT) {
		if ((p->transcript = transcript_new()) == NULL)
			return -1;
		mo.transcript = transcript_event;
		mo.transcript_ctx = p->transcript;
	}
	if (p->o->output == OUTPUT_JSON &&
	    (p->json = json_report_new(p->o->interface_count > 0 ? stdout : NULL)) == NULL)
		return -1;
	if ((p->mail = mail_new(&mo, &p->sink)) == NULL)
		return -1;
	p->watcher = mail_watcher(p->mail);
	/* records may meet those of another place later */
	if (p->o->records != NULL || p->o->output == OUTPUT_JSON || p->o->interface_count > 1)
		mail_compare(p->mail);
	return 0;
}

static int
open_filter(struct pipeline *p)
{
	char err[256];
	struct filter *f;

	if (p->o->filter == NULL)
		return 0;
	if ((f = filter_new(p->o->filter, LINKTYPE_ETHERNET, false, err, sizeof(err))) == NULL) {
		complain(p, "-f: %s", err);
		return EXIT_USAGE;
	}
	filter_free(f);
	return 0;
}

/* The records would be written over what they are made of. */
static bool
records_over_input(const struct options *o)
{
	struct stat out, in;

	if (stat(o->records, &out) != 0 || !S_ISREG(out.st_mode))
		return false;
	for (size_t i = 0; i < o->input_count; i++)
		if (stat(o->inputs[i], &in) == 0 && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino)
			return true;
	return false;
}

static int
open_records(struct pipeline *p)
{
	char err[512];

	if (p->o->records == NULL)
		return 0;
	if (records_over_input(p->o)) {
		complain(p, "%s: is an input: the records must go elsewhere", p->o->records);
		return EXIT_USAGE;
	}
	if ((p->log = record_log_create(p->o->records, err, sizeof(err))) == NULL) {
		complain(p, "%s", err);
		return EXIT_INPUT;
	}
	return 0;
}

int
pipeline_open(struct pipeline *p, const struct options *o)
{
	int rc;

	*p = (struct pipeline){
		.o = o, .page = page_on(stdout, o->colour), .progress = progress_start(o->progress)
	};
	p->page.zone = &o->zone;
	p->sink = (struct record_sink){ .take = observed_take, .ctx = p };
	if ((rc = open_filter(p)) != 0 || (rc = open_correlator(p)) != 0)
		return rc;
	if (open_mail(p) != 0) {
		complain(p, "no memory");
		return EXIT_INPUT;
	}
	return open_records(p);
}

void
pipeline_close(struct pipeline *p)
{
	char err[512];

	if (record_log_close(p->log, err, sizeof(err)) != 0)
		complain(p, "%s", err);
	if (p->mail != NULL)
		mail_free(p->mail);
	transcript_free(p->transcript);
	json_report_free(p->json);
	if (p->correlator != NULL)
		correlator_free(p->correlator);
}

/* ---- the answer ------------------------------------------------------------- */

static void
print_output(struct pipeline *p)
{
	struct terminal_report r = {
		.correlator = p->correlator, .points = p->points, .all = p->o->all
	};
	int rc = 0;

	if (p->o->records != NULL && strcmp(p->o->records, "-") == 0)
		return; /* standard output is the records' */
	if (p->o->output != OUTPUT_JSON && p->input_failed && p->points == 0)
		return; /* nothing was read, and that was said */
	if (p->o->output == OUTPUT_JSON)
		rc = json_report_end(p->json, stdout, p->correlator);
	else if (p->o->output == OUTPUT_TRANSCRIPT)
		rc = transcript_print(p->transcript, &p->page);
	else
		rc = terminal_print(&p->page, &r);
	if (rc != 0) {
		if (!pipeline_reader_gone())
			complain(p, "the output is incomplete: %s", strerror(errno));
		p->output_failed = true;
	}
}

static void
close_output(struct pipeline *p)
{
	char err[512];
	bool gone =
	    p->o->records != NULL && strcmp(p->o->records, "-") == 0 && pipeline_reader_gone();

	if (record_log_close(p->log, err, sizeof(err)) != 0) {
		if (!gone)
			complain(p, "%s", err);
		p->output_failed = true;
	}
	p->log = NULL;
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (!pipeline_reader_gone())
			complain(p, "standard output: %s",
			    errno != 0 ? strerror(errno) : "could not be written");
		p->output_failed = true;
	}
}

static bool
fault_found(const struct correlator *c)
{
	const struct finding *const *f;
	size_t n = correlator_findings(c, &f);

	for (size_t i = 0; i < n; i++)
		if (f[i]->severity != SEVERITY_INFO && f[i]->confidence != CONFIDENCE_CANNOT_TELL &&
		    !f[i]->retracted)
			return true;
	return false;
}

/* A transcript has no place of its own to say what is missing. */
static bool
is_incomplete(struct pipeline *p)
{
	struct summary *s = calloc(1, sizeof(*s));
	bool yes = true;

	if (s != NULL) {
		correlator_summary(p->correlator, s);
		yes = s->incomplete_count > 0;
	}
	for (uint32_t i = 0; p->transcript != NULL && s != NULL && i < s->incomplete_count; i++)
		complain(p, "incomplete: %s", s->incomplete[i]);
	if (p->transcript != NULL && s == NULL)
		complain(p, "incomplete: no memory");
	free(s);
	return yes;
}

int
pipeline_report(struct pipeline *p)
{
	bool incomplete;

	progress_end(&p->progress);
	correlator_judge(p->correlator);
	print_output(p);
	close_output(p);
	incomplete = is_incomplete(p);
	if (p->output_failed || p->input_failed)
		return EXIT_INPUT;
	if (p->o->exit_code && incomplete)
		return EXIT_INCOMPLETE;
	return p->o->exit_code && fault_found(p->correlator) ? EXIT_FOUND : EXIT_ANALYSED;
}
