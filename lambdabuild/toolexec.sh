#!/bin/sh
# Run one tool of the Go toolchain for `go build -toolexec`, and keep what the linker makes.
#
# Usage: toolexec.sh N [N words of another toolexec] TOOL ARGUMENT...
#
# Every executable that `link` makes gets a second name, $LAMBDABUILD_STAGE/<import path>:exe, so
# that one `go build` can make any number of functions whatever their directories are called. Go
# writes the final build ID into the file afterwards: the second name has to be the same file, not
# a copy. Where $LAMBDABUILD_STAGE/<import path>:id holds the action ID of the link asked for, the
# artifact of the last run is what would be made again, and nothing is linked.
#
# One line an event goes to $LAMBDABUILD_EVENTS. Nothing may be printed: Go takes a tool's output
# for the compiler's, and keeps it in its cache.

words=$1
shift
eval "tool=\${$((words + 1))}"
tool=${tool##*/}
tool=${tool%.exe}
eval "first=\${$((words + 2)):-}"
case $first in -V*) exec "$@" ;; esac
case $tool in
link) ;;
compile)
	echo "start compile $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
	"$@"
	status=$?
	echo "done compile $status $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
	exit $status
	;;
*) exec "$@" ;;
esac

kept=$LAMBDABUILD_STAGE/$TOOLEXEC_IMPORTPATH:exe
id=
out=
previous=
for argument in "$@"; do
	case $previous in -o) out=${out:-$argument} ;; esac
	case $argument in -buildid=*) id=${argument#-buildid=} id=${id%%/*} ;; esac
	previous=$argument
done
if [ -n "$id" ] && [ -f "$LAMBDABUILD_STAGE/$TOOLEXEC_IMPORTPATH:id" ]; then
	read -r known <"$LAMBDABUILD_STAGE/$TOOLEXEC_IMPORTPATH:id"
	if [ "$id" = "$known" ]; then
		: >"$out"
		echo "current link $id $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
		exit 0
	fi
fi
echo "start link $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
"$@"
status=$?
if [ $status -eq 0 ]; then
	# A file system without hard links: move the file, and let Go find it through a symbolic link.
	ln "$out" "$kept" 2>/dev/null ||
		{ mkdir -p "${kept%/*}" && ln "$out" "$kept" 2>/dev/null; } ||
		{ mv "$out" "$kept" && ln -s "$kept" "$out"; }
	status=$?
fi
echo "done link $status $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
exit $status
