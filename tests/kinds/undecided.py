#!/usr/bin/python3
"""undecided.py BUILD - what a capture cannot decide is said, with what is missing and where to capture.

One row for each point of the list of what cannot be decided passively: a
capture or a scenario text, the finding it must come to, how sure at most, and
words of what is said about it (summary, evidence, remedy, next_capture).
"""
import json
import os
import re
import sys
import tempfile

import matrix
import ready

TOP = matrix.TOP
LEVELS = matrix.LEVELS
COMMAND = "tcpdump -i IF -s 0 -w next.pcap 'tcp port 25 or 465 or 587 or 110 or 995 or icmp or icmp6 or port 113'"

DIES = """@smtp
@from
@to
C: DATA
S: 354 go
filter isp drop
C data 40000
+30s
C rst
"""
HELLO = r"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\x00\x00\x02\x13\x01\x01\x00"
HELLO_13 = r"\x16\x03\x03\x00\x34\x02\x00\x00\x30\x03\x03ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\x00\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"
ALERT_13 = "connect a client:40101 mail:465\nC; %s\nS; %s%s\nC; %s\nC fin\n+100ms\nS fin\n" % (
    HELLO, HELLO_13, r"\x17\x03\x03\x00\x40" + "e" * 64, r"\x17\x03\x03\x00\x13" + "e" * 19)
