#!/usr/bin/env python3
"""vantage.py MAILWHY [CAPTURES] - several captures of one incident, against the label.

Every lab scenario with two or more places is run with pairs of them and with
all of them.  Asserted of each run:
  - sessions and messages count once: no more than the best place alone says;
  - what the label calls decidable is as sure as at the best single place;
  - nothing that must not be found, no accusation on a clean scenario, nothing
    accused that no single place and no label knows;
  - the black holes of SURE are confirmed, between the right two places;
  - order and clock of the two places are right (the lab has one clock);
  - cut short in time on one side, it is no proof any more;
  - with the clock of one place off by an hour, all is the same;
  - each frame in turn is missing at one place of two: the other has it, and
    nothing is said that was not said before, nor left undecided;
  - where one place began after the handshake, or a firewall between renumbered
    the connections, they still count once, and nobody else is accused.
Prints `N passed, M failed` last.
"""
import argparse
import calendar
import concurrent.futures
import glob
import itertools
import json
import os
import re
import struct
import sys
import tempfile
import time

import truth

PLACES = ["client", "lan", "router", "wan", "mid", "srvside", "server"]	# along the path
# scenario -> (kind, from place, to place): between them, whichever of the pair is the tightest
SURE = {
    "bh_up_1454_wan_nots": ("pmtu-black-hole", "lan", "mid"),
    "bh_up_pppoe": ("pmtu-black-hole", "lan", "wan"),
    "bh_up_v6_1400": ("pmtu-black-hole", "lan", "mid"),
    "bh_up_small_ok_big_stalls": ("pmtu-black-hole", "lan", "mid"),
    "bh_up_1400_srv_nots": ("pmtu-black-hole", "mid", "srvside"),
    "bh_down_pop3_1492_wan": ("pmtu-black-hole", "server", "mid"),
    "bh_down_tls_starttls": ("pmtu-black-hole", "server", "mid"),
    "art_tso_blackhole": ("pmtu-black-hole", "lan", "mid"),
    "art_snap96_blackhole": ("pmtu-black-hole", "lan", "mid"),
    "icmp_ignored_up_1400": ("icmp-frag-needed-ignored", "lan", "mid"),
    "mb_rst_nft": ("middlebox-reset", "lan", "mid"),
    "mb_starttls_stripped": ("starttls-stripped", "mid", "lan"),
    "mb_banner_masked": ("banner-masked", "mid", "lan"),
    "mb_wscale_stripped": ("window-scale-broken", "mid", "lan"),
}


def judge(binary, paths):
    rc, out, err = truth.run(binary, ["--json", *paths])
    lines = [json.loads(l) for l in out.splitlines()]
    if rc != 0 or not lines or lines[-1]["type"] != "summary":
        raise RuntimeError("exit status %d: %s" % (rc, err[:200]))
    return lines


def counts(lines):
    s = lines[-1]
    return (s["smtp"]["sessions"], s["smtp"]["messages"]["attempted"], s["smtp"]["messages"]["accepted"],
            s["pop3"]["sessions"], s["pop3"]["messages"]["retrieved"])


def place_of(path):
    return os.path.basename(path).split(".")[1]


def findings(lines, kind):
    return [l for l in lines if l["type"] == "finding" and l["kind"] == kind]


def check_clock(lines, paths, fail):
    """The lab is one machine: 0 lies in every interval, and the order is that of PLACES."""
    for f in findings(lines, "capture-vantage"):
        m = re.search(r"between ([-+][\d.]+) and ([-+][\d.]+)", f["summary"])
        if m and not float(m.group(1)) - 0.001 <= 0 <= float(m.group(2)) + 0.001:
            fail("clock offset of one clock: %s" % f["summary"])
        m = re.search(r"both (\S+?)\.(\w+)\.pcap\S* .*and \S+?\.(\w+)\.pcap\S*, \S+?\.(\w+)\.pcap\S* nearer", f["summary"])
        if m and {m.group(2), m.group(3)} <= set(PLACES):
            near = min(m.group(2), m.group(3), key=PLACES.index)
            if m.group(4) != near:
                fail("order: %s" % f["summary"])


