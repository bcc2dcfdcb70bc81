/*
 * mail_sum.h - are the words of two captures the same?  A number of 64 bits over
 * bytes in any pieces; nobody's secret goes into it, and it keeps none from who
 * knows the bytes: what is masked is summed as it stands masked.
 */
#ifndef MAIL_SUM_H
#define MAIL_SUM_H

#include <stddef.h>
#include <stdint.h>

struct mail_sum {
	uint64_t h, held; /* eight bytes at a time */
	uint64_t bytes;
};

void mail_sum_push(struct mail_sum *s, const void *p, size_t len);
uint64_t mail_sum_value(const struct mail_sum *s); /* so far; 0: nothing */

#endif /* MAIL_SUM_H */
