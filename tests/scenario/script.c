/* script.c - the language of README.md: one statement a line, a table of statements. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "scenario.h"

enum { WORDS = 32, LINE = 4096, WRITE = 1 << 16 };

static const int64_t think_ns = 300000;		/* from the last byte read to the answer */
static const int64_t patience_ns = 900000000000;
static const int64_t tail_ns = 1000000000;	/* the capture goes on so long after the last step */

struct script {
	struct sim	*sim;
	struct conn	*conn;			/* the one that C and S belong to */
	char		*words[WORDS];
	int		 count, at;
	struct endpoint	*writer;		/* consecutive lines of one side are one write ... */
	unsigned int	 writer_line;
	char		 text[WRITE];		/* ... collected here */
	size_t		 text_len;
	char		 from[256], to[256];	/* of the message that DATA will carry */
	unsigned int	 messages;
};

/* ---- words -------------------------------------------------------------------- */

static const char *
word(struct script *sc)
{
	if (sc->at >= sc->count)
		fail("something is missing at the end of the line");
	return sc->words[sc->at++];
}

/* Takes the next word if it is `w'. */
static bool
word_is(struct script *sc, const char *w)
{
	if (sc->at >= sc->count || strcmp(sc->words[sc->at], w) != 0)
		return false;
	sc->at++;
	return true;
}

static long
word_number(struct script *sc, long min, long max)
{
	const char *w = word(sc);
	char *end;
	long v = strtol(w, &end, 0);

	if (*w == '\0' || *end != '\0' || v < min || v > max)
		fail("\"%s\" is not a number from %ld to %ld", w, min, max);
	return v;
}

static int64_t
parse_time(const char *w)
{
	static const struct {
		const char	*unit;
		int64_t		 ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "min", 60000000000 } };
	char *end;
	double v = strtod(w, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end != w && strcmp(end, units[i].unit) == 0 && v >= 0 && v < 1e6)
			return (int64_t)(v * 1000 + 0.5) * units[i].ns / 1000;
	fail("\"%s\" is not a time: 20us, 5ms, 1.5s, 2min", w);
}

static bool
word_on(struct script *sc)
{
	if (word_is(sc, "on"))
		return true;
	if (!word_is(sc, "off"))
		fail("on or off is missing");
	return false;
}

/* "A>B" */
static void
word_hop(struct script *sc, int *a, int *b)
{
	char w[2 * NAME + 2], *arrow;

	snprintf(w, sizeof(w), "%s", word(sc));
	if ((arrow = strchr(w, '>')) == NULL)
		fail("\"%s\": a direction is written A>B", w);
	*arrow = '\0';
	*a = net_node(sc->sim, w);
	*b = net_node(sc->sim, arrow + 1);
	if (net_link(sc->sim, *a, *b) == NULL)
		fail("no link between %s and %s", w, arrow + 1);
}

/* ---- what is there --------------------------------------------------------------- */

static struct node *
new_node(struct script *sc, bool router)
{
	struct sim *s = sc->sim;
	struct node *n = &s->nodes[s->node_count];
	const char *name, *addr;

	if (s->node_count == NODES)
		fail("more than %d hosts and routers", NODES);
	name = word(sc);
	addr = word(sc);
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->router = router;
	n->version = strchr(addr, ':') != NULL ? 6 : 4;
	if (inet_pton(n->version == 6 ? AF_INET6 : AF_INET, addr, n->addr) != 1)
		fail("\"%s\" is not an address", addr);
	n->ttl = router ? 255 : 64;
	n->ip_id = (uint16_t)(0x1000 + s->node_count * 0x1357);
	s->node_count++;
	return n;
}

static void
do_router(struct script *sc)
{
	struct node *n = new_node(sc, true);

	if (word_is(sc, "ttl"))
		n->ttl = (uint8_t)word_number(sc, 1, 255);
}

