#!/usr/bin/python3
"""growth.py MAILWHY [CAPTURE...] - eight times as many connections cost eight times as much, not sixty-four.

Each capture becomes one of many connections of the same client and server,
one after the other, sound or failing all in the same way: what a relay's or a
sensor's capture looks like.  CPU time, less what starting costs; a walk over
all connections for each connection would make the ratio 64.

Beside these, a client of very many hosts whose port 25 is blocked: each failing
connection may be held against the other hosts (some 60 times the cost of the
hosts alone), but not against each pair of them (1,250 times).  One connection of
very many mails, in the ways that mails go.  And a pcapng file of very many
interfaces, a packet on each: memory, for each is a capture point.

What one capture does not bring together is made as records: all connections at
the same time; POP3 logins, then mails refused and mails taken; logins that fail;
one recipient put off and taken again and again; thousands of capture points.
"""
import concurrent.futures
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

import capfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FEW, MANY, AT_MOST = 500, 4000, 20
HOSTS, BLOCKED, AT_MOST_BLOCKED = 32000, 10000, 250
INTERFACES, AT_MOST_KIB = 4096, 90
MAILS_FEW, MAILS_MANY = 1000, 8000
CAPTURES = ["clean_single_swaks", "clean_auth_login", "clean_pop3_full", "relay_denied_554", "greylist_450_then_ok",
            "pop_before_smtp_seed", "p25_drop_587_ok", "p25_rst_router", "mb_starttls_stripped", "bh_up_pppoe",
            "bh_down_pop3_1492_wan", "icmp_ignored_up_1400"]


def again(frame, nth):
    """The frame in another connection: another port of the client, other sequence numbers, the checksum adapted (RFC 1624)."""
    if frame[12:15] != b"\x08\0\x45" or frame[23] != 6 or len(frame) < 54:
        return frame
    source, target, seq, ack = struct.unpack(">HHII", frame[34:46])
    up = source > target
    mine, other = nth * 519179983 & 0xffffffff, nth * 1557539949 & 0xffffffff
    if up:
        source = 1024 + (source + nth * 7) % 60000
    else:
        target = 1024 + (target + nth * 7) % 60000
    seq = seq + (mine if up else other) & 0xffffffff
    ack = ack and ack + (other if up else mine) & 0xffffffff
    new = struct.pack(">HHII", source, target, seq, ack)
    total = 0xffff ^ struct.unpack(">H", frame[50:52])[0]
    total += sum(0xffff ^ w for w in struct.unpack(">6H", frame[34:46])) + sum(struct.unpack(">6H", new))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return frame[:34] + new + frame[46:50] + struct.pack(">H", 0xffff ^ total) + frame[52:]


def multiplied(capture, n):
    step = capture.frames[-1][0] - capture.frames[0][0] + 2 * 10**9
    return capture.with_frames([(ns + k * step, wire, again(data, k)) for k in range(n) for ns, wire, data in capture.frames])


def client_of_many(hosts, blocked):
    """One client, port 80 of `hosts` that answer, and port 25 of `blocked` others that do not."""
    client, frames = 0x0A000001, []

    def segment(us, source, target, sport, dport, seq, ack, flags):
        data = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 1, 0x4000, 64 if source == client else 60, 6, 0, source, target)
        data += struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0)
        frames.append((1700000000 * 10**6 + us, data))
    for i in range(hosts):
        host, port = 0x14000000 + i * 257, 1024 + i % 60000
        segment(i * 100, client, host, port, 80, 1, 0, 0x02)
        segment(i * 100 + 20000, host, client, 80, port, 9, 2, 0x12)
        segment(i * 100 + 20100, client, host, port, 80, 2, 10, 0x10)
    for i in range(blocked):
        for again_us in (0, 1000000, 3000000, 7000000):
            segment(i * 300 + 50 + again_us, client, 0x50000000 + i * 65537, 1024 + i % 60000, 25, 5, 0, 0x02)
    frames.sort(key=lambda f: f[0])
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + \
        b"".join(struct.pack("<IIII", *divmod(us, 10**6), len(d), len(d)) + d for us, d in frames)


