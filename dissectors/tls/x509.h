/*
 * x509.h - who issued a certificate, as far as its first bytes tell.
 *
 * RFC 5280 4.1, in DER (X.690 8.1: tag, length, value):
 * Certificate ::= SEQUENCE { tbsCertificate SEQUENCE {
 *	[0] version OPTIONAL, serialNumber INTEGER, signature SEQUENCE,
 *	issuer SEQUENCE OF SET OF SEQUENCE { OBJECT IDENTIFIER, string }, ... } ... }
 */
#ifndef X509_H
#define X509_H

#include "dissectors/dissect_event.h"

#define X509_ISSUER_MAX 160

/*
 * The issuer's organization and common name, "AO Kaspersky Lab, Kaspersky
 * Anti-Virus Personal Root Certificate"; what is no printable ASCII becomes
 * '?'.  p may end anywhere behind the issuer; DISSECT_SHORT: before its end.
 */
enum dissect_rc x509_issuer_parse(const uint8_t *p, size_t len, char issuer[X509_ISSUER_MAX]);

#endif /* X509_H */
