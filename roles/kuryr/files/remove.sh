#!/usr/bin/env bash
# Stops Kuryr, Neutron and what they need on this host, and removes what they made; what is not there is passed over.
#
# usage: remove.sh FOLDER LIBRARY RABBITMQ_NODE RUNNING
set -euo pipefail

folder=$1
library=$2
node=$3
running=$4
units=/etc/systemd/system

stop() {
    for unit; do
        systemctl disable --quiet --now "$unit" 2>/dev/null || true
        systemctl reset-failed "$unit" 2>/dev/null || true
    done
}

stop kuryr-libnetwork.service neutron-openvswitch-agent.service neutron-server.service

mapper=
# Neutron's data is on the host that has its server.
if [ -e "$units/neutron-server.service" ]; then
    if systemctl is-active --quiet mariadb.service; then
        mariadb --execute 'DROP DATABASE IF EXISTS neutron; DROP USER IF EXISTS neutron@localhost'
    fi
    stop mariadb.service rabbitmq-server.service epmd.service
    systemctl stop epmd.socket 2>/dev/null || true
    mapper=$(systemctl is-enabled epmd.socket 2>/dev/null || true)
    rm -rf "/var/lib/rabbitmq/mnesia/$node" "/var/lib/rabbitmq/mnesia/$node"-*
fi

# The agent's chains and sets; jumps to them go first.
for command in iptables ip6tables; do
    for table in raw mangle nat filter; do
        rules=$("$command" -w -t "$table" -S 2>/dev/null || true)
        sed -n '/neutron-/ s/^-A /-D /p' <<< "$rules" | xargs -r -L1 "$command" -w -t "$table"
        sed -n 's/^-N \(neutron-.*\)/\1/p' <<< "$rules" | xargs -r -n1 "$command" -w -t "$table" -X
    done
done
ipset list -name 2>/dev/null | grep -E '^NIPv[46]' | xargs -r -n1 ipset destroy || true

if systemctl is-active --quiet openvswitch-switch.service; then
    for bridge in br-int br-tun; do ovs-vsctl --if-exists del-br "$bridge"; done
    # Where the agent waits for Open vSwitch's answers.
    [ "$(ovs-vsctl get-manager)" != ptcp:6640:127.0.0.1 ] || ovs-vsctl del-manager
fi
[ ! -e "$units/container-network-underlay-bridge.service" ] || stop container-network-underlay-bridge.service
if [ -e "$folder/openvswitch_enabled" ]; then
    stop openvswitch-switch.service ovs-vswitchd.service ovsdb-server.service
    rm -f /etc/openvswitch/conf.db /etc/openvswitch/.conf.db.~lock~
fi

rm -rf "$library" "$running" /etc/docker/plugins/kuryr.spec \
    "$units"/{neutron-server,neutron-openvswitch-agent,kuryr-libnetwork,container-network-underlay-bridge}.service \
    "$units"/{rabbitmq-server.service,epmd.socket}.d/zz-container-network-kuryr.conf
rmdir --ignore-fail-on-non-empty /etc/docker/plugins "$units"/{rabbitmq-server.service,epmd.socket}.d "${running%/*}" 2>/dev/null || true
systemctl daemon-reload
[ "$mapper" != enabled ] || systemctl start epmd.socket # as the package has it
# Last: what is in there tells an interrupted removal what is left to do.
rm -rf "$folder"
