/*
 * texts.c - remedies in words for the administrator of a small business, and
 * what the user's mail program shows (diagnosis 1 and 3.5).  A rule may say
 * better; these stand when it does not.
 */
#include "texts.h"

#include <string.h>

#define DROPPED       "0x800CCC0F (connection dropped), 0x800CCC19 (time-out)"
#define NO_CONNECT_60 "0x800CCC0E (cannot connect), socket error 10060"
#define NO_CONNECT_61 "0x800CCC0E (cannot connect), socket error 10061"
#define RCPT_REFUSED  "0x800CCC79 (the server rejected a recipient)"
#define MAIL_REFUSED  "0x800CCC78 (the server rejected the sender)"

struct text {
	const char *remedy, *shows;
};

static const struct
    text
	texts
	    [FINDING_KINDS] = {
		    [FINDING_CAPTURE_LOSS] = { "Take the capture again on a machine or mirror port that keeps up (larger buffer, tcpdump -B, "
					       "less traffic by a filter). What rests on packets that were not seen is not claimed.",
			"" },
		    [FINDING_CAPTURE_ONE_SIDED] = { "Mirror both directions of the port (tx and rx), or capture on the other path as well: with one "
						    "direction alone nobody can tell delivered from lost, or refused from unanswered.",
			"" },
		    [FINDING_CAPTURE_OFFLOAD] = { "Capture on the switch (mirror port), or switch segmentation offload off while capturing: "
						  "ethtool -K IF tso off gso off gro off lro off.",
			"" },
		    [FINDING_CAPTURE_DUPLICATES] = { "Mirror each packet once (one port, or one direction of a VLAN). The copies were left out of "
						     "every count.",
			"" },
		    [FINDING_CAPTURE_MIDSTREAM] = { "Start the capture before the mail program connects: greeting, capabilities and sizes agreed at "
						    "the start are not in it.",
			"" },
		    [FINDING_CAPTURE_SNAPLEN] = { "Capture whole packets: tcpdump -s 0.", "" },
		    [FINDING_CAPTURE_CLOCK] = { "Set the clock of the capturing machine by NTP and do not merge files of unsynchronised clocks.",
			"" },
		    [FINDING_CAPTURE_VANTAGE] = { "", "" },
		    [FINDING_CAPTURE_ENCRYPTED] = { "Replies inside TLS cannot be read here. Look into the log of the mail program or server, or give "
						    "a key log (SSLKEYLOGFILE) to a tool that decrypts.",
			"" },

		    [FINDING_ICMP_FRAG_NEEDED_MTU_ZERO] = { "The router does not say how large packets may be (it predates RFC 1191): set the interface "
							    "MTU or clamp the TCP MSS on this side.",
			"" },
		    [FINDING_ICMP_FRAG_NEEDED_BOGUS] = { "Check whether the message is forged (CVE-2004-1060 class) or its router is broken.",
			"" },
		    [FINDING_ICMP_FRAG_NEEDED_OBEYED] = { "Nothing to do: the sender learned the size and the mail went on.",
			"" },
		    [FINDING_ICMP_FRAG_NEEDED_IGNORED] = { "Allow ICMP type 3 code 4 (IPv6: ICMPv6 type 2) in to the sender, or lower the MTU of its "
							   "interface and clamp the TCP MSS.",
			DROPPED },
		    [FINDING_PMTU_BLACK_HOLE_RECOVERED] = { "Mail gets through, but every large transfer first stalls. Set the WAN MTU of the router at "
							    "the sender's site to the size below, clamp the TCP MSS, and stop filtering ICMP type 3 code 4.",
			"slowness, sporadic time-outs" },
		    [FINDING_FRAGMENTS_DROPPED] = { "A firewall drops IP fragments: set MTU and MSS so that nothing is fragmented, or allow fragments "
						    "and the ICMP messages about them.",
			DROPPED },
		    [FINDING_PMTU_BLACK_HOLE] = { "Set the WAN (PPPoE) MTU of the router at the sender's site to the size below, clamp the TCP MSS to 40 "
						  "less (IPv6: 60 less), and stop filtering ICMP type 3 code 4 / ICMPv6 type 2.",
			DROPPED },
		    [FINDING_MSS_NOT_CLAMPED] = { "Enable MSS clamping on the router: iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN "
						  "-j TCPMSS --clamp-mss-to-pmtu (the WAN MTU must be right), or ip tcp adjust-mss.",
			"" },
		    [FINDING_INLINE_CONTENT_DROP] = { "An inspection device in line (IPS, anti-virus, DLP) silently drops one packet of this message: "
						      "look into its log at that time; as a test send the attachment encrypted.",
			DROPPED },
		    [FINDING_IDLE_STATE_EXPIRED] = { "Raise the TCP idle timeout of the firewall or NAT router, or shorten the pause that precedes it.",
			"0x800CCC0F (connection dropped), socket error 10054" },
		    [FINDING_PATH_OUTAGE] = { "The line or a route on it failed for that time: check line, router and provider.",
			DROPPED },
		    [FINDING_ZERO_WINDOW_STALL] = { "The receiving program stopped reading while its machine still answered: look there for a full disk, "
						    "a virus scan or overload. A server that holds up senders on purpose (a tarpit against spam) does the same.",
			DROPPED },
		    [FINDING_WINDOW_SCALE_BROKEN] = { "A device on the way removes or ignores TCP window scaling: update it. As a workaround on Windows: "
						      "netsh int tcp set global autotuninglevel=disabled.",
			"0x800CCC0F (connection dropped); transfers take very long" },
		    [FINDING_SENDER_APP_PAUSE] = { "Nothing was lost: the sending program itself paused (a local virus scanner, a slow disk, a user).",
			"0x800CCC19 (time-out)" },
		    [FINDING_HIGH_LOSS] = { "Look for the lossy link: capture before and after each suspect (line, Wi-Fi, duplex mismatch).",
			"slowness, time-outs" },
		    [FINDING_SIZE_DEPENDENT_LOSS] = { "Large packets suffer more: check duplex settings, radio links and policers.",
			"slowness, time-outs" },
		    [FINDING_MIDDLEBOX_RESET] = { "A firewall, proxy or IPS on the way cuts the connection: look into its log at that time.",
			"0x800CCC0F (connection dropped), socket error 10054" },
		    [FINDING_PEER_RESET] = { "The other end reset the connection: its log at that time says why.",
			"0x800CCC0F, socket error 10054" },
		    [FINDING_STALE_SESSION_RESET] = { "The other end had forgotten the connection (restart, failover). Usually harmless.",
			"" },

		    [FINDING_PORT_BLOCKED_SILENT] = { "Outgoing connections to this port are filtered. Access providers often do so for port 25: send "
						      "through the submission port 587 (STARTTLS) or 465 (SSL/TLS) with a login, through port 26 where the host offers it, or through "
						      "the access provider's own outgoing server.",
			NO_CONNECT_60 },
		    [FINDING_PORT_BLOCKED_RESET] = { "A firewall refuses this port in the server's name. Use the submission port 587 or 465 with a login, "
						     "or have the port opened.",
			NO_CONNECT_61 },
		    [FINDING_PORT_BLOCKED_ICMP] = { "The router or firewall named below prohibits this connection: ask its owner to open the port, or "
						    "use the submission port 587 or 465 with a login.",
			NO_CONNECT_60 },
		    [FINDING_HOST_UNREACHABLE_ICMP] = { "A router reports that it has no way to the server: check the address, the routes and the line "
							"behind that router.",
			NO_CONNECT_60 },
		    [FINDING_HOST_UNREACHABLE_SILENT] = { "Check the server's name and address and whether it runs; try another port of the same server "
							  "(587, 465, 110, 80): if one answers, this port is filtered.",
			NO_CONNECT_60 },
		    [FINDING_SERVICE_DOWN] = { "The server is up but nothing listens on this port: start the mail service, or correct the port in the "
					       "account's settings.",
			NO_CONNECT_61 },
		    [FINDING_SYN_ACK_RETURN_BLOCKED] = { "The server answers, but the answer does not come through: check the firewall and the route from "
							 "the server back to the client (asymmetric routing through a stateful firewall does this).",
			NO_CONNECT_60 },
		    [FINDING_PORT_INTERCEPTED] = { "Mail is answered by a device in between (a transparent proxy, or the virus scanner of the PC). If mail "
						   "fails, test with the device's mail inspection off, or use port 587 or 465.",
			"0x800CCC0F, 0x800CCC19" },
		    [FINDING_CONNECTED_NO_BANNER] = { "The server takes the connection but never greets. Check there: overload, DNS time-outs "
						      "(reverse lookup, blocklists), or a firewall that answers for a dead server.",
			"0x800CCC19 (time-out), 0x800CCC0F" },
		    [FINDING_SLOW_BANNER] = { "A late greeting is often deliberate (greet pause, postscreen), or a slow reverse DNS lookup of the client's "
					      "address, or a mail filter (milter) that does not answer. Raise the program's server time-out if it gives up.",
			"0x800CCC19 (time-out)" },
		    [FINDING_IDENT_DELAY] = { "Let the firewall reject (RST) TCP port 113 instead of dropping it, or switch ident lookups off on the "
					      "server.",
			"0x800CCC19 (time-out)" },
		    [FINDING_BANNER_REJECTED] = { "The server does not take mail from this address at all: its words say why. Send through the provider's "
						  "outgoing server, or ask the server's owner.",
			"0x800CCC6F (554), 0x800CCC67 (421)" },

		    [FINDING_AUTH_REQUIRED_NOT_ATTEMPTED] = { "Turn on \"My server requires authentication\" in the account's settings (Outlook: More "
							      "Settings, Outgoing Server; Outlook Express: Servers tab).",
			RCPT_REFUSED ", " MAIL_REFUSED },
		    [FINDING_POP_BEFORE_SMTP_REQUIRED] = { "Receive mail first, then send (\"Log on to incoming mail server before sending mail\"). "
							   "Better: use SMTP authentication on port 587 if the provider offers it.",
			RCPT_REFUSED ", server error 553" },
		    [FINDING_RELAY_DENIED_WRONG_NETWORK] = { "Use the outgoing server of the provider whose line you are on, or log in to this one "
							     "(SMTP authentication, port 587). If the recipient belongs to this very server, it is not set up for its own domain.",
			RCPT_REFUSED ", server error 550" },
		    [FINDING_RELAY_DENIED_DESPITE_AUTH] = { "The login works but does not allow this: ask the provider about limits of the account "
							    "(sender address, plan, port).",
			RCPT_REFUSED },
		    [FINDING_AUTH_NOT_OFFERED] = { "This server or port offers no login: use the submission port 587 (STARTTLS) or 465, or switch the login "
						   "off for this server.",
			"0x800CCC80 (authentication not supported)" },
		    [FINDING_AUTH_MECHANISM_MISMATCH] = { "Allow a mechanism both know: switch encryption on (then PLAIN or LOGIN is offered), or switch "
							  "\"secure password authentication\" off.",
			"0x800CCC80 (authentication failed)" },
		    [FINDING_AUTH_FAILED] = { "Check user name and password. Some providers want an app password, or have SMTP logins switched off for "
					      "the account.",
			"0x800CCC18 (logon failed), a login dialogue, later 0x800CCC79" },
		    [FINDING_AUTH_TEMPORARY_FAILURE] = { "The server's password check did not work just now: try later; if it stays, tell its owner.",
			"0x800CCC80" },
		    [FINDING_SENDER_MISMATCH] = { "Set the sender (and reply) address to the address of the account that logs in, or have the other "
						  "address allowed for it.",
			MAIL_REFUSED ", 0x800CCC79" },
		    [FINDING_SENDER_DOMAIN_REJECTED] = { "The domain behind the sender's @ must exist in DNS (MX or A record): correct the address or the "
							 "DNS.",
			MAIL_REFUSED },
		    [FINDING_SENDER_AUTH_REJECTED] = { "Correct SPF, DKIM and DMARC of the sender's domain: publish the server that really sends, or send "
						       "through the published one.",
			"0x800CCC6F (554), a bounce" },
		    [FINDING_SENDER_QUOTA] = { "The sender's own hosting or mailbox is out of space or of its sending quota: free space or ask the "
					       "provider.",
			MAIL_REFUSED ", 0x800CCC6D (552)" },
		    [FINDING_RECIPIENT_UNKNOWN] = { "Check the spelling of the recipient's address; the server knows no such mailbox.",
			RCPT_REFUSED },
		    [FINDING_RECIPIENT_DISABLED] = { "The recipient's account is switched off: reach the recipient another way.", RCPT_REFUSED },
		    [FINDING_MAILBOX_FULL] = { "The recipient must free space; send again later, or a smaller message.",
			RCPT_REFUSED ", 0x800CCC6C (452), 0x800CCC6D (552)" },
		    [FINDING_SERVER_STORAGE_FULL] = { "The server itself is out of disk space or memory: its owner must act; try later.",
			"0x800CCC6C (452)" },
		    [FINDING_MESSAGE_TOO_BIG] = { "Send a smaller message (attachments grow by 37 % when sent), a link, or several mails; or have the "
						  "limit raised.",
			"0x800CCC6D (552)" },
		    [FINDING_TOO_MANY_RECIPIENTS] = { "Send to fewer recipients at once.",
			RCPT_REFUSED },
		    [FINDING_POLICY_OR_BLOCKLIST] = { "Follow the link in the server's words: what it asks for, or how an address gets off the "
						      "list, stands there. Dynamic addresses must send through their provider's outgoing server.",
			"0x800CCC79, 0x800CCC78, 0x800CCC6F (554)" },
		    [FINDING_RDNS_OR_HELO_REJECTED] = { "Give the sending address a reverse DNS (PTR) name that resolves back, and let the sender say that "
							"name in HELO.",
			RCPT_REFUSED },
		    [FINDING_CONTENT_REJECTED] = { "The content or an attachment was refused (spam, virus, forbidden type): its log and words say what; "
						   "check the sending PC for malware.",
			"0x800CCC6F (554), 0x800CCC6D (552)" },
		    [FINDING_GREYLISTED] = { "Nothing to do on a mail server: it retries and gets through. A mail program or a script does not retry: "
					     "let it submit through a server that queues.",
			"0x800CCC79, 0x800CCC68 (450), 0x800CCC6A (451)" },
		    [FINDING_RATE_LIMITED] = { "Send more slowly or less; the limit is lifted after a while.",
			"0x800CCC67 (421), 0x800CCC68 (450)" },
		    [FINDING_TOO_MANY_CONNECTIONS] = { "Open fewer connections at once; look for another program of this site that sends.",
			"0x800CCC67 (421)" },
		    [FINDING_TEMPORARY_SERVER_ERROR] = { "The server has a problem of its own: try later, then ask its owner.",
			"0x800CCC67 (421), 0x800CCC6A (451)" },
		    [FINDING_ROUTING_LOOP] = { "Two servers hand the mail to each other: check MX records, forwardings and the relay settings of both.",
			"a bounce" },
		    [FINDING_TLS_REQUIRED] = { "Switch encryption on in the account's settings: STARTTLS on port 587 (or 25), SSL/TLS on 465.",
			"0x800CCC7C (STARTTLS required)" },
		    [FINDING_TLS_NOT_OFFERED] = { "The server offers no encryption here: use port 465 or 587, or accept plain text.",
			"0x800CCC7D (no STARTTLS)" },
		    [FINDING_STARTTLS_STRIPPED] = { "A firewall removes STARTTLS from the dialogue: switch its SMTP inspection off (Cisco: no inspect "
						    "esmtp / no fixup protocol smtp 25) or allow TLS in it; port 465 avoids it.",
			"0x800CCC7D (no STARTTLS)" },
		    [FINDING_TLS_FAILURE] = { "The TLS handshake ended without success: check certificate, names, dates and the TLS versions both sides "
					      "allow.",
			"0x800CCC1A (secure connection failed), 0x800CCC7F (454)" },
		    [FINDING_TLS_MODE_MISMATCH] = { "Set the encryption type that fits the port: 465 and 995 are SSL/TLS from the first byte; 587, 25 and 110 "
						    "are STARTTLS.",
			"0x800CCC0F, 0x800CCC1A, 0x800CCC19" },
		    [FINDING_BANNER_MASKED] = { "A firewall rewrites the SMTP dialogue: switch its SMTP inspection off (Cisco PIX: no fixup protocol smtp "
						"25; ASA: no inspect esmtp). Such an inspection also hides logins, encryption and sizes.",
			"0x800CCC60, 0x800CCC61 (response error)" },
		    [FINDING_DOT_LOST] = { "A firewall loses the end of the message when it falls apart over two packets: switch its SMTP inspection "
					   "off.",
			"0x800CCC19 (time-out), duplicates" },
		    [FINDING_SLOW_REPLY] = { "The path was fine, the server took its time (scan, DNS, overload, tarpit). Raise the program's server "
					     "time-out if it gives up.",
			"0x800CCC19 (time-out)" },
		    [FINDING_CLIENT_GAVE_UP_AT_DATA] = { "The sending side ended the transfer: look at its time-out, at the user, and at what slowed the "
							 "transfer before.",
			DROPPED },
		    [FINDING_CLIENT_GAVE_UP_WAITING] = { "Raise the mail program's server time-out to 10 minutes (RFC 5321), and speed up the server's "
							 "scan. The mail may arrive and be sent again.",
			"0x800CCC19 (time-out)" },
		    [FINDING_DUPLICATE_DELIVERY] = { "The server took the mail but its answer did not reach the sender, who sends again: the recipient may "
						     "get it twice. Raise the sender's time-out, speed up the server's scan.",
			"0x800CCC19 (time-out); duplicates at the recipient" },
		    [FINDING_SERVER_TIMEOUT_421] = { "The server waited in vain for the client: look for what held the client up.",
			"0x800CCC67 (421), 0x800CCC0F" },
		    [FINDING_SERVER_DROPPED] = { "The server (or its host) closed in the middle of the session without an answer: its log at that time "
						 "says why (crash, restart, limit).",
			"0x800CCC0F (connection dropped)" },
		    [FINDING_PROTOCOL_ERROR] = { "Client and server disagree on the protocol: the line quoted was not acceptable. Update the program that "
						 "sent it; look for a device that rewrites lines.",
			"0x800CCC62 to 0x800CCC66 (500 to 504)" },
		    [FINDING_UNCLASSIFIED_4XX] = { "The server refused for now; its own words are quoted. Try later, then ask its owner.",
			"0x800CCC67, 0x800CCC68, 0x800CCC6A" },
		    [FINDING_UNCLASSIFIED_5XX] = { "The server refused; its own words are quoted. Ask its owner.",
			"0x800CCC69, 0x800CCC6F, 0x800CCC79" },

		    [FINDING_POP_LOCKED] = { "Another session has the mailbox open: wait until the server frees it (10 minutes or more), do not fetch the "
					     "same mailbox from two programs, or use IMAP.",
			"0x800CCC0B (busy), 0x800CCC92" },
		    [FINDING_POP_LOGIN_DELAY] = { "Fetch mail less often: the server sets a minimum time between logins.",
			"0x800CCC92, 0x800CCC90" },
		    [FINDING_POP_AUTH_FAILED] = { "Check user name and password of the incoming server. Some providers want an app password, or POP3 to be switched on in "
						  "the account's settings first.",
			"0x800CCC92 (password rejected), 0x800CCC91 (user name rejected)" },
		    [FINDING_POP_SERVER_ERROR] = { "The POP3 server has a problem of its own: try later, then tell its owner.",
			"0x800CCC90 (response error)" },
		    [FINDING_POP_RETR_STALLED] = { "Fetching stopped in the middle. If it is always the large mails, lower the MSS that this side "
						   "announces (router: MSS clamping).",
			"0x800CCC19, 0x800CCC0F, 0x800CCC0A" },
		    [FINDING_POP_INCOMPLETE] = { "The connection ended in the middle of a message. If it is always the same mail, look for a scanner "
						 "on the way.",
			"0x800CCC0A (incomplete)" },
		    [FINDING_POP_DUPLICATE_DOWNLOAD] = { "The session ended before QUIT, so the server deleted nothing (RFC 1939, 6) and the same mails "
							 "come again. Cure what ends the session.",
			"the same mails again" },
		    [FINDING_POP_BAD_REPLY] = { "The server sent a reply that no program can read: update the server, or look for a device in between.",
			"0x800CCC93 (parse failure)" },
		    [FINDING_POP_NO_SUCH_MESSAGE] = { "The message is gone already (another program fetched it). Usually harmless.",
			"0x800CCC97" },

		    [FINDING_ATTACHMENT_CORRUPTED] = { "Compare the message before and after each scanner and gateway on its way.",
			"an attachment that does not open, or opens damaged" },
		    [FINDING_MAIL_ALTERED_IN_TRANSIT] = { "A device or list on the way changes mails: look at what it adds.",
			"a footer, a missing attachment, or a failed signature (DKIM, DMARC) at the recipient" },
		    [FINDING_MAIL_ACCEPTED] = { "This hop took the mail: the network up to here is cleared. If it did not arrive, look further on, in the "
						"log of this server, by its queue number.",
			"" },
	    };

