"""exim.py - Exim in the lab: a server in `sv`, or the client's own mail host in `cl`.

Debian's Exim and Postfix cannot be installed together, so `./dev lab` unpacks
the package into a directory beside the binary under test (`exim/`).  Each
process sees, bound over the system's in its own mount namespace, a list of
users that knows Exim's.
"""
import os
import shutil
import subprocess

from net import SERVER4, Trouble
from mail import certificate, wait_for_port

USER, UID = "Debian-exim", 64999
unpacked = None                 # lab.py says where

CONF = """
primary_hostname = mx.example.net
exim_user = {user}
exim_group = {user}
exim_path = {exim}
spool_directory = {dir}/spool
log_file_path = {dir}/%slog
pid_file_path = {dir}/pid
daemon_smtp_ports = 25 : 587
local_interfaces = <; 0.0.0.0 ; ::0
keep_environment =
never_users =
host_lookup =
rfc1413_query_timeout = {ident}
smtp_receive_timeout = 40s
acl_smtp_rcpt = to
acl_smtp_data = content
queue_only = true
{more}

begin acl
to:
{rcpt}
  require message = relay not permitted
          domains = example.net
  require verify = recipient
  accept
content:
  accept

begin routers
here:
  driver = redirect
  domains = example.net
  local_parts = alice : bob
  data = :blackhole:

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{secret}}}}
  server_set_id = $auth2
"""

SENDER = """
primary_hostname = out.example.org
exim_user = {user}
exim_group = {user}
exim_path = {exim}
spool_directory = {dir}/spool
log_file_path = {dir}/%slog
keep_environment =
never_users =
host_lookup =
trusted_users = root
local_interfaces = <; 127.0.0.1

begin routers
out:
  driver = manualroute
  route_list = * "<| {host}" byname
  transport = out

begin transports
out:
  driver = smtp
  connect_timeout = 14s
  command_timeout = 14s
  data_timeout = 14s
  final_timeout = 14s
  {more}

begin retry
* * F,1h,1m
"""


def trouble():
    """Why Exim cannot run, or None."""
    if unpacked is None or not os.path.exists(binary()):
        return "Exim is not unpacked in %s (./dev lab does it)" % unpacked
    p = subprocess.run(["ldd", binary()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    missing = [l.split()[0] for l in p.stdout.splitlines() if "not found" in l]
    return "libraries of Exim are missing: " + ", ".join(missing) if missing else None


def binary():
    return os.path.join(unpacked, "usr/sbin/exim4")


def place(net, name, text, **words):
    """Its directory with the configuration, and the command that runs it there."""
    d = os.path.join(net.dir, name)
    os.makedirs(os.path.join(d, "spool"))
    os.chmod(d, 0o755)
    with open(os.path.join(d, "conf"), "w", encoding="ascii") as f:
        f.write(text.format(user=USER, exim=binary(), dir=d, **words))
    for base, line in (("passwd", "%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n"), ("group", "%s:x:%d:\n")):
        with open("/etc/" + base, encoding="utf-8", errors="surrogateescape") as f:
            known = "".join(l for l in f if not l.startswith(USER + ":"))
        with open(os.path.join(d, base), "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(known + line % ((USER,) + (UID,) * (line.count("%") - 1)))
    run = "mount --bind %s/passwd /etc/passwd && mount --bind %s/group /etc/group && exec \"$0\" \"$@\"" % (d, d)
    for sub in (d, os.path.join(d, "spool")):
        os.chown(sub, UID, UID)
    return d, ["sh", "-c", run, binary(), "-C", os.path.join(d, "conf")]


def exim(net, more="", rcpt="", tls=False, ident="0s"):
    """Exim on ports 25 and 587: takes mail for alice and bob at example.net, relays for nobody.

    more: main options; rcpt: what its list for RCPT begins with; tls: None leaves that to `more`;
    ident: how long it waits for port 113 of the client."""
    if tls:
        files = [os.path.join(net.dir, n) for n in ("cert.pem", "key.pem")]
        for name in files:
            with open(name, "w", encoding="ascii") as f:
                f.write(certificate())
        more += "\ntls_advertise_hosts = *\ntls_certificate = %s\ntls_privatekey = %s\n" % tuple(files)
    elif tls is not None:
        more += "\ntls_advertise_hosts =\n"
    d, args = place(net, "exim", CONF, more=more, rcpt=rcpt, ident=ident)
    wait_for_port(net, net.start("sv", [*args, "-bdf", "-oX", "25 : 587"]), os.path.join(d, "mainlog"), 25)


def exim_sends(net, size, host=SERVER4, more="", patience=60):
    """A mail handed to an Exim in `cl`, which sends it on at once: whether it got rid of it."""
    d, args = place(net, "eximout", SENDER, host=host, more=more)
    text = "From: bob@example.org\nTo: alice@example.net\nSubject: lab\n\n" + ("x" * 71 + "\n") * (size // 72)
    try:
        p = subprocess.run(["ip", "netns", "exec", net.ns("cl"), *args, "-odf", "-oi", "-f", "bob@example.org", "alice@example.net"],
                           input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Trouble("Exim does not end") from None
    log = os.path.join(d, "mainlog")
    said = open(log, encoding="utf-8", errors="replace").read() if os.path.exists(log) else p.stdout
    shutil.rmtree(os.path.join(d, "spool"), ignore_errors=True)
    return {"ok": "Completed" in said and "=> alice" in said, "said": said[-600:]}
