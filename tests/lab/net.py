"""net.py - the lab's network: five namespaces, and who listens in them.

    cl eth0 -- lan0 hr wan0 -- w0 wr w1 -- cust0 isp srv0 -- eth0 sv
    192.0.2.10    .1   203.0.113.2  (wire)  203.0.113.1  198.51.100.1  198.51.100.25

IPv6 the same way: 2001:db8:1::/64, :2::/64, :3::/64.  wr has no address: it is
the cable (wire.py).  Nothing here has a route to the world outside.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT4, SERVER4 = "192.0.2.10", "198.51.100.25"
CLIENT6, SERVER6 = "2001:db8:1::10", "2001:db8:3::25"
PLACES = {"client": ("cl", "eth0"), "lan": ("hr", "lan0"), "wan": ("hr", "wan0"),
          "mid": ("isp", "cust0"), "srvside": ("isp", "srv0"), "server": ("sv", "eth0")}
CABLES = (("cl", "eth0", "hr", "lan0"), ("hr", "wan0", "wr", "w0"), ("wr", "w1", "isp", "cust0"), ("isp", "srv0", "sv", "eth0"))
ADDRESSES = (("cl", "eth0", CLIENT4 + "/24", CLIENT6 + "/64"), ("hr", "lan0", "192.0.2.1/24", "2001:db8:1::1/64"),
             ("hr", "wan0", "203.0.113.2/24", "2001:db8:2::2/64"), ("isp", "cust0", "203.0.113.1/24", "2001:db8:2::1/64"),
             ("isp", "srv0", "198.51.100.1/24", "2001:db8:3::1/64"), ("sv", "eth0", SERVER4 + "/24", SERVER6 + "/64"))
ROUTES = (("cl", "default", "192.0.2.1", "2001:db8:1::1"), ("sv", "default", "198.51.100.1", "2001:db8:3::1"),
          ("hr", "default", "203.0.113.1", "2001:db8:2::1"), ("isp", "192.0.2.0/24", "203.0.113.2", "2001:db8:2::2"))
SYSCTLS = {"all": ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_ra=0"),
           "hr": ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"),
           # A router with another first TTL: answers it forges are told by it.
           "isp": ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.ip_default_ttl=255",
                   "net.ipv6.conf.all.hop_limit=255", "net.ipv6.conf.default.hop_limit=255"),
           "wr": ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")}


class Trouble(Exception):
    """The lab itself failed: no verdict about mailwhy."""


def run(*args, text=None):
    p = subprocess.run(args, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        raise Trouble("%s: %s" % (" ".join(args), p.stdout.strip()[:300]))
    return p.stdout


def stop(process, how=signal.SIGTERM, patience=10):
    """Ends the process group that `process` leads."""
    if process is None:
        return None
    for sig in (how, signal.SIGKILL):
        try:
            os.killpg(process.pid, sig)
        except ProcessLookupError:
            pass
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue
    try:  # what the leader left behind
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return process.returncode


class Net:
    """A fresh network; everything it made is gone after close()."""

    count, alive = 0, set()
    lock = threading.Lock()

    def __init__(self):
        with Net.lock:
            Net.count += 1
            self.prefix = "mwlab%dn%d" % (os.getpid(), Net.count)
            Net.alive.add(self)
        self.dir = tempfile.mkdtemp(prefix="mwlab.")
        os.chmod(self.dir, 0o755)  # the mail servers give up root
        self.processes, self.made, self.tables = [], [], 0

    def ns(self, name):
        return self.prefix + name

    def __enter__(self):
        return self

    def end_all(self):
        for p in reversed(self.processes):
            stop(p)

    def __exit__(self, *_):
        self.end_all()
        for ns in self.made:
            self.empty(ns)
            subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)
        with Net.lock:
            Net.alive.discard(self)

    @staticmethod
    def empty(ns):
        """Ends what left its process group (Postfix's master does) but not the namespace, which is ours alone."""
        for _ in range(100):
            pids = subprocess.run(["ip", "netns", "pids", ns], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)

    def ip(self, name, *args):
        return run("ip", "-n", self.ns(name), *args)

    def sh(self, name, *args, text=None):
        return run("ip", "netns", "exec", self.ns(name), *args, text=text)

    def sysctl(self, name, *settings):
        if settings:
            self.sh(name, "sysctl", "-qw", *settings)

    def nft(self, name, rules):
        """each rule in a table of its own, its hook first, as in "forward: tcp dport 25 drop"."""
        for line in rules:
            hook, rule = line.split(": ", 1)
            self.tables += 1
            self.sh(name, "nft", "-f", "-", text="table inet lab%d { chain c { type filter hook %s priority 0; }; }\n"
                    "add rule inet lab%d c %s\n" % (self.tables, hook, self.tables, rule))
        return "lab%d" % self.tables

    def address(self, name, more):
        """One more address at eth0."""
        self.ip(name, "addr", "replace", more + ("/64" if ":" in more else "/24"), "dev", "eth0", *(["nodad"] if ":" in more else []))

    def control(self, name, algorithm, *more):
        """The congestion control of all that a host sends; more of a route's attributes (ip-route(8))."""
        for who, to, v4, v6 in ROUTES:
            if who == name:
                for via in (v4, v6):
                    run("ip", "-6" if ":" in via else "-4", "-n", self.ns(name), "route", "replace", to, "via", via, *more, "congctl", algorithm)

    def start(self, name, args, ready=None, env=None, patience=20):
        """A process in its own group; waits for the line with `ready` on its output or error."""
        p = subprocess.Popen(["ip", "netns", "exec", self.ns(name), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True, env=dict(os.environ, **(env or {})))
        self.processes.append(p)
        p.said = Lines(p.stdout)
        if ready and not p.said.wait_for(ready, patience):
            raise Trouble("%s did not say %r: %s" % (args[0], ready, p.said.text()[-500:]))
        return p

    def build(self, wire=()):
        for name in ("cl", "hr", "wr", "isp", "sv"):
            run("ip", "netns", "add", self.ns(name))
            self.made.append(self.ns(name))
            self.ip(name, "link", "set", "lo", "up")
            self.sysctl(name, *SYSCTLS["all"], *SYSCTLS.get(name, ()))
        for a, dev, b, peer in CABLES:
            self.ip(a, "link", "add", dev, "type", "veth", "peer", "name", peer, "netns", self.ns(b))
        for a, dev, b, peer in CABLES:
            for name, end in ((a, dev), (b, peer)):
                self.sh(name, "ethtool", "-K", end, "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")
                self.ip(name, "link", "set", end, "up")
        for name, dev, v4, v6 in ADDRESSES:
            self.ip(name, "addr", "add", v4, "dev", dev)
            self.ip(name, "addr", "add", v6, "dev", dev, "nodad")
        for name, to, v4, v6 in ROUTES:
            self.route(name, to, v4)
            self.route(name, "2001:db8:1::/64" if to != "default" else to, v6)
        self.start("wr", [sys.executable, "-u", os.path.join(HERE, "wire.py"), "w0", "w1", *wire], "ready")

    def offload(self, name, dev):
        """Segmentation left to the interface, as on most hosts: captures there show packets that no cable carries."""
        self.sh(name, "ethtool", "-K", dev, "tx", "on", "tso", "on", "gso", "on")

    def route(self, name, to, via, *more):
        family = "-6" if ":" in via else "-4"
        try:  # some kernels default to a congestion control that paces; this one is what hosts use
            run("ip", family, "-n", self.ns(name), "route", "replace", to, "via", via, *more, "congctl", "cubic")
        except Trouble:
            run("ip", family, "-n", self.ns(name), "route", "replace", to, "via", via, *more)

    def path_mtu(self, direction, mtu, quiet=True):
        """What the routers carry one way: "up" at the home router, "down" at the provider's."""
        name = "hr" if direction == "up" else "isp"
        for who, to, v4, v6 in ROUTES:
            if who == name:
                self.route(name, to, v4, "mtu", "lock", str(mtu))
                self.route(name, "2001:db8:1::/64" if to != "default" else to, v6, "mtu", "lock", str(mtu))
        if quiet:
            self.nft(name, ("output: icmp type destination-unreachable drop", "output: icmpv6 type packet-too-big drop"))


    def far_mtu(self, mtu):
        """The provider's router cannot pass more to the server, and says so."""
        run("ip", "-n", self.ns("isp"), "route", "replace", SERVER4 + "/32", "dev", "srv0", "mtu", "lock", str(mtu))


class Lines:
    """What a process says, read by a thread, so that it never blocks."""

    def __init__(self, stream):
        self.lines, self.news, self.ended = [], threading.Condition(), False
        threading.Thread(target=self.pump, args=(stream,), daemon=True).start()

    def pump(self, stream):
        for line in stream:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def text(self):
        return "".join(self.lines)

    def wait_for(self, text, seconds):
        with self.news:
            return self.news.wait_for(lambda: self.ended or any(text in l for l in self.lines), seconds) \
                and any(text in l for l in self.lines)

    def wait_end(self, seconds):
        with self.news:
            return self.news.wait_for(lambda: self.ended, seconds)


# -Z: tcpdump would else give up root and could not write there; -B: a slot of its ring holds what offload may join, 64 KiB
TCPDUMP = "tcpdump -Z root -i %s --immediate-mode -U -B 32768 -n -s 0 -w %s"


class Watch:
    """tcpdump at several places, mailwhy live at one or two.  ways: place -> (another command, seconds that it comes too late)."""

    def __init__(self, net, binary, places, live, ways=None):
        self.net, self.files, self.dumps, self.live = net, {}, [], {}
        for place in places:
            command, late = (ways or {}).get(place, (TCPDUMP, 0))
            self.files[place] = os.path.join(net.dir, place + ".pcap")
            if late:
                timer = threading.Timer(late, self.dump, (place, command))
                timer.daemon = True
                timer.start()
            else:
                self.dump(place, command)
        for place in live:
            name, dev = PLACES[place]
            out = open(os.path.join(net.dir, place + ".jsonl"), "w+b")
            p = subprocess.Popen(["ip", "netns", "exec", net.ns(name), binary, "--json", "-i", dev], stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=subprocess.PIPE, text=True, start_new_session=True)
            net.processes.append(p)
            p.said = Lines(p.stderr)
            self.live[place] = (p, out)
            if not p.said.wait_for("listening", 20):
                raise Trouble("mailwhy does not listen: " + p.said.text()[-300:])

    def dump(self, place, command):
        name, dev = PLACES[place]
        args = (command % (dev, self.files[place])).split()
        self.dumps.append(self.net.start(name, args, "Capturing on" if args[0] == "dumpcap" else "listening on"))

    def pieces(self, place):
        """What was written there: one file, several in the order of their names, or none."""
        return sorted(glob.glob(self.files[place][:-5] + "[._]*pcap"))

    def settle(self, quiet=0.4, patience=3.0):
        """Until no capture has grown for `quiet` seconds: 40 wire delays."""
        def sizes():
            return [os.path.getsize(f) for place in self.files for f in self.pieces(place)]
        end, last, since = time.monotonic() + patience, sizes(), time.monotonic()
        while time.monotonic() < end and time.monotonic() - since < quiet:
            time.sleep(0.05)
            now = sizes()
            if now != last:
                last, since = now, time.monotonic()

    def stop(self):
        """place -> lines of the live runs; trouble: what they did wrong in ending."""
        self.settle()
        lines, trouble = {}, []
        for place, (p, out) in self.live.items():
            rc = stop(p, signal.SIGINT, 20)
            out.seek(0)
            lines[place] = parse(out.read())
            out.close()
            if rc != 0 or not lines[place] or lines[place][-1].get("type") != "summary":
                trouble.append("live at %s ended with status %s: %s" % (place, rc, p.said.text()[-200:]))
        for p in self.dumps:
            stop(p, signal.SIGINT)
        return lines, trouble


def parse(out):
    lines = []
    for line in out.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            lines.append({"type": "garbage", "line": line[:80].decode("ascii", "replace")})
    return lines
