#!/usr/bin/python3
"""live.py MAILWHY - mailwhy on an interface, with real TCP and real mail.

Three network namespaces, client - router - server, made and removed here:

    cl eth0 192.0.2.10 -- 192.0.2.1 lan0 R wan0 198.51.100.1 -- 198.51.100.25 eth0 sv

Python's smtplib talks to an SMTP server over them while mailwhy watches the
client's interface.  First a healthy mail, then one through a router whose
far link has MTU 1400 and that sends no ICMP: a path-MTU black hole, the second
time seen on both sides of that router.
Needs root, iproute2 and nftables; says so and passes when it cannot run.
"""
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PREFIX = "mwlive%d" % os.getpid()
CL, R, SV = PREFIX + "c", PREFIX + "r", PREFIX + "s"

SERVER = r"""
import socket, threading
def serve(c):
    f = c.makefile("rwb", buffering=0)
    def say(t): f.write(t.encode() + b"\r\n")
    say("220 mx.example.net ESMTP")
    data = False
    while True:
        l = f.readline()
        if not l: return
        if data:
            if l == b".\r\n":
                data = False
                say("250 2.0.0 Ok: queued as 1A2B3C")
            continue
        v = l[:4].upper()
        if v == b"EHLO": say("250-mx.example.net"); say("250 8BITMIME")
        elif v == b"DATA": data = True; say("354 End data with <CR><LF>.<CR><LF>")
        elif v == b"QUIT": say("221 2.0.0 Bye"); return c.close()
        else: say("250 2.1.0 Ok")
s = socket.create_server(("198.51.100.25", 25))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
"""

CLIENT = r"""
import smtplib, sys
size, timeout = int(sys.argv[1]), float(sys.argv[2])
try:
    s = smtplib.SMTP("198.51.100.25", 25, local_hostname="client.example.org", timeout=timeout)
    s.sendmail("bob@example.org", ["alice@example.net"], "Subject: live\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72))
    s.quit()
    print("sent")
except OSError as e:
    print("failed:", e)
"""


def sh(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)


def ip(ns, *args):
    sh("ip", "-n", ns, *args)


