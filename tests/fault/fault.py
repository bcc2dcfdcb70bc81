#!/usr/bin/python3
"""fault.py MAILWHY FAILING.SO - the command where the system fails.

No memory at the n-th allocation, for n over the whole run, and from the n-th
on; reads of few bytes; pipes that give a byte now and then; interrupted system
calls; full disks at every size; inputs that cannot be read.  Whatever fails,
the command ends by itself with status 0 or 3; 3 comes with a message; what it
wrote with status 0 is what it writes when nothing fails, or it says that it is
incomplete: no fact is lost silently.

--all: every allocation, not a sample; --memory: only the allocations.  A command built with ASan is fine: its
allocator lies beneath ours.
"""
import argparse
import concurrent.futures
import gzip
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), d) for d in ("property", "ready")]
import capfile  # noqa: E402
import ready  # noqa: E402
CAPTURES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "captures")
INPUTS = [os.path.join(CAPTURES, p) for p in (
    "lab/bh_up_1454_wan_nots.client.pcap", "public/zeek__smtp_smtp-bdat-cmd-invalid.pcapng", "lab/art_formats.gz.pcap.gz")]
MODES = (["--color=never"], ["--json"], ["--transcript"])


class Checks:
    def __init__(self, binary, library):
        self.binary, self.library, self.passed, self.failed = binary, library, 0, 0
        self.asan = ready.asan_runtime(binary)
        self.waiting = ready.Command(binary, [library], self.env())

    def check(self, ok, what):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL " + what)

    def env(self, **fail):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FAIL_")}
        env.update(fail)
        env["LD_PRELOAD"] = " ".join([self.library] + ([self.asan] if self.asan else []))
        env["ASAN_OPTIONS"] = "verify_asan_link_order=0:detect_leaks=0:allocator_may_return_null=1:abort_on_error=0:exitcode=99"
        env["UBSAN_OPTIONS"] = "halt_on_error=1:exitcode=99:print_stacktrace=1"
        return env

    def run(self, args, **kw):
        fail = kw.pop("fail", {})
        kw.setdefault("stdout", subprocess.PIPE)
        if "input" not in kw:
            kw.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([self.binary, *args], stderr=subprocess.PIPE, timeout=120, env=self.env(**fail), **kw)

    def quick(self, args, **fail):
        """The same, of a command that is loaded already."""
        return self.waiting.run(args, **fail)

    def ended(self, p, what):
        """By itself, with a status of its own, and with a message where it failed."""
        err = p.stderr.decode("utf-8", "replace")
        ok = p.returncode in (0, 3)
        self.check(ok, "%s: status %d: %s" % (what, p.returncode, err[-1500:]))
        self.check(p.returncode == 0 or err != "", "%s: status %d without a message" % (what, p.returncode))
        return ok


# ---- no memory ---------------------------------------------------------------------

def allocations(c, args):
    with tempfile.NamedTemporaryFile() as f:
        c.quick(args, FAIL_COUNT=f.name)
        return int(open(f.name).read())


def no_memory(c, inputs, all_, rng):
    """The last input takes very many: of those a sample, always."""
    jobs, whole = [], {}
    for path in inputs:
        for mode in MODES:
            args = [*mode, path]
            n = allocations(c, args)
            c.check(n > 50, "%s: only %d allocations pass through the library" % (args, n))
            # a report makes nothing but facts: few allocations, all of them tried
            everyone = all_ and path != inputs[-1]
            some = range(1, n + 1) if everyone or (mode == MODES[0] and n < 1000) else sorted({*range(1, 40), *(rng.randint(1, n) for _ in range(40))})
            jobs += [(args, str(k)) for k in some]
            jobs += [(args, "%d+" % k) for k in (some if everyone else rng.sample(list(some), 25))]
            whole[tuple(args)] = c.run(args).stdout

    def one(job):
        args, at = job
        return job, c.quick(args, FAIL_ALLOC=at)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (args, at), p in pool.map(one, jobs):
            what = "%s %s without allocation %s" % (args[0], os.path.basename(args[1]), at)
            if c.ended(p, what) and p.returncode == 0 and p.stdout != whole[tuple(args)]:
                c.check(says_incomplete(args[0], p), what + ": status 0, something is missing, and nothing says so")


