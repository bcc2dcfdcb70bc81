/* live.c - interfaces: poll, tick, judge now and then, until a signal. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline.h"
#include "report/terminal.h"
#include "report/told.h"

#define NS_PER_SECOND 1000000000LL
#define POLL_MS       250
#define TICK_NS       NS_PER_SECOND
#define JUDGE_NS      (3 * NS_PER_SECOND)
/* ... but for each second of it nine for packets: what is known of a busy server takes one */
#define JUDGE_REST    9
#define SAVE_FIRST_NS (4 * NS_PER_SECOND)   /* to the log: soon, then at twice the time, ... */
#define SAVE_LAST_NS  (600 * NS_PER_SECOND) /* ... up to this */
#define DRAIN_MS      150   /* more than a block of the ring waits for packets ... */
#define DRAIN_TURNS   3     /* ... and what it then holds may still grow */
#define BATCH         20000 /* frames of one interface before the others get their turn */
#define QUALITY       2 /* phase of what is said of the capture: its numbers change with every packet */

struct live {
	struct pipeline *p;
	struct source source[OPTIONS_INTERFACES];
	struct pollfd fd[OPTIONS_INTERFACES];
	size_t count;
	int64_t next_tick, next_judge, next_save; /* monotonic */
	int64_t save_every;
	struct told *told;
	bool told_full; /* that was said */
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

static const int stops[] = { SIGINT, SIGTERM, SIGHUP };

#define STOPS (sizeof(stops) / sizeof(stops[0]))

/*
 * Signals end the loop, and only while it waits: none is missed.  The end of the terminal is an
 * end, too, unless the caller said otherwise (nohup).
 */
static void
signals_hold(sigset_t *before)
{
	struct sigaction sa = { .sa_handler = on_signal }, was;
	sigset_t held;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&held);
	for (size_t i = 0; i < STOPS; i++) {
		if (stops[i] == SIGHUP && sigaction(SIGHUP, NULL, &was) == 0 &&
		    was.sa_handler == SIG_IGN)
			continue;
		sigaction(stops[i], &sa, NULL);
		sigaddset(&held, stops[i]);
	}
	sigprocmask(SIG_BLOCK, &held, before);
	for (size_t i = 0; i < STOPS; i++)
		sigdelset(before, stops[i]);
}

static bool
stop_pending(void)
{
	sigset_t pending;
	bool any = false;

	if (sigpending(&pending) != 0)
		return false;
	for (size_t i = 0; i < STOPS; i++)
		any |= sigismember(&pending, stops[i]) == 1;
	return any;
}

static int
live_open(struct live *l)
{
	struct pipeline *p = l->p;
	char err[512];

	if ((l->told = told_new()) == NULL) {
		complain(p, "no memory");
		return -1;
	}
	for (size_t i = 0; i < p->o->interface_count; i++) {
		struct source *s = &l->source[l->count];
		struct capture *c = capture_open_live(
		    p->o->interfaces[i], p->o->snaplen, 0, p->o->filter, err, sizeof(err));

		if (c == NULL || source_begin(s, c, p->points) != 0) {
			complain(p, "%s", c == NULL ? err : "no memory");
			p->input_failed = true;
			capture_close(c);
			continue;
		}
		p->points++; /* an interface is one point */
		l->fd[l->count] =
		    (struct pollfd){ .fd = capture_poll_fd(s->capture), .events = POLLIN };
		l->count++;
		complain(p, "listening on %s; Ctrl-C ends with the report", p->o->interfaces[i]);
	}
	return l->count > 0 ? 0 : -1;
}

/* Reads what is there; the end of an interface closes it. */
static void
live_read(struct live *l, size_t i)
{
	struct source *s = &l->source[i];
	enum capture_rc rc = CAPTURE_AGAIN;
	struct capture_frame f;

	for (int n = 0; n < BATCH && (rc = capture_next(s->capture, &f)) == CAPTURE_FRAME; n++)
		source_frames(l->p, s, &f, 1);
	if (rc == CAPTURE_FRAME || rc == CAPTURE_AGAIN)
		return;
	complain(l->p, "%s is gone", capture_name(s->capture));
	source_end(l->p, s);
	l->fd[i].fd = -1;
}

static size_t
live_open_count(const struct live *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->source[i].capture != NULL;
	return n;
}

static void
live_each_point(struct live *l, void (*call)(struct flow_point *))
{
	for (size_t i = 0; i < l->count; i++)
		for (uint32_t k = 0; k < l->source[i].count && l->source[i].capture != NULL; k++)
			if (l->source[i].point[k] != NULL)
				call(l->source[i].point[k]);
}

