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
# $LAMBDABUILD_STAGE/<import path>:sources lists what a package is compiled from, and has the time
# of the last change before `go` began. A tool that ran while one of them changed has failed: Go
# hashed the file before, and would keep what came of it under a hash that is not its own.
#
# One line an event goes to $LAMBDABUILD_EVENTS. Nothing may be printed where a tool succeeds: Go
# takes it for the compiler's output, and keeps it in its cache.

words=$1
shift
eval "tool=\${$((words + 1))}"
tool=${tool##*/}
tool=${tool%.exe}
eval "first=\${$((words + 2)):-}"
case $first in -V*) exec "$@" ;; esac

# Print what changed of the sources in the list $1 and of those that the other arguments name.
changed() {
	list=$1
	for argument in "$@"; do
		shift
		case $argument in
		"$GOTMPDIR"/*) ;;
		/*.go | /*.s | /*.S) set -- "$@" "$argument" ;;
		esac
	done
	while IFS= read -r path; do set -- "$@" "$path"; done <"$list"
	# Of a directory, that it took another's place; what comes and goes in it has times of its own.
	exec find "$@" -prune -cnewer "$list" \( ! -type d -o ! -newer "$list" \) 2>/dev/null
}

# The same, where `find` does not know -cnewer, or does not find a file.
changed_by_python() {
	"$LAMBDABUILD_PYTHON" -ISc '
import os, stat, sys
since = os.stat(sys.argv[1]).st_mtime_ns
with open(sys.argv[1], errors="surrogateescape") as file:
    paths = [path for path in sys.argv[2:] if path[:1] == "/" and path.endswith((".go", ".s", ".S"))]
    paths = [path for path in paths if not path.startswith(os.environ["GOTMPDIR"] + "/")]
    paths += file.read().splitlines()
for path in paths:
    try:
        found = os.lstat(path)
    except OSError:
        print(path)
        continue
    replaced = not stat.S_ISDIR(found.st_mode) or found.st_mtime_ns <= since
    if found.st_ctime_ns > since and replaced:
        print(path)
' "$@" || echo "a source"
}

case $tool in
link) ;;
asm | cgo | compile | preprofile)
	[ "$tool" != compile ] || echo "start compile $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
	"$@"
	status=$?
	sources=$LAMBDABUILD_STAGE/$TOOLEXEC_IMPORTPATH:sources
	path=
	if [ -f "$sources" ]; then
		path=$(changed "$sources" "$@") || path=$(changed_by_python "$sources" "$@")
	fi
	if [ -n "$path" ]; then
		echo "refused $tool $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
		echo "${path%%
*} was changed while it was compiled" >&2
		exit 1
	fi
	[ "$tool" != compile ] || echo "done compile $status $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
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
if [ "${LAMBDABUILD_LINK:-}" = no ]; then
	: >"$out"
	echo "current link $id $TOOLEXEC_IMPORTPATH" >>"$LAMBDABUILD_EVENTS"
	exit 0
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
