#!/usr/bin/python3
"""bench.py BUILDDIR [--packets N] [--rounds N] [--only CASE] [--peers] [--check RATIO] [--replay SECONDS]

CPU time (user + system) of the whole mailwhy pipeline as a ratio to the bare
libpcap loop over the same file: with libpcap's default stdio buffer, and with
the same 256 KiB buffer; wall time and memory beside it.  All programs run
interleaved, round by round; the figures are medians over the rounds, and the
table names machine, versions and where the files were (what a page of the file
costs the kernel depends on that).  Then how the cost grows: flows at once, and
captures in a directory; and what records of short mails cost to write and read.
--packets 1500000 is the size that the goals are told for (300,000 is the
default; flows at once shrink with it); --only takes the cases whose name begins
so; --check fails when a case costs more than RATIO times the loop with the same
buffer.  --replay does nothing of that: mailwhy listens on an interface of a
network namespace (root), a capture is sent there round and round, and its
resident memory is told.
"""
import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

GOAL_PACKETS = 1500000
NAMESPACE = "mwbench%d" % os.getpid()
REPLAY_RATE = 20000     # packets a second

SENDER = r"""
import socket, struct, sys, time
data, rate, until = open(sys.argv[1], "rb").read(), int(sys.argv[2]), time.monotonic() + float(sys.argv[3])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("tx0", 0))
begin, sent, rounds = time.monotonic(), 0, 0
while time.monotonic() < until:
    at = 24
    while at < len(data) and time.monotonic() < until:
        n = struct.unpack_from("<I", data, at + 8)[0]
        s.send(data[at + 16:at + 16 + n])
        at += 16 + n
        sent += 1
        if sent % 200 == 0:
            time.sleep(max(0, begin + sent / rate - time.monotonic()))
    rounds += 1
print(sent, rounds)
"""


def cases(packets):
    """Name of a case, options of mkmix.  Many flows are as many for each packet as in the goals."""
    share = packets / GOAL_PACKETS
    mix = ["-n", packets, "-6", 20, "-v", 10]
    small = ["-z", 100, "-b", 13500, "-M", 1100, "-c", max(1, int(20000 * share))]
    at_once = ["-n", int(8000000 * share), "-m", 0, "-z", 100, "-b", 1, "-s", 128]      # 8 packets each
    return {
        "mix (5 % mail)": [*mix, "-m", 5],
        "pcapng of the mix": [*mix, "-m", 5, "-g"],
        "100 % mail": [*mix, "-m", 100, "-c", 500],
        "small flows (5 % mail)": [*mix, "-m", 5, *small],
        "small flows (no mail)": [*mix, "-m", 0, *small],
        "flows at once: 1000": [*at_once, "-c", 1000],
        "flows at once: %d" % (1000000 * share): [*at_once, "-c", max(1, int(1000000 * share))],
    }


def cost(args):
    """CPU and wall seconds and peak resident kilobytes of one run."""
    begin = time.monotonic()
    p = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit("bench: %s: exit status %d" % (" ".join(args), p.returncode))
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begin, usage.ru_maxrss


def interleaved(runs, rounds, clean=None):
    """Medians of CPU and wall, and the largest memory, of each."""
    got = {k: [] for k in runs}
    for _ in range(rounds):
        for k, args in runs.items():
            got[k].append(cost(args))
            if clean:
                shutil.rmtree(clean, ignore_errors=True)
    return {k: (statistics.median(g[0] for g in v), statistics.median(g[1] for g in v), max(g[2] for g in v)) for k, v in got.items()}


def version(args):
    try:
        out = subprocess.run(args, capture_output=True, text=True)
        return (out.stdout or out.stderr).splitlines()[0]
    except (OSError, IndexError):
        return "not installed"


