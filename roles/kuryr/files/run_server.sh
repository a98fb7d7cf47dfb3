#!/usr/bin/env bash
# Brings Neutron's tables up to date, and starts its server with its configuration.
#
# usage: run_server.sh FOLDER
set -euo pipefail

folder=$1

runuser -u neutron -- neutron-db-manage --config-file "$folder/neutron.conf" --config-file "$folder/ml2_conf.ini" \
    upgrade head >/dev/null
systemctl daemon-reload
systemctl enable --quiet neutron-server.service
systemctl restart neutron-server.service
