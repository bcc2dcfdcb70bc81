/* What a capture point makes of flows: which are mail, what the others tell. */
#include "point_watch.h"

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
		{ "strays", strays },
		{ "IPv6 behind two VLAN tags", ipv6_and_vlan },
	};

	return check_main("point", tests, sizeof(tests) / sizeof(tests[0]));
}
