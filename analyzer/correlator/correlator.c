#include "correlator.h"

#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "fate.h"
#include "gone.h"
#include "record/text.h"
#include "correlator/words/replies.h"
#include "summary.h"

enum { OLD_MAX = 4096, RETRACTED_MAX = 1024 };

struct correlator {
	struct store *store;
	struct replies *replies;
	uint64_t judged;           /* generation of the store that was judged */
	bool fresh;                /* nothing was judged yet */
	struct finding **findings; /* by id */
	size_t finding_count;
	struct fate *fates;
	size_t fate_count;
	/* what outlived its cases (LRU eviction) */
	struct finding **old;
	size_t old_count;
	struct summary retired;
	struct gone gone; /* conversations already counted */
	uint64_t findings_dropped;
	uint64_t unread,
	    cut;          /* lines of records of no use; inputs of records that ended too early */
	uint64_t starved; /* allocations that failed while judging */
	uint64_t searches_cut;    /* that ended at their bound: the most in one judgement */
	uint64_t refusals_unread; /* the same */
	uint64_t pairs_beyond;    /* the same */
};

/* ---- life -------------------------------------------------------------------------- */

struct correlator *
correlator_new(const struct correlator_options *o, char *err, size_t errlen)
{
	struct correlator *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fresh = true;
	c->replies = replies_new(o != NULL ? o->user_replies : NULL, err, errlen);
	c->store = store_new(o != NULL ? o->budget : 0);
	if (c->replies == NULL || c->store == NULL) {
		correlator_free(c);
		return NULL;
	}
	return c;
}

static void
list_free(struct finding **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		finding_free(v[i]);
	free(v);
}

void
correlator_free(struct correlator *c)
{
	if (c == NULL)
		return;
	store_free(c->store);
	replies_free(c->replies);
	list_free(c->findings, c->finding_count);
	free(c->fates);
	list_free(c->old, c->old_count);
	gone_free(&c->gone);
	free(c);
}

/* ---- leaving to make room ------------------------------------------------------------ */

static void
case_retire(void *ctx, struct mail_case *x)
{
	struct correlator *c = ctx;

	if (!x->counted)
		return;
	if (gone_add(&c->gone, case_conversation(x)))
		summary_add_case(&c->retired, x);
}

struct retirement {
	uint64_t mark;
};

static bool
case_leaves(const void *ctx, const struct mail_case *x)
{
	const struct retirement *r = ctx;

	return x != NULL && x->touched <= r->mark;
}

static void
verdicts_count(struct correlator *c, const struct verdicts *v)
{
	c->findings_dropped += v->dropped;
	c->starved += v->starved;
	c->refusals_unread =
	    v->refusals_unread > c->refusals_unread ? v->refusals_unread : c->refusals_unread;
	c->searches_cut = v->searches_cut > c->searches_cut ? v->searches_cut : c->searches_cut;
	c->pairs_beyond = v->pairs_beyond > c->pairs_beyond ? v->pairs_beyond : c->pairs_beyond;
}

/*
 * What is gravest first, then what is surest, then what was last: a month of mail that was accepted
 * outnumbers every fault.
 */
static int
by_worth(const void *a, const void *b)
{
	const struct finding *x = *(struct finding *const *)a, *y = *(struct finding *const *)b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->confidence != y->confidence)
		return x->confidence > y->confidence ? -1 : 1;
	if (x->last.ns != y->last.ns)
		return x->last.ns > y->last.ns ? -1 : 1;
	return findings_by_id(a, b);
}

/* Takes the place of what outlived its cases so far.  NULL: no memory, that is kept. */
static void
old_replace(struct correlator *c, struct finding **v, size_t n)
{
	if (v == NULL)
		return;
	list_free(c->old, c->old_count);
	if (n > OLD_MAX)
		qsort(v, n, sizeof(struct finding *), by_worth);
	for (; n > OLD_MAX; c->findings_dropped++)
		finding_free(v[--n]);
	qsort(v, n, sizeof(struct finding *), findings_by_id);
	c->old = v;
	c->old_count = n;
}

/*
 * The store is full: everything is judged, the findings of those that leave
 * are kept, their counts added up, and half of the cases go.
 */
static void
correlator_retire(struct correlator *c)
{
	struct retirement r = { 0 };
	struct verdicts v;
	struct finding **kept;
	size_t n;

	store_index(c->store);
	r.mark = store_eviction_mark(c->store);
	if (verdicts_init(&v, store_case_count(c->store))) {
		driver_run(c->store, c->replies, &v);
		n = findings_merge(&v, case_leaves, &r, c->old, c->old_count, &kept);
		verdicts_count(c, &v);
		verdicts_free(&v);
		old_replace(c, kept, n);
	} else {
		c->starved++;
	}
	store_evict(c->store, r.mark, case_retire, c);
}

