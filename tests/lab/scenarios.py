"""scenarios.py - what can go wrong with mail, done to real hosts.

A scenario is a function: it starts servers and builds the fault, calls
`lab.watch()`, and lets clients work.  Its header says what is true:

want   kinds that must be said, and at which places (live there or in a file);
       "a|b": one of them
may    kinds that may be said too, anywhere: what this fault also looks like
       from somewhere
hint   as may, but never above possible
ends   what each step of the clients came to: True, False, None (either)
sure   places at which the first kind of `want` must be probable at least
tries  the MTU that mailwhy must propose to try first, at the places of `want`

Any other kind that accuses somebody is a false accusation, wherever it is said.
"""
from mail import client, dovecot, postfix, server, swaks
from net import SERVER4, SERVER6

SCENARIOS = []
BLACK_HOLE = "pmtu-black-hole"
RECOVERED = "pmtu-black-hole-recovered"
DOWNLOAD = "pop-retr-stalled pop-incomplete"
GAVE_UP = "client-gave-up-at-data client-gave-up-waiting"


class Scenario:
    def __init__(self, play, options):
        self.mix = None     # of several clients: mixed.py
        self.name, self.title, self.play = play.__name__, play.__doc__.strip(), play
        self.fast = options.pop("fast", False)
        self.want = {k: v.split() for k, v in options.pop("want", {}).items()}
        self.may = set(options.pop("may", "").split())
        self.hint = set(options.pop("hint", "").split())
        self.sure = options.pop("sure", "").split()
        self.ends = options.pop("ends", None)
        self.tries = options.pop("tries", None)
        self.wire = options.pop("wire", "").split()
        self.dumps = options.pop("dumps", "client wan server").split()
        self.live = options.pop("live", "client").split()
        self.needs = options.pop("needs", "postfix").split()
        if options:
            raise TypeError("unknown options of %s: %s" % (self.name, sorted(options)))


def scenario(**options):
    def note(play):
        SCENARIOS.append(Scenario(play, options))
        return play
    return note


def smtp(lab, *steps, timeout=10, host=SERVER4):
    """Watches from now on, and runs the client."""
    lab.watch()
    lab.outcome += client(lab.net, *steps, timeout=timeout, host=host)


# --- nothing wrong -----------------------------------------------------------

@scenario(fast=True, live="client server", want={"mail-accepted": "client wan server"}, ends=[True, True])
def clean_smtp(lab):
    """two mails through Postfix"""
    postfix(lab.net)
    smtp(lab, "send=2000", "send=200000")


@scenario(want={"mail-accepted": "client wan server"}, ends=[True])
def clean_smtp_v6(lab):
    """a mail over IPv6"""
    postfix(lab.net)
    smtp(lab, "send=60000", host=SERVER6)


@scenario(needs="postfix swaks", want={"mail-accepted": "client wan server"}, ends=[True])
def clean_swaks(lab):
    """swaks, with pipelining"""
    postfix(lab.net)
    lab.watch()
    rc, text = swaks(lab.net, "--pipeline", "--body", "hello")
    lab.outcome.append({"ok": rc == 0, "said": text[-300:]})


