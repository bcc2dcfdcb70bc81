#!/usr/bin/python3
"""cli.py MAILWHY [CAPTURES] - the command as scripts use it: exit statuses,
messages, broken outputs, records read back, mixed inputs."""
import gzip
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

BINARY = os.path.abspath(sys.argv[1])
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CAPTURES = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.path.join(TOP, "captures"))
HOLE = os.path.join(CAPTURES, "lab/bh_up_1454_wan_nots.client.pcap")
CLEAN = os.path.join(CAPTURES, "lab/clean_pop3_full.client.pcap")
CUT = os.path.join(CAPTURES, "lab/art_formats.cut.pcap")
passed, failed = 0, 0


def run(*args, **kw):
    p = subprocess.run([BINARY, *args], capture_output=True, timeout=60, **kw)
    return p.returncode, p.stdout, p.stderr.decode()


def piped(fifo, text, *args):
    """What the command makes of a named pipe."""
    p = subprocess.Popen([BINARY, *args, fifo], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(fifo, "wb") as f:
        f.write(text)
    out, err = p.communicate(timeout=60)
    return p.returncode, out, err.decode()


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL " + what)


def last(out):
    return json.loads(out.splitlines()[-1])


def statuses():
    for want, args in ((0, [HOLE]), (1, ["--exit-code", HOLE]), (0, ["--exit-code", CLEAN]), (0, [CUT]),
                       (4, ["--exit-code", CUT]), (4, ["--exit-code", CUT, HOLE]), (3, ["/nonexistent"]),
                       (3, ["/nonexistent", CLEAN]), (3, [os.path.join(TOP, "README.md")]), (2, []), (2, ["--bogus"]),
                       (2, ["-f", "no such filter", HOLE]), (2, ["--json", "--transcript", HOLE]), (2, ["-", "-"]),
                       (2, ["-i", "lo", HOLE]), (2, ["--color", "blue", HOLE]), (0, ["--help"]), (0, ["-V"]),
                       (3, ["--replies", "/nonexistent", HOLE]), (3, ["--records", "/nonexistent/x", HOLE])):
        rc, _, err = run(*args)
        check(rc == want, "%s: exit status %d, want %d: %s" % (args, rc, want, err.strip()))
        check(rc in (0, 1) or err != "" or args == ["--exit-code", CUT], "%s: no message" % args)


def messages():
    _, _, err = run(CUT)
    check(CUT in err and "frame" in err, "damage names file and frame: " + err)
    rc, out, err = run("/nonexistent", CLEAN)
    check("/nonexistent: No such file" in err and b"POP3" in out, "a bad input does not stop the others")
    rc, out, err = run("/tmp/\x1b[31m")
    check("\x1b" not in err, "names are escaped in messages")
    out = run("--transcript", os.path.join(CAPTURES, "lab/rcv_zero_window.client.pcap"))[1].decode()
    check(re.search(r"\n +0\.15\d+ +17-262  C: <250375 bytes.*\n +12\.41\d+ +262  === end of data \(client\)\n +12\.43\d+ +269  S: 250", out),
          "a transcript tells the end of a message when it came: " + out)
    check(run("--help")[1].index(b"Examples") < run("--help")[1].index(b"Usage"), "examples first")
    with open(os.path.join(TOP, "docs", "mailwhy.1"), encoding="utf-8") as f:
        manual = {"-" + o for line in f if line.startswith(".It Fl") for o in re.findall(r"Fl (?:Fl )?([\w-]+)", line.replace("Fl Fl ", "Fl -"))}
    told = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", "\n".join(
        line[:22] for line in run("--help")[1].decode().splitlines() if re.match(r" +--?\w", line))))
    check(manual == told, "the manual page and --help name the same options: %s" % sorted(manual ^ told))


def near_misses(tmp):
    """What is no option is named in one line, by this program's name, with what was perhaps meant."""
    dash = os.path.join(tmp, "-dash.pcap")
    shutil.copy(CLEAN, dash)
    for args, said in ((["--hlep"], "(perhaps --help is meant): --hlep"), (["--no-color", CLEAN], "(perhaps --color is meant): --no-color"),
                       (["--transcrpit", CLEAN], "(perhaps --transcript is meant)"), (["--quux"], "no such option: --quux"),
                       (["-x", CLEAN], "no such option: -x"), (["--re", "x"], "more than one option begins so: --re"),
                       (["--json=1", CLEAN], "takes no value: --json=1"), ([CLEAN, "--records"], "takes a value: --records"),
                       ([CLEAN, "-r"], "takes a value: -r"), (["--" + 300 * "x"], "no such option: --xxx"), (["--\x1b[31m"], "no such option: --\\"),
                       (["-dash.pcap"], "put ./ before it: -dash.pcap")):
        rc, out, err = run(*args, cwd=tmp)
        check(rc == 2 and out == b"" and err.startswith("mailwhy: ") and said in err and err.count("\n") == 1 and "\x1b" not in err,
              "%s: %d %s" % (args, rc, err))
    rc, out, err = run("-s", "96", CLEAN)
    check(rc == 2 and out == b"" and "-s is for -i" in err and run("-s", "0", CLEAN)[0] == 0, "a snap length is for interfaces: %d %s" % (rc, err))
    check(run("--", "-dash.pcap", cwd=tmp)[0] == 0 and run("--transcrip", CLEAN)[1].startswith(b"=="), "a name behind --, an option cut short")


