# Everything that is built, tested or released: `docker buildx bake [TARGET]`, `docker buildx bake --list targets`.
#
# docker-bake.json, which bake reads as well, is a link to package.json: `version` below is the one there. Bake takes the
# file's strings for its own, so a script in it must not say ${…}.

variable "REGISTRY" {
  description = "Where the image belongs, such as registry.example/team; without it, it has no prefix."
  default     = ""
  validation {
    condition     = REGISTRY == "" || can(regex("^[^/].*[^/]$", REGISTRY))
    error_message = "REGISTRY is expected without a slash at either end."
  }
}

variable "COMMIT" {
  description = "The commit that is built, as bake cannot ask git: COMMIT=$(git rev-parse HEAD)."
  default     = ""
  validation {
    condition     = COMMIT == "" || can(regex("^[0-9a-f]{40}$", COMMIT))
    error_message = "COMMIT is expected to be the 40 hexadecimal digits of a commit."
  }
}

variable "GITHUB_SHA" {
  description = "The commit where COMMIT is not set: GitHub's workflows set it."
  default     = ""
}

variable "FIXTURES" {
  description = "A directory of claim files for the tests that want some; without it they are skipped."
  default     = ""
}

image  = REGISTRY == "" ? "claims-api" : "${REGISTRY}/claims-api"
commit = COMMIT == "" ? GITHUB_SHA : COMMIT

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
  }
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

target "validate" {
  description = "Checks types, style and the table of settings in the README"
  inherits    = ["_docker"]
  target      = "validate"
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
  output      = ["type=local,dest=reports"]
}

target "test-verdict" {
  description = "Fails if the tests failed, and shows why"
  inherits    = ["_docker"]
  target      = "test-verdict"
  contexts    = { test-report = "target:test-report" }
  output      = ["type=cacheonly"]
}

target "release" {
  description = "Builds the image for amd64 and arm64 with SBOM and provenance and pushes it; needs a `docker-container` builder"
  inherits    = ["_image"]
  platforms   = ["linux/amd64", "linux/arm64"]
  # Without a commit, the last one is no valid tag, and bake refuses it before it builds.
  tags        = ["${image}:latest", "${image}:${version}", "${image}:${commit == "" ? "<COMMIT is not set>" : commit}"]
  attest      = ["type=provenance,mode=max", "type=sbom"]
  output      = ["type=registry"]
}