@scenario(needs="postfix iptables", want={"mail-accepted": "client wan server"}, ends=[True])
def clean_nat(lab):
    """a mail through address translation"""
    postfix(lab.net)
    lab.net.sh("hr", "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "wan0", "-j", "MASQUERADE")
    smtp(lab, "send=60000")


@scenario(fast=True, needs="dovecot", want={"mail-accepted": "client wan server"}, ends=[True])
def clean_pop3(lab):
    """three mails fetched from Dovecot"""
    dovecot(lab.net, (500, 40000, 3000))
    smtp(lab, "pop,fetch")


@scenario(fast=True, needs="postfix openssl", want={"capture-encrypted": "client wan server"}, ends=[True])
def clean_starttls(lab):
    """a mail after STARTTLS"""
    postfix(lab.net, tls=True)
    smtp(lab, "send=60000,port=587,tls")


@scenario(want={"mail-accepted": "client wan server"}, ends=[True])
def clean_clamped(lab):
    """a path of 1400 bytes without ICMP, but the MSS is clamped: healthy"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1400)
    lab.net.path_mtu("down", 1400)
    lab.net.nft("hr", ("forward: tcp flags & (syn|rst) == syn tcp option maxseg size set 1360",))
    smtp(lab, "send=200000")


@scenario(fast=True, want={"mail-accepted": "client wan server"}, may="high-loss", ends=[True], wire="--loss-big .05 --loss-small .05")
def loss_5(lab):
    """5 % random loss: slow, no black hole"""
    postfix(lab.net)
    smtp(lab, "send=200000", timeout=60)


@scenario(want={"high-loss": "client", "mail-accepted": "client wan server"}, ends=[True], may="size-dependent-loss slow-banner",
          wire="--loss-big .15 --loss-small .15 --seed 4")
def loss_15(lab):
    """15 % random loss"""
    postfix(lab.net)
    smtp(lab, "send=150000", timeout=80)


@scenario(want={"size-dependent-loss|high-loss": "client", "mail-accepted": "client wan server"}, ends=[True],
          may="size-dependent-loss high-loss", wire="--loss-big .3 --seed 3")
def loss_of_large(lab):
    """30 % loss of packets over 1000 bytes: some pass, so it is no black hole"""
    postfix(lab.net)
    smtp(lab, "send=100000", timeout=80)


@scenario(want={"mail-accepted": "client wan server"}, ends=[True], may="sender-app-pause")
def short_pause(lab):
    """a client that rests for 2 s"""
    postfix(lab.net)
    smtp(lab, "send=60000,pause=2")


# --- packets of some size do not pass --------------------------------------------

@scenario(fast=True, want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def hole_up(lab):
    """upload: path MTU 1454, ICMP filtered"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1454)
    smtp(lab, "send=60000")


@scenario(want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def hole_up_no_timestamps(lab):
    """upload: path MTU 1400, without TCP timestamps"""
    postfix(lab.net)
    lab.net.sysctl("cl", "net.ipv4.tcp_timestamps=0")
    lab.net.path_mtu("up", 1400)
    smtp(lab, "send=60000", timeout=14)


@scenario(want={BLACK_HOLE: "client wan"}, sure="client wan", may=GAVE_UP, ends=[False], wire="--mtu-up 1400")
def hole_up_offload(lab):
    """upload: the client's interface cuts the segments, its capture shows larger ones"""
    postfix(lab.net)
    lab.net.offload("cl", "eth0")
    smtp(lab, "send=60000", timeout=14)


@scenario(dumps="client wan mid server", want={BLACK_HOLE + "|icmp-frag-needed-ignored": "client wan mid"},
          may=GAVE_UP + " icmp-frag-needed-ignored", ends=[False])
def hole_up_far(lab):
    """upload: the provider's router says "fragmentation needed", the home router drops that"""
    postfix(lab.net)
    lab.net.far_mtu(1400)
    lab.net.nft("hr", ("forward: icmp type destination-unreachable drop",))
    smtp(lab, "send=60000", timeout=14)


@scenario(want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def hole_up_no_sack(lab):
    """upload: path MTU 1400, without SACK"""
    postfix(lab.net)
    lab.net.sysctl("cl", "net.ipv4.tcp_sack=0")
    lab.net.path_mtu("up", 1400)
    smtp(lab, "send=60000", timeout=14)


@scenario(want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def hole_up_v6(lab):
    """upload over IPv6: path MTU 1400, Packet Too Big filtered"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1400)
    smtp(lab, "send=60000", host=SERVER6, timeout=14)


@scenario(want={BLACK_HOLE: "client wan"}, sure="client wan", may=GAVE_UP, ends=[True, False], wire="--mtu-up 1400")
def hole_up_in_cable(lab):
    """upload: a small mail passes, a large one vanishes in a line that no router knows"""
    postfix(lab.net)
    smtp(lab, "send=500", "send=60000", timeout=14)


@scenario(fast=True, want={BLACK_HOLE: "client wan"}, sure="client wan", tries=1454, may=GAVE_UP + " icmp-frag-needed-obeyed mss-not-clamped",
          ends=[False], wire="--mtu-up 1454")
def hole_two_steps(lab):
    """the router says 1492 and is obeyed, then 1492 vanishes: the line carries 1454"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1492, quiet=False)
    smtp(lab, "send=60000")


@scenario(fast=True, needs="dovecot", live="client server", want={BLACK_HOLE: "server"}, sure="server", may=DOWNLOAD, ends=[False, True])
def hole_down_pop3(lab):
    """download: RETR never comes through, path MTU 1400"""
    dovecot(lab.net, (300, 60000))
    lab.net.path_mtu("down", 1400)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop")


@scenario(needs="dovecot", live="client server", want={BLACK_HOLE: "server"}, sure="server", may=DOWNLOAD, ends=[False, True])
def hole_down_pop3_no_timestamps(lab):
    """download without TCP timestamps, path MTU 1454"""
    dovecot(lab.net, (60000,))
    lab.net.sysctl("sv", "net.ipv4.tcp_timestamps=0")
    lab.net.path_mtu("down", 1454)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop", timeout=14)


@scenario(needs="dovecot", live="client server", want={BLACK_HOLE: "server"}, sure="server", may=DOWNLOAD, ends=[False, True])
def hole_down_pop3_v6(lab):
    """download over IPv6, path MTU 1400"""
    dovecot(lab.net, (60000,))
    lab.net.path_mtu("down", 1400)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop", host=SERVER6, timeout=14)


@scenario(needs="postfix openssl", live="client server", want={BLACK_HOLE: "server"}, may="tls-failure client-gave-up-waiting", ends=[False])
def hole_down_starttls(lab):
    """download: the certificate never comes through"""
    postfix(lab.net, tls=True)
    lab.net.path_mtu("down", 1400)
    smtp(lab, "send=1000,port=587,tls", timeout=14)


@scenario(want={"icmp-frag-needed-ignored": "client"}, sure="client", may=BLACK_HOLE + " " + GAVE_UP, ends=[False])
def icmp_ignored(lab):
    """the client's own firewall drops "fragmentation needed\""""
    postfix(lab.net)
    lab.net.path_mtu("up", 1400, quiet=False)
    lab.net.nft("cl", ("input: icmp type destination-unreachable drop",))
    smtp(lab, "send=60000", timeout=14)


@scenario(fast=True, want={"icmp-frag-needed-obeyed": "client", "mail-accepted": "client wan server"}, ends=[True])
def icmp_obeyed(lab):
    """path MTU discovery works"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1400, quiet=False)
    smtp(lab, "send=200000")


@scenario(want={"icmp-frag-needed-obeyed": "client", "mail-accepted": "client wan server"}, ends=[True])
def icmp_obeyed_v6(lab):
    """path MTU discovery works over IPv6"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1400, quiet=False)
    smtp(lab, "send=200000", host=SERVER6)


@scenario(want={RECOVERED + "|" + BLACK_HOLE: "client", "mail-accepted": "client wan server"}, may=RECOVERED, ends=[True])
def hole_probing(lab):
    """the sender probes (RFC 4821) and finds a smaller size by itself"""
    postfix(lab.net)
    lab.net.sysctl("cl", "net.ipv4.tcp_mtu_probing=1")
    lab.net.path_mtu("up", 1400)
    smtp(lab, "send=60000", timeout=35)


@scenario(dumps="client wan mid server", sure="wan mid", want={"fragments-dropped|" + BLACK_HOLE: "client", "fragments-dropped": "wan mid"},
          may=BLACK_HOLE + " size-dependent-loss " + GAVE_UP, ends=[False])
def fragments_dropped(lab):
    """DF is clear, the router cuts, a firewall drops the pieces"""
    postfix(lab.net)
    lab.net.sysctl("cl", "net.ipv4.ip_no_pmtu_disc=1")
    lab.net.path_mtu("up", 1400)
    lab.net.nft("isp", ("prerouting: ip frag-off & 0x3fff != 0 drop",))
    smtp(lab, "send=60000", timeout=14)


# --- the port, the host ------------------------------------------------------------

@scenario(fast=True, want={"port-blocked-silent": "client wan", "mail-accepted": "client wan server"}, ends=[False, True])
def port_dropped(lab):
    """port 25 dropped by the provider, 587 works"""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 drop",))
    smtp(lab, "send=500", "send=500,port=587", timeout=8)


@scenario(want={"host-unreachable-silent|port-blocked-silent": "client wan"}, ends=[False])
def port_dropped_alone(lab):
    """port 25 dropped, nothing to compare with"""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 drop",))
    smtp(lab, "send=500", timeout=8)


@scenario(fast=True, want={"port-blocked-reset": "client wan", "mail-accepted": "client wan server"}, ends=[False, True])
def port_reset(lab):
    """port 25 answered with RST by the provider's router"""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 reject with tcp reset",))
    smtp(lab, "send=500", "send=500,port=587")


@scenario(want={"port-blocked-icmp": "client wan", "mail-accepted": "client wan server"}, ends=[False, True])
def port_prohibited(lab):
    """port 25 answered with ICMP "administratively prohibited\""""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 reject with icmp type admin-prohibited",))
    smtp(lab, "send=500", "send=500,port=587")


@scenario(needs="", want={"service-down": "client wan server", "mail-accepted": "client wan server"}, ends=[False, True])
def port_closed(lab):
    """nothing listens on port 25, 587 works"""
    server(lab.net, "plain", 587)
    smtp(lab, "send=500", "send=500,port=587")


@scenario(needs="", dumps="client wan", want={"host-unreachable-icmp": "client wan"}, ends=[False])
def host_down(lab):
    """the server is off: its router says "host unreachable\""""
    lab.net.ip("sv", "link", "set", "eth0", "down")
    smtp(lab, "send=500")


@scenario(needs="", want={"connected-no-banner": "client wan server"}, ends=[False])
def no_banner(lab):
    """the server accepts the connection and never greets"""
    server(lab.net, "hung")
    smtp(lab, "send=500", timeout=12)


@scenario(needs="", want={"slow-banner": "client wan server", "mail-accepted": "client wan server"}, ends=[True])
def slow_banner(lab):
    """the greeting comes after 7 s"""
    server(lab.net, "slow")
    smtp(lab, "send=500", timeout=20)


@scenario(needs="", want={"ident-delay": "wan server", "ident-delay|slow-banner": "client", "mail-accepted": "client wan server"}, ends=[True])
def ident(lab):
    """the server asks port 113 first, which a firewall drops"""
    server(lab.net, "ident")
    lab.net.nft("hr", ("forward: tcp dport 113 drop",))
    smtp(lab, "send=500", timeout=20)


# --- what the server says ---------------------------------------------------------------

@scenario(fast=True, want={"relay-denied-wrong-network": "client wan server"}, ends=[False])
def relay_denied(lab):
    """Postfix does not relay for a stranger"""
    postfix(lab.net)
    smtp(lab, "send=500,to=carol@example.com")


@scenario(fast=True, needs="", want={"pop-before-smtp-required": "client wan server", "mail-accepted": "client wan server"},
          ends=[False, True, True])
def pop_before_smtp(lab):
    """mail is refused until it was fetched"""
    server(lab.net, "popfirst")
    smtp(lab, "send=500", "pop", "send=500")


@scenario(needs="", want={"greylisted": "client wan server", "mail-accepted": "client wan server"}, ends=[False, True])
def greylist(lab):
    """deferred at first, then taken"""
    server(lab.net, "greylist")
    smtp(lab, "send=500", "send=500")


@scenario(want={"mailbox-full": "client wan server"}, ends=[False])
def quota(lab):
    """the recipient's mailbox is full"""
    postfix(lab.net, "smtpd_recipient_restrictions = reject_unauth_destination,\n"
            "  check_recipient_access inline:{{alice@example.net=552 5.2.2 Mailbox is full}}\n")
    smtp(lab, "send=500")


@scenario(want={"message-too-big": "client wan server"}, ends=[False])
def too_big(lab):
    """larger than the server takes, said by SIZE="""
    postfix(lab.net, "message_size_limit = 20000\n")
    smtp(lab, "send=60000")


# --- things in between ---------------------------------------------------------------

@scenario(needs="postfix iptables", want={"inline-content-drop": "client wan"}, may=GAVE_UP + " inline-content-drop", ends=[False])
def content_drop(lab):
    """a filter drops the one packet that holds a word"""
    postfix(lab.net)
    lab.net.sh("isp", "iptables", "-A", "FORWARD", "-m", "string", "--algo", "bm", "--string", "X5O-LAB-STANDARD-TEST", "-j", "DROP")
    smtp(lab, "send=100000,word=X5O-LAB-STANDARD-TEST", timeout=25)


@scenario(want={"path-outage": "client"}, may=GAVE_UP + " server-timeout-421", ends=[False], wire="--outage-after 60000")
def outage(lab):
    """the line dies in the middle of DATA"""
    postfix(lab.net)
    smtp(lab, "send=200000", timeout=14)


@scenario(want={"path-outage|" + BLACK_HOLE: "client"}, hint=BLACK_HOLE, may=GAVE_UP + " server-timeout-421", ends=[False], wire="--dead-on Message-ID")
def outage_at_data(lab):
    """the line dies with the first packet of the message: looks like a black hole, cannot be told"""
    postfix(lab.net)
    smtp(lab, "send=60000", timeout=14)


@scenario(want={"path-outage": "client wan"}, may=GAVE_UP + " server-timeout-421", ends=[False], wire="--dead-on Message-ID --dead-way up")
def outage_at_data_one_way(lab):
    """the way up dies with the first packet of the message: the server repeats its 354 again and again"""
    postfix(lab.net)
    smtp(lab, "send=60000", timeout=14)


@scenario(want={"path-outage": "client", "mail-accepted": "client wan server"}, may="slow-reply path-outage", ends=[True],
          wire="--outage-after 60000 --outage-for 8")
def outage_8s(lab):
    """the line dies for 8 s, then the mail goes through"""
    postfix(lab.net)
    smtp(lab, "send=200000", timeout=60)


@scenario(want={"duplicate-delivery|client-gave-up-waiting|path-outage": "server"}, may="path-outage duplicate-delivery slow-reply " + GAVE_UP,
          live="client server", ends=[False], wire="--dead-on queued")
def reply_lost(lab):
    """the mail is taken, the line dies, the 250 never arrives"""
    postfix(lab.net)
    smtp(lab, "send=20000", timeout=14)


@scenario(want={"idle-state-expired": "client"}, may=GAVE_UP + " path-outage sender-app-pause server-timeout-421", ends=[False])
def idle_expired(lab):
    """a firewall forgets the connection during a rest of 10 s and drops what follows"""
    postfix(lab.net)
    lab.net.nft("hr", ("forward: ct state invalid drop",))
    lab.net.sysctl("hr", "net.netfilter.nf_conntrack_tcp_timeout_established=5", "net.netfilter.nf_conntrack_tcp_loose=0")
    smtp(lab, "send=60000,pause=10", timeout=14)


@scenario(needs="", want={"zero-window-stall": "client wan server", "mail-accepted": "client wan server"}, ends=[True])
def zero_window(lab):
    """the server's program stops reading for 9 s"""
    server(lab.net, "stop")
    smtp(lab, "send=600000", timeout=40)


@scenario(want={"window-scale-broken": "client", "mail-accepted": "client wan server"}, may="window-scale-broken", ends=[True],
          wire="--rewrite wscale")
def wscale_stripped(lab):
    """a device removes the window scale from the SYN-ACK"""
    postfix(lab.net)
    smtp(lab, "send=4000", timeout=60)


def reset_after_60k(lab, which):
    lab.net.nft("hr", ("forward: %sct original bytes > 60000 reject with tcp reset" % which,))
    lab.net.sysctl("hr", "net.netfilter.nf_conntrack_acct=1")
    smtp(lab, "send=200000")


@scenario(want={"middlebox-reset": "client"}, may="server-dropped path-outage middlebox-reset " + GAVE_UP, ends=[False])
def reset_injected(lab):
    """the home router ends the connection with RST after 60 kB"""
    postfix(lab.net)
    reset_after_60k(lab, "tcp dport 25 ")


@scenario(want={"middlebox-reset|peer-reset": "client"}, may="server-dropped peer-reset " + GAVE_UP, ends=[False])
def reset_both_ways(lab):
    """the home router resets both ends: neither sends anything after it"""
    postfix(lab.net)
    reset_after_60k(lab, "")


@scenario(needs="", want={"server-dropped|peer-reset": "client wan server"}, sure="client", may="client-gave-up-at-data", ends=[False])
def server_drops(lab):
    """the server closes in the middle of DATA"""
    server(lab.net, "stray")
    smtp(lab, "send=200000")


@scenario(needs="postfix openssl", want={"starttls-stripped|banner-masked": "client wan", "mail-accepted": "client wan server"}, may="banner-masked",
          ends=[True], wire="--rewrite starttls")
def starttls_stripped(lab):
    """a device overwrites 250-STARTTLS"""
    postfix(lab.net, tls=True)
    smtp(lab, "send=2000")


@scenario(want={"banner-masked": "client wan", "mail-accepted": "client wan server"}, may="banner-masked protocol-error", ends=[True],
          wire="--rewrite banner")
def banner_masked(lab):
    """a device overwrites the greeting and EHLO"""
    postfix(lab.net)
    smtp(lab, "send=2000")


@scenario(want={"sender-app-pause": "client", "mail-accepted": "client wan server"}, may="sender-app-pause", ends=[True])
def client_pause(lab):
    """the client rests for 12 s in the middle of DATA"""
    postfix(lab.net)
    smtp(lab, "send=60000,pause=12", timeout=20)
