#!/usr/bin/env bash
# Stops the lab's EC2 API, if it has one; prints "stopped" when it did.
#
# usage: stop_vpc.sh LAB
set -euo pipefail

lab=$1
folder=/run/container-network-lab-vpc-$lab
[ -e "$folder" ] || exit 0
# shellcheck source=roles/lab/files/vpc_process.sh
. "$(dirname "$(readlink -f "$0")")/vpc_process.sh"
stop
echo stopped
