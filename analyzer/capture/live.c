/*
 * An interface, live, through libpcap.  Never immediate mode: it makes libpcap
 * take TPACKET_V2, which costs fifteen times the CPU and loses packets
 * (engines.md 4).  With V3 the kernel hands over blocks, at the latest after
 * the timeout.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linktype.h"
#include "reader.h"

#define LIVE_SNAPLEN    262144
#define LIVE_BUFFER     (64u << 20)
#define LIVE_TIMEOUT_MS 100
#define SECOND_NS       1000000000

struct live {
	pcap_t *pcap;
	bool nano;
	struct pcap_stat last; /* counters of 32 bits that wrap */
};

static enum capture_rc
live_next(struct capture *c, struct capture_frame *out)
{
	const struct live *s = c->state;
	struct pcap_pkthdr *h;
	const u_char *data;
	int rc = pcap_next_ex(s->pcap, &h, &data);

	if (rc == 0)
		return CAPTURE_AGAIN;
	if (rc == PCAP_ERROR_BREAK)
		return CAPTURE_END;
	if (rc != 1)
		return capture_damaged(c, 0, "capture ended after frame %llu: %s",
		    (unsigned long long)c->counts.frames, pcap_geterr(s->pcap));
	out->data = data;
	out->caplen = h->caplen;
	out->len = h->len < h->caplen ? h->caplen : h->len;
	out->ts_ns = (int64_t)h->ts.tv_sec * SECOND_NS + h->ts.tv_usec * (s->nano ? 1 : 1000);
	out->point = 0;
	out->link_type = c->point[0]->link_type;
	return CAPTURE_FRAME;
}

/* ps_recv includes ps_drop: only the drops are taken. */
static void
live_refresh(struct capture *c)
{
	struct live *s = c->state;
	struct capture_point *p = c->point[0];
	struct pcap_stat now;

	if (pcap_stats(s->pcap, &now) != 0)
		return;
	p->drops_known = true;
	p->drops_kernel += (uint32_t)(now.ps_drop - s->last.ps_drop);
	p->drops_interface += (uint32_t)(now.ps_ifdrop - s->last.ps_ifdrop);
	s->last = now;
}

static void
live_close(struct capture *c)
{
	struct live *s = c->state;

	if (s != NULL && s->pcap != NULL)
		pcap_close(s->pcap);
	free(s);
}

static const struct reader live_reader = { "live", live_next, live_close, live_refresh, NULL };

static int
live_explain(pcap_t *p, int rc, char *err, size_t errlen)
{
	switch (rc) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		snprintf(err, errlen,
		    "permission denied: listening needs the capability CAP_NET_RAW "
		    "(run as root, or: setcap cap_net_raw+ep on the program)");
		break;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		snprintf(err, errlen, "no such interface (ip link shows those that exist)");
		break;
	case PCAP_ERROR_IFACE_NOT_UP:
		snprintf(err, errlen, "the interface is down (ip link set it up)");
		break;
	default: snprintf(err, errlen, "%s: %s", pcap_statustostr(rc), pcap_geterr(p));
	}
	return -1;
}

/* A warning (rc > 0) is no reason not to listen. */
static int
live_activate(struct live *s, uint32_t snaplen, uint32_t buffer, char *err, size_t errlen)
{
	int length = snaplen != 0 && snaplen <= LIVE_SNAPLEN ? (int)snaplen : LIVE_SNAPLEN;
	int room = buffer != 0 && buffer <= INT32_MAX ? (int)buffer : (int)LIVE_BUFFER;
	int rc;

	/* no nanoseconds is no reason either: what it is in the end is asked below */
	s->nano = pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
	if ((rc = pcap_set_snaplen(s->pcap, length)) < 0 ||
	    (rc = pcap_set_buffer_size(s->pcap, room)) < 0 ||
	    (rc = pcap_set_timeout(s->pcap, LIVE_TIMEOUT_MS)) < 0 ||
	    (rc = pcap_set_immediate_mode(s->pcap, 0)) < 0 ||
	    (rc = pcap_set_promisc(s->pcap, 1)) < 0 || (rc = pcap_activate(s->pcap)) < 0)
		return live_explain(s->pcap, rc, err, errlen);
	s->nano = pcap_get_tstamp_precision(s->pcap) == PCAP_TSTAMP_PRECISION_NANO;
	return 0;
}

static int
live_filter(struct live *s, const char *filter, char *err, size_t errlen)
{
	struct bpf_program bpf;
	int rc;

	if (filter == NULL || filter[0] == '\0')
		return 0;
	if (pcap_compile(s->pcap, &bpf, filter, 1, PCAP_NETMASK_UNKNOWN) == -1) {
		snprintf(err, errlen, "filter \"%s\": %s", filter, pcap_geterr(s->pcap));
		return -1;
	}
	rc = pcap_setfilter(s->pcap, &bpf);
	pcap_freecode(&bpf);
	if (rc == -1)
		snprintf(err, errlen, "filter \"%s\": %s", filter, pcap_geterr(s->pcap));
	return rc;
}

static int
live_start(struct capture *c, uint32_t snaplen, uint32_t buffer, const char *filter, char *err,
    size_t errlen)
{
	struct live *s = calloc(1, sizeof(*s));
	struct capture_point *p;
	char why[PCAP_ERRBUF_SIZE] = "out of memory";

	c->reader = &live_reader;
	c->state = s;
	if (s == NULL || (s->pcap = pcap_create(c->name, why)) == NULL) {
		snprintf(err, errlen, "%s", why);
		return -1;
	}
	if (live_activate(s, snaplen, buffer, err, errlen) == -1 ||
	    live_filter(s, filter, err, errlen) == -1)
		return -1;
	if (pcap_setnonblock(s->pcap, 1, why) == -1) {
		snprintf(err, errlen, "%s", why);
		return -1;
	}
	p = capture_point_add(
	    c, linktype_from_dlt(pcap_datalink(s->pcap)), (uint32_t)pcap_snapshot(s->pcap));
	if (p == NULL) {
		snprintf(err, errlen, "out of memory");
		return -1;
	}
	c->poll_fd = pcap_get_selectable_fd(s->pcap);
	return 0;
}

struct capture *
capture_open_live(const char *interface, uint32_t snaplen, uint32_t buffer_bytes,
    const char *filter, char *err, size_t errlen)
{
	struct capture *c = capture_new(interface);
	char why[512] = "out of memory";

	if (c == NULL || live_start(c, snaplen, buffer_bytes, filter, why, sizeof(why)) == -1) {
		snprintf(err, errlen, "%s: %s", interface, why);
		capture_close(c);
		return NULL;
	}
	return c;
}
