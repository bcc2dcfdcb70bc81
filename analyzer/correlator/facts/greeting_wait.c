#include "greeting_wait.h"

bool
greeting_tls_begun(const struct mail_case *c)
{
	return c->session != NULL && c->session->client_first_byte == 0x16 + 1;
}

bool
greeting_expected(const struct mail_case *c)
{
	if (!c->has_conn || case_midstream(c) || c->conn->app == APP_OTHER ||
	    c->conn->app == APP_SMTP_TUNNELLED)
		return false;
	if (!port_is_mail(c->conn->server.port) && c->session == NULL)
		return false;
	return c->conn->server.port != 143 && !port_is_tls(c->conn->server.port) &&
	    !case_one_sided(c);
}

struct moment
greeting_client_done(const struct mail_case *c)
{
	struct moment a = case_closed(c, 0), b = case_closed(c, 1), end = { .ns = c->conn->t_end },
		      goodbye = case_goodbye(c);

	if (moment_is(&goodbye))
		return goodbye;
	if (!moment_is(&a) || (moment_is(&b) && moment_before(&b, &a)))
		a = b;
	return moment_is(&a) ? a : end;
}

int64_t
greeting_wait(const struct mail_case *c)
{
	if (c->session == NULL || !c->has_conn || case_midstream(c) ||
	    !moment_is(&c->conn->handshake) || !moment_is(&c->session->greeting.at) ||
	    case_missing(c) || case_one_sided(c))
		return 0;
	return case_waited(c, &c->conn->handshake, &c->session->greeting.at);
}

/* Its only word was QUIT, and that before the greeting. */
static struct moment
quit_before(const struct mail_case *c, const struct moment *greeting)
{
	const struct record_session *s = c->session;

	if (s == NULL || !moment_is(&s->quit) || s->commands != 1 || s->gap_client ||
	    !moment_before(&s->quit, greeting))
		return (struct moment){ 0 };
	return s->quit;
}

struct moment
greeting_given_up(const struct mail_case *c)
{
	struct moment greeting = { 0 }, server, left, none = { 0 };

	if (!greeting_expected(c) || !moment_is(&c->conn->handshake) || case_missing(c) ||
	    case_stalled(c))
		return none;
	if (c->session != NULL)
		greeting = c->session->greeting.at;
	if (!moment_is(&greeting) && c->conn->dir[1].stream_bytes > 0)
		return none; /* a greeting begun, or none at all: not a matter of time alone */
	left = moment_is(&greeting) ? quit_before(c, &greeting) : case_goodbye(c);
	if (!moment_is(&left)) {
		left = case_closed(c, 0);
		if (c->conn->dir[0].stream_bytes > 0)
			return none; /* it did not wait */
	}
	server = case_closed(c, 1);
	if (!moment_is(&left) || (moment_is(&greeting) && !moment_before(&left, &greeting)) ||
	    (moment_is(&server) && moment_before(&server, &left)) ||
	    case_waited(c, &c->conn->handshake, &left) < GREETING_LATE)
		return none;
	return left;
}
