#include "record/record_copy.h"

#include <stdlib.h>

struct record_session *
session_new(void)
{
	return calloc(1, offsetof(struct record_session, refusals));
}
