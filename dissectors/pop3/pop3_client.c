/* pop3_client.c - commands, SASL responses (RFC 5034), and which reply is due (RFC 2449 6.6). */
#include <stdlib.h>
#include <string.h>

#include "dissectors/pop3/pop3_state.h"

/* ---- commands that wait for their reply -------------------------------------------- */

static struct pop3_pending *
pending_at(const struct pop3 *st, uint32_t i)
{
	return &st->pending[(st->pending_first + i) % st->pending_size];
}

const struct pop3_pending *
pop3_pending_head(const struct pop3 *st)
{
	return st->pending_count > 0 ? pending_at(st, 0) : NULL;
}

static bool
pending_grow(struct pop3 *st)
{
	uint32_t size = st->pending_size == 0 ? 8 : st->pending_size * 2;
	struct pop3_pending *p;

	if (size > POP3_PENDING_MAX || !pop3_hold(st, (size - st->pending_size) * sizeof(*p)))
		return false;
	p = malloc(size * sizeof(*p));
	if (p == NULL) {
		dissect_starved(st->hint.budget);
		pop3_unhold(st, (size - st->pending_size) * sizeof(*p));
		return false;
	}
	for (uint32_t i = 0; i < st->pending_count; i++)
		p[i] = *pending_at(st, i);
	free(st->pending);
	st->pending = p;
	st->pending_size = size;
	st->pending_first = 0;
	return true;
}

/* What does not fit is counted: its replies come last and have no command. */
static void
pending_add(struct pop3 *st, const struct pop3_pending *p)
{
	if (st->unqueued > 0 || (st->pending_count == st->pending_size && !pending_grow(st))) {
		st->unqueued++;
		st->unsure = true;
		return;
	}
	*pending_at(st, st->pending_count++) = *p;
}

static void
pending_drop(struct pop3 *st)
{
	st->pending_first = (st->pending_first + 1) % st->pending_size;
	st->pending_count--;
}

bool
pop3_asked_before(struct pop3 *st, int64_t ts_ns)
{
	return st->pending_count > 0 && pending_at(st, 0)->ts_ns < ts_ns;
}

const struct pop3_pending *
pop3_pending_due(struct pop3 *st)
{
	int64_t now = st->ts_ns[DIR_S2C];

	while (st->unsure && !st->pipelines && st->pending_count > 1 &&
	    pending_at(st, 1)->ts_ns <= now)
		pending_drop(st);
	if (st->pending_count == 0 || (st->holes && pending_at(st, 0)->ts_ns > now))
		return NULL;
	return pending_at(st, 0);
}

/* Two commands were under way when the first was answered. */
static bool
pipelined(const struct pop3 *st)
{
	const struct pop3_pending *next;

	if (st->pending_count < 2)
		return false;
	next = pending_at(st, 1);
	return next->ts_ns < st->ts_ns[DIR_S2C] || next->ts_ns == pending_at(st, 0)->ts_ns;
}

bool
pop3_pending_take(struct pop3 *st, struct pop3_pending *out)
{
	const struct pop3_pending *due = pop3_pending_due(st);

	if (due == NULL) {
		if (st->pending_count == 0 && st->unqueued > 0) {
			st->unqueued--;
			if (st->hint.budget != NULL)
				st->hint.budget->searches_cut++;
		}
		return false;
	}
	if (!st->unsure && pipelined(st))
		st->pipelines = true;
	*out = *due;
	pending_drop(st);
	return true;
}

void
pop3_pending_free(struct pop3 *st)
{
	pop3_unhold(st, st->pending_size * sizeof(*st->pending));
	free(st->pending);
	st->pending = NULL;
	st->pending_size = st->pending_count = 0;
}

/* ---- lines ------------------------------------------------------------------------- */

/* What the client's line kept to itself. */
static void
secret_note(struct pop3 *st, const struct pop3_command *cmd, const struct dissect_event *ev)
{
	const struct pop3_buffer *l = &st->line[DIR_C2S];
	size_t word = 0;

	if (ev->user != NULL)
		echo_note_user(&st->echo, ev->user, ev->user_len);
	switch (cmd->verb) {
	case POP3_USER: return;
	case POP3_AUTH:
		while (word < cmd->arg_len && cmd->arg[word] != ' ')
			word++;
		if (!sasl_is_mechanism(cmd->arg, word))
			word = 0;
		echo_note(&st->echo, cmd->arg + word, cmd->arg_len - word, ev->user, ev->user_len);
		return;
	case POP3_NONE:
	case POP3_OTHER:
	case POP3_AUTH_DATA:
		echo_note(&st->echo, l->buf, pop3_line_len(l), ev->user, ev->user_len);
		return;
	default:
		if (pop3_verb_is_secret(cmd->verb))
			echo_note(&st->echo, cmd->arg, cmd->arg_len, ev->user, ev->user_len);
	}
}

