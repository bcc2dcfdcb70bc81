/* rule_tls.c - TLS handshakes that fail, sessions that end right behind one (diagnosis 1C, 0.7). */
#include "correlator/facts/symptom.h"

/* for the other side of a handshake: then it is not the client that broke it off */
#define WAITED_LEAST (4 * SECOND)

/* a longer one takes two packets nearly everywhere: post-quantum keys */
#define PACKET_HELLO 1300

/*
 * RFC 8446 6; what they mean to an administrator, from the client and from the server: either
 * judges the other's certificate.  NULL: the same.
 */
static const struct {
	uint8_t code;
	const char *name, *hint, *server;
} alerts[] = {
	{ 10, "unexpected message", "", NULL },
	{ 20, "bad record", "what came is not what the other side had sent", NULL },
	{ 22, "record overflow", "", NULL },
	{ 40, "handshake failure", "no version or cipher in common", NULL },
	{ 41, "no certificate", "", NULL },
	{ 42, "bad certificate", "the certificate is not accepted",
	    "it does not accept the client's certificate" },
	{ 43, "unsupported certificate", "", "it does not take the client's kind of certificate" },
	{ 44, "certificate revoked", "the server's certificate was revoked",
	    "the client's certificate was revoked" },
	{ 45, "certificate expired", "renew the server's certificate, check the client's clock",
	    "the client's certificate has expired, or the server's clock is wrong" },
	{ 46, "certificate unknown", "the certificate is not accepted",
	    "it does not accept the client's certificate" },
	{ 47, "illegal parameter", "", NULL },
	{ 48, "unknown CA", "the client does not trust who signed the certificate",
	    "it does not trust who signed the client's certificate" },
	{ 49, "access denied", "", NULL },
	{ 50, "decode error", "", NULL },
	{ 51, "decrypt error", "", NULL },
	{ 70, "protocol version", "one side allows only old, the other only new TLS versions",
	    NULL },
	{ 71, "insufficient security", "ciphers too weak", NULL },
	{ 80, "internal error",
	    "its own log says what (OpenSSL 3 says so, too, where the server's old version or signature is not allowed)",
	    "mostly its own set-up (key, certificate); to a client that knows only TLS 1.0 or 1.1 OpenSSL 3 says so, too" },
	{ 86, "inappropriate fallback", "", NULL },
	{ 109, "missing extension", "", NULL },
	{ 112, "unrecognized name", "the server has no certificate for this name", NULL },
	{ 116, "certificate required", "the server wants a client certificate", NULL },
	{ 120, "no application protocol", "", NULL },
};

enum {
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304,
	HELLO_READ = 2048 /* of a longer one not all versions may have been read */
};
enum {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_BAD_RECORD = 20,
	ALERT_HANDSHAKE = 40,
	ALERT_VERSION = 70,
	ALERT_INTERNAL = 80,
	ALERT_USER_CANCELED = 90,
	ALERT_NO_RENEGOTIATION = 100,
	ALERT_HIDDEN = 254
};

/* TLS 1.1 and older: 0x0302. */
static bool
offers_old(const struct record_session *s)
{
	return s->tls_offered > 0 && s->tls_offered < TLS_1_2;
}

#define GIVE_CERTIFICATE \
	"Give the client's program the certificate and key that this server expects, or let the server do without (a login with user name " \
	"and password is usual)."

#define TRUST_ISSUER \
	"Who signed the certificate? If a virus scanner or firewall that looks into mail, switch its mail inspection off, or have its root " \
	"certificate installed for the mail program. Otherwise the server needs a certificate by an authority that the client knows, whole " \
	"with what lies between; or the client's list of authorities is too old."

/* The server's choice was made, and it is what the client does not take. */
static const char *
client_alert_context(const struct record_session *s, uint8_t code, struct finding *f)
{
	if (s->tls_chosen == 0 || s->tls_chosen >= TLS_1_2 || offers_old(s) ||
	    (code != ALERT_HANDSHAKE && code != ALERT_VERSION && code != ALERT_INTERNAL))
		return NULL;
	finding_remedy(f,
	    "Update the server, so that it knows TLS 1.2 or 1.3. To let the client take TLS 1.0 or 1.1 again is the second best.");
	return "the server knows only old TLS versions (it chose 1.1 or older), which the client no longer takes";
}

