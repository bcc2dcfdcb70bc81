/* test_mail_offer.c - what a server offers in a list longer than what is kept of it. */
#include "smtp_player.h"

#include "record/text.h"

/* EHLO, answered with so many lines of 40 bytes, then these. */
static struct seen *
play_list(int lines, const char *tail)
{
	static char text[64 << 10];
	size_t n =
	    (size_t)snprintf(text, sizeof(text), "S: 220 mx ESMTP\nC: EHLO client\nS: 250-mx\n");

	for (int i = 0; i < lines; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "S: 250-X-%05d-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", i);
	snprintf(text + n, sizeof(text) - n, "%sC: QUIT\nS: 221 bye\n", tail);
	return play(text, NULL);
}

/* Half a word would be another one, half a number another limit. */
static void
words_are_whole(void)
{
	for (int fill = 0; fill < 60; fill++) {
		char tail[200];
		struct seen *s;
		const char *list, *size;

		snprintf(tail, sizeof(tail),
		    "S: 250-Y%.*s\nS: 250-SIZE 1073741824\nS: 250-STARTTLS\nS: 250 \xff\xff\xff\n",
		    fill, "------------------------------------------------------------");
		s = play_list(11, tail);
		list = s->session.capabilities;
		size = strstr(list, " SIZE");
		CHECK(s->session.starttls_offered && !s->session.offer_cut);
		CHECK(strlen(list) < RECORD_WORDS);
		CHECK(size == NULL || strncmp(size, " SIZE 1073741824 ", 17) == 0);
		CHECK(text_words_cut(list) ==
		    (strstr(list, "STARTTLS \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") == NULL));
		CHECK(strstr(list, "STARTTLS") != NULL || text_words_cut(list));
		free(s);
	}
}

/* Beyond what the dissector keeps of a reply: what is not in it may have been offered. */
static void
a_list_too_long(void)
{
	struct seen *s = play_list(150, "S: 250 STARTTLS\n");

	CHECK(!s->session.offer_cut && s->session.starttls_offered);
	free(s);
	s = play_list(300, "S: 250 STARTTLS\n");
	CHECK(s->session.offer_cut && !s->session.starttls_offered && s->session.ehlo_answered);
	free(s);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "words are whole", words_are_whole },
		{ "a list too long", a_list_too_long },
	};

	return check_main("mail offer", tests, sizeof(tests) / sizeof(tests[0]));
}
