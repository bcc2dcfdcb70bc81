/* options.h - what the user asked for. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/page.h"
#include "window.h"

#define OPTIONS_INTERFACES 16

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_TRANSCRIPT };
enum task { TASK_ANALYSE, TASK_HELP, TASK_VERSION, TASK_SCHEMA, TASK_FINDINGS };

enum exit_status {
	EXIT_ANALYSED = 0,
	EXIT_FOUND = 1, /* with --exit-code: a finding of severity warning or error */
	EXIT_USAGE = 2,
	EXIT_INPUT =
	    3, /* an input could not be opened or read at all, or the output not be written */
	EXIT_INCOMPLETE = 4, /* with --exit-code: cut file, drops, bounds; wins over 1 */
};

/* Strings are argv's. */
struct options {
	enum task task;
	enum output output;
	const char **inputs; /* files, directories, "-", in command line order */
	size_t input_count;
	const char *interfaces[OPTIONS_INTERFACES];
	size_t interface_count;
	const char *filter;
	const char *from, *to, *zone_name; /* as they were given; NULL = not */
	struct zone zone;                  /* of the report, and of the window */
	struct window window;              /* of files and records */
	uint32_t snaplen;                  /* 0 = all */
	const char *records;               /* file, directory, "-"; NULL = none */
	const char *replies;               /* file of the user's reply table; NULL = none */
	enum colour_when colour;
	bool exit_code, progress, show_users, all;
};

/* 0, or -1 when the command line is wrong; it was then said on standard error. */
int options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);
void options_help(FILE *out);

#endif /* OPTIONS_H */
