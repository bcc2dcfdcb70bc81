#!/bin/sh
# golden.sh MAILWHY - the report of each story, word for word, as it stands beside its capture.
# A difference is printed; read it before you copy the new text over the old.
set -u
binary=$1
cd "$(dirname "$0")/.." || exit 1
passed=0
failed=0
for expected in captures/stories/*.report; do
	story=${expected%.report}
	if "$binary" --no-progress --color=never "$story.pcap" 2>&1 | diff -u "$expected" -; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $story: the report differs"
	fi
	"$binary" --transcript "$story.pcap" 2>&1 | grep -qE '^ .*(C:|S:) ' || {
		failed=$((failed + 1))
		echo "FAIL $story: no transcript"
	}
done
# Each story has all three.
for part in captures/stories/*; do
	for other in scenario pcap report; do
		[ -e "${part%.*}.$other" ] || {
			failed=$((failed + 1))
			echo "FAIL $part: no .$other beside it"
		}
	done
done
# What README.md shows of a report is in it, line for line.
shown=$(awk '/^```text$/ { on = 1; next } /^```$/ { on = 0 } on && $0 != "                 ..."' README.md)
if [ "$(printf '%s\n' "$shown" | wc -l)" -ge 5 ] && ! printf '%s\n' "$shown" | grep -vxFf captures/stories/mtu-1454.report; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "FAIL README.md: these lines are not in captures/stories/mtu-1454.report"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
