/*
 * record_fields.c - the tables of the records: names, and those of the small
 * structs within them.  The texts go into docs/records.schema.json.
 */
#include "record/record_fields.h"

#include <string.h>

#define NAMES(id, ...) \
	static const char *const id##_text[] = { __VA_ARGS__ }; \
	const struct field_names id = { id##_text, sizeof(id##_text) / sizeof(id##_text[0]) }
#define LOCAL_NAMES(id, ...) \
	static const char *const id##_text[] = { __VA_ARGS__ }; \
	static const struct field_names id = { id##_text, sizeof(id##_text) / sizeof(id##_text[0]) }

LOCAL_NAMES(conn_state_names, [CONN_UNANSWERED] = "unanswered", [CONN_REFUSED] = "refused", [CONN_UNREACHABLE] = "unreachable",
    [CONN_HALF_OPEN] = "half-open", [CONN_ESTABLISHED] = "established", [CONN_MIDSTREAM] = "midstream");
NAMES(app_proto_names, [APP_UNKNOWN] = "unknown", [APP_SMTP] = "smtp", [APP_SMTP_TUNNELLED] = "smtp-tunnelled", [APP_SMTPS] = "smtps",
    [APP_POP3] = "pop3", [APP_POP3S] = "pop3s", [APP_IMAP] = "imap", [APP_IMAPS] = "imaps", [APP_OTHER] = "other");
LOCAL_NAMES(classified_names, [CLASS_NONE] = "none", [CLASS_PORT] = "port", [CLASS_GREETING] = "greeting", [CLASS_CLIENT] = "client",
    [CLASS_NDPI] = "ndpi");
NAMES(smtp_stage_names, [STAGE_NONE] = "none", [STAGE_CONNECT] = "connect", [STAGE_EHLO] = "ehlo", [STAGE_STARTTLS] = "starttls",
    [STAGE_AUTH] = "auth", [STAGE_MAIL] = "mail", [STAGE_RCPT] = "rcpt", [STAGE_DATA] = "data", [STAGE_DOT] = "dot", [STAGE_OTHER] = "other");
NAMES(verdict_names, [VERDICT_NONE] = "none", [VERDICT_ACCEPTED] = "accepted", [VERDICT_REFUSED] = "refused", [VERDICT_DEFERRED] = "deferred",
    [VERDICT_LOST] = "lost", [VERDICT_UNKNOWN] = "unknown", [VERDICT_ABANDONED] = "abandoned", [VERDICT_ASKED] = "asked");
LOCAL_NAMES(message_state_names, [MESSAGE_WHOLE] = "whole", [MESSAGE_CUT] = "cut", [MESSAGE_NOT_RETRIEVED] = "not-retrieved",
    [MESSAGE_END_UNSEEN] = "end-unseen");
LOCAL_NAMES(part_fault_names, [PART_SOUND] = "none", [PART_UNPADDED] = "unpadded", [PART_LENGTH] = "length", [PART_AFTER_PADDING] = "after-padding",
    [PART_ILLEGAL] = "illegal-bytes", [PART_MD5] = "content-md5");

/* ---- structs within records ----------------------------------------------- */

#define F(m, text)		FIELD_X(S, m, text, .max = 0)
#define MAX(m, top, text)	FIELD_X(S, m, text, .max = top)
#define TEXT(m, top, text)	FIELD_OF(S, m, FIELD_TEXT, text, .max = top)
#define KEEP(m, text)		FIELD_KEPT(S, m, text)
#define KEEP_TEXT(m, top, text)	FIELD_OF(S, m, FIELD_TEXT, text, .flags = FIELD_ALWAYS, .max = top)
#define KEEP_AS(m, json, text)	{ FIELD_PLACE(S, m), .name = json, .kind = FIELD_KIND_OF(((struct S *)0)->m), \
				  .flags = FIELD_ALWAYS, .says = text }
#define ENUM(m, n, text)	FIELD_OF(S, m, FIELD_ENUM, text, .names = &n)
#define KEEP_ENUM(m, n, text)	FIELD_OF(S, m, FIELD_ENUM, text, .names = &n, .flags = FIELD_ALWAYS)
#define ID(m, text)		FIELD_OF(S, m, FIELD_ID, text, .max = 0)
#define TIME(m, text)		FIELD_OF(S, m, FIELD_TIME, text, .max = 0)
#define TIME_AS(m, json, text)	{ FIELD_PLACE(S, m), .name = json, .kind = FIELD_TIME, .says = text }
#define REPLY(m, text)		FIELD_OF(S, m, FIELD_STRUCT, text, .table = &record_reply_table, .flags = FIELD_DEEP)
#define STRUCTS(m, t, text)	FIELD_OF(S, m, FIELD_STRUCT, text, .table = &t, .flags = FIELD_ARRAY)
#define LIST(m, most, counter, t, text) { .name = #m, .offset = offsetof(struct S, m), .kind = FIELD_STRUCT, \
				  .size = (most) * sizeof(*((struct S *)0)->m), .flags = FIELD_ARRAY | FIELD_LIST, \
				  .count_at = offsetof(struct S, counter), .table = &t, .says = text }
