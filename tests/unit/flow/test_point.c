#include "check.h"
#include "flow/flow.h"
#include "oracle/frames.h"

/* Everything that leaves a capture point, in order, one line each. */
static char told[16384];
static struct record_connection conn[64];
static struct record_capture cap;
static struct record_host host[64];
static struct record_path path[64];
static struct record_icmp_error icmp[64];
static unsigned conns, hosts, paths, icmps, icmps_told; /* icmps_told: also those beyond */
static char stream[2][4096];

static void
tell(const char *s)
{
	size_t at = strlen(told);

	snprintf(told + at, sizeof(told) - at, "%s ", s);
}

static void
on_record(void *ctx, const struct record *r)
{
	(void)ctx;
	icmps_told += r->type == RECORD_ICMP_ERROR;
	if (r->type == RECORD_CONNECTION && conns < 64) {
		tell("connection");
		conn[conns++] = r->connection;
	} else if (r->type == RECORD_HOST && hosts < 64) {
		host[hosts++] = r->host;
	} else if (r->type == RECORD_PATH && paths < 64) {
		path[paths++] = r->path;
	} else if (r->type == RECORD_ICMP_ERROR && icmps < 64) {
		tell("icmp");
		icmp[icmps++] = r->icmp_error;
	} else if (r->type == RECORD_CAPTURE) {
		tell("capture");
		cap = r->capture;
	}
}

static void *
on_open(void *ctx, const struct flow_opened *f)
{
	char s[64];

	(void)ctx;
	snprintf(s, sizeof(s), "open(%d%s)", (int)f->app, f->hint.midstream ? ",mid" : "");
	tell(s);
	return &stream;
}

static void
on_data(
    void *ctx, enum dissect_dir dir, uint64_t off, struct moment at, const uint8_t *p, size_t len)
{
	(void)ctx, (void)at;
	for (size_t i = 0; i < len && off + i < sizeof(stream[0]) - 1; i++)
		stream[dir][off + i] = (char)p[i];
}

static void
on_gap(void *ctx, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard,
    struct moment at)
{
	(void)ctx, (void)dir, (void)off, (void)missing, (void)heard, (void)at;
	tell("gap");
}

static void
on_close(void *ctx, const struct record_connection *facts)
{
	(void)ctx, (void)facts;
	tell("close");
}

static struct flow_point *fp;
static uint64_t number;
static int64_t now;
static struct tcp_frame base;

static void
begin_with(const struct flow_limits *l)
{
	struct record_sink sink = { on_record, NULL };
	struct flow_watcher w = {
		.open = on_open, .data = on_data, .gap = on_gap, .close = on_close
	};

	told[0] = '\0';
	memset(stream, 0, sizeof(stream));
	conns = hosts = paths = icmps = icmps_told = 0;
	number = 0;
	now = 1700000000000000000;
	base = (struct tcp_frame){
		.client_port = 40000, .server_port = 25, .window = 60000, .wscale = 7
	};
	fp = flow_point_new(3, "test.pcap", "", l, &sink, &w);
}

static void
begin(void)
{
	begin_with(NULL);
}

static void
give(const uint8_t *p, size_t n)
{
	struct capture_frame f = {
		.data = p,
		.caplen = (uint32_t)n,
		.len = (uint32_t)n,
		.ts_ns = now,
		.number = number + 1,
		.link_type = 1,
	};

	number++;
	flow_point_frame(fp, &f);
	now += 1000000;
}

static uint8_t room[FRAME_MAX];

