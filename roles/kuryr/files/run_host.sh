#!/usr/bin/env bash
# Starts Open vSwitch, Neutron's agent and Kuryr with their configuration, and waits until they do their work.
#
# usage: run_host.sh FOLDER UNIT...
#
# UNITs are those that do not run with their configuration; of the bridge of the underlay, only where there is one.
set -euo pipefail

folder=$1
units=("${@:2}")
seconds=90

systemctl daemon-reload
# What a removal has to stop again is remembered.
if ! systemctl is-enabled --quiet openvswitch-switch.service; then
    touch "$folder/openvswitch_enabled"
    systemctl enable --quiet openvswitch-switch.service
fi
systemctl is-active --quiet openvswitch-switch.service || systemctl start openvswitch-switch.service
for unit in "${units[@]}"; do
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
done

# Kuryr has started when it answers. The agent makes its bridges some seconds after its start.
deadline=$((SECONDS + seconds))
until ovs-vsctl br-exists br-tun; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "Neutron's agent on $(hostname) does not work after $seconds s: see" \
            "'journalctl -u neutron-openvswitch-agent.service' there." >&2
        exit 1
    fi
    sleep 0.3
done
