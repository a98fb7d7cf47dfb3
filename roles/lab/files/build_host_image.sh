#!/usr/bin/env bash
# Builds the image of a lab host from Debian packages, and imports it into the machine's Docker; prints "built".
# An image that exists is left alone.
#
# usage: build_host_image.sh SUITE ENGINE_SUITE IMAGE [MIRROR [PACKAGES [PYTHON FOLDER...]]]
#
# ENGINE_SUITE is the Debian release that Docker's packages come from, PACKAGES are further ones, separated by commas; PYTHON
# and each FOLDER are as root_filesystem.sh has them.
# This file and root_filesystem.sh are the whole recipe: the image's tag holds a hash of them, so that an image is reused
# until something in them changes.
set -euo pipefail

suite=$1
engine_suite=$2
image=$3
mirror=${4:-}
packages=${5:-}
python=${6:-python3}
folders=("${@:7}")

# Of several labs that come up at once one builds it, and the others wait.
exec 9>"/run/container-network-lab-image-${image##*[:/]}.lock"
flock 9

if docker image inspect "$image" >/dev/null 2>&1; then
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/customize" <<'HOOK'
#!/bin/sh
set -eu
root=$1
# The lab gives addresses and routes.
ln -sf /dev/null "$root/etc/systemd/system/systemd-networkd.service"
# At each start and reload systemd runs programs that make units of disks, terminals and the kernel's command line, and so
# of the machine's. The one for services that are init scripts stays: a package may have no unit.
mkdir -p "$root/etc/systemd/system-generators"
for generator in "$root"/usr/lib/systemd/system-generators/systemd-*; do
    case $generator in *-sysv-generator) continue ;; esac
    ln -s /dev/null "$root/etc/systemd/system-generators/${generator##*/}"
done

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
# The machine's servers of names cannot be reached from the lab: a host that asked them would wait for each name.
: > /etc/resolv.conf
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

"$(dirname "$0")/root_filesystem.sh" "$suite" "$work/host.tar" "$work/customize" "$packages" "$mirror" "$engine_suite" \
    "$python" "${folders[@]}"
docker import --change 'CMD ["/usr/local/sbin/lab-host-init"]' "$work/host.tar" "$image" >/dev/null
echo built
