/*
 * selection.h - which records of a file belong to the time that was asked for.
 * A connection is taken whole or not at all: half of one would be judged wrongly.
 * So the file is read twice: first the connections are noted.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include <stddef.h>

#include "record/record.h"
#include "window.h"

struct selection {
	const struct window *window;
	struct selected {
		uint64_t conn;
		uint32_t point;
	} * v;
	size_t n, room;
	bool starved;
};

void selection_note(struct selection *s, const struct record *r);
void selection_sort(struct selection *s); /* between noting and asking */
bool selection_has(const struct selection *s, const struct record *r);
void selection_free(struct selection *s);

#endif /* SELECTION_H */
