#!/usr/bin/env bash
# Builds the image of a lab host from Debian packages, and imports it into the machine's Docker; prints "built".
# An image that exists is left alone.
#
# usage: build_host_image.sh SUITE IMAGE [MIRROR]
#
# This file is the whole recipe: the image's tag holds a hash of it, so that an image is reused
# until something in here changes.
set -euo pipefail

suite=$1
image=$2
mirror=${3:-}

if docker image inspect "$image" >/dev/null 2>&1; then
    exit 0
fi

packages=(
    systemd-sysv dbus                                                       # a host with services, not just a process
    python3                                                                 # what Ansible needs
    python3-aiohttp dnsmasq-base                                            # what the network driver needs
    docker.io iptables ipset                                                # the workloads' engine
    etcd-server etcd-client bird2                                           # the daemons that some networks use
    iproute2 iputils-ping traceroute tcpdump iperf3 procps kmod             # to look at networks and to measure them
    busybox-static                                                          # the workloads' image is made of it
)
# The Docker client is a package of its own from Debian 13 on.
[ "$suite" = bookworm ] || packages+=(docker-cli)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/customize" <<'HOOK'
#!/bin/sh
set -eu
root=$1
# Roles configure and enable these on the hosts that need them.
chroot "$root" systemctl --quiet disable etcd.service bird.service
chroot "$root" systemctl --quiet enable docker.service
# Timers and services that a lab host has no use for, and that would only cost start-up time.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer motd-news.timer \
    console-getty.service getty.target systemd-logind.service systemd-networkd.service systemd-resolved.service \
    systemd-timesyncd.service iperf3.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# An empty file, and not a missing one: systemd would take that for the first boot and enable every service.
: > "$root/etc/machine-id"
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
rm -rf "$root/var/lib/apt/lists" "$root/var/cache/apt"
mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial"

# The first process: it makes the container look like a machine of its own, and becomes systemd.
cat > "$root/usr/local/sbin/lab-host-init" <<'INIT'
#!/bin/sh
set -eu
# systemd and the engine inside manage their own control groups. This must happen before systemd starts.
for mount in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts) /sys; do
    mount -o remount,bind,rw "$mount"
done
# Of the kernel's settings only those of the network are the host's own; the others belong to the machine.
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
mkdir -p /dev/net
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
exec /sbin/init
INIT
chmod 755 "$root/usr/local/sbin/lab-host-init"

# The host is online when the lab has plugged it in, as other machines are when their network cards are up:
# what is ordered after network-online.target, such as Docker, finds the underlay in place.
cat > "$root/usr/local/sbin/lab-wait-online" <<'WAIT'
#!/bin/sh
for interface in $LAB_INTERFACES; do
    until [ "$(cat "/sys/class/net/$interface/operstate" 2>/dev/null)" = up ]; do sleep 0.1; done
done
for route in $LAB_ROUTES; do
    until ip route show exact "$route" | grep -q .; do sleep 0.1; done
done
WAIT
chmod 755 "$root/usr/local/sbin/lab-wait-online"
cat > "$root/etc/systemd/system/lab-wait-online.service" <<'UNIT'
[Unit]
Description=Wait for the lab's underlay
DefaultDependencies=no
Before=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
PassEnvironment=LAB_INTERFACES LAB_ROUTES
ExecStart=/usr/local/sbin/lab-wait-online
TimeoutStartSec=60

[Install]
WantedBy=network-online.target
UNIT
chroot "$root" systemctl --quiet enable lab-wait-online.service
HOOK
chmod 755 "$work/customize"

mmdebstrap --quiet --variant=minbase \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --aptopt='Acquire::Languages "none"' \
    --customize-hook="$work/customize" \
    "$suite" "$work/host.tar" ${mirror:+"$mirror"}

docker import --change 'CMD ["/usr/local/sbin/lab-host-init"]' "$work/host.tar" "$image" >/dev/null
echo built
