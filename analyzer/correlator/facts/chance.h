/* chance.h - what so few numbers prove: tests of losses, small and large. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

/* One-sided Fisher test: so many or more of the lost ones among the large, by chance. */
double fisher(uint32_t big_lost, uint32_t big_ok, uint32_t small_lost, uint32_t small_ok);
/* Of n tries k met: at least so often it is, with 95 % (Wilson); 0 = nothing was tried. */
double wilson_lower(uint32_t k, uint32_t n);

#endif /* CHANCE_H */
