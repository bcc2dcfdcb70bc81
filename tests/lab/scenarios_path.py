"""scenarios_path.py - more ways in which a path goes wrong: see scenarios.py."""
from exim import exim
from mail import dovecot, postfix, server
from net import SERVER6
from scenarios import BLACK_HOLE, DOWNLOAD, GAVE_UP, scenario, smtp

EVERYWHERE = "client wan server"
IGNORED = "icmp-frag-needed-ignored"
REFUSE_V4 = ("input: icmp type destination-unreachable drop",)
REFUSE_V6 = ("input: icmpv6 type packet-too-big drop",)


# --- a router says "too big", and nobody listens: each way, each IP version ------------------

@scenario(want={IGNORED: "client"}, sure="client", may=BLACK_HOLE + " " + GAVE_UP, ends=[False])
def icmp_ignored_v6(lab):
    """upload over IPv6: the client's own firewall drops "packet too big\""""
    postfix(lab.net)
    lab.net.path_mtu("up", 1400, quiet=False)
    lab.net.nft("cl", REFUSE_V6)
    smtp(lab, "send=60000", host=SERVER6, timeout=14)


@scenario(needs="dovecot", live="client server", want={IGNORED: "server"}, sure="server", may=BLACK_HOLE + " " + DOWNLOAD, ends=[False, True])
def icmp_ignored_down(lab):
    """download: the server's own firewall drops "fragmentation needed\""""
    dovecot(lab.net, (60000,))
    lab.net.path_mtu("down", 1400, quiet=False)
    lab.net.nft("sv", REFUSE_V4)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop", timeout=14)


@scenario(needs="dovecot", live="client server", want={IGNORED: "server"}, sure="server", may=BLACK_HOLE + " " + DOWNLOAD, ends=[False, True])
def icmp_ignored_down_v6(lab):
    """download over IPv6: the server's own firewall drops "packet too big\""""
    dovecot(lab.net, (60000,))
    lab.net.path_mtu("down", 1400, quiet=False)
    lab.net.nft("sv", REFUSE_V6)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop", host=SERVER6, timeout=14)


@scenario(needs="dovecot", live="client server", want={"icmp-frag-needed-obeyed": "server"}, ends=[True])
def icmp_obeyed_down(lab):
    """download: path MTU discovery works"""
    dovecot(lab.net, (60000, 300))
    lab.net.path_mtu("down", 1400, quiet=False)
    smtp(lab, "pop,fetch")


# --- a line as narrow as PPPoE ------------------------------------------------------------------

