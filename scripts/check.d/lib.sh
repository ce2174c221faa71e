# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Functions shared by the gates; scripts/check describes their environment.

: "${FILES:?run this by scripts/check}" "${WORK:?}" "${KSRC:?}" "${KERNELS:?}"

# The C files that are compiled by themselves, those of the tests' modules included.
units() { grep -E '^(common|pf|vf|tests/kmod)/.*\.c$' "$FILES" || true; }

skip()
{
	echo "$*"
	exit 4
}

# Every gate over C has to notice when there is nothing for it to look at.
need_units()
{
	[ -n "$(units)" ] && return
	echo "there is no C source in common/, pf/ or vf/"
	exit 1
}

# scripts_of KIND: files whose first line, or a shellcheck directive near it, says
# that they are scripts of that kind ("sh": any Bourne shell, "python").
scripts_of()
{
	local file

	while read -r file; do
		case $1 in
		sh) head -n 3 "$file" | tr -d '\0' | grep -qE '^#!.*\b(ba|da)?sh\b|^# shellcheck shell=' ;;
		python) [[ $file == *.py ]] || head -n 1 "$file" | tr -d '\0' | grep -q '^#!.*\bpython3\b' ;;
		esac && echo "$file"
	done <"$FILES" || true
}

# release_of KERNEL: its full release.
release_of()
{
	local dir

	for dir in "/lib/modules/$1".*; do
		[ ! -e "$dir/build" ] || { basename "$dir"; return; }
	done
	echo "build/root has no headers of kernel $1"
	return 1
}

# kbuild KERNEL LOG MAKE-ARGUMENT...: build a fresh copy of the sources against that
# kernel's headers. The copy is left in $WORK/KERNEL.
kbuild()
{
	local kernel=$1 log=$2 release dir=$WORK/$1 part

	shift 2
	release=$(release_of "$kernel") || { echo "$release"; return 1; }
	rm -rf "$dir"
	mkdir -p "$dir"
	for part in Kbuild include common pf vf tests/kmod; do
		[ ! -e "$part" ] || cp -r --parents "$part" "$dir"
	done
	for part in tests/kmod/*/Kbuild; do
		[ ! -e "$part" ] || echo "obj-m += ${part%Kbuild}" >>"$dir/Kbuild"
	done
	make -C "/lib/modules/$release/build" "M=$dir" -k -j"$(nproc)" "$@" modules \
		>"$log" 2>&1 && return
	echo "kernel $kernel: the build failed; the essence of $log:"
	grep -iE -A4 '\b(error|warning):|\*\*\*' "$log" |
		grep -vE '^make.*(Entering|Leaving|Waiting)' | head -n 200
	return 1
}

# unbuilt KERNEL: sources that no Kbuild names.
unbuilt()
{
	local unit

	for unit in $(units); do
		[ -e "$WORK/$1/${unit%.c}.o" ] || echo "$unit: no Kbuild builds it"
	done
}
