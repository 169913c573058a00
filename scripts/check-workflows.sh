#!/bin/sh
# Checks .github: actionlint for what a workflow says, zizmor for what it lets others do. With GH_TOKEN set, zizmor also
# asks GitHub whether each commit that an action is pinned to is the version beside it.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.tools:$PATH

missing=
for tool in actionlint zizmor; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  echo "check:workflows: not on PATH:$missing. Install with: scripts/tools.sh$missing" >&2
  exit 1
fi

actionlint
zizmor --quiet --no-progress --config .github/zizmor.yml --persona auditor .github
