# The process of a lab's EC2 API, whose number is in $folder/pid: for start_vpc.sh and stop_vpc.sh, which set $folder and $lab.
# shellcheck shell=bash disable=SC2154

# A process of this kind, in the router that is there now; a lab that was made anew has another one.
runs() {
    local pid
    pid=$(cat "$folder/pid" 2>/dev/null) || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "module_utils.lab.vpc $folder" || return 1
    # While another lab comes up, both are not alike for a moment now and then, as ip netns identify says, too.
    local deadline=$((SECONDS + 3))
    until [ "/proc/$pid/ns/net" -ef "/run/netns/underlay-$lab" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

stop() {
    local pid
    if pid=$(cat "$folder/pid" 2>/dev/null) && grep -qF module_utils.lab.vpc "/proc/$pid/cmdline" 2>/dev/null; then
        kill "$pid"
        local deadline=$((SECONDS + 20))
        while grep -qF module_utils.lab.vpc "/proc/$pid/cmdline" 2>/dev/null; do
            if [ "$SECONDS" -ge "$deadline" ]; then
                echo "The lab's EC2 API (process $pid) has not stopped within 20 s." >&2
                exit 1
            fi
            sleep 0.1
        done
    fi
    rm -rf "$folder"
}
