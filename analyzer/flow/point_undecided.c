#include "flow/point_impl.h"

#include <stdlib.h>

/*
 * Flows on ports that say nothing: their first packets are kept until the
 * sniffer or nDPI knows.  All together they are bounded; the oldest gives way.
 */
enum { UNDECIDED_MEMORY = 32 << 20 };

static struct undecided *
undecided_of(const struct flow_point *fp, const struct flow_light *e)
{
	return fp->slots.at[e->more];
}

static void
undecided_forget(struct flow_point *fp, struct flow_light *e)
{
	struct undecided *u = undecided_of(fp, e);

	TAILQ_REMOVE(&fp->undecided, u, all);
	TAILQ_INSERT_HEAD(&fp->undecided_spare, u, all);
	fp->undecided_memory -= prelude_memory(&u->prelude) + sizeof(*u);
	slots_give(&fp->slots, e->more);
	e->flags &= (uint16_t)~LIGHT_UNDECIDED;
	e->more = 0;
}

static struct undecided *
undecided_new(struct flow_point *fp)
{
	struct undecided *u = TAILQ_FIRST(&fp->undecided_spare);

	if (u != NULL)
		TAILQ_REMOVE(&fp->undecided_spare, u, all);
	else if ((u = malloc(sizeof(*u))) == NULL)
		return NULL;
	prelude_init(&u->prelude, u->room, sizeof(u->room));
	return u;
}

void
undecided_take(struct flow_point *fp, struct flow_light *e, struct prelude *out)
{
	struct undecided *u = undecided_of(fp, e);

	undecided_forget(fp, e);
	if (!prelude_move(out, &u->prelude))
		fp->cap_memory++;
}

void
undecided_drop(struct flow_point *fp, struct flow_light *e)
{
	struct undecided *u = undecided_of(fp, e);

	undecided_forget(fp, e);
	prelude_clear(&u->prelude);
	e->flags |= LIGHT_DONE;
}

void
undecided_free(struct flow_point *fp)
{
	struct undecided *u;

	while ((u = TAILQ_FIRST(&fp->undecided)) != NULL) {
		TAILQ_REMOVE(&fp->undecided, u, all);
		prelude_clear(&u->prelude);
		free(u);
	}
	while ((u = TAILQ_FIRST(&fp->undecided_spare)) != NULL) {
		TAILQ_REMOVE(&fp->undecided_spare, u, all);
		free(u);
	}
}

void
undecided_begin(struct flow_point *fp, struct flow_light *e)
{
	struct undecided *u;

	while (fp->undecided_memory > UNDECIDED_MEMORY) {
		fp->cap_undecided++;
		undecided_drop(fp, TAILQ_FIRST(&fp->undecided)->light);
	}
	if ((u = undecided_new(fp)) == NULL || !slots_take(&fp->slots, u, &e->more)) {
		free(u);
		fp->cap_memory++;
		e->flags |= LIGHT_DONE;
		return;
	}
	u->light = e;
	e->flags |= LIGHT_UNDECIDED;
	TAILQ_INSERT_TAIL(&fp->undecided, u, all);
	fp->undecided_memory += sizeof(*u);
}

void
undecided_packet(struct flow_point *fp, struct flow_light *e, const struct packet *p, unsigned from)
{
	struct undecided *u = undecided_of(fp, e);
	struct classify_verdict v = { CLASSIFY_WAIT, APP_UNKNOWN, CLASS_NONE };
	uint64_t before;
	struct full *f;

	if (p->len > 0)
		v = prelude_classify(&u->prelude, p, light_dir(e, from), APP_UNKNOWN,
		    (e->flags & (LIGHT_SYN | LIGHT_SYNACK)) == 0);
	if (v.answer == CLASSIFY_NOT ||
	    (p->len == 0 && u->prelude.packets + 1 >= PRELUDE_PACKETS)) {
		undecided_drop(fp, e);
		return;
	}
	before = prelude_memory(&u->prelude);
	prelude_keep(&u->prelude, p, light_dir(e, from));
	fp->undecided_memory += prelude_memory(&u->prelude) - before;
	if (v.answer == CLASSIFY_MAIL && (f = full_promote(fp, e, NULL, from)) != NULL)
		full_classified(f, v.app, v.by);
}
