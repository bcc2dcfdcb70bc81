#include "flow/point_impl.h"

#include <string.h>

#include "dissectors/net/link.h"
#include "record/record_caps.h"

void
flow_point_source(struct flow_point *fp, const struct capture_point *cp,
    const struct capture_counts *counts, const struct capture_damage *damage)
{
	struct record_capture *c = &fp->cap;

	if (cp != NULL) {
		strlcpy(c->interface, cp->interface, sizeof(c->interface));
		c->link_type = cp->link_type;
		c->snaplen = cp->snaplen;
		c->drops_known = cp->drops_known;
		c->drops_kernel = cp->drops_kernel;
		c->drops_interface = cp->drops_interface;
	}
	if (counts != NULL) {
		c->filtered = counts->filtered;
		c->unfilterable = counts->unfilterable;
		c->repaired = counts->repaired;
		c->timeless = counts->timeless;
	}
	if (damage != NULL) {
		strlcpy(c->damage, damage->why, sizeof(c->damage));
		c->damage_frame = damage->frame;
		c->damage_offset = damage->offset;
	}
}

static void
point_caps(const struct flow_point *fp, struct record_capture *c)
{
	struct stream_counters s = streams_counters(fp->streams);

	record_caps_add(c, "flows", fp->cap_flows);
	record_caps_add(c, "full-ledgers", fp->cap_full);
	record_caps_add(c, "packets-after-close", fp->late);
	record_caps_add(c, "streams", s.refused);
	record_caps_add(c, "held-bytes", s.forced);
	record_caps_add(c, "stream-engine", s.engine_failed);
	record_caps_add(c, "offset-rings", s.frame_rings);
	record_caps_add(c, "acknowledged-holes", s.unled);
	record_caps_add(c, "undecided", fp->cap_undecided);
	record_caps_add(c, "failed-connections", fp->cap_failed);
	record_caps_add(c, "icmp-orphans", fp->cap_orphans);
	record_caps_add(c, "host-pairs", contrast_counters(fp->contrast).hosts_dropped);
	record_caps_add(c, "ledger-segments", fp->cap_ledger.segments_dropped);
	record_caps_add(c, "ledger-stalls", fp->cap_ledger.stalls_dropped);
	record_caps_add(c, "ledger-holes", fp->cap_ledger.holes_dropped);
	record_caps_add(c, "ledger-icmp", fp->cap_ledger.icmp_dropped);
	record_caps_add(c, "memory", fp->cap_memory);
}

void
point_capture(const struct flow_point *fp)
{
	struct decode_counters d = decoder_counters(fp->decoder);
	const struct copies_counters *k = copies_counters(fp->copies);
	struct record r;
	struct record_capture *c = &r.capture;

	r.type = RECORD_CAPTURE;
	*c = fp->cap;
	c->tcp_frames = d.tcp;
	c->icmp_frames = d.icmp;
	c->other_frames = d.other;
	c->undecodable = d.undecodable;
	c->unread = link_known(c->link_type) ? 0 : c->frames;
	c->cut_frames = d.cut_frames;
	c->cut_at = d.cut_at;
	c->fragments = d.fragments;
	c->fragments_orphaned = d.fragments_orphaned;
	c->duplicates = k->dropped;
	c->eligible = k->eligible;
	c->duplicate_first = k->first;
	c->loops = k->circles;
	record_caps_add(c, "fragments", d.fragment_caps);
	record_caps_add(c, "tunnels", d.too_deep);
	point_caps(fp, c);
	fp->sink.take(fp->sink.ctx, &r);
}

static void
point_flows_snapshot(struct flow_point *fp)
{
	struct full *f;

	TAILQ_FOREACH(f, &fp->all, all)
	full_snapshot(f);
}

void
flow_point_snapshot(struct flow_point *fp)
{
	point_flows_snapshot(fp);
	point_icmp_snapshot(fp);
	contrast_report(fp->contrast);
	point_capture(fp);
}

void
flow_point_save(struct flow_point *fp)
{
	point_flows_snapshot(fp);
	point_icmp_save(fp);
	contrast_save(fp->contrast);
}