def blocked_passes(mailwhy, room, tell):
    alone, all_of_them = client_of_many(HOSTS, 0), client_of_many(HOSTS, BLOCKED)
    without, with_them, ratio = held_against(AT_MOST_BLOCKED, lambda: cost(mailwhy, alone, room), lambda: cost(mailwhy, all_of_them, room))
    if ratio > AT_MOST_BLOCKED or tell:
        print("%s%d hosts take %.2f s, with %d blocked ones more %.2f s: %.0f times" %
              ("" if ratio <= AT_MOST_BLOCKED else "FAIL: ", HOSTS, without, BLOCKED, with_them, ratio))
    return ratio <= AT_MOST_BLOCKED


class Dialogue:
    """One connection, raw IP: what each side says is one segment that acknowledges the other's; every 200 us."""
    def __init__(self, port):
        self.frames, self.us, self.seq, self.port = [], 1700000000 * 10**6, [1000, 5000], port
        self.segment(0, b"", 0x02, 1)
        self.segment(1, b"", 0x12, 1)
        self.segment(0, b"", 0x10)

    def segment(self, side, data, flags=0x18, length=0):
        ends = ((0x0A000001, 40000), (0x0A000002, self.port))
        source, target = ends[side], ends[1 - side]
        head = struct.pack(">BBHHHBBHII", 0x45, 0, 40 + len(data), len(self.frames) & 0xffff, 0x4000, 64, 6, 0, source[0], target[0])
        head += struct.pack(">HHIIBBHHH", source[1], target[1], self.seq[side], self.seq[1 - side] if flags != 0x02 else 0, 0x50, flags,
                            65535, 0, 0)
        self.frames.append((self.us, head + data))
        self.us += 200
        self.seq[side] += len(data) + length

    def says(self, *lines):
        """What the client says, what the server answers, and so on."""
        for i, line in enumerate(lines):
            for at in range(0, len(line), 1400):
                self.segment(i % 2, line[at:at + 1400].encode())
        return self

    def pcap(self):
        self.segment(0, b"", 0x11, 1)
        self.segment(1, b"", 0x11, 1)
        self.segment(0, b"", 0x10)
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + \
            b"".join(struct.pack("<IIII", *divmod(us, 10**6), len(d), len(d)) + d for us, d in self.frames)


def smtp_of_many(n, end, rcpt=lambda i: "250 ok\r\n"):
    """A mail after the other; how each ends, and what is said to its recipient."""
    d = Dialogue(25).says("", "220 mx ESMTP\r\n", "EHLO a\r\n", "250 mx\r\n")
    for i in range(n):
        d.says("MAIL FROM:<a%d@x.example>\r\n" % i, "250 ok\r\n", "RCPT TO:<b%d@y.example>\r\n" % i, rcpt(i))
        if rcpt(i)[0] != "2":
            d.says("RSET\r\n", "250 ok\r\n")
        else:
            d.says("DATA\r\n", "354 go\r\n", "Subject: x\r\nMessage-ID: <%d@x>\r\n\r\nx\r\n.\r\n" % i, end(i))
    return d.pcap()


def client_of_smtp(n, lines):
    """What the server answers is not in the capture."""
    return Dialogue(25).says("", "220 mx ESMTP\r\n", "EHLO a\r\n", "250 mx\r\n", lines * n).pcap()


def pop_of_many(n, answer):
    """A whole mailbox, the newest first."""
    d = Dialogue(110).says("", "+OK ready\r\n", "USER a\r\n", "+OK\r\n", "PASS b\r\n", "+OK\r\n")
    for verb in "LIST", "UIDL":
        d.says(verb + "\r\n", "+OK\r\n" + "".join("%d %d\r\n" % (i, 1000 + i) for i in range(1, n + 1)) + ".\r\n")
    for i in range(n, 0, -1):
        d.says("RETR %d\r\n" % i, answer(i))
    return d.pcap()


def deferred(i):
    return "451 4.7.1 Greylisted, come back in %d seconds\r\n" % i


def message(i):
    return "+OK\r\nSubject: x\r\nMessage-ID: <%d@x>\r\n\r\nx\r\n.\r\n" % i


TALKS = {
    "accepted mails": lambda n: smtp_of_many(n, lambda i: "250 ok\r\n"),
    "deferred mails": lambda n: smtp_of_many(n, deferred),
    "mails, every other deferred": lambda n: smtp_of_many(n, lambda i: deferred(i) if i % 2 else "250 ok\r\n"),
    "refused recipients": lambda n: smtp_of_many(n, None, lambda i: "550 5.1.1 <b%d@y.example>: User unknown\r\n" % i),
    "mails without a server": lambda n: client_of_smtp(n, "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nx\r\n.\r\n"),
    "commands without a server": lambda n: client_of_smtp(8 * n, "NOOP\r\n"),
    "fetched messages": lambda n: pop_of_many(n, message),
    "messages that are not there": lambda n: pop_of_many(n, lambda i: "-ERR\r\n"),
    "messages, every other not there": lambda n: pop_of_many(n, lambda i: "-ERR\r\n" if i % 2 else message(i)),
}


