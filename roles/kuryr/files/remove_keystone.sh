#!/usr/bin/env bash
# Stops Keystone, and removes its data and passwords; does nothing where this collection has not made it.
#
# usage: remove_keystone.sh FOLDER
set -euo pipefail

folder=$1
unit=/etc/systemd/system/keystone.service

[ -e "$unit" ] || exit 0
systemctl disable --quiet --now keystone.service 2>/dev/null || true
systemctl reset-failed keystone.service 2>/dev/null || true
if systemctl is-active --quiet mariadb.service; then
    mariadb --execute 'DROP DATABASE IF EXISTS keystone; DROP USER IF EXISTS keystone@localhost'
fi
rm -rf "$folder"/{fernet-keys,credential-keys,keystone.conf,keystone-uwsgi.ini,keystone_authtoken.conf} "$folder"/keystone_*_password
rm -f "$unit"
systemctl daemon-reload
