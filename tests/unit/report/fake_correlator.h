/* fake_correlator.h - a correlator that says what a test wants it to say. */
#ifndef FAKE_CORRELATOR_H
#define FAKE_CORRELATOR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlator/correlator.h"
#include "record/addr.h"

static struct finding fake_findings[8];
static struct finding_evidence fake_proof[8];
static struct finding_excluded fake_excluded[8];
static uint64_t fake_session[8];
static size_t fake_finding_count;
static struct fate fake_fates[80];
static size_t fake_fate_count;
static struct summary fake_summary;
static struct record_capture fake_capture;
static struct record_piece fake_pieces[4];
static size_t fake_piece_count;

size_t
correlator_findings(const struct correlator *c, const struct finding *const **out)
{
	static const struct finding *v[8];

	(void)c;
	for (size_t i = 0; i < fake_finding_count; i++)
		v[i] = &fake_findings[i];
	*out = v;
	return fake_finding_count;
}

size_t
correlator_fates(const struct correlator *c, const struct fate **out)
{
	(void)c;
	*out = fake_fates;
	return fake_fate_count;
}

void
correlator_summary(const struct correlator *c, struct summary *out)
{
	(void)c;
	*out = fake_summary;
}

const struct record_piece *
correlator_pieces(const struct correlator *c, uint32_t point, size_t *count)
{
	(void)c;
	(void)point;
	*count = fake_piece_count;
	return fake_piece_count > 0 ? fake_pieces : NULL;
}

const struct record_piece *
correlator_piece(const struct correlator *c, uint32_t point, uint64_t frame)
{
	size_t i = fake_piece_count;

	(void)c;
	(void)point;
	while (i > 0 && (frame == 0 || fake_pieces[i - 1].before >= frame))
		i--;
	return i > 0 ? &fake_pieces[i - 1] : NULL;
}

const struct record_capture *
correlator_capture(const struct correlator *c, uint32_t point)
{
	(void)c;
	return point == 0 ? &fake_capture : NULL;
}

size_t
correlator_capture_name(
    const struct correlator *c, uint32_t point, uint64_t frame, char *text, size_t size)
{
	const struct record_piece *piece = correlator_piece(c, point, frame);

	return strlcpy(text,
	    piece != NULL    ? piece->file
		: point == 0 ? fake_capture.file
			     : "",
	    size);
}

static inline struct endpoint
fake_endpoint(const char *ip, uint16_t port)
{
	struct endpoint e = { .port = port };

	addr_parse(&e.ip, ip);
	return e;
}

#define FAKE_START 1795255200000000000LL /* 2026-11-21 10:00:00 */

static inline struct moment
fake_moment(int ms, uint64_t frame)
{
	return (struct moment){ .ns = FAKE_START + ms * 1000000LL, .frame = frame };
}

static inline void
fake_reset(void)
{
	memset(fake_findings, 0, sizeof(fake_findings));
	memset(fake_fates, 0, sizeof(fake_fates));
	memset(&fake_summary, 0, sizeof(fake_summary));
	memset(&fake_capture, 0, sizeof(fake_capture));
	fake_finding_count = fake_fate_count = fake_piece_count = 0;
	strcpy(fake_capture.file, "client.pcap");
	fake_capture.frames = 40;
	fake_capture.first = fake_moment(0, 1);
	fake_capture.last = fake_moment(31000, 40);
	fake_summary.packets = 40;
	fake_summary.inputs = 1;
}

/* A black hole with everything a finding can have. */
static inline struct finding *
fake_black_hole(void)
{
	size_t n = fake_finding_count++;
	struct finding *f = &fake_findings[n];

	f->evidence = &fake_proof[n];
	f->excluded = &fake_excluded[n];
	f->sessions = &fake_session[n];
	f->reply.text = "";
	f->id = 0x1122334455667788;
	f->kind = FINDING_PMTU_BLACK_HOLE;
	f->confidence = CONFIDENCE_CONFIRMED;
	f->severity = SEVERITY_ERROR;
	f->from = fake_endpoint("192.0.2.10", 34536);
	f->to = fake_endpoint("198.51.100.25", 25);
	f->first = fake_moment(100, 12);
	f->last = fake_moment(30000, 38);
	f->evidence_count = 1;
	f->evidence[0].frame_count = 2;
	f->evidence[0].frames[0] = 12;
	f->evidence[0].frames[1] = 19;
	strcpy(f->evidence[0].says, "1500 bytes sent again and again, never acknowledged");
	f->session_count = 1;
	f->sessions[0] = 0xabc;
	f->excluded_count = 1;
	f->excluded[0].kind = FINDING_HIGH_LOSS;
	strcpy(f->excluded[0].why, "small packets passed all the while");
	f->summary = "Packets of 1500 bytes vanish; those up to 576 bytes pass.";
	f->remedy = "Clamp the MSS to 1414.";
	f->client_shows = "0x800CCC0F";
	f->next_capture = "the other side of the router";
	f->has_mtu = true;
	f->mtu.proven = 576;
	f->mtu.upper = 1499;
	f->mtu.try = 1454;
	f->mtu.mss = 1414;
	f->mtu.candidate_count = 2;
	f->mtu.candidates[0] = 1454;
	f->mtu.candidates[1] = 1492;
	return f;
}

/* What `print' writes, to be freed. */
/* Not inlined: gcc 12 takes the stream's hold on `text' for a dangling one. */
__attribute__((noinline)) static char *
fake_printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	print(f);
	fclose(f);
	return text;
}

#endif /* FAKE_CORRELATOR_H */
