/*
 * record_mail.h - the records that a dialogue makes: sessions, transactions, recipients, messages.
 * See record.h.
 */
#ifndef RECORD_MAIL_H
#define RECORD_MAIL_H

#include "record/record_key.h"

/* What texts may take, with their NUL. */
enum { RECORD_WORDS = 512, RECORD_ADDRESS = 256, RECORD_HEADER = 200, RECORD_LINE = 128 };

struct record_reply {
	uint16_t code;     /* POP3: 1 +OK, 0 -ERR with text */
	char enhanced[16]; /* "5.7.1" */
	const char *text;  /* RECORD_WORDS; lines joined by a blank */
	bool cut;          /* the rest of it is not in the capture */
	struct moment at;
};

enum smtp_stage {
	STAGE_NONE = 0,
	STAGE_CONNECT,
	STAGE_EHLO,
	STAGE_STARTTLS,
	STAGE_AUTH,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_DOT,
	STAGE_OTHER
};

#define RECORD_REFUSALS 8
struct session_refusal { /* a negative reply outside any transaction's own fields */
	enum smtp_stage stage;
	char verb[16];
	const char *line; /* RECORD_LINE; the command, masked */
	struct record_reply reply;
	struct moment asked;
	bool unsolicited, consequence, after_auth, ended_transaction, transaction_open;
	bool guessed; /* several commands could be answered so, and what the server said before is
			 missing */
	uint32_t transaction;   /* ordinal, 0 = none */
	bool deleted, unlisted; /* POP3, of the message it is about: in this session, and by the
				   server's own count */
};

struct record_session {
	struct record_key key;
	enum app_proto app;
	struct endpoint client, server;
	struct moment first, last;
	bool visible; /* a line of the protocol was seen: counts as a session */
	bool server_seen, client_seen, midstream;
	struct record_reply greeting;
	struct moment greeting_begun; /* first server byte */
	bool greeting_cut;
	bool early_talker;
	struct moment bare_command; /* the first command line that ends with LF alone */
	struct moment unoffered;    /* the first that did not wait for the answer before it, though
				       PIPELINING was not offered */
	bool proxy_header; /* what connects is a proxy: its PROXY header comes before the client's
			      words */
	const char *identity; /* RECORD_LINE; EHLO/HELO argument */
	bool ehlo, helo, lhlo, ehlo_answered;
	const char *capabilities;      /* RECORD_WORDS; last EHLO or CAPA list, blank separated;
					  text_words_cut() */
	struct moment capabilities_at; /* where that list ends */
	bool offer_cut; /* ... of which not all was read: what is not in it may have been offered */
	const char *masked_keywords; /* RECORD_LINE */
	bool auth_offered, starttls_offered;
	bool auth_tried, auth_ok;
	char auth_mechanism[32];
	char user_hash[17]; /* keyed; equality only */
	const char *user;   /* RECORD_LINE; the name itself, only when asked for */
	struct moment auth_at;
	struct record_reply auth_reply; /* the last to AUTH */
	bool starttls_tried;
	struct record_reply starttls_reply;
	bool tls; /* dialogue became unreadable */
	struct moment tls_at;
	struct record_reply tls_plain; /* what the server said first in plain text when the client
					  had begun TLS behind STARTTLS */
	struct moment
	    tls_unused;    /* the client's first plain command behind a STARTTLS that was taken */
	uint8_t tls_alert; /* description + 1; 0 = none */
	uint8_t tls_alert_from;           /* 0 client, 1 server */
	uint16_t tls_offered, tls_chosen; /* highest version that the client offers; the server's
					     choice; 0 = not seen */
	/* the server wanted a client certificate, and the client had none */
	bool tls_no_certificate;
	bool tls_certificate;     /* the client showed one */
	uint32_t tls_hello_bytes; /* of the client's hello; 0 = not seen whole */
	bool tls_finished;
	bool tls_answered; /* behind the client's part of it the server sent more than an alert */
	bool tls_spoke;    /* behind it the client said more than its goodbye */
	struct moment tls_spoke_at; /* the first of it */
	struct moment
	    tls_goodbye;         /* TLS 1.3, SMTP: its first words behind it are as long as QUIT */
	struct moment tls_close; /* first encrypted alert behind the handshake: one side ends it */
	uint8_t tls_close_from;  /* 0 client, 1 server */
	const char *tls_issuer;  /* RECORD_HEADER; of the server's certificate: organization, name;
				    TLS 1.2 and older */
	uint16_t client_first_byte, server_first_byte; /* +1; 0 = none */
	const char *server_opening; /* RECORD_LINE; how the server begins where a letter does, as no
				       greeting of mail begins: "HTTP/1.1 302 Found" */
	struct moment quit, bye;
	bool gap_client, gap_server;
	uint32_t odd; /* ODD_* seen by the client's lines */
	uint32_t commands, replies, transactions;
	uint64_t client_sum,
	    server_sum; /* over all that was said in plain text, secrets masked; equal where nothing
			   was changed between; 0 = not summed up (mail.h) */
	struct moment content_from,
	    content_to;        /* DATA/RETR phase open, for stall and pause rules */
	char last_command[64]; /* verb and masked argument in flight at the end */
	bool command_unanswered;
	bool chunk_whole;       /* the last command is BDAT, and all of its chunk came: it was the
				   server's turn */
	uint32_t refusal_count; /* all; kept below the first and the last */
	uint32_t refusals_kept;
	/* POP3 */
	uint32_t logins_ok, logins_refused;
	uint32_t listed, retrieved, cut, deleted;
	struct moment behind_dot; /* the server's first line behind the end of a message that
				     answers nothing */
	struct moment bad_reply;  /* first listing with a line that no program can read */
	const char *bad_line;     /* RECORD_LINE; ... which is this */
	bool quit_ok;
	struct session_refusal
	    refusals[RECORD_REFUSALS]; /* last: those not kept are not copied, record_copy.h */
};