static bool
host_option(struct script *sc, struct node *n)
{
	if (word_is(sc, "mss"))
		n->mss = (uint32_t)word_number(sc, 64, 65000);
	else if (word_is(sc, "ttl"))
		n->ttl = (uint8_t)word_number(sc, 1, 255);
	else if (word_is(sc, "window"))
		n->window = (uint32_t)word_number(sc, 1, 1 << 24);
	else if (word_is(sc, "wscale"))
		n->wscale = word_is(sc, "off") ? -1 : (int)word_number(sc, 0, 14);
	else if (word_is(sc, "timestamps"))
		n->timestamps = word_on(sc);
	else if (word_is(sc, "sack"))
		n->sack = word_on(sc);
	else if (word_is(sc, "df"))
		n->df = word_on(sc);
	else if (word_is(sc, "deaf"))
		n->deaf = word_on(sc);
	else if (word_is(sc, "syn"))
		n->syn = word_is(sc, "windows") ? SYN_WINDOWS :
		    word_is(sc, "linux-old") ? SYN_LINUX_OLD : SYN_LINUX;
	else
		return false;
	return true;
}

static void
do_host(struct script *sc)
{
	struct node *n = new_node(sc, false);

	n->mss = n->version == 6 ? 1440 : 1460;
	n->window = 64240;
	n->wscale = 7;
	n->timestamps = n->sack = n->df = true;
	while (sc->at < sc->count && host_option(sc, n))
		continue;
	word_is(sc, "linux");
}

static void
do_link(struct script *sc)
{
	struct sim *s = sc->sim;
	int a = net_node(s, word(sc)), b = net_node(s, word(sc));
	struct link *l = net_link(s, a, b);

	if (l == NULL) {
		if (s->link_count == LINKS)
			fail("more than %d links", LINKS);
		l = &s->links[s->link_count++];
		l->a = a;
		l->b = b;
	}
	l->delay = parse_time(word(sc));
}

static void
do_limit(struct script *sc)
{
	struct limit m = { .quote = 548 };
	struct link *l;
	int a, b;

	word_hop(sc, &a, &b);
	l = net_link(sc->sim, a, b);
	if (!word_is(sc, "off"))
		m.told = m.mtu = (uint32_t)word_number(sc, 68, 65535);
	for (;;) {
		if (word_is(sc, "silent"))
			m.silent = true;
		else if (word_is(sc, "says"))
			m.told = (uint32_t)word_number(sc, 0, 65535);
		else if (word_is(sc, "quote"))
			m.quote = (uint32_t)word_number(sc, 0, 1232);
		else
			break;
	}
	l->limit[l->a == a ? 0 : 1] = m;
}

static struct filter *
new_filter(struct script *sc, enum filter_kind kind, int node)
{
	struct sim *s = sc->sim;
	struct filter *f = &s->filters[s->filter_count];

	if (s->filter_count == FILTERS)
		fail("more than %d filters", FILTERS);
	s->filter_count++;
	*f = (struct filter){ .kind = kind, .node = node, .dst = -1 };
	return f;
}

static void
filters_off(struct sim *s, int node)
{
	int n = 0;

	for (int i = 0; i < s->filter_count; i++)
		if (s->filters[i].node != node)
			s->filters[n++] = s->filters[i];
	s->filter_count = n;
}

static void
do_filter(struct script *sc)
{
	int node = net_node(sc->sim, word(sc));
	struct filter *f;

	if (word_is(sc, "off")) {
		filters_off(sc->sim, node);
		return;
	}
	f = new_filter(sc, FILTER_DROP, node);
	if (word_is(sc, "to"))
		f->dst = net_node(sc->sim, word(sc));
	if (word_is(sc, "port"))
		f->port = (uint16_t)word_number(sc, 1, 65535);
	if (word_is(sc, "over"))
		f->over = (uint32_t)word_number(sc, 1, 65535);
	if (word_is(sc, "percent"))
		f->percent = (uint32_t)word_number(sc, 1, 99);
	if (word_is(sc, "word"))
		snprintf(f->word, sizeof(f->word), "%s", word(sc));
	if (word_is(sc, "nowscale")) {
		f->kind = FILTER_NOWSCALE;
	} else if (word_is(sc, "reset")) {
		f->kind = FILTER_RESET;
	} else if (word_is(sc, "icmp")) {
		f->kind = FILTER_ICMP;
		f->type = (uint8_t)word_number(sc, 0, 255);
		f->code = (uint8_t)word_number(sc, 0, 255);
	} else if (!word_is(sc, "drop")) {
		fail("a filter can drop, reset, nowscale or icmp TYPE CODE");
	}
}

