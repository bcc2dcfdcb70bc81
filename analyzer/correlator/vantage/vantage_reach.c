/*
 * vantage_reach.c - SYNs that one point saw go and another saw come, or saw
 * answered (diagnosis 1B).  Without the SYN-ACK a copy is in no ring, so the
 * client's own sequence number joins: NAT keeps it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vantage.h"

enum { GROUP_MAX = 8, ANSWERS_LEAST = 2, SYNS_LEAST = 2 };

static int
journey_order(const void *x, const void *y)
{
	const struct mail_case *a = *(const struct mail_case *const *)x,
			       *b = *(const struct mail_case *const *)y;

	if (a->conn->dir[0].isn != b->conn->dir[0].isn)
		return a->conn->dir[0].isn < b->conn->dir[0].isn ? -1 : 1;
	if (a->conn->server.port != b->conn->server.port)
		return a->conn->server.port < b->conn->server.port ? -1 : 1;
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static bool
same_journey(const struct mail_case *a, const struct mail_case *b)
{
	return a->conn->dir[0].isn == b->conn->dir[0].isn &&
	    a->conn->server.port == b->conn->server.port;
}

static bool
silent(const struct mail_case *c)
{
	return c->conn->synack_count == 0 && c->conn->dir[1].packets == 0 &&
	    c->conn->syn_count >= SYNS_LEAST && c->conn->refused.frame == 0 &&
	    c->conn->unreachable.frame == 0;
}

static bool
point_whole(const struct mail_case *c)
{
	const struct record_capture *k = c->capture;

	return k != NULL && capture_q_permille(k) < 10 &&
	    (!k->drops_known || k->drops_kernel + k->drops_interface == 0);
}

/* The SYN-ACKs left the far point, and the client went on asking. */
static void
say_return(const struct passage *p, struct verdicts *out)
{
	const struct mail_case *near = p->up, *far = p->down;
	struct draft *here = ring_claim(out, near, -1, FINDING_SYN_ACK_RETURN_BLOCKED);
	struct draft *d =
	    here != NULL ? here : ring_claim(out, far, -1, FINDING_SYN_ACK_RETURN_BLOCKED);
	struct places at = places_of(p);
	struct finding *f = d != NULL ? d->f : NULL;
	char where[320];

	ring_silence(out, near, -1, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_CONFIRMED);
	ring_silence(out, near, -1, FINDING_HOST_UNREACHABLE_SILENT, CONFIDENCE_CONFIRMED);
	snprintf(where, sizeof(where), "The SYN-ACKs vanish between %s and %s.", at.down, at.up);
	if (f == NULL) {
		f = verdict_add(out, FINDING_SYN_ACK_RETURN_BLOCKED, CONFIDENCE_CONFIRMED, near, 1);
		finding_summary(
		    f, "The server answers, but its SYN-ACKs do not come back to the client.");
	}
	finding_room(f, 2);
	evidence_frames(finding_says(f, far->point, "the server answers here, %u times",
			    far->conn->synack_count),
	    &far->conn->synack_first, &far->conn->synack_last);
	evidence_frame(finding_says(f, near->point,
			   "no answer arrives here, and the client repeats its SYN: %u in all",
			   near->conn->syn_count),
	    &near->conn->syn[near->conn->syn_count <= RECORD_SYNS ? near->conn->syn_count - 1
								  : RECORD_SYNS - 1]);
	if (d != NULL)
		ring_sure(out, d->c, d, CONFIDENCE_CONFIRMED, where);
	else
		finding_adds(f, where);
}

/* They pass both points unanswered: whatever drops them, or the answers, lies farther on. */
static void
say_farther(const struct passage *p, struct verdicts *out)
{
	static const enum finding_kind kinds[] = { FINDING_PORT_BLOCKED_SILENT,
		FINDING_HOST_UNREACHABLE_SILENT };
	const struct draft *there = ring_claim(out, p->down, 0, FINDING_HOST_UNREACHABLE_SILENT);
	struct places at = places_of(p);
	char where[320];

	if (there != NULL &&
	    strcmp(there->f->subkind, "routing-loop") == 0) { /* no farther than there */
		ring_silence(out, p->up, 0, FINDING_PORT_BLOCKED_SILENT, CONFIDENCE_POSSIBLE);
		ring_silence(out, p->up, 0, FINDING_HOST_UNREACHABLE_SILENT, CONFIDENCE_POSSIBLE);
		return;
	}
	snprintf(
	    where, sizeof(where), "The SYNs still pass %s: the fault lies beyond it.", at.down);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct draft *d = ring_claim(out, p->up, 0, kinds[i]);

		if (d == NULL)
			continue;
		finding_room(d->f, 1);
		evidence_frame(
		    finding_says(d->f, p->down->point, "the same SYNs pass here, too: %u of them",
			p->down->conn->syn_count),
		    &p->down->conn->syn[0]);
		ring_sure(out, p->up, d, d->f->confidence, where);
	}
}

/* One SYN at several points, ascending: the farthest point that says something counts. */
static void
journey_judge(
    const struct vantages *v, const struct mail_case *const *c, size_t n, struct verdicts *out)
{
	struct passage best, p;

	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t j = 0; j < n; j++) {
			struct passage further;

			if (i == j || !silent(c[i]) || !point_whole(c[i]) ||
			    !passage_of(v, c[i], c[j], 0, &p) || p.up != c[i])
				continue;
			if (p.down->conn->synack_count >= ANSWERS_LEAST) {
				say_return(&p, out);
				return;
			}
			if (p.down->conn->synack_count == 0 && silent(p.down) &&
			    (!found ||
				(passage_of(v, best.down, p.down, 0, &further) &&
				    further.up == best.down))) {
				best = p;
				found = true;
			}
		}
		if (found) {
			say_farther(&best, out);
			return;
		}
	}
}

void
vantage_reach(const struct vantages *v, const struct store *s, struct verdicts *out)
{
	struct case_iter it = { 0 };
	const struct mail_case *c, **all = NULL, **grown;
	size_t n = 0, room = 0;

	while ((c = store_case_next(s, &it)) != NULL) {
		if (!c->has_conn || c->conn->syn_count == 0 || !c->conn->dir[0].isn_known ||
		    c->conn->dir[0].isn <= UINT16_MAX)
			continue;
		if (n == room) {
			room = room == 0 ? 64 : room * 2;
			if ((grown = realloc(all, room * sizeof(struct mail_case *))) == NULL) {
				out->starved++;
				break;
			}
			all = grown;
		}
		all[n++] = c;
	}
	if (n > 1)
		qsort(all, n, sizeof(struct mail_case *), journey_order);
	for (size_t i = 0, j; i < n; i = j) {
		bool twice = false;

		for (j = i + 1; j < n && same_journey(all[i], all[j]); j++)
			twice = twice || all[j]->point == all[j - 1]->point;
		if (j - i >= 2 && j - i <= GROUP_MAX && !twice)
			journey_judge(v, all + i, j - i, out);
	}
	free(all);
}