static void
user_emit(struct pop3 *st, struct dissect_event *ev, const struct pop3_command *cmd)
{
	char user[SASL_USER_MAX];
	const char *p = cmd->arg;
	size_t n = cmd->arg_len, word = 0;

	if (cmd->verb == POP3_USER || cmd->verb == POP3_APOP) {
		while (word < n && (cmd->verb == POP3_USER || p[word] != ' '))
			word++;
		ev->user = word > 0 ? p : NULL;
		ev->user_len = word;
	} else if (cmd->verb == POP3_AUTH) {
		while (word < n && p[word] != ' ')
			word++;
		while (word < n && p[word] == ' ')
			word++;
		if (word < n && sasl_response(&st->sasl, p + word, n - word, user, &ev->user_len))
			ev->user = user;
	} else if (cmd->verb == POP3_AUTH_DATA) {
		if (sasl_response(&st->sasl, p, n, user, &ev->user_len))
			ev->user = user;
	}
	secret_note(st, cmd, ev);
	pop3_emit(st, ev);
	ev->user = NULL;
	explicit_bzero(user, sizeof(user));
}

static void
command_emit(struct pop3 *st, const struct pop3_command *cmd, uint32_t ordinal, bool unsure)
{
	const struct pop3_buffer *l = &st->line[DIR_C2S];
	struct dissect_event ev = pop3_event(st, EVENT_COMMAND, DIR_C2S, l->off, l->off + l->full);
	struct pop3_command shown = *cmd;
	char masked[POP3_LINE_MAX + 64];
	size_t arg;

	/* An unknown word may be half of a secret where we do not know what is going on. */
	if (cmd->verb == POP3_OTHER && unsure)
		shown.verb = POP3_NONE;
	ev.line_len =
	    pop3_command_mask(l->buf, pop3_line_len(l), &shown, masked, sizeof(masked), &arg);
	ev.line = masked;
	ev.arg = masked + arg;
	ev.arg_len = ev.line_len - arg;
	ev.cmd = ordinal;
	ev.verb = (int)cmd->verb;
	ev.arg_num = cmd->number;
	ev.odd = l->odd;
	ev.unsure = unsure;
	user_emit(st, &ev, cmd);
}

static void
auth_begin(struct pop3 *st, const struct pop3_command *cmd)
{
	size_t n = 0;

	while (n < cmd->arg_len && cmd->arg[n] != ' ')
		n++;
	st->auth_cmd = st->commands;
	st->auth_ts_ns = st->ts_ns[DIR_C2S];
	st->challenges = st->responses = 0;
	sasl_begin(&st->sasl, cmd->arg, n);
}

bool
pop3_response_due(const struct pop3 *st)
{
	return st->auth_cmd != 0 && st->challenges > st->responses;
}

/*
 * RFC 5034 4: after "+ " the next line is a response.  Before it (the other
 * direction may be missing or late) any line that is no command is one.
 */
static bool
is_response(const struct pop3 *st, const struct pop3_command *cmd)
{
	return pop3_response_due(st) || (st->auth_cmd != 0 && cmd->verb == POP3_OTHER);
}

static void
command_line(struct pop3 *st, const struct pop3_command *cmd)
{
	struct pop3_pending p;
	bool unsure = st->line[DIR_C2S].fragment;

	/* Nothing is outstanding: the next reply is this command's. */
	if (st->unsure && !unsure && st->pending_count == 0 && st->unqueued == 0 &&
	    st->answer.kind == TEXT_NONE) {
		st->unsure = false;
		st->status_lost = false;
		st->orphan = false;
	}
	unsure |= st->unsure;
	st->commands++;
	p = (struct pop3_pending){ st->commands, cmd->verb, cmd->answer, cmd->number,
		st->ts_ns[DIR_C2S] };
	pending_add(st, &p);
	st->auth_cmd = 0;
	if (cmd->verb == POP3_AUTH && cmd->answer == POP3_ANSWER_ONE)
		auth_begin(st, cmd);
	command_emit(st, cmd, st->commands, unsure);
}

void
pop3_client_line(struct pop3 *st)
{
	const struct pop3_buffer *l = &st->line[DIR_C2S];
	struct pop3_command cmd;

	pop3_command_parse(l->buf, pop3_line_len(l), &cmd);
	if (is_response(st, &cmd)) {
		cmd = (struct pop3_command){
			.verb = POP3_AUTH_DATA,
			.arg = l->buf,
			.arg_len = pop3_line_len(l),
			.number = UINT64_MAX,
		};
		st->responses++;
		command_emit(st, &cmd, st->auth_cmd, st->unsure || l->fragment);
	} else if (l->fragment && cmd.verb == POP3_OTHER) {
		pop3_noise(st, DIR_C2S);
	} else {
		command_line(st, &cmd);
	}
}
