#include "linktype.h"

#include <pcap/dlt.h>
#include <stddef.h>

static const struct {
	uint32_t linktype;
	int dlt;
} differ[] = {
	{ 50, DLT_PPP_SERIAL },
	{ 51, DLT_PPP_ETHER },
	{ 100, DLT_ATM_RFC1483 },
	{ 101, DLT_RAW },
	{ 102, DLT_SLIP_BSDOS },
	{ 103, DLT_PPP_BSDOS },
	{ 104, DLT_C_HDLC },
	{ 106, DLT_ATM_CLIP },
	{ 107, DLT_FRELAY },
	{ 108, DLT_LOOP },
	{ 109, DLT_ENC },
};

int
linktype_to_dlt(uint32_t linktype)
{
	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i].linktype == linktype)
			return differ[i].dlt;
	return (int)linktype;
}

uint32_t
linktype_from_dlt(int dlt)
{
	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i].dlt == dlt)
			return differ[i].linktype;
	return (uint32_t)dlt;
}
