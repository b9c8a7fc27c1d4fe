# Sourced by the other scripts: where the tools lie, and which toolchain builds what.
# Two toolchains may be in play: the ordinary one (tests, lints) and, where rustup cannot fetch the wasm target,
# Debian's "rust for browsers" (release build and wasm). Only release builds ever use the second.

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=${VESTIBULE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/vestibule-tools}
export PATH="$TOOLS/bin:$ROOT/end2end/node_modules/.bin:$HOME/.cargo/bin:$PATH"

CARGO_LEPTOS_VERSION=0.3.11
BINARYEN_VERSION=132.0.0
DEBIAN_TOOLCHAIN=debian-web

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf '\033[31mvestibule: %s\033[0m\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a long step with its output in a log file, and a line of progress every ten seconds.
long_step() {
  local name=$1 log started pid
  shift
  mkdir -p "$TOOLS/log"
  log="$TOOLS/log/$(printf '%s' "$name" | tr -c 'A-Za-z0-9.\n' '-').log"
  started=$SECONDS
  say "$name"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    if (((SECONDS - started) % 10 == 0)); then
      printf '    %4ds  %s\n' $((SECONDS - started)) "$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-90)" >&2
    fi
  done
  wait "$pid" || { tail -n 40 "$log" >&2; die "\"$name\" failed; the whole log is $log"; }
}

# Installs Debian packages that are missing, or says exactly which ones a person must install.
debian_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  if have apt-get && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    long_step "package lists" "${sudo[@]}" apt-get update -qq
    # The first call stops in dpkg now and then; the same call again finishes.
    long_step "Debian packages ${missing[*]}" bash -c '"$@" || "$@"' install "${sudo[@]}" \
      env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  else
    die "these packages are missing and cannot be installed from here: ${missing[*]} (on Debian: sudo apt-get install ${missing[*]})"
  fi
}

# Succeeds when toolchain $1 (or the default one, when empty) can compile to wasm32.
compiles_wasm() {
  local sysroot
  sysroot=$(RUSTUP_TOOLCHAIN="$1" rustc --print sysroot 2>/dev/null) || return 1
  compgen -G "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null
}

# Points this shell at the toolchain that builds releases.
use_release_toolchain() {
  if ! compiles_wasm "${RUSTUP_TOOLCHAIN:-}" && compiles_wasm "$DEBIAN_TOOLCHAIN"; then
    export RUSTUP_TOOLCHAIN=$DEBIAN_TOOLCHAIN
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
  fi
}
