#!/bin/sh
# Makes Docker forget the addresses of its bridge docker0, which it keeps in its own store and on the bridge, so that it
# takes some of its own choice again.
set -e
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# A daemon without a bridge deletes the stored one. It runs for a moment on Docker's store of networks, but on no
# containers: those that it starts would stay without a network permanently.
root=$(docker info --format '{{.DockerRootDir}}')
work=$(mktemp -d /run/take-docker-back.XXXXXX)
daemon=
finish() {
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" || true
    fi
    systemctl reset-failed docker.service 2>/dev/null || true # sets the count of starts within a minute to zero
    timeout 120 systemctl start docker.service
    rm -rf "$work"
}

systemctl daemon-reload
trap finish EXIT
systemctl stop docker.service
mkdir "$work/data"
ln -s "$root/network" "$work/data/network"
echo '{}' > "$work/daemon.json"
dockerd --config-file "$work/daemon.json" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" \
    --host "unix://$work/socket" --containerd /run/containerd/containerd.sock --storage-driver vfs --bridge none \
    > "$work/log" 2>&1 &
daemon=$!
for _ in $(seq 300); do
    if docker --host "unix://$work/socket" version > /dev/null 2>&1; then
        exit 0
    fi
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.1
done
cat "$work/log" >&2
exit 1
