/* replay.c - runs a fuzz target over files and directories given, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long ran;

static int
replay_path(const char *path)
{
	struct stat st;
	struct dirent *de;
	char sub[4096];
	uint8_t *p;
	size_t n;
	FILE *f;
	DIR *d;

	if (stat(path, &st) == -1)
		return -1;
	if (S_ISDIR(st.st_mode)) {
		if ((d = opendir(path)) == NULL)
			return -1;
		while ((de = readdir(d)) != NULL) {
			if (de->d_name[0] == '.')
				continue;
			snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name);
			if (replay_path(sub) == -1) {
				closedir(d);
				return -1;
			}
		}
		closedir(d);
		return 0;
	}
	if ((f = fopen(path, "rb")) == NULL)
		return -1;
	if ((p = malloc((size_t)st.st_size + 1)) == NULL) {
		fclose(f);
		return -1;
	}
	n = fread(p, 1, (size_t)st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(p, n);
	free(p);
	ran++;
	return 0;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay_path(argv[i]) == -1) {
			perror(argv[i]);
			return 1;
		}
	printf("%lu inputs replayed\n", ran);
	return ran == 0;
}
