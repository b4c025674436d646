#!/usr/bin/env bash
# Runs every test. Installs what they need first: system packages where it may, foreign tools at pinned versions into target/peers.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }
stop() {
  echo "$*" >&2
  exit 1
}

command -v cargo >/dev/null ||
  stop "cargo is missing: install Rust, at least the rust-version of Cargo.toml, from https://rustup.rs or your distribution"
# A minimal toolchain of rustup has neither; distributions pack them apart.
parts=()
find_parts() {
  parts=()
  cargo fmt --version >/dev/null 2>&1 || parts+=(rustfmt)
  cargo clippy --version >/dev/null 2>&1 || parts+=(clippy)
}
find_parts
if [ ${#parts[@]} -gt 0 ] && command -v rustup >/dev/null; then
  say "Adding ${parts[*]} to the Rust toolchain"
  rustup component add "${parts[@]}" || true
  find_parts
fi
[ ${#parts[@]} -eq 0 ] ||
  stop "cargo has no ${parts[*]}: install it from where your Rust is (Debian: rustfmt, rust-clippy; Fedora: rustfmt, clippy)"

# Package by program: what is on PATH already is not installed again.
missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need cc build-essential
need ssh openssh-client
need ssh-keygen openssh-client
need shellcheck shellcheck
need python3 python3
# The venv module is there in name on Debian even when it cannot make one.
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  say "Installing ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then
    as_root=()
  elif command -v sudo >/dev/null; then
    as_root=(sudo)
  else
    stop "These packages are missing and only root can install them: ${missing[*]}"
  fi
  if ! command -v apt-get >/dev/null; then
    stop "These are missing; install them with your package manager (names of Debian): ${missing[*]}"
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"
fi

peers=${CARGO_TARGET_DIR:-target}/peers
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)
if ! cmp -s tests/peers/requirements.txt "$peers/installed.txt"; then
  say "Installing the foreign tools of tests/peers/requirements.txt"
  python3 -m venv --clear "$peers/venv"
  "$peers/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/peers/requirements.txt
  cp tests/peers/requirements.txt "$peers/installed.txt"
fi
export EFSLAB_PEERS=$peers/venv/bin

say "Formatting"
cargo fmt --check
say "Lints"
cargo clippy --locked --all-targets -- -D warnings
say "Tests"
cargo test --locked -- --include-ignored
say "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
say "All is well"
