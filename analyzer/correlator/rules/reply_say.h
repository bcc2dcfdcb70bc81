/* reply_say.h - a refusal in the words of the report. */
#ifndef REPLY_SAY_H
#define REPLY_SAY_H

#include "reply_reading.h"

/* The finding of a refusal of this class. */
void reading_say(const struct reading *g, const struct refusal *r, const struct reply_class *cl);

#endif /* REPLY_SAY_H */
