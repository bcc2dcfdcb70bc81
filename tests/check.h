/*
 * check.h - CUnit with both sides printed, and an exit status one can trust
 * (CU_basic_run_tests returns 0 when tests fail).
 */
#ifndef CHECK_H
#define CHECK_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(e) CU_ASSERT(e)

#define CHECK_EQ_INT(got, want) \
	check_eq_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_EQ_STR(got, want) check_eq_str((got), (want), #got, __FILE__, __LINE__)
#define CHECK_EQ_MEM(got, want, n) \
	CU_assertImplementation( \
	    memcmp((got), (want), (n)) == 0, __LINE__, #got, __FILE__, "", CU_FALSE)

static inline void
check_eq_int(long long got, long long want, const char *what, const char *file, int line)
{
	char msg[512];

	snprintf(msg, sizeof(msg), "%s: got %lld, want %lld", what, got, want);
	CU_assertImplementation(got == want, (unsigned)line, msg, file, "", CU_FALSE);
}

static inline void
check_eq_str(const char *got, const char *want, const char *what, const char *file, int line)
{
	char msg[2048];

	snprintf(msg, sizeof(msg), "%s: got \"%s\", want \"%s\"", what, got ? got : "(null)", want);
	CU_assertImplementation(
	    got != NULL && strcmp(got, want) == 0, (unsigned)line, msg, file, "", CU_FALSE);
}

struct check_test {
	const char *name;
	void (*run)(void);
};

/* Runs the tests, prints "N passed, M failed", returns the exit status. */
static inline int
check_main(const char *suite, const struct check_test *t, size_t n)
{
	CU_pSuite s;
	unsigned int failed, ran, rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	CU_initialize_registry();
	s = CU_add_suite(suite, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		CU_add_test(s, t[i].name, t[i].run);
	CU_basic_set_mode(CU_BRM_NORMAL);
	rc = (unsigned)CU_basic_run_tests();
	ran = CU_get_number_of_tests_run();
	failed = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	printf("%u passed, %u failed\n", ran - CU_get_number_of_tests_failed(), failed);
	failed += rc + CU_get_number_of_failure_records() + (ran != n);
	CU_cleanup_registry();
	return failed != 0;
}

#endif /* CHECK_H */