#define KEY			FIELD_OF(S, key, FIELD_STRUCT, "identity", .table = &record_key_table, .flags = FIELD_INLINE)

#define S record_key
FIELD_TABLE_SHARED(record_key_table, record_key, "key", "identity of a record within its type",
	KEEP(point, "capture point"),
	ID(conn, "connection"),
	F(n, "ordinal below the connection: transaction, stall, ..."),
	F(m, "ordinal below that: recipient; a stall's direction, 0 client to server, 1 back"));
#undef S

#define S record_reply
FIELD_TABLE_SHARED(record_reply_table, record_reply, "reply", "a reply of the server",
	KEEP(code, "SMTP reply code; POP3: 1 +OK, 0 -ERR"),
	KEEP(enhanced, "enhanced status code (RFC 3463)"),
	KEEP_TEXT(text, RECORD_WORDS, "its text, lines joined by a blank"),
	F(cut, "the rest of it is not in the capture"),
	F(at, "when it was complete"));
#undef S

#define S size_class
FIELD_TABLE(size_class_table, size_class, "size-class", "transmissions of one size in one direction",
	F(w, "size in bytes at the IP layer"),
	F(ok, "delivered"),
	F(lost, "lost"));
#undef S

#define S passed
FIELD_TABLE(passed_table, passed, "passed", "packets of one size that passed this point",
	F(w, "size in bytes at the IP layer"),
	F(n, "how many"),
	F(folded, "smaller ones are counted with it"),
	F(last, "the last of them"));
#undef S

#define S stretch
FIELD_TABLE(stretch_table, stretch, "stretch", "bytes that never passed this point although later ones did",
	F(at, "stream offset"),
	F(bytes, "how many"));
#undef S

#define S transmission
FIELD_TABLE(transmission_table, transmission, "transmission", "one transmission of a byte",
	TIME_AS(ns, "time", "when"),
	F(frame, "frame number"),
	F(w, "size in bytes at the IP layer"),
	F(ip_id, "IPv4 identification"),
	F(df, "don't fragment"),
	F(super, "segmented later: its size on the wire is unknown"),
	F(lost, "proven lost"));
#undef S

#define S pause
FIELD_TABLE(pause_table, pause, "pause", "a silence with nothing outstanding",
	F(from, "its start"),
	F(to, "its end"),
	F(ids_continue, "IPv4 identifications run on over it"),
	F(ticks, "the sender's own clock went on by so many ticks, from its last data on"),
	F(ticks_ns, "the capture's clock by so much; 0: no time stamps tell it"),
	F(trailing, "no data came after it"));
#undef S

#define S clock_jump
FIELD_TABLE(clock_jump_table, clock_jump, "clock-jump", "the capture's clock was set forward",
	F(from, "last packet before"),
	F(to, "first packet after"),
	F(ns, "by about so many nanoseconds"));
#undef S

#define S mime_part
FIELD_TABLE(mime_part_table, mime_part, "mime-part", "one part of a message",
	F(from, "stream offset from which on all is in it"),
	F(to, "stream offset behind the last byte that is certainly in it"),
	F(path, "its number as in IMAP: 1.2"),
	F(type, "content type; none: its header is not known"),
	F(encoding, "content transfer encoding"),
	F(name, "file name"));
#undef S

#define S session_refusal
FIELD_TABLE(session_refusal_table, session_refusal, "refusal", "a negative reply and what it answered",
	ENUM(stage, smtp_stage_names, "where in the dialogue"),
	F(verb, "the command's verb"),
	TEXT(line, RECORD_LINE, "the command, credentials masked"),
	REPLY(reply, "the reply"),
	F(asked, "when the command was sent"),
	F(unsolicited, "answers no command"),
	F(consequence, "only follows from an earlier refusal"),
	F(after_auth, "after a successful login"),
	F(ended_transaction, "ended its transaction"),
	F(transaction_open, "a transaction was open"),
	F(guessed, "which command it answers cannot be told: bytes of the server are missing before it"),
	F(transaction, "its ordinal"),
	F(deleted, "POP3: the message had been deleted in this session"),
	F(unlisted, "POP3: the server has no such message, by its own count"));
#undef S

