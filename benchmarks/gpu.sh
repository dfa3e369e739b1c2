#!/usr/bin/env bash
# Everything there is to check and measure on a machine with an NVIDIA GPU, in at most 8 minutes. No network is needed.
#
#   benchmarks/gpu.sh               run; needs Linux, CuPy, PyTorch, torchvision, timm and the tests' packages, 16 cores or so
#   benchmarks/gpu.sh --dry-run     only show the parts, their limits in seconds and their commands
#
# PYTHON names another Python than python3. Each part's output is written to a file of its name in $OUT, or in build/gpu,
# and the tables of all together to gpu.md there. A part that fails or hangs costs only its own time; the exit status tells.
set -u
cd "$(dirname "$0")/.." || exit 2
python=${PYTHON:-python3}
out=${OUT:-build/gpu}
failed=0
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT
dry=${1:-}
export PYTHONUNBUFFERED=1

part() {                            # NAME LIMIT COMMAND...: run it for so many seconds at most
    local name=$1 limit=$2 log=$out/$1.log began=$SECONDS status=0 verdict=ok
    shift 2
    if [ "$dry" = --dry-run ]; then
        echo "$name $limit $*"
        return
    fi
    timeout --signal=INT --kill-after=5 "$limit" "$@" > "$log" 2>&1 || status=$?
    case $status in
        0) ;;
        124 | 137) verdict="stopped after $limit s" ;;
        *) verdict="failed with status $status" ;;
    esac
    [ "$status" = 0 ] || failed=1
    {
        echo "$name: $verdict, $((SECONDS - began)) s: $(tail -n 1 "$log" | cut -c 1-150)"
        grep -E '^(FAILED|ERROR) |too much|wrong|\| - \|' "$log" | head -n 20 | cut -c 1-150 | sed 's/^/    /'
    } >> "$summary"
}

if [ "$dry" != --dry-run ]; then
    problem=$(timeout 60 "$python" -c "from tinynet.backend import gpu_problem; print(gpu_problem() or '')" 2>&1) \
        || problem=${problem:-"CuPy did not answer within a minute"}
    if [ -n "$problem" ]; then
        echo "nothing was measured: ${problem##*$'\n'}" >&2
        exit 1
    fi
    mkdir -p "$out" || exit 2
fi

part tests 165 "$python" -m pytest -q -n 14 -p no:cacheprovider --ignore=tests/course --ignore=tests/test_packaging.py
part lesson09 25 "$python" -m benchmarks.gpu_lesson lessons/09_gpu.ipynb
part networks 90 "$python" -m benchmarks.gpu networks
part networks-tf32 60 "$python" -m benchmarks.gpu networks --tf32
part cases 35 "$python" -m benchmarks.gpu cases
part candidates 45 "$python" -m benchmarks.gpu_candidates
if [ "$dry" != --dry-run ]; then
    {
        echo "Written by [gpu.sh](gpu.sh); [README.md](README.md) says how to read it."
        echo
        cat "$out"/{networks,networks-tf32,cases,candidates}.log | grep -E '^(20[0-9-]+, |\||$)'
    } > "$out/gpu.md"
fi
part profile 25 "$python" -m benchmarks.gpu_profile "$out/gpu.md"

cat "$summary"
exit $failed
