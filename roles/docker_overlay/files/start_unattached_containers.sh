#!/bin/sh
# Starts containers that Docker could not attach to their overlay when it started, until all of them run.
#
# After a loss of power the swarm still holds the addresses that the host's containers had. Docker tries each container
# once, waits for twenty seconds and gives up, whatever the restart policy says; a minute later it would succeed.
# Containers that were stopped by hand have no error, and stay stopped.
set -eu

restarted='or (eq .HostConfig.RestartPolicy.Name "always") (eq .HostConfig.RestartPolicy.Name "unless-stopped")'

unattached() {
    docker ps --all --quiet --filter status=exited |
        xargs --no-run-if-empty docker inspect --format "{{if $restarted}}{{.Id}} {{.State.Error}}{{end}}" |
        awk '/attaching to network failed|network [a-z0-9]+ not found/ { print $1 }'
}

for _attempt in $(seq 60); do
    containers=$(unattached)
    [ -n "$containers" ] || exit 0
    # shellcheck disable=SC2086 # one word each
    docker start $containers || sleep 1
done
exit 1
