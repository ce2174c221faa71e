# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Functions shared by the shell scripts. Source it; it finds the top of the tree.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
ROOT=$BUILD/root
# shellcheck source=scripts/bench.conf
. "$TOP/scripts/bench.conf"

# sbin is missing from an ordinary user's path, and mke2fs lives there.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }

die()
{
	printf 'error: %s\n' "$1" >&2
	shift
	[ $# -eq 0 ] || printf '       %s\n' "$@" >&2
	exit 1
}

# as_root COMMAND...: run as root in a private mount namespace. An ordinary
# user becomes root of a user namespace, in which the tree belongs to them.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		unshare --mount --pid --fork --kill-child -- "$@"
	else
		unshare --user --map-root-user --map-auto \
			--mount --pid --fork --kill-child -- "$@"
	fi
}

# lock NAME: serialise with other runs; held until this shell ends.
lock()
{
	mkdir -p "$BUILD"
	exec {LOCK_FD}>"$BUILD/.lock-$1"
	flock --nonblock "$LOCK_FD" && return
	say "waiting for another run that holds build/.lock-$1"
	flock "$LOCK_FD"
}

# install_packages PACKAGE...: into build/root.
install_packages()
{
	scripts/in-root apt-get -q update
	scripts/in-root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "$@"
}

# kernel_tree 6.12|7.2-debug|...: the tree with that kernel's boot/ and lib/modules/.
kernel_tree()
{
	case $1 in
	*-*) echo "$BUILD/debug/$1" ;;
	*) echo "$ROOT" ;;
	esac
}

# kernel_release 6.12|7.2-debug|...: the full release of that kernel.
kernel_release()
{
	local dir

	for dir in "$(kernel_tree "$1")/lib/modules/${1%%-*}".*; do
		[ -d "$dir/kernel" ] && basename "$dir" && return
	done
	die "there is no kernel $1" "have: $KERNELS (scripts/bench.conf)"
}

# logged NAME COMMAND...: run with the output in build/log/NAME.log, saying every
# few seconds how far it is; show the end of the log when it fails.
logged()
{
	local log=$BUILD/log/$1.log pid

	mkdir -p "$BUILD/log"
	shift
	set -m # a process group of its own, which can be killed as a whole
	"$@" </dev/null >"$log" 2>&1 &
	set +m
	pid=$!
	# A namespace's first process takes no lesser signal than this.
	trap 'kill -KILL -- -"$pid" 2>/dev/null; exit 130' INT TERM
	while sleep 1; kill -0 "$pid" 2>/dev/null; do
		[ $((SECONDS % 10)) -ne 0 ] ||
			say "  ... $(tr '\r' '\n' <"$log" | grep . | tail -n 1 | cut -c -90)"
	done
	trap - INT TERM
	wait "$pid" && return
	tail -n 30 "$log" >&2
	die "this failed: $*" "the whole log is in $log"
}

# step NAME INPUT RESULT COMMAND...: run the command unless the file RESULT is there
# and was made from the same INPUT, a text naming all that it depends on.
step()
{
	local stamp=$BUILD/stamp/$1 name=$1 input=$2 result=$3

	shift 3
	[ ! -e "$result" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$input" ] || return 0
	say "$name"
	rm -f "$stamp"
	"$@"
	mkdir -p "$BUILD/stamp"
	printf '%s\n' "$input" >"$stamp.tmp"
	mv "$stamp.tmp" "$stamp"
	say "$name: done"
}

# list_files: the files git knows or would know; without git everything but build/.
list_files()
{
	local file

	if [ -e .git ] && git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -type f -print | cut -c 3-
	fi | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done | LC_ALL=C sort
}
