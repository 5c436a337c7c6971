#!/bin/sh
# Links the Mach-O fixtures of variants-macho/: `sh test/fixtures-binaries/make-macho-variants.sh` with Debian's clang, llvm (lipo) and
# lld-16 (older ones know no chained fixups). Kinds of files, of library commands and of signatures that make-macho.sh has not.
set -eu
cd "$(dirname "$0")/variants-macho"
ld64=${LD64:-$(ls /usr/lib/llvm-*/bin/ld64.lld | tail -n 1)}
lipo=${LIPO:-$(command -v llvm-lipo || ls /usr/lib/llvm-*/bin/llvm-lipo | tail -n 1)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/base.c" <<'C'
const char *base(void) { return "/old/store/base/share"; }
C
cat > "$work/edge.c" <<'C'
extern const char *base(void);
const char *(*pointer)(void) = base;
const char *edge(void) { return pointer() + 1; }
C
cat > "$work/hello.c" <<'C'
extern const char *edge(void);
static const char *words = "/old/store/greet/share/words";
const char *volatile *place = (const char *volatile *)&words;
int main(void) { return edge()[0] == (*place)[1] ? 0 : 1; }
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

lib=/old/store/greet/lib
# Stands for libedge, of which the linker would want to see what it reexports.
sed "s|/usr/lib/libSystem.B.dylib|$lib/libedge.dylib|; s/dyld_stub_binder/_edge/" "$work/libSystem.tbd" > "$work/libedge.tbd"
for arch in arm64 x86_64; do
  link() {
    "$ld64" -arch "$arch" -platform_version macos 12.0 12.0 "$@" "$work/libSystem.tbd"
  }
  for each in base edge hello; do
    clang --target="$arch-apple-macos12" -O1 -c -o "$work/$each-$arch.o" "$work/$each.c"
  done
  link -dylib -adhoc_codesign -install_name $lib/libbase.dylib -o "$work/libbase-$arch.dylib" "$work/base-$arch.o"
  # Every kind of command that lld writes, with room for longer names.
  link -dylib -adhoc_codesign -headerpad_max_install_names -fixup_chains -install_name $lib/libedge.dylib \
    -rpath $lib -rpath @loader_path/../lib -rpath /old/store/base/lib -reexport_library "$work/libbase-$arch.dylib" \
    -o "libedge-$arch.dylib" "$work/edge-$arch.o"
done
arch=arm64
link -execute -adhoc_codesign -headerpad 0x400 -fixup_chains -rpath $lib -o hello-chained-arm64 "$work/hello-arm64.o" "$work/libedge.tbd"
link -bundle -adhoc_codesign -headerpad 0x100 -rpath $lib -undefined dynamic_lookup -weak_library "$work/libedge.tbd" \
  -o plugin-arm64.bundle "$work/hello-arm64.o"
arch=x86_64
link -dylib -no_adhoc_codesign -headerpad 0x100 -install_name $lib/libunsigned.dylib -rpath $lib -o libunsigned-x86_64.dylib \
  "$work/base-x86_64.o"
"$lipo" -create -output libedge-fat.dylib libedge-arm64.dylib libedge-x86_64.dylib
