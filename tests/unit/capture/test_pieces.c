/* Which files are one capture, and in what order. */
#include "capture/pieces.h"
#include "files.h"

static void
names_that_differ_in_digits_are_alike(void)
{
	CHECK(pieces_alike("d/mail.pcap", "d/mail.pcap1") &&
	    pieces_alike("d/mail.pcap9", "d/mail.pcap10"));
	CHECK(pieces_alike(
	    "mail_00001_20261121230000.pcapng.gz", "mail_00002_20261122000000.pcapng.gz"));
	CHECK(pieces_alike("2026-11-21_23:00.pcap", "2026-11-22_00:00.pcap"));
	CHECK(!pieces_alike("client.pcap", "server.pcap") &&
	    !pieces_alike("mail.pcap", "mail.pcap.gz"));
	CHECK(!pieces_alike("a1/mail.pcap", "a2/mail.pcap") &&
	    !pieces_alike("mail1.pcap", "d/mail1.pcap"));
	CHECK(!pieces_alike("eth0-a.pcap", "eth0-b.pcap") && !pieces_alike("", "a"));
}

static void
begins(struct piece_path *x, const char *name, uint32_t sec)
{
	static const uint8_t frame[60];
	struct bytes b = { 0 };

	pcap_head(&b, FILES_MICRO, LINK_ETHERNET);
	if (sec > 0)
		pcap_record(&b, sec, 0, frame, sizeof(frame), sizeof(frame));
	x->path = strdup(file_write(name, b.p, b.n));
	x->argument = 0;
	bytes_free(&b);
}

static bool
ends_in(const char *path, const char *name)
{
	return strlen(path) >= strlen(name) &&
	    strcmp(path + strlen(path) - strlen(name), name) == 0;
}

/* A ring of three that goes round (4, 5, 3), around another capture; ten is behind two. */
static void
they_come_in_order_of_their_packets(void)
{
	static const char *const names[] = { "mail10", "server", "mail2", "mail0", "ring0", "ring1",
		"ring2" };
	static const uint32_t times[] = { 30, 5, 20, 10, 44, 45, 43 };
	static const char *const want[] = { "mail0", "mail2", "mail10", "server", "ring2", "ring0",
		"ring1" };
	struct piece_path v[7];

	for (size_t i = 0; i < 7; i++)
		begins(&v[i], names[i], times[i]);
	CHECK(pieces_order(v, 7) == 0);
	for (size_t i = 0; i < 7; i++)
		CHECK(ends_in(v[i].path, want[i]));
	for (size_t i = 0; i < 7; i++)
		free(v[i].path);
}

/*
 * What cannot be put in order of time stays where it is: logs, captures without a packet, names
 * that are no files.
 */
static void
what_has_no_time_stays(void)
{
	struct piece_path v[3];

	begins(&v[0], "log10", 7);
	begins(&v[1], "log2", 0);
	begins(&v[2], "log3", 3);
	pieces_order(v, 3);
	CHECK(ends_in(v[0].path, "log10") && ends_in(v[1].path, "log2") &&
	    ends_in(v[2].path, "log3"));
	for (size_t i = 0; i < 3; i++)
		free(v[i].path);
	v[0].path = strdup("/nowhere/b2");
	v[1].path = strdup("/nowhere/b1");
	pieces_order(v, 2);
	CHECK(strcmp(v[0].path, "/nowhere/b2") == 0);
	CHECK(pieces_order(v, 0) == 0);
	free(v[0].path);
	free(v[1].path);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "names that differ in digits are alike", names_that_differ_in_digits_are_alike },
		{ "they come in order of their packets", they_come_in_order_of_their_packets },
		{ "what has no time stays", what_has_no_time_stays },
	};

	int rc = check_main("pieces", t, sizeof(t) / sizeof(t[0]));

	files_remove();
	return rc;
}
