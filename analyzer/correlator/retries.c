/*
 * retries.c - one mail over several attempts: hours apart, and through several
 * servers.  An attempt is the same mail when client, sender and first
 * recipient are the same, and the Message-ID where both attempts show one.
 */
#include "retries.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "record/addr.h"

enum { ATTEMPTS_MAX = 256 };                          /* looked at for each mail */
#define LIFETIME_NS (INT64_C(5) * 86400 * 1000000000) /* RFC 5321 4.5.4.1 */

static int
mail_order(const struct fate *a, const struct fate *b)
{
	int diff = addr_compare(&a->connection->client.ip, &b->connection->client.ip);

	if (diff == 0)
		diff = strcasecmp(a->transaction->sender, b->transaction->sender);
	if (diff == 0)
		diff = strcasecmp(a->recipients[0]->address, b->recipients[0]->address);
	return diff;
}

static int
attempt_order(const void *x, const void *y)
{
	const struct fate *a = *(struct fate *const *)x, *b = *(struct fate *const *)y;
	int diff = mail_order(a, b);

	if (diff != 0)
		return diff;
	if (a->transaction->first.ns != b->transaction->first.ns)
		return a->transaction->first.ns < b->transaction->first.ns ? -1 : 1;
	return a < b ? -1 : a > b; /* the list is in order of time already */
}

/* 1: the same Message-ID, 0: one of them shows none, -1: another mail. */
static int
same_message(const struct fate *a, const struct fate *b)
{
	const char *x = a->transaction->message_id, *y = b->transaction->message_id;

	if (x[0] == '\0' || y[0] == '\0')
		return 0;
	return strcmp(x, y) == 0 ? 1 : -1;
}

/* The attempts behind v[0], until one is accepted. */
static void
attempts_follow(struct fate *const *v, size_t n)
{
	struct fate *f = v[0];

	f->retry_same_id = true;
	for (size_t i = 1; i < n && i < ATTEMPTS_MAX && mail_order(f, v[i]) == 0; i++) {
		int same = same_message(f, v[i]);

		if (v[i]->transaction->first.ns - f->transaction->first.ns > LIFETIME_NS)
			return;
		if (same < 0 || v[i]->transaction->first.ns <= f->transaction->last.ns)
			continue;
		f->retries++;
		f->retry_same_id = f->retry_same_id && same > 0;
		f->retry_verdict = v[i]->verdict;
		f->retry_at = v[i]->transaction->first;
		f->retry_server = v[i]->connection->server;
		if (v[i]->verdict == VERDICT_ACCEPTED)
			return;
	}
}

bool
retries_join(struct fate *fates, size_t n)
{
	struct fate **v = malloc((n + 1) * sizeof(struct fate *));
	size_t m = 0;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct fate *f = &fates[i];

		if (f->transaction != NULL && f->connection != NULL &&
		    f->transaction->sender[0] != '\0' && !f->transaction->implied &&
		    f->recipient_count > 0 && f->verdict != VERDICT_ABANDONED &&
		    f->verdict != VERDICT_ASKED)
			v[m++] = &fates[i];
	}
	qsort(v, m, sizeof(struct fate *), attempt_order);
	for (size_t i = 0; i < m; i++)
		if (v[i]->verdict != VERDICT_ACCEPTED)
			attempts_follow(v + i, m - i);
	free(v);
	return true;
}
