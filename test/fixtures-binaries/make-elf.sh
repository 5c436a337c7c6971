#!/bin/sh
# Links the ELF fixtures of this folder, with Debian's gcc, clang and lld: sh test/fixtures-binaries/make-elf.sh
# No libc: they stay small, and programs run wherever the dynamic linker of x86_64 is.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/greet.c" <<'C'
const char *greet(void) { return "hello\n"; }
C
cat > "$work/greet.map" <<'M'
GREET_1.0 { global: greet; local: *; };
M
cat > "$work/hello.c" <<'C'
extern const char *greet(void);
static char large[200000];
static long call(long number, long a, const void *b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
void _start(void) {
  large[199999] = 6;
  call(1, 1, greet(), large[199999]);
  call(231, 0, 0, 0);
}
C
cat > "$work/plain.c" <<'C'
int counter = 1;
int *where = &counter;
int plain(void) { return *where; }
C

flags="-nostdlib -O1 -s -fno-asynchronous-unwind-tables -fcf-protection=none -Wl,-z,noexecstack"
rpath=-Wl,-rpath,/old/store/greet/lib
gcc $flags -fPIC -shared -Wl,-soname,libgreet.so.1 -Wl,--version-script="$work/greet.map" -Wl,--build-id=sha1 \
  -Wl,--enable-new-dtags $rpath -o libgreet.so.1 "$work/greet.c"
gcc $flags -pie -fPIE -Wl,--build-id=sha1 -Wl,--enable-new-dtags $rpath -o hello-pie "$work/hello.c" ./libgreet.so.1
gcc $flags -no-pie -Wl,--disable-new-dtags $rpath -o hello-exec "$work/hello.c" ./libgreet.so.1
clang $flags -fuse-ld=lld -pie -fPIE $rpath -o hello-lld "$work/hello.c" ./libgreet.so.1
for target in i386-linux-gnu:32-little mips-linux-gnu:32-big powerpc64-linux-gnu:64-big; do
  clang --target="${target%%:*}" -O1 -fPIC -c -o "$work/plain.o" "$work/plain.c"
  ld.lld -shared -s -soname /old/store/greet/lib/libplain.so --enable-new-dtags -rpath /old/store/greet/lib \
    -o "libplain-${target##*:}.so" "$work/plain.o"
done
