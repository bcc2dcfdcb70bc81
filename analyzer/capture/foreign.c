#include "foreign.h"

#include <stdbool.h>
#include <string.h>

/* Other captures first: their owners can convert them. */
static const struct known {
	uint16_t at;
	uint8_t len;
	const char *magic;
	const char *what;
	bool other; /* nobody keeps a capture in it */
} known[] = {
	{ 0, 8, "snoop\0\0\0", "a snoop capture (RFC 1761): convert it with editcap -F pcap",
	    false },
	{ 0, 4, "GMBU", "a Microsoft Network Monitor capture: convert it with editcap -F pcap",
	    false },
	{ 0, 4, "RTSS", "a Microsoft Network Monitor 1 capture: convert it with editcap -F pcap",
	    false },
	{ 0, 8, "\x00\x02\x12\x30\x00\x00\x00\x00", "an ETL trace: convert it with etl2pcapng",
	    false },
	{ 0, 11, "iptrace 1.0", "an AIX iptrace capture: convert it with editcap -F pcap", false },
	{ 0, 11, "iptrace 2.0", "an AIX iptrace capture: convert it with editcap -F pcap", false },
	{ 0, 7, "TRSNIFF", "a Sniffer capture: convert it with editcap -F pcap", false },
	{ 0, 4, "XCP\0", "a NetXRay capture: convert it with editcap -F pcap", false },
	{ 0, 8, "btsnoop\0", "a Bluetooth capture", false },
	{ 0, 4, "\xa1\xb2\x34\xcd",
	    "a pcap of a variant that nobody documents: convert it with editcap -F pcap", false },
	{ 0, 4, "\xcd\x34\xb2\xa1",
	    "a pcap of a variant that nobody documents: convert it with editcap -F pcap", false },
	{ 0, 4, "\xa1\xe2\xcb\x12",
	    "a pcap of a variant that nobody documents: convert it with editcap -F pcap", false },
	{ 0, 4, "PK\x03\x04", "a zip archive: unpack it first", false },
	{ 0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first", false },
	{ 0, 4, "Rar!", "a rar archive: unpack it first", false },
	{ 257, 5, "ustar", "a tar archive: unpack it first", false },
	{ 0, 4,
	    "\x7f"
	    "ELF",
	    "a program", true },
	{ 0, 5, "%PDF-", "a PDF document", true },
	{ 0, 4, "\x89PNG", "a picture", true },
	{ 0, 3, "\xff\xd8\xff", "a picture", true },
	{ 0, 5, "From ", "a mailbox", true },
	{ 0, 9, "Received:", "a mail message", true },
	{ 0, 12, "Return-Path:", "a mail message", true },
	{ 0, 15, "SQLite format 3", "a database", true },
	{ 0, 1, "{", "JSON text", true },
	{ 0, 5, "<?xml", "XML text", true },
	{ 0, 9, "<!DOCTYPE", "an HTML page", true },
	{ 0, 5, "<html", "an HTML page", true },
};

static bool
is_text(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] == 0x7f ||
		    (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r' && p[i] != 0x1b))
			return false;
	return len > 0;
}

static bool
is_same(const uint8_t *p, size_t len, uint8_t byte)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte)
			return false;
	return len > 0;
}

static const struct known *
known_find(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len >= (size_t)known[i].at + known[i].len &&
		    memcmp(p + known[i].at, known[i].magic, known[i].len) == 0)
			return &known[i];
	return NULL;
}

const char *
foreign_guess(const uint8_t *p, size_t len)
{
	const struct known *k = known_find(p, len);

	if (k != NULL)
		return k->what;
	if (is_same(p, len, 0))
		return "nothing but zero bytes";
	return is_text(p, len) ? "text" : NULL;
}

bool
foreign_is_other(const uint8_t *p, size_t len)
{
	const struct known *k = known_find(p, len);

	return k != NULL ? k->other : is_text(p, len);
}
