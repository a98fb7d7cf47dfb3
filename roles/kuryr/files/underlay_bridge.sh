#!/usr/bin/env bash
# Puts the underlay card into the bridge br-phy of Open vSwitch in user space, with its addresses and routes, or takes it out.
# That Open vSwitch sends tunnelled packets by a bridge only that has the address which they come from.
#
# usage: underlay-bridge start|stop|status CARD
#
# "start" may be repeated: what has come back to the card, as after the lab plugged it in again, is taken over too.
set -euo pipefail

card=$2
bridge=br-phy
record=/run/container-network/underlay-bridge

# The frames of the card go to the bridge; the kernel must not answer them a second time.
filter() { # -A or -D
    for command in iptables ip6tables; do
        if "$command" -w -t raw -C PREROUTING -i "$card" -j DROP 2>/dev/null; then there=yes; else there=no; fi
        case $1$there in
            -Ano | -Dyes) "$command" -w -t raw "$1" PREROUTING -i "$card" -j DROP ;;
        esac
    done
}

addresses() { # DEVICE
    ip -o address show dev "$1" scope global | awk '{print $4}'
}

routes() { # VERSION DEVICE
    ip "-$1" route show dev "$2" | grep -v -e 'proto kernel' -e '^fe80' -e '^multicast' |
        sed -E 's/ (linkdown|dead|pref medium)//g; s/ expires [0-9]+sec//' || true
}

move() { # FROM TO
    local kept moved4 moved6 moved address version route
    moved4=$(routes 4 "$1")
    moved6=$(routes 6 "$1")
    kept=$(addresses "$1")
    ip address flush dev "$1" scope global
    for address in $kept; do
        case $address in
            *:*) ip address replace "$address" dev "$2" nodad ;;
            *) ip address replace "$address" broadcast + dev "$2" ;;
        esac
    done
    for version in 4 6; do
        if [ $version = 4 ]; then moved=$moved4; else moved=$moved6; fi
        while read -r route; do
            [ -z "$route" ] || ip "-$version" route replace $route dev "$2"
        done <<< "$moved"
    done
}

case $1 in
    start)
        mac=$(<"/sys/class/net/$card/address")
        mtu=$(<"/sys/class/net/$card/mtu")
        ovs-vsctl --may-exist add-br "$bridge" \
            -- set Bridge "$bridge" datapath_type=netdev "other-config:hwaddr=\"$mac\"" \
            -- --may-exist add-port "$bridge" "$card" \
            -- set Interface "$card" "mtu_request=$mtu" -- set Interface "$bridge" "mtu_request=$mtu"
        ip link set "$bridge" up
        filter -A
        mkdir -p "${record%/*}"
        echo "$card $bridge" > "$record"
        move "$card" "$bridge"
        ;;
    stop)
        [ ! -e "/sys/class/net/$bridge" ] || move "$bridge" "$card"
        filter -D
        ovs-vsctl --if-exists del-br "$bridge"
        rm -f "$record"
        rmdir --ignore-fail-on-non-empty "${record%/*}" 2>/dev/null || true
        ;;
    status)
        [ -e "/sys/class/net/$bridge" ] && [ -z "$(addresses "$card")" ]
        ;;
esac
