/* options.c - the command line. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/escape.h"

static const char help[] =
    "mailwhy reads packet captures and says why mail did not get through.\n"
    "\n"
    "Examples:\n"
    "  mailwhy incident.pcapng                 report: findings, every mail's fate, capture quality\n"
    "  mailwhy client.pcap server.pcap.gz      several captures; directories too\n"
    "  mailwhy -i eth1                         watch an interface until Ctrl-C\n"
    "  mailwhy --transcript incident.pcap      the sessions as dialogues, C: and S:\n"
    "  mailwhy --json incident.pcap | jq 'select(.type==\"finding\")'\n"
    "  mailwhy --records r.jsonl big.pcap      keep what was seen; `mailwhy r.jsonl' judges it again\n"
    "  tcpdump -r big.pcap -w - 'port 25 or icmp or icmp6' | mailwhy -\n"
    "\n"
    "Usage: mailwhy [options] FILE|DIRECTORY|- ...\n"
    "       mailwhy [options] -i INTERFACE\n"
    "\n"
    "Input:\n"
    "  -r FILE             read FILE (the same as naming it); `-' is standard input\n"
    "  -i INTERFACE        capture live; may be repeated\n"
    "  -f FILTER           BPF filter, as of tcpdump; keep ICMP and both directions in it\n"
    "      --from TIME     only what was captured then or later: 14:00, 2026-11-21, \"2026-11-21 14:00:30\";\n"
    "      --to TIME       ... then or earlier. Without a date: at that time of every day. In the\n"
    "                      zone of --zone, or with an offset of its own: 14:00+01:00\n"
    "  -s BYTES            snap length of a live capture (default: whole packets)\n"
    "      --replies FILE  words of servers that win over the built-in ones (README.md)\n"
    "\n"
    "Output:\n"
    "      --json          JSON lines: records, mails, findings, summary (docs/records.md)\n"
    "      --transcript    the sessions as dialogues\n"
    "      --records PATH  also write the records: a file, a directory, or `-'\n"
    "      --zone ZONE     times of the report, --from and --to: UTC (the default), local, +01:00,\n"
    "                      or a name like Europe/Berlin; JSON and records are UTC always\n"
    "      --all           tell every finding and mail in the report, however many\n"
    "      --show-users    user names of logins as they are, not masked\n"
    "      --color WHEN    auto, always or never (NO_COLOR is heeded)\n"
    "      --no-progress   no progress bar on standard error\n"
    "      --exit-code     exit 1 when a fault was found, 4 when the analysis is incomplete\n"
    "\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Exit status: 0 analysed; 1 and 4 see --exit-code; 2 wrong usage; 3 an input could not be\n"
    "opened or read at all, or the output could not be written.\n"
    "\n"
    "It never sends a packet. Passwords are never shown.\n";

enum {
	OPT_JSON = 256,
	OPT_TRANSCRIPT,
	OPT_RECORDS,
	OPT_REPLIES,
	OPT_EXIT_CODE,
	OPT_COLOR,
	OPT_NO_PROGRESS,
	OPT_SHOW_USERS,
	OPT_ALL,
	OPT_SCHEMA,
	OPT_FINDINGS,
	OPT_FROM,
	OPT_TO,
	OPT_ZONE,
};

static const struct option longs[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "transcript", no_argument, NULL, OPT_TRANSCRIPT },
	{ "records", required_argument, NULL, OPT_RECORDS },
	{ "replies", required_argument, NULL, OPT_REPLIES },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ "zone", required_argument, NULL, OPT_ZONE },
	{ "exit-code", no_argument, NULL, OPT_EXIT_CODE },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "colour", required_argument, NULL, OPT_COLOR },
	{ "no-progress", no_argument, NULL, OPT_NO_PROGRESS },
	{ "show-users", no_argument, NULL, OPT_SHOW_USERS },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "print-schema", no_argument, NULL, OPT_SCHEMA }, /* ./dev schema */
	{ "print-findings", no_argument, NULL, OPT_FINDINGS },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

void
options_help(FILE *out)
{
	fputs(help, out);
}

