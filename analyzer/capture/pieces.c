#include "capture/pieces.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture.h"
#include "record/text.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* -1, 0, 1 by what is no digit. */
static int
compare_alike(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (is_digit(*a))
			a++;
		while (is_digit(*b))
			b++;
		if (*a != *b || *a == '\0')
			return (unsigned char)*a < (unsigned char)*b
			    ? -1
			    : (unsigned char)*a > (unsigned char)*b;
	}
}

/*
 * Digits of a directory are no count of pieces: the days of an archive are captures of their own.
 */
static int
compare_family(const char *a, const char *b)
{
	size_t n = (size_t)(text_base_name(a) - a), m = (size_t)(text_base_name(b) - b);
	int d = n == m ? memcmp(a, b, n) : n < m ? -1 : 1;

	return d != 0 ? d : compare_alike(a + n, b + m);
}

bool
pieces_alike(const char *a, const char *b)
{
	return compare_family(a, b) == 0;
}

struct item {
	struct piece_path p;
	size_t at, family; /* where it is among all, and where the first of its family was given */
	int64_t begins;
};

static int
by_family(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int d = compare_family(x->p.path, y->p.path);

	return d != 0 ? d : (x->at > y->at) - (x->at < y->at);
}

/* Packets of one microsecond may be cut apart, too: then the count in the name decides. */
static int
by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int d;

	if (x->begins != y->begins)
		return x->begins < y->begins ? -1 : 1;
	d = strverscmp(x->p.path, y->p.path);
	return d != 0 ? d : (x->at > y->at) - (x->at < y->at);
}

static int
by_place(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* A pipe is read once. */
static bool
first_packet(const char *path, int64_t *ns)
{
	struct capture_frame f;
	struct capture *c;
	struct stat st;
	char err[512];
	bool any;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (c = capture_open_file(path, NULL, err, sizeof(err))) == NULL)
		return false;
	any = capture_next(c, &f) == CAPTURE_FRAME;
	if (any)
		*ns = f.ts_ns;
	capture_close(c);
	return any;
}

static void
family_order(struct item *v, size_t n)
{
	size_t first = v[0].at, known = 0;

	for (size_t i = 0; i < n && n > 1; i++)
		known += first_packet(v[i].p.path, &v[i].begins);
	if (known == n)
		qsort(v, n, sizeof(*v), by_time);
	for (size_t i = 0; i < n; i++)
		v[i].family = first;
}

int
pieces_order(struct piece_path *v, size_t n)
{
	struct item *items = n > 1 ? reallocarray(NULL, n, sizeof(*items)) : NULL;
	size_t end;

	if (items == NULL)
		return n > 1 ? -1 : 0;
	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ v[i], i, i, 0 };
	qsort(items, n, sizeof(*items), by_family);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && pieces_alike(items[i].p.path, items[end].p.path);
		     end++)
			;
		family_order(items + i, end - i);
	}
	for (size_t i = 0; i < n; i++)
		items[i].at = i;
	qsort(items, n, sizeof(*items), by_place);
	for (size_t i = 0; i < n; i++)
		v[i] = items[i].p;
	free(items);
	return 0;
}
