/*
 * pieces.h - captures that were written to several files: tcpdump -C and -G,
 * dumpcap -b.  Their names differ in digits only, and each begins when the one
 * before it is full.
 */
#ifndef CAPTURE_PIECES_H
#define CAPTURE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From the last packet of a piece to the first of the next: what begins later may be another
 * capture, and time is missing between them.
 */
#define PIECES_APART_NS INT64_C(2000000000)

/* "cap.pcap1" and "cap.pcap2", "mail_00001_20261122.pcapng" and "mail_00002_...". */
bool pieces_alike(const char *a, const char *b);

/* One file to read: where it was found is the caller's. */
struct piece_path {
	char *path;
	size_t argument;
};

/*
 * Puts those that are alike where the first of them stands, in order of their
 * first packets: a name that ends in 10 sorts before one in 2, and rings begin
 * anywhere.  Files without a packet's time leave theirs as they are.  -1: no
 * memory, all are as they were.
 */
int pieces_order(struct piece_path *v, size_t n);

#endif /* CAPTURE_PIECES_H */
