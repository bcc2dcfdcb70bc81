"""mail.py - real mail servers in the lab's `sv`, and the clients in its `cl`."""
import json
import os
import pwd
import shutil
import subprocess
import sys
import threading

from net import HERE, SERVER4, Trouble, run

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file_prefixes = {dir}
maillog_file = {dir}/maillog
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
# there is no name server here
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.net
virtual_mailbox_maps = static:all
virtual_transport = discard
smtpd_timeout = 40s
{more}
"""

MASTER_CF = """
postlog   unix-dgram n  -  n  -  1  postlogd
smtp      inet  n       -       n       -       -       smtpd
587       inet  n       -       n       -       -       smtpd
{tls}465       inet  n       -       n       -       -       smtpd -o smtpd_tls_wrappermode=yes
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
"""

DOVECOT_CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = pop3
listen = *, ::
{tls}
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:{dir}/mail
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = 110
  }}
  inet_listener pop3s {{
    port = 995
    ssl = yes
  }}
}}
"""

TLS = """
smtpd_tls_security_level = may
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
"""

DOVECOT_TLS = """ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem"""

cert_lock = threading.Lock()
cert_text = []


def certificate():
    """A self-signed certificate and its key, made once; with many names, so that its flight fills several packets."""
    with cert_lock:
        if not cert_text:
            cert_text.append(run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "-", "-days", "30",
                                 "-subj", "/CN=mx.example.net", "-addext", "subjectAltName=" + ",".join(
                                     "DNS:mail%d.department-of-long-names.example.net" % n for n in range(40))))
    return cert_text[0]


def key_pair(d):
    for name in ("cert.pem", "key.pem"):
        with open(os.path.join(d, name), "w", encoding="ascii") as f:
            f.write(certificate())


def postfix(net, more="", tls=False):
    """Postfix on ports 25 and 587: takes mail for example.net, relays for nobody."""
    d = os.path.join(net.dir, "postfix")
    for sub in ("", "queue", "data", "etc"):
        os.mkdir(os.path.join(d, sub))
    shutil.chown(os.path.join(d, "data"), "postfix")
    if tls:
        key_pair(d)
        more += TLS.format(dir=d)
    with open(os.path.join(d, "etc/main.cf"), "w", encoding="ascii") as f:
        f.write(MAIN_CF.format(dir=d, more=more))
    with open(os.path.join(d, "etc/master.cf"), "w", encoding="ascii") as f:
        f.write(MASTER_CF.format(tls="" if tls else "# "))
    p = net.start("sv", ["postfix", "-c", os.path.join(d, "etc"), "start-fg"])
    wait_for_port(net, p, os.path.join(d, "maillog"), 25)


def dovecot(net, messages, tls=False):
    """POP3 on port 110: user bob, password secret; messages: their sizes."""
    d = os.path.join(net.dir, "dovecot")
    user = pwd.getpwnam("mail")
    for sub in ("", "run", "state", "mail", "mail/cur", "mail/new", "mail/tmp"):
        os.mkdir(os.path.join(d, sub))
    os.chmod(os.path.join(d, "run"), 0o755)
    for n, size in enumerate(messages):
        with open(os.path.join(d, "mail/cur/170000000%d.m%d.mx:2,S" % (n, n)), "w", encoding="ascii") as f:
            f.write("From: alice@example.net\nTo: bob@example.org\nSubject: number %d\nMessage-ID: <lab-%d@example.net>\n\n" % (n, n)
                    + "x" * 70 + "\n" + ("y" * 71 + "\n") * (size // 72))
    if tls:
        key_pair(d)
    run("chown", "-R", "mail:mail", os.path.join(d, "mail"), d)
    conf = os.path.join(d, "dovecot.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(DOVECOT_CONF.format(dir=d, tls=DOVECOT_TLS.format(dir=d) if tls else "ssl = no", uid=user.pw_uid, gid=user.pw_gid))
    wait_for_port(net, net.start("sv", ["dovecot", "-F", "-c", conf]), os.path.join(d, "log"), 110)


def wait_for_port(net, process, log, port):
    """The server listens, seen from its own namespace without a packet of ours."""
    wanted = ":%04X" % port
    probe = "import time\nend = time.monotonic() + 20\nwhile time.monotonic() < end:\n" \
            "    for l in open('/proc/net/tcp').readlines() + open('/proc/net/tcp6').readlines():\n" \
            "        f = l.split()\n        if f[1].endswith('%s') and f[3] == '0A': raise SystemExit(0)\n" \
            "    time.sleep(0.05)\nraise SystemExit(1)" % wanted
    try:
        net.sh("sv", sys.executable, "-c", probe)
    except Trouble:
        said = process.said.text()
        if os.path.exists(log):
            said += open(log, encoding="utf-8", errors="replace").read()
        raise Trouble("no server on port %d: %s" % (port, said[-600:])) from None


def server(net, mode, port=25, address="::", *more):
    """One of the servers that behave badly: servers.py."""
    return net.start("sv", [sys.executable, "-u", os.path.join(HERE, "servers.py"), mode, address, str(port), *more], "ready")


def client(net, *steps, timeout=10, host=SERVER4, patience=120, source=None):
    """client.py in `cl`; steps as it takes them.  What happened: a list of dicts, one a step."""
    p = net.start("cl", [sys.executable, "-u", os.path.join(HERE, "client.py"), "--host", host, "--timeout", str(timeout),
                         *(["--source", source] if source else []), *steps])
    if not p.said.wait_end(patience):
        raise Trouble("the client does not end: " + p.said.text()[-300:])
    p.wait(10)
    try:
        return [json.loads(l) for l in p.said.text().splitlines()]
    except ValueError:
        raise Trouble("client: " + p.said.text()[-500:]) from None


def swaks(net, *args):
    p = subprocess.run(["ip", "netns", "exec", net.ns("cl"), "swaks", "--server", SERVER4, "--helo", "client.example.org", "--from",
                        "bob@example.org", "--to", "alice@example.net", "--timeout", "20", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=60)
    return p.returncode, p.stdout
