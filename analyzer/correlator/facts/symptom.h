/* symptom.h - what the rules of silences and closes have in common (diagnosis 1C, 0.7 G and S). */
#ifndef SYMPTOM_H
#define SYMPTOM_H

#include "correlator/facts/dialogue.h"

#define ASKED_LEAST (5 * SECOND) /* a silence worth a word, as before a greeting */

/* 421, or words of a time-out that nobody had asked for. */
bool session_farewell(const struct mail_case *c);
/*
 * The server had closed, and a while later the client says something all the
 * same: it kept the connection for its next mail and did not look.  Nobody owes
 * it an answer.
 */
bool session_is_stale(const struct mail_case *c);
/* A finding that rests on something not seen; `t' = the mail that it is about, or NULL. */
struct finding *symptom(const struct mail_case *c, enum finding_kind kind, enum confidence conf,
    int dir, const struct record_transaction *t, struct verdicts *out);
/* `12.3 s', `50 ms'. */
#define SILENT_LEAST (10 * SECOND) /* no program needs so long to read an answer */
/*
 * For so long, in ns, the client said nothing more after `since', where all that the server says
 * came to it: until it says QUIT, one side closes or the capture ends, which is *end.
 */
int64_t symptom_client_silent(
    const struct mail_case *c, const struct moment *since, struct moment *end);
const char *symptom_seconds(int64_t ns, char buf[32]);
/*
 * Content that came on till shortly before the end, and for long, but little of it: says so; false:
 * not so.
 */
bool symptom_slow(const struct mail_case *c, uint64_t bytes, const struct moment *from,
    const struct moment *last, const struct moment *end, struct finding *f);
/*
 * Had the server answered in vain?  At its own side, and where its packets come
 * even after the close, no; else nobody can see that from here.  Where its
 * numbers show that it had, here or in a connection beside, subkind or remedy
 * say so.
 */
void symptom_doubt_way_back(const struct view *v, const struct moment *closed, struct finding *f);
/* This end closes, and by a RST. */
bool symptom_is_reset(const struct mail_case *c, int dir);
/*
 * Where the close of this end is a RST: somebody else can have sent it in its
 * name, so it is no more than probable but at the end itself (diagnosis 5.12);
 * possible, and true, where the RST has a mark of it, or only answers for a
 * connection that something had ended before.
 */
bool symptom_doubt_reset(const struct mail_case *c, int dir, struct finding *f);
/* What answers begins as no mail server does: summary and remedy. */
void symptom_no_mail_server(const struct mail_case *c, struct finding *f);
/* The last that the server said is a refusal. */
bool symptom_last_refuses(const struct mail_case *c);
/* The server closes without an answer: `when' = "in-session", "in-data", "after-data". */
void symptom_dropped(const struct mail_case *c, const struct record_transaction *t,
    const char *when, enum confidence conf, struct verdicts *out);
/*
 * More was sent than the server had said it takes, and it hangs up: some do so instead of saying
 * 552.  False: not so.
 */
bool symptom_too_big(
    const struct mail_case *c, const struct record_transaction *t, struct verdicts *out);

#endif /* SYMPTOM_H */
