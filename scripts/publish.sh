#!/bin/sh
# Pushes the archives that were tested, as they are: nothing is built again.
#   REGISTRY=registry.example/team COMMIT=… scripts/publish.sh IMAGE CHART [DIGEST]
# IMAGE is what `docker buildx bake archive` made, CHART what `docker buildx bake chart` did; with DIGEST, IMAGE is refused
# unless it is that. Prints the digests that the registry has for both, which is what to sign and to deploy, and gives them
# to a GitHub workflow as outputs. Needs skopeo (on GitHub's runners it is there), Helm and Node.js.
set -eu
: "${REGISTRY:?is where to push, such as registry.example/team}" "${COMMIT:?is the commit that was built}"
archive=$1 chart=$2 expected=${3:-}
version=$(node -p 'require("./package.json").version')
image=$REGISTRY/claims-api
charts=$REGISTRY/charts
case $REGISTRY in
  127.0.0.1:* | localhost:*) tls=--tls-verify=false http=--plain-http ;;
  *) tls=--tls-verify=true http= ;;
esac

manifest() { # manifest REFERENCE: the bytes of which its digest is the SHA-256
  skopeo inspect --raw "$@"
}

digest=sha256:$(manifest "oci-archive:$archive:$version" | sha256sum | cut -d' ' -f1)
if [ "$digest" != "${expected:-$digest}" ]; then
  echo "publish.sh: $archive is $digest, tested was $expected" >&2
  exit 1
fi

# The tag that moves for everybody comes last.
for tag in "$COMMIT" "$version" latest; do
  skopeo copy --quiet --all --preserve-digests "--dest-${tls#--}" "oci-archive:$archive:$version" "docker://$image:$tag"
  pushed=sha256:$(manifest "$tls" "docker://$image:$tag" | sha256sum | cut -d' ' -f1)
  if [ "$pushed" != "$digest" ]; then
    echo "publish.sh: $image:$tag is $pushed, pushed was $digest" >&2
    exit 1
  fi
done

helm push ${http:+"$http"} "$chart" "oci://$charts"
chart_digest=sha256:$(manifest "$tls" "docker://$charts/claims-api:$version" | sha256sum | cut -d' ' -f1)

tee -a "${GITHUB_OUTPUT:-/dev/null}" <<END
image=$image
image-digest=$digest
chart=$charts/claims-api
chart-digest=$chart_digest
END