/*
 * RFC 8446 4.2.1: a server that says so takes none of those offered.  What is older than the
 * highest may have been left out.
 */
static const char *
version_context(const struct record_session *s, struct finding *f)
{
	if (s->tls_hello_bytes == 0 || s->tls_hello_bytes > HELLO_READ)
		return NULL;
	if (s->tls_offered == TLS_1_3) {
		finding_remedy(f,
		    "Update the server's program or its TLS library, so that it knows TLS 1.2 and 1.3 (openssl s_client -tls1, -tls1_1, -tls1_2 show what it takes).");
		return "the client offers versions up to TLS 1.3, so the server knows only older ones than the client takes";
	}
	if (s->tls_offered == TLS_1_2) {
		finding_remedy(f,
		    "See what the server takes (openssl s_client -tls1_2, -tls1_3): it may want TLS 1.3, which this client does not offer; update the client's program or "
		    "system, or allow TLS 1.2 at the server.");
		return "the client offers TLS 1.2 at most, which the server does not take";
	}
	return NULL;
}

/* What else was seen says more than the number of an alert alone. */
static const char *
alert_context(const struct record_session *s, uint8_t code, struct finding *f)
{
	if (s->tls_alert_from != 1) {
		if (code == 48)
			finding_remedy(f, TRUST_ISSUER);
		return client_alert_context(s, code, f);
	}
	if ((code >= 42 && code <= 46) || code == 48)
		finding_remedy(f, GIVE_CERTIFICATE);
	if (s->tls_no_certificate && (code == 40 || code == 41 || code == 116)) {
		finding_remedy(f, GIVE_CERTIFICATE);
		return "it wants a certificate from the client, which has none";
	}
	if (offers_old(s) && (code == 40 || code == 70 || code == 80)) {
		finding_remedy(f,
		    "Update the client's program or system, so that it knows TLS 1.2, or switch that on in it (old Windows and Outlook, printers, scanners). "
		    "To allow TLS 1.0 at the server is the second best.");
		return "the client knows only old TLS versions (1.1 at most), which servers no longer take";
	}
	if (code == ALERT_VERSION && s->tls_chosen == 0)
		return version_context(s, f);
	if (code == 40 && s->tls_chosen != 0)
		return "version and cipher had been agreed, so it is something else: its log says what";
	return NULL;
}

static const char *
alert_name(uint8_t code, bool server, const char **hint)
{
	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++)
		if (alerts[i].code == code) {
			*hint =
			    server && alerts[i].server != NULL ? alerts[i].server : alerts[i].hint;
			return alerts[i].name;
		}
	*hint = "";
	return "unknown alert";
}

/*
 * Every session ends with a close.  Where bytes are missing or cut, nobody could have seen the
 * handshake end well: that is no sign of a failure, and the quality of the capture is told by
 * itself.
 */
static bool
end_not_seen(const struct mail_case *c)
{
	return absence(c, CONFIDENCE_PROBABLE) == CONFIDENCE_CANNOT_TELL;
}

/*
 * TLS 1.3: the first record under the new keys has the length of an alert, and the flow ends (0.7).
 */
static bool
alert_hidden(const struct mail_case *c, const char *who, struct verdicts *out)
{
	struct finding *f;

	/* whose handshake is not in the capture may have finished it: then it is a farewell */
	if (case_first_closer(c) < 0 || c->session->tls_finished || end_not_seen(c) ||
	    (case_midstream(c) && !moment_is(&c->session->starttls_reply.at)))
		return false;
	f = verdict_add(out, FINDING_TLS_FAILURE, absence(c, CONFIDENCE_PROBABLE), c,
	    c->session->tls_alert_from == 1 ? 1 : 0);
	finding_subkind(f, "alert-encrypted");
	evidence_frame(
	    finding_says(f, c->point, "the %s ends the handshake with an encrypted alert", who),
	    moment_is(&c->session->tls_at) ? &c->session->tls_at : &c->conn->last);
	if (c->session->tls_alert_from ==
	    1) { /* the client had said hello and no more: there was nothing yet to refuse */
		finding_summary(f,
		    "The server ended the TLS handshake with an alert that is encrypted (TLS 1.3), before the client had answered: mostly its own "
		    "set-up fails (key, certificate).");
		finding_remedy(f,
		    "Which alert it was no capture can tell; the log of the server's program says it. Check there that the key belongs to the "
		    "certificate and that the program may read both.");
		return true;
	}
	finding_summary(f,
	    "The %s ended the TLS handshake with an alert that is encrypted (TLS 1.3): usually it does not accept the server's certificate.",
	    who);
	finding_remedy(f,
	    "Which alert it was no capture can tell. The log of the %s's program says it, or a tool that decrypts when it is given a key log "
	    "(SSLKEYLOGFILE). Check the certificate: names, dates, who issued it.",
	    who);
	return true;
}

