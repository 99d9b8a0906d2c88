#!/bin/sh
# Stands before git on PATH. Counts the calls of each subcommand ("update-ref 2"), and does what CRASH_WHEN says at
# the call that CRASH_CALL names: it waits before or after git, breaks git at a system call, traces it, or fails.
set -C # a file can be made once: two calls at once get two numbers
skip=
name=
for word; do
	if [ -n "$skip" ]; then
		skip=
		continue
	fi
	case $word in
	-c) skip=1 ;;
	-*) ;;
	*)
		name=${name:+$name-}$word
		if [ "$word" != worktree ]; then # what reads and what writes have different names
			break
		fi
		;;
	esac
done
count=1
until printf '%s\n' "$*" >"$CRASH_FOLDER/$name.$count"; do
	count=$((count + 1))
done 2>/dev/null
call="$name $count"
printf '%s\n' "$call" >>"$CRASH_FOLDER/calls"

# Report, and wait to be killed or let go.
arrive() {
	printf '%s\n' "$call" >"$CRASH_FOLDER/here"
	read -r _ <"$CRASH_FOLDER/go"
}

trace="$CRASH_FOLDER/$name.$count.trace"
follow=-f
if [ "$name" = push ]; then
	follow=
fi
if [ "$CRASH_WHEN" = trace ]; then
	exec strace $follow -y -q -o "$trace" -e "trace=$CRASH_SET" "$CRASH_GIT" "$@"
fi
if [ "$CRASH_CALL" != "$call" ]; then
	exec "$CRASH_GIT" "$@"
fi
case $CRASH_WHEN in
before)
	arrive
	exec "$CRASH_GIT" "$@"
	;;
after)
	"$CRASH_GIT" "$@"
	status=$?
	arrive
	exit $status
	;;
inside | broken)
	# shellcheck disable=SC2086 # one word or none
	strace $follow -y -o "$trace" -e "trace=$CRASH_SET" -e "inject=$CRASH_INJECT" ${CRASH_PATH:+-P "$CRASH_PATH"} \
		"$CRASH_GIT" "$@"
	status=$?
	if [ "$CRASH_WHEN" = inside ] && grep -q 'killed by SIGKILL' "$trace"; then
		arrive
	fi
	if [ $status -gt 128 ]; then
		kill -KILL $$ # dies as git died
	fi
	exit $status
	;;
fail)
	case $name in
	merge-base) exit 128 ;; # 1 is an answer: there is none
	*) exit 1 ;;
	esac
	;;
esac
