#!/bin/sh
# Makes Docker forget the addresses of its bridge docker0, which it keeps in its own store and on the bridge, so that it
# takes some of its own choice again. Argument: the command that starts the daemon.
set -e

folder=/run/systemd/system/docker.service.d
forget() {
    rm -f "$folder/90-forget-bridge.conf"
    rmdir "$folder" 2>/dev/null || true
    systemctl daemon-reload
    systemctl reset-failed docker.service 2>/dev/null || true # sets the count of starts within a minute to zero
}
trap forget EXIT

# A daemon without a bridge deletes the stored one. The next start makes a new one.
mkdir -p "$folder"
printf '[Service]\nExecStart=\nExecStart=%s --bridge=none\n' "$1" > "$folder/90-forget-bridge.conf"
systemctl stop docker.service
systemctl daemon-reload
systemctl reset-failed docker.service 2>/dev/null || true
timeout 120 systemctl start docker.service
systemctl stop docker.service
forget
timeout 120 systemctl start docker.service
