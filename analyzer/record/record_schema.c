/* record_schema.c - the tables walked once more, into a JSON Schema. */
#include "record/record_schema.h"

#define SCHEMA_TABLES 64 /* lines and structs; more would be a mistake in the tables */

/* Every table is written once, in the order in which it is met. */
struct schema {
	FILE *out;
	const struct field_table *table[SCHEMA_TABLES];
	size_t count, lines;
};

static void
schema_add(struct schema *s, const struct field_table *t)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->table[i] == t)
			return;
	if (s->count < SCHEMA_TABLES)
		s->table[s->count++] = t;
}

/* Structs within the lines, and within those. */
static void
schema_collect(struct schema *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->table[i]->count; k++)
			if (s->table[i]->fields[k].kind == FIELD_STRUCT &&
			    (s->table[i]->fields[k].flags & FIELD_INLINE) == 0)
				schema_add(s, s->table[i]->fields[k].table);
}

/* The texts are our own: ASCII without controls. */
static void
quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void
write_enum(FILE *out, const struct field_names *n)
{
	const char *sep = "";

	fputs("\"enum\": [", out);
	for (uint32_t i = 0; i < n->count; i++) {
		if (n->name[i] == NULL)
			continue;
		fputs(sep, out);
		quoted(out, n->name[i]);
		sep = ", ";
	}
	fputc(']', out);
}

static void
write_number(FILE *out, const struct field *f)
{
	fprintf(out, "\"type\": %s, \"minimum\": %lld, \"maximum\": %lld",
	    (f->flags & FIELD_NOT_ZERO) != 0 ? "[\"integer\", \"null\"]" : "\"integer\"",
	    (long long)field_least(f), (long long)field_most(f));
}

/* What one element may be; moments that never happened are null where a place must be kept. */
static void
write_element(FILE *out, const struct field *f)
{
	bool null = (f->flags & (FIELD_ALWAYS | FIELD_ARRAY)) != 0;

	switch (f->kind) {
	case FIELD_BOOL: fputs("\"type\": \"boolean\"", out); break;
	case FIELD_STRING:
	case FIELD_TEXT: fputs("\"type\": \"string\"", out); break;
	case FIELD_ENUM: write_enum(out, f->names); break;
	case FIELD_ID: fputs("\"$ref\": \"#/$defs/id\"", out); break;
	case FIELD_TIME: fputs("\"$ref\": \"#/$defs/time\"", out); break;
	case FIELD_ADDR: fputs("\"$ref\": \"#/$defs/addr\"", out); break;
	case FIELD_ENDPOINT: fputs("\"$ref\": \"#/$defs/endpoint\"", out); break;
	case FIELD_MOMENT:
		fprintf(out, "\"$ref\": \"#/$defs/%s\"", null ? "moment-or-never" : "moment");
		break;
	case FIELD_STRUCT: fprintf(out, "\"$ref\": \"#/$defs/%s\"", f->table->name); break;
	default: write_number(out, f);
	}
}

static void
write_field(FILE *out, const struct field *f, const char *sep)
{
	fprintf(out, "%s\n\t\t\t\t", sep);
	quoted(out, f->name);
	fputs(": { \"description\": ", out);
	quoted(out, f->says);
	fputs(", ", out);
	if ((f->flags & FIELD_ARRAY) != 0) {
		fprintf(out, "\"type\": \"array\", \"maxItems\": %zu, \"items\": { ",
		    f->size / field_element(f));
		write_element(out, f);
		fputs(" } }", out);
	} else {
		write_element(out, f);
		fputs(" }", out);
	}
}

static void
write_properties(FILE *out, const struct field_table *t, const char *sep)
{
	for (size_t i = 0; i < t->count; i++, sep = ",") {
		if ((t->fields[i].flags & FIELD_INLINE) != 0)
			write_properties(out, t->fields[i].table, sep);
		else
			write_field(out, &t->fields[i], sep);
	}
}

static void
write_required(FILE *out, const struct field_table *t, const char **sep)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		if ((f->flags & FIELD_INLINE) != 0)
			write_required(out, f->table, sep);
		else if ((f->flags & FIELD_ALWAYS) != 0) {
			fputs(*sep, out);
			quoted(out, f->name);
			*sep = ", ";
		}
	}
}