def same_files(tmp):
    """A file of several names is read once: twice, each packet would have been seen at two places."""
    piece = lambda i: os.path.join(tmp, "cap%d.pcap" % i)
    shutil.copy(HOLE, piece(1))
    shutil.copy(CLEAN, piece(2))
    os.symlink("cap2.pcap", os.path.join(tmp, "a-link.pcap"))
    os.link(piece(1), os.path.join(tmp, "hard.pcap"))
    want = run("--json", piece(1), piece(2))[1]
    for args, names, said in (((piece(1), piece(2), piece(1)), (piece(1),), "named more than once: read once"),
                              (("-r", piece(2), piece(1), "-r", os.path.join(tmp, "a-link.pcap")), ("a-link.pcap", "the same file as " + piece(2)), ": read once"),
                              ((tmp,), ("a-link.pcap: the same file as " + piece(2), "hard.pcap: the same file as " + piece(1)), ": read once"),
                              ((tmp, tmp), ("a-link.pcap",), "and 3 more names of files that are read once")):
        rc, out, err = run("--json", *args)
        check(rc == 0 and len(out.splitlines()) == len(want.splitlines()) and last(out)["inputs"] == 2, "%s: read once" % (args,))
        check(all(n in err for n in names) and said in err, "%s: it is said: %s" % (args, err))
    check(run("--json", tmp)[1] == want, "a link does not take its file's place")
    with open(piece(1), "rb") as f:
        rc, out, err = run("--json", "-", piece(1), stdin=f)
    check(last(out)["inputs"] == 1 and "read once" in err, "as standard input, too: " + err)
    log = os.path.join(tmp, "r.jsonl")
    run("--records", log, piece(1))
    check(last(run("--json", log, log)[1]) == last(run("--json", log)[1]), "records, too")


def until(true, what, seconds=30):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    check(true(), what)


def caught(pid, number):
    """The process has a handler of its own for the signal."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        caught = next(int(l.split()[1], 16) for l in f if l.startswith("SigCgt:"))
    return bool(caught >> (number - 1) & 1)


def interrupted():
    """The first Ctrl-C at a pipe is for what feeds it; the second for us."""
    with open(CLEAN, "rb") as f:
        capture = f.read()
    for times in (1, 2):
        p = subprocess.Popen([BINARY, "--no-progress", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        p.stdin.write(capture)
        p.stdin.flush()
        until(lambda: caught(p.pid, signal.SIGINT), "nobody listens for Ctrl-C")
        p.send_signal(signal.SIGINT)
        said = os.read(p.stderr.fileno(), 4096) if select.select([p.stderr], [], [], 30)[0] else b""
        if times == 2:
            p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        err = said + err
        check((p.returncode, b"POP3 messages fetched" in out, b"Ctrl-C again" in err) == ((0, True, True) if times == 1 else (-signal.SIGINT, False, True)),
              "interrupted %d times: %d %s %s" % (times, p.returncode, out[:100], err))


def frames_put_right():
    """What reading did to the frames is in the record and in the report."""
    block = lambda kind, body: struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    ng = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0))
    ng += block(6, struct.pack("<IIIII", 0, 0, 1000000, 60, 20) + bytes(60)) + block(3, struct.pack("<I", 60) + bytes(60))
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "simple.pcapng")
        with open(path, "wb") as f:
            f.write(ng)
        c = json.loads(run("--json", path)[1].splitlines()[0])
        check((c["repaired"], c["timeless"], c["frames"]) == (1, 1, 2), "a block without a time, an impossible length: %s" % c)
        out = run("--color=never", path)[1]
        words = " ".join(out.decode().split())
        check("1 frame with an impossible length or time, 1 frame without a time of its own" in words, "... and the report says it: " + words)
    c = json.loads(run("--json", "-f", "port 26", HOLE)[1].splitlines()[0])
    check(c["frames"] == 0 and c["filtered"] == 36, "the filter's count: %s" % c)
    check(b"no packets, 36 left out by the filter" in run("--color=never", "-f", "port 26", HOLE)[1], "... in the report, too")


def words_of_servers(tmp):
    """A user's rows win over the built-in ones; what was known is recorded; a bad row is named."""
    path, capture = os.path.join(tmp, "own.tsv"), os.path.join(CAPTURES, "lab/unknown_user_550.client.pcap")
    row = ["9001", "5", "-", "user unknown", "R", "sender-quota", "0", "Our own server", "550 user unknown"]
    kinds = lambda out: {json.loads(l)["kind"] for l in out.splitlines() if b'"type":"finding"' in l}
    with open(path, "w") as f:
        f.write("# ours\n" + "\t".join(row) + "\n")
    rc, out, _ = run("--json", "--replies", path, capture)
    check(rc == 0 and "sender-quota" in kinds(out) and "recipient-unknown" not in kinds(out), "a row of one's own decides: %s" % kinds(out))
    check("Our own server" in out.decode(), "... and says whose words they are")
    known, plain = last(out)["replies"], run("--json", capture)[1]
    check(known["own_rows"] == 1 and known["rows"] > 200 and known["version"] >= 1, "what was known is in the summary: %s" % known)
    check("recipient-unknown" in kinds(plain) and last(plain)["replies"] == {**known, "own_rows": 0}, "without the file: %s" % kinds(plain))
    check("reply table version %d\n" % known["version"] in run("-V")[1].decode(), "-V names the table's version")
    with open(path, "a") as f:
        f.write("\t".join(row[:5] + ["no-such-finding"] + row[6:]) + "\n")
    rc, _, err = run("--replies", path, capture)
    check(rc == 2 and "own.tsv" in err and "line 3" in err, "a bad row: status %d: %s" % (rc, err))


