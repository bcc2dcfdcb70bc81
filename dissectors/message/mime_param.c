/* mime_param.c - parameters of MIME header values (RFC 2045 5.1, RFC 2231). */
#include <string.h>

#include "dissectors/message/mime_param.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct mime_value
mime_value_start(const char *value, char *out, size_t size)
{
	size_t n = 0;

	for (; *value != '\0' && *value != ';'; value++) {
		if (*value == '(') /* a comment ends it: "text/plain (as it is)" */
			break;
		if (!blank(*value) && n + 1 < size)
			out[n++] = lower(*value);
	}
	out[n] = '\0';
	value += strcspn(value, ";");
	return (struct mime_value){ .p = value, .end = value + strlen(value) };
}

static void
put(struct mime_param *o, size_t *n, char c)
{
	if (*n + 1 < sizeof(o->value))
		o->value[(*n)++] = c;
	else
		o->cut = true;
}

static size_t
quoted_read(struct mime_value *v, struct mime_param *o)
{
	size_t n = 0;

	for (v->p++; v->p < v->end && *v->p != '"'; v->p++) {
		if (*v->p == '\\' && v->p + 1 < v->end)
			v->p++;
		put(o, &n, *v->p);
	}
	return n;
}

static size_t
token_read(struct mime_value *v, struct mime_param *o)
{
	size_t n = 0;

	while (v->p < v->end && *v->p != ';')
		put(o, &n, *v->p++);
	while (n > 0 && blank(o->value[n - 1]))
		n--;
	return n;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 2231 4: charset'language'text with %XX; later sections have no charset. */
static void
extended_undo(struct mime_param *o)
{
	char *in = o->value, *out = o->value, *quote;

	if (o->section <= 0 && (quote = strchr(in, '\'')) != NULL &&
	    (quote = strchr(quote + 1, '\'')) != NULL)
		in = quote + 1;
	for (; *in != '\0'; in++) {
		if (*in == '%' && hex(in[1]) >= 0 && hex(in[2]) >= 0) {
			char c = (char)(hex(in[1]) << 4 | hex(in[2]));

			*out++ = c != '\0' ? c : '?';
			in += 2;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/* "filename*1*" -> "filename", section 1, extended. */
static void
name_read(struct mime_value *v, struct mime_param *o)
{
	size_t n = 0;

	while (v->p < v->end && *v->p != '=' && *v->p != ';' && *v->p != '*' && !blank(*v->p)) {
		if (n + 1 < sizeof(o->name))
			o->name[n++] = lower(*v->p);
		v->p++;
	}
	o->name[n] = '\0';
	for (; v->p < v->end && *v->p != '=' && *v->p != ';'; v->p++) {
		if (*v->p >= '0' && *v->p <= '9' && o->section < 100)
			o->section = (o->section < 0 ? 0 : o->section * 10) + (*v->p - '0');
		else if (*v->p == '*')
			o->extended = v->p + 1 >= v->end || v->p[1] < '0' || v->p[1] > '9';
	}
}

bool
mime_param_next(struct mime_value *v, struct mime_param *out)
{
	size_t n = 0;

	*out = (struct mime_param){ .section = -1 };
	while (v->p < v->end && (*v->p == ';' || blank(*v->p)))
		v->p++;
	if (v->p >= v->end)
		return false;
	name_read(v, out);
	if (v->p < v->end && *v->p == '=') {
		for (v->p++; v->p < v->end && blank(*v->p); v->p++)
			;
		n = v->p < v->end && *v->p == '"' ? quoted_read(v, out) : token_read(v, out);
	}
	out->value[n] = '\0';
	while (v->p < v->end && *v->p != ';')
		v->p++;
	if (out->extended)
		extended_undo(out);
	return true;
}

bool
mime_boundary_is(const char *boundary, size_t n, const char *p, size_t len, bool *closing)
{
	if (len < n + 2 || memcmp(p, "--", 2) != 0 || memcmp(p + 2, boundary, n) != 0)
		return false;
	p += n + 2;
	len -= n + 2;
	*closing = len >= 2 && p[0] == '-' && p[1] == '-';
	if (*closing) {
		p += 2;
		len -= 2;
	}
	while (len > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	return len == 0;
}