const char *
text_remedy(enum finding_kind k)
{
	return texts[k].remedy != NULL ? texts[k].remedy : "";
}

const char *
text_client_shows(enum finding_kind k)
{
	return texts[k].shows != NULL ? texts[k].shows : "";
}

/*
 * ---- what newer Outlooks show beside it -------------------------------------------------------
 */

/*
 * Diagnosis 3.5: from 2003 on Outlook has numbers of its own for two of those that it shares with
 * Outlook Express.
 */
static const struct {
	const char *number, *sending, *fetching;
} outlook[] = {
	{ "0x800CCC0E", "Outlook 0x80042109 (cannot connect to the outgoing server)",
	    "Outlook 0x80042108 (cannot connect to the incoming server)" },
	{ "0x800CCC19", "Outlook 0x8004210B (time-out while sending)",
	    "Outlook 0x8004210A (time-out while receiving)" },
};

static bool
port_fetches(uint16_t port)
{
	return port == 110 || port == 995;
}

static bool
port_sends(uint16_t port)
{
	return port == 25 || port == 465 || port == 587;
}

const char *
text_outlook(const struct finding *f)
{
	for (size_t i = 0; i < sizeof(outlook) / sizeof(outlook[0]); i++)
		if (strstr(f->client_shows, outlook[i].number) != NULL &&
		    strstr(f->client_shows, "0x800421") == NULL) {
			if (port_fetches(f->server_port))
				return outlook[i].fetching;
			return port_sends(f->server_port) ? outlook[i].sending : "";
		}
	return "";
}

