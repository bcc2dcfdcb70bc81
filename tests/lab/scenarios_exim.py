"""scenarios_exim.py - Exim as the server, and as the host that sends."""
from exim import exim, exim_sends
from mail import postfix
from net import SERVER6
from scenarios import BLACK_HOLE, GAVE_UP, scenario, smtp

EVERYWHERE = "client wan server"
REST = "  accept\nrest:\n  accept delay = 1s\nnever:\n"
TAKEN = {"mail-accepted": EVERYWHERE}


def sends(lab, size, **more):
    """Watches from now on, and lets the client's Exim send."""
    lab.watch()
    lab.outcome.append(exim_sends(lab.net, size, **more))


@scenario(needs="exim", want=TAKEN, ends=[True, True], live="client server")
def exim_takes(lab):
    """two mails into Exim: nothing wrong"""
    exim(lab.net)
    smtp(lab, "send=2000", "send=200000")


@scenario(needs="exim", want=TAKEN, ends=[True])
def exim_takes_after_login(lab):
    """a login that Exim accepts"""
    exim(lab.net)
    smtp(lab, "send=2000,port=587,auth=secret")


@scenario(needs="exim postfix", want=TAKEN, ends=[True])
def exim_to_postfix(lab):
    """Exim sends a mail of 60 kB to Postfix"""
    postfix(lab.net)
    sends(lab, 60000)


@scenario(needs="exim", want=TAKEN, ends=[True])
def exim_to_exim_v6(lab):
    """Exim to Exim over IPv6"""
    exim(lab.net)
    sends(lab, 60000, host=SERVER6)


@scenario(needs="exim openssl", want={"capture-encrypted": EVERYWHERE}, ends=[True])
def exim_starttls(lab):
    """a mail after STARTTLS with Exim (GnuTLS)"""
    exim(lab.net, tls=True)
    smtp(lab, "send=20000,tls")


@scenario(needs="exim", want={"relay-denied-wrong-network": EVERYWHERE}, sure=EVERYWHERE, ends=[False])
def exim_relay_denied(lab):
    """550 relay not permitted, and no login to try"""
    exim(lab.net, "auth_advertise_hosts =")
    smtp(lab, "send=500,to=carol@example.com")


@scenario(needs="exim", want={"auth-required-not-attempted": EVERYWHERE}, ends=[False])
def exim_relay_denied_no_login(lab):
    """550 relay not permitted: a login was offered, the client did not try it"""
    exim(lab.net)
    smtp(lab, "send=500,to=carol@example.com,port=587")


@scenario(needs="exim", want={"relay-denied-despite-auth": EVERYWHERE}, ends=[False])
def exim_relay_denied_after_login(lab):
    """550 relay not permitted, although the login succeeded"""
    exim(lab.net)
    smtp(lab, "send=500,to=carol@example.com,auth=secret,port=587")


@scenario(needs="exim", want={"recipient-unknown": EVERYWHERE}, sure=EVERYWHERE, ends=[False])
def exim_unrouteable(lab):
    """550 Unrouteable address"""
    exim(lab.net)
    smtp(lab, "send=500,to=carol@example.net")


@scenario(needs="exim", want={"greylisted": EVERYWHERE, "mail-accepted": EVERYWHERE}, ends=[False, True])
def exim_greylists(lab):
    """defer in the list for RCPT until the sender comes again"""
    mark = "%s/exim/seen" % lab.net.dir
    exim(lab.net, rcpt="  defer message = Greylisted, please try again in 1 second\n"
         "        condition = ${if exists{%s}{no}{yes}}\n        set acl_c_x = ${run{/bin/touch %s}}\n" % (mark, mark))
    smtp(lab, "send=500", "sleep=1", "send=500")


@scenario(needs="exim", want={"auth-failed": EVERYWHERE}, sure=EVERYWHERE, ends=[False])
def exim_wrong_password(lab):
    """535 Incorrect authentication data"""
    exim(lab.net)
    smtp(lab, "send=500,port=587,auth=wrong")


