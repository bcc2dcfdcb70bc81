/*
 * proxy_header.h - what HAProxy and its like put before the client's first
 * byte: whose connection this is (the PROXY protocol, version 1 as a line of
 * text, version 2 binary).
 *
 *	"PROXY TCP4 203.0.113.7 198.51.100.25 4444 25" CRLF	at most 107 bytes
 *	0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A  21  11  00 0C  ...	signature, version and command,
 *family, length, so many bytes
 *
 * It is sent at once, before anything else, so it lies in one segment; one
 * that does not is not recognised.
 */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the header at the beginning of a stream's first bytes; 0: none, or it is not whole. */
size_t proxy_header_length(const uint8_t *p, size_t len);

#endif /* PROXY_HEADER_H */
