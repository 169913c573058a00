#!/bin/sh
# Gives Docker the image of this machine's platform out of an OCI archive of several, as claims-api:latest:
#   scripts/load-image.sh ARCHIVE
# Docker's older store of images reads no such archive, and what ids mean differs between the stores; the layers do not.
set -eu
archive=$1
version=$(node -p 'require("./package.json").version')
single=$(mktemp -d)
trap 'rm -rf "$single"' EXIT

skopeo copy --quiet "oci-archive:$archive:$version" "docker-archive:$single/image.tar:claims-api:latest"
docker load --quiet --input "$single/image.tar"
expected=$(skopeo inspect --config --raw "oci-archive:$archive:$version" |
  node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).rootfs.diff_ids.join()')
found=$(docker image inspect --format '{{join .RootFS.Layers ","}}' claims-api:latest)
if [ "$found" != "$expected" ]; then
  echo "load-image.sh: expected the layers $expected of $archive, found $found" >&2
  exit 1
fi
