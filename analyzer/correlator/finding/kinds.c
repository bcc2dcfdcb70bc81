#include "texts.h"

#include <string.h>

static const char *const confidences[] = {
	[CONFIDENCE_CANNOT_TELL] = "cannot-tell",
	[CONFIDENCE_POSSIBLE] = "possible",
	[CONFIDENCE_PROBABLE] = "probable",
	[CONFIDENCE_CONFIRMED] = "confirmed",
};

static const char *const severities[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static const struct {
	const char *id;
	int phase;
	enum severity severity;
	bool accuses;
	const char *title;
} kinds[FINDING_KINDS] = {
#define KIND(sym, id, phase, severity, accuses, title) \
	[FINDING_##sym] = { id, phase, severity, accuses, title },
#include "kinds.def"
#undef KIND
};

static const struct {
	const char *wire, *levels, *alike;
} meanings[FINDING_KINDS] = {
#define MEANING(sym, wire, levels, alike) [FINDING_##sym] = { wire, levels, alike },
#include "meanings.def"
#undef MEANING
};

static struct kind_facts facts[FINDING_KINDS];

/* Filled before main(): the table joins kinds.def, texts.def and meanings.def. */
__attribute__((constructor)) static void
facts_fill(void)
{
	for (int k = 0; k < FINDING_KINDS; k++)
		facts[k] = (struct kind_facts){
			kinds[k].id,
			kinds[k].phase,
			kinds[k].severity,
			kinds[k].accuses,
			kinds[k].title,
			text_remedy((enum finding_kind)k),
			text_client_shows((enum finding_kind)k),
			meanings[k].wire,
			meanings[k].levels,
			meanings[k].alike,
		};
}

const struct kind_facts *
kind_facts(enum finding_kind k)
{
	return &facts[(unsigned int)k < FINDING_KINDS ? k : 0];
}

const char *
confidence_name(enum confidence c)
{
	return confidences[(unsigned int)c <= CONFIDENCE_CONFIRMED ? c : 0];
}

const char *
severity_name(enum severity s)
{
	return severities[(unsigned int)s <= SEVERITY_ERROR ? s : 0];
}

const char *
kind_id(enum finding_kind k)
{
	return (unsigned int)k < FINDING_KINDS ? kinds[k].id : "unknown";
}

enum finding_kind
kind_by_id(const char *id)
{
	for (int k = 0; k < FINDING_KINDS; k++)
		if (strcmp(kinds[k].id, id) == 0)
			return (enum finding_kind)k;
	return FINDING_KINDS;
}