def build():
    for ns in (CL, R, SV):
        sh("ip", "netns", "add", ns)
        ip(ns, "link", "set", "lo", "up")
    for a, an, b, bn in ((CL, "eth0", R, "lan0"), (SV, "eth0", R, "wan0")):
        ip(a, "link", "add", an, "type", "veth", "peer", "name", bn, "netns", b)
    for ns, dev, addr in ((CL, "eth0", "192.0.2.10/24"), (R, "lan0", "192.0.2.1/24"),
                          (R, "wan0", "198.51.100.1/24"), (SV, "eth0", "198.51.100.25/24")):
        ip(ns, "addr", "add", addr, "dev", dev)
        ip(ns, "link", "set", dev, "up")
        subprocess.run(["ip", "netns", "exec", ns, "ethtool", "-K", dev, "tso", "off", "gso", "off", "gro", "off"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ip(CL, "route", "add", "default", "via", "192.0.2.1")
    ip(SV, "route", "add", "default", "via", "198.51.100.1")
    sh("ip", "netns", "exec", R, "sysctl", "-qw", "net.ipv4.ip_forward=1")


def black_hole():
    ip(R, "link", "set", "wan0", "mtu", "1400")
    ip(SV, "link", "set", "eth0", "mtu", "1500")
    for rule in ("add table inet mw", "add chain inet mw out { type filter hook output priority 0 ; }",
                 "add rule inet mw out icmp type destination-unreachable drop"):
        sh("ip", "netns", "exec", R, "nft", rule)


class Watch:
    """mailwhy on the client's interface; its lines as they come."""

    def __init__(self, binary, *more, ns=None, interfaces=("eth0",)):
        self.p = subprocess.Popen(["ip", "netns", "exec", ns or CL, binary, *(x for i in interfaces for x in ("-i", i)), *more],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # under nohup it is ignored
        self.lines, self.q = [], queue.Queue()
        self.err = []
        self.pumps = [threading.Thread(target=self.pump, args=a, daemon=True)
                      for a in ((self.p.stdout, self.lines), (self.p.stderr, self.err))]
        for t in self.pumps:
            t.start()

    def pump(self, stream, keep):
        for line in stream:
            keep.append(line)
            self.q.put(line)
        self.q.put(None)

    def wait_for(self, text, seconds):
        end = time.monotonic() + seconds
        while not any(text in l for l in self.lines + self.err):
            if time.monotonic() > end or self.p.poll() is not None:
                return False
            try:
                self.q.get(timeout=0.2)
            except queue.Empty:
                pass
        return True

    def stop(self, how=signal.SIGINT):
        self.p.send_signal(how)
        try:
            self.p.wait(20)
        except subprocess.TimeoutExpired:
            self.p.kill()
            return "killed", ""
        for t in self.pumps:            # what it wrote last is still on its way
            t.join(20)
        return self.p.returncode, "".join(self.lines)


def client(size, timeout):
    return subprocess.Popen(["ip", "netns", "exec", CL, sys.executable, "-c", CLIENT, str(size), str(timeout)],
                            stdout=subprocess.PIPE, text=True)


def log_says(binary, log, text, seconds):
    """The log of a sensor that still runs, read as its owner would."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if text in subprocess.run([binary, log], capture_output=True, text=True).stdout:
            return True
        time.sleep(0.5)
    return False


def main():
    binary = os.path.abspath(sys.argv[1])
    missing = [t for t in ("ip", "nft", "ethtool") if shutil.which(t) is None]
    if os.geteuid() != 0 or missing:
        print("skipped: needs root%s" % "".join(", " + m for m in missing))
        return 0
    checks, failed, log = 0, [], os.path.join(tempfile.mkdtemp(), "r.jsonl")

    def check(ok, what):
        nonlocal checks
        checks += 1
        print(("ok      " if ok else "FAILED  ") + what)
        if not ok:
            failed.append(what)
    server = watch = None
    try:
        try:
            build()
        except subprocess.CalledProcessError as e:
            print("skipped: this machine cannot build the network: %s" % " ".join(e.cmd))
            return 0
        server = subprocess.Popen(["ip", "netns", "exec", SV, sys.executable, "-u", "-c", SERVER],
                                  stdout=subprocess.PIPE, text=True)
        server.stdout.readline()
        watch = Watch(binary)
        check(watch.wait_for("listening", 10), "says that it listens")
        c = client(20000, 10)
        check(c.communicate()[0].startswith("sent"), "the healthy mail goes through")
        rc, text = watch.stop()
        check(rc == 0, "ends with status 0 on SIGINT (got %s)" % rc)
        check("mail-accepted" in text, "says mail-accepted")
        check("pmtu-black-hole" not in text, "accuses nobody")
        watch = Watch(binary, "--json")
        watch.wait_for("listening", 10)
        c = client(2000, 10)
        c.wait()
        done = time.monotonic()
        check(watch.wait_for('"type":"session"', 20), "--json tells a session when it is over, not at the end (after %.1f s)" % (time.monotonic() - done))
        rc, text = watch.stop(signal.SIGHUP)
        check(rc == 0 and text.splitlines()[-1].endswith('"type":"summary"}'), "and ends with the summary, when its terminal goes away, too")
        check(text.count('"type":"session"') == 1, "each record is told once")
        black_hole()
        watch = Watch(binary, "--records", log)
        watch.wait_for("listening", 10)
        c = client(60000, 25)
        check(watch.wait_for("pmtu-black-hole", 25), "says pmtu-black-hole while the mail hangs")
        check(c.poll() is None, "before the client gave up")
        check(log_says(binary, log, "pmtu-black-hole", 25), "its log says so while it listens")
        with open(log) as f:
            check('"type":"host"' in f.read(), "and knows whom the server answered")
        c.kill()
        c.wait()
        rc, text = watch.stop()
        check(rc == 0 and "pmtu-black-hole" in text, "the black hole is in the report")
        watch = Watch(binary, ns=R, interfaces=("lan0", "wan0"))
        watch.wait_for("listening on wan0", 10)
        c = client(60000, 25)
        check(watch.wait_for("anish between lan0 and wan0", 25), "two interfaces: says between which of them, while the mail hangs")
        check(c.poll() is None, "before the client gave up, too")
        c.kill()
        c.wait()
        rc, text = watch.stop()
        words = " ".join(text.split())
        check(rc == 0 and "anish between lan0 and wan0" in words and " of lan0: left here" in words, "and the report names each frame's interface")
        check("lan0 lan0" not in words and "point 0" not in words, "once")
        watch = None
    finally:
        for p in (server, watch and watch.p):
            if p and p.poll() is None:
                p.kill()
        shutil.rmtree(os.path.dirname(log))
        for ns in (CL, R, SV):
            subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL)
        if failed and watch:
            print("".join(watch.lines + watch.err)[-3000:])
    print("%d passed, %d failed" % (checks - len(failed), len(failed)))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
