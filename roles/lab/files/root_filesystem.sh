#!/usr/bin/env bash
# Makes the root filesystem of a lab host from Debian packages: what containers and virtual machines have in common.
#
# usage: root_filesystem.sh SUITE TARGET CUSTOMIZE PACKAGES [MIRROR [ENGINE_SUITE [PYTHON FOLDER...]]]
#
# TARGET is the archive or the folder to make, CUSTOMIZE a program that finishes it (its argument is the root folder),
# PACKAGES what is needed beyond the packages below, separated by commas, ENGINE_SUITE the release that Docker's packages
# come from (empty: SUITE). Each FOLDER is what the host has besides for one network: "packages" of Debian, "wheels.txt" for
# pip, which PYTHON has, and a program "customize" (its arguments are the root folder and that of the wheels).
set -euo pipefail

suite=$1
target=$2
customize=$3
packages_of_product=$4
mirror=${5:-}
engine_suite=${6:-$suite}
python=${7:-python3}
folders=("${@:8}")

packages=(
    systemd-sysv dbus                                                       # a host with services, not just a process
    python3                                                                 # what Ansible needs
    python3-pyroute2                                                        # what writes links: modules, network driver
    dnsmasq-base                                                            # what the network driver needs
    docker.io iptables ipset nftables                                       # the workloads' engine, and its packet filters
    etcd-server etcd-client bird2                                           # the daemons that some networks use
    iproute2 iputils-ping traceroute tcpdump iperf3 procps kmod             # to look at networks and to measure them
    busybox-static                                                          # the workloads' image is made of it
)
# The Docker client is a package of its own from Debian 13 on.
[ "$engine_suite" = bookworm ] || packages+=(docker-cli)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
common=$work/common
engine_source=$work/engine_source
lean=$work/lean
of_networks=$work/of_networks
# Of another release come the packages of Docker and nothing else: what they need besides must be in the host's own.
cat > "$engine_source" <<HOOK
#!/bin/sh
set -eu
# From where mmdebstrap takes the host's own packages.
list="\$1/etc/apt/sources.list.d/engine.list"
sed -n 's/^\(deb .*\) $suite main.*/\1 $engine_suite main/p' "\$1/etc/apt/sources.list" > "\$list"
if [ ! -s "\$list" ]; then
    echo "The Docker Engine of $engine_suite: mmdebstrap names no mirror of $suite. Set lab_debian_mirror." >&2
    exit 1
fi
cat > "\$1/etc/apt/preferences.d/engine" <<'PREFERENCES'
Package: *
Pin: release n=$engine_suite
Pin-Priority: -1

Package: docker.io docker-cli containerd runc tini-static
Pin: release n=$engine_suite
Pin-Priority: 1001
PREFERENCES
HOOK
# What most packages are installed without: pages of manuals, translations, tests. (As options of mmdebstrap, these would make
# it filter each of the first packages by a program of Python.) Each package with Python modules compiles its own, where it
# finds the program; two hundred such starts take longer than all the compiling, which is done at once at the end.
cat > "$lean" <<'HOOK'
#!/bin/sh
set -eu
root=$1
cat > "$root/etc/dpkg/dpkg.cfg.d/lean" <<'OPTIONS'
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/lib/python3/dist-packages/*/tests/*
OPTIONS
rm -rf "$root"/usr/share/man/* "$root"/usr/share/locale/*
find "$root/usr/share/doc" -type f ! -name copyright -delete
chroot "$root" dpkg-divert --quiet --local --rename --add /usr/bin/py3compile
HOOK
export compiled_modules
compiled_modules=$(realpath "$(dirname "$0")/compiled_modules.py")
cat > "$common" <<'HOOK'
#!/bin/sh
set -eu
root=$1
# Modules of Ansible are compiled once a host.
install --mode=644 "$compiled_modules" "$root/usr/lib/python3/dist-packages/compiled_modules.py"
echo 'import compiled_modules' > "$root/usr/lib/python3/dist-packages/compiled_modules.pth"
install --directory --mode=700 "$root/var/cache/compiled_modules"
chroot "$root" dpkg-divert --quiet --local --rename --remove /usr/bin/py3compile
chroot "$root" python3 -m compileall -q -j 0 /usr/lib/python3/dist-packages /usr/share/python3
# Roles configure and enable these on the hosts that need them.
chroot "$root" systemctl --quiet disable etcd.service bird.service
chroot "$root" systemctl --quiet enable docker.service
# Timers and services that a lab host has no use for, and that would only cost start-up time.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer motd-news.timer \
    console-getty.service getty.target systemd-logind.service systemd-resolved.service systemd-timesyncd.service \
    iperf3.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# An empty file, and not a missing one: systemd would take that for the first boot and enable every service.
: > "$root/etc/machine-id"
# All that a changed /usr asks for was done with its packages: systemd has nothing to do over again when the host first
# boots, nor a mark to leave afterwards (systemd-update-done.service(8)).
for folder in etc var; do touch --reference="$root/usr" "$root/$folder/.updated"; done
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root/etc/apt/sources.list.d/engine.list" "$root/etc/apt/preferences.d/engine"
rm -rf "$root/var/lib/apt/lists" "$root/var/cache/apt"
mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial"
HOOK
printf '#!/bin/sh\nset -eu\n' > "$of_networks"
for folder in "${folders[@]}"; do
    wheels=$(mktemp -d "$work/wheels.XXXX")
    "$python" -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" --requirement "$folder/wheels.txt"
    packages_of_product+=$(sed '/^#/d; s/^/,/' "$folder/packages" | tr -d '\n')
    printf '%q "$1" %q\n' "$folder/customize" "$wheels" >> "$of_networks"
done
chmod 755 "$common" "$engine_source" "$lean" "$of_networks"
other_engine=()
[ "$engine_suite" = "$suite" ] || other_engine=(--setup-hook="$engine_source")

# Whether lists of packages may be old, as those of a mirror that lags, is for this machine's apt to say.
valid_until=true
eval "$(apt-config shell valid_until Acquire::Check-Valid-Until/b)"

# Nothing waits for the disk meanwhile: a root filesystem that was not finished is made again from the start.
mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
    --include="$(IFS=,; echo "${packages[*]}")${packages_of_product:+,${packages_of_product#,}}" \
    --aptopt='Acquire::Languages "none"' --aptopt="Acquire::Check-Valid-Until \"$valid_until\"" \
    "${other_engine[@]}" --essential-hook="$lean" --customize-hook="$common" --customize-hook="$of_networks" \
    --customize-hook="$customize" \
    "$suite" "$target" ${mirror:+"$mirror"}
