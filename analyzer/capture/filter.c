#include "filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linktype.h"

#define FILTER_SNAPLEN  262144
#define FILTER_PROGRAMS 16 /* link types at a time; the oldest makes room */

struct program {
	uint32_t link_type;
	bool usable;
	struct bpf_program bpf;
};

struct filter {
	char *expression;
	struct program program[FILTER_PROGRAMS];
	size_t count, oldest;
	struct program *last;
};

static int
program_compile(
    struct program *p, const char *expression, uint32_t link_type, char *err, size_t errlen)
{
	pcap_t *dead = pcap_open_dead(linktype_to_dlt(link_type), FILTER_SNAPLEN);

	*p = (struct program){ .link_type = link_type };
	if (dead == NULL) {
		snprintf(err, errlen, "out of memory");
		return -1;
	}
	p->usable = pcap_compile(dead, &p->bpf, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!p->usable)
		snprintf(err, errlen, "filter \"%s\": %s", expression, pcap_geterr(dead));
	pcap_close(dead);
	return p->usable ? 0 : -1;
}

static void
program_free(struct program *p)
{
	if (p->usable)
		pcap_freecode(&p->bpf);
	p->usable = false;
}

struct filter *
filter_new(const char *expression, uint32_t link_type, bool only, char *err, size_t errlen)
{
	struct filter *f = calloc(1, sizeof(*f));
	struct program ethernet;
	char ignored[256];

	if (f == NULL || (f->expression = strdup(expression)) == NULL) {
		snprintf(err, errlen, "out of memory");
		free(f);
		return NULL;
	}
	f->last = &f->program[f->count++];
	if (program_compile(f->last, expression, link_type, err, errlen) == 0)
		return f;
	if (!only &&
	    program_compile(&ethernet, expression, LINKTYPE_ETHERNET, ignored, sizeof(ignored)) ==
		0) {
		program_free(&ethernet);
		return f;
	}
	filter_free(f);
	return NULL;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++)
		program_free(&f->program[i]);
	free(f->expression);
	free(f);
}

static struct program *
filter_program(struct filter *f, uint32_t link_type)
{
	struct program *p;
	char ignored[256];

	for (size_t i = 0; i < f->count; i++)
		if (f->program[i].link_type == link_type)
			return &f->program[i];
	if (f->count < FILTER_PROGRAMS) {
		p = &f->program[f->count++];
	} else {
		p = &f->program[f->oldest++ % FILTER_PROGRAMS];
		program_free(p);
	}
	(void)program_compile(p, f->expression, link_type, ignored, sizeof(ignored));
	return p;
}

enum filter_verdict
filter_match(struct filter *f, const struct capture_frame *frame)
{
	struct pcap_pkthdr h = { .caplen = frame->caplen, .len = frame->len };

	if (f->last->link_type != frame->link_type)
		f->last = filter_program(f, frame->link_type);
	if (!f->last->usable)
		return FILTER_UNUSABLE;
	return pcap_offline_filter(&f->last->bpf, &h, frame->data) != 0 ? FILTER_MATCH
									: FILTER_MISS;
}
