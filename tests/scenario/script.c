/* script.c - the language of README.md: one statement a line, words, and what happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "script.h"

enum { LINE = 4096 };

static const int64_t think_ns = 300000; /* from the last byte read to the answer */
static const int64_t patience_ns = 900000000000;
static const int64_t tail_ns = 1000000000; /* the capture goes on so long after the last step */

/* ---- words -------------------------------------------------------------------- */

const char *
word(struct script *sc)
{
	if (sc->at >= sc->count)
		fail("something is missing at the end of the line");
	return sc->words[sc->at++];
}

/* Takes the next word if it is `w'. */
bool
word_is(struct script *sc, const char *w)
{
	if (sc->at >= sc->count || strcmp(sc->words[sc->at], w) != 0)
		return false;
	sc->at++;
	return true;
}

long
word_number(struct script *sc, long min, long max)
{
	const char *w = word(sc);
	char *end;
	long v = strtol(w, &end, 0);

	if (*w == '\0' || *end != '\0' || v < min || v > max)
		fail("\"%s\" is not a number from %ld to %ld", w, min, max);
	return v;
}

int64_t
parse_time(const char *w)
{
	static const struct {
		const char *unit;
		int64_t ns;
	} units[] = {
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "min", 60000000000 },
	};
	char *end;
	double v = strtod(w, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end != w && strcmp(end, units[i].unit) == 0 && v >= 0 && v < 1e6)
			return (int64_t)(v * 1000 + 0.5) * units[i].ns / 1000;
	fail("\"%s\" is not a time: 20us, 5ms, 1.5s, 2min", w);
}

bool
word_on(struct script *sc)
{
	if (word_is(sc, "on"))
		return true;
	if (!word_is(sc, "off"))
		fail("on or off is missing");
	return false;
}

/* ---- what happens ----------------------------------------------------------------------- */

static void
run_until(struct sim *s, int64_t at)
{
	while (net_step(s, at))
		continue;
	s->now = at;
}

/* Waits until `e' is connected and has read all that was written to it. */
static void
wait_turn(struct sim *s, struct endpoint *e)
{
	uint64_t want = e->peer->written;
	int64_t until = s->now + patience_ns;

	while (e->state != EP_OPEN || e->rcv_next < want)
		if ((e->state == EP_CLOSED && e->syn_sent > 0) || !net_step(s, until))
			fail("it will never be this side's turn: the connection is gone, or what "
			     "the other side said does not arrive");
	run_until(s, s->now + think_ns);
}

static void
flush(struct script *sc)
{
	struct endpoint *e = sc->writer;
	size_t n = sc->text_len;
	unsigned int here = fail_line;

	sc->writer = NULL;
	sc->text_len = 0;
	if (e == NULL)
		return;
	fail_line = sc->writer_line;
	wait_turn(sc->sim, e);
	ep_write(sc->sim, e, sc->text, n);
	fail_line = here;
}

static struct endpoint *
side(struct script *sc, char c)
{
	if (sc->conn == NULL)
		fail("no connection yet");
	return &sc->conn->end[c == 'S'];
}

static void
end_parse(struct script *sc, struct endpoint *e)
{
	char w[NAME + 8], *colon;

	snprintf(w, sizeof(w), "%s", word(sc));
	if ((colon = strchr(w, ':')) == NULL)
		fail("\"%s\": an end of a connection is written HOST:PORT", w);
	*colon = '\0';
	e->node = net_node(sc->sim, w);
	e->port = (uint16_t)atoi(colon + 1);
}

static void
do_connect(struct script *sc)
{
	struct sim *s = sc->sim;
	struct conn *c = xalloc(sizeof(*c));

	if (s->conn_count == CONNS)
		fail("more than %d connections", CONNS);
	snprintf(c->name, sizeof(c->name), "%s", word(sc));
	end_parse(sc, &c->end[0]);
	end_parse(sc, &c->end[1]);
	if (s->nodes[c->end[0].node].version != s->nodes[c->end[1].node].version)
		fail("IPv4 and IPv6 do not meet");
	ep_init(s, c);
	s->conns[s->conn_count++] = sc->conn = c;
	run_until(s, s->now + think_ns);
	ep_connect(s, &c->end[0]);
}

static void
do_use(struct script *sc)
{
	const char *name = word(sc);

	for (int i = 0; i < sc->sim->conn_count; i++)
		if (strcmp(sc->sim->conns[i]->name, name) == 0) {
			sc->conn = sc->sim->conns[i];
			return;
		}
	fail("no connection is called \"%s\"", name);
}

