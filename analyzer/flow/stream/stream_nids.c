/*
 * stream_nids.c - the door to libnids.
 *
 * libnids never sees the wire.  Each direction that has a hole is shown to it
 * as a clean synthetic IPv4 connection in which only the client speaks: an
 * alias address that is our slot number, sequence numbers that are stream
 * offsets, a handshake of our own, no options, no FIN, no RST; then none of its
 * limits and none of its memory bugs can be reached from packets (engines.md
 * 1.4, 1.6, 2.1).
 *
 * libnids is one global instance for the whole process, so this file is too;
 * its tables are made when the first hole is met.
 */
#include "flow/stream/stream.h"

#include <nids.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/endian.h>

enum {
	IP_TCP = 40,
	PIECE = 32768, /* payload of one synthetic packet */
	SHARED = 4 * PIECE,
	SERVER_PORT = 25,
	CLIENT_PORT = 1025,
	REVERSE_ACK = 1 << 28, /* bytes after which libnids must see an ACK */
};

static const uint32_t server_address = 0x7f000001;

struct nids_conn {
	struct tcp_stream *tcp;
	void *owner;
	stream_deliver *deliver;
	enum dissect_dir dir; /* of whom it sorts; not seen by libnids */
	uint32_t slot;
	uint64_t pos;   /* libnids expects this offset next */
	uint64_t acked; /* and was told this acknowledgement last */
	bool filler;    /* what comes next stands for a gap */
	bool ended;     /* libnids dropped it on its own */
};

static struct {
	bool tried, usable;
	bool plain; /* no tricks: filler data, private buffers */
	uint32_t slots, free_count;
	uint32_t *free;
	struct nids_conn *opening;
	char *shared;
	jmp_buf nomem;
	_Alignas(16) uint8_t packet[IP_TCP + 4 + PIECE];
} nids;

static void
nids_quiet(int type, int number, struct ip *ip, void *data)
{
	(void)type, (void)number, (void)ip, (void)data;
}

/* libnids would go on and use the NULL. */
static void
nids_nomem(char *where)
{
	(void)where;
	longjmp(nids.nomem, 1);
}

/* ---- its callbacks -------------------------------------------------------- */

static void
nids_established(struct tcp_stream *t)
{
	struct nids_conn *c = nids.opening;

	if (c == NULL)
		return;
	t->user = c;
	c->tcp = t;
	t->server.collect++;
	if (!nids.plain) {
		t->server.data = nids.shared;
		t->server.bufsize = SHARED;
	}
}

/* The buffer is ours: libnids must not free it. */
static void
nids_unshare(struct tcp_stream *t)
{
	if (!nids.plain)
		t->server.data = NULL;
}

static void
nids_bytes(struct nids_conn *c, const struct half_stream *h)
{
	size_t n = (size_t)h->count_new;
	const char *p = h->data + (h->count - h->offset - h->count_new);

	c->pos += n;
	if (!c->filler)
		c->deliver(c->owner, c->dir, (const uint8_t *)p, n);
	c->filler = false; /* that was the gap; the queue drains behind it */
}

/* `server' is what the server received. */
static void
nids_event(struct tcp_stream *t, void **unused)
{
	struct nids_conn *c = t->user;

	(void)unused;
	if (t->nids_state == NIDS_JUST_EST)
		nids_established(t);
	else if (t->nids_state != NIDS_DATA) {
		nids_unshare(t);
		c->ended = true;
		c->tcp = NULL;
	} else if (t->server.count_new > 0)
		nids_bytes(c, &t->server);
}

/* ---- the virtual wire ----------------------------------------------------- */

/* The server's ISN is 0, the client's the offset it begins at. */
static uint32_t
wire_seq(uint64_t off)
{
	return (uint32_t)off + 1;
}

static void
wire_headers(const struct nids_conn *c, bool up, uint8_t flags, uint32_t seq, uint32_t ack,
    size_t options, size_t len)
{
	uint8_t *ip = nids.packet, *tcp = ip + 20;

	memset(ip, 0, IP_TCP);
	ip[0] = 0x45;
	be16enc(ip + 2, (uint16_t)(IP_TCP + options + len));
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	be32enc(ip + 12, up ? c->slot + 1 : server_address);
	be32enc(ip + 16, up ? server_address : c->slot + 1);
	be16enc(tcp, up ? CLIENT_PORT : SERVER_PORT);
	be16enc(tcp + 2, up ? SERVER_PORT : CLIENT_PORT);
	be32enc(tcp + 4, seq);
	be32enc(tcp + 8, ack);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = flags;
	be16enc(tcp + 14, 65535);
}

