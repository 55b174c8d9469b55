#!/bin/sh
# Builds the fuzz targets, runs them one after the other, and prints what each did.
#
#   fuzz/run.sh [-n EXECUTIONS] [-s SECONDS] [-m] [-b] [TARGET...]
#
# A target ends after so many executions (1,000,000) or seconds (600), whichever
# comes first. -m minimises its corpus afterwards, -b builds and runs nothing. Without
# names, all targets run. Exits with 1 if one of them found something; what it found is in
# fuzz/artifacts. CARGO_TARGET_DIR and CARGO_BUILD_JOBS are those of cargo.
set -u
cd "$(dirname "$0")" || exit 2
executions=1000000 seconds=600 minimise=no run=yes
while getopts n:s:mb option; do
    case $option in
    n) executions=$OPTARG ;;
    s) seconds=$OPTARG ;;
    m) minimise=yes ;;
    b) run=no ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- $(cargo fuzz list --fuzz-dir .)

# Stable compilers have the coverage pass too.
RUSTC_BOOTSTRAP=1 RUSTC_WRAPPER="$PWD/rustc.sh" \
    cargo fuzz build --fuzz-dir . -s none --features engine || exit 2
host=$(rustc -vV | sed -n 's/^host: //p')
programs=${CARGO_TARGET_DIR:-target}/$host/release
[ $run = yes ] || exit 0

status=0
printf '%-22s %12s %8s %10s %7s %9s %7s\n' target executions seconds per_second edges peak_mib result
for target; do
    corpus=corpus/$target artifacts=artifacts/$target seeds=seeds/$target
    mkdir -p "$corpus" "$artifacts" "$seeds"
    dictionary=
    [ ! -f "dictionaries/$target" ] || dictionary=-dict=dictionaries/$target
    log=$artifacts/last.log
    result=passed began=$(date +%s)
    "$programs/$target" -runs="$executions" -max_total_time="$seconds" -max_len=4096 \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -reload=0 $dictionary \
        -artifact_prefix="$artifacts/" "$corpus" "$seeds" >"$log" 2>&1 || {
        result=FOUND
        status=1
    }
    stat() { sed -n "s/^stat::$1: *//p" "$log"; }
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-22s %12s %8s %10s %7s %9s %7s\n' "$target" "$(stat number_of_executed_units)" \
        $(($(date +%s) - began)) "$(stat average_exec_per_sec)" "${edges:-0}" \
        "$(stat peak_rss_mb)" "$result"
    if [ $minimise = yes ]; then
        rm -rf "$corpus.smaller"
        mkdir "$corpus.smaller"
        "$programs/$target" -set_cover_merge=1 -timeout=10 -rss_limit_mb=2048 \
            "$corpus.smaller" "$corpus" "$seeds" >>"$log" 2>&1 &&
            rm -rf "$corpus" && mv "$corpus.smaller" "$corpus"
    fi
done
exit $status
