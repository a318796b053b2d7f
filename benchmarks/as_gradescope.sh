#!/usr/bin/env bash
# Runs the package for Gradescope on a folder of archives, within Gradescope's defaults: 768 MiB and
# half a core for judge and submission together, 10 minutes, root with a container's capabilities,
# no namespaces. Each result goes to OUT/NAME/results.json, and a line for each archive is printed:
# its name, whether the result is valid, the points, seconds, and the peak of the memory in MiB
# (anonymous and shared; files in the page cache are given back when memory is short).
#
#   PYTHON=/usr/bin/python3 benchmarks/as_gradescope.sh autograder.zip ARCHIVES OUT
#
# PYTHON must be readable by every user and have what the package's requirements.txt lists. JOBS is
# how many archives run at the same time [1]. Needs root and cgroups, version 1 or 2.
set -euo pipefail

MEMORY=$((768 * 1024 * 1024))
CAPABILITIES=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap
CAPABILITIES+=,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap
export PYTHON=${PYTHON:-/usr/bin/python3}

limits() {  # makes the cgroup $1 and prints the files to which a process writes its id
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir "/sys/fs/cgroup/$1"
    echo $MEMORY > "/sys/fs/cgroup/$1/memory.max"
    echo 0 > "/sys/fs/cgroup/$1/memory.swap.max"
    echo "50000 100000" > "/sys/fs/cgroup/$1/cpu.max"
    echo "/sys/fs/cgroup/$1"
  else
    mkdir "/sys/fs/cgroup/memory/$1" "/sys/fs/cgroup/cpu/$1"
    echo $MEMORY > "/sys/fs/cgroup/memory/$1/memory.limit_in_bytes"
    echo 50000 > "/sys/fs/cgroup/cpu/$1/cpu.cfs_quota_us"
    echo "/sys/fs/cgroup/memory/$1 /sys/fs/cgroup/cpu/$1"
  fi
}

peak() {  # prints the most memory that the cgroup $1 had, in MiB, until the file $2 exists
  local most=0 now
  while [ ! -e "$2" ]; do
    now=$(awk '$1 ~ /^(anon|rss|shmem)$/ { sum += $2 } END { print int(sum / 2^20) }' \
      "$1/memory.stat")
    ((now > most)) && most=$now
    sleep 0.2
  done
  echo "$most"
}

one() {  # runs the package on the archive $1
  local name root groups began seconds most
  name=$(basename "$1")
  root=$(mktemp -d /tmp/autograder-XXXXXX)
  chmod 755 "$root"
  mkdir "$root/submission" "$root/results" "$OUT/$name"
  cp -a "$SOURCE" "$root/source"
  # Gradescope unpacks a zip archive; what is none stays as it is.
  unzip -q "$1" -d "$root/submission" 2> /dev/null < /dev/null || cp "$1" "$root/submission/"
  groups=$(limits "as-gradescope-$$")
  began=$SECONDS
  peak "${groups%% *}" "$root/done" > "$root/peak" &
  AUTOGRADER=$root setpriv --bounding-set "$CAPABILITIES" --inh-caps -all bash -c '
    for group in $1; do echo $$ > "$group/cgroup.procs"; done
    exec timeout 600 "$2/source/run_autograder"' - "$groups" "$root" \
    > "$OUT/$name/stdout" 2>&1 < /dev/null || echo "exit code $?" >> "$OUT/$name/stdout"
  seconds=$((SECONDS - began))
  touch "$root/done"
  wait
  most=$(cat "$root/peak")
  cp "$root/results/results.json" "$OUT/$name/" 2> /dev/null || true
  for group in $groups; do rmdir "$group" 2> /dev/null || echo "something still runs: $group"; done
  rm -rf "$root"
  "$PYTHON" - "$OUT/$name" "$seconds" "$most" <<'PYTHON'
import json, pathlib, sys
folder, seconds, most = pathlib.Path(sys.argv[1]), *sys.argv[2:]
try:
    result = json.loads((folder / "results.json").read_text())
    total = sum(test["score"] for test in result["tests"])
    valid = result["tests"] and result["score"] == total and "Traceback" not in result["output"]
    words = [f"{result['score']:g} of {sum(test['max_score'] for test in result['tests']):g}"]
except (OSError, ValueError, KeyError) as error:
    valid, words = False, [repr(error)]
line = [folder.name, "valid" if valid else "NOT VALID", *words, seconds, most]
sys.stdout.write("\t".join(line) + "\n")  # in one piece, since others may write at the same time
PYTHON
}

if [ "${1:-}" = --one ]; then
  one "$2"
  exit
fi
[ $# = 3 ] || { sed -n 's/^# \{0,1\}//p' "$0" | sed 1d; exit 2; }
[ "$(id -u)" = 0 ] || { echo "This needs root: Gradescope runs the package as root." >&2; exit 1; }
mkdir -p "$3"
OUT=$(realpath "$3")
SOURCE=$(mktemp -d)
trap 'rm -rf "$SOURCE"' EXIT
unzip -q "$1" -d "$SOURCE"
export OUT SOURCE
printf 'archive\tresult\tpoints\tseconds\tMiB\n'
find "$2" -maxdepth 1 -type f | sort | xargs -d '\n' -P "${JOBS:-1}" -n 1 "$0" --one
