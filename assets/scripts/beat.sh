# shellcheck shell=sh
# One side of the causality view. A and B answer each other: whoever sees the other's next number waits a moment and
# writes its own. Prints `beat NUMBER WRITTEN SEEN` for each write of the other side, both times in ns since 1970.
# Needs RUN (a number of its own for each measurement), SIDE and OTHER (a and b, or b and a), WRITES.

# One file in each direction, there from the start and only overwritten: whoever opens a file is told whether it has
# changed (close-to-open consistency), while a new name may hide for 30 s or more behind what a client remembers of the
# directory. To append creates a file without looking at what is remembered.
mine="$HOME/.efslab-beat-$RUN-$SIDE"
theirs="$HOME/.efslab-beat-$RUN-$OTHER"
: >>"$mine"
: >>"$theirs"

number=0
say() { echo "$number $(date +%s%N)" >"$mine"; }

# A begins when B has said that it is there, and sees the last write: so it tidies up, also after those that could not.
if [ "$SIDE" = a ]; then
  trap 'rm -f "$HOME"/.efslab-beat-*' EXIT
  awaited=0
else
  awaited=1
  say
fi

looks=0
while [ "$awaited" -le "$WRITES" ]; do
  # Between being emptied and being written the file has no line: then nothing is read.
  if read -r seen written <"$theirs" && [ "$seen" = "$awaited" ]; then
    now=$(date +%s%N)
    # Whoever has nobody to tell any more ends here.
    [ "$seen" = 0 ] || echo "beat $seen $written $now" || exit 1
    looks=0
    awaited=$((awaited + 1))
    if [ "$number" -lt "$WRITES" ]; then
      number=$((number + 1))
      # 10 to 59 ms, ever another, so that writes do not fall into step with the looks of the other side.
      sleep "0.0$((10 + number * 37 % 50))"
      say
    fi
  elif [ "$looks" -ge 3000 ]; then
    # Half a minute and what the looks themselves took.
    echo "nothing came from the other side" >&2
    exit 1
  else
    looks=$((looks + 1))
    sleep 0.01
  fi
done
