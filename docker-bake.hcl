# Everything that is built, tested or released: `docker buildx bake [TARGET]`, `docker buildx bake --list targets`.
#
# docker-bake.json, which bake reads as well, is a link to package.json: `version` below is the one there. Bake takes the
# file's strings for its own, so a script in it must not say ${…}.

variable "REGISTRY" {
  type        = string
  description = "Where image and chart belong, such as registry.example/team; without it, the image has no prefix."
  default     = ""
  validation {
    condition     = REGISTRY == "" || can(regex("^[a-z0-9][a-z0-9._:/-]*[a-z0-9]$", REGISTRY)) && !can(regex("://", REGISTRY))
    error_message = "REGISTRY is expected as host[:port][/path]: no scheme, no slash at either end, no capitals."
  }
}

variable "COMMIT" {
  type        = string
  description = "The commit that is built, as bake cannot ask git: COMMIT=$(git rev-parse HEAD)."
  default     = ""
  validation {
    condition     = COMMIT == "" || can(regex("^[0-9a-f]{40}$", COMMIT))
    error_message = "COMMIT is expected to be the 40 hexadecimal digits of a commit."
  }
}

variable "GITHUB_SHA" {
  type        = string
  description = "The commit where COMMIT is not set: GitHub's workflows set it."
  default     = ""
  validation {
    condition     = GITHUB_SHA == "" || can(regex("^[0-9a-f]{40}$", GITHUB_SHA))
    error_message = "GITHUB_SHA is expected to be the 40 hexadecimal digits of a commit."
  }
}

variable "SOURCE" {
  type        = string
  description = "The address of the repository, for the image's label; without it, it has none."
  default     = ""
  validation {
    condition     = SOURCE == "" || can(regex("^https://[^ ]+$", SOURCE))
    error_message = "SOURCE is expected to be an address that begins with https://."
  }
}

variable "FIXTURES" {
  type        = string
  description = "A directory of claim files for the tests that want some; without it they are skipped."
  default     = ""
  validation {
    condition     = FIXTURES == "" || can(regex("^[./]", FIXTURES))
    error_message = "FIXTURES is expected to be the path of a directory, beginning with / or a dot."
  }
}

variable "CACHE" {
  type        = string
  description = "Where layers outlive the builder: gha (GitHub's), ./directory or registry.example/cache; without it, nowhere."
  default     = ""
  validation {
    condition     = can(regex("^(|gha|[./][^,]*|[a-z0-9][a-z0-9._:-]*/[a-z0-9._/-]*[a-z0-9])$", CACHE))
    error_message = "CACHE is expected to be gha, a directory that begins with / or a dot, or a repository in a registry."
  }
}

image  = REGISTRY == "" ? "claims-api" : "${REGISTRY}/claims-api"
commit = COMMIT == "" ? GITHUB_SHA : COMMIT

# A registry on this machine is for trying a release, mostly with Docker's default builder: that makes no attestations and
# refuses to be asked for some, and `--set '*.attest='` takes none away.
trial = can(regex("^(127\\.0\\.0\\.1|localhost)(:|/|$)", REGISTRY))

# A scope is a cache that is written and replaced as a whole: were there one for all, the target that ends last would be
# all that is kept. The builder's own cache needs none of this, and Docker's default builder can export to none of them.
function "cache" {
  params = [scope, direction]
  result = (CACHE == "" ? "" :
    CACHE == "gha" ? "type=gha,scope=${scope}" :
    can(regex("^[./]", CACHE)) ? "type=local,${direction == "to" ? "dest" : "src"}=${CACHE}/${scope}" :
    "type=registry,ref=${CACHE}:${scope}")
}

function "cache_from" {
  params = [scopes]
  result = CACHE == "" ? [] : [for scope in scopes : cache(scope, "from")]
}

# Every stage that led to the target, not its last one alone; and a cache that cannot be written fails no build.
function "cache_to" {
  params = [scope]
  result = CACHE == "" ? [] : ["${cache(scope, "to")},mode=max,ignore-error=true"]
}

