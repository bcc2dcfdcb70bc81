/* record_order.c - the order of records in reports. */
#include "record/record_order.h"

struct moment
record_time(const struct record *r)
{
	switch (r->type) {
	case RECORD_CAPTURE: return r->capture.first;
	case RECORD_CONNECTION: return r->connection.first;
	case RECORD_SESSION: return r->session.first;
	case RECORD_TRANSACTION: return r->transaction.first;
	case RECORD_RECIPIENT: return r->recipient.at;
	case RECORD_MESSAGE: return r->message.first;
	case RECORD_STALL: return r->stall.first;
	case RECORD_ICMP_ERROR: return r->icmp_error.at;
	case RECORD_PATH: return (struct moment){ .ns = r->path.epoch_ns };
	case RECORD_HOST: return r->host.first;
	case RECORD_PIECE: return r->piece.first;
	}
	return (struct moment){ 0 };
}

struct record_order
record_order_of(const struct record *r)
{
	struct moment t = record_time(r);

	return (struct record_order){
		.ns = t.ns,
		.frame = t.frame,
		.conn = r->key.conn,
		.point = r->key.point,
		.n = r->key.n,
		.m = r->key.m,
		.type = (uint8_t)r->type,
	};
}

#define ORDER(x) \
	do { \
		if (a->x != b->x) \
			return a->x < b->x ? -1 : 1; \
	} while (0)

int
record_order_compare(const struct record_order *a, const struct record_order *b)
{
	bool ca = a->type == RECORD_CAPTURE, cb = b->type == RECORD_CAPTURE;

	if (ca != cb)
		return ca ? -1 : 1;
	if (ca)
		ORDER(point);
	ORDER(ns);
	ORDER(frame);
	ORDER(point);
	ORDER(type);
	ORDER(conn);
	ORDER(n);
	ORDER(m);
	return 0;
}
