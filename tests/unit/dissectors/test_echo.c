/* test_echo.c - what was masked in a client's line is hidden where a server repeats it. */
#include "check.h"
#include "dissectors/text/echo.h"

#include <string.h>

static void
note(struct echo *e, const char *text)
{
	echo_note(e, text, strlen(text), NULL, 0);
}

static void
hidden_is(const struct echo *e, const char *text, const char *want)
{
	char got[1024];

	strncpy(got, text, sizeof(got) - 1);
	got[sizeof(got) - 1] = '\0';
	echo_hide(e, got, strlen(got));
	CHECK_EQ_STR(got, want);
}

/* Whole, in words, in another case, and what it decodes to; but only as words. */
static void
what_was_said_is_hidden(void)
{
	struct echo e = { 0 };

	note(&e, " open sesame ");
	note(&e, "AGFsaWNlAGJhcm4tZG9vcg=="); /* NUL alice NUL barn-door */
	hidden_is(&e, "\"open sesame\", SESAME: barn-door.", "\"***********\", ******: *********.");
	hidden_is(
	    &e, "sesames are no sesam; opened, reopen", "sesames are no sesam; opened, reopen");
	hidden_is(&e, "AGFsaWNlAGJhcm4tZG9vcg==", "************************");
	hidden_is(&e, "", "");
	hidden_is(&(struct echo){ 0 }, "sesame", "sesame");
}

/* OAuth parts its fields by ^A: the token is a word of its own. */
static void
tokens_are_hidden(void)
{
	struct echo e = { 0 };

	/* user=alice ^A auth=Bearer ya29.Token ^A ^A */
	note(&e, "dXNlcj1hbGljZQFhdXRoPUJlYXJlciB5YTI5LlRva2VuAQE=");
	hidden_is(&e, "no ya29.Token of ours", "no ********** of ours");
}

/* Stars in the place of "password" would tell what the password is. */
static void
words_of_logins_stay(void)
{
	struct echo e = { 0 };

	note(&e, "password");
	note(&e, "Login");
	note(&e, "abc");
	hidden_is(&e, "invalid password or login: abc", "invalid password or login: abc");
}

/* A name is hidden by echo_hide_user() alone, also when it is a part of the secret. */
static void
names_are_apart(void)
{
	struct echo e = { 0 };
	char text[] = "alice has another password";

	echo_note_user(&e, "alice", 5);
	echo_note(&e, "YWxpY2U=", 8, "alice", 5);
	hidden_is(&e, "alice YWxpY2U=", "alice ********");
	echo_hide_user(&e, text, strlen(text));
	CHECK_EQ_STR(text, "***** has another password");
}

/* Of what is too long the beginning is known; it is hidden with what follows. */
static void
long_ones_are_hidden_to_their_end(void)
{
	struct echo e = { 0 };
	char secret[301], text[320], want[320];

	memset(secret, 'k', 300);
	secret[300] = '\0';
	note(&e, secret);
	snprintf(text, sizeof(text), "no %s here", secret);
	memset(secret, '*', 300);
	snprintf(want, sizeof(want), "no %s here", secret);
	hidden_is(&e, text, want);
}

/* The last ones are known, however many there were; nothing grows. */
static void
the_oldest_goes(void)
{
	struct echo e = { 0 };
	char secret[32];

	for (int i = 1000; i < 2000; i++) {
		snprintf(secret, sizeof(secret), "secret%d", i);
		note(&e, secret);
		CHECK(e.count <= ECHO_SAID && e.used <= ECHO_BYTES);
	}
	hidden_is(&e, "secret1000 secret1999 secret1998", "secret1000 ********** **********");
	for (int i = 0; i < 100; i++)
		note(&e, "secret1998");
	hidden_is(&e, "secret1999", "**********");
}

static void
quoted_logins_of_nobody(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "-ERR Unknown command: \"PASS open sesame\" here",
		    "-ERR Unknown command: \"PASS **** ******\" here" },
		{ "500 5.5.1 what is: auth=plain xyz", "500 5.5.1 what is: auth=***** ***" },
		{ "-ERR PASS is not known", "-ERR PASS is not known" },
		{ "-ERR [PASSIVE] \"PASSWORD\"", "-ERR [PASSIVE] \"PASSWORD\"" },
		{ "500 czNjcmV0LWxvbmUtbGluZQ==", "500 ************************" },
	};
	char got[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(got, sizeof(got), "%s", cases[i].text);
		echo_hide_unseen(got, strlen(got));
		CHECK_EQ_STR(got, cases[i].want);
	}
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "what was said is hidden", what_was_said_is_hidden },
		{ "tokens are hidden", tokens_are_hidden },
		{ "words of logins stay", words_of_logins_stay },
		{ "names are apart", names_are_apart },
		{ "long ones are hidden to their end", long_ones_are_hidden_to_their_end },
		{ "the oldest goes", the_oldest_goes },
		{ "quoted logins of nobody", quoted_logins_of_nobody },
	};

	return check_main("echo", tests, sizeof(tests) / sizeof(tests[0]));
}
