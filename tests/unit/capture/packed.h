/* packed.h - captures compressed in every way that is read. */
#ifndef PACKED_H
#define PACKED_H

#include <archive.h>
#include <archive_entry.h>

#include "files.h"

/* filter: one of libarchive's archive_write_add_filter_*() */
static inline struct bytes
pack(int (*filter)(struct archive *), const struct bytes *b)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	struct bytes out = { 0 };
	size_t size = b->n * 2 + 65536, used = 0;

	out.p = malloc(size);
	CHECK_EQ_INT(filter(a), ARCHIVE_OK);
	archive_write_set_format_raw(a);
	archive_write_set_bytes_per_block(a, 0);
	CHECK_EQ_INT(archive_write_open_memory(a, out.p, size, &used), ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_write_header(a, e);
	archive_write_data(a, b->p, b->n);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	out.n = used;
	return out;
}

#endif /* PACKED_H */
