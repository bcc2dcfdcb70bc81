/* fuzz_template.c - the dissector that others are copied from, on any two streams with gaps. */
#include "dissectors/template.h"
#include "fuzz_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_stream(&dissector_finger, data, size);
	return 0;
}