static void
tick(struct flow_point *fp)
{
	flow_point_tick(fp, clock_ns(CLOCK_REALTIME));
}

/* ---- telling findings as they come -------------------------------------------- */

static void
tell(struct live *l, const struct finding *f)
{
	bool json = l->p->o->output == OUTPUT_JSON;

	if (f->confidence < CONFIDENCE_PROBABLE && !f->retracted)
		return;
	if (!told_is_news(l->told, f, json && kind_facts(f->kind)->phase != QUALITY))
		return;
	if (json)
		json_report_finding(stdout, f, l->p->correlator);
	else
		terminal_finding_line(&l->p->page, f);
}

static bool
live_prints(const struct live *l)
{
	const struct options *o = l->p->o;

	return o->output != OUTPUT_TRANSCRIPT &&
	    (o->records == NULL || strcmp(o->records, "-") != 0);
}

/*
 * A log that is read while the sensor runs, or after it died, has what is known of paths and hosts.
 */
static void
live_save(struct live *l)
{
	l->p->take = TAKE_SAVED;
	live_each_point(l, flow_point_save);
	l->p->take = TAKE_ALL;
}

/* What the kernel dropped so far: a judgement that rests on something not seen must know. */
static void
live_sources(struct live *l)
{
	for (size_t i = 0; i < l->count; i++)
		for (uint32_t k = 0; k < l->source[i].count && l->source[i].capture != NULL; k++)
			if (l->source[i].point[k] != NULL)
				flow_point_source(l->source[i].point[k],
				    capture_point_get(l->source[i].capture, k), NULL, NULL);
}

static void
live_judge(struct live *l)
{
	const struct finding *const *f;
	size_t n;

	l->p->take = TAKE_JUDGED;
	live_sources(l);
	live_each_point(l, flow_point_snapshot);
	l->p->take = TAKE_ALL;
	correlator_judge(l->p->correlator);
	n = correlator_findings(l->p->correlator, &f);
	told_turn(l->told);
	for (size_t i = 0; i < n && live_prints(l); i++)
		tell(l, f[i]);
	if (told_left(l->told) > 0 && !l->told_full) {
		l->told_full = true;
		complain(l->p,
		    "no memory for all findings that stand at once: further ones are told when it ends");
	}
	if (l->p->log != NULL)
		record_log_flush(l->p->log);
	/* Nobody reads any more: the report would go nowhere. */
	if (fflush(stdout) != 0)
		stop = 1;
}

static void
live_turn(struct live *l)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < l->count; i++)
		if (l->source[i].capture != NULL)
			live_read(l, i);
	if (now >= l->next_tick) {
		l->next_tick = now + TICK_NS;
		live_each_point(l, tick);
	}
	if (l->p->log != NULL && now >= l->next_save) {
		l->save_every = l->save_every == 0     ? SAVE_FIRST_NS
		    : l->save_every < SAVE_LAST_NS / 2 ? 2 * l->save_every
						       : SAVE_LAST_NS;
		l->next_save = now + l->save_every;
		live_save(l);
	}
	if (now >= l->next_judge) {
		int64_t begun = clock_ns(CLOCK_MONOTONIC), took;

		live_judge(l);
		took = clock_ns(CLOCK_MONOTONIC) - begun;
		l->next_judge =
		    begun + took + (took * JUDGE_REST > JUDGE_NS ? took * JUDGE_REST : JUDGE_NS);
	}
}

/* The kernel hands over blocks of 100 ms: the last packets come after the signal. */
static void
live_drain(struct live *l)
{
	struct timespec wait = { .tv_nsec = DRAIN_MS * 1000000L };

	for (int i = 0; i < DRAIN_TURNS && live_open_count(l) > 0; i++) {
		ppoll(l->fd, l->count, &wait, NULL);
		for (size_t k = 0; k < l->count; k++)
			if (l->source[k].capture != NULL)
				live_read(l, k);
	}
}

void
pipeline_live(struct pipeline *p)
{
	struct live *l = calloc(1, sizeof(*l));
	struct timespec wait = { .tv_nsec = POLL_MS * 1000000L };
	sigset_t before;

	if (l == NULL) {
		complain(p, "no memory");
		p->input_failed = true;
		return;
	}
	l->p = p;
	signals_hold(&before);
	if (live_open(l) == 0) {
		while (!stop && !stop_pending() && live_open_count(l) > 0) {
			ppoll(l->fd, l->count, &wait, &before);
			live_turn(l);
		}
		live_drain(l);
	}
	for (size_t i = 0; i < l->count; i++)
		if (l->source[i].capture != NULL)
			source_end(p, &l->source[i]);
	told_free(l->told);
	free(l);
}
