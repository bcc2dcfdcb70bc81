/* fuzz_tls.c - the TLS observer, whole and byte by byte. */
#include "fuzz_stream.h"

#include "dissectors/tls/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *
observer_open(const struct dissect_sink *sink, const struct dissect_hint *hint)
{
	struct {
		struct dissect_sink sink;
		struct tls_observer t;
	} *st = calloc(1, sizeof(*st));

	(void)hint;
	if (st == NULL)
		abort();
	st->sink = *sink;
	tls_init(&st->t);
	return st;
}

static enum dissect_rc
observer_data(
    void *v, enum dissect_dir dir, uint64_t off, int64_t ts_ns, const uint8_t *p, size_t len)
{
	struct dissect_sink *sink = v;

	tls_observe((struct tls_observer *)(sink + 1), dir, off, ts_ns, p, len, sink);
	return DISSECT_OK;
}

static void
observer_gap(
    void *v, enum dissect_dir dir, uint64_t off, uint64_t missing, uint64_t heard, int64_t ts_ns)
{
	struct dissect_sink *sink = v;

	(void)off, (void)heard;
	(void)ts_ns;
	tls_gap((struct tls_observer *)(sink + 1), dir, missing);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dissector observer = {
		"tls",
		observer_open,
		observer_data,
		observer_gap,
		free,
	};

	fuzz_stream(&observer, data, size);
	return 0;
}
