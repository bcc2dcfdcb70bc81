/* test_json.c - the JSON contract, name by name. */
#include "check.h"

#include "fake_correlator.h"
#include "report/json.h"

static struct record_transaction tx;
static struct record_connection conn;

static void
fill(void)
{
	fake_reset();
	fake_black_hole();
	fake_summary.smtp_sessions = 2;
	fake_summary.attempted = fake_summary.unknown = 1;
	fake_summary.findings[FINDING_PMTU_BLACK_HOLE] = 1;
	fake_summary.incomplete_count = 1;
	strcpy(fake_summary.incomplete[0], "cut");
	memset(&tx, 0, sizeof(tx));
	memset(&conn, 0, sizeof(conn));
	tx.sender = "bob@example.org";
	tx.bytes = 7;
	tx.stage = STAGE_DOT;
	tx.first = fake_moment(1, 2);
	conn.client = fake_endpoint("192.0.2.10", 34536);
	conn.server = fake_endpoint("2001:db8::25", 25);
	fake_fates[0] = (struct fate){ .key = { 0, 0xabc, 1, 0 },
		.app = APP_SMTP,
		.transaction = &tx,
		.connection = &conn,
		.verdict = VERDICT_UNKNOWN,
		.because = { 0x1122334455667788 },
		.because_count = 1 };
	strcpy(fake_fates[0].fate, "did not get through: pmtu-black-hole");
	fake_fate_count = 1;
}

static void
take_host(struct json_report *j, uint32_t point, int ms, uint64_t frame)
{
	struct record r = { .type = RECORD_HOST };

	r.key.point = point;
	r.host.first = fake_moment(ms, frame);
	json_report_take(j, &r);
}

static void
print(FILE *out)
{
	struct json_report *j = json_report_new(NULL);
	struct record r = { .type = RECORD_CAPTURE };

	take_host(j, 0, 9, 9);
	take_host(j, 0, 5, 4);
	take_host(j, 0, 5, 3);
	r.capture.first = fake_moment(100, 1);
	json_report_take(j, &r);
	CHECK_EQ_INT(json_report_end(j, out, NULL), 0);
	json_report_free(j);
}

static const char *
line_of(char *text, const char *type)
{
	static char copy[8192], want[64];
	char *save = NULL, *rest = strdup(text), *line;
	bool found = false;

	snprintf(want, sizeof(want), "\"type\":\"%s\"", type);
	for (line = strtok_r(rest, "\n", &save); line != NULL && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, want) != NULL) {
			snprintf(copy, sizeof(copy), "%s", line);
			found = true;
		}
	}
	free(rest);
	return found ? copy : "";
}

static void
names_are_kept(void)
{
	char *text;

	fill();
	text = fake_printed(print);
	CHECK_EQ_STR(line_of(text, "finding"),
	    "{\"client_shows\":\"0x800CCC0F\",\"confidence\":\"confirmed\",\"evidence\":[{\"file\":\"client.pcap\","
	    "\"frames\":[12,19],\"says\":\"1500 bytes sent again and again, never acknowledged\"}],\"excluded\":"
	    "[{\"kind\":\"high-loss\",\"why\":\"small packets passed all the while\"}],\"first\":{\"frame\":12,"
	    "\"time\":\"2026-11-21T10:00:00.100000000Z\"},\"from\":{\"ip\":\"192.0.2.10\",\"port\":34536},"
	    "\"id\":\"1122334455667788\",\"kind\":\"pmtu-black-hole\",\"last\":{\"frame\":38,"
	    "\"time\":\"2026-11-21T10:00:30.000000000Z\"},\"mtu\":{\"candidates\":[1454,1492],\"mss\":1414,"
	    "\"proven\":576,\"safe\":null,\"try\":1454,\"upper\":1499},\"next_capture\":"
	    "\"the other side of the router\",\"remedy\":\"Clamp the MSS to 1414.\",\"schema\":1,"
	    "\"session_count\":1,\"sessions\":[\"0000000000000abc\"],\"severity\":\"error\",\"subkind\":\"\","
	    "\"summary\":\"Packets of 1500 bytes vanish; those up to 576 bytes pass.\","
	    "\"title\":\"large packets vanish without a word (path-MTU black hole)\","
	    "\"to\":{\"ip\":\"198.51.100.25\",\"port\":25},\"type\":\"finding\"}");
	CHECK_EQ_STR(line_of(text, "mail"),
	    "{\"app\":\"smtp\",\"because\":[\"1122334455667788\"],\"bytes\":7,\"client\":{\"ip\":\"192.0.2.10\","
	    "\"port\":34536},\"conn\":\"0000000000000abc\",\"fate\":\"did not get through: pmtu-black-hole\","
	    "\"first\":{\"frame\":2,\"time\":\"2026-11-21T10:00:00.001000000Z\"},\"message_id\":\"\",\"n\":1,"
	    "\"point\":0,\"recipients\":0,\"recipients_accepted\":0,\"schema\":1,\"sender\":\"bob@example.org\","
	    "\"server\":{\"ip\":\"2001:db8::25\",\"port\":25},\"stage\":\"dot\",\"type\":\"mail\","
	    "\"verdict\":\"unknown\"}");
	CHECK_EQ_STR(line_of(text, "summary"),
	    "{\"findings\":{\"pmtu-black-hole\":1},\"icmp\":{\"frag_needed\":0},\"imap\":{\"sessions\":0},"
	    "\"incomplete\":[\"cut\"],\"inputs\":1,\"packets\":40,\"pop3\":{\"logins\":{\"accepted\":0,"
	    "\"refused\":0},\"messages\":{\"cut\":0,\"end_unseen\":0,\"retrieved\":0,\"unconfirmed\":0},\"sessions\":0},"
	    "\"replies\":{\"own_rows\":0,\"rows\":0,\"version\":0},\"schema\":1,\"smtp\":"
	    "{\"messages\":{\"abandoned\":0,\"accepted\":0,\"asked\":0,\"attempted\":1,\"deferred\":0,\"lost\":0,"
	    "\"refused\":0,\"unknown\":1},\"recipients\":{\"accepted\":0,\"deferred\":0,\"refused\":0},"
	    "\"sessions\":2},\"type\":\"summary\"}");
	free(text);
}

