/*
 * ready.c - a library to preload that keeps a command ready: linked and loaded
 * once, run often.
 *
 * Loading takes longer than most of what the tests ask for: thirty libraries,
 * under a sanitizer the shadow of the memory.  So the process stops where main()
 * would begin, and does it once in a child for each request that ready.py sends.
 *
 *	READY_FD=n	the socket: a request is a packet with the standard files
 *			of the child, words NAME=VALUE for its environment, an
 *			empty word and the arguments, all ended by NUL; the
 *			answer is what waitpid() said
 *
 * Without READY_FD the command runs as it always does.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 3, WORDS_MAX = 4096, REQUEST_MAX = 1 << 16 };

typedef int main_fn(int, char **, char **);
typedef int start_fn(
    main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

start_fn __libc_start_main;
void failing_begin(void) __attribute__((weak)); /* failing.c, when it is preloaded, too */

static main_fn *command;

/* The length of the next request and its files; 0 when there is none any more. */
static size_t
request_read(int s, char *text, int *files)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(FILES * sizeof(int))];
	} control;
	struct iovec io = { text, REQUEST_MAX - 1 };
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(s, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (c == NULL || c->cmsg_len != CMSG_LEN(FILES * sizeof(int)))
		return 0;
	memcpy(files, CMSG_DATA(c), FILES * sizeof(int));
	text[n] = '\0';
	return (size_t)n;
}

static int
command_run(char *name, char *text, size_t len, const int *files)
{
	char *words[WORDS_MAX + 2], *at = text;
	int n = 0;

	for (; *at != '\0'; at += strlen(at) + 1)
		putenv(at);
	words[n++] = name;
	for (at++; at < text + len && n <= WORDS_MAX; at += strlen(at) + 1)
		words[n++] = at;
	words[n] = NULL;
	for (int fd = 0; fd < FILES; fd++)
		dup2(files[fd], fd); /* the originals are not below 3, and close-on-exec: nobody
					else sees them */
	for (int fd = 0; fd < FILES; fd++)
		close(files[fd]);
	if (failing_begin != NULL)
		failing_begin();
	return command(n, words, environ);
}

/*
 * Until it has ended, or nobody asks any more: who asked was killed, and it does not end by itself.
 */
static bool
child_ends(pid_t child, int s, int *status)
{
	struct pollfd p[] = { { (int)syscall(SYS_pidfd_open, child, 0), POLLIN, 0 }, { s, 0, 0 } };

	while (p[0].fd >= 0 && poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[1].revents != 0)
		kill(child, SIGKILL);
	if (p[0].fd >= 0)
		close(p[0].fd);
	return waitpid(child, status, 0) == child;
}

static int
serve(int argc, char **argv, char **env)
{
	static char text[REQUEST_MAX];
	const char *given = getenv("READY_FD");
	int s, status, files[FILES];
	size_t len;
	pid_t child;

	if (given == NULL)
		return command(argc, argv, env);
	s = atoi(given);
	while ((len = request_read(s, text, files)) > 0) {
		if ((child = fork()) == 0) {
			close(s);
			exit(command_run(argv[0], text, len, files));
		}
		for (int i = 0; i < FILES; i++)
			close(files[i]);
		if (child < 0 || !child_ends(child, s, &status) ||
		    send(s, &status, sizeof(status), 0) < 0)
			break;
	}
	_exit(0);
}

/* What _start calls with main(). */
int
__libc_start_main(main_fn *begin, int argc, char **argv, void (*init)(void), void (*fini)(void),
    void (*rtld_fini)(void), void *stack_end)
{
	start_fn *next;

	*(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
	command = begin;
	return next(serve, argc, argv, init, fini, rtld_fini, stack_end);
}