static void
do_closed(struct script *sc)
{
	struct filter *f = new_filter(sc, FILTER_CLOSED, net_node(sc->sim, word(sc)));

	f->dst = f->node;
	f->port = (uint16_t)word_number(sc, 1, 65535);
}

static void
do_capture(struct script *sc)
{
	struct tap *t = &sc->sim->tap;

	if (sc->at < sc->count && strchr(sc->words[sc->at], '>') != NULL)
		word_hop(sc, &t->node, &t->towards);
	else
		t->node = net_node(sc->sim, word(sc));
	for (;;) {
		if (word_is(sc, "pppoe"))
			t->pppoe = true;
		else if (word_is(sc, "vlan"))
			t->vlan = (uint16_t)word_number(sc, 1, 4094);
		else if (word_is(sc, "inner"))
			t->vlan_inner = (uint16_t)word_number(sc, 1, 4094);
		else if (word_is(sc, "snaplen"))
			t->snaplen = (uint32_t)word_number(sc, 14, 262144);
		else
			break;
	}
}

static void
do_start(struct script *sc)
{
	struct tm tm = { 0 };
	const char *day = word(sc), *clock = word(sc);

	if (sscanf(day, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3 ||
	    sscanf(clock, "%d:%d:%d", &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 3)
		fail("start is written 2024-03-05 09:14:02 (UTC)");
	tm.tm_year -= 1900;
	tm.tm_mon--;
	sc->sim->start = (int64_t)timegm(&tm) * s_ns;
}

static void
do_seed(struct script *sc)
{
	sc->sim->seed = (uint64_t)word_number(sc, 0, 1 << 30);
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
	char *to = strncasecmp(line, "MAIL FROM", 9) == 0 ? sc->from :
	    strncasecmp(line, "RCPT TO", 7) == 0 ? sc->to : NULL;

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
			if (c == 'x' && p[1] != '\0' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
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

/* ---- messages ----------------------------------------------------------------------------- */

/* Text that is the same for ever: words of a pangram, turned round line by line. */
static size_t
body_line(char *out, unsigned int n, size_t room)
{
	static const char *const words[] = {
		"sphinx", "of", "black", "quartz,", "judge", "my", "vow", "and", "pack", "five", "dozen", "jugs",
	};
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
		const char	*name;
		void		(*act)(struct script *sc, struct endpoint *e);
	} acts[] = {
		{ "data", do_data }, { "fin", act_fin }, { "gives-up", act_gives_up }, { "rst", act_rst },
		{ "stops-reading", act_stops }, { "reads", act_reads }, { "lose", act_lose }, { "unseen", act_unseen },
	};
	struct endpoint *e = side(sc, who);

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (word_is(sc, acts[i].name)) {
			acts[i].act(sc, e);
			return;
		}
	fail("%c cannot do that", who);
}

/* ---- lines ------------------------------------------------------------------------------------ */

static const struct statement {
	const char	*name;
	void		(*run)(struct script *sc);
} statements[] = {
	{ "start", do_start }, { "seed", do_seed }, { "host", do_host }, { "router", do_router },
	{ "link", do_link }, { "limit", do_limit }, { "filter", do_filter }, { "closed", do_closed },
	{ "capture", do_capture }, { "connect", do_connect }, { "use", do_use },
};

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
	} else {
		size_t i = 0, n = sizeof(statements) / sizeof(statements[0]);

		while (i < n && strcmp(statements[i].name, w) != 0)
			i++;
		if (i == n)
			fail("\"%s\": no such statement", w);
		statements[i].run(sc);
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
