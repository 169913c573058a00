#!/bin/sh
# Gives Docker the image of this machine's platform out of an OCI archive of several, as claims-api:latest:
#   scripts/load-image.sh ARCHIVE
# Docker's default store of images reads no such archive. The image's id is the digest of its configuration, which the
# archive's manifest names: what is loaded cannot be another one.
set -eu
archive=$1
version=$(node -p 'require("./package.json").version')
single=$(mktemp -d)
trap 'rm -rf "$single"' EXIT

skopeo copy --quiet "oci-archive:$archive:$version" "docker-archive:$single/image.tar:claims-api:latest"
docker load --quiet --input "$single/image.tar"
expected=$(skopeo inspect --config --raw "oci-archive:$archive:$version" | sha256sum | cut -d' ' -f1)
found=$(docker image inspect --format '{{.Id}}' claims-api:latest)
if [ "$found" != "sha256:$expected" ]; then
  echo "load-image.sh: expected the image sha256:$expected of $archive, found $found" >&2
  exit 1
fi
