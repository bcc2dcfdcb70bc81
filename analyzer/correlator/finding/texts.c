/*
 * texts.c - what a finding tells the user by default: the remedies and the mail program's words of
 * texts.def, the numbers of newer Outlooks, Thunderbird's words, the lines in a mail server's log.
 */
#include "texts.h"

#include <string.h>

static const struct {
	const char *remedy, *shows;
} texts[FINDING_KINDS] = {
#define TEXT(sym, remedy, shows) [FINDING_##sym] = { remedy, shows },
#include "texts.def"
#undef TEXT
};

const char *
text_remedy(enum finding_kind k)
{
	return texts[k].remedy != NULL ? texts[k].remedy : "";
}

const char *
text_client_shows(enum finding_kind k)
{
	return texts[k].shows != NULL ? texts[k].shows : "";
}

/* ---- what newer Outlooks show beside it -------------------------------------- */

/*
 * Diagnosis 3.5: from 2003 on Outlook has numbers of its own for two of those that it shares with
 * Outlook Express.
 */
static const struct {
	const char *number, *sending, *fetching;
} outlook[] = {
	{ "0x800CCC0E", "Outlook 0x80042109 (cannot connect to the outgoing server)",
	    "Outlook 0x80042108 (cannot connect to the incoming server)" },
	{ "0x800CCC19", "Outlook 0x8004210B (time-out while sending)",
	    "Outlook 0x8004210A (time-out while receiving)" },
};

static bool
port_fetches(uint16_t port)
{
	return port == 110 || port == 995;
}

static bool
port_sends(uint16_t port)
{
	return port == 25 || port == 465 || port == 587;
}

const char *
text_outlook(const struct finding *f)
{
	for (size_t i = 0; i < sizeof(outlook) / sizeof(outlook[0]); i++)
		if (strstr(f->client_shows, outlook[i].number) != NULL &&
		    strstr(f->client_shows, "0x800421") == NULL) {
			if (port_fetches(f->server_port))
				return outlook[i].fetching;
			return port_sends(f->server_port) ? outlook[i].sending : "";
		}
	return "";
}

/* ---- what Thunderbird says -------------------------------------------------------------- */

#define SEND_TIME_OUT  "Thunderbird \"the connection to Outgoing server (SMTP) ... timed out\""
#define FETCH_TIME_OUT "Thunderbird \"Connection to server ... timed out\""

/*
 * As its windows showed when these very things were done to it: a reset is a time-out to it, too,
 * and a mail that stands still in its host's buffer is a bar at 100 %.  What nobody has seen is
 * not said.
 */
static const struct {
	enum finding_kind kind;
	const char *subkind; /* NULL = any */
	const char *sending, *fetching;
} thunderbird[] = {
	{ FINDING_PMTU_BLACK_HOLE, NULL,
	    "Thunderbird stands at \"Sending message... 100%\", or \"... timed out\"",
	    FETCH_TIME_OUT },
	{ FINDING_PATH_OUTAGE, NULL, "", FETCH_TIME_OUT },
	{ FINDING_MIDDLEBOX_RESET, NULL, SEND_TIME_OUT, "" },
	{ FINDING_SERVER_DROPPED, "in-data", SEND_TIME_OUT, "" },
	{ FINDING_CONNECTED_NO_BANNER, "", SEND_TIME_OUT, "" },
	{ FINDING_CLIENT_GAVE_UP_WAITING, "command", SEND_TIME_OUT, "" },
	{ FINDING_TLS_MODE_MISMATCH, "tls-to-plain", SEND_TIME_OUT, "" },
	{ FINDING_SERVICE_DOWN, NULL,
	    "Thunderbird \"connecting to Outgoing server (SMTP) ... failed\"", "" },
	{ FINDING_TLS_NOT_OFFERED, "silent",
	    "Thunderbird \"it doesn't advertise that feature\" or \"does not support the selected authentication method\"",
	    "" },
	{ FINDING_TLS_NOT_OFFERED, "left", "",
	    "Thunderbird \"Unable to establish TLS connection to POP3 server\"" },
	{ FINDING_TLS_FAILURE, "alert-encrypted",
	    "Thunderbird \"The certificate is not trusted\" or \"Unable to communicate securely with peer\"",
	    "" },
	{ FINDING_AUTH_FAILED, NULL,
	    "Thunderbird \"Unable to authenticate to Outgoing server (SMTP)\"", "" },
	{ FINDING_POP_AUTH_FAILED, NULL, "", "Thunderbird \"Login to server ... failed\"" },
};