/* ---- the handshake was done, and the client never said a word -------------------------------- */

/* The server spoke inside it first; in TLS 1.3 that may be no more than a ticket. */
static bool
greeted(const struct record_session *s)
{
	return s->tls_answered && s->tls_chosen < TLS_1_3;
}

/*
 * Whether it asks for STARTTLS or not: what watches a certificate's dates does no more than that,
 * either.
 */
static void
say_why_left(const struct mail_case *c, int64_t waited, struct finding *f)
{
	const char *what = moment_is(&c->session->tls_goodbye) ? "mail" : "word";
	const char *left =
	    case_first_closer(c) == 0 || moment_is(&c->session->tls_goodbye) ? "left" : "stopped";

	if (c->session->tls_no_certificate && c->session->tls_answered) {
		finding_says(f, c->point,
		    "the server had asked for a certificate of the client, which had none to show");
		finding_summary(f,
		    "The client %s behind the TLS handshake without a %s: the server, which had asked it for a certificate in vain, may have refused it there; or it "
		    "does not accept the server's.",
		    left, what);
		finding_remedy(f,
		    "The logs of both programs say it (Postfix: \"No client certificate presented\"). " GIVE_CERTIFICATE);
		return;
	}
	finding_summary(f, "The client %s behind the TLS handshake without a %s%s.", left, what,
	    waited >= 5 * SECOND && !c->session->starttls_tried && !greeted(c->session)
		? ": it waited for a greeting in vain, or does not accept the certificate"
		: left[0] == 's'
		? ": it does not accept the certificate, or asks its user whether to"
		: ": it does not accept the certificate, or only looked whether the server answers");
	finding_remedy(f,
	    "Many programs look at the certificate (name, dates, who issued it) only when the handshake is done, and do not tell the server: the log of "
	    "the client's program says it.%s",
	    left[0] == 's'
		? ""
		: " A monitor that only connects, or watches the certificate's dates, looks the same.");
}

/* A program that asks its user what to think of a certificate keeps the connection meanwhile. */
static void
say_client_silent(const struct mail_case *c, int64_t waited, struct verdicts *out)
{
	char took[32];
	struct finding *f =
	    verdict_add(out, FINDING_TLS_FAILURE, absence(c, CONFIDENCE_POSSIBLE), c, 0);

	finding_subkind(f, "silent-after-handshake");
	f->severity = SEVERITY_INFO;
	evidence_frame(
	    finding_says(f, c->point,
		"the handshake is completed; for %s from its beginning on the client sends no command in it",
		symptom_seconds(waited, took)),
	    &c->session->tls_at);
	say_why_left(c, waited, f);
	finding_next_capture(f, "a certificate that the client does not accept",
	    "a client that waits for something else",
	    "what was said inside TLS (the log of the client's program has it)",
	    "the next attempt as well");
}

static void
say_client_left(
    const struct mail_case *c, const struct moment *end, int64_t waited, struct verdicts *out)
{
	char took[32];
	struct finding *f =
	    verdict_add(out, FINDING_TLS_FAILURE, absence(c, CONFIDENCE_POSSIBLE), c, 0);

	finding_subkind(f, "left-after-handshake");
	f->severity = SEVERITY_WARNING;
	if (moment_is(&c->session->tls_goodbye))
		evidence_frames(
		    finding_says(f, c->point,
			"the handshake is completed; all that the client says in it are six bytes, as many as QUIT has"),
		    &c->session->tls_at, &c->session->tls_goodbye);
	else
		evidence_frames(
		    finding_says(f, c->point,
			"the handshake is completed; %s after its beginning the client ends the session, and has sent no "
			"command in it",
			symptom_seconds(waited, took)),
		    &c->session->tls_at, end);
	say_why_left(c, waited, f);
	finding_next_capture(f, "a certificate that the client does not accept",
	    "a client that only looked, or heard a refusal",
	    "what was said inside TLS "
	    "(the log of the client's program has it)",
	    "the next attempt as well");
}

