#include "flow/point_impl.h"

/*
 * Most of the time of a large capture is waiting for memory.  Several waits at
 * once are as long as one: so the next frames are looked at together, and
 * what each will touch is fetched while others are worked on.  Nothing here
 * changes anything, and a guess may be wrong.
 */

static void
look(struct flow_point *fp, const struct capture_frame *f, struct ahead *a)
{
	const struct glance *g = &a->g;

	a->tcp = decode_glance(f, &a->g);
	a->e = NULL;
	if (!a->tcp)
		return;
	a->k = (struct tuple){ g->src, g->dst, g->sport, g->dport, g->version };
	a->at = table_probe(fp->table, &a->k);
	if ((g->flags & (TCP_SYN | TCP_RST)) != 0)
		copies_fetch(fp->copies, g);
}

/* What the light ledger is about to tell of hosts and paths; returns how many. */
static size_t
probe_contrast(
    const struct flow_point *fp, const struct ahead *a, int64_t ns, struct contrast_probe *at)
{
	const struct flow_light *e = a->e;
	const struct light_sample *s = &e->sample[!a->at.swapped];
	unsigned client = light_client(e);
	struct host_pair way;
	size_t n = 0;

	if ((a->g.flags & TCP_SYN) != 0 ||
	    (a->g.len > 0 && (e->flags & light_data(a->at.swapped)) == 0)) {
		way = light_pair(e, client);
		at[n++] = contrast_probe_host(fp->contrast, &way, e->port[!client]);
	}
	if (s->w > s->proven && (int32_t)(a->g.ack - s->end) >= 0) {
		way = light_pair(e, !a->at.swapped);
		at[n++] = contrast_probe_path(fp->contrast, &way, ns);
	}
	return n;
}

static void
fetch_undecided(const struct undecided *u)
{
	cache_fetch(u, 0, offsetof(struct undecided, room) + 64);
}

static void
fetch_full(const struct full *f)
{
	cache_fetch(f, 0, sizeof(*f));
}

static void
fetch_full_parts(const struct full *f)
{
	ledger_fetch(f->ledger);
	if (f->stream != NULL)
		cache_fetch(f->stream, 0, 512);
	if (f->watched != NULL)
		cache_fetch(f->watched, 0, 256);
}

static void
fetch_full_last(const struct full *f)
{
	ledger_fetch_window(f->ledger);
	if (f->watched != NULL && f->fp->watcher.fetch != NULL)
		f->fp->watcher.fetch(f->watched);
}

void
point_look_ahead(struct flow_point *fp, const struct capture_frame *f, size_t n, struct ahead *a)
{
	const struct full *full[FLOW_BATCH];
	const struct flow_light *slow[FLOW_BATCH];
	struct contrast_probe probe[2 * FLOW_BATCH];
	size_t slows = 0, fulls = 0, probes = 0;

	for (size_t i = 0; i < n; i++)
		look(fp, &f[i], &a[i]);
	for (size_t i = 0; i < n; i++)
		if (a[i].tcp)
			a[i].e = table_fetch(fp->table, a[i].at);
	for (size_t i = 0; i < n; i++) {
		const struct flow_light *e = a[i].e;

		if (e == NULL)
			continue;
		if ((e->flags & LIGHT_V6) != 0)
			table_fetch_ends(fp->table, e);
		if ((e->flags & LIGHT_FULL) != 0)
			copies_fetch(fp->copies, &a[i].g);
		else
			probes += probe_contrast(fp, &a[i], f[i].ts_ns, probe + probes);
		if ((e->flags & (LIGHT_FULL | LIGHT_UNDECIDED)) == 0)
			continue;
		__builtin_prefetch(&fp->slots.at[e->more]);
		slow[slows++] = e;
	}
	for (size_t i = 0; i < probes; i++)
		contrast_fetch(probe[i]);
	for (size_t i = 0; i < slows; i++) {
		if ((slow[i]->flags & LIGHT_FULL) == 0) {
			fetch_undecided(fp->slots.at[slow[i]->more]);
			continue;
		}
		full[fulls] = full_of(fp, slow[i]);
		fetch_full(full[fulls++]);
	}
	for (size_t i = 0; i < fulls; i++)
		fetch_full_parts(full[i]);
	for (size_t i = 0; i < fulls; i++)
		fetch_full_last(full[i]);
}