group "default" {
  description = "Builds the image"
  targets     = ["build"]
}

target "_docker" {
  description = "What all targets have in common"
  dockerfile  = "docker/Dockerfile"
}

target "_image" {
  description = "The image, whoever gets it"
  inherits    = ["_docker"]
  target      = "release"
  labels = {
    "org.opencontainers.image.version"  = version
    "org.opencontainers.image.revision" = commit == "" ? null : commit
    "org.opencontainers.image.source"   = SOURCE == "" ? null : SOURCE
  }
  cache-from = cache_from(["dependencies", "build"])
  cache-to   = cache_to("build")
}

target "build" {
  description = "Builds the image and loads it as claims-api:latest"
  inherits    = ["_image"]
  tags        = ["claims-api:latest"]
  output      = ["type=docker"]
}

target "api" {
  description = "The same image as compose.yaml has it built"
  inherits    = ["build"]
}

target "dependencies" {
  description = "Installs the packages, to fill the cache that the other targets begin from"
  inherits    = ["_docker"]
  target      = "deps"
  cache-from  = cache_from(["dependencies"])
  cache-to    = cache_to("dependencies")
  output      = ["type=cacheonly"]
}

target "validate" {
  description = "Checks types, style and the table of settings in the README"
  inherits    = ["_docker"]
  target      = "validate"
  cache-from  = cache_from(["dependencies"])
  output      = ["type=cacheonly"]
}

# Two targets, because a build that fails exports nothing: the first runs the tests and exports the reports however they
# ended, the second fails if they failed. It is given the first one's result, so the tests run once.
group "test" {
  description = "Runs the tests on the embedded PostgreSQL; their reports and coverage go to ./reports"
  targets     = ["test-report", "test-verdict"]
}

target "test-report" {
  description = "Runs the tests and exports the reports, also those of a failure"
  inherits    = ["_docker"]
  target      = "test-report"
  contexts    = FIXTURES == "" ? {} : { fixtures = FIXTURES }
  args        = { TEST_RUN = timestamp() }
  cache-from  = cache_from(["dependencies", "test"])
  cache-to    = cache_to("test")
  output      = ["type=local,dest=reports"]
}

target "test-verdict" {
  description = "Fails if the tests failed, and shows why"
  inherits    = ["_docker"]
  target      = "test-verdict"
  contexts    = { test-report = "target:test-report" }
  output      = ["type=cacheonly"]
}

target "chart" {
  description = "Lints the Helm chart, and packages it with this version into ./dist"
  inherits    = ["_docker"]
  target      = "chart"
  args        = { VERSION = version }
  cache-from  = cache_from(["helm"])
  output      = ["type=local,dest=dist"]
}

target "helm" {
  description = "Builds the Helm that the chart is made with, into ./.tools; takes minutes the first time"
  inherits    = ["_docker"]
  target      = "helm"
  cache-from  = cache_from(["helm"])
  cache-to    = cache_to("helm")
  output      = ["type=local,dest=.tools"]
}

target "release" {
  description = "Builds the image for amd64 and arm64 with SBOM and provenance (none for a registry on 127.0.0.1) and pushes it"
  inherits    = ["_image"]
  platforms   = ["linux/amd64", "linux/arm64"]
  # Without a commit, the last one is no valid tag, and bake refuses it before it builds.
  tags        = ["${image}:latest", "${image}:${version}", "${image}:${commit == "" ? "<COMMIT is not set>" : commit}"]
  attest      = trial ? [] : ["type=provenance,mode=max", "type=sbom"]
  output      = ["type=registry"]
}

target "archive" {
  description = "Builds what release pushes into a file, claims-api.oci.tar, to be tested and then pushed by scripts/publish.sh"
  inherits    = ["release"]
  output      = ["type=oci,dest=claims-api.oci.tar"]
}
