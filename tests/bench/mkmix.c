/*
 * mkmix.c - generates the traffic that mailwhy is measured on.
 *
 * usage: mkmix -o FILE [-n packets] [-m mail%] [-6 ipv6%] [-v vlan%] [-c concurrent] [-z small%]
 *	[-b bytes] [-M mss] [-s snaplen] [-g] [-S seed]
 *
 * Flows run interleaved; each is a whole TCP connection: handshake, dialogue
 * or request, body in full segments with an ACK for every second one, FIN.
 * Mail flows are SMTP with bodies of 2 KB to 400 KB, small ones of at most `bytes'
 * (3 KB); the others carry TLS-like bytes on port 443 (85 %) or plain HTTP on
 * port 80.  Checksums are right, as on a real link.  -g: pcapng.  Deterministic
 * for a seed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VLAN_TAG    4
#define HEADERS_MAX 128

struct flow {
	bool mail, tls, v6, vlan, qinq, live;
	uint32_t id;
	uint16_t sport, dport;
	uint32_t seq[2], ack[2];
	int step;
	uint64_t body; /* bytes still to send */
	int bulk_dir;  /* who sends the body */
	int unacked;
	uint16_t ip_id[2];
};

static FILE *out;
static uint64_t now_us = 1700000000000000ULL;
static uint64_t written, limit = 300000;
static uint64_t rng = 88172645463325252ULL;
static uint8_t filler[65536], opaque[65536];
static uint32_t next_id;
static unsigned pct_mail = 5, pct_v6 = 20, pct_vlan = 10, pct_small = 30, concurrent = 4000,
		small_body = 3000, mss = 1448, snaplen = 262144;
static bool pcapng;

static uint32_t
chance(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)((rng >> 16) % n);
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* RFC 1071: the words of an even number of bytes, or of the last ones. */
static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The addresses of the pseudo header stand right before the TCP header. */
static void
checksums(uint8_t *ip, uint8_t *tcp, size_t tcp_len, const void *data, size_t len)
{
	size_t addrs = ip[0] == 0x60 ? 32 : 8;
	uint32_t sum = sum16(6 + (uint32_t)(tcp_len + len), tcp - addrs, addrs + tcp_len);

	put16(tcp + 16, ~sum16(sum, data, len) & 0xffff);
	if (ip[0] == 0x45)
		put16(ip + 10, ~sum16(0, ip, 20) & 0xffff);
}

static void
head_write(void)
{
	static const uint32_t section[] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX,
		28 };
	const uint32_t interface[] = { 1, 20, 1, snaplen, 20 },
		       pcap[] = { 0xa1b2c3d4, 0x00040002, 0, 0, snaplen, 1 };

	if (pcapng) {
		fwrite(section, sizeof(section), 1, out);
		fwrite(interface, sizeof(interface), 1, out);
	} else
		fwrite(pcap, sizeof(pcap), 1, out);
}

/* A frame of two parts, the second as far as the snap length goes, at now_us. */
static void
frame_write(const uint8_t *h, size_t hl, const void *data, size_t len)
{
	uint32_t cut = (uint32_t)(hl + len < snaplen ? len : snaplen - hl),
		 cap = (uint32_t)hl + cut, wire = (uint32_t)(hl + len);
	uint32_t pad = -cap & 3, total = 32 + cap + pad;
	const uint32_t block[] = { 6, total, 0, (uint32_t)(now_us >> 32), (uint32_t)now_us, cap,
		wire };
	const uint32_t record[] = { (uint32_t)(now_us / 1000000), (uint32_t)(now_us % 1000000), cap,
		wire };

	if (pcapng)
		fwrite(block, sizeof(block), 1, out);
	else
		fwrite(record, sizeof(record), 1, out);
	fwrite(h, 1, hl, out);
	if (cut > 0)
		fwrite(data, 1, cut, out);
	if (pcapng) {
		fwrite("\0\0\0", 1, pad, out);
		fwrite(&total, sizeof(total), 1, out);
	}
}

