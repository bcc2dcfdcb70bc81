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

/* 1: added, 0: not a regular file, -1. */
static int
expand_entry(const char *dir, const char *name, int (*add)(void *, const char *), void *ctx)
{
	size_t len = strlen(dir);
	struct stat st;
	char *path;
	int rc = 0;

	if (asprintf(&path, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name) == -1)
		return -1;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		rc = add(ctx, path) == -1 ? -1 : 1;
	free(path);
	return rc;
}

static int
expand_directory(const char *dir, int (*add)(void *, const char *), void *ctx, char *err, size_t errlen)
{
	struct dirent **entry;
	int n = scandir(dir, &entry, not_hidden, by_name), added = 0;

	if (n == -1) {
		snprintf(err, errlen, "%s: %s", dir, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		int rc = added == -1 ? 0 : expand_entry(dir, entry[i]->d_name, add, ctx);

		if (rc == -1) {
			snprintf(err, errlen, "%s: could not take %s", dir, entry[i]->d_name);
			added = -1;
		} else {
			added += rc;
		}
		free(entry[i]);
	}
	free(entry);
	if (added == 0)
		snprintf(err, errlen, "%s: the directory has no files", dir);
	return added > 0 ? 0 : -1;
}

int
capture_expand(const char *arg, int (*add)(void *ctx, const char *path), void *ctx, char *err, size_t errlen)
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
