#!/bin/sh
# Links the Mach-O fixtures of this folder, with Debian's clang and lld: sh test/fixtures-binaries/make-macho.sh
# LD64 names the linker when it is not called ld64.lld. The stub of libSystem is all that is needed of macOS.
set -eu
cd "$(dirname "$0")"
ld64=${LD64:-$(command -v ld64.lld || ls /usr/lib/llvm-*/bin/ld64.lld | tail -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/greet.c" <<'C'
const char *greet(void) { return "/old/store/greet/share/hello"; }
C
cat > "$work/hello.c" <<'C'
extern const char *greet(void);
int main(void) { return greet()[0] == '/' ? 0 : 1; }
C
cat > "$work/libSystem.tbd" <<'T'
--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos, x86_64-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ arm64-macos, x86_64-macos ]
    symbols: [ dyld_stub_binder ]
...
T

for arch in arm64 x86_64; do
  clang --target="$arch-apple-macos11" -O1 -c -o "$work/greet.o" "$work/greet.c"
  "$ld64" -arch "$arch" -platform_version macos 11.0 11.0 -dylib -adhoc_codesign -headerpad 0x200 \
    -install_name /old/store/greet/lib/libgreet.dylib -rpath /old/store/greet/lib -rpath /old/store/other/lib \
    -o "libgreet-$arch.dylib" "$work/greet.o" "$work/libSystem.tbd"
done
# Little room behind the load commands.
clang --target=x86_64-apple-macos11 -O1 -c -o "$work/hello.o" "$work/hello.c"
"$ld64" -arch x86_64 -platform_version macos 11.0 11.0 -adhoc_codesign -headerpad 0x10 \
  -rpath /old/store/greet/lib -rpath @loader_path/../lib \
  -o hello-macho "$work/hello.o" libgreet-x86_64.dylib "$work/libSystem.tbd"
