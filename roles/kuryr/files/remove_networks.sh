#!/usr/bin/env bash
# Removes the Docker networks of Kuryr; prints their ids. Kuryr and Neutron have to answer, so what was stopped is started.
#
# usage: remove_networks.sh FOLDER
set -euo pipefail

folder=$1
seconds=90

networks=$(docker network ls --quiet --filter driver=kuryr)
[ -n "$networks" ] || exit 0
[ ! -e /etc/systemd/system/neutron-server.service ] || systemctl start neutron-server.service
neutron=$(sed -n 's/^endpoint = //p' "$folder/kuryr.conf")
deadline=$((SECONDS + seconds))
until curl --silent --fail --max-time 5 --output /dev/null "$neutron/v2.0/networks"; do
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