void
correlator_take(struct correlator *c, const struct record *r)
{
	store_take(c->store, r);
	if (store_full(c->store))
		correlator_retire(c);
}

/* ---- judging ----------------------------------------------------------------------------- */

static struct finding *
finding_by_id(struct finding *const *v, size_t n, uint64_t id)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo]->id == id ? v[lo] : NULL;
}

/*
 * Those of before that are no longer said, at most `most', move behind v[n] as retracted; how many.
 */
static size_t
findings_retract(struct correlator *c, struct finding **v, size_t n, size_t most)
{
	size_t gone = 0;

	for (size_t i = 0; i < c->finding_count && gone < most; i++) {
		struct finding *f = c->findings[i];

		if (finding_by_id(v, n, f->id) != NULL)
			continue;
		f->revision += !f->retracted;
		f->retracted = true;
		v[n + gone++] = f;
		c->findings[i] = NULL;
	}
	return gone;
}

/* Numbers the revisions, and keeps what is no longer said as retracted. */
static void
findings_replace(struct correlator *c, struct finding **v, size_t n)
{
	struct finding **grown;
	size_t most = c->finding_count < RETRACTED_MAX ? c->finding_count : RETRACTED_MAX, gone = 0;

	for (size_t i = 0; i < n; i++) {
		const struct finding *old = finding_by_id(c->findings, c->finding_count, v[i]->id);

		if (old != NULL)
			v[i]->revision =
			    old->revision + (old->retracted || !finding_same(old, v[i]));
	}
	if (most > 0 && (grown = realloc(v, (n + most) * sizeof(struct finding *))) != NULL) {
		v = grown;
		gone = findings_retract(c, v, n, most);
		qsort(v, n + gone, sizeof(struct finding *), findings_by_id);
	}
	list_free(c->findings, c->finding_count);
	c->findings = v;
	c->finding_count = n + gone;
}

void
correlator_judge(struct correlator *c)
{
	struct verdicts v;
	struct finding **found;
	size_t n;

	if (!c->fresh && c->judged == store_generation(c->store))
		return;
	store_index(c->store);
	if (!verdicts_init(&v, store_case_count(c->store))) {
		c->starved++;
		return;
	}
	driver_run(c->store, c->replies, &v);
	n = findings_merge(&v, NULL, NULL, c->old, c->old_count, &found);
	free(c->fates);
	c->fate_count = fates_make(c->store, &v, &c->fates);
	findings_replace(c, found, n);
	verdicts_count(c, &v);
	verdicts_free(&v);
	c->judged = store_generation(c->store);
	c->fresh = false;
}

/* ---- answers -------------------------------------------------------------------------------- */

size_t
correlator_findings(const struct correlator *c, const struct finding *const **out)
{
	*out = (const struct finding *const *)c->findings;
	return c->finding_count;
}

size_t
correlator_fates(const struct correlator *c, const struct fate **out)
{
	*out = c->fates;
	return c->fate_count;
}

void
correlator_unread(struct correlator *c, uint64_t lines, bool cut)
{
	c->unread += lines;
	c->cut += cut;
}

