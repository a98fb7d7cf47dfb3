#!/usr/bin/env bash
# Makes sure that the lab's EC2 API and the router that follows it run as described; prints "started" when they had to be
# started. What the API knew before is lost then: it keeps everything in memory.
#
# usage: start_vpc.sh LAB PYTHON PLUGINS <DESCRIPTION        PLUGINS is the folder that has module_utils
set -euo pipefail

lab=$1 python=$2 plugins=$3
here=$(dirname "$(readlink -f "$0")")
folder=/run/container-network-lab-vpc-$lab
log=/var/log/container-network-lab-vpc-$lab.log
wanted=$(cat)
# shellcheck source=roles/lab/files/vpc_process.sh
. "$here/vpc_process.sh"

if runs && [ -e "$folder/ready" ] && [ "$wanted" = "$(cat "$folder/description.json")" ]; then
    exit 0
fi
stop
mkdir -m 700 "$folder"
printf '%s\n' "$wanted" >"$folder/description.json"
PYTHONPATH=$plugins MOTO_EC2_LOAD_DEFAULT_AMIS=false PYTHONDONTWRITEBYTECODE=1 \
    setsid ip netns exec "underlay-$lab" "$python" -m module_utils.lab.vpc "$folder" </dev/null >"$log" 2>&1 &
echo $! >"$folder/pid"
deadline=$((SECONDS + 60))
until [ -e "$folder/ready" ]; do
    if ! kill -0 "$(<"$folder/pid")" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
        echo "The lab's EC2 API does not start. The end of its log, $log:" >&2
        tail -n 15 "$log" >&2
        exit 1
    fi
    sleep 0.1
done
echo started