static int
usage(const char *what, const char *arg)
{
	char safe[256];

	fprintf(stderr, "mailwhy: %s%s%s; try mailwhy --help\n", what, arg != NULL ? ": " : "",
	    arg != NULL ? escape_string(safe, sizeof(safe), arg) : "");
	return -1;
}

static int
set_output(struct options *o, enum output output)
{
	if (o->output != OUTPUT_TEXT && o->output != output)
		return usage("--json and --transcript exclude each other", NULL);
	o->output = output;
	return 0;
}

static int
set_colour(struct options *o, const char *arg)
{
	static const char *const words[] = {
		[COLOUR_AUTO] = "auto",
		[COLOUR_ALWAYS] = "always",
		[COLOUR_NEVER] = "never",
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(arg, words[i]) == 0) {
			o->colour = (enum colour_when)i;
			return 0;
		}
	}
	return usage("--color is auto, always or never, not", arg);
}

static int
set_snaplen(struct options *o, const char *arg)
{
	const char *why;

	o->snaplen = (uint32_t)strtonum(arg, 0, 262144, &why);
	return why == NULL ? 0 : usage("-s is a number of bytes up to 262144, not", arg);
}

static int
add_interface(struct options *o, const char *name)
{
	if (o->interface_count == OPTIONS_INTERFACES)
		return usage("too many interfaces", NULL);
	o->interfaces[o->interface_count++] = name;
	return 0;
}

static int
take_long(struct options *o, int c)
{
	switch (c) {
	case OPT_JSON: return set_output(o, OUTPUT_JSON);
	case OPT_TRANSCRIPT: return set_output(o, OUTPUT_TRANSCRIPT);
	case OPT_RECORDS: o->records = optarg; return 0;
	case OPT_REPLIES: o->replies = optarg; return 0;
	case OPT_FROM: o->from = optarg; return 0;
	case OPT_TO: o->to = optarg; return 0;
	case OPT_ZONE: o->zone_name = optarg; return 0;
	case OPT_EXIT_CODE: o->exit_code = true; return 0;
	case OPT_COLOR: return set_colour(o, optarg);
	case OPT_NO_PROGRESS: o->progress = false; return 0;
	case OPT_SHOW_USERS: o->show_users = true; return 0;
	case OPT_ALL: o->all = true; return 0;
	case OPT_SCHEMA: o->task = TASK_SCHEMA; return 0;
	case OPT_FINDINGS: o->task = TASK_FINDINGS; return 0;
	default: return -1;
	}
}

/* ---- what getopt does not take --------------------------------------------------- */

enum {
	NAME_MOST = 32, /* characters of an option's name that are compared */
	NEAR = 2,       /* letters that may be wrong, missing, too many */
	NEAR_LEAST = 4, /* in a name of at least so many */
};

/* How many letters to put in, leave out or change to make the one the other (Levenshtein). */
static size_t
letters_apart(const char *a, const char *b)
{
	size_t row[NAME_MOST + 1], n = strnlen(b, NAME_MOST);

	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; i < NAME_MOST && a[i] != '\0'; i++) {
		size_t before = row[0]; /* of the row above, one to the left */

		row[0] = i + 1;
		for (size_t k = 0; k < n; k++) {
			size_t above = row[k + 1];

			row[k + 1] = before + (a[i] != b[k]);
			if (row[k + 1] > above + 1)
				row[k + 1] = above + 1;
			if (row[k + 1] > row[k] + 1)
				row[k + 1] = row[k] + 1;
			before = above;
		}
	}
	return row[n];
}

/* The option that was meant, perhaps (--no-color: --color); NULL = none is near. */
static const char *
near_miss(const char *name)
{
	const char *best = NULL;
	size_t least = strlen(name) < NEAR_LEAST ? 0 : NEAR + 1;

	for (const struct option *o = longs; o->name != NULL; o++) {
		bool within = strlen(o->name) >= NEAR_LEAST && strstr(name, o->name) != NULL;
		size_t apart = within ? 0 : letters_apart(name, o->name);

		if (apart < least) {
			least = apart;
			best = o->name;
		}
	}
	return best;
}

static size_t
begin_so(const char *name)
{
	size_t n = 0;

	for (const struct option *o = longs; o->name != NULL; o++)
		n += strncmp(o->name, name, strlen(name)) == 0;
	return n;
}