/* Remembers the envelope, for the header of the message that follows. */
static void
note_envelope(struct script *sc, const char *line)
{
	const char *a = strchr(line, '<'), *b = strchr(line, '>');
	char *to = strncasecmp(line, "MAIL FROM", 9) == 0 ? sc->from
	    : strncasecmp(line, "RCPT TO", 7) == 0        ? sc->to
							  : NULL;

	if (to != NULL && a != NULL && b > a)
		snprintf(to, sizeof(sc->from), "%.*s", (int)(b - a - 1), a + 1);
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
text_add(struct script *sc, const char *p, size_t n)
{
	if (n > sizeof(sc->text) - sc->text_len)
		fail("more than 64 KiB in one write");
	memcpy(sc->text + sc->text_len, p, n);
	sc->text_len += n;
}

/* \r \n \\ \xNN */
static void
text_add_escaped(struct script *sc, const char *p)
{
	char c;

	for (; *p != '\0'; p++) {
		c = *p;
		if (c == '\\' && p[1] != '\0') {
			c = *++p;
			if (c == 'x' && p[1] != '\0' && hex_digit(p[1]) >= 0 &&
			    hex_digit(p[2]) >= 0) {
				c = (char)(hex_digit(p[1]) << 4 | hex_digit(p[2]));
				p += 2;
			} else {
				c = c == 'r' ? '\r' : c == 'n' ? '\n' : c;
			}
		}
		text_add(sc, &c, 1);
	}
}

/* "C: EHLO x": a line.  "C; EHL": bytes without a line's end. */
static void
do_say(struct script *sc, char who, bool line, const char *text)
{
	struct endpoint *e = side(sc, who);

	if (sc->writer != NULL && sc->writer != e)
		flush(sc);
	sc->writer = e;
	sc->writer_line = fail_line;
	note_envelope(sc, text);
	text_add_escaped(sc, text);
	if (line)
		text_add(sc, "\r\n", 2);
}

/* "S! 421 x": a line at once, whatever the other side is saying. */
static void
do_interrupt(struct script *sc, char who, const char *text)
{
	struct endpoint *e = side(sc, who);

	flush(sc);
	text_add_escaped(sc, text);
	text_add(sc, "\r\n", 2);
	ep_write(sc->sim, e, sc->text, sc->text_len);
	sc->text_len = 0;
}

/* ---- messages ----------------------------------------------------------------------------- */

/* Text that is the same for ever: words of a pangram, turned round line by line. */
static size_t
body_line(char *out, unsigned int n, size_t room)
{
	static const char *const words[] = { "sphinx", "of", "black", "quartz,", "judge", "my",
		"vow", "and", "pack", "five", "dozen", "jugs" };
	size_t at = (size_t)snprintf(out, LINE, "%05u", n), w;

	for (unsigned int i = n; at < 70; i += 1 + n % 3) {
		w = strlen(words[i % 12]);
		out[at++] = ' ';
		memcpy(out + at, words[i % 12], w);
		at += w;
	}
	if (at + 2 > room)
		at = room - 2;
	memcpy(out + at, "\r\n", 2);
	return at + 2;
}

static size_t
message_head(struct script *sc, char *out, size_t size, const char *subject)
{
	struct sim *s = sc->sim;
	time_t t = (time_t)((s->start + s->now) / s_ns);
	struct tm tm;
	char date[64];

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	return (size_t)snprintf(out, size,
	    "Message-ID: <%llu.%u@example.net>\r\nDate: %s\r\nFrom: <%s>\r\nTo: <%s>\r\n"
	    "Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
	    (unsigned long long)t, ++sc->messages, date, sc->from, sc->to, subject);
}

/* `size' bytes of message, then the dot. */
static void
do_data(struct script *sc, struct endpoint *e)
{
	size_t size = (size_t)word_number(sc, 0, 8 << 20), at, line;
	char subject[256] = "Quarterly figures", *p = xalloc(size + 2 * (size_t)LINE);

	if (word_is(sc, "subject")) {
		subject[0] = '\0';
		while (sc->at < sc->count) {
			if (subject[0] != '\0')
				strncat(subject, " ", sizeof(subject) - strlen(subject) - 1);
			strncat(subject, word(sc), sizeof(subject) - strlen(subject) - 1);
		}
	}
	wait_turn(sc->sim, e);
	at = message_head(sc, p, LINE, subject);
	for (unsigned int n = 1; at < size; n++) {
		line = body_line(p + at, n, size - at < 82 && size - at > 2 ? size - at : LINE);
		at += line;
	}
	memcpy(p + at, ".\r\n", 3);
	ep_write(sc->sim, e, p, at + 3);
}

/* ---- what one side does -------------------------------------------------------------------- */

static void
act_fin(struct script *sc, struct endpoint *e)
{
	wait_turn(sc->sim, e);
	ep_close(sc->sim, e);
}

static void
act_gives_up(struct script *sc, struct endpoint *e)
{
	ep_close(sc->sim, e);
}

static void
act_rst(struct script *sc, struct endpoint *e)
{
	ep_abort(sc->sim, e, word_is(sc, "ttl") ? (int)word_number(sc, 1, 255) : 0, 0x14);
}

static void
act_stops(struct script *sc, struct endpoint *e)
{
	(void)sc;
	ep_read_stop(e);
}

static void
act_reads(struct script *sc, struct endpoint *e)
{
	ep_read_go(sc->sim, e);
}

static void
act_asks(struct script *sc, struct endpoint *e)
{
	ep_keep_alive(sc->sim, e);
}

static void
act_lose(struct script *sc, struct endpoint *e)
{
	e->lose = (unsigned int)word_number(sc, 1, 1 << 20);
}

static void
act_unseen(struct script *sc, struct endpoint *e)
{
	e->unseen = (unsigned int)word_number(sc, 1, 1 << 20);
}

static void
do_act(struct script *sc, char who)
{
	static const struct {
		const char *name;
		void (*act)(struct script *sc, struct endpoint *e);
	} acts[] = {
		{ "data", do_data },
		{ "fin", act_fin },
		{ "gives-up", act_gives_up },
		{ "rst", act_rst },
		{ "stops-reading", act_stops },
		{ "reads", act_reads },
		{ "asks", act_asks },
		{ "lose", act_lose },
		{ "unseen", act_unseen },
	};
	struct endpoint *e = side(sc, who);

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (word_is(sc, acts[i].name)) {
			acts[i].act(sc, e);
			return;
		}
	fail("%c cannot do that", who);
}

/* ---- lines ------------------------------------------------------------------- */

static void
split(struct script *sc, char *line)
{
	char *save = NULL, *w;

	sc->count = sc->at = 0;
	for (w = strtok_r(line, " \t", &save); w != NULL; w = strtok_r(NULL, " \t", &save)) {
		if (w[0] == '#')
			break;
		if (sc->count == WORDS)
			fail("more than %d words", WORDS);
		sc->words[sc->count++] = w;
	}
}

static void
run_statement(struct script *sc)
{
	const char *w = sc->words[0];

	sc->at = 1;
	if (w[0] == '+' && sc->count == 1) {
		run_until(sc->sim, sc->sim->now + parse_time(w + 1));
		return;
	}
	if ((w[0] == 'C' || w[0] == 'S') && w[1] == '\0') {
		do_act(sc, w[0]);
	} else if (strcmp(w, "connect") == 0) {
		do_connect(sc);
	} else if (strcmp(w, "use") == 0) {
		do_use(sc);
	} else if (!script_there(sc, w)) {
		fail("\"%s\": no such statement", w);
	}
	if (sc->at != sc->count)
		fail("\"%s\": not understood here", sc->words[sc->at]);
}

static void
run_line(struct script *sc, char *line)
{
	if ((line[0] == 'C' || line[0] == 'S') && (line[1] == ':' || line[1] == ';')) {
		do_say(sc, line[0], line[1] == ':', line[2] == ' ' ? line + 3 : line + 2);
		return;
	}
	if ((line[0] == 'C' || line[0] == 'S') && line[1] == '!') {
		do_interrupt(sc, line[0], line[2] == ' ' ? line + 3 : line + 2);
		return;
	}
	split(sc, line);
	if (sc->count == 0)
		return;
	flush(sc);
	run_statement(sc);
}

void
script_run(struct sim *s, const char *path, char *text)
{
	struct script *sc = xalloc(sizeof(*sc));
	char *next;

	sc->sim = s;
	snprintf(sc->from, sizeof(sc->from), "someone@example.net");
	snprintf(sc->to, sizeof(sc->to), "someone@example.com");
	fail_file = path;
	for (char *line = text; line != NULL; line = next) {
		fail_line++;
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		run_line(sc, line);
	}
	flush(sc);
	run_until(s, s->now + tail_ns);
}