/* Words to a server that had ended it by then are none. */
static bool
spoke_before(const struct record_session *s, const struct moment *end)
{
	return s->tls_spoke && !moment_before(end, &s->tls_spoke_at);
}

/*
 * What it may have said is encrypted: a greeting that refuses looks the same as none, and in
 * TLS 1.3 a certificate that is not taken looks so, too.  A server asks for one only where it is
 * set so.
 */
static void
say_server_ended(
    const struct mail_case *c, const struct moment *end, int64_t waited, struct verdicts *out)
{
	/*
	 * who has a ticket or a greeting has passed the handshake, as far as that goes: some
	 * servers ask, and do without
	 */
	bool passed = c->session->tls_answered, shown = c->session->tls_certificate && !passed,
	     wanted = c->session->tls_no_certificate || shown;
	bool doubt = waited >= 5 * SECOND || shown || (wanted && passed);
	char took[32];
	struct finding *f = verdict_add(out, wanted ? FINDING_TLS_FAILURE : FINDING_SERVER_DROPPED,
	    absence(c, doubt ? CONFIDENCE_POSSIBLE : CONFIDENCE_PROBABLE), c, 1);

	finding_subkind(f, wanted ? "client-certificate" : "after-handshake");
	evidence_frames(
	    finding_says(f, c->point,
		"the handshake is completed; %s after its beginning the server ends the session, and %s",
		symptom_seconds(waited, took),
		spoke_before(c->session, end) ? "has answered nothing of what the client said in it"
					      : "the client has sent no command in it"),
	    &c->session->tls_at, end);
	if (shown) {
		finding_says(f, c->point,
		    "the server asked for a certificate of the client, which showed one");
		finding_summary(f,
		    "The server ended the session right behind the certificate that the client showed: it may not accept that one.");
		finding_remedy(f,
		    "The server's log says whether it refuses the client's certificate, and why (who signed it, its dates, its purpose). openssl s_client -connect SERVER:PORT "
		    "-cert FILE -key FILE shows the alert that is encrypted here.");
		finding_next_capture(f,
		    "a certificate of the client that the server does not accept",
		    "a greeting inside TLS that refuses, or none because the mail server behind is "
		    "down",
		    "what was said inside TLS (the log of either program has it)",
		    "the next attempt as well");
		return;
	}
	if (wanted) {
		finding_says(f, c->point,
		    "the server asked for a certificate of the client, which had none to show");
		finding_summary(f,
		    passed
			? "The server had asked the client for a certificate in vain, and ended the session: for that, or its greeting refused the client for something "
			  "else."
			: "The server wants a certificate from the client, which has none, and ended the session.");
		finding_remedy(f, GIVE_CERTIFICATE);
		return;
	}
	finding_summary(f, "The server ended the session behind the TLS handshake, %s.",
	    spoke_before(c->session, end) ? "and had said nothing in it"
					  : "before the client had said a word");
	finding_remedy(f,
	    "What the server said in it is encrypted. If it ends each session at once: what does TLS on this port may be a proxy (stunnel, haproxy, nginx, a "
	    "balancer) whose mail server behind it is down; or the greeting refuses this client (a limit of connections, a list). The logs of both say it.");
	finding_client_shows(f, "0x800CCC0F (connection dropped)");
}

/* Who ends a session says so inside TLS first: the other's FIN or RST is the answer to that. */
static int
behind_closer(const struct mail_case *c, struct moment *end)
{
	const struct record_session *s = c->session;
	int closer = case_first_closer(c);

	if (closer < 0)
		return closer;
	*end = case_closed(c, closer);
	/* records without the length of the hello do not say who it was */
	if (!moment_is(&s->tls_close) || s->tls_hello_bytes == 0 ||
	    moment_before(end, &s->tls_close))
		return closer;
	*end = s->tls_close;
	return s->tls_close_from;
}

/*
 * TLS 1.3: the client may speak before it can know that its part of the handshake was not accepted.
 */
