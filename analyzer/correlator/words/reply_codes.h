/* reply_codes.h - what a reply means when its words are unknown (diagnosis 3.3, 3.4). */
#ifndef REPLY_CODES_H
#define REPLY_CODES_H

#include "correlator/words/replies.h"

bool reply_by_enhanced(
    const unsigned int code[3], const struct reply_context *ctx, struct reply_class *out);
bool reply_by_code(
    const struct record_reply *r, const struct reply_context *ctx, struct reply_class *out);

#endif /* REPLY_CODES_H */