# number, what is not known, capture or scenario, kind, at most, words that must be said
ROWS = [
    (1, "black hole or a path that died", DIES, "path-outage|pmtu-black-hole", "possible", [COMMAND, "Cannot tell", "behind|beyond"]),
    (1, "joined in the middle of a stall", "lab/art_midstream_blackhole.client.pcap", "path-outage", "cannot-tell",
     ["nothing of the other side", "pmtu-black-hole", "from before the mail program connects"]),
    (1, "given up within three seconds", "limit isp>mail 1400 silent\n@smtp\n@send 20000\n+3s\nC rst\n+1s\n", "peer-reset", "probable",
     ["sent 4 times", "too soon to tell", "pmtu-black-hole", COMMAND]),
    (1, "given up, and the capture ends soon", "limit isp>mail 1400 silent\n@smtp\n@send 20000\n+1500ms\nfilter isp drop\nC gives-up\n+600ms\n",
     "path-outage", "cannot-tell", ["until the capture ended: too soon to tell", "pmtu-black-hole", COMMAND]),
    (1, "the snap length cut the SACK blocks", "@net\ncapture client snaplen 60\n@smtp\n@send 200000\n+30ms\nfilter isp drop\n+20s\nC gives-up\n+1s\n",
     "path-outage", "cannot-tell", ["snap length cut the TCP options", COMMAND]),
    (1, "given up, seen from behind", "@net\ncapture mail\n@smtp\n@from\n@to\nC: DATA\nS: 354 go\n+100ms\nfilter isp drop\nC data 30000\n+40s\nfilter isp off\n"
     "C rst\n+1s\n", "peer-reset", "possible", ["had sent 15928 bytes that never came here", "before this point", COMMAND]),
    (2, "the exact size", "lab/bh_up_1454_wan_nots.client.pcap", "pmtu-black-hole", "confirmed", ["values to try", "ping -M do"]),
    (2, "the size that a router told another connection only", "host client 192.0.2.10 deaf on\nhost mail 198.51.100.25\n"
     "router isp 203.0.113.1\nlink client isp 5ms\nlink isp mail 10ms\ncapture client\nlimit isp>mail 1400\n@smtp\n@send 6000\n+1s\nC gives-up\n"
     "limit isp>mail 1400 silent\n+500ms\n@smtp\n@send 20000\n+25s\nC gives-up\n+1s\n", "pmtu-black-hole", "confirmed",
     ["203.0.113.1 told another one that its next link takes 1400", "a router told another connection", "Clamp the TCP MSS to 1360"]),
    (3, "which hop drops", "lab/bh_up_1454_wan_nots.client.pcap", "pmtu-black-hole", "confirmed", ["capture before and after each suspect"]),
    (4, "black hole or another filter of large packets", "lab/bh_up_1454_wan_nots.client.pcap", "pmtu-black-hole", "confirmed",
     ["for another reason is cured the same way"]),
    (4, "black hole or a capture filter that hides ICMP", "lab/bh_up_1454_wan_nots.client.pcap", "pmtu-black-hole", "confirmed",
     ["a capture filter that lets only TCP pass"]),
    (4, "large packets are refused with another error", "filter isp to mail over 1400 icmp 3 13\n@cut\n", "pmtu-black-hole", "confirmed",
     ["203.0.113.1 answers them with .communication prohibited. and names no size", "Ask the owner of 203.0.113.1"]),
    (5, "silence to SYN", "filter isp to mail port 25 drop\nconnect a client:40101 mail:25\n+70s\nC gives-up\n", "host-unreachable-silent",
     "possible", ["port-blocked-silent", "syn-ack-return-blocked", COMMAND, "at the server"]),
    (6, "why a server refuses", "lab/relay_denied_554.client.pcap", "relay-denied-wrong-network", "probable", ["the server answered"]),
    (7, "what is in TLS", "lab/clean_starttls_13.client.pcap", "capture-encrypted", "confirmed", ["cannot be read", "log", "SSLKEYLOGFILE"]),
    (8, "why TLS 1.3 was given up", ALERT_13, "tls-failure", "probable", ["no capture can tell", "log of the client", "SSLKEYLOGFILE"]),
    (9, "paused, or lost before this point", "@net\ncapture isp>mail\n@smtp\n@from\n@to\nC: DATA\nS: 354 go\nC; Subject: x\\r\\n\\r\\nhello\\r\\n\n+20s\n"
     "connect other client:40199 mail:8080\n+1s\n", "sender-app-pause", "cannot-tell", ["stops in its middle", "at the sender", COMMAND]),
    (9, "paused, or told of a window that is shut", "@net\ncapture mail\n@smtp\n@from\n@to\nC: DATA\nS: 354 go\nC; Subject: x\\r\\n\\r\\nhello\\r\\n\n"
     "+6s\nC asks\n+6s\nC asks\n+6s\nC; more\\r\\n.\\r\\n\n@taken\n", "sender-app-pause", "cannot-tell",
     ["For 18.0 s the client sends nothing of the message", "asks 2 times whether there is room", "what the server said of its window was lost",
      "keeps its connection alive", "the window in the server's packets at both ends", "at the sender", COMMAND]),
    (10, "one side only", "lab/art_one_direction.c2s.pcap", "capture-one-sided", "confirmed", ["both directions", "tx and rx"]),
    (11, "capture loss", "public/zeek__smtp_smtp-bdat-gap.pcap", "capture-loss", "confirmed", ["lowered or withheld", "larger buffer"]),
    (12, "who reset", "@smtp\nC: MAIL FROM:<a@example.net>\nS rst\n+1s\n", "peer-reset", "probable", ["at both ends", "injected", COMMAND]),
    (13, "what happened behind the 250", "lab/clean_single_swaks.client.pcap", "mail-accepted", "confirmed", ["further on", "queue number"]),
    (14, "250 lost or not sent", "@smtp\n@from\n@to\n@data\n+20s\nconnect other client:40199 mail:8080\n+1s\n", "slow-reply", "possible", ["when the capture ended", "never sent", COMMAND]),
    (14, "given up or a dead way back", "@smtp\n@from\n@to\n@data\n+60s\nS lose 50\nC fin\n", "client-gave-up-waiting", "possible",
     ["looks the same", "at the server", COMMAND]),
    (14, "a dead way, or a server that is gone", "@smtp\n@from\n@to\n@data\n+60s\nS lose 50\nC fin\n+20s\n", "path-outage", "possible",
     ["nobody answers its close either", "a server that was gone", "at the server", COMMAND]),
    (14, "an answer too late, or taken on its way", "filter isp to client word 8BITMIME drop\nconnect a client:40101 mail:25\nS: 220 mx ESMTP\nC: EHLO pc\n"
     "S: 250-mx\\r\\n250 8BITMIME\n+14s\nC gives-up\n+1s\n", "client-gave-up-waiting", "cannot-tell",
     ["lies behind 22 bytes that never came here", "taken on its way", "on either side of each suspect", COMMAND]),
    (14, "no answer, and an end that was lost", "connect a client:40101 mail:25\nS: 220 mx ESMTP\nC: EHLO pc\n+14s\nS lose 1\nC fin\n+5ms\nS fin\n+2s\n",
     "client-gave-up-waiting", "confirmed", [r"^(?!.*did answer)", "the server is heard even after the close"]),
    (14, "no greeting yet", "connect a client:40101 mail:25\n+15s\nconnect other client:40199 mail:8080\n+1s\n", "connected-no-banner", "cannot-tell",
     ["sent no greeting for 1. s", "slow to greet", "until the client gives up", COMMAND]),
    (15, "sizes behind offload", "lab/art_tso_blackhole.client.pcap", "capture-offload", "confirmed", ["mirror port", "ethtool -K"]),
    (16, "STARTTLS stripped or not supported", "@smtp\nC: STARTTLS\nS: 502 5.5.1 not implemented\n@quit\n", "tls-not-offered", "confirmed",
     ["Cannot tell", "removes STARTTLS", "at the server", COMMAND]),
    (17, "why a POP login fails", "@pop\nC: PASS x\nS: -ERR no\n@popquit\n", "pop-auth-failed", "probable", ["locked mailbox", "Cannot tell", COMMAND]),
    (19, "who ignores the router", "lab/icmp_ignored_up_1400.mid.pcap", "icmp-frag-needed-ignored|pmtu-black-hole", "confirmed",
     ["unheard or unheeded by the sender", "Cannot tell", COMMAND]),
    (20, "greylisted or just busy", "@smtp\n@from\nC: RCPT TO:<ann@example.org>\nS: 450 4.7.1 try later\n@quit\n", "greylisted|temporary-server-error",
     "possible", ["Cannot tell", COMMAND]),
]
# where nothing is seen at all (9): the report itself says it
SILENT = [(9, "an error before the wire", "connect a client:40101 mail:8080\nC: GET / HTTP/1.0\nS: HTTP/1.0 200 ok\n+1s\n",
           ["No mail was seen", "before the wire", "loopback", "virus scanner"])]


