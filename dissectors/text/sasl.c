#include "dissectors/text/sasl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dissectors/text/base64.h"

#define SASL_DECODED_MAX 3072

struct text {
	const uint8_t *p;
	size_t len;
};

size_t
sasl_mask(char *dst, size_t size, uint64_t len)
{
	int n = snprintf(dst, size, "<%llu bytes>", (unsigned long long)len);

	if (n < 0 || size == 0)
		return 0;
	return (size_t)n < size ? (size_t)n : size - 1;
}

/* Decodes up to the first byte that is no base64; the bytes written. */
static size_t
base64_decode(const char *p, size_t len, uint8_t *out, size_t size)
{
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0, v;

	for (size_t i = 0; i < len && (v = base64_digit((uint8_t)p[i])) >= 0; i++) {
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n == size)
			break;
		out[n++] = (uint8_t)(bits >> have);
	}
	return n;
}

bool
sasl_is_mechanism(const char *p, size_t len)
{
	bool upper = false, lower = false;

	if (len == 0 || len > SASL_MECHANISM_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		upper |= p[i] >= 'A' && p[i] <= 'Z';
		lower |= p[i] >= 'a' && p[i] <= 'z';
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
			p[i]) == NULL ||
		    p[i] == '\0')
			return false;
	}
	return !(upper && lower);
}

/* Words of one case and few letters are commands, mistyped; base64 mixes. */
bool
sasl_looks_secret(const char *p, size_t len)
{
	bool upper = false, lower = false, other = false;

	if (len == 0 || (len == 1 && p[0] == '*'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			upper = true;
		else if (p[i] >= 'a' && p[i] <= 'z')
			lower = true;
		else if (base64_digit((uint8_t)p[i]) >= 0 || p[i] == '=')
			other = true;
		else
			return false;
	}
	return len > 12 ? !upper || lower || other || memchr(p, 'X', len) != p
			: (upper && lower) || other;
}

/*
 * "SmtpClientAuthentication": words of four letters and more, joined.  One in a thousand base64
 * strings of eight looks so, of more none.
 */
static bool
word_is_joined(const char *p, size_t len)
{
	size_t part = 0;

	for (size_t i = 0; i < len; i++) {
		bool upper = p[i] >= 'A' && p[i] <= 'Z';

		if ((!upper && (i == 0 || p[i] < 'a' || p[i] > 'z')) ||
		    (upper && i > 0 && part < 4))
			return false;
		part = upper ? 1 : part + 1;
	}
	return part >= 4;
}

/* Eight bytes or more of base64 that are no word: padded, a digit among both cases, or a hump. */
static bool
word_is_base64(const char *p, size_t len)
{
	bool digit = false, upper = false, lower = false, hump = false;

	if (len < 8 || word_is_joined(p, len))
		return false;
	for (size_t i = 0; i < len; i++) {
		hump |= i > 0 && p[i] >= 'A' && p[i] <= 'Z' && p[i - 1] >= 'a' && p[i - 1] <= 'z';
		digit |= p[i] >= '0' && p[i] <= '9';
		upper |= p[i] >= 'A' && p[i] <= 'Z';
		lower |= p[i] >= 'a' && p[i] <= 'z';
	}
	return hump || p[len - 1] == '=' || (digit && upper && lower);
}

void
sasl_hide_echo(char *p, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n + 1) {
		n = 0;
		while (i + n < len && (base64_digit((uint8_t)p[i + n]) >= 0 || p[i + n] == '='))
			n++;
		if (word_is_base64(p + i, n))
			memset(p + i, '*', n);
	}
}

void
sasl_begin(struct sasl *s, const char *mechanism, size_t len)
{
	*s = (struct sasl){ 0 };
	if (!sasl_is_mechanism(mechanism, len))
		return;
	for (size_t i = 0; i < len; i++)
		s->mechanism[i] =
		    (char)(mechanism[i] >= 'a' && mechanism[i] <= 'z' ? mechanism[i] - 'a' + 'A'
								      : mechanism[i]);
}

static struct text
text_until(struct text t, uint8_t stop)
{
	const uint8_t *end = t.len != 0 ? memchr(t.p, stop, t.len) : NULL;

	if (end != NULL)
		t.len = (size_t)(end - t.p);
	return t;
}

static struct text
text_after(struct text t, const char *key)
{
	const uint8_t *at = t.len != 0 ? memmem(t.p, t.len, key, strlen(key)) : NULL;
	size_t skip;

	if (at == NULL)
		return (struct text){ 0 };
	skip = (size_t)(at - t.p) + strlen(key);
	return (struct text){ t.p + skip, t.len - skip };
}