static void
incomplete_store(const struct correlator *c, struct summary *out)
{
	const struct store_counters *n = store_counters(c->store);
	uint64_t starved;

	if (n->evicted > 0)
		summary_incomplete(out,
		    "%llu connection%s left memory: the mails are counted, but not listed one by one",
		    (unsigned long long)n->evicted, PLURAL(n->evicted));
	if (n->refused > 0)
		summary_incomplete(out, "%llu record%s not kept: a table was full",
		    (unsigned long long)n->refused, PLURAL(n->refused));
	if (n->paths_evicted + n->hosts_evicted > 0)
		summary_incomplete(out,
		    "entries of path and host history that were forgotten: %llu",
		    (unsigned long long)n->paths_evicted + n->hosts_evicted);
	if (n->icmp_evicted > 0)
		summary_incomplete(out,
		    "ICMP errors that fit no connection and were forgotten, the oldest first: %llu",
		    (unsigned long long)n->icmp_evicted);
	if (c->gone.forgotten > 0)
		summary_incomplete(out,
		    "connections that left memory and would be counted again if another capture showed them: %llu",
		    (unsigned long long)c->gone.forgotten);
	if (c->pairs_beyond > 0)
		summary_incomplete(out,
		    "connections seen at two capture points each, of more pairs of points than are compared: %llu",
		    (unsigned long long)c->pairs_beyond);
	if (n->uncompared > 0)
		summary_incomplete(out,
		    "copies of connections that were not compared: %llu; of each, only those at %u capture points are",
		    (unsigned long long)n->uncompared, STORE_COPIES);
	if (store_points_open(c->store) > 0)
		summary_incomplete(out,
		    "capture points whose end is not in the records (a sensor that still runs, or was stopped hard): %llu; what "
		    "they lost is not known",
		    (unsigned long long)store_points_open(c->store));
	if (c->unread > 0)
		summary_incomplete(out, "lines of records that could not be used: %llu",
		    (unsigned long long)c->unread);
	if (c->cut > 0)
		summary_incomplete(out, "records files that could not be read to their end: %llu",
		    (unsigned long long)c->cut);
	if (c->findings_dropped > 0)
		summary_incomplete(out, "%llu finding%s not kept: the list was full",
		    (unsigned long long)c->findings_dropped, PLURAL(c->findings_dropped));
	if (c->refusals_unread > 0)
		summary_incomplete(out,
		    "refusals of connections with very many, all in other words, that were not read: %llu",
		    (unsigned long long)c->refusals_unread);
	if (c->searches_cut > 0)
		summary_incomplete(out,
		    "searches among very many connections of the same hosts that ended at their bound: %llu; a second attempt, or "
		    "something to compare with, may have been missed",
		    (unsigned long long)c->searches_cut);
	starved = c->starved + c->gone.starved + store_starved(c->store);
	if (starved > 0)
		summary_incomplete(out,
		    "memory: %llu allocation%s failed while the findings were made; some may be missing",
		    (unsigned long long)starved, PLURAL(starved));
}

void
correlator_summary(const struct correlator *c, struct summary *out)
{
	*out = c->retired;
	for (size_t i = 0; i < store_case_count(c->store); i++) {
		const struct mail_case *x = store_case_at(c->store, i);

		if (!gone_has(&c->gone, case_conversation(x)))
			summary_add_case(out, x);
	}
	/* first: of very many captures the last reasons are only counted */
	incomplete_store(c, out);
	summary_add_captures(out, c->store);
	out->replies_version = replies_version();
	for (size_t i = 0; i < replies_count(c->replies); i++)
		*(replies_row(c->replies, i)->user ? &out->replies_own : &out->replies_rows) += 1;
	for (size_t i = 0; i < c->finding_count; i++)
		out->findings[c->findings[i]->kind] += !c->findings[i]->retracted;
}

const struct record_capture *
correlator_capture(const struct correlator *c, uint32_t point)
{
	return store_capture(c->store, point);
}

static bool
capture_has_twin(const struct store *s, const struct record_capture *c)
{
	const struct record_capture *x;
	size_t pos = 0;

	while ((x = store_capture_next(s, &pos)) != NULL)
		if (x != c && strcmp(x->file, c->file) == 0 &&
		    strcmp(x->interface, c->interface) == 0 && strcmp(x->log, c->log) != 0)
			return true;
	return false;
}

const struct record_piece *
correlator_pieces(const struct correlator *c, uint32_t point, size_t *count)
{
	return store_pieces(c->store, point, count);
}

const struct record_piece *
correlator_piece(const struct correlator *c, uint32_t point, uint64_t frame)
{
	size_t lo = 0, hi;
	const struct record_piece *v = store_pieces(c->store, point, &hi);

	if (v == NULL || frame == 0)
		return NULL;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].before < frame)
			lo = mid;
		else
			hi = mid;
	}
	return frame - v[lo].before <= v[lo].frames
	    ? &v[lo]
	    : NULL; /* those beyond the bound of the store are not named */
}

size_t
correlator_capture_name(
    const struct correlator *c, uint32_t point, uint64_t frame, char *text, size_t size)
{
	const struct record_capture *k = store_capture(c->store, point);
	const struct record_piece *piece = correlator_piece(c, point, frame);
	const char *file = piece != NULL ? piece->file : k != NULL ? k->file : "";
	size_t n;

	text[0] = '\0';
	if (k == NULL || file[0] == '\0')
		return 0;
	if (strcmp(file, "-") == 0)
		file = "standard input";
	n = (size_t)snprintf(text, size, "%s%s%s%s", file, k->interface[0] != '\0' ? " (" : "",
	    k->interface, k->interface[0] != '\0' ? ")" : "");
	if (n < size && k->log[0] != '\0' && capture_has_twin(c->store, k))
		n += (size_t)snprintf(text + n, size - n, " in %s", k->log);
	return n < size ? n : size - 1;
}