/* A large packet of the server that vanishes leaves a sending program without an answer. */
static const char *
sending_words(const struct finding *f, const char *words)
{
	return f->kind == FINDING_PMTU_BLACK_HOLE && f->to.port != f->server_port ? SEND_TIME_OUT
										  : words;
}

const char *
text_thunderbird(const struct finding *f)
{
	for (size_t i = 0; i < sizeof(thunderbird) / sizeof(thunderbird[0]); i++)
		if (thunderbird[i].kind == f->kind &&
		    (thunderbird[i].subkind == NULL ||
			strcmp(thunderbird[i].subkind, f->subkind) == 0))
			return port_fetches(f->server_port) ? thunderbird[i].fetching
			    : port_sends(f->server_port) ? sending_words(f, thunderbird[i].sending)
							 : "";
	return "";
}

/* ---- what a mail server that sends writes into its log -------------------------------------- */

#define BODY "Postfix logs \"timed out while sending message body\""
#define THE_DOT \
	"Postfix logs \"timed out while sending end of data -- message may be sent more than once\""
#define NO_TLS "Postfix logs \"TLS is required, but was not offered by host\""

/* Diagnosis 3.5.  `to_server': only of what is sent, not of what is fetched or answered. */
static const struct {
	enum finding_kind kind;
	const char *subkind; /* NULL = any */
	bool to_server;
	const char *words;
} logs[] = {
	{ FINDING_PMTU_BLACK_HOLE, NULL, true, BODY },
	{ FINDING_ICMP_FRAG_NEEDED_IGNORED, NULL, true, BODY },
	{ FINDING_FRAGMENTS_DROPPED, NULL, true, BODY },
	{ FINDING_INLINE_CONTENT_DROP, NULL, true, BODY },
	{ FINDING_WINDOW_SCALE_BROKEN, NULL, true, BODY },
	{ FINDING_CLIENT_GAVE_UP_AT_DATA, NULL, true, BODY },
	{ FINDING_CLIENT_GAVE_UP_WAITING, "", true, THE_DOT },
	{ FINDING_DUPLICATE_DELIVERY, "answer-unheard", false, THE_DOT },
	{ FINDING_CONNECTED_NO_BANNER, "", false,
	    "Postfix logs \"timed out while receiving the initial server greeting\"" },
	{ FINDING_SLOW_BANNER, "gave-up", false,
	    "Postfix logs \"timed out while receiving the initial server greeting\"" },
	{ FINDING_CONNECTED_NO_BANNER, "closed", false,
	    "Postfix logs \"lost connection while receiving the initial server greeting\"" },
	{ FINDING_CONNECTED_NO_BANNER, "reset", false,
	    "Postfix logs \"lost connection while receiving the initial server greeting\"" },
	{ FINDING_BANNER_REJECTED, NULL, true, "Postfix logs \"refused to talk to me\"" },
	{ FINDING_TLS_NOT_OFFERED, NULL, false, NO_TLS },
	{ FINDING_STARTTLS_STRIPPED, NULL, false, NO_TLS },
};

const char *
text_log(const struct finding *f)
{
	for (size_t i = 0; f->server_port == 25 && i < sizeof(logs) / sizeof(logs[0]); i++)
		if (logs[i].kind == f->kind &&
		    (logs[i].subkind == NULL || strcmp(logs[i].subkind, f->subkind) == 0) &&
		    (!logs[i].to_server || f->to.port == f->server_port))
			return logs[i].words;
	return "";
}