static bool
unanswered(const struct record_session *s, int closer)
{
	return closer == 1 && s->tls_chosen >= TLS_1_3 && !s->tls_answered &&
	    moment_is(&s->tls_close) && s->tls_close_from == 1;
}

static void
judge_behind(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	struct moment end = { 0 };
	int closer = behind_closer(c, &end);
	int64_t waited;

	if (closer < 0 && c->capture != NULL)
		end = c->capture->last;
	/* records of a version that did not look know nothing of it */
	if (s->tls_offered == 0 || s->tls_chosen == 0 ||
	    (spoke_before(s, &end) && !unanswered(s, closer)) || s->gap_client || s->gap_server ||
	    case_stalled(c) || case_midstream(c) || case_one_sided(c) || case_missing(c))
		return;
	waited = case_waited(c, &s->tls_at, &end);
	if (closer < 0) {
		if (waited >= SILENT_LEAST && s->tls_finished)
			say_client_silent(c, waited, out);
	} else if (closer == 0 ||
	    (moment_is(&s->tls_goodbye) && moment_before(&s->tls_goodbye, &end)))
		say_client_left(c, &end, waited, out);
	else if (waited < 30 * SECOND)
		say_server_ended(c, &end, waited, out);
	else if (s->tls_finished) /* it waited in vain */
		say_client_silent(c, waited, out);
}

static bool
byte_is(uint16_t first_byte, int lo, int hi)
{
	return first_byte > 0 && first_byte - 1 >= lo && first_byte - 1 <= hi;
}

static bool
alert_judge(const struct mail_case *c, struct verdicts *out)
{
	const struct record_session *s = c->session;
	uint8_t code = (uint8_t)(s->tls_alert - 1);
	const char *who = s->tls_alert_from == 1 ? "server" : "client", *hint, *name, *more;
	enum confidence conf;
	struct finding *f;

	if (s->tls_alert != 0 && code == ALERT_HIDDEN)
		return alert_hidden(c, who, out);
	if (s->tls_alert == 0 || code == ALERT_CLOSE_NOTIFY || code == ALERT_USER_CANCELED ||
	    code == ALERT_NO_RENEGOTIATION)
		return false;
	name = alert_name(code, s->tls_alert_from == 1, &hint);
	/* to plain text servers answer so, too: that the client had begun TLS must be seen */
	conf = s->tls_alert_from == 1 && !byte_is(s->client_first_byte, 0x16, 0x16) &&
		!s->starttls_tried
	    ? CONFIDENCE_POSSIBLE
	    : CONFIDENCE_CONFIRMED;
	f = verdict_add(out, FINDING_TLS_FAILURE, conf, c, s->tls_alert_from == 1 ? 1 : 0);
	finding_subkind(f, "alert");
	evidence_frame(finding_says(f, c->point, "the %s ends the handshake with TLS alert %u (%s)",
			   who, code, name),
	    moment_is(&s->tls_at) ? &s->tls_at : &c->conn->last);
	if (s->tls_issuer[0] != '\0' && s->tls_alert_from == 0)
		finding_says(
		    f, c->point, "the server's certificate was issued by \"%s\"", s->tls_issuer);
	if ((more = alert_context(s, code, f)) != NULL)
		hint = more;
	if (code == ALERT_BAD_RECORD)
		finding_remedy(f,
		    "It is not the certificate. Bytes were changed on the way (a device that alters what passes, a router or network card with a fault "
		    "that reckons the checksum anew), or the TLS of one program is broken. Try from another network; capture at both ends and compare.");
	finding_summary(f, "The %s ended the TLS handshake: %s%s%s.", who, name,
	    hint[0] != '\0' ? "; " : "", hint);
	return true;
}

/*
 * A hello that takes two packets, and no answer to it: some servers, balancers and firewalls read
 * the first alone.  Returns what to try, or nothing.
 */
static const char *
say_large_hello(const struct mail_case *c, struct finding *f)
{
	const struct record_session *s = c->session;

	if (s->tls_hello_bytes < PACKET_HELLO || s->tls_chosen != 0)
		return "";
	evidence_frame(
	    finding_says(f, c->point,
		"the client's hello has %u bytes, more than one packet carries; nothing of a handshake answers it",
		s->tls_hello_bytes),
	    &s->tls_at);
	return " A hello of this size comes with post-quantum key exchange, and some servers, balancers and firewalls cannot take one in two packets: try with that switched off in "
	       "the client (openssl s_client -groups X25519 tests it), and update what chokes on it.";
}

