#include "chance.h"

#include <math.h>

static double
log_choose(uint32_t n, uint32_t k)
{
	return lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1);
}

double
fisher(uint32_t big_lost, uint32_t big_ok, uint32_t small_lost, uint32_t small_ok)
{
	uint32_t n = big_lost + big_ok, m = small_lost + small_ok, lost = big_lost + small_lost;
	uint32_t most = lost < n ? lost : n;
	double p = 0, all;

	if (n + m == 0)
		return 1;
	all = log_choose(n + m, lost);
	for (uint32_t x = big_lost; x <= most; x++)
		if (lost - x <= m)
			p += exp(log_choose(n, x) + log_choose(m, lost - x) - all);
	return p < 1 ? p : 1;
}

double
wilson_lower(uint32_t k, uint32_t n)
{
	const double z = 1.96;
	double p, x;

	if (n == 0)
		return 0;
	if (k > n)
		k = n;
	p = (double)k / n;
	x = (p + z * z / (2.0 * n) - z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * (double)n))) /
	    (1 + z * z / n);
	return x > 0 ? x : 0;
}