#define S record_direction
FIELD_TABLE(record_direction_table, record_direction, "direction", "what one endpoint sent, as seen at this capture point",
	F(packets, "packets"),
	F(data_segments, "segments with payload"),
	F(stream_bytes, "bytes of the stream"),
	F(acked, "stream offset the peer acknowledged to"),
	F(missing, "bytes of the stream that are not in the capture"),
	F(acked_unseen, "of them acknowledged: the capture lost them"),
	F(cut_bytes, "of them cut by the snap length"),
	F(conflict, "two copies of a byte differ"),
	F(isn_known, "the SYN was seen"),
	F(sack_ok, "SACK permitted"),
	F(timestamps, "TCP timestamps in use"),
	F(syn_cut, "the snap length cut the options of its SYN"),
	F(isn, "initial sequence number"),
	F(seq, "sequence number of the first byte of its stream"),
	F(tsval, "time stamp of its SYN; 0 none"),
	F(clock_ticks, "ticks of its own clock between its first and its last time stamp behind the SYN"),
	F(clock_ns, "time between them, by the capture's clock"),
	F(mss, "announced MSS; 0 unknown"),
	F(wscale, "window scale; 255 not announced, or cut"),
	F(ttl, "most frequent TTL without SYN and RST"),
	F(ttl_syn, "TTL of the SYN"),
	F(ttl_rst, "TTL of the RST, the last of several"),
	F(ttl_rst_first, "TTL of the first RST"),
	F(at_sender, "the TTL is an initial one: captured at the sender"),
	F(first, "first packet"),
	F(last, "last packet"),
	F(data_first, "first payload"),
	F(data_last, "last payload"),
	F(fin, "FIN"),
	F(rst, "first RST"),
	F(rst_count, "RSTs"),
	F(reset_signs, "signs that the RSTs were forged: 1 R1, 2 R2, 4 R3, 8 R4, 16 R5, 32 R5b, 64 R7, 128 R6"),
	F(reset_haste_ns, "since the packet that the hastiest RST answers"),
	F(loop_ns, "from the capture to this endpoint and back, at least"),
	F(rst_answers, "the first RST answers for a connection that was gone already"),
	F(ceiling, "largest size the peer's MSS allows; 0 unknown"),
	F(w_max, "largest single segment seen"),
	F(proven, "largest size cleanly delivered"),
	F(proven_at, "when"),
	F(small_ok_first, "first data packet of at most 576 bytes cleanly delivered"),
	F(small_ok_last, "the last of them"),
	F(super_segments, "segments larger than any packet (offload)"),
	F(super_bytes, "their bytes"),
	MAX(size_count, RECORD_SIZES, "entries of sizes"),
	LIST(sizes, RECORD_SIZES, size_count, size_class_table, "transmissions by size, ascending"),
	MAX(passed_count, RECORD_SIZES, "entries of passed"),
	LIST(passed, RECORD_SIZES, passed_count, passed_table, "every packet but SYN, RST and super-segments, by size, ascending"),
	F(unseen_count, "stretches of the stream that never passed, beyond which bytes did"),
	LIST(unseen, RECORD_STRETCHES, unseen_count, stretch_table, "the first of them"),
	F(retransmissions, "retransmitted segments"),
	F(hole_fills, "holes filled later"),
	F(dsacks, "duplicate SACKs of the peer"),
	F(needless, "retransmissions of bytes that were acknowledged before, sooner than an answer takes, or in answer to what was sent before"),
	F(again_first, "retransmissions that begin with the first byte not acknowledged then"),
	F(fills_timed, "of the holes filled later those that only their lateness, of most of a round trip, tells from packets that others overtook"),
	F(overtaken, "packets that others overtook, by less than that"),
	F(repair_ranges, "ranges repaired"),
	F(repair_w_max, "largest repair"),
	F(repair_w_max_count, "repairs of that size"),
	F(repair_sizes, "different sizes among the repairs, at most 255"),
	F(larger_after_repair, "a larger segment was delivered after a repair"),
	F(all_lost_above_proven, "every lost size lies above the proven one"),
	F(repair_first, "first repair"),
	F(repair_last, "last repair"),
	F(zero_from, "longest span in which this endpoint offered no window: start"),
	F(zero_to, "its end"),
	F(zero_probes, "answered probes in it"),
	F(zero_room, "largest window in it, in bytes: 0, or less than a segment"),
	F(window_eq, "peer segments exactly as large as the last raw window"),
	F(window_over, "peer segments larger than it"),
	F(window_median, "median raw window"),
	F(pause_from, "longest silence with nothing outstanding: start"),
	F(pause_to, "its end"),
	F(pause_ids_continue, "IP identifications continue over it"),
	MAX(pause_count, RECORD_PAUSES, "entries of pauses"),
	LIST(pauses, RECORD_PAUSES, pause_count, pause_table, "the longest such silences, in order of time"),
	F(hole_seen, "first packet beyond a hole that never passed here"),
	F(hole_at, "stream offset of the hole"),
	F(hole_bytes, "its length"),
	F(hole_segments, "full segments it would hold; 0 not a whole number"),
	F(hole_id_jump, "IPv4 identifications missing over it"),
	F(hole_filled, "when it was filled"),
	F(hole_filled_smaller, "only by segments below the ceiling"),
	F(hole_acked, "the peer acknowledged beyond its edge"),
	F(id_gap_from, "identifications missing over a silence: start"),
	F(id_gap_to, "its end"),
	F(id_gap, "how many"),
	F(id_gap_big_before, "full-size segments were seen before it"),
	F(ids_step, "the IPv4 identifications step by 1 in this connection"),
	F(options_cut, "the snap length cut TCP options of its acknowledgements"));