static int
unknown_long(const char *word)
{
	char name[NAME_MOST + 1], hint[80] = "no such option";
	const char *meant;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	if (begin_so(name) > 1)
		return usage("more than one option begins so", word);
	if (begin_so(name) == 1)
		return usage("this option takes no value", word);
	if ((meant = near_miss(name)) != NULL)
		snprintf(hint, sizeof(hint), "no such option (perhaps --%s is meant)", meant);
	return usage(hint, word);
}

/* `word' is the argument that getopt stands at. */
static int
not_taken(int c, const char *word)
{
	const char letter[] = { '-', (char)optopt, '\0' };

	if (c == ':')
		return usage("this option takes a value", word);
	if (strncmp(word, "--", 2) == 0)
		return unknown_long(word);
	if (access(word, F_OK) == 0)
		return usage("an option, or a file? If it is a file, put ./ before it", word);
	return usage("no such option", letter);
}

static int
take(struct options *o, int c)
{
	switch (c) {
	case 1: /* a positional argument, in its place */
	case 'r': o->inputs[o->input_count++] = optarg; return 0;
	case 'i': return add_interface(o, optarg);
	case 'f': o->filter = optarg; return 0;
	case 's': return set_snaplen(o, optarg);
	case 'h': o->task = TASK_HELP; return 0;
	case 'V': o->task = TASK_VERSION; return 0;
	default: return take_long(o, c);
	}
}

static int
set_end(struct options *o, struct window_end *end, const char *arg, bool upper)
{
	return arg == NULL || window_parse(end, arg, upper, &o->zone) == 0
	    ? 0
	    : usage("not a time like 14:00 or 2026-11-21T14:00:30", arg);
}

/* The zone may stand behind the times that are meant in it. */
static int
set_times(struct options *o)
{
	if (o->zone_name != NULL && zone_parse(&o->zone, o->zone_name) != 0)
		return usage(
		    "not a time zone: UTC, local, +01:00, or a name that this system knows (Europe/Berlin)",
		    o->zone_name);
	if (set_end(o, &o->window.from, o->from, false) != 0 ||
	    set_end(o, &o->window.to, o->to, true) != 0)
		return -1;
	if (window_empty(&o->window))
		return usage("--from is later than --to", NULL);
	return 0;
}

static int
check(struct options *o)
{
	size_t stdins = 0;

	if (o->task != TASK_ANALYSE)
		return 0;
	if (o->input_count == 0 && o->interface_count == 0)
		return usage("no capture was named (- is standard input)", NULL);
	if (o->input_count > 0 && o->interface_count > 0)
		return usage("either files or -i", NULL);
	if (set_times(o) != 0)
		return -1;
	if (o->interface_count > 0 && window_set(&o->window))
		return usage("--from and --to are for files, not for -i", NULL);
	if (o->interface_count == 0 && o->snaplen != 0)
		return usage("-s is for -i: packets of files are taken as they are", NULL);
	for (size_t i = 0; i < o->input_count; i++)
		/* those counted are set: NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		stdins += strcmp(o->inputs[i], "-") == 0;
	if (stdins > 1)
		return usage("standard input can be read once only", NULL);
	if (o->records != NULL && strcmp(o->records, "-") == 0 && o->output != OUTPUT_TEXT)
		return usage("--records - leaves no place for --json or --transcript", NULL);
	return 0;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	int c, at = 1;

	opterr = 0;
	*o = (struct options){ .progress = true };
	if ((o->inputs = calloc((size_t)argc + 1, sizeof(*o->inputs))) == NULL)
		return -1;
	for (; (c = getopt_long(argc, argv, "-:r:i:f:s:hV", longs, NULL)) != -1; at = optind) {
		if (c == '?' || c == ':')
			return not_taken(c, argv[at]);
		if (take(o, c) != 0)
			return -1;
	}
	/* What follows `--'. */
	for (; optind < argc; optind++)
		o->inputs[o->input_count++] = argv[optind];
	return check(o);
}

void
options_free(struct options *o)
{
	free(o->inputs);
	o->inputs = NULL;
}
