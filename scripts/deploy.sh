#!/bin/sh
# Installs or upgrades a release from its digests, tests it, and goes back to what ran before if either fails:
#   scripts/deploy.sh NAMESPACE VALUES CHART@DIGEST IMAGE@DIGEST
# kubectl's current context says in which cluster. Waits 10 minutes at most: a first load may take its time.
set -eu
namespace=$1 values=$2 chart=$3 image=$4
case $chart in
  127.0.0.1:* | localhost:*) http=--plain-http ;;
  *) http= ;;
esac

# What is deployed now; nothing before the first time.
before=$(helm history claims-api --namespace "$namespace" --output json 2>/dev/null |
  node -p 'JSON.parse(require("fs").readFileSync(0, "utf8") || "[]").findLast((r) => r.status === "deployed")?.revision ?? ""')

helm upgrade --install claims-api "oci://$chart" ${http:+"$http"} --namespace "$namespace" --create-namespace \
  --values "$values" --set "image.repository=${image%@*}" --set "image.digest=${image#*@}" \
  --rollback-on-failure --wait --timeout 10m

if ! helm test claims-api --namespace "$namespace" --logs --timeout 5m; then
  echo "deploy.sh: the tests of the release failed; back to ${before:+revision }${before:-nothing}" >&2
  if [ -n "$before" ]; then
    helm rollback claims-api "$before" --namespace "$namespace" --wait --timeout 10m
  else
    helm uninstall claims-api --namespace "$namespace" --wait
  fi
  exit 1
fi