#undef S

/* ---- records --------------------------------------------------------------- */

#define S record_capture
FIELD_TABLE(capture_table, record_capture, "capture", "one capture point and its quality",
	KEY,
	KEEP(file, "as the user named it"),
	F(interface, "when the file has several"),
	F(log, "the records file it was read from"),
	F(link_type, "LINKTYPE_ number"),
	F(snaplen, "0 unlimited or unknown"),
	F(first, "first frame"),
	F(last, "last frame"),
	KEEP(frames, "frames"),
	KEEP(bytes, "bytes on the wire"),
	F(tcp_frames, "TCP"),
	F(mail_frames, "of mail connections"),
	F(icmp_frames, "ICMP and ICMPv6"),
	F(other_frames, "anything else"),
	F(undecodable, "headers cut or impossible"),
	F(unread, "frames of a link type that is not read: all or none"),
	F(cut_frames, "captured shorter than they were"),
	F(cut_at, "largest captured length of a cut frame"),
	F(fragments, "IP fragments"),
	F(fragments_orphaned, "of them never completed"),
	F(duplicates, "copies dropped"),
	F(eligible, "TCP frames of which a copy could be told"),
	F(duplicate_first, "first copy"),
	F(clock_back, "times that went back"),
	F(clock_back_ns, "largest step back in nanoseconds"),
	F(clock_back_at, "where"),
	F(clock_forward, "times that the clock was set forward: the time stamps of both ends of a connection did not see that time"),
	STRUCTS(clock_jumps, clock_jump_table, "the largest of them"),
	F(drops_known, "the source counts its drops"),
	F(drops_kernel, "dropped by the kernel"),
	F(drops_interface, "dropped by the interface"),
	F(acked_bytes, "bytes acknowledged on connections seen both ways"),
	F(acked_unseen, "of them not in the capture: capture loss"),
	F(data_bytes, "TCP payload"),
	F(super_bytes, "of it in super-segments"),
	F(bad_checksums, "TCP checksums that are wrong"),
	F(filtered, "frames of the file that the filter left out (with its first point)"),
	F(unfilterable, "of them because the filter has no meaning on their link type"),
	F(outside, "frames of the file outside of --from and --to"),
	F(repaired, "frames of the file with a length or time that cannot be, put right"),
	F(timeless, "frames of the file without a time of their own: they have that of the frame before"),
	F(flows, "TCP connections"),
	F(flows_one_sided, "of them seen in one direction only"),
	F(flows_midstream, "of them joined in the middle"),
	F(damage, "why reading stopped early"),
	F(damage_frame, "last whole frame before it"),
	F(damage_offset, "byte offset of it"),
	F(caps_hit, "bounds that were hit"),
	F(caps, "which"));
#undef S

#define S record_connection
FIELD_TABLE(connection_table, record_connection, "connection", "one TCP connection",
	KEY,
	F(client, "who sent the SYN"),
	F(server, "who got it"),
	KEEP_ENUM(state, conn_state_names, "how far it came"),
	KEEP_ENUM(app, app_proto_names, "what it speaks"),
	ENUM(by, classified_names, "how that was told"),
	F(community_id, "Community ID v1"),
	F(vlan, "outer and inner VLAN"),
	F(tunnel, "pppoe, vxlan, gre, ..."),
	ID(payload_hash, "hash of the first bytes: joins copies of a connection"),
	F(first, "first packet"),
	F(last, "last packet"),
	TIME(t_end, "last frame of the capture point when this was written"),
	F(open, "still running"),
	F(syn_count, "SYNs"),
	F(synack_count, "SYN-ACKs"),
	F(syn, "the first SYNs"),
	F(synack_first, "first SYN-ACK"),
	F(synack_last, "last SYN-ACK"),
	F(handshake, "the ACK that completed the handshake"),
	F(refused, "the RST that answered the SYN"),
	F(refused_ack_ok, "it acknowledged ISN+1"),
	F(client_reset_synack, "the client reset the SYN-ACK"),
	F(disordered, "packets with content recorded after a later one of the other side, or a second late"),
	F(late_ns, "how late its latest packet was recorded, behind one with a later time, nanoseconds"),
	F(unreachable, "the ICMP error that quoted the SYN"),
	MAX(rtt_ns, RECORD_RTT_MOST, "round trip in nanoseconds"),
	F(rtt_known, "measured, not assumed"),
	F(vantage, "permille of the round trip between here and the server: 1000 at the client; -1 unknown"),
	FIELD_OF(S, dir, FIELD_STRUCT, "client to server, server to client", .table = &record_direction_table,
	    .flags = FIELD_ARRAY | FIELD_DEEP));