STORY = os.path.join(CAPTURES, "stories/port-25-blocked.pcap")     # 2024-03-09 19:55:00.000 to 19:59:23.434


def windows(tmp):
    """--from and --to: frames of captures, whole connections of records; UTC, whatever TZ says."""
    def frames(*args, **kw):
        c = json.loads(run("--json", *args, STORY, **kw)[1].splitlines()[0])
        return c["frames"], c.get("outside", 0)
    for args, want in (((), 90), (("--from", "19:57:30"), 57), (("--to", "19:57:30"), 33), (("--from", "2024-03-09T19:57:30Z"), 57),
                       (("--from", "2024-03-09 19:57", "--to", "2024-03-09 19:57:52.5"), 27), (("--from", "2024-03-09", "--to", "2024-03-09"), 90),
                       (("--from", "2024-03-10"), 0), (("--to", "2024-03-08"), 0), (("--from", "19:58", "--to", "19:57"), 37),
                       (("--from", "20:57:30+01:00"), 57), (("--to", "2024-03-09T15:27:30-0430"), 33), (("--from", "2024-03-10 04:57:30+09"), 57),
                       (("--from", "00:57:30+05:00"), 57), (("--from", "23:00", "--to", "01:00"), 0), (("--from", "23:00", "--to", "20:00"), 90)):
        got = frames(*args)
        check(got == (want, 90 - want), "%s: %s frames inside and outside, want %d" % (args, got, want))
    check(frames("--from", "19:57:30", env={**os.environ, "TZ": "Asia/Tokyo"}) == frames("--from", "19:57:30"), "the time zone changes nothing")
    a, b = frames("--to", "19:57:30")[0], frames("--from", "19:57:30.000000001")[0]
    check(a + b == 90 and a > 0 and b > 0, "two halves are the whole: %d and %d" % (a, b))
    numbers = [n for l in run("--json", "--from", "19:57:30", STORY)[1].splitlines() for f in [json.loads(l)] if f["type"] == "finding"
               for e in f["evidence"] for n in e["frames"]]
    check(numbers and min(numbers) > 33, "frames keep their numbers: %s" % numbers)
    log = os.path.join(tmp, "r.jsonl")
    run("--records", log, STORY)
    mails = lambda *args: [json.loads(l)["verdict"] for l in run("--json", *args, log)[1].splitlines() if b'"type":"mail"' in l]
    check(mails("--from", "19:57:30", "--to", "19:58:30") == ["accepted"], "records of that time: %s" % mails("--from", "19:57:30", "--to", "19:58:30"))
    check(len(mails()) == 3 and mails("--from", "20:00") == [], "all of them, none of them")
    for args in (("--from", "2024-03-10"), ("-f", "udp")):
        text = run(*args, STORY)[1]
        check(b"Nothing is left to look at" in text and b": 90" in text and b"Capture where" not in text, "nothing left of a capture, not nothing captured")
    with open(log, "rb") as f:
        text = f.read()
    packed, fifo = log + ".gz", os.path.join(tmp, "fifo")
    with open(packed, "wb") as f:
        f.write(gzip.compress(text, mtime=0))
    os.mkfifo(fifo)
    for args in (("--json",), ("--json", "--from", "19:57:30", "--to", "19:58:30")):
        want = run(*args, log)
        for what, got in (("a pipe", run(*args, "-", input=text)), ("a packed file", run(*args, packed)),
                          ("a packed pipe", run(*args, "-", input=gzip.compress(text))), ("a named pipe", piped(fifo, text, *args))):
            check(got == want, "%s %s of records is read like the file: %s" % (args, what, got[2] or got[0]))
    rc, out, err = run("--json", "--exit-code", "-", input=b"".join(l for l in text.splitlines(True) if b'"type":"capture"' not in l))
    check(rc == 4 and any("still runs" in x for x in last(out)["incomplete"]), "the log of a sensor that runs: %s %s" % (rc, last(out)["incomplete"]))
    with open(packed, "r+b") as f:
        f.truncate(1500)
    rc, out, err = run("--json", "--exit-code", packed)
    check(rc == 4 and b'"type":"connection"' in out and "after line" in err and "cut short" in err, "a packed log that was cut: %s %s" % (rc, err))
    check(any("to their end" in x for x in last(out)["incomplete"]), "the summary says so: %s" % last(out)["incomplete"])
    rc, out, err = run("--json", "--exit-code", "-", input=text + b"{nothing\n")
    check(rc == 4 and any(x.startswith("lines") and x.endswith(": 1") for x in last(out)["incomplete"]), "a line of no use: %s %s" % (rc, last(out)["incomplete"]))
    for bad in ("25:00", "1400", "14", "2024-13-01", "yesterday", "", "2024-03-09x10:00", "2024-02-30", "14:00+1", "14:00 CET", "14:00+01:0", "14:00+", "14:00+99:00"):
        rc, _, err = run("--from", bad, STORY)
        check(rc == 2 and "not a time" in err, "--from '%s': status %d: %s" % (bad, rc, err))
    rc, _, err = run("--from", "2024-03-10", "--to", "2024-03-09", STORY)
    check(rc == 2 and "later than" in err, "a time that ends before it begins: %d %s" % (rc, err))
    check(run("--to", "14:00", "-i", "lo")[0] == 2, "a time and an interface exclude each other")