def json_whole(out):
    try:
        lines = [json.loads(l) for l in out.splitlines()]
    except ValueError:
        return False
    return bool(lines) and lines[-1]["type"] == "summary"


def says_incomplete(mode, p):
    """Each mode in its own way: the summary, a heading, a message."""
    if mode == "--transcript":
        return b"incomplete: " in p.stderr
    if mode != "--json":
        return b"\nIncomplete\n" in p.stdout
    return json_whole(p.stdout) and json.loads(p.stdout.splitlines()[-1])["incomplete"] != []


# ---- reads that give little, late, or are interrupted ---------------------------------

def drip(data, w, sizes):
    try:
        at = 0
        while at < len(data):
            n = next(sizes)
            os.write(w, data[at:at + n])
            at += n
    except BrokenPipeError:
        pass
    finally:
        os.close(w)


def from_pipe(c, data, sizes, fail):
    r, w = os.pipe()
    t = threading.Thread(target=drip, args=(data, w, sizes))
    t.start()
    p = c.run(["--json", "-"], stdin=r, fail=fail)
    os.close(r)
    t.join()
    return p


def slow_reads(c, rng):
    for path in INPUTS:
        name = os.path.basename(path)
        data = open(path, "rb").read()
        want = c.run(["--json", "-"], input=data).stdout
        c.check(json_whole(want), "%s: no report" % name)
        for what, sizes, fail in (
                ("in pieces of 1 to 9 bytes", iter(lambda: rng.randint(1, 9), None), {}),
                ("in pieces of 1 to 3000 bytes", iter(lambda: rng.randint(1, 3000), None), {"FAIL_READ": "7"}),
                ("interrupted", iter(lambda: rng.randint(1, 200), None), {"FAIL_EINTR": "300"}),
                ("interrupted, short", iter(lambda: 4096, None), {"FAIL_EINTR": "500", "FAIL_READ": "33"})):
            p = from_pipe(c, data, sizes, fail)
            c.check(p.returncode == 0 and p.stdout == want, "%s %s: status %d, other output: %s" % (
                name, what, p.returncode, p.stderr.decode()[-300:]))
        plain = c.run(["--json", path]).stdout
        for fail in ({"FAIL_READ": "1"}, {"FAIL_READ": "13", "FAIL_EINTR": "200"}):
            p = c.run(["--json", path], fail=fail)
            c.check(p.stdout == plain, "%s with %s: status %d, other output: %s" % (name, fail, p.returncode, p.stderr.decode()[-300:]))


def interrupted_writer(c):
    """A reader that is slow: writes block, and are interrupted."""
    args = ["--json", INPUTS[2]]
    want = c.run(args).stdout
    for fail in ({"FAIL_EINTR": "200"}, {"FAIL_EINTR": "1000"}):
        r, w = os.pipe()
        p = subprocess.Popen([c.binary, *args], stdout=w, stderr=subprocess.PIPE, env=c.env(**fail))
        os.close(w)
        got = b""
        while True:
            time.sleep(0.0005)          # what makes the writer block; nothing waits for it
            piece = os.read(r, 3001)
            if not piece:
                break
            got += piece
        os.close(r)
        err = p.stderr.read()
        c.check(p.wait(60) == 0 and got == want, "a slow reader with %s: %d of %d bytes, status %d: %s" % (
            fail, len(got), len(want), p.returncode, err[-300:]))


# ---- a thread that unpacks ahead -------------------------------------------------------

