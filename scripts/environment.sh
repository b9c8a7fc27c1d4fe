# Sourced by the other scripts: paths of tools, and the choice of the toolchain. There may be two toolchains: the
# ordinary one (tests, lints) and, if rustup cannot fetch the wasm target, Debian's "rust for browsers" (release build
# and wasm).

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=${VESTIBULE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/vestibule-tools}
export PATH="$TOOLS/bin:$ROOT/end2end/node_modules/.bin:$ROOT/frontend/node_modules/.bin:$HOME/.cargo/bin:$PATH"

# The newest whose dependencies compile with Rust 1.95.
CARGO_LEPTOS_VERSION=0.3.10
DEBIAN_TOOLCHAIN=debian-web

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf '\033[31mvestibule: %s\033[0m\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

step_log() { printf '%s/log/%s.log' "$TOOLS" "$(printf '%s' "$1" | tr -c 'A-Za-z0-9.\n' '-')"; }
step_failed() {
  tail -n 40 "$2" >&2
  die "\"$1\" failed; the whole log is $2"
}

# Runs a long step with its output in a log file, and a line of progress every ten seconds.
long_step() {
  local name=$1 log started pid
  shift
  mkdir -p "$TOOLS/log"
  log=$(step_log "$name")
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
  wait "$pid" || step_failed "$name" "$log"
}

# Asks before a change outside of this folder and the user's cache. Without a terminal, as in CI, the answer is yes.
confirm() {
  local answer
  if [ -t 0 ] && [ -t 2 ]; then
    read -r -p "$1 [y/N] " answer || answer=n
    [[ $answer == [yY]* ]] || die "nothing was changed"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s\n' "$package"
  done
}

# Installs missing Debian packages, or says which ones to install by hand.
debian_packages() {
  local missing=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  if have apt-get && { [ "$(id -u)" = 0 ] || have sudo; }; then
    say "These Debian packages are missing: ${missing[*]}"
    confirm "Install them with apt-get?"
    ((${#sudo[@]} == 0)) || sudo -v || die "sudo does not work here; install ${missing[*]} by hand"
    long_step "package lists" "${sudo[@]}" apt-get update -qq
    # The first call sometimes fails in dpkg; a repetition succeeds.
    long_step "Debian packages ${missing[*]}" bash -c '"$@" || "$@"' install "${sudo[@]}" \
      env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  else
    die "these packages are missing and cannot be installed from here: ${missing[*]} (on Debian: apt-get install ${missing[*]})"
  fi
}

# The reverse proxies whose recipes run in tests.
reverse_proxies() {
  local proxy needed=()
  for proxy in nginx caddy haproxy; do
    have "$proxy" || needed+=("$proxy")
  done
  debian_packages "${needed[@]}"
}

# The features for lints and tests of crate $1, one per line.
crate_features() {
  case $1 in
    access-token | mcp | testkit) printf '%s\n' --all-features ;;
    app) printf '%s\n' --features ssr ;;
  esac
}

# Succeeds when toolchain $1 (or the default one, when empty) can compile to wasm32.
compiles_wasm() {
  local sysroot
  sysroot=$(RUSTUP_TOOLCHAIN="$1" rustc --print sysroot 2>/dev/null) || return 1
  compgen -G "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null
}

# Selects the toolchain for releases in this shell.
use_release_toolchain() {
  if ! compiles_wasm "${RUSTUP_TOOLCHAIN:-}" && compiles_wasm "$DEBIAN_TOOLCHAIN"; then
    export RUSTUP_TOOLCHAIN=$DEBIAN_TOOLCHAIN
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
  fi
}

# Prints linker arguments for the release binary. Packed relocations make it 1.5 MB smaller. Loaders of glibc understand
# them since version 2.36, and a binary that has them needs that version or a newer one. Functions with the same code are
# one, which makes it 0.4 MB smaller, if the linker can do that: Rust promises no function an address of its own.
release_link_arguments() {
  local glibc
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || glibc=0
  if printf '%s\n' 2.36 "${glibc#glibc }" | sort --check=quiet --version-sort; then
    printf '%s\n' -C link-arg=-Wl,-z,pack-relative-relocs
  fi
  if links_with --icf=all; then
    printf '%s\n' -C link-arg=-Wl,--icf=all
  fi
}

# Succeeds when the linker of releases understands option $1.
links_with() {
  local folder code=1
  folder=$(mktemp -d)
  printf 'fn main() {}' >"$folder/main.rs"
  rustc --out-dir "$folder" -C "link-arg=-Wl,$1" "$folder/main.rs" >/dev/null 2>&1 && code=0
  rm -rf "$folder"
  return "$code"
}
