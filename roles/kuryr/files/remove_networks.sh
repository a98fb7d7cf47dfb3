#!/usr/bin/env bash
# Removes the Docker networks of Kuryr; prints their ids. Kuryr and Neutron have to answer, so what was stopped is started.
# Then it stops Kuryr and the agent, or Neutron would hear of this host again.
#
# usage: remove_networks.sh FOLDER
set -euo pipefail

folder=$1
seconds=90

stop() {
    for unit in kuryr-libnetwork.service neutron-openvswitch-agent.service; do
        systemctl disable --quiet --now "$unit" 2>/dev/null || true
    done
}

networks=$(docker network ls --quiet --filter driver=kuryr)
if [ -z "$networks" ]; then
    stop
    exit 0
fi
[ ! -e /etc/systemd/system/neutron-server.service ] || systemctl start neutron-server.service
neutron=$(sed -n 's/^endpoint_override = //p' "$folder/kuryr.conf")
deadline=$((SECONDS + seconds))
until curl --silent --fail --max-time 5 --output /dev/null "$neutron/"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "Neutron at $neutron does not answer, and without it Docker cannot remove its networks on $(hostname): see" \
            "'journalctl -u neutron-server.service' on the controller." >&2
        exit 1
    fi
    sleep 0.3
done
systemctl start kuryr-libnetwork.service # which waits until it answers
for network in $networks; do
    docker network rm "$network"
done
stop