def check_place(lines, paths, sure, fail):
    kind, up, down = sure
    have = [place_of(p) for p in paths]
    edge = min(PLACES.index(up), PLACES.index(down))
    side = {p: PLACES.index(p) <= edge for p in have}
    ups, downs = [p for p in have if side[p]], [p for p in have if not side[p]]
    if not ups or not downs:
        return
    fs = findings(lines, kind)
    if not any(f["confidence"] == "confirmed" for f in fs):
        fail("%s is not confirmed" % kind)
        return
    # a router that tells the exact size at one of the places decides the advice
    mtus = [l["mtu"] for l in lines if l["type"] == "icmp-error" and l.get("frag_needed") and l.get("mtu")]
    if mtus and kind.startswith("pmtu") and not any((f["mtu"]["upper"] or 9999) <= min(mtus) for f in fs):
        fail("a router says %d, the finding %s" % (min(mtus), [f["mtu"]["upper"] for f in fs]))
    text = " ".join(f["summary"] for f in fs)
    m = re.search(r"between \S*?\.(\w+)\.pcap and \S*?\.(\w+)\.pcap", text)
    if m is None:
        fail("%s has no place: %s" % (kind, text[-160:]))
    elif side.get(m.group(1)) == side.get(m.group(2)):
        fail("wrong place: %s" % m.group(0))


def check_run(binary, name, label, alone, paths, accusing):
    errors = []

    def fail(text):
        errors.append("%s [%s]: %s" % (name, "+".join(place_of(p) for p in paths), text))
    try:
        lines = judge(binary, paths)
    except RuntimeError as e:
        fail(str(e))
        return errors
    best = tuple(max(counts(alone[p])[i] for p in paths) for i in range(5))
    if counts(lines) != best:
        fail("counts %s, the best single place %s" % (counts(lines), best))
    kinds = truth.said(lines)
    accepted = {}
    for f in label["truth"]["findings"]:
        accepted.setdefault(f["label"], set()).update(f["accepted_kinds"])
    single = [truth.said(alone[p]) for p in paths]
    for what in accepted:
        want = accepted[what]
        one = max((s.get(k, -1) for s in single for k in want), default=-1)
        both = max((kinds.get(k, -1) for k in want), default=-1)
        if both < one:
            fail("%s is less sure (%d) than at one place (%d)" % (what, both, one))
    for k in label["truth"]["must_not_find"]:
        if kinds.get(k, -1) >= 1:
            fail("falsely said: %s" % k)
    known = set().union(*accepted.values()) if accepted else set()
    for k, c in kinds.items():
        if k in accusing and k not in known and c > max(max(s.get(k, -1) for s in single), 0):
            fail("accuses where no single place does: %s" % k)
        if name.startswith("clean_") and k in accusing and k not in known and c >= 1:
            fail("accuses on a clean capture: %s" % k)
    check_clock(lines, paths, fail)
    if name in SURE:
        check_place(lines, paths, SURE[name], fail)
    return errors


def cut_in_time(path, out, ns):
    """The packets of a pcap before ns; returns how many."""
    data = open(path, "rb").read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    scale = 1 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    at, n = 24, 0
    with open(out, "wb") as f:
        f.write(data[:24])
        while at + 16 <= len(data):
            sec, frac, caplen, _ = struct.unpack(order + "IIII", data[at:at + 16])
            if sec * 10**9 + frac * scale >= ns:
                break
            f.write(data[at:at + 16 + caplen])
            at += 16 + caplen
            n += 1
    return n


def check_cut(binary, name, top):
    """The lower place stops with the first lost packet: nothing is proven by what it does not have."""
    kind, up, down = SURE[name]
    errors = []
    ups, downs = (os.path.join(top, "%s.%s.pcap" % (name, p)) for p in (up, down))
    stalls = [l for l in judge(binary, [ups]) if l["type"] == "stall"]
    if not stalls:
        return ["%s: no stall at %s" % (name, up)]
    first = min(l["first"]["time"] for l in stalls)
    whole, frac = first[:-1].split(".")
    ns = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(frac.ljust(9, "0"))
    with tempfile.TemporaryDirectory() as tmp:
        short = os.path.join(tmp, "%s.%s.pcap" % (name, down))
        cut_in_time(downs, short, ns)
        alone = truth.said(judge(binary, [ups]))
        lines = judge(binary, [ups, short])
    both = truth.said(lines)
    if both.get(kind, -1) > max(alone.get(kind, -1), truth.said(judge(binary, [downs])).get(kind, -1)):
        errors.append("%s: surer with a capture that stopped early" % name)
    if any("anish between" in f["summary"] for f in findings(lines, kind)):
        errors.append("%s: a place from a capture that stopped early" % name)
    return errors