enum verdict {
	VERDICT_NONE = 0,
	VERDICT_ACCEPTED,
	VERDICT_REFUSED,
	VERDICT_DEFERRED,
	VERDICT_LOST,
	VERDICT_UNKNOWN,
	VERDICT_ABANDONED,
	VERDICT_ASKED
}; /* of a `mail' alone, which knows the session for whose sake it was asked */

struct record_transaction {
	struct record_key key; /* n = ordinal in the session */
	const char *sender;    /* RECORD_ADDRESS */
	bool sender_bare;      /* it stood without < and > */
	struct moment first, last;
	uint64_t declared_size; /* MAIL SIZE=; 0 = none */
	uint64_t bytes;         /* content bytes seen, transparency undone */
	const char *message_id; /* RECORD_HEADER */
	uint32_t recipients;    /* RCPT commands */
	uint32_t recipients_accepted;
	bool data_sent, bdat;
	struct record_reply mail_reply, data_reply, final_reply;
	struct moment data_at, end_of_data;
	uint64_t end_offset; /* stream offset behind the end of data; 0 = not seen */
	bool end_acked;      /* TCP acknowledged it */
	bool end_split;      /* its CRLF "." CRLF came in more than one packet */
	/* LF "." LF is the last of it: no end to a strict server, and none answered */
	bool end_bare;
	enum verdict verdict;
	enum smtp_stage stage;             /* where the verdict fell */
	struct record_reply verdict_reply; /* the reply that decided; code 0 = none */
	bool implied;                      /* MAIL not in the capture */
	bool unsure;                       /* facts derived after a gap */
	bool nested;                       /* MAIL refused while one was open: not an attempt */
};

struct record_recipient {
	struct record_key key; /* n = transaction, m = ordinal of RCPT */
	const char *address;   /* RECORD_ADDRESS */
	bool bare;             /* it stood without < and > */
	struct record_reply reply;
	struct record_reply final_reply; /* LMTP: its own; else the transaction's */
	struct moment at;
	enum verdict verdict;
	bool consequence; /* answered, but only because MAIL was refused */
};

enum message_state {
	MESSAGE_WHOLE = 1,
	MESSAGE_CUT,
	MESSAGE_NOT_RETRIEVED,
	MESSAGE_END_UNSEEN
}; /* not captured: whole or cut */

/* One part of a message of several, but no multipart, nor a message within: those are its parts. */
#define RECORD_OUTLINE 12
struct mime_part {
	uint64_t from, to; /* stream offsets: what lies between is in this part for certain */
	char path[16]; /* "1.2", the second of the first, as in IMAP (RFC 9051 6.4.5); "" = longer
			  than this */
	char type[80]; /* "application/pdf"; "" = its header is not known to its end */
	char encoding[20], name[64]; /* "" = none */
};

/* What is wrong with one part of a message, by weight. */
enum part_fault {
	PART_SOUND = 0,
	PART_UNPADDED,
	PART_LENGTH,
	PART_AFTER_PADDING,
	PART_ILLEGAL,
	PART_MD5
};

struct record_message {        /* POP3: one RETR; SMTP: headers of one content */
	struct record_key key; /* n = transaction or RETR ordinal */
	enum app_proto app;
	uint32_t number; /* POP3 message number */
	enum message_state state;
	uint64_t bytes, listed_size;
	uint64_t content_sum; /* of all of it; 0 = not whole */
	uint64_t end;         /* POP3: stream offset where it ends; 0 = not seen */
	const char *message_id, *subject, *from, *content_type; /* RECORD_HEADER */
	const char *uidl; /* RECORD_LINE, as all that follow */
	uint32_t parts;
	struct moment first, last;
	struct record_reply reply;
	bool gap;
	const char *date, *received_by; /* the latter: by whom the topmost Received was written */
	uint32_t received;
	bool list;           /* a mailing list handled it */
	const char *scanner; /* RECORD_LINE; what a virus scanner wrote into its header
				(X-Antivirus), when `checked' */
	/* what the content proves of itself; all zero unless `checked' */
	bool checked; /* whole, nothing missing, nothing unsure */
	uint32_t signatures, signatures_good,
	    signatures_bad;    /* DKIM body hashes; the rest was not judged */
	const char *signature; /* the first bad one, else the first good one */
	uint32_t dots;         /* of a signed body: lines that begin with two */
	uint32_t md5_good;     /* parts that fit their Content-MD5 */
	uint32_t base64_parts; /* that were looked at */
	uint32_t faulty_parts;
	enum part_fault fault; /* the weightiest, and the first part that has it */
	uint32_t fault_part, fault_bytes;
	const char *fault_name, *fault_path; /* the latter as mime_part.path */
	struct moment fault_at;              /* where the first fault of all showed */
	bool unclosed;                       /* no closing boundary */
	bool stub;            /* a part is named like what scanners put in place of another */
	uint32_t attachments; /* in base64 */
	const char *
	    attachment_hashes; /* of the first eight: equal ones are equal, different ones differ */
	const char *body_hash; /* of a mail without a Message-ID; "" else */
	uint32_t outline_count; /* of a message of several parts: kept below the first of them, none
				   behind missing bytes; */
	uint32_t unlisted;      /* the other ones */
	const struct mime_part *outline; /* RECORD_OUTLINE */
};

#endif /* RECORD_MAIL_H */