static void
a_reply_finding_has_its_reply(void)
{
	char *text;

	fill();
	fake_findings[0].has_mtu = false;
	fake_findings[0].has_reply = true;
	fake_findings[0].reply.code = 550;
	fake_findings[0].reply.text = "no";
	fake_findings[0].to.port = 0;
	text = fake_printed(print);
	CHECK(strstr(text, "\"reply\":{\"code\":550,\"enhanced\":\"\",\"text\":\"no\"}") != NULL);
	CHECK(strstr(text, "\"mtu\":") == NULL);
	CHECK(strstr(text, "\"to\":{\"ip\":\"198.51.100.25\",\"port\":null}") != NULL);
	free(text);
}

/* Captures, records by time and frame, mails, findings, summary last. */
static void
lines_are_in_order(void)
{
	static const char *const order[] = { "\"type\":\"capture\"", "\"frame\":3,", "\"frame\":4,",
		"\"frame\":9,", "\"type\":\"mail\"", "\"type\":\"finding\"",
		"\"type\":\"summary\"" };
	char *text, *at, *next;

	fill();
	text = at = fake_printed(print);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		next = strstr(at, order[i]);
		if (next == NULL) {
			CU_FAIL(order[i]);
			break;
		}
		at = next;
	}
	CHECK_EQ_STR(strchr(at, '\n'), "\n");
	free(text);
}

static void
no_byte_can_hurt_a_terminal(void)
{
	char *text;

	fill();
	fake_findings[0].summary = "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\xff";
	text = fake_printed(print);
	for (const char *p = text; *p != '\0'; p++)
		CHECK(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	CHECK(strstr(text, "\\u001B[2J\\u007F\\u009B\\u202E\\uFFFD") != NULL);
	free(text);
}

/* docs/records.schema.json is what the tables say: ./dev schema writes it anew. */
static void
the_schema_on_disk_is_the_tables(void)
{
	char *now = fake_printed(json_report_schema), *disk = calloc(1, 1U << 20);
	FILE *f = fopen(TESTS_DIR "/../docs/records.schema.json", "r");

	CU_ASSERT_FATAL(f != NULL && disk != NULL);
	CHECK(fread(disk, 1, (1U << 20) - 1, f) > 0);
	fclose(f);
	CHECK(strcmp(now, disk) == 0);
	free(disk);
	free(now);
}

int
main(void)
{
	static const struct check_test t[] = {
		{ "the names are kept", names_are_kept },
		{ "a reply finding has its reply", a_reply_finding_has_its_reply },
		{ "lines are in order", lines_are_in_order },
		{ "no byte can hurt a terminal", no_byte_can_hurt_a_terminal },
		{ "the schema on disk is what the tables say", the_schema_on_disk_is_the_tables },
	};

	return check_main("json", t, sizeof(t) / sizeof(t[0]));
}
