#!/bin/sh
# house.sh - the way through the house stays one way.
# A room may include the rooms before it and the leaves; a foreign library has one door.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

say() {
	printf '%s\n' "$*"
	bad=$((bad + 1))
}

# room, then what its files must not include (- = it is the last); the chambers of the large ones have an order of their own
rooms='dissectors analyzer|capture|flow|mail|record|correlator|report
dissectors/net dissectors/(text|tls|message|smtp|pop3)
dissectors/text dissectors/(net|tls|message|smtp|pop3)
dissectors/tls dissectors/(net|message|smtp|pop3)
dissectors/message dissectors/(net|tls|smtp|pop3)
dissectors/smtp dissectors/(net|message|pop3)
dissectors/pop3 dissectors/(net|message|smtp)
analyzer/record capture|flow|mail|correlator|report|dissectors
analyzer/capture flow|mail|correlator|report|dissectors
analyzer/flow mail|correlator|report
analyzer/flow/packet flow/(table|classify|stream|ledger)
analyzer/flow/table flow/(classify|stream|ledger)
analyzer/flow/classify flow/(table|stream|ledger)
analyzer/flow/stream flow/(table|classify|ledger)
analyzer/flow/ledger flow/(table|classify|stream)
analyzer/mail correlator|report
analyzer/correlator capture|flow|mail|report|dissectors
analyzer/correlator/store correlator/(finding|words|facts|vantage|rules)
analyzer/correlator/finding correlator/(words|facts|vantage|rules)
analyzer/correlator/words correlator/(facts|vantage|rules)
analyzer/correlator/facts correlator/(vantage|rules)
analyzer/correlator/vantage correlator/rules
analyzer/correlator/rules -
analyzer/report -'
while read -r room forbidden; do
	hits=$(grep -nE "# *include *\"((\.\./)+|analyzer/)?($forbidden)/" -r "$room" --include='*.[ch]' 2>/dev/null)
	[ -z "$hits" ] || say "$room includes what it must not know:
$hits"
	[ -d "$room" ] || say "$room: no such room"
done <<TXT
$rooms
TXT
for room in dissectors dissectors/*/ analyzer/*/ analyzer/*/*/; do
	[ ! -d "$room" ] || printf '%s\n' "$rooms" | grep -q "^${room%/} " || say "${room%/}: what it may know is not said here"
done
hits=$(grep -nE '#include *"(correlator|flow)/[a-z_]+\.h"' analyzer/correlator/*/*.[ch] analyzer/flow/*/*.[ch])
[ -z "$hits" ] || say "a chamber includes what stands before its doors:
$hits"

# library header, then the only files that may include it
while read -r header doors; do
	hits=$(grep -lE "#include *[<\"]($header)" -r analyzer dissectors --include='*.[ch]' | grep -vE "^($doors)$")
	[ -z "$hits" ] || say "$header outside its door ($doors): $hits"
done <<TXT
nids analyzer/flow/stream/stream_nids.c
ndpi|libndpi|ndpi_ analyzer/flow/classify/classify_ndpi.c
archive(_entry)?\.h analyzer/capture/unpack.c
zlib\.h analyzer/capture/gunzip.c
nettle dissectors/text/digest.c
jansson analyzer/record/record_json_impl.h|analyzer/report/json.c
pcap analyzer/capture/.*
sys/socket|netinet|arpa/inet analyzer/capture/.*|analyzer/record/addr.c|analyzer/main.c|analyzer/pipeline.c
TXT

hits=$(grep -nE '\b(time|gettimeofday|clock_gettime|localtime|rand|random)\(' dissectors/*.c dissectors/*/*.c analyzer/correlator/*.c analyzer/correlator/*/*.c analyzer/record/*.c analyzer/mail/*.c 2>/dev/null)
[ -z "$hits" ] || say "a clock or chance in a pure room:
$hits"

long=$(wc -l analyzer/*.c analyzer/*/*.[ch] analyzer/*/*/*.[ch] dissectors/*.[ch] dissectors/*/*.[ch] tests/*.h tests/*/*.[ch] tests/*/*/*.[ch] tests/*/*.py 2>/dev/null | awk '$2 != "total" && $1 > 700 { print $2 ": " $1 " lines" }')
[ -z "$long" ] || say "files that have outgrown a room (over 700 lines):
$long"

# the documents name them as commands
hits=$(grep -lE '^#!' dev tests/*.py tests/*/*.py tests/*.sh tests/*/*.sh 2>/dev/null | while read -r f; do
	[ -x "$f" ] || printf '%s\n' "$f"
done)
[ -z "$hits" ] || say "scripts that cannot be run as they are:
$hits"

if [ "$bad" -eq 0 ]; then
	echo "1 passed, 0 failed"
else
	echo "0 passed, 1 failed"
fi
exit "$bad"
