#!/usr/bin/python3
"""client.py [--host H] [--timeout S] STEP... - a mail client that says what happened to it.

send=BYTES[,port=25][,to=ADDRESS][,tls[=verify]][,auth=PASSWORD][,pause=SECONDS][,word=TEXT][,nosize][,from=PORT]
early             speaks before the server's greeting
hold=COUNT        opens so many connections at once, reads their greetings, and ends them
  more of them: ssl (from the first byte), pipe (MAIL, RCPT and DATA at once), chunk=BYTES (BDAT), idle=SECONDS (before MAIL), slow, claim=BYTES,
  bits=BYTES (so many at a time), nodelay
pop[,fetch][,ssl][,port=110][,pass=WORD]  a POP3 session as bob; with fetch every message
sleep=SECONDS
Each step but sleep prints one line: {"step", "ok", "code", "said"}.
"""
import argparse
import functools
import json
import poplib
import smtplib
import socket
import ssl
import time

LINE = "The quick brown fox jumps over the lazy dog, and over it once more.\r\n"


def content(size, word):
    head = "From: bob@example.org\r\nTo: alice@example.net\r\nSubject: lab\r\nMessage-ID: <lab-%d@example.org>\r\n\r\n" % time.time_ns()
    lines = LINE * (size // len(LINE))
    half = len(lines) // 2 // len(LINE) * len(LINE)
    return head + lines[:half] + (word + "\r\n" if word else "") + lines[half:]


def chunks(s, text, opt):
    """CHUNKING (RFC 3030)."""
    size, data = int(opt["chunk"]), text.encode()
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        s.sock.sendall(b"BDAT %d%s\r\n" % (len(piece), b" LAST" if at + size >= len(data) else b"") + piece)
        code, said = s.getreply()
        if code != 250:
            break
    return code, said


def pipelined(s, size, opt):
    """MAIL, RCPT and DATA at once (RFC 2920)."""
    s.sock.sendall(b"MAIL FROM:<bob@example.org>\r\nRCPT TO:<%s>\r\nDATA\r\n" % opt.get("to", "alice@example.net").encode())
    answers = [s.getreply() for _ in range(3)]
    if answers[2][0] == 354:
        s.sock.sendall(content(size, None).encode() + b".\r\n")
        answers.append(s.getreply())
    s.quit()
    return answers[-1]


def pour(s, text, opt):
    """DATA by hand, with a rest in the middle, or slowly."""
    pause = float(opt.get("pause", 0))
    code, said = s.docmd("DATA")
    if code != 354:
        return code, said
    for at in range(0, len(text), 20000) if "slow" in opt else ():
        s.sock.sendall(text[at:at + 20000].encode())
        time.sleep(.2)
    if "nodelay" in opt:
        s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(0, len(text), int(opt.get("bits", 1))) if "bits" in opt else ():
        s.sock.sendall(text[at:at + int(opt["bits"])].encode())
    text = "" if "slow" in opt or "bits" in opt else text
    half = len(text) // 2
    s.sock.sendall(text[:half].encode())
    time.sleep(pause)
    s.sock.sendall(text[half:].encode() + b".\r\n")
    return s.getreply()


def send(host, timeout, size, opt):
    kind = functools.partial(smtplib.SMTP_SSL, context=ssl._create_unverified_context()) if "ssl" in opt else smtplib.SMTP
    s = kind(host, int(opt.get("port", 25)), timeout=timeout, local_hostname="client.example.org",
                     source_address=("", int(opt["from"])) if "from" in opt else None)
    try:
        if s.ehlo()[0] != 250:
            s.helo()
        if "tls" in opt:
            context = ssl.create_default_context() if opt["tls"] == "verify" else ssl._create_unverified_context()
            code, said = s.starttls(context=context)
            if code != 220:
                return code, said
            s.ehlo()
        if "auth" in opt:
            s.login("bob", opt["auth"])
        if "idle" in opt:
            time.sleep(float(opt["idle"]))
        if "pipe" in opt:
            return pipelined(s, size, opt)
        options = ["SIZE=%s" % opt.get("claim", size)] if s.has_extn("size") and "nosize" not in opt else []
        code, said = s.mail("bob@example.org", options)
        if code == 250:
            code, said = s.rcpt(opt.get("to", "alice@example.net"))
        if code in (250, 251):
            code, said = (chunks if "chunk" in opt else pour)(s, content(size, opt.get("word")), opt)
        s.quit()
        return code, said
    finally:
        s.close()


def pop(host, timeout, opt):
    kind = functools.partial(poplib.POP3_SSL, context=ssl._create_unverified_context()) if "ssl" in opt else poplib.POP3
    s = kind(host, int(opt.get("port", 110)), timeout=timeout)
    try:
        s.user("bob")
        s.pass_(opt.get("pass", "secret"))
        count = s.stat()[0]
        s.list()
        for n in range(1, count + 1 if "fetch" in opt else 1):
            s.retr(n)
        s.quit()
        return 250, b"%d messages" % count
    finally:
        s.close()


def early(host, timeout, opt):
    """EHLO and MAIL at once, without waiting for anybody."""
    with socket.create_connection((host, int(opt.get("port", 25))), timeout) as s:
        s.sendall(b"EHLO client.example.org\r\nMAIL FROM:<bob@example.org>\r\n")
        said = s.makefile("rb").readline()
    return int(said[:3] or 0), said


def hold(host, timeout, count, opt):
    """The worst of the greetings."""
    held = [socket.create_connection((host, int(opt.get("port", 25))), timeout) for _ in range(count)]
    said = max(s.makefile("rb").readline() for s in held)
    for s in held:
        s.sendall(b"QUIT\r\n")
        s.close()
    return int(said[:3] or 0), said


def step(host, timeout, text):
    first, *rest = text.split(",")
    opt = dict((r.split("=", 1) + [""])[:2] for r in rest)
    name, _, value = first.partition("=")
    out = {"step": text, "ok": False, "code": None}
    try:
        if name == "pop":
            code, said = pop(host, timeout, opt)
        elif name == "early":
            code, said = early(host, timeout, opt)
        elif name == "hold":
            code, said = hold(host, timeout, int(value), opt)
        else:
            code, said = send(host, timeout, int(value), opt)
        out.update(ok=200 <= code < 300, code=code, said=said.decode("utf-8", "replace"))
    except smtplib.SMTPResponseException as e:
        out.update(code=e.smtp_code, said=str(e.smtp_error))
    except (OSError, EOFError, smtplib.SMTPException, poplib.error_proto) as e:
        out.update(said="%s: %s" % (type(e).__name__, e))
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--host", required=True)
    ap.add_argument("--timeout", type=float, default=10)
    ap.add_argument("--source", help="the client's own address")
    ap.add_argument("steps", nargs="+")
    a = ap.parse_args()
    socket.setdefaulttimeout(a.timeout)
    if a.source:
        connect = socket.create_connection
        socket.create_connection = lambda to, timeout=a.timeout, source_address=None: connect(to, timeout, source_address or (a.source, 0))
    for s in a.steps:
        if s.startswith("sleep="):
            time.sleep(float(s[6:]))
            continue
        print(json.dumps(step(a.host, a.timeout, s)), flush=True)


if __name__ == "__main__":
    main()
