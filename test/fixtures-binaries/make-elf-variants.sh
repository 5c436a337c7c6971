#!/bin/sh
# Links the ELF fixtures of variants/: layouts of three linkers, both classes and byte orders, and everything that holds a path of
# /old/store: interpreter, rpath, runpath, needed libraries, soname. `sh test/fixtures-binaries/make-elf-variants.sh` with Debian's gcc,
# clang, lld, binutils (gold is part of them) and binutils-s390x-linux-gnu. No libc; those of x86_64 run (test/conformance/elf-tools.test.ts).
set -eu
cd "$(dirname "$0")/variants"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/deep.c" <<'C'
const char *deep(void) { return "hello\n"; }
C
cat > "$work/wide.c" <<'C'
extern const char *deep(void);
__attribute__((tls_model("initial-exec"))) __thread int calls;
const char *greet_old(void) { return deep(); }
const char *greet_new(void) { calls++; return deep(); }
__asm__(".symver greet_old,greet@GREET_1.0");
__asm__(".symver greet_new,greet@@GREET_2.0");
C
cat > "$work/wide.map" <<'M'
GREET_1.0 { local: *; };
GREET_2.0 { } GREET_1.0;
M
cat > "$work/hello.c" <<'C'
extern const char *greet(void);
static char large[200000];
const char *(*const pointer)(void) = greet;
static long call(long number, long a, const void *b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
__attribute__((force_align_arg_pointer)) void _start(void) {
  large[199999] = 6;
  call(1, 1, pointer(), large[199999]);
  call(231, 0, 0, 0);
}
C
cat > "$work/alone.c" <<'C'
static const char text[] = "hello\n";
const char *volatile words = text;
const char *greet(void) { return words; }
C
cat > "$work/plain.c" <<'C'
extern int other(void);
int counter = 1;
int *where = &counter;
int plain(void) { return *where + other(); }
void _start(void) { plain(); }
C
echo 'int other(void) { return 1; }' > "$work/other.c"

lib=/old/store/greet/lib
small="-nostdlib -Wl,--allow-shlib-undefined -O1 -fno-asynchronous-unwind-tables -ffile-prefix-map=$work=. -Wl,-z,noexecstack"
tight="-Wl,-z,noseparate-code -Wl,-z,max-page-size=4096"
new="-Wl,--enable-new-dtags -Wl,-rpath,$lib"
old="-Wl,--disable-new-dtags -Wl,-rpath,$lib"

# Libraries of the programs, with absolute names as Spack's `sbang`-less packages and Nix-like trees have them; versions; a note; RELRO.
gcc $small $tight -s -fPIC -shared $new -Wl,-soname,$lib/libdeep.so -Wl,--build-id=sha1 -o libdeep.so "$work/deep.c"
gcc $small $tight -fPIC -shared $new -Wl,-soname,$lib/libwide.so -Wl,--version-script="$work/wide.map" -Wl,--build-id=md5 \
  -Wl,-z,relro,-z,now -fcf-protection=full -o libwide.so "$work/wide.c" ./libdeep.so
clang $small -s -fuse-ld=lld -fPIC -shared $old -Wl,-soname,libshort.so -Wl,--hash-style=both -Wl,-z,relro -Wl,--build-id=sha1 \
  -o libshort.so "$work/alone.c"

program() { # NAME LIBRARY COMPILER OPTIONS...
  name=$1
  library=$2
  shift 2
  "$@" -o "$name" "$work/hello.c" "$library"
}
program exec-relro ./libwide.so gcc $small -s -no-pie $new -Wl,-z,relro,-z,now -Wl,--build-id=sha1
program exec-tight ./libwide.so gcc $small $tight -s -no-pie $old -Wl,-z,norelro -Wl,--hash-style=sysv -Wl,--build-id=none
program exec-large-pages ./libshort.so gcc $small -s -no-pie $new -Wl,-z,noseparate-code -Wl,-z,max-page-size=0x200000 -Wl,-z,norelro -Wl,--hash-style=gnu
program pie-interpreter ./libwide.so gcc $small $tight -pie -fPIE $new -Wl,--dynamic-linker=/old/store/libc/lib/ld-linux-x86-64.so.2 \
  -Wl,-z,relro -fcf-protection=full
program exec-interpreter ./libshort.so clang $small -s -fuse-ld=lld -no-pie $old -Wl,--dynamic-linker=/old/store/libc/lib/ld-linux-x86-64.so.2
program pie-gold ./libwide.so gcc $small -s -fuse-ld=gold -pie -fPIE $new -Wl,-z,relro -Wl,--build-id=sha1 -Wl,--hash-style=both
program exec-gold ./libshort.so gcc $small -s -fuse-ld=gold -no-pie $old
program pie-lld-relr ./libwide.so clang $small -s -fuse-ld=lld -pie -fPIE $new -Wl,-z,relro -Wl,--pack-dyn-relocs=relr -Wl,--hash-style=both
program pie-lld-apart ./libshort.so clang $small -s -fuse-ld=lld -pie -fPIE $new -Wl,-z,separate-loadable-segments
# Nobody relocates it, so it has no pointers.
sed 's/deep/greet/' "$work/deep.c" > "$work/both.c"
sed '/\*const pointer/d; s/pointer()/greet()/' "$work/hello.c" >> "$work/both.c"
gcc $small $tight -s -static-pie -fPIE $new -Wl,--no-dynamic-linker -o static-pie "$work/both.c"

# Other machines. LAYOUT is `machine-class-order`.
cross() { # LAYOUT TARGET LINKER OPTIONS...
  layout=$1
  target=$2
  linker=$3
  shift 3
  for each in plain other; do
    clang --target="$target" -O1 -fno-asynchronous-unwind-tables -fPIC -c -o "$work/$each.o" "$work/$each.c"
  done
  "$linker" "$@" -shared -s -soname $lib/libother.so -o "$work/libother.so" "$work/other.o"
  "$linker" "$@" -shared -s -soname $lib/libplain.so --enable-new-dtags -rpath $lib -z relro --build-id=sha1 \
    -o "libplain-$layout.so" "$work/plain.o" "$work/libother.so"
  "$linker" "$@" -pie -s --disable-new-dtags -rpath $lib --dynamic-linker /old/store/libc/lib/ld.so.1 \
    -o "plain-$layout" "$work/plain.o" "$work/libother.so"
}
cross i386-32-little i386-linux-gnu ld.bfd -m elf_i386 -z noseparate-code
cross aarch64-64-little aarch64-linux-gnu ld.lld
cross mips-32-big mips-linux-gnu ld.lld
cross mips64-64-big mips64-linux-gnuabi64 ld.lld
cross powerpc-32-big powerpc-linux-gnu ld.lld
cross s390x-64-big s390x-linux-gnu s390x-linux-gnu-ld
