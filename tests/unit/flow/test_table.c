#include "check.h"
#include "flow/table/hosts.h"
#include "flow/stream/offsets.h"
#include "flow/table/table.h"

static const struct hash_key key = { { 0x1234567, 0x89abcdef01 } };

static struct endpoint
end4(uint32_t host, uint16_t port)
{
	struct endpoint e = { { .family = 4 }, port };

	memcpy(e.ip.b, &host, 4);
	return e;
}

static struct endpoint
end6(uint32_t host, uint16_t port)
{
	struct endpoint e = { { .family = 6 }, port };

	e.ip.b[0] = 0x20;
	memcpy(e.ip.b + 12, &host, 4);
	return e;
}

static void
found_in_both_directions(void)
{
	struct table *t = table_new(&key, 100);
	struct endpoint a[2] = { end4(7, 40000), end6(7, 40000) },
			b[2] = { end4(3, 25), end6(3, 25) };

	for (int i = 0; i < 2; i++) {
		unsigned add, from;
		struct flow_light *e = table_add(t, &a[i], &b[i], &add);

		CHECK(e != NULL);
		CHECK(table_find(t, &a[i], &b[i], &from) == e && from == add);
		CHECK(table_find(t, &b[i], &a[i], &from) == e && from == !add);
		CHECK_EQ_INT(table_end(t, e, add).port, 40000);
		CHECK_EQ_MEM(table_end(t, e, !add).ip.b, b[i].ip.b, 16);
		CHECK_EQ_INT(light_family(e), i == 0 ? 4 : 6);
	}
	CHECK_EQ_INT(table_count(t), 2);
	table_free(t);
}

/* A connection of a host to itself on one port has one end only. */
static void
both_ends_equal(void)
{
	struct table *t = table_new(&key, 4);
	struct endpoint a = end4(1, 25);
	unsigned from;
	struct flow_light *e = table_add(t, &a, &a, &from);

	CHECK(table_find(t, &a, &a, &from) == e);
	table_remove(t, e);
	CHECK(table_find(t, &a, &a, &from) == NULL);
	table_free(t);
}

static void
cap_is_kept(void)
{
	struct table *t = table_new(&key, 3);
	struct endpoint s = end4(9, 25);
	unsigned from;

	for (uint32_t i = 0; i < 5; i++) {
		struct endpoint c = end4(i, 1000);

		CHECK((table_add(t, &c, &s, &from) != NULL) == (i < 3));
	}
	CHECK(table_full(t));
	table_free(t);
}

enum { MANY = 20000 };

static struct endpoint
nth(uint32_t i)
{
	return i % 3 == 0 ? end6(i * 7919, (uint16_t)i) : end4(i * 7919, (uint16_t)(i >> 3));
}

/* Adds and removes at random against a plain array that knows who should be there. */
static void
many_come_and_go(void)
{
	static bool there[MANY];
	struct table *t = table_new(&key, MANY);
	uint32_t x = 1, count = 0, wrong = 0;

	for (uint32_t step = 0; step < 200000; step++) {
		uint32_t i = (x = x * 1664525 + 1013904223) % MANY;
		struct endpoint c = nth(i), s = i % 3 == 0 ? end6(1, 25) : end4(1, 25);
		unsigned from;
		struct flow_light *e = table_find(t, &c, &s, &from);

		wrong += (e != NULL) != there[i];
		if (e != NULL)
			table_remove(t, e);
		else
			wrong += table_add(t, &c, &s, &from) == NULL;
		there[i] = !there[i];
		count += there[i] ? 1 : (uint32_t)-1;
	}
	CHECK_EQ_INT(wrong, 0);
	CHECK_EQ_INT(table_count(t), count);
	for (uint32_t i = 0; i < table_span(t); i++) {
		struct flow_light *e = table_at(t, i);

		if (e != NULL)
			table_remove(t, e);
	}
	CHECK_EQ_INT(table_count(t), 0);
	CHECK_EQ_INT(hosts_count(table_hosts(t)), 0);
	table_free(t);
}