/* RFC 4616 2: [authzid] NUL authcid NUL passwd */
static struct text
user_plain(struct text t)
{
	const uint8_t *nul = t.len != 0 ? memchr(t.p, 0, t.len) : NULL;
	struct text rest;

	if (nul == NULL)
		return (struct text){ 0 };
	rest = (struct text){ nul + 1, t.len - (size_t)(nul + 1 - t.p) };
	if (rest.len == 0 || memchr(rest.p, 0, rest.len) == NULL)
		return (struct text){ 0 }; /* no second NUL: where the password begins is unknown */
	return text_until(rest, 0);
}

/* The whole response is the name: LOGIN's first, EXTERNAL's (RFC 4422 A). */
static struct text
user_whole(struct text t)
{
	return t;
}

/* RFC 2195 2: name SP digest; the digest has no blank, the name may. */
static struct text
user_cram(struct text t)
{
	const uint8_t *blank = t.len != 0 ? memrchr(t.p, ' ', t.len) : NULL;

	if (blank == NULL)
		return (struct text){ 0 };
	return (struct text){ t.p, (size_t)(blank - t.p) };
}

/* RFC 2831 2.1.2 */
static struct text
user_digest(struct text t)
{
	return text_until(text_after(t, "username=\""), '"');
}

/* RFC 5802 7: gs2-header "n=" name "," ...; = and , are written =3D and =2C */
static struct text
user_scram(struct text t)
{
	return text_until(text_after(t, ",n="), ',');
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
static struct text
user_xoauth(struct text t)
{
	return text_until(text_after(t, "user="), 1);
}

/* RFC 7628 3.1: "n,a=" name "," ^A ... */
static struct text
user_bearer(struct text t)
{
	return text_until(text_after(text_until(t, 1), ",a="), ',');
}

/* [MS-NLMP] 2.2.1.3, AUTHENTICATE_MESSAGE: UserNameFields at 36: length, maximum, offset. */
static struct text
user_ntlm(struct text t)
{
	size_t len, off;

	if (t.len < 44 || memcmp(t.p, "NTLMSSP\0\3", 9) != 0)
		return (struct text){ 0 };
	len = (size_t)(t.p[36] | t.p[37] << 8);
	off =
	    (size_t)t.p[40] | (size_t)t.p[41] << 8 | (size_t)t.p[42] << 16 | (size_t)t.p[43] << 24;
	if (off > t.len || len > t.len - off)
		return (struct text){ 0 };
	return (struct text){ t.p + off, len };
}

/* Mechanism, by its beginning; which response names the user (0 = any). */
static const struct {
	const char *name;
	bool prefix;
	uint32_t step;
	struct text (*user)(struct text);
} mechanisms[] = {
	{ "PLAIN", false, 1, user_plain },
	{ "LOGIN", false, 1, user_whole },
	{ "EXTERNAL", false, 1, user_whole },
	{ "CRAM-", true, 1, user_cram },
	{ "DIGEST-MD5", false, 1, user_digest },
	{ "SCRAM-", true, 1, user_scram },
	{ "XOAUTH2", false, 1, user_xoauth },
	{ "OAUTHBEARER", false, 1, user_bearer },
	{ "NTLM", false, 0, user_ntlm },
};

static struct text
user_of(const struct sasl *s, struct text decoded)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
		size_t n = strlen(mechanisms[i].name);

		if (strncmp(s->mechanism, mechanisms[i].name, n) != 0 ||
		    (!mechanisms[i].prefix && s->mechanism[n] != '\0'))
			continue;
		if (mechanisms[i].step != 0 && mechanisms[i].step != s->step)
			break;
		return mechanisms[i].user(decoded);
	}
	return (struct text){ 0 };
}

/* NTLM writes names in UTF-16: the zero halves of ASCII go. */
static size_t
user_copy(char user[SASL_USER_MAX], struct text name)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len && n < SASL_USER_MAX; i++)
		if (name.p[i] != 0)
			user[n++] = (char)name.p[i];
	return n;
}

bool
sasl_response(
    struct sasl *s, const char *b64, size_t len, char user[SASL_USER_MAX], size_t *user_len)
{
	uint8_t decoded[SASL_DECODED_MAX];
	struct text t = { decoded, 0 };

	*user_len = 0;
	if (len == 0 || (len == 1 && (b64[0] == '=' || b64[0] == '*')))
		return false;
	s->step++;
	t.len = base64_decode(b64, len, decoded, sizeof(decoded));
	*user_len = user_copy(user, user_of(s, t));
	explicit_bzero(decoded, sizeof(decoded));
	return *user_len != 0;
}
