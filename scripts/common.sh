# shellcheck shell=bash
# What all scripts share: strict mode, messages on standard error, a line for each stage with its time.
set -euo pipefail

RAPPORT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # used by those who source this
JOBS=${RAPPORT_JOBS:-$(nproc)}

say() { printf '%s\n' "$*" >&2; }

# fail TEXT: something is wrong with this machine or this tree.
fail() {
  say "${0##*/}: $*"
  exit 1
}

# misuse TEXT: the arguments are wrong.
misuse() {
  say "${0##*/}: $*"
  say "Try: ${0##*/} --help"
  exit 2
}

# help_if_asked ARGS: prints the comment that opens the script, if the first argument asks for it.
help_if_asked() {
  case "${1:-}" in
    -h | --help)
      sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
  esac
}

# stage NAME COMMAND...: runs the command with its output in build/log/NAME.log; prints a line with
# the time; on failure prints the end of the log and gives back the status.
stage() {
  local name=$1 log status=0 begin
  shift
  mkdir -p "$RAPPORT_ROOT/build/log"
  log=$RAPPORT_ROOT/build/log/${name// /-}.log
  begin=$SECONDS
  "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    printf '%-24s ok      %5d s\n' "$name" $((SECONDS - begin)) >&2
  else
    printf '%-24s FAILED  %5d s  (%s)\n' "$name" $((SECONDS - begin)) "${log#"$RAPPORT_ROOT"/}" >&2
    tail -n 60 "$log" >&2
  fi
  return "$status"
}
