#include "selection.h"

#include <stdlib.h>

static int
selected_order(const void *x, const void *y)
{
	const struct selected *a = x, *b = y;

	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	return a->conn < b->conn ? -1 : a->conn > b->conn;
}

void
selection_note(struct selection *s, const struct record *r)
{
	struct selected *v;

	if (r->type != RECORD_CONNECTION ||
	    !window_meets(s->window, r->connection.first.ns, r->connection.last.ns))
		return;
	if (s->n == s->room) {
		size_t room = s->room == 0 ? 256 : s->room * 2;

		if ((v = reallocarray(s->v, room, sizeof(*v))) == NULL) {
			s->starved = true;
			return;
		}
		s->v = v;
		s->room = room;
	}
	s->v[s->n++] = (struct selected){ r->key.conn, r->key.point };
}

void
selection_sort(struct selection *s)
{
	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), selected_order);
}

bool
selection_has(const struct selection *s, const struct record *r)
{
	const struct selected want = { r->key.conn, r->key.point };

	switch (r->type) {
	case RECORD_CAPTURE:
	case RECORD_PIECE: return true;
	case RECORD_PATH:
		return window_meets(
		    s->window, r->path.epoch_ns, r->path.epoch_ns + INT64_C(600000000000));
	case RECORD_HOST: return window_meets(s->window, r->host.first.ns, r->host.last.ns);
	case RECORD_ICMP_ERROR:
		if (r->key.conn == 0)
			return window_has(s->window, r->icmp_error.at.ns);
		break;
	default: break;
	}
	return s->n > 0 && bsearch(&want, s->v, s->n, sizeof(want), selected_order) != NULL;
}

void
selection_free(struct selection *s)
{
	free(s->v);
	*s = (struct selection){ .window = s->window };
}
