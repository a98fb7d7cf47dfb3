#!/usr/bin/env bash
# Waits until the lab hosts have booted: until systemd in each of them has started all that it starts at boot.
#
# usage: wait_for_hosts.sh SECONDS HOST...
set -uo pipefail

seconds=$1
shift
failed=0
for host; do
    # The first process opens its bus some moments after the container's start.
    state=$(timeout "$seconds" docker exec "$host" sh -c '
        until [ -S /run/dbus/system_bus_socket ]; do sleep 0.1; done
        exec systemctl is-system-running --wait' 2>&1)
    case $state in
        running) ;;
        degraded)
            echo "host '$host' has booted, but these of its services failed:"
            docker exec "$host" systemctl --failed --plain --no-legend
            ;;
        *)
            echo "host '$host' has not booted within $seconds s (${state:-no answer}):" \
                "see 'docker logs $host' and 'docker exec $host systemctl list-jobs'." >&2
            failed=1
            ;;
    esac
done
exit "$failed"
