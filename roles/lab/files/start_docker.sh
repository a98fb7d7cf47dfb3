#!/usr/bin/env bash
# Makes sure that this machine's Docker Engine answers; prints "started" when it had to be started.
#
# usage: start_docker.sh USER
#
# USER, as the name of a lab, keeps the engine from being stopped until stop_docker.sh is called with the same name: also
# while it builds an image, and no container runs.
#
# Where systemd runs, it starts its service. Elsewhere the engine runs in the background, without a network of its
# own: the lab's veth pairs are not Docker's, so the machine's interfaces, routes and firewall stay as they are.
set -euo pipefail

export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
log=/var/log/container-network-lab-dockerd.log
record=/run/container-network-lab-dockerd.pid
users=/run/container-network-lab-dockerd.users
mkdir -p "$users"
exec 9>"$users.lock"
flock 9 # an engine that is just being stopped is started again
touch "$users/$1"

answers() { docker version >/dev/null 2>&1; }

if answers; then
    exit 0
fi
if [ -d /run/systemd/system ]; then
    systemctl start docker.service
else
    ulimit -n "$(ulimit -Hn)"
    setsid dockerd --bridge=none --iptables=false --ip-forward=false --ip-masq=false </dev/null >>"$log" 2>&1 9>&- &
    echo $! > "$record"
    deadline=$((SECONDS + 60))
    until answers; do
        if ! kill -0 "$(<"$record")" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            echo "dockerd does not answer on $DOCKER_HOST. The end of its log, $log:" >&2
            tail -n 15 "$log" >&2
            exit 1
        fi
        sleep 0.1
    done
fi
answers || { echo "Docker runs, and does not answer on $DOCKER_HOST: see 'docker version'." >&2; exit 1; }
echo started
