#!/usr/bin/env bash
# Starts Open vSwitch, Neutron's agent and Kuryr with their configuration, and waits until they do their work.
#
# usage: run_host.sh FOLDER LIBRARY UNIT...
#
# LIBRARY is where the command neutron-get is. UNITs are those that do not run with their configuration; of the bridge of the
# underlay, only where there is one.
set -euo pipefail

folder=$1
library=$2
units=("${@:3}")
agent=neutron-openvswitch-agent
seconds=600 # an emulated machine takes some minutes

# What Neutron knows of the agent's start; nothing where it cannot be asked, as on a host that is new.
heard() {
    "$library/neutron-get" "agents?host=$(hostname)&binary=$agent&fields=started_at" 2>/dev/null || true
}

systemctl daemon-reload
# What a removal has to stop again is remembered.
if ! systemctl is-enabled --quiet openvswitch-switch.service; then
    touch "$folder/openvswitch_enabled"
    systemctl enable --quiet openvswitch-switch.service
fi
systemctl is-active --quiet openvswitch-switch.service || systemctl start openvswitch-switch.service
known=
case " ${units[*]} " in *" $agent.service "*) known=$(heard) ;; esac
for unit in "${units[@]}"; do
    systemctl enable --quiet "$unit"
    systemctl restart "$unit"
done

# Kuryr has started when it answers. The agent makes its bridges some seconds after its start. After a restart they are there
# already, and Neutron takes the one before for alive for 75 seconds, and then binds no port: the new one has to be heard of.
works() {
    local new
    ovs-vsctl br-exists br-tun || return
    [ -n "$known" ] || return 0
    new=$(heard)
    [ -n "$new" ] && [ "$new" != "$known" ]
}
deadline=$((SECONDS + seconds))
until works; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "Neutron's agent on $(hostname) does not work after $seconds s: see" \
            "'journalctl -u $agent.service' there." >&2
        exit 1
    fi
    sleep 0.3
done
