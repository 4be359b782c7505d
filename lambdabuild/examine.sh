#!/bin/sh
# Link an executable to be examined: with its symbols, and with a list of what led to each.
#
# Usage: examine.sh N [N words of another toolexec] TOOL ARGUMENT...
#
# It runs within toolexec.sh, with the arguments of the link that is examined. What the linker says
# of reachability goes to $LAMBDABUILD_STAGE/<import path>:deps. Of a flag that is given twice, the
# linker takes the last. DWARF has no part in this, and would double the time.

words=$1
shift
eval "tool=\${$((words + 1))}"
tool=${tool##*/}
tool=${tool%.exe}
eval "first=\${$((words + 2)):-}"
case $tool,$first in
*,-V*) exec "$@" ;;
link,*) ;;
*) exec "$@" ;;
esac

# The last argument is the main package; flags come before it.
left=$#
for argument in "$@"; do
	shift
	left=$((left - 1))
	[ "$left" -ne 0 ] || set -- "$@" -s=false -w -dumpdep
	set -- "$@" "$argument"
done
deps=$LAMBDABUILD_STAGE/$TOOLEXEC_IMPORTPATH:deps
mkdir -p "${deps%/*}"
exec "$@" >"$deps"
