#!/bin/sh
# Installs what the delivery files are checked and shipped with into .tools, at the versions that stand here:
#   scripts/tools.sh [TOOL ...]      all of them where none is named
# Helm's version stands in docker/Dockerfile, which builds it. In a GitHub workflow the next steps find them on their PATH.
set -eu
cd "$(dirname "$0")/.."
bin=$PWD/.tools
mkdir -p "$bin"
[ $# -gt 0 ] || set -- helm actionlint kubectl-validate zizmor

for tool; do
  echo "$tool"
  case $tool in
    helm) [ -x "$bin/helm" ] || docker buildx bake helm ;;
    actionlint) GOBIN=$bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 ;;
    kubectl-validate) GOBIN=$bin go install sigs.k8s.io/kubectl-validate@v0.0.4 ;;
    zizmor)
      python3 -m venv "$bin/venv"
      "$bin/venv/bin/pip" install --quiet zizmor==1.32.0
      ln -sf venv/bin/zizmor "$bin/zizmor"
      ;;
    *)
      echo "tools.sh: expected helm, actionlint, kubectl-validate or zizmor, not $tool" >&2
      exit 2
      ;;
  esac
done
[ -z "${GITHUB_PATH:-}" ] || echo "$bin" >>"$GITHUB_PATH"