/* ---- what a mail server that sends writes into its log -------------------------------------- */

#define BODY "Postfix logs \"timed out while sending message body\""
#define THE_DOT \
	"Postfix logs \"timed out while sending end of data -- message may be sent more than once\""
#define NO_TLS "Postfix logs \"TLS is required, but was not offered by host\""

/* Diagnosis 3.5.  `to_server': only of what is sent, not of what is fetched or answered. */
static const struct {
	enum finding_kind kind;
	const char *subkind; /* NULL = any */
	bool to_server;
	const char *words;
} logs[] = {
	{ FINDING_PMTU_BLACK_HOLE, NULL, true, BODY },
	{ FINDING_ICMP_FRAG_NEEDED_IGNORED, NULL, true, BODY },
	{ FINDING_FRAGMENTS_DROPPED, NULL, true, BODY },
	{ FINDING_INLINE_CONTENT_DROP, NULL, true, BODY },
	{ FINDING_WINDOW_SCALE_BROKEN, NULL, true, BODY },
	{ FINDING_CLIENT_GAVE_UP_AT_DATA, NULL, true, BODY },
	{ FINDING_CLIENT_GAVE_UP_WAITING, "", true, THE_DOT },
	{ FINDING_DUPLICATE_DELIVERY, "answer-unheard", false, THE_DOT },
	{ FINDING_CONNECTED_NO_BANNER, "", false,
	    "Postfix logs \"timed out while receiving the initial server greeting\"" },
	{ FINDING_SLOW_BANNER, "gave-up", false,
	    "Postfix logs \"timed out while receiving the initial server greeting\"" },
	{ FINDING_CONNECTED_NO_BANNER, "closed", false,
	    "Postfix logs \"lost connection while receiving the initial server greeting\"" },
	{ FINDING_CONNECTED_NO_BANNER, "reset", false,
	    "Postfix logs \"lost connection while receiving the initial server greeting\"" },
	{ FINDING_BANNER_REJECTED, NULL, true, "Postfix logs \"refused to talk to me\"" },
	{ FINDING_TLS_NOT_OFFERED, NULL, false, NO_TLS },
	{ FINDING_STARTTLS_STRIPPED, NULL, false, NO_TLS },
};

const char *
text_log(const struct finding *f)
{
	for (size_t i = 0; f->server_port == 25 && i < sizeof(logs) / sizeof(logs[0]); i++)
		if (logs[i].kind == f->kind &&
		    (logs[i].subkind == NULL || strcmp(logs[i].subkind, f->subkind) == 0) &&
		    (!logs[i].to_server || f->to.port == f->server_port))
			return logs[i].words;
	return "";
}