static void
write_table(const struct schema *s, size_t i)
{
	const struct field_table *t = s->table[i];
	const char *sep = "";

	fputs("\t\t", s->out);
	quoted(s->out, t->name);
	fputs(": {\n\t\t\t\"description\": ", s->out);
	quoted(s->out, t->says);
	fputs(
	    ",\n\t\t\t\"type\": \"object\",\n\t\t\t\"additionalProperties\": false,\n\t\t\t\"required\": [",
	    s->out);
	if (i < s->lines) {
		fputs("\"type\", \"schema\"", s->out);
		sep = ", ";
	}
	write_required(s->out, t, &sep);
	fputs("],\n\t\t\t\"properties\": {", s->out);
	if (i < s->lines)
		fprintf(s->out,
		    "\n\t\t\t\t\"type\": { \"const\": \"%s\" },\n\t\t\t\t\"schema\": { \"const\": %d }",
		    t->name, RECORD_SCHEMA);
	write_properties(s->out, t, i < s->lines ? "," : "");
	fputs("\n\t\t\t}\n\t\t},\n", s->out);
}

static const char head[] =
    "{\n"
    "\t\"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
    "\t\"title\": \"a line of mailwhy's JSON\",\n"
    "\t\"description\": \"What is absent is zero, false, empty or never happened. Written by mailwhy --print-schema.\",\n"
    "\t\"type\": \"object\",\n"
    "\t\"required\": [\"type\", \"schema\"],\n";

static const char basics[] =
    "\t\t\"id\": { \"type\": \"string\", \"pattern\": \"^[0-9a-f]{16}$\" },\n"
    "\t\t\"time\": { \"type\": \"string\", \"pattern\": "
    "\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\\\.[0-9]{9}Z$\" },\n"
    "\t\t\"moment\": {\n"
    "\t\t\t\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"time\"],\n"
    "\t\t\t\"properties\": { \"time\": { \"$ref\": \"#/$defs/time\" }, "
    "\"frame\": { \"type\": \"integer\", \"minimum\": 1 } }\n"
    "\t\t},\n"
    "\t\t\"moment-or-never\": { \"anyOf\": [ { \"$ref\": \"#/$defs/moment\" }, { \"type\": \"null\" } ] },\n"
    "\t\t\"addr\": { \"type\": [\"string\", \"null\"], \"pattern\": \"^[0-9a-f.:]{2,45}$\" },\n"
    "\t\t\"endpoint\": {\n"
    "\t\t\t\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"ip\", \"port\"],\n"
    "\t\t\t\"properties\": { \"ip\": { \"$ref\": \"#/$defs/addr\" }, "
    "\"port\": { \"type\": [\"integer\", \"null\"], \"minimum\": 1, \"maximum\": 65535 } }\n"
    "\t\t}\n"
    "\t}\n"
    "}\n";

/* By type, so that a validator names the field that is wrong and not "no branch fits". */
static void
write_choice(const struct schema *s)
{
	fputs("\t\"properties\": { \"type\": { \"enum\": [", s->out);
	for (size_t i = 0; i < s->lines; i++)
		fprintf(s->out, "%s\"%s\"", i > 0 ? ", " : "", s->table[i]->name);
	fputs("] } },\n\t\"allOf\": [\n", s->out);
	for (size_t i = 0; i < s->lines; i++)
		fprintf(s->out,
		    "\t\t{ \"if\": { \"properties\": { \"type\": { \"const\": \"%s\" } } }, "
		    "\"then\": { \"$ref\": \"#/$defs/%s\" } }%s\n",
		    s->table[i]->name, s->table[i]->name, i + 1 < s->lines ? "," : "");
	fputs("\t],\n\t\"$defs\": {\n", s->out);
}

void
record_schema_write(FILE *out, const struct field_table *const *more, size_t count)
{
	struct schema s = { .out = out };

	for (unsigned int t = RECORD_CAPTURE; t <= RECORD_LAST; t++)
		schema_add(&s, record_table((enum record_type)t));
	for (size_t i = 0; i < count; i++)
		schema_add(&s, more[i]);
	s.lines = s.count;
	schema_collect(&s);
	fputs(head, out);
	write_choice(&s);
	for (size_t i = 0; i < s.count; i++)
		write_table(&s, i);
	fputs(basics, out);
}
