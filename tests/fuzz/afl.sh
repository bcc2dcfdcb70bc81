#!/bin/sh
# afl.sh BUILD SECONDS - AFL++ on the command, as a user runs it: mailwhy FILE.
#
# BUILD holds a mailwhy made by afl-clang-fast with -DMAILWHY_SANITIZE=ON.
# Seeds: the corpora of whole files, and the shipped captures below 4000 bytes.
# A second run goes on where the first ended.  Crashes and hangs (an input of a
# few kilobytes that takes over two seconds) are listed and make the status 1;
# the input, fixed, goes to tests/fuzz/corpus/pipeline/, where every test run replays it.
set -eu
build=$1
seconds=$2
cd "$(dirname "$0")/../.."
seeds=$build/seeds
out=$build/out
rm -rf "$seeds"
mkdir -p "$seeds"
for f in tests/fuzz/corpus/pipeline/* tests/fuzz/corpus/pcapng/* tests/fuzz/corpus/records/* \
    $(find captures -name '*.pcap*' -size -8 | sort); do
	[ "$(wc -c <"$f")" -lt 4000 ] && cp "$f" "$seeds/$(echo "$f" | tr / _)"
done
echo "$(ls "$seeds" | wc -l) seeds, $seconds s"
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=0:symbolize=0:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:symbolize=0
afl-fuzz -i "$seeds" -o "$out" -V "$seconds" -t 2000 -m none -- "$build/mailwhy" --color=never @@ >"$build/afl.log" 2>&1 || {
	tail -n 20 "$build/afl.log"
	exit 1
}
sed -n 's/^\(run_time\|execs_done\|execs_per_sec\|corpus_count\|saved_crashes\|saved_hangs\|bitmap_cvg\|cycles_done\) *: */\1 /p' "$out/default/fuzzer_stats"
found=$(find "$out/default/crashes" "$out/default/hangs" -name 'id:*' 2>/dev/null)
[ -z "$found" ] || {
	printf 'found:\n%s\n' "$found"
	exit 1
}