/* An IPv6 address lives as long as somebody holds it. */
static void
hosts_are_counted(void)
{
	struct hosts *h = hosts_new(&key);
	struct endpoint a = end6(1, 0), b = end6(2, 0), c = end4(5, 0);
	uint32_t ia = 0, ib = 0, again = 0;

	CHECK(!hosts_find(h, &a.ip, &ia));
	CHECK(
	    hosts_take(h, &a.ip, &ia) && hosts_take(h, &a.ip, &again) && hosts_take(h, &b.ip, &ib));
	CHECK(ia == again && ia != ib);
	hosts_drop(h, 6, ia);
	CHECK(hosts_find(h, &a.ip, &again));
	hosts_drop(h, 6, ia);
	CHECK(!hosts_find(h, &a.ip, &again));
	CHECK_EQ_INT(hosts_count(h), 1);
	CHECK(hosts_find(h, &c.ip, &again)); /* IPv4: no table needed */
	CHECK_EQ_MEM(hosts_addr(h, 4, again).b, c.ip.b, 16);
	CHECK_EQ_MEM(hosts_addr(h, 6, ib).b, b.ip.b, 16);
	hosts_free(h);
}

static void
offsets_name_frames(void)
{
	struct offsets_budget budget = { .max = 1 << 20 };
	struct offsets o = { 0 };

	CHECK_EQ_INT(offsets_at(&o, 5).frame, 0);
	offsets_put(&o, &budget, 0, (struct moment){ 10, 1 });
	offsets_put(&o, &budget, 200, (struct moment){ 30, 3 }); /* came early */
	offsets_put(&o, &budget, 100, (struct moment){ 40, 4 });
	offsets_put(&o, &budget, 100, (struct moment){ 50, 5 }); /* repeated: the first stays */
	CHECK_EQ_INT(offsets_at(&o, 0).frame, 1);
	CHECK_EQ_INT(offsets_at(&o, 99).frame, 1);
	CHECK_EQ_INT(offsets_at(&o, 100).frame, 4);
	CHECK_EQ_INT(offsets_at(&o, 250).frame, 3);
	offsets_clear(&o, &budget);
	CHECK_EQ_INT(budget.used, 0);
}

static void
offsets_forget_the_oldest(void)
{
	struct offsets_budget budget = { .max = 1 << 20 };
	struct offsets o = { 0 };

	for (uint32_t i = 0; i < OFFSETS_MAX + 50; i++)
		offsets_put(&o, &budget, UINT64_C(10) * i, (struct moment){ i, i + 1 });
	CHECK_EQ_INT(o.count, OFFSETS_MAX);
	CHECK_EQ_INT(offsets_at(&o, 3).frame, 51); /* the oldest still known */
	CHECK_EQ_INT(offsets_at(&o, UINT64_C(10) * (OFFSETS_MAX + 49)).frame, OFFSETS_MAX + 50);
	offsets_clear(&o, &budget);
}

static void
offsets_keep_the_budget(void)
{
	struct offsets_budget budget = { .max = 1000 };
	struct offsets o = { 0 };

	for (uint32_t i = 0; i < 500; i++)
		offsets_put(&o, &budget, i, (struct moment){ i, i + 1 });
	CHECK(o.count < 100 && budget.hits > 0);
	CHECK_EQ_INT(offsets_at(&o, 499).frame, 500);
	offsets_clear(&o, &budget);
}

int
main(void)
{
	static const struct check_test tests[] = {
		{ "a flow is found in both directions, both families", found_in_both_directions },
		{ "a connection to oneself", both_ends_equal },
		{ "the cap is kept", cap_is_kept },
		{ "many come and go", many_come_and_go },
		{ "IPv6 addresses are counted", hosts_are_counted },
		{ "offsets name frames", offsets_name_frames },
		{ "a full ring forgets the oldest", offsets_forget_the_oldest },
		{ "rings keep their budget", offsets_keep_the_budget },
	};

	return check_main("table", tests, sizeof(tests) / sizeof(tests[0]));
}