/* Truesize is made 1 for every packet: libnids' own byte bound never strikes, ours does. */
static void
wire_push(struct nids_conn *c, size_t len)
{
	struct pcap_pkthdr h = { .caplen = (uint32_t)len, .len = (uint32_t)len };

	nids_params.sk_buff_size = 1 - (((int)len + 16 + 15) & ~15);
	if (setjmp(nids.nomem) != 0) {
		c->ended = true;
		return;
	}
	nids_pcap_handler(NULL, &h, nids.packet);
}

static void
wire_syn(struct nids_conn *c, bool up)
{
	static const uint8_t wscale[4] = { 3, 3, 14, 1 };
	uint32_t isn = wire_seq(c->pos) - 1;

	if (up)
		wire_headers(c, true, TH_SYN, isn, 0, sizeof(wscale), 0);
	else
		wire_headers(c, false, TH_SYN | TH_ACK, 0, isn + 1, sizeof(wscale), 0);
	memcpy(nids.packet + IP_TCP, wscale, sizeof(wscale));
	wire_push(c, IP_TCP + sizeof(wscale));
}

static void
wire_ack(struct nids_conn *c, bool up)
{
	wire_headers(c, up, TH_ACK, up ? wire_seq(c->pos) : 1, up ? 1 : wire_seq(c->pos), 0, 0);
	wire_push(c, IP_TCP);
}

/* libnids accepts 1 GiB beyond the last ACK of the other side. */
static void
wire_keep_window(struct nids_conn *c, uint64_t off)
{
	if (off - c->acked < REVERSE_ACK)
		return;
	wire_ack(c, false);
	c->acked = c->pos;
}

static void
wire_data(struct nids_conn *c, uint64_t off, const uint8_t *p, size_t len)
{
	wire_keep_window(c, off);
	wire_headers(c, true, TH_ACK, wire_seq(off), 1, 0, len);
	memcpy(nids.packet + IP_TCP, p, len);
	wire_push(c, IP_TCP + len);
}

/* ---- the engine's four functions ------------------------------------------ */

static void
nids_end(struct nids_conn *c)
{
	if (c->tcp == NULL)
		return;
	nids_unshare(c->tcp);
	nids_free_tcp_stream(c->tcp);
	c->tcp = NULL;
}

