/* reply_reading.c - what is asked of a session whose refusals are judged. */
#include "reply_reading.h"

#include <string.h>

bool
reading_verb_is(const struct refusal *r, const char *verb)
{
	return strcasecmp(r->verb, verb) == 0;
}

bool
reading_is_relay(enum finding_kind k)
{
	return k == FINDING_RELAY_DENIED_WRONG_NETWORK || k == FINDING_AUTH_REQUIRED_NOT_ATTEMPTED;
}

bool
reading_blind(const struct mail_case *c)
{
	return c->session->gap_server || !c->session->client_seen || c->conn->dir[1].missing > 0 ||
	    c->conn->dir[1].acked_unseen > 0 || case_unseen_dir(c) == 0 || c->conn->disordered > 0;
}

/*
 * "No AUTH seen" is a fact only when the dialogue is whole from its beginning, be it without the
 * handshake.
 */
bool
reading_login_known(const struct reading *g)
{
	bool begun = !case_midstream(g->c) ||
	    (g->s->greeting.code == 220 &&
		moment_before(&g->s->greeting.at, &g->s->capabilities_at));

	return begun && !g->blind && !case_missing(g->c) && g->s->ehlo_answered && !g->s->offer_cut;
}

/* mail.example.org greets, and the recipient is of example.org. */
bool
reading_greets_in_domain(const struct reading *g, const char *domain)
{
	const struct record_reply *hello = &g->s->greeting;
	size_t host = strcspn(hello->text, " \t\r\n"), len = strlen(domain);

	return strchr(domain, '.') != NULL && hello->code / 100 == 2 && host >= len &&
	    strncasecmp(hello->text + host - len, domain, len) == 0 &&
	    (host == len || hello->text[host - len - 1] == '.');
}