def talk_passes(mailwhy, kind, room, tell):
    return grows_as_it_should(mailwhy, "one connection of " + kind, TALKS[kind], MAILS_FEW, MAILS_MANY, room, tell)


def many_interfaces(n):
    """pcapng, raw IP: n interfaces, a SYN to port 25 on each."""
    def block(kind, body):
        size = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + size + body + size

    syn = struct.pack(">BBHHHBBHII", 0x45, 0, 40, 1, 0x4000, 64, 6, 0, 0x0A000001, 0x0A000002) + \
        struct.pack(">HHIIBBHHH", 40000, 25, 5, 0, 0x50, 0x02, 64240, 0, 0)
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + \
        b"".join(block(1, struct.pack("<HHI", 101, 0, 65535)) for _ in range(n)) + \
        b"".join(block(6, struct.pack("<IIIII", i, 0x60000, i, len(syn), len(syn)) + syn) for i in range(n))


def interfaces_pass(mailwhy, room, tell):
    few, many = (run(mailwhy, many_interfaces(n), room)[0].ru_maxrss for n in (1, INTERFACES))
    each = (many - few) / (INTERFACES - 1)
    if each > AT_MOST_KIB or tell:
        print("%s%d interfaces take %d KiB, one %d KiB: %.0f KiB each" %
              ("" if each <= AT_MOST_KIB else "FAIL: ", INTERFACES, many, few, each))
    return each <= AT_MOST_KIB


# ---- records ---------------------------------------------------------------------------------

CLIENT, SERVER = "192.0.2.10", "198.51.100.25"
BASE_MS = 1700000000000


