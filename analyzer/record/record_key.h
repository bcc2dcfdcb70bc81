/* record_key.h - what records of all kinds are made of: times, addresses, keys.  See record.h. */
#ifndef RECORD_KEY_H
#define RECORD_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment {
	int64_t ns;
	uint64_t frame; /* 0 = never */
};

struct addr {
	uint8_t family; /* 4, 6; 0 = none */
	uint8_t b[16];  /* network order; IPv4 in b[0..3], rest 0 */
};

struct endpoint {
	struct addr ip;
	uint16_t port; /* host order; 0 = none or many */
};

/* Every record starts with this.  (conn, n, m) with the type is its identity. */
struct record_key {
	uint32_t point; /* capture point, ordinal from 0; see record_capture */
	uint64_t conn;  /* connection id, 0 = none */
	uint32_t n, m;  /* ordinals below it: transaction n, its recipient m, ... */
};

enum app_proto {
	APP_UNKNOWN = 0,
	APP_SMTP,
	APP_SMTP_TUNNELLED,
	APP_SMTPS,
	APP_POP3,
	APP_POP3S,
	APP_IMAP,
	APP_IMAPS,
	APP_OTHER,
};

#endif /* RECORD_KEY_H */