#undef S

#define S record_session
FIELD_TABLE(session_table, record_session, "session", "one SMTP or POP3 dialogue",
	KEY,
	KEEP_ENUM(app, app_proto_names, "what it speaks"),
	F(client, "client"),
	F(server, "server"),
	F(first, "first line"),
	F(last, "last line"),
	F(visible, "a line of the protocol was seen: it counts as a session"),
	F(server_seen, "the server's direction is in the capture"),
	F(client_seen, "the client's direction is in the capture"),
	F(midstream, "joined in the middle"),
	REPLY(greeting, "the greeting"),
	F(greeting_begun, "its first byte"),
	F(greeting_cut, "it never ended"),
	F(early_talker, "the client spoke before it"),
	F(bare_command, "the first command line that ends with LF alone"),
	F(unoffered, "the first command that did not wait for the answer before it, though PIPELINING was not offered"),
	F(proxy_header, "the connection begins with a PROXY header, which a proxy puts before the client's words"),
	TEXT(identity, RECORD_LINE, "argument of EHLO or HELO"),
	F(ehlo, "EHLO was sent"),
	F(helo, "HELO was sent"),
	F(lhlo, "LHLO was sent"),
	F(ehlo_answered, "EHLO was answered"),
	TEXT(capabilities, RECORD_WORDS, "last EHLO or CAPA list"),
	F(capabilities_at, "when"),
	TEXT(masked_keywords, RECORD_LINE, "keywords a device has overwritten"),
	F(auth_offered, "AUTH was offered"),
	F(starttls_offered, "STARTTLS or STLS was offered"),
	F(auth_tried, "a login was tried"),
	F(auth_ok, "a login succeeded"),
	F(auth_mechanism, "its mechanism"),
	F(user_hash, "keyed hash of the user name: tells equality only"),
	TEXT(user, RECORD_LINE, "the user name itself, only with --show-users"),
	F(auth_at, "when"),
	REPLY(auth_reply, "the last reply to a login"),
	F(starttls_tried, "STARTTLS or STLS was sent"),
	REPLY(starttls_reply, "its reply"),
	F(tls, "the dialogue became unreadable"),
	F(tls_at, "when"),
	F(tls_alert, "plain-text alert, description + 1; 0 none"),
	MAX(tls_alert_from, 1, "0 client, 1 server"),
	F(tls_offered, "highest TLS version that the client offers (0x0304 is TLS 1.3); 0 not seen"),
	F(tls_chosen, "the version that the server chose; 0 not seen"),
	F(tls_no_certificate, "the server asked for a client certificate and the client had none"),
	F(tls_finished, "the handshake was completed"),
	F(tls_spoke, "behind it the client sent more than its goodbye"),
	F(tls_goodbye, "SMTP: its first words behind it are as long as QUIT"),
	F(tls_close, "first encrypted alert behind the handshake: one side ends the session"),
	TEXT(tls_issuer, RECORD_HEADER, "who issued the server's certificate: organization, name; not to be seen in TLS 1.3"),
	F(client_first_byte, "+ 1; 0 none"),
	F(server_first_byte, "+ 1; 0 none"),
	F(quit, "QUIT"),
	F(bye, "its answer"),
	F(gap_client, "client bytes are missing"),
	F(gap_server, "server bytes are missing"),
	F(odd, "oddities of the client's lines, bits"),
	F(commands, "commands"),
	F(replies, "replies"),
	F(transactions, "transactions"),
	F(content_from, "content phase: start"),
	F(content_to, "content phase: end"),
	F(last_command, "in flight at the end, masked"),
	F(command_unanswered, "it was not answered"),
	F(chunk_whole, "the last command is BDAT, and all of its chunk came"),
	F(refusal_count, "negative replies"),
	MAX(refusals_kept, RECORD_REFUSALS, "of them kept"),
	F(logins_ok, "POP3 logins accepted"),
	F(logins_refused, "POP3 logins refused"),
	F(listed, "POP3 messages listed"),
	F(retrieved, "POP3 messages fetched whole"),
	F(cut, "POP3 messages cut off"),
	F(deleted, "POP3 messages deleted"),
	F(bad_reply, "first POP3 listing with a line that cannot be read"),
	TEXT(bad_line, RECORD_LINE, "the line"),
	F(quit_ok, "POP3 QUIT was answered +OK"),
	FIELD_OF(S, refusals, FIELD_STRUCT, "the first and the last", .table = &session_refusal_table,
	    .flags = FIELD_ARRAY | FIELD_DEEP, .count_at = offsetof(struct S, refusals_kept)));
