/* pieces.h - captures that were cut: tcpdump -G and -C, dumpcap -b. */
#ifndef PIECES_H
#define PIECES_H

#include "correlator/store.h"

struct pieces {
	uint64_t connections;	/* that one capture leaves open and the next one goes on with */
	const char *from, *to;	/* files of the first of them; borrowed from the store */
};

struct pieces pieces_find(const struct store *s);

#endif /* PIECES_H */