class Bench:
    def __init__(self, a, tmp):
        self.a, self.tmp = a, tmp
        self.mailwhy = [os.path.join(a.build, "mailwhy"), "--no-progress"]
        self.tools = os.path.join(a.build, "tests/bench")

    def wanted(self, name):
        return name.startswith(self.a.only)

    def make(self, path, options):
        subprocess.run([os.path.join(self.tools, "mkmix"), "-o", path, *map(str, options)], check=True)

    def runs(self, path):
        loop = os.path.join(self.tools, "bareloop")
        runs = {"libpcap loop, default buffer": [loop, path], "libpcap loop, 256 KiB buffer": [loop, "-b", "262144", path],
                "mailwhy": [*self.mailwhy, path]}
        if self.a.peers and shutil.which("tshark"):
            runs["tshark -Y smtp"] = ["tshark", "-n", "-r", path, "-Y", "smtp"]
        if self.a.peers and shutil.which("tcpflow"):
            runs["tcpflow"] = ["tcpflow", "-r", path, "-o", os.path.join(self.tmp, "flows")]
        return runs

    def case(self, name, options):
        """One table; mailwhy's CPU seconds a packet, and as a ratio to the loop with the same buffer."""
        path = os.path.join(self.tmp, "bench.pcap")
        self.make(path, options)
        packets = options[options.index("-n") + 1]
        got = interleaved(self.runs(path), self.a.rounds, os.path.join(self.tmp, "flows"))
        base, big = (got["libpcap loop, %s buffer" % b][0] for b in ("default", "256 KiB"))
        print("\n%s: %d packets, %d MB, median of %d rounds" % (name, packets, os.path.getsize(path) // 1000000, self.a.rounds))
        print("%-30s %9s %12s %12s %9s %9s" % ("", "CPU ms", "x default", "x 256 KiB", "wall ms", "RSS MiB"))
        for k, (cpu, wall, rss) in got.items():
            print("%-30s %9.1f %12.2f %12.2f %9.1f %9.1f" % (k, cpu * 1000, cpu / base, cpu / big, wall * 1000, rss / 1024), flush=True)
        os.unlink(path)
        return got["mailwhy"][0] / packets, got["mailwhy"][0] / big

    def files(self):
        """0, or 1 when a case costs more than --check allows."""
        failed, grown = 0, []
        for name, options in cases(self.a.packets).items():
            if not self.wanted(name):
                continue
            packet, ratio = self.case(name, options)
            if name.startswith("flows at once"):
                grown.append(packet)
            if self.a.check and ratio > self.a.check:
                print("FAIL: mailwhy costs %.2f times the loop with the same buffer, more than %.2f" % (ratio, self.a.check))
                failed = 1
        if len(grown) == 2:
            print("\na packet among many flows costs %.2f times one among 1000 (%.0f and %.0f ns)" % (grown[1] / grown[0], grown[1] * 1e9, grown[0] * 1e9))
        return failed

    def directories(self):
        """Ten small captures, ten thousand; CPU for each."""
        runs = {}
        for n in (10, 10000):
            d = os.path.join(self.tmp, "captures-%d" % n)
            os.mkdir(d)
            for i in range(n):
                self.make(os.path.join(d, "%05d.pcap" % i), ["-n", 40, "-m", 50, "-c", 3, "-S", i + 1])
            runs[n] = [*self.mailwhy, d]
        got = interleaved(runs, self.a.rounds)
        few, many = (got[n][0] / n * 1000 for n in runs)
        print("\ndirectory of small captures (40 packets each): %.3f ms for each of 10000 (%.0f MiB), %.3f ms for each of 10: %.2f times"
              % (many, got[10000][2] / 1024, few, many / few))
        for n in runs:
            shutil.rmtree(os.path.join(self.tmp, "captures-%d" % n))

    def records(self):
        """Short mails, so that most of it is what is known of a connection: judged, written, and read again."""
        path, log = (os.path.join(self.tmp, n) for n in ("bench.pcap", "bench.jsonl"))
        self.make(path, ["-n", self.a.packets // 2, "-m", 100, "-z", 100, "-b", 2500, "-c", 500])
        got = interleaved({"read": [*self.mailwhy, path], "written": [*self.mailwhy, "--records", log, path], "again": [*self.mailwhy, log]},
                          self.a.rounds)
        (read, _, _), (written, _, _), (again, _, _) = got.values()
        print("\nrecords of %d packets of short mails, %d MB: written while the capture is read %.2f times the capture alone, read again %.2f times"
              % (self.a.packets // 2, os.path.getsize(log) // 1000000, written / read, again / read))
        os.unlink(log)
        os.unlink(path)

    # ---- resident memory over time ----

    def replay(self):
        path = os.path.join(self.tmp, "replay.pcap")
        self.make(path, cases(self.a.packets)["mix (5 % mail)"])
        inside = ["ip", "netns", "exec", NAMESPACE]
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
        try:
            ip = ["ip", "-n", NAMESPACE, "link"]
            subprocess.run([*ip, "add", "tx0", "mtu", "9000", "type", "veth", "peer", "name", "rx0", "mtu", "9000"], check=True)
            for dev in ("tx0", "rx0"):
                subprocess.run([*inside, "sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % dev], check=True)
                subprocess.run([*ip, "set", dev, "up"], check=True)
            return self.replay_on(inside, path)
        finally:
            subprocess.run(["ip", "netns", "del", NAMESPACE])

    def replay_on(self, inside, path):
        watch = subprocess.Popen([*inside, self.mailwhy[0], "-i", "rx0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        send, rss = None, []
        try:
            watch.stderr.readline()     # "listening"
            send = subprocess.Popen([*inside, sys.executable, "-c", SENDER, path, str(REPLAY_RATE), str(self.a.replay)],
                                    stdout=subprocess.PIPE, text=True)
            while send.poll() is None and watch.poll() is None:
                rss.append(resident(watch.pid))
                time.sleep(1)
            sent = send.communicate()[0].split()
        finally:
            for p in (send, watch):
                if p and p.poll() is None:
                    p.terminate()
        watch.communicate()
        minute = min(60, len(rss) // 3)
        first, last = statistics.median(rss[:minute]), statistics.median(rss[-minute:])
        print("\nreplay of %d packets for %d s: %s sent in %s rounds; resident MiB: first %d s %.1f, last %.1f, largest %.1f; exit status %d"
              % (self.a.packets, self.a.replay, *sent, minute, first / 1024, last / 1024, max(rss) / 1024, watch.returncode))
        print("each minute: " + " ".join("%.1f" % (statistics.median(rss[i:i + 60]) / 1024) for i in range(0, len(rss), 60)))
        return watch.returncode


def resident(pid):
    """Kilobytes."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def place(packets):
    """Files in memory, where there is room: on a disk the first round would read it."""
    free = shutil.disk_usage("/dev/shm").free if os.path.isdir("/dev/shm") else 0
    return "/dev/shm" if free > packets * 2500 else tempfile.gettempdir()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("--packets", type=int, default=300000)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--peers", action="store_true")
    ap.add_argument("--check", type=float)
    ap.add_argument("--only", default="")
    ap.add_argument("--replay", type=int, metavar="SECONDS")
    a = ap.parse_args()
    where = place(a.packets)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mailwhy-bench-", dir=where) as tmp:
        b = Bench(a, tmp)
        print("machine: %s, %d cores; %s; files in %s" % (platform.machine(), os.cpu_count(), version([b.mailwhy[0], "--version"]), where))
        if a.replay:
            return b.replay()
        failed = b.files()
        if b.wanted("directory"):
            b.directories()
        if b.wanted("records"):
            b.records()
    return failed


if __name__ == "__main__":
    sys.exit(main())
