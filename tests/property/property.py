#!/usr/bin/python3
"""property.py BUILD - what must hold whatever is done to a capture.

For every shipped capture that is small enough:
  cut      cut off at any byte it is still read, and confirms no cause of a
           family that the whole capture does not have
  remove, repeat, reorder
           of 1 to 20 % of the frames brings no cause of another family,
           at probable or above
  burst, acks
           a span of 1 to 30 % of the frames is lost at once, as where a buffer
           was full, or ACKs are: confirms no cause of another family
  snap     frames cut at 60 to 200 bytes confirm no cause of another family
  sample, middle, clock, coarse, sides, mirror
           one frame of n is captured, connections are joined in their middle, the clock is
           set, it ticks seldom, that of one direction is ahead or its card hands frames on in
           batches, a second port is mirrored, too: confirm no cause of another family
  numbers  other sequence numbers, timestamps and IDs, that wrap, and other addresses:
           the same findings
  form     the same frames on standard input, gz, pcapng, nanoseconds, big
           endian: the same findings
  pieces   the same frames in several files, as tcpdump -C writes them, named in any
           order: the same findings, and each frame is found in its file
  merge    records of several captures, in any order and more than once: the
           same findings
  place    of one, two or three frames of the servers' in a row: a refusal is told of
           the command that it answers, or it is said that this cannot be told

A cause is a finding that accuses somebody (kinds.def).  Kinds of one family
are names for one thing seen more or less completely: FAMILIES.  What is known
to deviate stands in KNOWN with its reason.

--all takes every capture and more samples; --seed N others than usual.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import glob
import gzip
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

import capfile
import renumber

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/ready"))
import ready  # noqa: E402
LEVEL = {"cannot-tell": 0, "possible": 1, "probable": 2, "confirmed": 3}

FAMILIES = {
    "path-size": ["pmtu-black-hole", "pmtu-black-hole-recovered", "icmp-frag-needed-ignored", "icmp-frag-needed-bogus",
                  "mss-not-clamped"],
    "port": ["port-blocked-icmp", "port-blocked-reset", "port-blocked-silent"],
    "host": ["host-unreachable-icmp", "host-unreachable-silent"],
}

# (transformation, capture, kind): why this is so, and stays so.
KNOWN = {
    ("place", "public/zeek__smtp-mail-transactions-invalid.pcap", "place"):
        "the client sends its lines behind a refused DATA as if it had been agreed to: without that reply they are a message",
}


def family(kind):
    for name, kinds in FAMILIES.items():
        if kind in kinds:
            return name
    return kind


def accusing_kinds():
    text = open(os.path.join(TOP, "analyzer/correlator/finding/kinds.def"), encoding="utf-8").read()
    return {m.group(1) for m in re.finditer(r'KIND\(\w+, "([a-z0-9-]+)", \d+, \w+, true,', text)}


ACCUSING = accusing_kinds()


SMTP_PORTS = (24, 25, 26, 587, 2525)


class Crash(Exception):
    pass


class Tool:
    def __init__(self, binary):
        self.binary, self.runs = binary, 0

    def run(self, args, data=None):
        self.runs += 1
        p = ready.run([self.binary, *args], data, 60)
        cut = data is not None and len(data) < capfile.HEADER     # no capture any more
        if p.returncode != (3 if cut else 0):
            raise Crash("exit status %d: %s" % (p.returncode, p.stderr.decode("utf-8", "replace")[-400:]))
        if "--json" in args and not cut and b'"type":"summary"' not in p.stdout[p.stdout.rfind(b"\n", 0, -1) + 1:]:
            raise Crash("the last line is no summary: %r" % p.stdout[-200:])
        return p.stdout

    def findings(self, args, data=None):
        return [json.loads(l) for l in self.run(["--json", *args], data).splitlines() if b'"type":"finding"' in l]

    def causes(self, data):
        """family -> (confidence, kind) of the surest cause, for the bytes of a file."""
        best = {}
        for f in self.findings(["-"], data):
            if f["kind"] in ACCUSING:
                level = LEVEL[f["confidence"]]
                if level > best.get(family(f["kind"]), (-1,))[0]:
                    best[family(f["kind"])] = (level, f["kind"])
        return best


# ---- what is done to a capture: a generator of (what, bytes) for each ----------------------

def cut(cap, rng, samples):
    raw, ends = cap.pcap(), cap.offsets()
    at = [b + d for b in ends for d in (-1, 0, 1)] + [rng.randrange(len(raw)) for _ in range(samples)]
    at = sorted({n for n in at if 0 <= n < len(raw)})
    for n in rng.sample(at, min(samples, len(at))):
        yield "%d of %d bytes" % (n, len(raw)), raw[:n]


def some(cap, rng):
    """1 to 20 % of the frames, at least one."""
    share = rng.uniform(0.01, 0.20)
    n = max(1, round(len(cap.frames) * share))
    return set(rng.sample(range(len(cap.frames)), n))


def remove(cap, rng, samples):
    for _ in range(samples if len(cap.frames) > 1 else 0):
        gone = some(cap, rng)
        yield "frames %s" % frames_said(gone), cap.with_frames(
            [f for i, f in enumerate(cap.frames) if i not in gone]).pcap()


def repeat(cap, rng, samples):
    """As a mirror port does: the copy follows within a millisecond, at times behind the next frame."""
    for _ in range(samples if cap.frames else 0):
        twice, out = some(cap, rng), []
        for i, (ns, wire, data) in enumerate(cap.frames):
            out.append((ns, wire, data))
            if i in twice:
                out.append((ns + rng.choice((0, 1000, 20000, 400000)), wire, data))
        yield "frames %s" % frames_said(twice), cap.with_frames(sorted(out, key=lambda f: f[0])).pcap()


def reorder(cap, rng, samples):
    """As two queues of one card do: a frame is recorded up to eight places late, with its own time."""
    for _ in range(samples if len(cap.frames) > 1 else 0):
        late, out = some(cap, rng), list(cap.frames)
        for i in sorted(late, reverse=True):
            out.insert(min(len(out), i + rng.randint(1, 8)), out.pop(i))
        yield "frames %s" % frames_said(late), cap.with_frames(out).pcap()


def burst(cap, rng, samples):
    """As where the buffer of the capture was full: so many frames in a row."""
    for _ in range(samples if len(cap.frames) > 3 else 0):
        n = max(1, round(len(cap.frames) * rng.uniform(0.01, 0.30)))
        at = rng.randrange(len(cap.frames) - n + 1)
        yield "frames %d-%d" % (at + 1, at + n), cap.with_frames(cap.frames[:at] + cap.frames[at + n:]).pcap()


def bare_ack(link, data):
    """TCP over IPv4 and Ethernet with ACK alone and no data."""
    if link != 1 or data[12:14] != b"\x08\x00" or data[23] != 6:
        return False
    tcp = 14 + (data[14] & 15) * 4
    return len(data) > tcp + 13 and data[tcp + 13] & 0x17 == 0x10 and \
        int.from_bytes(data[16:18], "big") + 14 == tcp + (data[tcp + 12] >> 4) * 4


def acks(cap, rng, samples):
    """As where small packets are the first to be lost, or a filter asked for data."""
    for share in rng.sample([0.2, 0.5, 0.9, 1], samples if samples < 4 else 4):
        kept = [f for f in cap.frames if not (bare_ack(cap.link, f[2]) and rng.random() < share)]
        yield "%d %% of the ACKs" % (100 * share), cap.with_frames(kept).pcap()


def snap(cap, rng, samples):
    for n in sorted(rng.sample(range(60, 201), samples)):
        yield "%d bytes" % n, cap.with_frames([(t, w, d[:n]) for t, w, d in cap.frames], n).pcap()


def sample(cap, rng, samples):
    """As a switch that samples does."""
    for _ in range(samples):
        n = rng.choice((2, 3, 5, 10))
        at = rng.randrange(n)
        yield "one frame of %d" % n, cap.with_frames([f for i, f in enumerate(cap.frames) if i % n == at]).pcap()


def middle(cap, rng, samples):
    """Of each connection the first packets are missing."""
    ends = [capfile.connection(cap.link, f[2]) for f in cap.frames]
    count = collections.Counter(ends)
    for _ in range(samples):
        skip, kept = {e: rng.randint(1, max(1, n * 7 // 10)) for e, n in count.items() if e}, []
        for e, f in zip(ends, cap.frames):
            if skip.get(e, 0) > 0:
                skip[e] -= 1
            else:
                kept.append(f)
        yield "joined in the middle", cap.with_frames(kept).pcap()


def clock(cap, rng, samples):
    """As when the time is asked for by NTP."""
    for _ in range(samples if len(cap.frames) > 1 else 0):
        at, s = rng.randrange(1, len(cap.frames)), rng.choice((0.1, 0.5, 2, 10, 60, 600, 3600, 7200)) * rng.choice((1, -1))
        yield "clock set by %g s at frame %d" % (s, at + 1), cap.with_frames(
            [(ns + (int(s * 10**9) if i >= at else 0), wire, data) for i, (ns, wire, data) in enumerate(cap.frames)]).pcap()


def coarse(cap, rng, samples):
    for tick in rng.sample((10**7, 10**9), samples if samples < 2 else 2):
        yield "ticks of %g s" % (tick / 10**9), cap.with_frames([(ns // tick * tick, wire, data) for ns, wire, data in cap.frames]).pcap()


def sides(cap, rng, samples):
    """As a tap with two ports: one is ahead, or is read only now and then."""
    for _ in range(samples):
        up, ms, batch, out = rng.random() < 0.5, rng.choice((1, 5, 50)), rng.random() < 0.5, []
        for ns, wire, data in cap.frames:
            own = capfile.to_lower_port(cap.link, data) == up
            late = (-ns % (ms * 10**6) if batch else ms * 10**6) if own else 0
            out.append((ns + late, wire, data))
        yield "%s %d ms %s" % ("client" if up else "server", ms, "batches" if batch else "ahead"), cap.with_frames(
            sorted(out, key=lambda f: f[0])).pcap()


def mirror(cap, rng, samples):
    """As where two ports of a router are mirrored: other MAC addresses, one hop more, up to 5 ms later."""
    for _ in range(samples if cap.link == 1 else 0):
        least, most, hops = *rng.choice(((0, 200), (0, 1000), (500, 5000), (3000, 3000))), rng.randint(0, 1)
        out = list(cap.frames)
        for ns, wire, data in cap.frames:
            out.append((ns + rng.randint(least, most) * 1000, wire, capfile.elsewhere(data, hops)))
        yield "%d to %d us, %d hops" % (least, most, hops), cap.with_frames(sorted(out, key=lambda f: f[0])).pcap()


def frames_said(chosen):
    said = ",".join(str(i + 1) for i in sorted(chosen))
    return said if len(said) < 120 else said[:120] + "..."


#                 how, samples by default, level of a new family that is a bug, level the whole must have
CHANGES = {
    "cut": (cut, 8, 3, 1), "remove": (remove, 6, 2, 1), "repeat": (repeat, 4, 2, 1), "reorder": (reorder, 4, 2, 1),
    "burst": (burst, 4, 3, 1), "acks": (acks, 2, 3, 1), "snap": (snap, 3, 3, 1),
    "sample": (sample, 1, 3, 1), "middle": (middle, 1, 3, 1), "clock": (clock, 2, 3, 1), "coarse": (coarse, 1, 3, 1),
    "sides": (sides, 1, 3, 1), "mirror": (mirror, 1, 3, 1),
}


class Result:
    def __init__(self):
        self.errors, self.known, self.checks = [], collections.Counter(), 0

    def fail(self, what, name, kind, text):
        for (w, n, k), why in KNOWN.items():
            if w == what and fnmatch.fnmatch(name, n) and k == kind:
                self.known[(w, n, k)] += 1
                return
        self.errors.append("%s %s: %s" % (what, name, text))


def check_changes(tool, name, cap, o):
    r = Result()
    whole = tool.causes(cap.pcap())
    has = {f for f, (level, _) in whole.items()}
    for what, (change, samples, level, least) in CHANGES.items():
        if o.only and what not in o.only:
            continue
        rng = random.Random("%d %s %s" % (o.seed, name, what))
        for said, data in change(cap, rng, samples * (8 if o.all else 1)):
            r.checks += 1
            try:
                causes = tool.causes(data)
            except (Crash, subprocess.TimeoutExpired) as e:
                r.fail(what, name, "crash", "%s: %s" % (said, e))
                keep(o, what, name, data)
                continue
            for fam, (got, kind) in causes.items():
                if got >= level and whole.get(fam, (-1,))[0] < least:
                    r.fail(what, name, kind, "%s: %s (%d), the whole has %s" % (said, kind, got, sorted(has)))
                    keep(o, what, name, data)
    return r


def keep(o, what, name, data):
    if o.keep:
        with open(os.path.join(o.keep, "%s-%s" % (what, name.replace("/", "_"))), "wb") as f:
            f.write(data)


def gist(findings):
    """What is found, where and how sure: the same whichever of two copies of a connection was met first."""
    return sorted(json.dumps([f[k] for k in ("kind", "confidence", "severity", "from", "to")]) for f in findings)


def bare(findings):
    """Findings without what depends on the names of files and the order of inputs."""
    out = []
    for f in findings:
        f = {k: v for k, v in f.items() if k not in ("id", "sessions")}
        f["evidence"] = [{k: v for k, v in e.items() if k not in ("file", "interface", "log")} for e in f["evidence"]]
        out.append(json.dumps(f, sort_keys=True))
    return sorted(out)


def wrapped(cap, link, wrap):
    """The frames in another link layer; `wrap' gives what stands before them, and from which byte on they are kept."""
    frames = []
    for ns, wire, data in cap.frames:
        head, skip = wrap(data)
        frames.append((ns, wire - skip + len(head), head + data[skip:]))
    return capfile.Capture(link, frames)


def pktap(_):
    return struct.pack("<III", 108, 1, 1) + b"en0".ljust(96, b"\0"), 0


def wireless(data):
    """Radiotap, a data frame with quality of service, LLC; what has a length instead of a type has its own LLC."""
    typed = data[12] >= 6
    return (struct.pack("<BBHIQB3x", 0, 0, 20, 3, 0, 0) + b"\x88\x02" + bytes(24) + (b"\xaa\xaa\x03\0\0\0" if typed else b"")), 12 if typed else 14


def check_forms(tool, name, path, cap, o):
    r = Result()
    rng = random.Random("%d %s form" % (o.seed, name))
    want = bare(tool.findings([path]))
    forms = {
        "standard input": cap.pcap, "gz": lambda: gzip.compress(cap.pcap(), 1), "pcapng": cap.pcapng,
        "pcapng, big endian": lambda: cap.pcapng(">"), "nanoseconds": lambda: cap.pcap("<", 1),
        "big endian": lambda: cap.pcap(">"),
    }
    if cap.link == 1 and all(len(data) == wire and len(data) >= 14 for _, wire, data in cap.frames):     # else it is told where they were cut
        forms.update({"macOS, any": lambda: wrapped(cap, 258, pktap).pcap(), "wireless": lambda: wrapped(cap, 127, wireless).pcap()})
    if any(ns % 1000 for ns, _, _ in cap.frames):   # microseconds would round the times
        forms = {k: v for k, v in forms.items() if k in ("pcapng", "pcapng, big endian", "nanoseconds")}
    for what in sorted(forms) if o.all else rng.sample(sorted(forms), 2):
        r.checks += 1
        got = bare(tool.findings(["-"], forms[what]()))
        if got != want:
            r.fail("form", name, what, "%s: other findings: %s" % (what, first_difference(got, want)))
    return r


def check_numbers(tool, name, cap, o):
    r = Result()
    want = bare(tool.findings(["-"], cap.pcap()))
    for i in range(4 if o.all else 1):
        other = renumber.renumbered(cap, random.Random("%d %s numbers %d" % (o.seed, name, i)))
        if other is None:
            break
        cap2, named = other
        text = re.sub(r"\d+(?:\.\d+){3}|[0-9a-f]*:[0-9a-f:]*[0-9a-f]", lambda m: named.get(m[0], m[0]), json.dumps(tool.findings(["-"], cap2.pcap())))
        got = bare(json.loads(text))
        r.checks += 1
        if got != want:
            r.fail("numbers", name, "numbers", "other findings: %s" % first_difference(got, want))
            keep(o, "numbers", name, cap2.pcap())
    return r


def first_difference(got, want):
    for a, b in zip(got, want):
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), 0)
            return "%s ... instead of %s" % (a[max(0, at - 60):at + 80], b[max(0, at - 60):at + 80])
    return "%d instead of %d" % (len(got), len(want))


def joined(findings, before):
    """Findings of a capture in pieces as if it were one file."""
    for f in findings:
        evidence = []
        for e in f["evidence"]:
            e["frames"] = [n + before[os.path.basename(e["file"])] for n in e.get("frames", [])]
            if evidence and evidence[-1]["says"] == e["says"] and e["frames"] and evidence[-1]["frames"]:
                evidence[-1]["frames"] += e["frames"]
            else:
                evidence.append(e)
        f["evidence"] = evidence
    return findings


def check_pieces(tool, name, path, cap, o):
    r = Result()
    rng = random.Random("%d %s pieces" % (o.seed, name))
    times = [ns for ns, _, _ in cap.frames]
    places = [i for i in range(1, len(times)) if 0 <= times[i] - times[i - 1] <= 2 * 10**9]
    if not places or any(ns % 1000 for ns in times) or times != sorted(times):
        return r
    want = bare(joined(tool.findings([path]), {os.path.basename(path): 0}))
    for _ in range(8 if o.all else 2):
        cuts = sorted(rng.sample(places, rng.randint(1, min(12, len(places)))))
        with tempfile.TemporaryDirectory() as tmp:
            before, files = {}, []
            for i, (a, b) in enumerate(zip([0] + cuts, cuts + [len(times)])):
                files.append(os.path.join(tmp, "mail.pcap%s" % (i or "")))
                before[os.path.basename(files[-1])] = a
                with open(files[-1], "wb") as f:
                    f.write(cap.with_frames(cap.frames[a:b]).pcap())
            args = [tmp] if rng.random() < 0.5 else rng.sample(files, len(files))
            if rng.random() < 0.3:
                tool.run(["--records", os.path.join(tmp, "log.jsonl"), *args])
                args = [os.path.join(tmp, "log.jsonl")]
            r.checks += 1
            got = bare(joined(tool.findings(args), before))
            if got != want:
                r.fail("pieces", name, "pieces", "cut behind frames %s: %s" % (cuts, first_difference(got, want)))
    return r


def check_merge(tool, group, paths, o):
    """The records of a few captures: lines in any order, some twice, files in any order."""
    r = Result()
    rng = random.Random("%d %s merge" % (o.seed, group))
    with tempfile.TemporaryDirectory() as tmp:
        files = []
        for i, path in enumerate(paths):
            files.append(os.path.join(tmp, "%d.jsonl" % i))
            tool.run(["--records", files[-1], path])
        want, found = bare(tool.findings(files)), gist(tool.findings(files))
        if bare(tool.findings(paths)) != want:
            r.fail("merge", group, "records", "records give other findings than the captures")
        for round_ in range(6 if o.all else 2):
            mixed = []
            for i, path in enumerate(files):
                lines = open(path, "rb").read().splitlines(True)
                lines += rng.sample(lines, rng.randint(0, len(lines)))
                rng.shuffle(lines)
                mixed.append(os.path.join(tmp, "%d-%d.jsonl" % (round_, i)))
                with open(mixed[-1], "wb") as f:
                    f.write(b"".join(lines))
            r.checks += 2
            got = bare(tool.findings(mixed))
            if got != want:
                r.fail("merge", group, "lines", "lines shuffled: %s" % first_difference(got, want))
            rng.shuffle(mixed)
            got = gist(tool.findings(mixed))
            if got != found:
                r.fail("merge", group, "files", "files shuffled: %s" % first_difference(got, found))
    return r


def refusals(tool, data):
    """code, words -> the commands that they answer; what cannot be told is left out."""
    out = collections.defaultdict(set)
    for line in tool.run(["--json", "-"], data).splitlines():
        if b'"type":"session"' in line:
            for x in json.loads(line).get("refusals", []):
                if not x.get("unsolicited") and not x.get("guessed"):
                    out[(x["reply"]["code"], x["reply"]["text"])].add(x.get("line", ""))
    return out


def check_place(tool, name, cap, o):
    r = Result()
    whole, said = refusals(tool, cap.pcap()), [i for i, (_, _, data) in enumerate(cap.frames) if capfile.from_port(cap.link, data, SMTP_PORTS)]
    gone = [said[i:i + n] for n in (1, 2, 3) for i in range(len(said) - n + 1)] if whole else []
    rng = random.Random("%d %s place" % (o.seed, name))
    for g in gone if o.all or len(gone) <= 24 else rng.sample(gone, 24):
        r.checks += 1
        data = cap.with_frames([f for i, f in enumerate(cap.frames) if i not in g]).pcap()
        for words, lines in refusals(tool, data).items():
            if not lines <= whole.get(words, set()):
                r.fail("place", name, "place", "frames %s: %s answers %s, the whole says %s" % (
                    frames_said(g), words, sorted(lines), sorted(whole.get(words, ()))))
                keep(o, "place", name, data)
    return r


def chosen(o):
    """(name, path): one place of each lab scenario, all public ones, the stories."""
    seen, out = set(), []
    for path in sorted(glob.glob(os.path.join(o.captures, "*/*.pcap*"))):
        name = os.path.relpath(path, o.captures)
        scenario = name.split(".")[0] if name.startswith("lab/") else name
        if name.endswith(".json") or o.k not in name or os.path.getsize(path) > (400000 if o.all else 120000):
            continue
        if not o.all and not o.k and scenario in seen:
            continue
        seen.add(scenario)
        out.append((name, path))
    return out


def jobs_of(tool, o):
    files, groups = chosen(o), collections.defaultdict(list)
    for name, path in files:
        cap = capfile.load(path)
        if cap is None:
            continue
        if not o.only or set(o.only) & set(CHANGES):
            yield lambda n=name, c=cap: check_changes(tool, n, c, o)
        if not o.only or "form" in o.only:
            yield lambda n=name, p=path, c=cap: check_forms(tool, n, p, c, o)
        if not o.only or "numbers" in o.only:
            yield lambda n=name, c=cap: check_numbers(tool, n, c, o)
        if not o.only or "place" in o.only:
            yield lambda n=name, c=cap: check_place(tool, n, c, o)
        if not o.only or "pieces" in o.only:
            yield lambda n=name, p=path, c=cap: check_pieces(tool, n, p, c, o)
    for path in sorted(glob.glob(os.path.join(o.captures, "lab/*.pcap*"))):
        groups[os.path.basename(path).split(".")[0]].append(path)
    for i, (group, paths) in enumerate(sorted(groups.items())):
        if o.k in "lab/" + group and (o.all or o.k or i % 4 == o.seed % 4) and (not o.only or "merge" in o.only):
            yield lambda g=group, p=paths[:4]: check_merge(tool, g, p, o)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build", help="build directory or the command itself")
    ap.add_argument("captures", nargs="?", default=os.path.join(TOP, "captures"))
    ap.add_argument("--all", action="store_true", help="every capture, eight times the samples")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--only", action="append", help="only this property (may be repeated)")
    ap.add_argument("--keep", help="directory for the inputs that failed")
    ap.add_argument("-k", default="", help="only captures whose name contains this")
    o = ap.parse_args()
    binary = os.path.join(o.build, "mailwhy") if os.path.isdir(o.build) else o.build
    tool = Tool(os.path.abspath(binary))
    o.captures = os.path.abspath(o.captures)
    checks, errors, known = 0, [], collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for job in [pool.submit(j) for j in jobs_of(tool, o)]:
            r = job.result()
            checks += r.checks
            errors += r.errors
            known.update(r.known)
    for e in errors:
        print("FAIL " + e)
    for (what, name, kind), n in sorted(known.items()):
        print("known: %s %s: %s, %d times: %s" % (what, name, kind, n, KNOWN[(what, name, kind)]))
    print("%d checks, %d runs: %d failed" % (checks, tool.runs, len(errors)))
    return bool(errors) or checks == 0


if __name__ == "__main__":
    sys.exit(main())
