/* main.c - the command line to the pipeline to an exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "correlator/words/replies.h"
#include "heap.h"
#include "pipeline.h"

/*
 * A descriptor closed by the caller would be taken by the first file opened,
 * and then written to as standard output.  Read-only, so that writing fails.
 */
static int
hold_standard_files(void)
{
	int fd;

	do
		if ((fd = open("/dev/null", O_RDONLY)) < 0)
			return -1;
	while (fd <= STDERR_FILENO);
	return close(fd);
}

static void
on_interrupt(int sig)
{
	static const char said[] =
	    "\nmailwhy: the report follows when the input ends; Ctrl-C again gives up\n";

	(void)sig;
	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		return; /* nobody is there to be told */
}

/*
 * Ctrl-C ends what feeds a pipe as well (tcpdump -w - | mailwhy -): what it had said by then is
 * worth a report.  The second ends this, too.
 */
static void
outlive_the_feeder(const struct options *o)
{
	struct sigaction was,
	    sa = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND | SA_RESTART };
	bool piped = false;
	struct stat st;

	for (size_t i = 0; i < o->input_count; i++)
		piped = piped || strcmp(o->inputs[i], "-") == 0;
	if (!piped || fstat(STDIN_FILENO, &st) != 0 || !S_ISFIFO(st.st_mode) ||
	    sigaction(SIGINT, NULL, &was) != 0 || was.sa_handler == SIG_IGN)
		return;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
}

/* What does not need an input. */
static int
print_text(enum task task)
{
	switch (task) {
	case TASK_HELP: options_help(stdout); break;
	case TASK_VERSION:
		printf("mailwhy %s\nreply table version %u\n", MAILWHY_VERSION, replies_version());
		break;
	case TASK_SCHEMA: json_report_schema(stdout); break;
	default: findings_markdown(stdout);
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_ANALYSED;
	if (!pipeline_reader_gone())
		complain(NULL, "standard output: %s", strerror(errno));
	return EXIT_INPUT;
}

static int
analyse(const struct options *o)
{
	struct pipeline p;
	int rc = pipeline_open(&p, o);

	if (rc == 0) {
		outlive_the_feeder(o);
		if (o->interface_count > 0)
			pipeline_live(&p);
		pipeline_inputs(&p);
		rc = pipeline_report(&p);
	}
	pipeline_close(&p);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o;
	int rc = EXIT_USAGE;

	if (hold_standard_files() != 0)
		return EXIT_INPUT;
	heap_prepare();
	/* a broken pipe, a file at its limit are exit statuses: records are closed in order */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (options_parse(&o, argc, argv) == 0) {
		rc = o.task == TASK_ANALYSE ? analyse(&o) : print_text(o.task);
	} else if (o.inputs == NULL) {
		complain(NULL, "no memory");
		rc = EXIT_INPUT;
	}
	options_free(&o);
	return rc;
}
