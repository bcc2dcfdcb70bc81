#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/capture.h"

static int
not_hidden(const struct dirent *de)
{
	return de->d_name[0] != '.';
}

/* By bytes, not by locale: the order must not depend on who asks. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What became of the entries of a directory. */
struct expansion {
	int added, directories;
};

/* -1: it could not be taken. */
static int
expand_entry(const char *dir, const char *name, int (*add)(void *, const char *), void *ctx,
    struct expansion *x)
{
	size_t len = strlen(dir);
	struct stat st;
	char *path;
	int rc = 0;

	if (asprintf(&path, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name) == -1)
		return -1;
	if (stat(path, &st) == 0) {
		x->directories += S_ISDIR(st.st_mode);
		if (S_ISREG(st.st_mode)) {
			rc = add(ctx, path);
			x->added++;
		}
	}
	free(path);
	return rc;
}

static int
expand_directory(
    const char *dir, int (*add)(void *, const char *), void *ctx, char *err, size_t errlen)
{
	struct dirent **entry;
	struct expansion x = { 0, 0 };
	int n = scandir(dir, &entry, not_hidden, by_name), rc = 0;

	if (n == -1) {
		snprintf(err, errlen, "%s: %s", dir, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		if (rc == 0 && (rc = expand_entry(dir, entry[i]->d_name, add, ctx, &x)) != 0)
			snprintf(err, errlen, "%s: could not take %s", dir, entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	if (rc != 0)
		return -1;
	if (x.added == 0) {
		snprintf(err, errlen, "%s: the directory has no files%s", dir,
		    x.directories == 0
			? ""
			: "; what is in directories within it is not read: name them");
		return -1;
	}
	return x.directories;
}

int
capture_expand(
    const char *arg, int (*add)(void *ctx, const char *path), void *ctx, char *err, size_t errlen)
{
	struct stat st;

	if (strcmp(arg, "-") != 0) {
		if (stat(arg, &st) == -1) {
			snprintf(err, errlen, "%s: %s", arg, strerror(errno));
			return -1;
		}
		if (S_ISDIR(st.st_mode))
			return expand_directory(arg, add, ctx, err, errlen);
	}
	if (add(ctx, arg) == -1) {
		snprintf(err, errlen, "%s: could not take it", arg);
		return -1;
	}
	return 0;
}
