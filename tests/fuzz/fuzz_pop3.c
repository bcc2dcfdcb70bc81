/* fuzz_pop3.c - the POP3 dissector on any two streams with gaps. */
#include "fuzz_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_stream(&dissector_pop3, data, size);
	return 0;
}
