/*
 * bareloop.c - the bare libpcap loop that mailwhy's cost is told in: bareloop [-b stdio-bytes] FILE
 */
#include <pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *p;
	unsigned long n = 0, sum = 0;
	size_t buffer = 0;
	char *room = NULL;
	pcap_t *pc;
	FILE *f;
	int c;

	while ((c = getopt(argc, argv, "b:")) != -1) {
		if (c != 'b')
			return 2;
		buffer = strtoul(optarg, NULL, 10);
	}
	if (optind != argc - 1 || (f = fopen(argv[optind], "rb")) == NULL)
		return 2;
	/*
	 * glibc ignores the size when it is to find the memory itself.  At the start of a page: 16
	 * bytes into one, where malloc() puts what is large, the kernel copies at a quarter of the
	 * speed on some processors (loads and stores 4 KiB apart).
	 */
	if (buffer && (room = aligned_alloc(4096, (buffer + 4095) / 4096 * 4096)) != NULL)
		setvbuf(f, room, _IOFBF, buffer);
	if ((pc = pcap_fopen_offline(f, err)) == NULL) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	while (pcap_next_ex(pc, &h, &p) == 1) {
		n++;
		sum += h->len + p[0];
	}
	printf("%lu packets, %lu\n", n, sum);
	pcap_close(pc);
	free(room);
	return 0;
}
