/* When a flow is over, and what of it is told then: reuse, silence, too many at once. */
#include "point_watch.h"

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

/* A connection of a few packets, closed by both. */
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

int
main(void)
{
	static const struct check_test tests[] = {
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
	};

	return check_main("point_end", tests, sizeof(tests) / sizeof(tests[0]));
}
