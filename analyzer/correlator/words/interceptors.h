/*
 * interceptors.h - whose name in a certificate says that somebody looks into TLS
 * (interceptors.tsv).
 */
#ifndef INTERCEPTORS_H
#define INTERCEPTORS_H

#include <stdbool.h>
#include <stddef.h>

/* False: none of them.  product: who issues such certificates. */
bool interceptor_known(const char *issuer, char *product, size_t size);

#endif /* INTERCEPTORS_H */
