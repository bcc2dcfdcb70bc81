#include "link_wrap.h"

#include "link.h"

static uint16_t
le16_at(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static uint32_t
le32_at(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ---- pseudo headers that name what is inside ---------------------------------------- */

/*
 * macOS, `tcpdump -i any': length, kind (1: a packet), link type, then what the system knows of the
 * process.
 */
static enum dissect_rc
unwrap_pktap(const uint8_t *p, size_t len, uint32_t *inner, size_t *off)
{
	enum { LEAST = 44, MOST = 1024 };
	uint32_t header;

	if (len < 12)
		return DISSECT_SHORT;
	header = le32_at(p);
	if (header < LEAST || header > MOST || le32_at(p + 4) != 1)
		return DISSECT_NOTMINE;
	*inner = le32_at(p + 8);
	*off = header;
	return len < header ? DISSECT_SHORT : DISSECT_OK;
}

/* Per-packet information: version, flags, length, link type. */
static enum dissect_rc
unwrap_ppi(const uint8_t *p, size_t len, uint32_t *inner, size_t *off)
{
	if (len < 8)
		return DISSECT_SHORT;
	if (p[0] != 0 || le16_at(p + 2) < 8)
		return DISSECT_NOTMINE;
	*inner = le32_at(p + 4);
	*off = le16_at(p + 2);
	return len < *off ? DISSECT_SHORT : DISSECT_OK;
}

/* OpenBSD's packet filter: length, address family, ...; padded to a multiple of four. */
static enum dissect_rc
unwrap_pflog(const uint8_t *p, size_t len, uint32_t *inner, size_t *off)
{
	enum { LEAST = 28 };

	if (len < 1)
		return DISSECT_SHORT;
	if (p[0] < LEAST)
		return DISSECT_NOTMINE;
	*inner = LINK_RAW;
	*off = (p[0] + 3U) & ~3U;
	return len < *off ? DISSECT_SHORT : DISSECT_OK;
}

/*
 * Linux netfilter (tcpdump -i nflog): family, version, group; attributes of (length, type) in the
 * byte order of its host.
 */
static enum dissect_rc
unwrap_nflog(const uint8_t *p, size_t len, uint32_t *inner, size_t *off)
{
	enum { PAYLOAD = 9, ATTRIBUTES = 64 };
	size_t at = 4;

	if (len < 4)
		return DISSECT_SHORT;
	if (p[1] != 0)
		return DISSECT_NOTMINE;
	for (int i = 0; i < ATTRIBUTES; i++) {
		uint16_t size, type;

		if (len - at < 4)
			return DISSECT_SHORT;
		size = le16_at(p + at);
		type = le16_at(p + at + 2);
		if (type > 0xff) { /* the other byte order: types are few */
			size = (uint16_t)(size >> 8 | size << 8);
			type = (uint16_t)(type >> 8 | type << 8);
		}
		if (size < 4)
			return DISSECT_MALFORMED;
		if (type == PAYLOAD) {
			*inner = LINK_RAW;
			*off = at + 4;
			return DISSECT_OK;
		}
		size = (uint16_t)((size + 3U) & ~3U);
		if (size == 0 || size > len - at)
			return DISSECT_SHORT;
		at += size;
	}
	return DISSECT_MALFORMED;
}

/* ---- wireless ------------------------------------------------------------------------- */

/*
 * IEEE 802.11 9.2.4: a data frame that is not encrypted has LLC behind its
 * header; `pad': some cards align what follows.  Frames with several packets
 * in them are not taken apart.
 */
static enum dissect_rc
unwrap_80211(const uint8_t *p, size_t len, bool pad, uint32_t *inner, size_t *off)
{
	enum {
		TYPE = 0x0c,
		DATA = 0x08,
		NO_DATA = 0x40,
		QOS = 0x80,
		TO_DS = 1,
		FROM_DS = 2,
		PROTECTED = 0x40,
		ORDER = 0x80,
		SEVERAL = 0x80
	};
	size_t n = 24;

	if (len < 2)
		return DISSECT_SHORT;
	if ((p[0] & 3) != 0 || (p[0] & TYPE) != DATA || (p[0] & NO_DATA) != 0 ||
	    (p[1] & PROTECTED) != 0)
		return DISSECT_NOTMINE;
	if ((p[1] & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS))
		n += 6;
	if ((p[0] & QOS) != 0) {
		if (len < n + 2)
			return DISSECT_SHORT;
		if ((p[n] & SEVERAL) != 0)
			return DISSECT_NOTMINE;
		n += 2;
		if ((p[1] & ORDER) != 0)
			n += 4;
	}
	*inner = LINK_LLC;
	*off = pad ? (n + 3) & ~(size_t)3 : n;
	return len < *off ? DISSECT_SHORT : DISSECT_OK;
}

/*
 * radiotap.org: version, pad, length, words that say which fields are there; the second field says
 * whether the header is padded.
 */
static enum dissect_rc
unwrap_radiotap(const uint8_t *p, size_t len, uint32_t *inner, size_t *off)
{
	enum { WORDS = 16, MORE = 0x80, TSFT = 1, FLAGS = 2, PADDED = 0x20 };
	enum dissect_rc rc;
	size_t header, at = 4;
	bool pad = false;

	if (len < 8)
		return DISSECT_SHORT;
	header = le16_at(p + 2);
	if (p[0] != 0 || header < 8)
		return DISSECT_NOTMINE;
	if (len < header)
		return DISSECT_SHORT;
	for (int i = 0; i < WORDS && at + 4 <= header && (p[at + 3] & MORE) != 0; i++)
		at += 4;
	at += 4;
	if ((p[4] & TSFT) != 0)
		at = ((at + 7) & ~(size_t)7) + 8;
	if ((p[4] & FLAGS) != 0 && at < header)
		pad = (p[at] & PADDED) != 0;
	rc = unwrap_80211(p + header, len - header, pad, inner, off);
	*off += header;
	return rc;
}

enum dissect_rc
link_unwrap(uint32_t link_type, const uint8_t *p, size_t len, uint32_t *inner, size_t *off)
{
	*inner = 0;
	*off = 0;
	switch (link_type) {
	case LINK_PKTAP:
	case LINK_PKTAP_OLD: return unwrap_pktap(p, len, inner, off);
	case LINK_PPI: return unwrap_ppi(p, len, inner, off);
	case LINK_PFLOG: return unwrap_pflog(p, len, inner, off);
	case LINK_NFLOG: return unwrap_nflog(p, len, inner, off);
	case LINK_80211: return unwrap_80211(p, len, false, inner, off);
	case LINK_RADIOTAP: return unwrap_radiotap(p, len, inner, off);
	default: return DISSECT_NOTMINE;
	}
}