static void *
nids_open(void *owner, stream_deliver *deliver, enum dissect_dir dir, uint64_t off)
{
	struct nids_conn *c;

	if (nids.free_count == 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->owner = owner;
	c->deliver = deliver;
	c->dir = dir;
	c->pos = c->acked = off;
	c->slot = nids.free[nids.free_count - 1];
	nids.opening = c;
	wire_syn(c, true);
	wire_syn(c, false);
	wire_ack(c, true);
	nids.opening = NULL;
	if (c->tcp == NULL || c->ended) {
		nids_end(c);
		free(c);
		return NULL;
	}
	nids.free_count--;
	return c;
}

static int
nids_segment(void *conn, uint64_t off, const uint8_t *p, size_t len)
{
	struct nids_conn *c = conn;

	while (len > 0 && !c->ended) {
		size_t n = len < PIECE ? len : PIECE;

		wire_data(c, off, p, n);
		off += n;
		p += n;
		len -= n;
	}
	return c->ended ? -1 : 0;
}

/* Moves libnids' expectation to the last missing byte, and gives it that one. */
static void
nids_jump(struct nids_conn *c, uint64_t missing)
{
	c->tcp->client.first_data_seq += (uint32_t)(missing - 1);
	c->pos += missing - 1;
	wire_keep_window(c, c->pos);
	c->filler = true;
	wire_data(c, c->pos, (const uint8_t *)"", 1);
	c->filler = false;
}

/* The plain way: zeros in place of all missing bytes but the last. */
static void
nids_fill(struct nids_conn *c, uint64_t missing)
{
	static const uint8_t zeros[PIECE];

	for (uint64_t left = missing - 1; left > 0 && !c->ended;) {
		size_t n = left < PIECE ? (size_t)left : PIECE;

		c->filler = true;
		wire_data(c, c->pos, zeros, n);
		left -= n;
	}
}

static int
nids_gap(void *conn, uint64_t missing)
{
	struct nids_conn *c = conn;

	if (c->ended)
		return -1;
	if (nids.plain && missing > 1) {
		nids_fill(c, missing);
		missing = 1;
	}
	if (c->ended)
		return -1;
	nids_jump(c, missing);
	return c->ended ? -1 : 0;
}

static void
nids_close(void *conn)
{
	struct nids_conn *c = conn;

	nids_end(c);
	nids.free[nids.free_count++] = c->slot;
	free(c);
}

/* ---- start, and the self-test --------------------------------------------- */

static int
nids_prepare(uint32_t streams)
{
	static struct nids_chksum_ctl nochecksum = { 0, 0, NIDS_DONT_CHKSUM, 0 };

	nids_params.pcap_desc = pcap_open_dead(DLT_RAW, 65535);
	nids_params.n_tcp_streams = (int)(streams + streams / 3 + 16); /* it uses three quarters */
	nids_params.n_hosts = 16;
	nids_params.dev_addon = 0;
	nids_params.scan_num_hosts = 0;
	nids_params.syslog = nids_quiet;
	nids_params.no_mem = nids_nomem;
	nids_params.tcp_workarounds = 0;
	nids_params.multiproc = 0;
	nids_params.one_loop_less = 0;
	if (nids_params.pcap_desc == NULL || setjmp(nids.nomem) != 0 || !nids_init())
		return -1;
	nids_register_chksum_ctl(&nochecksum, 1);
	nids_register_tcp(nids_event);
	return 0;
}

static int
nids_slots(uint32_t streams)
{
	nids.slots = nids.free_count = streams;
	nids.free = calloc(streams, sizeof(*nids.free));
	nids.shared = malloc(SHARED);
	if (nids.free == NULL || nids.shared == NULL)
		return -1;
	for (uint32_t i = 0; i < streams; i++)
		nids.free[i] = streams - 1 - i;
	return 0;
}

struct trial {
	char out[64];
	size_t len;
};

static void
trial_deliver(void *owner, enum dissect_dir dir, const uint8_t *p, size_t len)
{
	struct trial *t = owner;

	(void)dir;
	for (size_t i = 0; i < len && t->len < sizeof(t->out) - 1; i++)
		t->out[t->len++] = (char)p[i];
}

/* Order, queue, gap with a queue behind it, gap of one byte. */
static bool
nids_trial(uint64_t off)
{
	static const struct {
		uint64_t off;     /* of a gap: bytes missing */
		const char *text; /* NULL: a gap */
	} step[] = {
		{ 7, "cd" },
		{ 0, "220 a" },
		{ 5, "Qb" },
		{ 11, "x" },
		{ 10, "w" },
		{ 9, "v" },
		{ 100012, "yz" },
		{ 100015, "!" },
		{ 100000, NULL },
		{ 1, NULL },
		{ 100016, "?" },
		{ 5, NULL },
		{ 100022, "gh" },
		{ 100025, "i" },
		{ 100024, "," },
	};
	struct trial t = { { 0 }, 0 };
	struct nids_conn *c = nids_open(&t, trial_deliver, DIR_C2S, off);
	bool ok = c != NULL;

	for (size_t i = 0; ok && i < sizeof(step) / sizeof(step[0]); i++)
		if (step[i].text == NULL)
			ok = nids_gap(c, step[i].off) == 0;
		else
			ok = nids_segment(c, off + step[i].off, (const uint8_t *)step[i].text,
				 strlen(step[i].text)) == 0;
	if (c != NULL)
		nids_close(c);
	return ok && strcmp(t.out, "220 aQbcdvwxyz!?gh,i") == 0;
}

/* At the beginning, and where sequence numbers wrap. */
static bool
nids_trials(void)
{
	return nids_trial(0) && nids_trial(UINT32_MAX - 6);
}

static int
nids_start(uint32_t streams)
{
	if (nids.tried)
		return nids.usable ? 0 : -1;
	nids.tried = true;
	if (nids_prepare(streams) == -1 || nids_slots(streams) == -1)
		return -1;
	nids.usable = nids_trials();
	if (!nids.usable) {
		nids.plain = true;
		nids.usable = nids_trials();
	}
	return nids.usable ? 0 : -1;
}

const struct stream_engine stream_engine_nids = { "libnids", nids_start, nids_open, nids_segment,
	nids_gap, nids_close };