/*
 * The client had said its part, and waited: who left is not who stopped.  Where it is its own turn
 * its user may look at the certificate.
 */
static bool
say_hello_unanswered(const struct mail_case *c, const struct moment *end, struct verdicts *out)
{
	const struct moment *asked = &c->conn->dir[0].data_last, *told = &c->conn->dir[1].data_last;
	int64_t waited = case_waited(c, asked, end);
	bool own = c->conn->dir[1].at_sender, begun = moment_before(&c->session->tls_at, told);
	struct finding *f;
	char took[32];

	if (!moment_before(told, asked) || waited < WAITED_LEAST)
		return false;
	symptom_seconds(waited, took);
	f = verdict_add(out, FINDING_TLS_FAILURE,
	    absence(c, own ? CONFIDENCE_PROBABLE : CONFIDENCE_POSSIBLE), c, 1);
	finding_subkind(f, "silence");
	evidence_frames(
	    finding_says(f, c->point,
		"the TLS handshake %s; then nothing comes of the server for %s, and the client gives up",
		begun ? "has begun" : "is begun by the client, and not answered", took),
	    &c->session->tls_at, end);
	finding_summary(f,
	    "The server did not go on with the TLS handshake for %s%s, and the client gave up.",
	    took, own ? "" : ", or what it sent was lost before this point");
	finding_remedy(f,
	    "The server's program may hang in its TLS (no randomness, a key on a token, overload): its log says it.%s%s",
	    own ? ""
		: " If it sent its certificate, "
		  "that was lost on the way: large packets that vanish look so from here (MTU), and a capture at the server shows it.",
	    say_large_hello(c, f));
	if (!own)
		finding_next_capture(f, "a server that hangs",
		    "an answer that is lost on its way (large packets first)",
		    "what the server sent then", "at the server");
	return true;
}

/* Closed in the middle, and nothing of 1A explains it. */
static void
judge_handshake(const struct mail_case *c, struct verdicts *out)
{
	int closer = case_first_closer(c);
	struct moment end = closer >= 0 ? case_closed(c, closer) : c->conn->last;
	const char *large;
	struct finding *f;

	if (alert_judge(c, out))
		return;
	if (c->session->tls_finished) {
		judge_behind(c, out);
		return;
	}
	if (closer < 0 || case_stalled(c) || case_midstream(c) || end_not_seen(c) ||
	    (closer == 0 && say_hello_unanswered(c, &end, out)))
		return;
	f = verdict_add(out, FINDING_TLS_FAILURE, absence(c, CONFIDENCE_PROBABLE), c, closer);
	finding_subkind(f, "closed");
	evidence_frames(
	    finding_says(f, c->point, "the %s closes before the TLS handshake is complete",
		closer == 0 ? "client" : "server"),
	    &c->session->tls_at, &end);
	large = closer == 1 ? say_large_hello(c, f) : "";
	if (symptom_doubt_reset(c, closer, f)) {
		finding_summary(f,
		    "The connection was reset in the middle of the TLS handshake, by the %s or by a device in its name.",
		    closer == 0 ? "client" : "server");
		finding_remedy(f,
		    "The log of the %s at that time says whether it ended the handshake, and why. If it knows nothing of it, look for a firewall, "
		    "proxy or IPS on the way that does not let TLS pass.%s",
		    closer == 0 ? "client's program" : "server", large);
		return;
	}
	finding_summary(f,
	    "The %s closed the connection in the middle of the TLS handshake; its reason is encrypted or was not said.",
	    closer == 0 ? "client" : "server");
	if (large[0] != '\0')
		finding_remedy(f, "The server's log says why.%s", large);
}

static void
judge(const struct view *v, struct verdicts *out)
{
	const struct mail_case *c = v->c;

	if (c->session != NULL && c->session->tls && (case_is_smtp(c) || case_is_pop(c)) &&
	    verdict_claimed(out, c, -1, FINDING_TLS_MODE_MISMATCH) == NULL)
		judge_handshake(c, out);
}

const struct rule rule_tls = { "tls", RULE_CASE, judge, false };
