#include "report/alike.h"

#include <stdlib.h>
#include <string.h>

#include "record/addr.h"

struct item {
	const struct finding *f;
	size_t at;   /* where it was given */
	size_t with; /* where the first of its group was */
	bool grouped;
};

/* What makes two alike; 0 = they are. */
struct order {
	int (*compare)(const struct finding *a, const struct finding *b);
};

static int
compare_said(const struct finding *a, const struct finding *b)
{
	int d;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->confidence != b->confidence)
		return a->confidence < b->confidence ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity < b->severity ? -1 : 1;
	if (a->retracted != b->retracted)
		return a->retracted ? 1 : -1;
	if ((d = strcmp(a->subkind, b->subkind)) != 0 || (d = strcmp(a->remedy, b->remedy)) != 0)
		return d;
	return strcmp(a->next_capture, b->next_capture);
}

static int
compare_to(const struct finding *a, const struct finding *b)
{
	int d = compare_said(a, b);

	return d != 0 ? d : endpoint_compare(&a->to, &b->to);
}

static int
compare_from(const struct finding *a, const struct finding *b)
{
	int d = compare_said(a, b);

	return d != 0 ? d : addr_compare(&a->from.ip, &b->from.ip);
}

/* Those that have their group come last. */
static int
compare_items(const void *a, const void *b, void *order)
{
	const struct item *x = a, *y = b;
	int d;

	if (x->grouped != y->grouped)
		return x->grouped ? 1 : -1;
	d = ((const struct order *)order)->compare(x->f, y->f);
	return d != 0 ? d : (x->at > y->at) - (x->at < y->at);
}

static int
compare_groups(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t p = x->with != y->with ? x->with : x->at, q = x->with != y->with ? y->with : y->at;

	return (p > q) - (p < q);
}

/* Of the whole capture, which is told with its name. */
static bool
has_path(const struct finding *f)
{
	return f->from.ip.family != 0 || f->to.ip.family != 0;
}

static void
groups_find(struct item *v, size_t n, struct order order)
{
	size_t end;

	qsort_r(v, n, sizeof(*v), compare_items, &order);
	for (size_t i = 0; i < n && !v[i].grouped; i = end) {
		for (end = i + 1; end < n && !v[end].grouped && has_path(v[i].f) &&
		     order.compare(v[i].f, v[end].f) == 0;
		     end++)
			;
		for (size_t k = i; k < end && end - i > 1; k++) {
			v[k].with = v[i].at;
			v[k].grouped = true;
		}
	}
}

static struct alike *
groups_list(const struct item *items, const struct finding **v, size_t n, size_t *count)
{
	struct alike *groups = reallocarray(NULL, n, sizeof(*groups));

	*count = 0;
	for (size_t i = 0; i < n && groups != NULL; i++) {
		if (i == 0 || items[i].with != items[i - 1].with)
			groups[(*count)++] = (struct alike){ v + i, 0 };
		groups[*count - 1].count++;
		v[i] = items[i].f;
	}
	return groups;
}

struct alike *
alike_group(const struct finding **v, size_t n, bool anywhere, size_t *count)
{
	struct item *items = n > 0 ? reallocarray(NULL, n, sizeof(*items)) : NULL;
	struct alike *groups;

	*count = 0;
	if (items == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ v[i], i, i, false };
	if (anywhere) {
		groups_find(items, n, (struct order){ compare_said });
	} else {
		groups_find(items, n, (struct order){ compare_to });
		groups_find(items, n, (struct order){ compare_from });
	}
	qsort(items, n, sizeof(*items), compare_groups);
	groups = groups_list(items, v, n, count);
	free(items);
	return groups;
}
