#!/bin/sh
# errors.sh SCENARIO - texts that are wrong, and the line that must be named.
scenario=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# try LINE WORDS < text: fails with ":LINE: ...WORDS..."
try() {
	cat > "$dir/t.scenario"
	if "$scenario" "$dir/t.scenario" "$dir/t.pcap" 2> "$dir/err"; then
		echo "accepted: $2"
		failed=1
	elif ! grep -q "t.scenario:$1: .*$2" "$dir/err"; then
		echo "want line $1, \"$2\"; got: $(cat "$dir/err")"
		failed=1
	fi
}

two='host a 192.0.2.1
host b 192.0.2.2
link a b 1ms
capture a'

try 1 'no such statement' <<EOF
hots a 192.0.2.1
EOF
try 1 'not an address' <<EOF
host a 192.0.2.300
EOF
try 1 'nobody is called' <<EOF
capture nowhere
EOF
try 3 'not a time' <<EOF
host a 192.0.2.1
host b 192.0.2.2
link a b soon
EOF
try 5 'no connection yet' <<EOF
$two
C: EHLO x
EOF
try 6 'cannot do that' <<EOF
$two
connect x a:1 b:25
C dances
EOF
try 7 'not understood' <<EOF
$two
connect x a:1 b:25
S: 220 x
C data 100 times
EOF
try 7 "this side's turn" <<EOF
$two
closed b 25
connect x a:1 b:25
S: 220 never
EOF
try 5 'do not meet' <<EOF
host a 192.0.2.1
host b 2001:db8::2
link a b 1ms
capture a
connect x a:1 b:25
EOF
try 4 'no link between' <<EOF
host a 192.0.2.1
host b 192.0.2.2
capture a
limit a>b 1400
EOF
exit $failed
