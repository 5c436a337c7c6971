// The `sbang` script, installed at the unpadded root. Systems truncate a long `#!` line; a script whose first line names `sbang` keeps
// its original `#!` line as the second line, and `sbang` runs that interpreter. FORMATS.md §5 "bin/sbang".

/** POSIX shell; starts no program except the interpreter, and expands nothing twice. */
export const SBANG_SCRIPT = String.raw`#!/bin/sh
# Runs a script whose interpreter line is too long for the system. Installed by regraft.
# Use: /bin/sh sbang SCRIPT [ARGUMENT...]
#
# The interpreter line is the last of the script's first two lines that begins with one of
#   #!   //!   --!   <?php #!
# Set SBANG_DEBUG to print the command in place of running it.

fail() {
    printf 'sbang: error: %s\n' "$1" >&2
    exit 1
}

# Splits at blanks what it is given unquoted, and keeps the first two words.
first_words() {
    interpreter=$1
    argument=$2
}

if [ "$#" -eq 0 ]; then
    printf '%s\n' 'Usage: sbang SCRIPT [ARGUMENT...]' >&2
    exit 1
fi
script=$1
shift
[ -f "$script" ] || fail "no such file, or not a regular file: $script"
[ -r "$script" ] || fail "cannot read the file: $script"

line1= line2=
{
    IFS= read -r line1 || :
    IFS= read -r line2 || :
} < "$script"

command=
for line in "$line1" "$line2"; do
    case $line in
        '#!'*) command=$line; command=${'$'}{command#??} ;;
        '//!'* | '--!'*) command=$line; command=${'$'}{command#???} ;;
        '<?php #!'*) command=$line; command=${'$'}{command#????????}; command=${'$'}{command%' ?>'} ;;
    esac
done

unset IFS
set -f
# shellcheck disable=SC2086
first_words $command '' ''
[ -n "$interpreter" ] || fail "no interpreter line in the first two lines of: $script"

program=${'$'}{interpreter##*/}
[ "$program" != env ] || program=${'$'}{argument##*/}
[ -n "$program" ] || fail "no interpreter behind env in: $script"

# A script that only names sbang, also as what a shell runs, would be run by sbang forever.
case $program/${'$'}{argument##*/} in
    sbang/* | */sbang) fail "refusing to run sbang with sbang: $script" ;;
esac

# The parsers of these skip what stands before the line that names them only when told to.
case $program in
    perl | perl[0-9]* | ruby | ruby[0-9]*) command="$command -x" ;;
esac

# shellcheck disable=SC2086
set -- $command "$script" "$@"
if [ -n "${'$'}{SBANG_DEBUG-}" ]; then
    printf '%s\n' "$*"
    exit 0
fi
exec "$@"
`;
