/*
 * conduct.c - what a client did that strict servers hold against it, not only at the command that
 * they refuse for it.
 */
#include <string.h>

#include "dialogue.h"

/*
 * Each is told by a line that is there; of frames in the wrong order, or behind missing ones, it
 * may seem only so.
 */
static void
say_what_is_seen(const struct mail_case *c, struct finding *f)
{
	const struct record_session *s = c->session;
	bool whole = !case_midstream(c) && !case_missing(c) && !case_one_sided(c) &&
	    c->conn->disordered == 0;
	bool early = s->early_talker && whole, unoffered = moment_is(&s->unoffered) && whole;

	if (early)
		evidence_frame(
		    finding_says(f, c->point, "the client speaks before the greeting is complete"),
		    &c->conn->dir[0].data_first);
	if (unoffered)
		evidence_frame(
		    finding_says(f, c->point,
			"the client does not wait for the answer to the command before it, though the server does not offer PIPELINING"),
		    &s->unoffered);
	if (moment_is(&s->bare_command))
		evidence_frame(
		    finding_says(f, c->point,
			"the client ends its lines with a line feed alone, without a carriage return"),
		    &s->bare_command);
	if (early)
		finding_remedy(f,
		    "Let the mail program wait for the complete 220 greeting before it says EHLO; look for a virus or a script that sends mail.");
	else if (unoffered)
		finding_remedy(f,
		    "Let the mail program wait for each answer before it sends the next command: this server does not offer PIPELINING. A program that does "
		    "so does not speak SMTP properly: look for a script, or a virus, that sends mail.");
	else if (moment_is(&s->bare_command))
		finding_remedy(f,
		    "Let the mail program end every line with CR LF, as SMTP asks for (RFC 5321, 2.3.8).");
	else if (strcmp(f->subkind, "conduct") == 0)
		finding_remedy(f,
		    "The server refuses the client for how it spoke before: too early, without waiting for answers, or with bare line feeds. None of it is seen "
		    "in this connection; the server remembers earlier ones for a while.");
}

void
say_conduct(const struct mail_case *c, struct finding *f)
{
	if (strcmp(f->subkind, "conduct") == 0 || strcmp(f->subkind, "early-talker") == 0)
		say_what_is_seen(c, f);
	else if (strcmp(f->subkind, "not-smtp") == 0)
		finding_remedy(f,
		    "The server hangs up on lines that are not SMTP (GET, CONNECT, header lines): something else than a mail program speaks to it, or a mail "
		    "program that sends a message before it was asked to.");
}