def capture_of(build, tmp, source):
    if source.endswith(".pcap"):
        return os.path.join(TOP, "captures", source)
    lines = source.splitlines()
    if not any(l.startswith("capture") for l in lines):
        lines = ["@net"] + lines
    text, pcap = os.path.join(tmp, "case.scenario"), os.path.join(tmp, "case.pcap")
    with open(text, "w", encoding="utf-8") as f:
        f.write("\n".join(matrix.expand(lines, matrix.macros_read())) + "\n")
    ready.run([os.path.join(build, "tests/scenario/scenario"), text, pcap]).check_returncode()
    return pcap


def problems(findings, kinds, most, words):
    of_kind = [f for f in findings if f["kind"] in kinds.split("|")]
    if not of_kind:
        return ["%s is not said, but %s" % (kinds, [(f["kind"], f["confidence"]) for f in findings])]
    text = " ".join(matrix.words.said_of(f) for f in of_kind)
    out = ["%s is said as %s" % (f["kind"], f["confidence"]) for f in of_kind if LEVELS.index(f["confidence"]) > LEVELS.index(most)]
    return out + ["`%s' is not said: %s" % (w, text) for w in words if w not in text and not re.search(w, text)]


def main():
    build, passed, failed = os.path.abspath(sys.argv[1]), 0, 0
    binary = os.path.join(build, "mailwhy")
    with tempfile.TemporaryDirectory() as tmp:
        for number, what, source, *want in ROWS + SILENT:
            path = capture_of(build, tmp, source)
            if len(want) == 1:
                out = ready.run([binary, "--color=never", path]).stdout.decode()
                bad = ["`%s' is not said: %s" % (w, out) for w in want[0] if w not in " ".join(out.split())]
            else:
                out = ready.run([binary, "--json", path]).stdout.decode()
                bad = problems([f for f in map(json.loads, out.splitlines()) if f["type"] == "finding"], *want)
            passed += not bad
            failed += bool(bad)
            for b in bad:
                print("FAIL %d, %s: %s" % (number, what, b))
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