#undef S

#define S record_transaction
FIELD_TABLE(transaction_table, record_transaction, "transaction", "one mail: MAIL to its verdict",
	KEY,
	KEEP_TEXT(sender, RECORD_ADDRESS, "envelope sender"),
	F(first, "MAIL"),
	F(last, "its end"),
	F(declared_size, "SIZE= of MAIL"),
	KEEP(bytes, "content bytes seen"),
	KEEP_TEXT(message_id, RECORD_HEADER, "Message-ID"),
	F(recipients, "RCPT commands"),
	F(recipients_accepted, "of them accepted"),
	F(data_sent, "DATA or BDAT was sent"),
	F(bdat, "by BDAT"),
	REPLY(mail_reply, "reply to MAIL"),
	REPLY(data_reply, "reply to DATA"),
	REPLY(final_reply, "reply to the end of data"),
	F(data_at, "DATA"),
	F(end_of_data, "the dot, or BDAT LAST"),
	F(end_offset, "stream offset behind it; 0 not seen"),
	F(end_acked, "TCP acknowledged it"),
	F(end_split, "its CRLF, dot, CRLF came in more than one packet"),
	F(end_bare, "its last line is a dot, between bare LFs, and nobody took it for the end"),
	KEEP_ENUM(verdict, verdict_names, "its fate at this hop"),
	ENUM(stage, smtp_stage_names, "where the verdict fell"),
	REPLY(verdict_reply, "the reply that decided"),
	F(implied, "MAIL is not in the capture"),
	F(unsure, "told after a gap"),
	F(nested, "refused while another was open: not an attempt"));
#undef S

#define S record_recipient
FIELD_TABLE(recipient_table, record_recipient, "recipient", "one RCPT",
	KEY,
	KEEP_TEXT(address, RECORD_ADDRESS, "envelope recipient"),
	REPLY(reply, "reply to RCPT"),
	REPLY(final_reply, "LMTP: its own; otherwise the transaction's"),
	F(at, "RCPT"),
	KEEP_ENUM(verdict, verdict_names, "its fate at this hop"),
	F(consequence, "refused only because MAIL was"));
#undef S

#define S record_message
FIELD_TABLE(message_table, record_message, "message", "headers of one content; POP3: one RETR",
	KEY,
	KEEP_ENUM(app, app_proto_names, "smtp or pop3"),
	F(number, "POP3 message number"),
	ENUM(state, message_state_names, "whole or not"),
	F(bytes, "content bytes"),
	F(listed_size, "as listed"),
	F(end, "POP3: stream offset where it ends"),
	TEXT(message_id, RECORD_HEADER, "Message-ID"),
	TEXT(subject, RECORD_HEADER, "Subject"),
	TEXT(from, RECORD_HEADER, "From"),
	TEXT(content_type, RECORD_HEADER, "Content-Type"),
	TEXT(uidl, RECORD_LINE, "POP3 unique id"),
	F(parts, "MIME parts"),
	F(first, "first byte"),
	F(last, "last byte"),
	REPLY(reply, "POP3 reply to RETR"),
	F(gap, "bytes are missing"),
	TEXT(date, RECORD_LINE, "Date"),
	TEXT(received_by, RECORD_LINE, "who wrote the topmost Received"),
	F(received, "Received fields"),
	F(list, "a mailing list handled it"),
	TEXT(scanner, RECORD_LINE, "what a virus scanner wrote into the header (X-Antivirus)"),
	F(checked, "whole and certain: what follows was looked at"),
	F(signatures, "DKIM signatures"),
	F(signatures_good, "of them with the body hash of this body"),
	F(signatures_bad, "of them with another"),
	TEXT(signature, RECORD_LINE, "the first bad one, else the first good one"),
	F(dots, "lines of a signed body that begin with two dots"),
	F(md5_good, "parts that fit their Content-MD5"),
	F(base64_parts, "parts in base64 that were looked at"),
	F(faulty_parts, "parts with a fault"),
	ENUM(fault, part_fault_names, "the weightiest of them"),
	F(fault_part, "the first part that has it, counted from 1"),
	F(fault_bytes, "bytes in it that are no base64"),
	TEXT(fault_name, RECORD_LINE, "its file name, else its type"),
	TEXT(fault_path, RECORD_LINE, "its number as in IMAP: 1.2"),
	F(fault_at, "where the first fault showed"),
	F(unclosed, "the closing boundary is missing"),
	F(stub, "a part is named like a scanner's replacement"),
	F(attachments, "attachments in base64"),
	TEXT(attachment_hashes, RECORD_LINE, "of the first eight: different ones are of different contents"),
	TEXT(body_hash, RECORD_LINE, "of the first bytes and the length of the body of a mail without a Message-ID, which nothing else tells from another"),
	MAX(outline_count, RECORD_OUTLINE, "entries of outline"),
	F(unlisted, "parts of a message of several that are not in it: behind the first, or behind missing bytes"),
	LIST(outline, RECORD_OUTLINE, outline_count, mime_part_table, "where the parts of a message of several lie"));