@scenario(needs="exim", want={"message-too-big": EVERYWHERE}, sure=EVERYWHERE, ends=[False])
def exim_too_big(lab):
    """refused by SIZE="""
    exim(lab.net, "message_size_limit = 20000")
    smtp(lab, "send=60000")


@scenario(needs="exim", want={"message-too-big": EVERYWHERE}, sure=EVERYWHERE, ends=[False])
def exim_too_big_at_dot(lab):
    """refused behind the dot: the client did not say the size"""
    exim(lab.net, "message_size_limit = 20000")
    smtp(lab, "send=60000,nosize")


@scenario(needs="exim", want={"too-many-connections": EVERYWHERE}, sure=EVERYWHERE, ends=[False, True])
def exim_full(lab):
    """421 Too many concurrent SMTP connections; later one is taken"""
    exim(lab.net, "smtp_accept_max = 2\nsmtp_accept_reserve = 0")
    smtp(lab, "hold=4", "sleep=1", "send=500")


@scenario(needs="exim", want={"protocol-error": EVERYWHERE}, ends=[False])
def exim_synchronization(lab):
    """554 SMTP synchronization error: a client that does not wait for the greeting"""
    exim(lab.net, "pipelining_connect_advertise_hosts =\nacl_smtp_connect = rest", rcpt=REST)
    smtp(lab, "early")


@scenario(needs="exim", ends=[True])
def exim_early_is_fine(lab):
    """the same where Exim allows it (PIPECONNECT): nobody is to blame"""
    exim(lab.net, "acl_smtp_connect = rest", rcpt=REST)
    smtp(lab, "early")


@scenario(needs="exim openssl", want={"tls-failure|tls-required": EVERYWHERE}, ends=[False])
def exim_starttls_fails(lab):
    """Exim offers STARTTLS but cannot read its certificate: 454"""
    exim(lab.net, "tls_advertise_hosts = *\ntls_certificate = /nowhere/cert.pem\ntls_privatekey = /nowhere/key.pem", tls=None)
    smtp(lab, "send=500,tls")


@scenario(needs="exim openssl", want={"tls-failure": EVERYWHERE}, ends=[False])
def exim_unknown_ca(lab):
    """the client does not trust Exim's certificate: it ends the handshake (TLS 1.3, an encrypted alert)"""
    exim(lab.net, tls=True)
    smtp(lab, "send=500,tls=verify")


@scenario(needs="exim", want={"ident-delay": "wan server", "ident-delay|slow-banner": "client", "mail-accepted": EVERYWHERE}, ends=[True])
def exim_ident(lab):
    """Exim asks port 113 first (its default for long), which a firewall drops"""
    exim(lab.net, "rfc1413_hosts = *", ident="5s")
    lab.net.nft("hr", ("forward: tcp dport 113 drop",))
    smtp(lab, "send=500", timeout=20)


@scenario(needs="exim", want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def exim_hole_before(lab):
    """upload to Exim: path MTU 1400, ICMP filtered"""
    exim(lab.net)
    lab.net.path_mtu("up", 1400)
    smtp(lab, "send=60000", timeout=14)


@scenario(needs="exim", want={BLACK_HOLE: "client"}, sure="client", may=GAVE_UP, ends=[False])
def exim_hole_behind(lab):
    """Exim sends (it pipelines and leaves the wait to the dot): path MTU 1454"""
    exim(lab.net)
    lab.net.path_mtu("up", 1454)
    sends(lab, 60000)


@scenario(needs="exim", want={"relay-denied-wrong-network": EVERYWHERE}, ends=[False])
def exim_sends_to_stranger(lab):
    """Exim sends to a server that refuses its recipient as relay"""
    exim(lab.net, "auth_advertise_hosts =", rcpt="  deny message = relay not permitted\n")
    sends(lab, 500)