@scenario(want={BLACK_HOLE: "client"}, sure="client", tries=1492, may=GAVE_UP, ends=[False])
def hole_up_1492(lab):
    """upload: path MTU 1492 as with PPPoE, ICMP filtered"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1492)
    smtp(lab, "send=60000", timeout=14)


@scenario(needs="dovecot", live="client server", want={BLACK_HOLE: "server"}, sure="server", may=DOWNLOAD, ends=[False, True])
def hole_down_1492(lab):
    """download: path MTU 1492 as with PPPoE, ICMP filtered"""
    dovecot(lab.net, (60000,))
    lab.net.path_mtu("down", 1492)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop", timeout=14)


@scenario(want={"mail-accepted": EVERYWHERE}, ends=[True])
def clamped_v6(lab):
    """a path of 1492 bytes over IPv6 without ICMP, but the MSS is clamped: healthy"""
    postfix(lab.net)
    lab.net.path_mtu("up", 1492)
    lab.net.path_mtu("down", 1492)
    lab.net.nft("hr", ("forward: tcp flags & (syn|rst) == syn tcp option maxseg size set 1432",))
    smtp(lab, "send=200000", host=SERVER6)


@scenario(needs="dovecot", live="client server", want={BLACK_HOLE: "server"}, sure="server", may=DOWNLOAD, ends=[False, True])
def hole_down_bare(lab):
    """download without timestamps and without SACK, path MTU 1400"""
    dovecot(lab.net, (60000,))
    lab.net.sysctl("sv", "net.ipv4.tcp_timestamps=0", "net.ipv4.tcp_sack=0")
    lab.net.path_mtu("down", 1400)
    smtp(lab, "pop,fetch", "sleep=1.5", "pop", timeout=14)


@scenario(want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def hole_up_v6_bare(lab):
    """upload over IPv6 without timestamps and without SACK, path MTU 1400"""
    postfix(lab.net)
    lab.net.sysctl("cl", "net.ipv4.tcp_timestamps=0", "net.ipv4.tcp_sack=0")
    lab.net.path_mtu("up", 1400)
    smtp(lab, "send=60000", host=SERVER6, timeout=14)


@scenario(want={"mail-accepted": EVERYWHERE}, may="high-loss", ends=[True], wire="--loss-big .05 --loss-small .05 --delay 40 --seed 7")
def loss_bare(lab):
    """5 % loss and 80 ms there and back, without timestamps and SACK"""
    postfix(lab.net)
    lab.net.sysctl("cl", "net.ipv4.tcp_timestamps=0", "net.ipv4.tcp_sack=0")
    smtp(lab, "send=150000", timeout=90)


MEMBERS = ("forward: tcp sport & 2 == 2 meta length > 1400 drop",)      # every other port goes through the narrow one


@scenario(want={BLACK_HOLE: "client wan", "mail-accepted": EVERYWHERE}, sure="client wan", may=GAVE_UP, ends=[False, True, False, True])
def hole_per_flow(lab):
    """a path of two members, one of them narrow: connections take turns"""
    postfix(lab.net)
    lab.net.nft("isp", MEMBERS)
    smtp(lab, "send=60000,from=42002", "send=60000,from=42000", "send=60000,from=42006", "send=60000,from=42004", timeout=14)


@scenario(want={"mail-accepted": EVERYWHERE}, may="peer-reset " + GAVE_UP, hint=BLACK_HOLE, ends=[True, False, True, True])
def hole_once(lab):
    """one of four connections stalls at its size: no proof of a path with members"""
    postfix(lab.net)
    lab.net.nft("isp", MEMBERS)
    smtp(lab, "send=60000,from=42000", "send=60000,from=42002", "send=60000,from=42004", "send=60000,from=42008", timeout=14)


# --- a port that is closed on the way: each form --------------------------------------------------

@scenario(want={"port-blocked-silent": "client wan", "mail-accepted": EVERYWHERE}, ends=[False, True])
def port_dropped_v6(lab):
    """port 25 dropped over IPv6, 587 works"""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 drop",))
    smtp(lab, "send=500", "send=500,port=587", host=SERVER6, timeout=8)


@scenario(want={"port-blocked-icmp": "client wan", "mail-accepted": EVERYWHERE}, ends=[False, True])
def port_prohibited_v6(lab):
    """port 25 answered with ICMPv6 "administratively prohibited\""""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 reject with icmpv6 type admin-prohibited",))
    smtp(lab, "send=500", "send=500,port=587", host=SERVER6)


@scenario(want={"port-blocked-icmp": "client wan", "mail-accepted": EVERYWHERE}, ends=[False, True])
def port_unreachable(lab):
    """port 25 answered with ICMP "port unreachable" by a router"""
    postfix(lab.net)
    lab.net.nft("isp", ("forward: tcp dport 25 reject with icmp type port-unreachable",))
    smtp(lab, "send=500", "send=500,port=587")


@scenario(want={"port-blocked-reset": "client", "mail-accepted": EVERYWHERE}, ends=[False, True])
def port_reset_near(lab):
    """port 25 answered with RST by the home router"""
    postfix(lab.net)
    lab.net.nft("hr", ("forward: tcp dport 25 reject with tcp reset",))
    smtp(lab, "send=500", "send=500,port=587")


@scenario(want={"syn-ack-return-blocked": "server", "port-blocked-silent|host-unreachable-silent|syn-ack-return-blocked": "client"},
          live="client server", may="port-blocked-silent host-unreachable-silent", ends=[False])
def answer_dropped(lab):
    """what the server answers is dropped on its way back"""
    postfix(lab.net)
    lab.net.nft("hr", ("forward: tcp sport 25 drop",))
    smtp(lab, "send=500", timeout=8)


@scenario(needs="", want={"host-unreachable-icmp": "client wan"}, dumps="client wan", ends=[False])
def net_unreachable(lab):
    """the provider has no route: "network unreachable\""""
    lab.net.ip("isp", "route", "add", "unreachable", "198.51.100.25/32")
    smtp(lab, "send=500")


# --- time --------------------------------------------------------------------------------------------

@scenario(needs="exim", want={"slow-reply": EVERYWHERE, "mail-accepted": EVERYWHERE}, ends=[True])
def slow_reply(lab):
    """Exim thinks for 7 s about a recipient"""
    exim(lab.net, rcpt="  warn delay = 7s\n")
    smtp(lab, "send=500", timeout=20)