def zone_file(where, name, changes, rule):
    """A zone as in the tz database (RFC 9636): UTC+1, and from each time of `changes` on UTC+2 and UTC+1 in turn."""
    def block(size, code):
        times = b"".join(struct.pack(code, t) for t in changes)
        kinds = bytes((i + 1) % 2 for i in range(len(changes)))
        return (b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, len(changes), 2, 8) + times + kinds +
                struct.pack(">iBB", 3600, 0, 0) + struct.pack(">iBB", 7200, 1, 4) + b"AAA\0BBB\0")
    path = os.path.join(where, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(block(4, ">i") + block(8, ">q") + b"\n" + rule + b"\n")


def zones(tmp):
    """--zone: times of the report, and of --from and --to; a name that is not known is not taken for UTC."""
    change = 1710014250                                            # 2024-03-09 19:57:30, within STORY
    zone_file(tmp, "Test/Summer", [change], b"BBB-2")
    zone_file(tmp, "Test/Winter", [change - 8640000, change], b"AAA-1")
    with open(os.path.join(tmp, "Test/notes"), "w") as f:
        f.write("no zone")
    env = {**os.environ, "TZDIR": tmp, "TZ": "XXX-5:30"}
    said = lambda *args: run(*args, STORY, env=env)[1].decode()
    plain = said()
    for zone, top, mail in (
            ("UTC", "2024-03-09 19:55:00.000 to 19:59:23.434 UTC\n", "\n  19:57:12.160 <frank@"),
            ("+01:00", "2024-03-09 20:55:00.000 to 20:59:23.434 +01:00\n", "\n  20:57:12.160 <frank@"),
            ("-0930", "2024-03-09 10:25:00.000 to 10:29:23.434 -09:30\n", "\n  10:27:12.160 <frank@"),
            ("+05", "2024-03-10 00:55:00.000 to 00:59:23.434 +05:00\n", "\n  00:57:12.160 <frank@"),
            ("local", "2024-03-10 01:25:00.000 to 01:29:23.434 +05:30 (local time)\n", "\n  01:27:12.160 <frank@"),
            ("Test/Summer", "2024-03-09 20:55:00.000 +01:00 to 21:59:23.434 +02:00 (Test/Summer)\n", "\n  2024-03-09 +01:00\n  20:57:12.160 <frank@"),
            ("Test/Summer", "(Test/Summer)\n", "\n  2024-03-09 +02:00\n  21:57:52.637 <frank@"),
            ("Test/Winter", "2024-03-09 21:55:00.000 +02:00 to 20:59:23.434 +01:00 (Test/Winter)\n", "\n  2024-03-09 +01:00\n  20:57:52.637 <frank@")):
        text = said("--zone", zone)
        check(text.splitlines(True)[0].endswith(top) and mail in text, "--zone %s: %s" % (zone, text))
    check(said("--zone", "UTC") == plain and said("--zone=+00:00") == plain, "UTC is what it is without the option")
    check("When           2024-03-09 20:55:00.000 to 20:56:52.000 +01:00\n" in said("--zone", "Test/Summer"), "a finding's time")
    text = said("--zone", "Test/Summer", "--transcript")
    check("smtp  2024-03-09 20:57:12.001 +01:00\n" in text and "smtp  2024-03-09 21:57:52.319 +02:00\n" in text, "a transcript's times: " + text)
    check(said("--json", "--zone", "Test/Summer") == said("--json"), "JSON is UTC always")
    frames = lambda *args: json.loads(said("--json", *args).splitlines()[0])["frames"]
    for args, want in ((("--from", "20:57:30", "--zone", "+01:00"), 57), (("--zone", "local", "--from", "2024-03-10T01:27:30"), 57),
                       (("--zone", "local", "--from", "19:57:30Z"), 57), (("--zone", "local", "--from", "2024-03-10", "--to", "2024-03-10"), 90),
                       (("--zone", "local", "--to", "2024-03-09"), 0), (("--zone", "local", "--from", "01:27:30"), 57), (("--zone", "local", "--to", "01:27:30"), 33),
                       (("--zone", "Test/Summer", "--from", "21:57:30"), 57), (("--zone", "Test/Summer", "--from", "20:57:00", "--to", "20:59"), frames("--from", "19:57:00", "--to", "19:57:29")),
                       (("--zone", "Test/Summer", "--from", "2024-03-09 21:57:30"), 57),
                       (("--zone", "Test/Winter", "--from", "20:57:30"), 90), (("--zone", "Test/Winter", "--from", "20:57:30", "--to", "21:57:00"), 57 + frames("--to", "19:57:00")),
                       (("--zone", "Test/Winter", "--from", "2024-03-09 20:57:30"), 90), (("--zone", "Test/Winter", "--to", "2024-03-09 20:57:30"), 33)):
        check(frames(*args) == want, "%s: %s frames, want %s" % (args, frames(*args), want))
    log = os.path.join(tmp, "r.jsonl")
    run("--records", log, STORY)
    mails = lambda *args: [json.loads(l)["verdict"] for l in run("--json", *args, log, env=env)[1].splitlines() if b'"type":"mail"' in l]
    check(mails("--zone", "local", "--from", "01:27:30", "--to", "01:28:30") == ["accepted"], "records of that time")
    check(mails("--zone", "Test/Summer", "--from", "21:57:30", "--to", "21:58:30") == ["accepted"], "records of summer time")
    check("(--from, --to; Test/Summer): 90" in said("--zone", "Test/Summer", "--from", "2024-03-10"), "nothing left, by these clocks")
    for bad in ("Test/Autumn", "Test/notes", "Test", "", "../" + os.path.basename(tmp) + "/Test/Summer", os.path.join(tmp, "Test/Summer"), "Test/../Test/Summer", "+1", "CET-1"):
        rc, out, err = run("--zone", bad, STORY, env=env)
        check(rc == 2 and out == b"" and "not a time zone" in err, "--zone '%s': status %d: %s" % (bad, rc, err))


def outputs():
    with open("/dev/full", "wb") as full:
        for mode in ("--json", "--transcript", "--color=never"):
            p = subprocess.run([BINARY, mode, HOLE], stdout=full, stderr=subprocess.PIPE, timeout=60)
            check(p.returncode == 3 and b"No space" in p.stderr, "%s on a full disk: %d" % (mode, p.returncode))
    r, w = os.pipe()
    os.close(r)
    p = subprocess.run([BINARY, HOLE], stdout=w, stderr=subprocess.PIPE, timeout=60)
    os.close(w)
    check((p.returncode, p.stderr) == (3, b""), "who pipes into head is not told that it has gone: %d %s" % (p.returncode, p.stderr))
    for mode in ("--json", "--transcript", "--records=-", "--print-schema"):
        p = subprocess.run(["sh", "-c", '{ "$0" "$@"; echo $? >&2; } | true', BINARY, mode, HOLE], capture_output=True, timeout=60)
        check(p.stderr in (b"3\n", b"0\n"), "%s into a pipe that is closed: %s" % (mode, p.stderr))
    p = subprocess.run(["sh", "-c", 'exec "$0" "$1" >&-', BINARY, HOLE], stderr=subprocess.PIPE, timeout=60)
    check(p.returncode == 3 and p.stderr != b"", "closed standard output: %d" % p.returncode)
    rc, _, err = run("--records", "/dev/full", HOLE)
    check(rc == 3 and "/dev/full: No space" in err, "records on a full disk")
    for env in ({"NO_COLOR": "1"}, {}):
        check(b"\x1b" not in run(HOLE, env={**os.environ, **env})[1], "no colours into a pipe")
    check(b"\x1b[" in run("--color", "always", HOLE)[1], "colours when asked for")


def records_elsewhere(tmp, log):
    """What the records are made of is not written over, and what is being written is not read."""
    place = os.path.join(tmp, "place")
    os.mkdir(place)
    capture, other = os.path.join(place, "a.pcap"), os.path.join(tmp, "other.pcap")
    shutil.copy(HOLE, capture)
    shutil.copy(CLEAN, other)
    for want, into, source in ((2, capture, capture), (3, other, capture), (2, log, log)):
        before = open(into, "rb").read()
        rc, _, err = run("--records", into, source)
        check(rc == want and into in err and open(into, "rb").read() == before, "--records %s %s: %d %s" % (into, source, rc, err))
    want = open(log, "rb").read()
    feeder = subprocess.Popen([BINARY, "--records", log, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    until(lambda: os.path.getsize(log) == 0, "the log is not begun anew")
    rc, out, err = run("--records", log, HOLE)
    check(rc == 3 and out == b"" and "another run" in err, "two runs that write one file: %d %s" % (rc, err))
    feeder.stdin.write(open(HOLE, "rb").read())
    feeder.stdin.close()
    check(feeder.wait(60) == 0 and len(open(log, "rb").read().splitlines()) == len(want.splitlines()), "... and the first has it to itself")
    p = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$0" "$@"', BINARY, "--records", os.path.join(tmp, "small"), CLEAN], capture_output=True, timeout=60)
    check(p.returncode == 3 and b"File too large" in p.stderr and p.stdout != b"", "a limit of size: %d %s" % (p.returncode, p.stderr))
    for args, said in ((["--records", place + "/r.jsonl", place], b"not read"), (["--records", place, capture, place], b"")):
        p = subprocess.run(["sh", "-c", 'ulimit -f 20000; exec "$0" "$@"', BINARY, *args], capture_output=True, timeout=60)
        check(p.returncode == 0 and said in p.stderr, "%s: %d %s" % (args, p.returncode, p.stderr[:200]))
    check(len(open(place + "/r.jsonl", "rb").read().splitlines()) == len(want.splitlines()), "... and has each record once")


def records(tmp):
    want = run("--json", HOLE)[1]
    path = os.path.join(tmp, "r.jsonl")
    check(run("--records", path, HOLE)[0] == 0, "records are written")
    check(run("--json", path)[1] == want, "records read back give the same output, byte for byte")
    rc, out, _ = run("--records", "-", HOLE)
    check(out == open(path, "rb").read(), "--records - is the records and nothing else")
    wrapped = run("--records", "-", os.path.join(CAPTURES, "lab/art_vxlan_mirror.collector.pcap"))[1]
    check(b'"tunnel":"vxlan","tunnel_bytes":50' in wrapped, "a tunnel and what it adds")
    check(run("--json", "-", input=out)[1] == want, "records from a pipe")
    check("no dialogue" in run("--transcript", path)[2] and "-f does nothing" in run("-f", "tcp", path)[2] and
          "--show-users does nothing" in run("--show-users", path)[2], "what records cannot give is said")
    check(run("--json", "-", input=want)[1] == want, "the output of --json is input, too")
    with open(HOLE, "rb") as f:
        check(last(run("--json", "-", input=f.read())[1])["findings"] == last(want)["findings"], "a capture from a pipe")
    with open(HOLE, "rb") as f:
        check(b"\n  standard input\n" in run("-", input=f.read())[1], "the report names standard input in words")
    check(b"How sure       cannot tell\n" in run(os.path.join(CAPTURES, "lab/art_midstream_blackhole.client.pcap"))[1], "cannot tell, in words")
    with open(HOLE, "rb") as f:
        check(last(run("--json", "-", stdin=f)[1])["findings"] == last(want)["findings"], "a capture as standard input")
    directory = os.path.join(tmp, "log/")
    run("--records", directory, HOLE)
    run("--records", directory, CLEAN)
    s = last(run("--json", directory)[1])
    check(s["inputs"] == 2 and s["findings"].get("pmtu-black-hole") == 1 and s["pop3"]["sessions"] == 1,
          "a directory of records: %s" % s)
    records_elsewhere(tmp, path)
    mixed = last(run("--json", path, CLEAN)[1])
    check(mixed["findings"] == s["findings"], "records and captures mixed")
    damaged = os.path.join(tmp, "damaged.jsonl")
    lines = open(path, "rb").read().splitlines(True)
    with open(damaged, "wb") as f:
        f.write(b"".join(lines[:2]) + b'{"type":"stall","schema":1,"m":7}\n\xff\xfe\n' + b"".join(lines[2:])[:-20])
    rc, out, err = run("--json", damaged)
    check(rc == 0 and "damaged.jsonl: line 3: " in err and "line 4: " in err, "bad lines are named: " + err)
    check(run(os.path.join(tmp, "hopeless.jsonl"))[0] == 3, "a file that is not there")
    with open(os.path.join(tmp, "hopeless.jsonl"), "wb") as f:
        f.write(b"{{{\n")
    check(run(os.path.join(tmp, "hopeless.jsonl"))[0] == 3, "a file without one good record")


def inputs(tmp):
    directory = os.path.join(tmp, "captures")
    os.mkdir(directory)
    shutil.copy(HOLE, directory)
    shutil.copy(CLEAN, directory)
    a, b = last(run("--json", directory)[1]), last(run("--json", HOLE, "-r", CLEAN)[1])
    check(a == b, "a directory is its files")
    text = run(directory)[1].decode()
    check(" of %s: " % os.path.basename(HOLE) in text.replace("\n                 ", " ") and text.count(directory) == 2,
          "at its frames a capture has its name, its directory only in the list of captures")
    with open(os.path.join(directory, "notes.txt"), "w") as f:
        f.write("captured on Friday\n")
    with open(os.path.join(directory, "hole.pcap.json"), "w") as f:
        json.dump({"file": "hole.pcap", "licence": "CC0"}, f, indent=1)
    rc, out, err = run("--json", "--exit-code", directory)
    check(rc == 1 and last(out) == b, "what lies beside captures is no input: %d" % rc)
    check(err == "mailwhy: %s: 2 of 4 files left out: no captures (text, pictures and the like)\n" % directory,
          "... and that is said in one line: %r" % err)
    rc, out, err = run(os.path.join(directory, "hole.pcap.json"))
    check(rc == 3 and "not a capture: it looks like JSON text" in err, "but who names it is told: %r" % err)
    os.remove(os.path.join(directory, "hole.pcap.json"))
    os.remove(os.path.join(directory, "notes.txt"))
    check(last(run("--json", "-f", "port 110", HOLE, CLEAN)[1])["smtp"]["sessions"] == 0, "the filter holds for all")
    check(run("--transcript", HOLE)[1].count(b"C: EHLO") == 1, "a transcript has the dialogue")
    for locale in ("C", "tr_TR.UTF-8"):
        env = {**os.environ, "LC_ALL": locale, "TZ": "Asia/Tokyo"}
        check(run(HOLE, env=env)[1] == run(HOLE)[1], "neither locale nor time zone is in the report")


def frames_of(path):
    """Where each of them begins."""
    with open(path, "rb") as f:
        data = f.read()
    at, frames = 24, []
    while at < len(data):
        frames.append(at)
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    return frames


def cut_in_two(path, tmp, *names):
    """Two files."""
    names, frames = [os.path.join(tmp, n) for n in names], frames_of(path)
    with open(path, "rb") as f:
        data = f.read()
    cut = frames[len(frames) // 2]
    for name, part in zip(names, (data[:cut], data[:24] + data[cut:])):
        with open(name, "wb") as f:
            f.write(part)
    return names


def pieces(tmp):
    """A capture that was cut in the middle of a connection, named as tcpdump -C does: it is one."""
    names = cut_in_two(HOLE, tmp, "mail.pcap", "mail.pcap1")
    gist = lambda out: sorted((f["kind"], f["confidence"], f["id"], f["first"]) for f in map(json.loads, out.splitlines()) if f["type"] == "finding")
    want = gist(run("--json", HOLE)[1])
    for order in (names, names[::-1]):
        rc, out, err = run("--json", *order)
        check(gist(out) == want and err == "" and last(out)["incomplete"] == [], "pieces of one capture are one: %s" % err)
    text = run(*names)[1].decode()
    check("2 inputs" in text and "in 2 pieces, the last of them %s" % names[1] in " ".join(text.split()), "... and the report says so")
    first = len(frames_of(names[0]))
    proof = [e for f in map(json.loads, out.splitlines()) if f["type"] == "finding" and f["kind"] == "pmtu-black-hole" for e in f["evidence"]]
    whole = [e for f in map(json.loads, run("--json", HOLE)[1].splitlines()) if f["type"] == "finding" and f["kind"] == "pmtu-black-hole"
             for e in f["evidence"]]
    found = sorted(n + (first if e["file"] == names[1] else 0) for e in proof for n in e.get("frames", []))
    check(found == sorted(n for e in whole for n in e.get("frames", [])) and {e["file"] for e in proof if e["file"]} == set(names),
          "each frame of the proof is found in its file")
    with open(names[0], "ab") as f:
        f.write(b"\x01\x02\x03")
    rc, out, err = run("--json", *names)
    check(gist(out) == want and names[0] in err and names[0] in last(out)["incomplete"][0], "a damaged end of a piece is said: %s" % err)
    names.append(os.path.join(tmp, "mail.pcap2"))
    shutil.copy(CLEAN, names[-1])
    text = " ".join(run(*names)[1].decode().split())
    check("3 inputs" in text and "in 2 pieces, the last of them %s;" % names[1] in text and "in 3 pieces" not in text,
          "what does not follow at once is a capture of its own")


def places(tmp):
    """The same at two places, whose clocks differ by so much that the one seems to follow the other: no pieces."""
    sys.path.insert(0, os.path.join(TOP, "tests/property"))
    import capfile

    cap = capfile.load(HOLE)
    late = cap.frames[-1][0] - cap.frames[0][0] + 10 ** 9
    there = cap.with_frames([(ns + late, wire, capfile.elsewhere(data, 1)) for ns, wire, data in cap.frames])
    names = [os.path.join(tmp, "%d.pcap" % n) for n in range(2)]
    for name, c in zip(names, (cap, there)):
        with open(name, "wb") as f:
            f.write(c.pcap())
    kinds = lambda *args: sorted({f["kind"] for f in map(json.loads, run("--json", *args)[1].splitlines()) if f["type"] == "finding"
                                  and f["kind"] in ("pmtu-black-hole", "path-outage")})
    check(kinds(*names) == kinds(HOLE) == ["pmtu-black-hole"], "two places are not pieces of one capture: %s" % kinds(*names))
    check("in 2 pieces" not in " ".join(run(*names)[1].decode().split()), "... and the report does not say so")


def changed(tmp):
    """What a device changes between two places is found however the two captures come; it is looked for where there are two."""
    sys.path.insert(0, os.path.join(TOP, "tests/property"))
    import capfile

    names = [os.path.join(CAPTURES, "lab/mb_banner_masked.%s.pcap" % n) for n in ("client", "server")]
    there, logs = os.path.join(tmp, "there"), [os.path.join(tmp, "%d.jsonl" % n) for n in range(2)]
    both, frames = os.path.join(tmp, "both.pcapng"), []
    os.mkdir(there)
    block = lambda kind, body: struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    for i, name in enumerate(names):
        shutil.copy(name, there)
        run("--records", logs[i], name)
        frames += [(ns // 1000, i, wire, data) for ns, wire, data in capfile.load(name).frames]
    with open(both, "wb") as f:
        f.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + 2 * block(1, struct.pack("<HHI", 1, 0, 0)))
        for us, i, wire, data in sorted(frames):
            f.write(block(6, struct.pack("<IIIII", i, us >> 32, us & 0xffffffff, len(data), wire) + data + bytes(-len(data) % 4)))
    for args in (names, [there], logs, [both]):
        said = " ".join(run(*args)[1].decode().split())
        check('a command passes here as "EHLO pc.example.org"' in said, "%s: changed on the way: %s" % (args, said[:900]))


def repeats(tmp):
    """Each end repeats its last word, before the cut and behind it: the second piece begins with that, and is no other place."""
    import capfile

    cap = capfile.load(CLEAN)
    says = lambda data: int.from_bytes(data[16:18], "big") - 20 - (data[46] >> 4) * 4 > 0 and data[34:36]
    words = {}
    for i, (_, _, data) in enumerate(cap.frames[:30]):
        if data[12:14] == b"\x08\0" and data[23] == 6 and says(data):
            words[says(data)] = i
    head, ends = cap.frames[:max(words.values()) + 1], [cap.frames[i] for i in sorted(words.values())]
    again = [(head[-1][0] + (n + 1) * 10 ** 8, wire, data) for n, (_, wire, data) in enumerate(ends * 6)]
    names = [os.path.join(tmp, "again.pcap" + n) for n in ("", "1")]
    for name, frames in zip(names, (head + again[:6], again[6:])):
        with open(name, "wb") as f:
            f.write(cap.with_frames(frames).pcap())
    check(len(ends) == 2 and "in 2 pieces" in " ".join(run(*names)[1].decode().split()), "a piece that begins with what is repeated goes on")


def many(tmp):
    """Of many captures those are told that something is wrong with."""
    directory = os.path.join(tmp, "many")
    os.mkdir(directory)
    for name in "abcdefghijklmnopqrstuvwxyz":
        shutil.copy(CLEAN, os.path.join(directory, name + ".pcap"))
    with open(os.path.join(directory, "y.pcap"), "r+b") as f:
        f.truncate(os.path.getsize(CLEAN) - 7)
    text = run(directory)[1].decode()
    told = text[text.index("\nCaptures\n"):]
    check("y.pcap\n" in told and "damaged behind frame" in told and "z.pcap" not in told and "  ... and 6 more, " in told,
          "of 26 captures the damaged one is told: %s" % told[-400:])
    check(run("--all", directory)[1].decode().count(".pcap\n      ") == 26, "--all tells all of them")


def unheard():
    """The server took the mail, and its answer got lost: the network is not cleared by that."""
    text = " ".join(run(os.path.join(CAPTURES, "lab/final_250_lost_linkdown.server.pcap"))[1].decode().split())
    check("The client did not hear that." in text and "cleared" not in text, "an answer that got lost clears no network")


def pieces_apart(tmp):
    """The same under names that say nothing: told in parts, and how to join them."""
    names = cut_in_two(HOLE, tmp, "first.pcap", "second.pcap")
    said = lambda *args: [x for x in last(run("--json", *args)[1])["incomplete"] if "goes on in" in x]
    for order in (names, names[::-1]):
        got = said(*order)
        check(len(got) == 1 and "first.pcap goes on in " in got[0] and "mergecap" in got[0], "pieces of one capture: %s" % got)
    check(said(names[0]) == said(names[1]) == said(names[0], names[0]) == said(CLEAN, HOLE) == [], "captures that do not go on")
    names, whole = cut_in_two(CLEAN, tmp, "first.pcap", "second.pcap"), CLEAN.replace(".client.", ".server.")
    lines = [json.loads(x) for x in run("--json", *names, whole)[1].splitlines()]
    pairs = [x["summary"] for x in lines if x["type"] == "finding" and x["subkind"].startswith("pair")]
    check(len(pairs) == 2 and not any("first.pcap" in x and "second.pcap" in x for x in pairs), "two pieces saw nothing both: %s" % pairs)
    check(lines[-1]["pop3"] == last(run("--json", whole)[1])["pop3"], "pieces beside a whole capture: mails count once: %s" % lines[-1]["pop3"])


def several():
    """Two captures: whose frames they are is said of mails, too; which was named first changes no word; nothing is surer than measured."""
    one, two = (os.path.join(CAPTURES, "lab/clean_single_swaks.%s.pcap" % n) for n in ("client", "mid"))
    before = lambda *args: run(*args)[1].decode().split("\nCaptures\n")[0]
    text = before(one, two)
    said = " ".join(text.split())
    check(text == before(two, one), "captures in any order: the same report")
    check(re.search(r"queued as \w+ \[frames \d+-\d+ of \S*clean_single_swaks.client.pcap\]", said), "a mail's frames with their file")
    check("their clocks agree as far as handshakes tell" in said, "two captures by one clock: %s" % said[-900:])
    check("[frames" in before(one) and ".pcap" not in before(one), "one capture: frames need no file")


def namesakes(tmp):
    """The logs of two sensors that both call their interface eth0."""
    logs = []
    for place in ("lan", "mid"):
        shutil.copy(os.path.join(CAPTURES, "lab/bh_up_1454_wan_nots.%s.pcap" % place), os.path.join(tmp, "eth0"))
        logs.append(os.path.join(tmp, place + ".jsonl"))
        subprocess.run([BINARY, "--records", logs[-1], "eth0"], cwd=tmp, capture_output=True, check=True)
    said = " ".join(run(*logs)[1].decode().split())
    check("between eth0 in lan.jsonl and eth0 in mid.jsonl" in said, "between which of two namesakes: %s" % said[:600])
    check("lan.jsonl: left here" in said, "whose frames: %s" % said[:1500])
    check("jsonl" not in run(logs[0])[1].decode(), "one log: its frames need no name")


def halves():
    """Each file has one direction of the connection: what joins them is said, once, in either order."""
    names = [os.path.join(CAPTURES, "lab/art_one_direction.%s.pcap" % n) for n in ("c2s", "s2c")]
    said = lambda *args: [x["remedy"] for x in map(json.loads, run("--json", *args)[1].splitlines())
                          if x["type"] == "finding" and x["kind"] == "capture-one-sided"]
    for order in (names, names[::-1]):
        check(["mergecap -F pcap" in x for x in said(*order)] == [True], "two halves of one connection: %s" % said(*order))
    check(not any("mergecap" in x for x in said(names[0]) + said(names[0], names[0])), "one half alone")


def main():
    statuses()
    messages()
    frames_put_right()
    outputs()
    several()
    halves()
    interrupted()
    with tempfile.TemporaryDirectory() as tmp:
        near_misses(tmp)
        words_of_servers(tmp)
        namesakes(tmp)
        windows(tmp)
    with tempfile.TemporaryDirectory() as tmp:
        same_files(tmp)
    with tempfile.TemporaryDirectory() as tmp:
        zones(tmp)
    with tempfile.TemporaryDirectory() as tmp:
        records(tmp)
    with tempfile.TemporaryDirectory() as tmp:
        inputs(tmp)
    with tempfile.TemporaryDirectory() as tmp:
        pieces(tmp)
        places(tmp)
        changed(tmp)
        repeats(tmp)
        pieces_apart(tmp)
        many(tmp)
        unheard()
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
