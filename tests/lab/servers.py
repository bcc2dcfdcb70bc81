#!/usr/bin/python3
"""servers.py MODE ADDRESS PORT - SMTP servers that behave as mode says.

hung      accepts the connection and says nothing
slow      greets after 7 s
ident     asks the client's port 113 first and waits up to 6 s for an answer
stop      stops reading in the middle of DATA for 9 s
popfirst  wants a POP login first; also serves POP3 on port 110
greylist  asks each client to come back, once for each sender and recipient
plain     takes every mail
crash     resets the connection at MAIL
mute      takes RCPT and never answers
stray     drops the connection in the middle of DATA
"""
import re
import socket
import struct
import sys
import threading
import time

MODE = sys.argv[1]
PORT = int(sys.argv[3])
known, logged_in = set(), set()


class Peer:
    def __init__(self, connection, address):
        self.c, self.address = connection, address[0]
        self.f = connection.makefile("rb")

    def say(self, *lines):
        self.c.sendall(b"".join(l.encode() + b"\r\n" for l in lines))


def ask_ident(peer):
    try:
        socket.create_connection((peer.address.replace("::ffff:", ""), 113), 6).close()
    except OSError:
        pass


def greet(peer):
    if MODE == "hung":
        time.sleep(1000)
    elif MODE == "slow":
        time.sleep(7)
    elif MODE == "ident":
        ask_ident(peer)
    peer.say("220 mx.example.net ESMTP")


def on_rcpt(peer, sender, line):
    if MODE == "popfirst" and peer.address not in logged_in:
        return ("553 To send mail, first check your mail with a valid POP account; this prevents unauthorized "
                "SPAM relaying. (#5.7.1)")
    if MODE == "greylist" and (sender, line) not in known:
        known.add((sender, line))
        return "450 4.2.0 <alice@example.net>: Recipient address rejected: Greylisted, see http://postgrey.example.net/"
    return "250 2.1.5 Ok"


def take_data(peer):
    """The content; False when the connection is over."""
    size = 0
    for line in peer.f:
        size += len(line)
        if line == b".\r\n":
            peer.say("250 2.0.0 Ok: queued as 3F2A1B")
            return True
        if size > 40000 and MODE == "stop":
            size = -1 << 60
            time.sleep(9)
        if size > 20000 and MODE == "stray":
            return False
    return False


def smtp(peer):
    greet(peer)
    sender = accepted = None
    for line in peer.f:
        verb = line[:4].upper()
        if verb == b"EHLO":
            peer.say("250-mx.example.net", "250 8BITMIME")
        elif verb == b"MAIL" and MODE == "crash":
            peer.c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            break
        elif verb == b"MAIL":
            sender, accepted = line, False
            peer.say("250 2.1.0 Ok")
        elif verb == b"RCPT" and MODE == "mute":
            time.sleep(1000)
        elif verb == b"RCPT":
            answer = on_rcpt(peer, sender, line)
            accepted = accepted or answer[0] == "2"
            peer.say(answer)
        elif verb == b"DATA" and not accepted:
            peer.say("503 5.5.1 Error: need RCPT command")
        elif verb == b"DATA":
            peer.say("354 End data with <CR><LF>.<CR><LF>")
            if not take_data(peer):
                break
        elif verb == b"QUIT":
            peer.say("221 2.0.0 Bye")
            break
        else:
            peer.say("250 2.0.0 Ok")
    peer.f.close()
    peer.c.close()


def pop3(peer):
    peer.say("+OK POP3 ready")
    for line in peer.f:
        verb = line[:4].upper().strip()
        if verb == b"PASS":
            logged_in.add(peer.address)
            peer.say("+OK logged in")
        elif verb == b"STAT":
            peer.say("+OK 0 0")
        elif verb == b"LIST":
            peer.say("+OK 0 messages", ".")
        elif re.match(b"USER|NOOP", verb):
            peer.say("+OK")
        elif verb == b"QUIT":
            peer.say("+OK bye")
            break
        else:
            peer.say("-ERR unknown command")
    peer.f.close()
    peer.c.close()


def serve(address, port, talk):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if MODE == "stop":  # so that what is on its way fills it
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    s.bind((address, port))
    s.listen(16)

    def guarded(peer):
        try:
            talk(peer)
        except OSError:
            pass

    def accept():
        while True:
            c, who = s.accept()
            threading.Thread(target=guarded, args=(Peer(c, who),), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()


def main():
    serve(sys.argv[2], PORT, smtp)
    if MODE == "popfirst":
        serve(sys.argv[2], 110, pop3)
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