#undef S

#define S record_stall
FIELD_TABLE(stall_table, record_stall, "stall", "one episode in which bytes did not arrive",
	KEY,
	F(from, "sender"),
	F(to, "receiver"),
	F(chain_count, "transmissions of the head byte"),
	F(chain_lost, "of them lost"),
	F(chain_above, "of them lost and larger than proven"),
	F(chain_starts, "different first bytes among the lost ones"),
	F(lost_last, "the last lost transmission"),
	MAX(chain_len, RECORD_CHAIN, "of them kept"),
	STRUCTS(chain, transmission_table, "the first and the last"),
	F(head, "stream offset of the head byte"),
	F(first, "first transmission"),
	F(last, "last transmission"),
	F(delivered, "when it arrived at last"),
	F(delivered_w, "the size that carried it"),
	F(delivered_smaller, "all of it came in smaller segments"),
	F(u, "smallest lost size above the proven one; 0 none"),
	F(proven, "largest size proven in this direction"),
	F(n_lost_ge, "lost, size at least u"),
	F(n_ok_ge, "delivered, size at least u"),
	F(n_lost_lt, "lost, smaller than u"),
	F(n_ok_lt, "delivered, smaller than u"),
	F(lost_else, "lost before or after the chain"),
	F(lost_frames, "further witnesses of lost sizes"),
	MAX(lost_count, RECORD_CHAIN, "kept of them"),
	F(live, "signs of life of the path: 1 L1, 2 L2, 4 L2b, 8 L3"),
	F(live_at, "their frames"),
	F(live_any, "the same, of any size, between the second and the last transmission"),
	F(peer_repeats, "the peer repeated its small reply"),
	F(peer_repeats_after_ack, "of them after an empty acknowledgement"),
	F(peer_repeat_at, "the last of them"),
	F(peer_new, "new data of the peer"),
	F(peer_seen, "any later packet of the peer"),
	F(zero_window, "the receiver offered no window"),
	F(df_clear, "no transmission forbade fragments"),
	F(fragment_trains, "complete fragment trains"),
	F(first_of_size, "nothing as large was sent before"),
	F(later_delivered, "segments behind the hole that arrived"),
	F(later_w_max, "the largest of them"),
	F(later_sent, "segments behind the hole, the same bytes counted once"),
	F(later_last, "the newest of them arrived"),
	F(again, "repeated empty acknowledgements of the head, each for a packet as large as it that arrived behind it"),
	F(again_first, "the first of them"),
	F(again_last, "the last"),
	F(w_min, "smallest of the chain"),
	F(idle_before_ns, "silence before the first transmission in nanoseconds"),
	F(options_cut, "the snap length cut the TCP options"),
	F(one_sided, "one direction was captured"),
	F(ptb_first, "earliest valid packet-too-big"),
	F(ptb_mtu, "smallest MTU told"),
	F(ptb_after, "larger transmissions after its grace"),
	F(ptb_late, "it came after the fourth transmission"),
	F(ptb_zero, "it told no MTU"),
	F(ptb_cut, "matched by a cut quote only"),
	F(ptb_from, "the router that told the MTU"));
#undef S