@scenario(want={"middlebox-reset|idle-state-expired|peer-reset": "client"}, may=GAVE_UP + " path-outage sender-app-pause server-timeout-421 "
          "server-dropped peer-reset", ends=[False])
def idle_expired_reset(lab):
    """a firewall forgets the connection during a rest of 10 s and resets what follows"""
    postfix(lab.net)
    lab.net.nft("hr", ("forward: ct state invalid reject with tcp reset",))
    lab.net.sysctl("hr", "net.netfilter.nf_conntrack_tcp_timeout_established=5", "net.netfilter.nf_conntrack_tcp_loose=0")
    smtp(lab, "send=60000,pause=10", timeout=14)


@scenario(want={"mail-accepted": EVERYWHERE}, ends=[True], wire="--delay 150")
def far_away(lab):
    """300 ms there and back: slow is not broken"""
    postfix(lab.net)
    smtp(lab, "send=200000", timeout=60)


# --- devices -----------------------------------------------------------------------------------------

@scenario(needs="", want={"port-intercepted": "client", "mail-accepted": "client"}, sure="client", ends=[True, True])
def port_redirected(lab):
    """the home router answers port 25 itself (a transparent proxy), 587 is the server"""
    server(lab.net, "plain")
    server(lab.net, "plain", 587)
    lab.net.start("hr", ["/usr/bin/python3", "-u", __file__.replace("scenarios_path", "servers"), "plain", "::", "2525"], "ready")
    lab.net.sh("hr", "nft", "-f", "-", text="table ip nat { chain p { type nat hook prerouting priority -100; tcp dport 25 redirect to :2525; }; }\n")
    smtp(lab, "send=500", "send=500,port=587")


@scenario(needs="postfix iptables openssl", want={"middlebox-reset": "client"}, sure="client", may="peer-reset", ends=[False, False, False])
def reset_at_starttls(lab):
    """a device resets each client that says STARTTLS"""
    postfix(lab.net, tls=True)
    lab.net.sh("hr", "iptables", "-A", "FORWARD", "-p", "tcp", "--dport", "25", "-m", "string", "--algo", "bm", "--string", "STARTTLS",
               "-j", "REJECT", "--reject-with", "tcp-reset")
    smtp(lab, "send=500,tls", "send=500,tls", "send=500,tls", timeout=5)


@scenario(needs="", want={"peer-reset|server-dropped": "client server"}, may="peer-reset server-dropped", ends=[False, False, False])
def server_resets_at_mail(lab):
    """a server that crashes at each MAIL: it is no device in between"""
    server(lab.net, "crash")
    smtp(lab, "send=500", "send=500", "send=500", timeout=5)


# --- neither the way nor a device on it: one of the two ends ------------------------------------

@scenario(needs="", live="client server", want={"client-gave-up-waiting": EVERYWHERE}, sure=EVERYWHERE, ends=[False])
def mute_at_rcpt(lab):
    """the server never answers RCPT, the client gives up after 8 s"""
    server(lab.net, "mute")
    smtp(lab, "send=500", timeout=8)


@scenario(live="client server", want={"port-blocked-silent": EVERYWHERE, "mail-accepted": EVERYWHERE}, ends=[False, True])
def server_firewall(lab):
    """the server's own firewall drops port 25, 587 works"""
    postfix(lab.net)
    lab.net.nft("sv", ("input: tcp dport 25 drop",))
    smtp(lab, "send=500", "send=500,port=587", timeout=8)


@scenario(live="client server", want={"syn-ack-return-blocked": EVERYWHERE, "mail-accepted": EVERYWHERE}, sure="client", ends=[False, True])
def client_firewall(lab):
    """the client's own firewall drops what port 25 answers, 587 works"""
    postfix(lab.net)
    lab.net.nft("cl", ("input: tcp sport 25 drop",))
    smtp(lab, "send=500", "send=500,port=587", timeout=8)


@scenario(needs="", want={"service-down": EVERYWHERE, "mail-accepted": EVERYWHERE}, ends=[True, False])
def closed_after_arp(lab):
    """port 26 is closed; the one connection to compare with waited for ARP at each hop"""
    server(lab.net, "plain")
    smtp(lab, "send=500", "send=500,port=26", timeout=8)
