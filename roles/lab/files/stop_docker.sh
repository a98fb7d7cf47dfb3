#!/usr/bin/env bash
# Stops the Docker Engine that start_docker.sh left in the background, unless somebody else has started to use it or a
# container still runs on it; prints "stopped" when it did. An engine that was not started by a lab is not touched.
#
# usage: stop_docker.sh USER
set -euo pipefail

record=/run/container-network-lab-dockerd.pid
users=/run/container-network-lab-dockerd.users
mkdir -p "$users"
exec 9>"$users.lock"
flock 9
rm -f "$users/$1"
[ -e "$record" ] || exit 0
pid=$(<"$record")

# A process that has ended stays a zombie where the first process of the machine does not collect it.
runs() { [ "$(sed -n 's/^Name:\t//p' "/proc/$pid/status" 2>/dev/null)" = dockerd ] && ! grep -q '^State:.Z' "/proc/$pid/status"; }

if ! runs; then
    rm -f "$record"
    exit 0
fi
[ -z "$(ls "$users")$(docker ps --quiet)" ] || exit 0
kill "$pid"
deadline=$((SECONDS + 30))
while runs; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "dockerd (process $pid) has not stopped within 30 s." >&2
        exit 1
    fi
    sleep 0.1
done
rm -f "$record"
echo stopped