static void
send(char who, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
	struct tcp_frame t = base;
	size_t n;

	t.from_client = who == 'C';
	t.flags = flags;
	t.seq = seq;
	t.ack = ack;
	t.ip_id = (uint16_t)(number + 1);
	t.payload = (const uint8_t *)text;
	t.len = strlen(text);
	n = frame_tcp(room, &t);
	give(room, n);
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static void
handshake(uint32_t isn)
{
	send('C', SYN, isn, 0, "");
	send('S', SYN | ACK, 5000, isn + 1, "");
	send('C', ACK, isn + 1, 5001, "");
}

static void
end(const char *want)
{
	flow_point_end(fp);
	CHECK_EQ_STR(told, want);
}

static void
mail_on_its_port(void)
{
	begin();
	handshake(100);
	send('S', ACK, 5001, 101, "220 mx\r\n");
	send('C', ACK, 101, 5009, "QUIT\r\n");
	send('S', ACK | FIN, 5009, 107, "221\r\n");
	send('C', ACK | FIN, 107, 5015, "");
	send('S', ACK, 5015, 108, "");
	end("open(1) connection close capture ");
	CHECK_EQ_STR(stream[1], "220 mx\r\n221\r\n");
	CHECK_EQ_STR(stream[0], "QUIT\r\n");
	CHECK_EQ_INT(conn[0].state, CONN_ESTABLISHED);
	CHECK_EQ_INT(conn[0].by, CLASS_PORT);
	CHECK(!conn[0].open && conn[0].payload_hash != 0);
	CHECK_EQ_INT(conn[0].key.point, 3);
	CHECK_EQ_INT(conn[0].client.port, 40000);
	CHECK_EQ_INT(cap.frames, 8);
	CHECK_EQ_INT(cap.flows, 1);
	CHECK_EQ_INT(host[0].answered, 1);
	CHECK_EQ_INT(host[0].rtt_min_ns, 1000000);
	CHECK_EQ_INT(host[0].data, 1);
}

/* The dialogue on an odd port is read from its first byte, and its handshake is measured. */
static void
greeting_on_an_odd_port(void)
{
	begin();
	base.server_port = 2526;
	handshake(100);
	send('S', ACK, 5001, 101, "220 welcome\r\n");
	CHECK_EQ_STR(told, "");
	send('C', ACK, 101, 5014, "EHLO me\r\n");
	CHECK_EQ_STR(told, "open(1) ");
	end("open(1) connection close capture ");
	CHECK_EQ_STR(stream[1], "220 welcome\r\n");
	CHECK_EQ_STR(stream[0], "EHLO me\r\n");
	CHECK_EQ_INT(conn[0].by, CLASS_CLIENT);
	CHECK_EQ_INT(conn[0].state, CONN_ESTABLISHED);
	CHECK(conn[0].dir[0].isn_known && conn[0].dir[0].mss == 1460);
	CHECK(conn[0].open);
}

static void
tls_port_that_greets_in_clear(void)
{
	begin();
	base.server_port = 465;
	handshake(100);
	send('C', ACK, 101, 5001, "\x16\x03\x01hello");
	CHECK_EQ_STR(told, "");
	send('S', ACK, 5001, 109, "220 plain\r\n");
	end("open(1) connection close capture ");
	CHECK_EQ_STR(stream[1], "220 plain\r\n");
	CHECK_EQ_INT(conn[0].app, APP_SMTP);
}

static void
tls_port_with_a_silent_server(void)
{
	begin();
	base.server_port = 465;
	handshake(100);
	send('C', ACK, 101, 5001, "\x16\x03\x01hello");
	end("open(3) connection close capture ");
	CHECK_EQ_INT(conn[0].app, APP_SMTPS);
}

/*
 * Bytes in a SYN (RFC 7413) open the stream: the server's begin behind its own SYN, and what is
 * missing of them is.
 */
static void
data_in_the_syn(void)
{
	begin();
	send('C', SYN, 100, 0, "EHLO me\r\n");
	send('S', SYN | ACK, 5000, 110, "");
	send('C', ACK, 110, 5001, "");
	send('S', ACK, 5009, 110, "250 me\r\n");
	send('C', ACK, 110, 5017, "QUIT\r\n");
	end("open(1) gap connection close capture ");
	CHECK_EQ_STR(stream[0], "EHLO me\r\nQUIT\r\n");
	CHECK_EQ_STR(stream[1] + 8, "250 me\r\n");
}

/* A web page makes no connection record, but it proves a size and answers a port. */
static void
others_are_contrast_only(void)
{
	static char big[1401];

	memset(big, 'x', 1400);
	begin();
	base.server_port = 80;
	handshake(100);
	send('C', ACK, 101, 5001, "GET / HTTP/1.0\r\n\r\n");
	send('S', ACK, 5001, 119, big);
	send('C', ACK, 119, 6401, "");
	end("capture ");
	CHECK_EQ_INT(conns, 0);
	CHECK_EQ_INT(hosts, 1);
	CHECK_EQ_INT(host[0].answered, 1);
	CHECK_EQ_INT(paths, 2);
	CHECK_EQ_INT(path[1].proven, 1440);
	CHECK_EQ_INT(path[1].proven_at.frame, 5);
	CHECK_EQ_INT(path[0].proven, 58);
}

/*
 * A FIN may carry the largest segment of all, and what comes minutes after both is another
 * connection.
 */
static void
a_fin_of_others_is_read(void)
{
	static char big[1401];

	memset(big, 'x', 1400);
	begin();
	base.server_port = 80;
	handshake(100);
	send('C', ACK, 101, 5001, "GET / HTTP/1.0\r\n\r\n");
	send('S', ACK | FIN, 5001, 119, big);
	send('C', ACK | FIN, 119, 6402, "");
	now += 300000000000;
	send('S', ACK, 9000, 900, big);
	end("capture ");
	CHECK_EQ_INT(paths, 2);
	CHECK_EQ_INT(path[1].proven, 1440);
	CHECK_EQ_INT(path[1].proven_at.frame, 5);
	CHECK_EQ_INT(host[0].answered, 2);
}

/*
 * The ACK that comes after the delayed-ACK bound proves nothing (0.2), nor does a repeated segment.
 */
static void
late_or_ambiguous_is_no_proof(void)
{
	static char big[1401];

	memset(big, 'x', 1400);
	for (int late = 0; late < 2; late++) {
		begin();
		base.server_port = 80;
		handshake(100);
		send('S', ACK, 5001, 101, big);
		if (late)
			now += 600000000;
		else
			send('S', ACK, 5001, 101, big);
		send('C', ACK, 101, 6401, "");
		flow_point_end(fp);
		CHECK_EQ_INT(paths, 0);
	}
}

static void
failed_syns_are_told(void)
{
	begin();
	base.server_port = 8025;
	for (int i = 0; i < 3; i++, now += 3000000000)
		send('C', SYN, 100, 0, "");
	base.client_port = 40001;
	send('C', SYN, 100, 0, "");
	send('S', RST | ACK, 0, 101, "");
	end("connection connection capture ");
	CHECK_EQ_INT(conn[0].state, CONN_UNANSWERED);
	CHECK_EQ_INT(conn[0].syn_count, 3);
	CHECK_EQ_INT(conn[1].state, CONN_REFUSED);
	CHECK_EQ_INT(hosts, 1);
	CHECK_EQ_INT(host[0].unanswered, 1);
	CHECK_EQ_INT(host[0].refused, 1);
}

static size_t
icmp_frame(uint8_t out[FRAME_MAX], uint8_t type, uint8_t code, uint16_t mtu, const uint8_t *frame)
{
	uint32_t sum;

	memset(out, 0, 14 + 20 + 8);
	memcpy(out, "\2\2\2\2\2\2\2\2\2\2\2\2\x08\0", 14);
	out[14] = 0x45;
	frame_put16(out + 16, 20 + 8 + 40);
	out[22] = 60;
	out[23] = 1;
	memcpy(out + 26, "\300\0\2\1", 4);
	memcpy(out + 30, frame + 26, 4); /* to whom sent it */
	out[34] = type;
	out[35] = code;
	frame_put16(out + 40, mtu);
	memcpy(out + 42, frame + 14, 40);
	sum = frame_sum(out + 34, 48, 0);
	sum = (sum & 0xffff) + (sum >> 16);
	frame_put16(out + 36, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
	return 14 + 20 + 8 + 40;
}

static void
icmp_finds_its_flow(void)
{
	static uint8_t error[FRAME_MAX];
	uint8_t syn[100];

	begin();
	flow_point_community_ids(fp);
	base.server_port = 8025;
	send('C', SYN, 100, 0, "");
	memcpy(syn, room, sizeof(syn));
	give(error, icmp_frame(error, 3, 13, 0, syn));
	frame_put16(syn + 14 + 20, 999); /* quotes a connection that nobody saw */
	give(error, icmp_frame(error, 3, 4, 1400, syn));
	give(error, icmp_frame(error, 3, 4, 1400, syn));
	end("icmp connection icmp capture ");
	CHECK_EQ_INT(conn[0].state, CONN_UNREACHABLE);
	CHECK_EQ_INT(icmp[0].key.conn, conn[0].key.conn);
	CHECK_EQ_STR(icmp[0].community_id, conn[0].community_id);
	CHECK(strncmp(conn[0].community_id, "1:", 2) == 0 &&
	    strncmp(icmp[1].community_id, "1:", 2) == 0);
	CHECK_EQ_INT(icmp[1].key.conn, 0);
	CHECK_EQ_INT(icmp[1].repeats, 1);
	CHECK_EQ_INT(icmp[1].mtu, 1400);
	CHECK_EQ_INT(host[0].unreachable, 1);
}

/* Errors about so many connections that nobody saw, one each `step_ns'. */
static void
icmp_of_many(unsigned n, int64_t step_ns)
{
	static uint8_t error[FRAME_MAX];
	uint8_t syn[100];

	begin();
	send('C', SYN, 100, 0, "");
	memcpy(syn, room, sizeof(syn));
	for (unsigned i = 0; i < n; i++) {
		frame_put16(syn + 14 + 20, 1024 + i);
		frame_put16(syn + 14 + 22, 8025);
		give(error, icmp_frame(error, 3, 4, 1400, syn));
		now += step_ns;
	}
}

/*
 * A sensor that runs for weeks hears of more than it keeps for folding; a flood makes no more
 * records than it may.
 */
static void
icmp_of_more_than_are_kept(void)
{
	icmp_of_many(4000, 2000000000);
	flow_point_end(fp);
	CHECK_EQ_INT(icmps_told, 4000);
	CHECK_EQ_INT(cap.caps_hit, 0);
	icmp_of_many(4000, 0);
	flow_point_end(fp);
	CHECK(icmps_told >= 1024 && icmps_told < 1100);
	CHECK_EQ_INT(icmps_told + cap.caps_hit, 4000);
}

/* Live, what no flow claims is judged and saved before the end, and saved once. */
static void
icmp_is_told_before_the_end(void)
{
	icmp_of_many(1, 0);
	flow_point_snapshot(fp);
	CHECK_EQ_INT(icmps, 1);
	flow_point_save(fp);
	flow_point_save(fp);
	CHECK_EQ_INT(icmps, 2);
	flow_point_end(fp);
	CHECK_EQ_INT(icmps, 3);
	CHECK(icmp[0].key.n == icmp[2].key.n && icmp[2].mtu == 1400);
}

static void
strays(void)
{
	begin();
	base.server_port = 8080;
	send('C', ACK, 1, 1, "");
	send('S', RST, 1, 1, "");
	base.server_port = 110;
	send('C', RST, 1, 1, "");
	end("connection capture ");
	CHECK_EQ_INT(conn[0].state, CONN_MIDSTREAM);
	CHECK_EQ_INT(conn[0].server.port, 110);
}

static void
port_reuse_after_close(void)
{
	begin();
	handshake(100);
	send('C', RST, 101, 0, "");
	handshake(900);
	send('S', ACK, 5001, 901, "220 second\r\n");
	end("connection open(1) connection close capture ");
	CHECK_EQ_STR(stream[1], "220 second\r\n");
	CHECK_EQ_INT(conn[0].dir[0].isn, 100);
	CHECK_EQ_INT(conn[1].dir[0].isn, 900);
}

static void
short_mail(uint16_t client_port)
{
	base.client_port = client_port;
	handshake(100);
	send('S', ACK, 5001, 101, "220 mx\r\n");
	send('S', ACK | FIN, 5009, 101, "221\r\n");
	send('C', ACK | FIN, 101, 5015, "");
	send('S', ACK, 5015, 102, "");
}

/*
 * A capture that is played to the wire again and again: each time a connection, and nothing is sent
 * twice.
 */
static void
the_same_again(void)
{
	begin();
	for (int i = 0; i < 3; i++, now += 50000000)
		short_mail(40000);
	end("open(1) connection close open(1) connection close open(1) connection close capture ");
	for (int i = 0; i < 3; i++)
		CHECK_EQ_INT(conn[i].dir[1].retransmissions, 0);
	/* a SYN that comes late is no connection */
	begin();
	short_mail(40000);
	now += 50000000;
	send('C', SYN, 100, 0, "");
	end("open(1) connection close capture ");
}

/* The end of the first was not captured: the SYN is believed when the server answers it. */
static void
port_reuse_unseen_close(void)
{
	begin();
	handshake(100);
	send('S', ACK, 5001, 101, "220 first\r\n");
	handshake(900);
	send('S', ACK, 5001, 901, "220 second\r\n");
	end("open(1) connection close open(1) connection close capture ");
	CHECK_EQ_STR(stream[1], "220 second\r\n");
	CHECK_EQ_INT(conn[1].state, CONN_ESTABLISHED);
	CHECK_EQ_INT(conn[1].syn_count, 1);
}

/* A forged SYN into a living connection changes nothing. */
static void
forged_syn(void)
{
	begin();
	handshake(100);
	send('S', ACK, 5001, 101, "220 first\r\n");
	send('C', SYN, 77777, 0, "");
	send('S', ACK, 5012, 101, "");
	send('C', ACK, 101, 5012, "EHLO x\r\n");
	end("open(1) connection close capture ");
	CHECK_EQ_STR(stream[0], "EHLO x\r\n");
	CHECK_EQ_INT(conn[0].dir[0].isn, 100);
}

static void
silence_ends_a_flow(void)
{
	begin();
	handshake(100);
	send('S', ACK, 5001, 101, "220 a\r\n");
	now += 1000000000000;
	send('S', ACK, 5008, 101, "421 timeout\r\n");
	end("open(1) connection close open(1,mid) connection close capture ");
	CHECK(!conn[0].open);
}

static void
time_that_goes_back(void)
{
	begin();
	handshake(100);
	send('S', ACK, 5001, 101, "220 a\r\n");
	now -= 5000000000;
	send('C', ACK, 101, 5008, "EHLO b\r\n");
	end("open(1) connection close capture ");
	CHECK_EQ_INT(cap.clock_back, 1);
	CHECK_EQ_INT(cap.clock_back_at.frame, 5);
	CHECK(conn[0].last.ns >= conn[0].first.ns);
}

static void
caps_are_counted(void)
{
	struct flow_limits l = flow_limits_default;

	l.flows = 10;
	begin_with(&l);
	base.server_port = 81;
	for (uint16_t i = 0; i < 100; i++) {
		base.client_port = (uint16_t)(1000 + i);
		send('C', SYN, 100, 0, "");
	}
	end("capture ");
	CHECK_EQ_INT(cap.caps_hit, 90);
	CHECK_EQ_STR(cap.caps, "flows 90");
	l.flows = 1000;
	l.full = 5;
	begin_with(&l);
	for (uint16_t i = 0; i < 20; i++) {
		base.client_port = (uint16_t)(1000 + i);
		send('C', SYN, 100, 0, "");
	}
	flow_point_end(fp);
	CHECK_EQ_INT(conns, 20);
	CHECK_EQ_STR(cap.caps, "full-ledgers 15");
}

/*
 * Where thousands are over, the first of them are told of before the end; what comes late is
 * counted, and is no new connection.
 */
static void
closed_ones_are_put_away(void)
{
	static uint8_t error[FRAME_MAX];
	uint8_t quoted[100];
	unsigned early;

	begin();
	for (uint16_t i = 0; i < 280; i++)
		short_mail((uint16_t)(1000 + i));
	CHECK_EQ_INT(conns, 0); /* none was silent for two seconds */
	now += 2000000000;
	short_mail(2000);
	early = conns;
	CHECK_EQ_INT(early, 280 - 256);
	CHECK_EQ_INT(conn[0].client.port, 1000);
	CHECK(!conn[0].open && conn[0].state == CONN_ESTABLISHED);
	CHECK_EQ_STR(conn[0].community_id, ""); /* nobody asked for it */
	base.client_port = 1000;
	send('C', ACK | FIN, 101, 5015, ""); /* a FIN repeated */
	CHECK_EQ_INT(conns, early);
	memcpy(quoted, room,
	    sizeof(quoted)); /* an ICMP error that speaks of it is told, though of no connection */
	give(error, icmp_frame(error, 3, 4, 1400, quoted));
	send('C', SYN, 900000, 0, ""); /* the port is used again */
	send('S', SYN | ACK, 7000, 900001, "");
	send('C', ACK, 900001, 7001, "");
	flow_point_end(fp);
	CHECK_EQ_STR(cap.caps, "packets-after-close 1");
	CHECK_EQ_INT(cap.flows, 282);
	CHECK_EQ_INT(icmps, 1);
	CHECK_EQ_INT(icmp[0].key.conn, 0);
	CHECK_EQ_INT(icmp[0].mtu, 1400);
}

/* Live: the record of a connection does not wait for four minutes of late packets. */
static void
what_is_over_is_told_soon(void)
{
	begin();
	short_mail(1000);
	base.client_port = 1001;
	handshake(100); /* this one goes on */
	flow_point_tick(fp, now + 9000000000);
	CHECK_EQ_INT(conns, 0);
	flow_point_tick(fp, now + 11000000000);
	CHECK_EQ_INT(conns, 1);
	CHECK_EQ_INT(conn[0].client.port, 1000);
	CHECK(!conn[0].open);
	flow_point_end(fp);
	CHECK_EQ_INT(conns, 2);
	CHECK_EQ_INT(cap.caps_hit, 0);
}

/* Mail stays when the table is full of something else. */
static void
mail_is_evicted_last(void)
{
	struct flow_limits l = flow_limits_default;

	l.flows = 32;
	begin_with(&l);
	handshake(100);
	base.server_port = 81;
	for (uint16_t i = 0; i < 500; i++) {
		base.client_port = (uint16_t)(1000 + i);
		send('C', SYN, 100, 0, "");
	}
	CHECK_EQ_STR(told, "");
	base.server_port = 25;
	base.client_port = 40000;
	send('S', ACK, 5001, 101, "220 a\r\n");
	end("open(1) connection close capture ");
	CHECK_EQ_INT(conn[0].state, CONN_ESTABLISHED);
}

static void
snapshot_goes_on(void)
{
	begin();
	handshake(100);
	send('S', ACK, 5001, 101, "220 a\r\n");
	flow_point_tick(fp, now + 60000000000);
	flow_point_snapshot(fp);
	CHECK_EQ_STR(
	    told, "open(1) connection capture "); /* how good it is so far: judgements ask */
	CHECK(conn[0].open);
	send('C', ACK, 101, 5008, "QUIT\r\n");
	end("open(1) connection capture connection close capture ");
	CHECK_EQ_INT(conn[1].key.conn, conn[0].key.conn);
	CHECK_EQ_STR(stream[0], "QUIT\r\n");
}

static void
ipv6_and_vlan(void)
{
	begin();
	base.v6 = true;
	base.vlans = 2;
	handshake(100);
	send('S', ACK, 5001, 101, "220 six\r\n");
	end("open(1) connection close capture ");
	CHECK_EQ_STR(stream[1], "220 six\r\n");
	CHECK_EQ_INT(conn[0].client.ip.family, 6);
	CHECK_EQ_INT(conn[0].vlan[0], 100);
	CHECK_EQ_INT(conn[0].vlan[1], 101);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "mail on its port", mail_on_its_port },
		{ "a greeting on an odd port", greeting_on_an_odd_port },
		{ "465 that greets in clear", tls_port_that_greets_in_clear },
		{ "465 with a silent server", tls_port_with_a_silent_server },
		{ "data in the SYN", data_in_the_syn },
		{ "what is not mail is contrast only", others_are_contrast_only },
		{ "a FIN of others is read", a_fin_of_others_is_read },
		{ "late or ambiguous is no proof", late_or_ambiguous_is_no_proof },
		{ "failed SYNs are told", failed_syns_are_told },
		{ "ICMP finds its flow, or is told as it is", icmp_finds_its_flow },
		{ "more ICMP than is kept", icmp_of_more_than_are_kept },
		{ "ICMP is told before the end", icmp_is_told_before_the_end },
		{ "strays", strays },
		{ "port reuse after a close", port_reuse_after_close },
		{ "the same again", the_same_again },
		{ "port reuse, the close not captured", port_reuse_unseen_close },
		{ "a forged SYN", forged_syn },
		{ "silence ends a flow", silence_ends_a_flow },
		{ "time that goes back", time_that_goes_back },
		{ "caps are counted", caps_are_counted },
		{ "closed ones are put away", closed_ones_are_put_away },
		{ "what is over is told soon", what_is_over_is_told_soon },
		{ "mail is evicted last", mail_is_evicted_last },
		{ "a snapshot, and on", snapshot_goes_on },
		{ "IPv6 behind two VLAN tags", ipv6_and_vlan },
	};

	return check_main("point", tests, sizeof(tests) / sizeof(tests[0]));
}