/* One TCP packet of flow f; dir 0 = client to server. */
static void
packet(struct flow *f, int dir, unsigned flags, const void *data, size_t len)
{
	uint8_t h[HEADERS_MAX] = { 0 }, *p = h, *ip;
	size_t tcp_len = 32 + (flags & 2 ? 8 : 0);

	if (written >= limit)
		return;
	memcpy(
	    p, dir ? "\x02\0\0\0\0\x01\x02\0\0\0\0\x02" : "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	p += 12;
	if (f->vlan) {
		if (f->qinq) {
			put16(p, 0x88a8);
			put16(p + 2, 7);
			p += VLAN_TAG;
		}
		put16(p, 0x8100);
		put16(p + 2, 100 + f->id % 3);
		p += VLAN_TAG;
	}
	put16(p, f->v6 ? 0x86dd : 0x0800);
	p += 2;
	ip = p;
	if (f->v6) {
		uint8_t c[16] = { 0x20, 1, 0xd, 0xb8, 0, 1 }, s[16] = { 0x20, 1, 0xd, 0xb8, 0, 2 };

		put32(c + 12, f->id / 7);
		put32(s + 12, f->id % 997);
		p[0] = 0x60;
		put16(p + 4, (unsigned)(tcp_len + len));
		p[6] = 6;
		p[7] = dir ? 55 : 64;
		memcpy(p + 8, dir ? s : c, 16);
		memcpy(p + 24, dir ? c : s, 16);
		p += 40;
	} else {
		uint32_t c = 0x0a000000 + f->id / 7 % 60000, s = 0xc6336400 + f->id % 997;

		p[0] = 0x45;
		put16(p + 2, (unsigned)(20 + tcp_len + len));
		put16(p + 4, f->ip_id[dir]++);
		p[6] = 0x40;
		p[8] = dir ? 55 : 64;
		p[9] = 6;
		put32(p + 12, dir ? s : c);
		put32(p + 16, dir ? c : s);
		p += 20;
	}
	put16(p, dir ? f->dport : f->sport);
	put16(p + 2, dir ? f->sport : f->dport);
	put32(p + 4, f->seq[dir]);
	put32(p + 8, flags & 16 ? f->seq[!dir] : 0);
	p[12] = (uint8_t)(tcp_len / 4 << 4);
	p[13] = (uint8_t)flags;
	put16(p + 14, 60000);
	if (flags & 2) {
		memcpy(p + 20, "\x02\x04\x05\xb4\x04\x02\x01\x03\x03\x07", 10);
		memcpy(p + 30, "\x08\x0a", 2);
		put32(p + 32, (uint32_t)(now_us / 1000));
	} else {
		memcpy(p + 20, "\x01\x01\x08\x0a", 4);
		put32(p + 24, (uint32_t)(now_us / 1000));
	}
	checksums(ip, p, tcp_len, data, len);
	p += tcp_len;
	now_us += 3 + chance(8);
	frame_write(h, (size_t)(p - h), data, len);
	f->seq[dir] += (uint32_t)len + ((flags & 3) != 0);
	written++;
}

static void
line(struct flow *f, int dir, const char *text)
{
	packet(f, dir, 24, text, strlen(text));
}

static void
start(struct flow *f)
{
	*f = (struct flow){ .live = true, .id = next_id++ };
	f->mail = chance(1000) < pct_mail * 10;
	f->v6 = chance(100) < pct_v6;
	f->vlan = chance(100) < pct_vlan;
	f->qinq = f->vlan && chance(4) == 0;
	f->sport = (uint16_t)(20000 + chance(40000));
	f->tls = !f->mail && chance(100) < 85;
	f->dport = f->mail ? 25 : f->tls ? 443 : 80;
	f->seq[0] = chance(UINT32_MAX);
	f->seq[1] = chance(UINT32_MAX);
	f->ip_id[0] = (uint16_t)chance(65536);
	f->body =
	    chance(100) < pct_small ? 200 + chance(small_body) : 2000 + (uint64_t)chance(400000);
	f->bulk_dir = f->mail ? 0 : chance(4) != 0;
}

static const char http[] =
    "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n";

static const struct {
	int dir;
	const char *text;
} smtp[] = {
	{ 1, "220 mx.example.net ESMTP Postfix\r\n" },
	{ 0, "EHLO client.example.org\r\n" },
	{ 1, "250-mx.example.net\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n" },
	{ 0, "MAIL FROM:<bob@example.org> SIZE=4711\r\n" },
	{ 1, "250 2.1.0 Ok\r\n" },
	{ 0, "RCPT TO:<alice@example.net>\r\n" },
	{ 1, "250 2.1.5 Ok\r\n" },
	{ 0, "DATA\r\n" },
	{ 1, "354 End data with <CR><LF>.<CR><LF>\r\n" },
	{ 0, "From: bob@example.org\r\nTo: alice@example.net\r\nSubject: measured\r\n\r\n" },
};
#define SMTP_STEPS ((int)(sizeof(smtp) / sizeof(smtp[0])))

/* The next packet of the flow. */
static void
advance(struct flow *f)
{
	size_t n;

	switch (f->step) {
	case 0: packet(f, 0, 2, NULL, 0); break;
	case 1: packet(f, 1, 18, NULL, 0); break;
	case 2: packet(f, 0, 16, NULL, 0); break;
	default:
		if (f->mail && f->step - 3 < SMTP_STEPS) {
			line(f, smtp[f->step - 3].dir, smtp[f->step - 3].text);
			break;
		}
		if (!f->mail && f->step == 3) {
			packet(f, 0, 24, f->tls ? opaque : (const uint8_t *)http,
			    f->tls ? 517 : sizeof(http) - 1);
			break;
		}
		if (f->body > 0) {
			if (f->unacked == 2) {
				packet(f, !f->bulk_dir, 16, NULL, 0);
				f->unacked = 0;
				return;
			}
			n = f->body < mss ? (size_t)f->body : mss;
			packet(f, f->bulk_dir, 24,
			    (f->tls ? opaque : filler) + (size_t)(chance(4000) / 80) * 80, n);
			f->body -= n;
			f->unacked++;
			return;
		}
		if (f->step < 100)
			f->step = 100;
		if (f->mail && f->step == 100)
			line(f, 0, "\r\n.\r\n");
		else if (f->mail && f->step == 101)
			line(f, 1, "250 2.0.0 Ok: queued as 4F1D2C\r\n");
		else if (f->mail && f->step == 102)
			line(f, 0, "QUIT\r\n");
		else if (f->mail && f->step == 103)
			line(f, 1, "221 2.0.0 Bye\r\n");
		else if (f->step == 104 || (!f->mail && f->step == 100)) {
			packet(f, 1, 17, NULL, 0);
			f->step = 104;
		} else if (f->step == 105)
			packet(f, 0, 17, NULL, 0);
		else {
			packet(f, 1, 16, NULL, 0);
			f->live = false;
		}
	}
	f->step++;
}

int
main(int argc, char **argv)
{
	const char *name = NULL;
	struct flow *flows;
	int c;

	while ((c = getopt(argc, argv, "o:n:m:6:v:c:z:b:M:s:gS:")) != -1)
		switch (c) {
		case 'o': name = optarg; break;
		case 'n': limit = strtoull(optarg, NULL, 10); break;
		case 'm': pct_mail = (unsigned)atoi(optarg); break;
		case '6': pct_v6 = (unsigned)atoi(optarg); break;
		case 'v': pct_vlan = (unsigned)atoi(optarg); break;
		case 'c': concurrent = (unsigned)atoi(optarg); break;
		case 'z': pct_small = (unsigned)atoi(optarg); break;
		case 'b': small_body = (unsigned)atoi(optarg); break;
		case 'M': mss = (unsigned)atoi(optarg); break;
		case 's': snaplen = (unsigned)atoi(optarg); break;
		case 'g': pcapng = true; break;
		case 'S': rng ^= strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15ULL; break;
		default: return 2;
		}
	if (name == NULL || concurrent == 0 || small_body == 0 || mss == 0 || mss > 1460 ||
	    snaplen < HEADERS_MAX || (out = fopen(name, "wb")) == NULL) {
		fprintf(stderr,
		    "usage: mkmix -o FILE [-n packets] [-m mail%%] [-6 ipv6%%] [-v vlan%%] [-c concurrent] [-z small%%]\n"
		    "\t[-b bytes] [-M mss] [-s snaplen] [-g] [-S seed]\n");
		return 2;
	}
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	for (size_t i = 0; i < sizeof(filler); i++) /* lines of 78 characters, as mail has */
		filler[i] = i % 80 == 78 ? '\r'
		    : i % 80 == 79       ? '\n'
					 : (uint8_t)('A' + i % 53 % 26);
	for (size_t i = 0; i < sizeof(opaque); i++)
		opaque[i] = i % 80 == 0 ? 0x16 : i % 80 < 3 ? 3 : (uint8_t)chance(256);
	head_write();
	flows = calloc(concurrent, sizeof(*flows));
	if (flows == NULL)
		return 1;
	while (written < limit) {
		struct flow *f = &flows[chance(concurrent)];

		if (!f->live)
			start(f);
		for (unsigned burst = 1 + chance(4); burst > 0 && f->live; burst--)
			advance(f);
	}
	free(flows);
	return fclose(out) == 0 ? 0 : 1;
}
