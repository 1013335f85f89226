# Runs a server and stops it when standard input closes: when its owner asks for it, and just as well when the owner is
# killed. Arguments: stop signal, seconds of grace before KILL, the server's command line.
stop_signal=$1 grace_s=$2
shift 2
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
(
    read -r _ <&3
    kill -s "$stop_signal" "$server"
    sleep "$grace_s"
    kill -s KILL "$server"
) 2>/dev/null &
wait "$server"
status=$?
# The group is ours alone (the owner made it): end the waiting subshell and its sleep with it.
trap '' TERM
kill -s TERM 0
exit "$status"