def large_packed(path, rng):
    """A mail between frames of noise: large enough, also when packed, for a thread of its own."""
    mail, frames = capfile.load(INPUTS[0]), []
    for ns, wire, data in mail.frames:
        frames += [(ns, 60 + n, data[:12] + b"\x88\xb5" + rng.randbytes(46 + n)) for n in (1400, 60000, 0)] + [(ns, wire, data)]
    with gzip.open(path, "wb", 1) as f:
        f.write(mail.with_frames(frames).pcap())


def unpacked_ahead(c, tmp, rng):
    """One core or two, with a thread or none, whatever fails: the same output, whole and cut."""
    path, cut = os.path.join(tmp, "large.pcap.gz"), os.path.join(tmp, "cut.pcap.gz")
    large_packed(path, rng)
    data = open(path, "rb").read()
    with open(cut, "wb") as f:
        f.write(data[:len(data) * 4 // 5])
    one_core = {min(os.sched_getaffinity(0))}
    for args in [[*m, p] for m in MODES for p in (path, cut)]:
        want = c.run(args, preexec_fn=lambda: os.sched_setaffinity(0, one_core))
        c.check(want.returncode == 0 and want.stdout != b"" and (args[-1] == path) == (want.stderr == b""), "%s on one core: %s" % (args, want))
        for fail in ({}, {"FAIL_THREAD": "1"}, {"FAIL_READ": "1000"}, {"FAIL_READ": "77777", "FAIL_EINTR": "200"}):
            p = c.run(args, fail=fail)
            c.check((p.returncode, p.stdout, p.stderr) == (0, want.stdout, want.stderr), "%s with %s: other output than on one core: status %d: %s" % (
                args, fail, p.returncode, p.stderr.decode()[-300:]))
    whole = c.run(["--json", path]).stdout
    for at in range(1, 100):
        p = c.quick(["--json", path], FAIL_ALLOC=str(at))
        if c.ended(p, "a large packed file without allocation %d" % at) and p.returncode == 0 and p.stdout != whole:
            c.check(says_incomplete("--json", p), "a large packed file without allocation %d: something is missing, and nothing says so" % at)


# ---- outputs that end ------------------------------------------------------------------

def full_disks(c, tmp, rng):
    """A file may grow to some size and no further (EFBIG instead of ENOSPC, the same way through)."""
    whole = {m[0]: len(c.run([*m, INPUTS[0]]).stdout) for m in MODES}

    def limit(n):
        def set_limit():
            import signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
        return set_limit

    for m in MODES:
        for n in [0, 1, whole[m[0]] - 1] + [rng.randrange(whole[m[0]]) for _ in range(4)]:
            path = os.path.join(tmp, "out")
            with open(path, "wb") as f:
                p = c.run([*m, INPUTS[0]], stdout=f, preexec_fn=limit(n))
            c.check(p.returncode == 3 and p.stderr != b"", "%s onto %d bytes: status %d: %s" % (m[0], n, p.returncode, p.stderr.decode()[-200:]))
    for n in (0, 100, 5000):
        path = os.path.join(tmp, "r.jsonl")
        p = c.run(["--records", path, INPUTS[0]], preexec_fn=limit(n))
        c.check(p.returncode == 3 and b"r.jsonl" in p.stderr, "records onto %d bytes: status %d: %s" % (n, p.returncode, p.stderr.decode()[-200:]))
        os.unlink(path)


def closed_files(c):
    for redirect, want in (("<&-", 0), (">&-", 3), ("2>&-", 0), ("<&- 2>&-", 0), (">&- 2>&-", 3), ("<&- >&- 2>&-", 3)):
        for m in MODES:
            p = subprocess.run(["sh", "-c", 'exec "$0" "$1" "$2" ' + redirect, c.binary, m[0], INPUTS[0]],
                               capture_output=True, timeout=60, env=c.env())
            c.check(p.returncode == want, "%s with %s: status %d, want %d: %s" % (m[0], redirect, p.returncode, want, p.stderr.decode()[-200:]))
    p = subprocess.run(["sh", "-c", 'exec "$0" - <&-', c.binary], capture_output=True, timeout=60, env=c.env())
    c.check(p.returncode == 3 and p.stderr != b"", "standard input closed and asked for: status %d" % p.returncode)


# ---- inputs that cannot be read -------------------------------------------------------

def as_nobody(tmp):
    """Permissions bind only those who are not root."""
    if os.geteuid() != 0:
        return None

    def become():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    return become


def unreadable(c, tmp):
    data = open(INPUTS[0], "rb").read()
    places = {"closed.pcap": 0o000, "open.pcap": 0o644}
    top = os.path.join(tmp, "d")
    os.makedirs(os.path.join(top, "locked"))
    for name, mode in places.items():
        with open(os.path.join(top, name), "wb") as f:
            f.write(data)
        os.chmod(os.path.join(top, name), mode)
    os.chmod(os.path.join(top, "locked"), 0o000)
    os.chmod(tmp, 0o755)
    # the checkout may lie where only its owner can go
    c.binary, c.library = (shutil.copy(p, tmp) for p in (c.binary, c.library))
    who = as_nobody(tmp)
    for args, said in (([os.path.join(top, "closed.pcap")], "closed.pcap"), ([os.path.join(top, "locked")], "locked"),
                       ([os.path.join(top, "locked/x.pcap")], "x.pcap"), ([top], "closed.pcap")):
        p = c.run(["--json", *args], preexec_fn=who)
        err = p.stderr.decode()
        c.check(p.returncode == 3 and said in err and "ermission" in err, "%s: status %d: %s" % (args, p.returncode, err[-300:]))
    c.check(b'"packets":36' in p.stdout, "the files of a directory that can be read are read")
    p = c.run(["--records", os.path.join(top, "locked", "r.jsonl"), os.path.join(top, "open.pcap")], preexec_fn=who)
    c.check(p.returncode == 3 and b"r.jsonl" in p.stderr, "records into a locked directory: status %d" % p.returncode)
    os.chmod(os.path.join(top, "locked"), 0o755)
    for path in ("/dev/null", "/proc/self/mem", top + "/locked"):
        p = c.run(["--json", path])
        c.ended(p, path)
    link = os.path.join(tmp, "loop")
    os.symlink(link, link)
    p = c.run([link])
    c.check(p.returncode == 3 and p.stderr != b"", "a symbolic link to itself: status %d" % p.returncode)


def in_pieces(directory):
    """A directory with what tcpdump -C makes of the first input."""
    os.mkdir(directory)
    cap = capfile.load(INPUTS[0])
    third = len(cap.frames) // 3
    for i in range(3):
        with open(os.path.join(directory, "mail.pcap%s" % (i or "")), "wb") as f:
            f.write(cap.with_frames(cap.frames[i * third:(i + 1) * third]).pcap())
    return directory


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("binary")
    ap.add_argument("library")
    ap.add_argument("--all", action="store_true")
    ap.add_argument("--memory", action="store_true")
    ap.add_argument("--seed", type=int, default=0)
    o = ap.parse_args()
    c = Checks(os.path.abspath(o.binary), os.path.abspath(o.library))
    rng = random.Random(o.seed)
    with tempfile.TemporaryDirectory() as tmp:
        records = os.path.join(tmp, "r.jsonl")
        c.run(["--records", records, INPUTS[0]])
        long = os.path.join(tmp, "long.jsonl")
        with open(long, "w") as f:
            f.write('{"type":"session","schema":1,"new":[%s]}\n' % ",".join("1" * 100000) + open(records).read())
        no_memory(c, [*INPUTS, records, in_pieces(os.path.join(tmp, "pieces")), long], o.all, rng)
    if not o.memory:
        slow_reads(c, rng)
        interrupted_writer(c)
        with tempfile.TemporaryDirectory() as tmp:
            unpacked_ahead(c, tmp, rng)
            full_disks(c, tmp, rng)
            closed_files(c)
            unreadable(c, tmp)
    print("%d passed, %d failed" % (c.passed, c.failed))
    return c.failed != 0


if __name__ == "__main__":
    sys.exit(main())
