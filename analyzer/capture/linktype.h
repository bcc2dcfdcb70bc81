/*
 * linktype.h - link types: LINKTYPE_* in files and everywhere in our program,
 * DLT_* in libpcap's calls.  They differ for a few old ones
 * (tcpdump.org/linktypes.html).
 */
#ifndef LINKTYPE_H
#define LINKTYPE_H

#include <stdint.h>

#define LINKTYPE_ETHERNET 1

int linktype_to_dlt(uint32_t linktype);
uint32_t linktype_from_dlt(int dlt);

#endif /* LINKTYPE_H */