def moment(ms):
    when = BASE_MS + int(ms)
    return {"frame": 1 + int(ms) % 1000000, "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when // 1000)) + ".%03d000000Z" % (when % 1000)}


def reply(ms, code, text):
    return {"at": moment(ms), "code": code, "enhanced": "", "text": text}


def session(n, ms, app="smtp", port=25, client=CLIENT, server=SERVER, point=0, last=500, **more):
    """A connection of half a second and its session, as far as the rules ask."""
    key = {"schema": 1, "point": point, "conn": "%016x" % (n + 1), "app": app, "first": moment(ms), "last": moment(ms + last),
           "client": {"ip": client, "port": 1024 + n % 60000}, "server": {"ip": server, "port": port}}
    way = {"packets": 10, "data_segments": 5, "stream_bytes": 500, "acked": 500, "isn_known": True, "ttl": 60, "ttl_syn": 60,
           "data_first": moment(ms + 60), "data_last": moment(ms + last), "first": moment(ms), "last": moment(ms + last)}
    greeting = reply(ms + 60, 1 if app == "pop3" else 220, "mail.example.net ready")
    return [dict(key, type="connection", by="port", state="established", syn=[moment(ms)], syn_count=1, synack_count=1, synack_first=moment(ms + 20),
                 synack_last=moment(ms + 20), handshake=moment(ms + 40), vantage=-1, dir=[dict(way, isn=n * 7919 + 70000), dict(way, isn=n * 104729 + 70000)]),
            dict(key, type="session", visible=True, server_seen=True, client_seen=True, ehlo=True, ehlo_answered=True, greeting=greeting,
                 greeting_begun=greeting["at"], **more)]


def mail(n, ms, code, text, sender="ann@example.org", recipient="bob@example.net", **more):
    """One with a mail to a recipient that gets this reply."""
    both = {"schema": 1, "point": more.get("point", 0), "conn": "%016x" % (n + 1), "n": 1}
    verdict = {2: "accepted", 4: "deferred", 5: "refused"}[code // 100]
    final = reply(ms + 180, 250, "queued") if code < 300 else reply(ms + 125, code, text)
    sent = {"recipients_accepted": 1, "data_sent": True, "end_acked": True, "data_at": moment(ms + 130), "data_reply": reply(ms + 140, 354, "go on"),
            "end_of_data": moment(ms + 160), "final_reply": final} if code < 300 else {}
    return session(n, ms, transactions=1, **more) + [
        dict(both, type="transaction", sender=sender, first=moment(ms + 100), last=moment(ms + 200), recipients=1, verdict=verdict, verdict_reply=final,
             mail_reply=reply(ms + 110, 250, "Ok"), **sent),
        dict(both, type="recipient", m=1, address=recipient, at=moment(ms + 120), reply=reply(ms + 125, code, text), verdict=verdict)]


def login(n, ms, code, text, user="0123456789abcdef", **more):
    """A POP3 login, answered so."""
    refused = {"refusals": [{"verb": "PASS", "line": "PASS", "asked": moment(ms + 90), "reply": reply(ms + 100, code, text)}], "refusals_kept": 1,
               "refusal_count": 1} if code == 0 else {"logins_ok": 1, "auth_ok": True, "quit_ok": True}
    return session(n, ms, "pop3", 110, auth_tried=True, auth_at=moment(ms + 100), user_hash=user, **refused, **more)


def overlapping(n):
    """All at once, and of some what is large never arrives: who else lived then, and what passed meanwhile?"""
    for i in range(n):
        began = i * 1000 // n
        conn, words = session(i, began, last=20000)
        yield words
        if i % 4:
            yield conn
            continue
        conn["rtt_ns"], conn["rtt_known"] = 40000000, True
        conn["dir"][0].update(mss=1460, ceiling=1500, w_max=1500, at_sender=True, proven=92, proven_at=moment(began + 80), all_lost_above_proven=True,
                              sizes=[{"w": 92, "ok": 4, "lost": 0}, {"w": 1500, "ok": 0, "lost": 15}], size_count=2)
        conn["dir"][1]["mss"] = 1460
        sent = [dict(moment(began + 100 + ms), w=1500, df=True, lost=True) for ms in (0, 210, 630, 1470, 3130, 6400)]
        yield conn
        yield {"type": "stall", "schema": 1, "point": 0, "conn": "%016x" % (i + 1), "n": 1, "m": 0, "from": conn["client"], "to": conn["server"],
               "first": moment(began + 100), "last": moment(began + 6500), "lost_last": moment(began + 6500), "u": 1500, "w_min": 1500, "proven": 92,
               "chain": sent, "chain_len": 6, "chain_count": 6, "chain_lost": 6, "chain_above": 6, "chain_starts": 1, "n_lost_ge": 15, "n_ok_lt": 4,
               "first_of_size": True}


def pop_then_smtp(n):
    """A third each: logins of one client, mails refused without one, mails taken."""
    for i in range(n // 3):
        yield from login(3 * i, 3000000 * i / n, 1, "ready")
        yield from mail(3 * i + 1, 2000000 + 3000000 * i / n, 553, "Relaying denied, first check your mail")
        yield from mail(3 * i + 2, 4000000 + 3000000 * i / n, 250, "Ok")


def failing_logins(n):
    """Of one user, at one server: wrong, locked, and too soon in turn, and some that succeed."""
    words = [(0, "[AUTH] invalid login"), (0, "[IN-USE] maildrop is locked"), (0, "[LOGIN-DELAY] too soon"), (0, "no"), (1, "ready")]
    for i in range(n):
        yield from login(i, i * 10, *words[i % 5], user="%016x" % (i % 5), capabilities="LOGIN-DELAY 900")


def greylisted(n):
    """One recipient of one server, put off and taken again and again; each time of another sender."""
    for i in range(n // 2):
        yield from mail(2 * i, i * 100, 450, "4.2.0 Greylisted", sender="a%d@example.org" % i)
        yield from mail(2 * i + 1, 40000000 + i * 100, 250, "Ok", sender="b%d@example.org" % i, client="203.0.113.7" if i % 2 else CLIENT)


def many_points(n):
    """Every eighth connection at a place of its own, with its capture."""
    for i in range(n):
        yield from session(i, i * 100, point=i % (n // 8))
    for i in range(n // 8):
        yield {"type": "capture", "schema": 1, "point": i, "file": "%d.pcap" % i, "first": moment(0), "last": moment(n * 100), "frames": 100, "link_type": 1}


def pairs_of_points(n):
    """Each connection at two of 40 places: hundreds of pairs of them."""
    for i in range(n // 2):
        for point in (i % 40, (i + 1 + i // 40 % 39) % 40):
            yield from session(i, i * 100 + point, point=point)
    for i in range(40):
        yield {"type": "capture", "schema": 1, "point": i, "file": "%d.pcap" % i, "first": moment(0), "last": moment(n * 100), "frames": 100, "link_type": 1}


# So many, so many times as many, and at most so much more: far beyond what one search looks at, only the number of searches grows.
MIXTURES = [(overlapping, 5000, 3, 5), (failing_logins, 3000, 4, 12), (greylisted, 6000, 4, 6), (pop_then_smtp, 1500, 8, AT_MOST),
            (many_points, 1500, 8, AT_MOST), (pairs_of_points, 1500, 8, AT_MOST)]


def mixture_passes(mailwhy, room, mixture, few, times, at_most, tell):
    data = ["".join(json.dumps(r) + "\n" for r in mixture(n)).encode() for n in (few, times * few)]
    some, many, ratio = held_against(at_most, *(lambda d=d: cost(mailwhy, d, room, ".jsonl") for d in data))
    if ratio > at_most or tell:
        print("%s%s: %d connections take %.2f s, %d take %.2f s: %.1f times" %
              ("" if ratio <= at_most else "FAIL: ", mixture.__name__, few, some, times * few, many, ratio))
    return ratio <= at_most


def run(mailwhy, pcap, room, ending=".pcap"):
    """What it costs, and whether searches ended at their bound."""
    with tempfile.NamedTemporaryFile(dir=room, suffix=ending) as f:
        f.write(pcap)
        f.flush()
        with tempfile.TemporaryFile(dir=room) as out:
            p = subprocess.Popen([mailwhy, "--no-progress", f.name], stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(p.pid, 0)
            out.seek(0)
            said = out.read()
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0 or not said:
        raise RuntimeError("growth: exit status %d, %d bytes said" % (p.returncode, len(said)))
    return usage, b"ended at their bound" in b" ".join(said.split())


def cost(mailwhy, pcap, room, ending=".pcap"):
    usage, _ = run(mailwhy, pcap, room, ending)
    return usage.ru_utime + usage.ru_stime


def held_against(at_most, few, many, start=0):
    """What few cost and what many do, and how often that is.  Noise makes a run longer, never shorter: what is too long is tried again."""
    some = spent = float("inf")
    for _ in range(4):
        some, spent = min(some, few()), min(spent, many())
        ratio = (spent - start) / max(some - start, 0.02)   # less is noise
        if ratio <= at_most:
            break
    return some - start, spent - start, ratio


def grows_as_it_should(mailwhy, what, make, few, many, room, tell):
    data = [make(n) for n in (1, few, many)]
    start = min(cost(mailwhy, data[0], room) for _ in range(2))
    some, spent, ratio = held_against(AT_MOST, lambda: cost(mailwhy, data[1], room), lambda: cost(mailwhy, data[2], room), start)
    if ratio > AT_MOST or tell:
        print("%s%s: %d take %.2f s, %d take %.2f s: %.0f times" %
              ("" if ratio <= AT_MOST else "FAIL: ", what, few, some, many, spent, ratio))
    return ratio <= AT_MOST


def capture_passes(mailwhy, path, room, tell):
    capture = capfile.load(path)
    if os.path.basename(path).startswith("clean_") and run(mailwhy, multiplied(capture, MANY).pcap(), room)[1]:
        print("FAIL: %s: nothing is wrong in any of %d connections, and searches among them ended at their bound" % (os.path.basename(path), MANY))
        return False
    return grows_as_it_should(mailwhy, os.path.basename(path), lambda n: multiplied(capture, n).pcap(), FEW, MANY, room, tell)


def main():
    mailwhy, names = sys.argv[1], sys.argv[2:]
    files = names or [os.path.join(TOP, "captures/lab", n + ".client.pcap") for n in CAPTURES]
    with tempfile.TemporaryDirectory() as room, concurrent.futures.ThreadPoolExecutor(2) as pool:
        passed = [interfaces_pass(mailwhy, room, names)]    # first: what this process holds counts as held at the start
        jobs = [pool.submit(mixture_passes, mailwhy, room, *mixture, names) for mixture in MIXTURES]
        jobs += [pool.submit(blocked_passes, mailwhy, room, names)]
        jobs += [pool.submit(capture_passes, mailwhy, path, room, names) for path in files]
        jobs += [pool.submit(talk_passes, mailwhy, kind, room, names) for kind in TALKS]
        passed += [j.result() for j in jobs]
    print("%d passed, %d failed" % (sum(passed), len(passed) - sum(passed)))
    return not all(passed)


if __name__ == "__main__":
    sys.exit(main())