#define S record_icmp_error
FIELD_TABLE(icmp_error_table, record_icmp_error, "icmp-error", "an ICMP or ICMPv6 error",
	KEY,
	F(at, "when"),
	F(from, "who said it"),
	F(to, "to whom"),
	F(family, "4 or 6"),
	KEEP_AS(type, "icmp_type", "ICMP type"),	/* "type" is the line's */
	KEEP_AS(code, "icmp_code", "ICMP code"),
	F(mtu, "next-hop MTU"),
	F(frag_needed, "fragmentation needed or packet too big"),
	F(quoted_from, "source of the packet that met it"),
	F(quoted_to, "its destination"),
	F(quoted_proto, "its protocol"),
	F(quoted_len, "its IP length"),
	F(quoted_seq, "its sequence number"),
	F(quote_cut, "ports or sequence number missing"),
	F(ports_differ, "matched by one side only"),
	F(for_syn, "quotes a SYN"),
	MAX(dir, 1, "direction it speaks of; -1 unknown"),
	F(repeats, "equal ones folded into it"),
	F(last, "the last of them"),
	F(largest_sent, "largest segment of that direction when it came"),
	F(sent_after_above, "larger segments after its grace"),
	F(sent_after_above_lost, "of them not delivered"),
	F(sent_after, "data segments after it"),
	F(sent_again, "of them no larger than told, with bytes that had been sent before"),
	F(above_frames, "witnesses"),
	F(ttl, "its TTL"),
	F(community_id, "Community ID of the quoted connection"));
#undef S

#define S record_path
FIELD_TABLE(path_table, record_path, "path", "a directed path in one epoch of 600 s",
	KEY,
	F(from, "sender"),
	F(to, "receiver"),
	TIME_AS(epoch_ns, "epoch", "start of the epoch"),
	F(proven, "largest size proven"),
	F(proven_at, "when"),
	ID(proven_conn, "by which connection"),
	F(w_max_seen, "largest segment seen"),
	F(flows, "connections that delivered data"));
#undef S

#define S record_host
FIELD_TABLE(host_table, record_host, "host", "which port of which host answered whom",
	KEY,
	F(client, "client"),
	F(server, "server and port"),
	F(answered, "connections answered"),
	F(refused, "refused"),
	F(unanswered, "not answered"),
	F(unreachable, "answered by an ICMP error"),
	F(first, "first"),
	F(last, "last"),
	F(answered_at, "last answer"),
	F(ttl, "TTL of the server's packets"),
	F(ttl_rst, "TTL of its RSTs"),
	F(rtt_min_ns, "shortest time from SYN to SYN-ACK in nanoseconds"),
	F(data, "connections on which the client sent data"));
#undef S

#define S record_piece
FIELD_TABLE(piece_table, record_piece, "piece", "one of the files that a capture was written to",
	KEY,
	F(file, "file, as the user named it"),
	F(before, "frames of the pieces before it: frames are counted through all of them"),
	F(frames, "its frames"),
	F(first, "first frame"),
	F(last, "last frame"));
#undef S

static const struct field_table *const tables[] = {
	[RECORD_CAPTURE] = &capture_table,	[RECORD_CONNECTION] = &connection_table,
	[RECORD_SESSION] = &session_table,	[RECORD_TRANSACTION] = &transaction_table,
	[RECORD_RECIPIENT] = &recipient_table,	[RECORD_MESSAGE] = &message_table,
	[RECORD_STALL] = &stall_table,		[RECORD_ICMP_ERROR] = &icmp_error_table,
	[RECORD_PATH] = &path_table,		[RECORD_HOST] = &host_table,
	[RECORD_PIECE] = &piece_table,
};

const struct field_table *
record_table(enum record_type type)
{
	if ((size_t)type >= sizeof(tables) / sizeof(tables[0]))
		return NULL;
	return tables[type];
}

enum record_type
record_type_by_name(const char *name)
{
	for (size_t i = RECORD_CAPTURE; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(tables[i]->name, name) == 0)
			return (enum record_type)i;
	return (enum record_type)0;
}

size_t
field_element(const struct field *f)
{
	static const size_t sizes[] = {
		[FIELD_U64] = 8, [FIELD_U32] = 4, [FIELD_U16] = 2, [FIELD_ID] = 8,
		[FIELD_MOMENT] = sizeof(struct moment),
	};

	if ((f->flags & FIELD_ARRAY) == 0)
		return f->size;
	if (f->kind == FIELD_STRING)
		return f->each;
	return f->kind == FIELD_STRUCT ? f->table->size : sizes[f->kind];
}

size_t
field_counted(const struct field *f, const void *base)
{
	size_t most = f->size / field_element(f);
	uint32_t n;

	memcpy(&n, (const uint8_t *)base + f->count_at, sizeof(n));
	return n < most ? n : most;
}

static const char *
name_of(const struct field_names *n, unsigned int v)
{
	return v < n->count && n->name[v] != NULL ? n->name[v] : "unknown";
}

const char *
verdict_name(enum verdict v)
{
	return name_of(&verdict_names, v);
}

const char *
app_proto_name(enum app_proto p)
{
	return name_of(&app_proto_names, p);
}