def shifted(path, out, seconds):
    """The same packets by a clock that is off."""
    data = bytearray(open(path, "rb").read())
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        sec, _, caplen, _ = struct.unpack(order + "IIII", data[at:at + 16])
        data[at:at + 4] = struct.pack(order + "I", sec + seconds)
        at += 16 + caplen
    open(out, "wb").write(data)


def check_clock_off(binary, name, top):
    """The clock of one place is off by an hour: the same findings, once, at the same place."""
    kind, up, down = SURE[name]
    errors = []
    ups, downs = (os.path.join(top, "%s.%s.pcap" % (name, p)) for p in (up, down))
    straight = judge(binary, [ups, downs])
    for seconds in (3600, -3600):
        with tempfile.TemporaryDirectory() as tmp:
            off = os.path.join(tmp, "%s.%s.pcap" % (name, down))
            shifted(downs, off, seconds)
            lines = judge(binary, [ups, off])
        if truth.said(lines) != truth.said(straight) or counts(lines) != counts(straight):
            errors.append("%s: other findings with a clock %+d s: %s, straight %s"
                          % (name, seconds, truth.said(lines), truth.said(straight)))
        if len(findings(lines, kind)) != len(findings(straight, kind)):
            errors.append("%s: %d findings instead of %d with a clock %+d s"
                          % (name, len(findings(lines, kind)), len(findings(straight, kind)), seconds))
        if not any("between" in f["summary"] for f in findings(lines, kind)):
            errors.append("%s: no place with a clock %+d s" % (name, seconds))
    return errors


def pcap_frames(path):
    """The global header, and each frame with its own: [header, bytes]; little endian as the lab writes them."""
    data = open(path, "rb").read()
    at, frames = 24, []
    while at + 16 <= len(data):
        n = struct.unpack_from("<I", data, at + 8)[0]
        frames.append([data[at:at + 16], bytearray(data[at + 16:at + 16 + n])])
        at += 16 + n
    return data[:24], frames


def pcap_write(path, head, frames):
    with open(path, "wb") as f:
        f.write(head + b"".join(h + d for h, d in frames))


def tcp_at(d):
    """Where TCP begins in an Ethernet frame with IPv4 and all of a header; None."""
    at = 14 + (d[14] & 15) * 4 if len(d) > 34 and d[12:14] == b"\x08\x00" and d[23] == 6 else 0
    return at if at and len(d) >= at + 20 else None


def begun_later(frames):
    """Without what came before the first payload."""
    for n, (_, d) in enumerate(frames):
        at = tcp_at(d)
        if at and struct.unpack_from("!H", d, 16)[0] > at - 14 + (d[at + 12] >> 4) * 4:
            return frames[n:]
    return frames


def renumbered(frames):
    """The client's (higher port) and the server's numbers each moved by as much; SACK blocks and what ICMP quotes, too."""
    for _, d in frames:
        at = tcp_at(d)
        if at is None:
            if len(d) >= 70 and d[12:14] == b"\x08\x00" and d[23] == 1 and d[34] in (3, 11) and d[51] == 6:
                sport, dport, seq = struct.unpack_from("!HHI", d, 62)
                struct.pack_into("!I", d, 66, seq + (0x12345678 if sport > dport else 0x23456789) & 0xffffffff)
            continue
        sport, dport, seq, ack = struct.unpack_from("!HHII", d, at)
        mine, its = (0x12345678, 0x23456789) if sport > dport else (0x23456789, 0x12345678)
        struct.pack_into("!II", d, at + 4, seq + mine & 0xffffffff, ack + its & 0xffffffff if d[at + 13] & 0x10 else ack)
        o, end = at + 20, min(at + (d[at + 12] >> 4) * 4, len(d))
        while o + 1 < end and d[o] != 0:
            if d[o] == 5:
                for q in range(o + 2, min(o + d[o + 1], end) - 3, 4):
                    struct.pack_into("!I", d, q, struct.unpack_from("!I", d, q)[0] + its & 0xffffffff)
            o += 1 if d[o] == 1 else max(d[o + 1], 2)
    return frames


def check_edited(binary, name, label, near, far, accusing):
    """What one place lacks, or a firewall changes, makes no second connection of the first."""
    errors, straight = [], judge(binary, [near, far])
    known = {k for f in label["truth"]["findings"] for k in f["accepted_kinds"]} | set(truth.said(straight))
    for edit, of in ((begun_later, 0), (begun_later, 1), (renumbered, 1)):
        with tempfile.TemporaryDirectory() as tmp:
            paths = [near, far]
            head, frames = pcap_frames(paths[of])
            paths[of] = os.path.join(tmp, os.path.basename(paths[of]))
            pcap_write(paths[of], head, edit(frames))
            lines = judge(binary, paths)
        if counts(lines) != counts(straight):
            errors.append("%s: %s at %s: counts %s instead of %s" % (name, edit.__name__, place_of(paths[of]), counts(lines), counts(straight)))
        for k, c in truth.said(lines).items():
            # of a forged reset one sign may be left: "by the server, or in its name: its origin is not certain"
            unsure = k == "peer-reset" and c == 1 and "middlebox-reset" in known
            if k in accusing and k not in known and c >= 1 and not unsure:
                errors.append("%s: %s at %s: accuses %s" % (name, edit.__name__, place_of(paths[of]), k))
    return errors


def check_each_frame(binary, name, near, far):
    """What one place lacks the other has: the same mails, the same findings, none of them undecided."""
    def said(lines):
        return {(f["kind"], f["confidence"]) for f in lines if f["type"] == "finding" and not f["kind"].startswith("capture-")}
    straight, errors = judge(binary, [near, far]), []
    head, frames = pcap_frames(far)
    for n in range(len(frames)):
        with tempfile.TemporaryDirectory() as tmp:
            path = os.path.join(tmp, os.path.basename(far))
            pcap_write(path, head, frames[:n] + frames[n + 1:])
            lines = judge(binary, [near, path])
        if counts(lines) != counts(straight) or said(lines) != said(straight):
            errors.append("%s: without frame %d at %s: counts %s, said %s" % (name, n + 1, place_of(far), counts(lines), sorted(said(lines))))
    return errors


# without time stamps, and through NAT, nothing but the dialogue says that a renumbered connection is the same
STAMPLESS = ("_nots", "clean_nat")


def scenario(binary, label_path, accusing, pairs_only):
    label = json.load(open(label_path, encoding="utf-8"))
    name = label["scenario"]
    top = os.path.dirname(label_path)
    paths = [os.path.join(top, v["file"]) for p, v in label["vantages"].items() if p in PLACES]
    paths = sorted((p for p in paths if os.path.getsize(p) > 24), key=lambda p: PLACES.index(place_of(p)))
    if len(paths) < 2:
        return 0, []
    alone = {p: judge(binary, [p]) for p in paths}
    sets = [list(s) for s in itertools.combinations(paths, 2)]
    if len(paths) > 2 and not pairs_only:
        sets += [paths, paths[::-1]]
    errors, n = [], 0
    for s in sets:
        errors += check_run(binary, name, label, alone, s, accusing)
        n += 1
    if name in SURE and SURE[name][0] == "pmtu-black-hole":
        errors += check_cut(binary, name, top)
        n += 1
    if not pairs_only and not any(x in name for x in STAMPLESS):
        errors += check_edited(binary, name, label, paths[0], paths[-1], accusing)
        n += 1
    if name in ("clean_pipelined", "clean_auth_login", "greylist_450_then_ok"):
        errors += check_each_frame(binary, name, paths[0], paths[-1])
        n += 1
    if name in SURE:
        errors += check_clock_off(binary, name, top)
        n += 1
    return n, errors


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("binary")
    ap.add_argument("captures", nargs="?", default=os.path.join(truth.TOP, "captures"))
    ap.add_argument("-k", default="", help="only scenarios whose name contains this")
    ap.add_argument("--pairs", action="store_true", help="pairs only")
    a = ap.parse_args()
    labels = [p for p in sorted(glob.glob(os.path.join(a.captures, "lab/*.json"))) if a.k in os.path.basename(p)]
    runs = failed = 0
    accusing = truth.accusing_kinds()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for n, errors in pool.map(lambda p: scenario(a.binary, p, accusing, a.pairs), labels):
            runs += n
            failed += min(n, len({e.split("]")[0] for e in errors}))
            for e in errors:
                print("FAIL %s" % e)
    print("%d passed, %d failed" % (runs - failed, failed))
    return failed != 0 or runs == 0


if __name__ == "__main__":
    sys.exit(main())
