#!/usr/bin/env bash
# Runs MariaDB and RabbitMQ with what Neutron has in them; prints "changed" if it had to do something.
#
# usage: run_controller.sh FOLDER RABBITMQ_NODE ADDRESS
set -euo pipefail

folder=$1
node=$2
address=$3
secret=$folder/rabbitmq_password

queue() { rabbitmqctl --quiet --node "$node" "$@"; }

# Whether the running RabbitMQ was started for this address.
serves() {
    local pid
    pid=$(systemctl show --property MainPID --value rabbitmq-server.service)
    [ "${pid:-0}" != 0 ] && tr '\0' '\n' < "/proc/$pid/environ" | grep -qxF "RABBITMQ_NODE_IP_ADDRESS=$address"
}

if [ ! -e "$secret" ]; then
    (umask 077 && od -An -tx1 -N24 /dev/urandom | tr -d ' \n' > "$secret.new")
    mv "$secret.new" "$secret"
    echo changed
fi
for unit in mariadb.service rabbitmq-server.service; do
    systemctl is-enabled --quiet "$unit" || systemctl enable --quiet "$unit"
done
systemctl is-active --quiet mariadb.service || systemctl start mariadb.service
# As the user neutron of the system, without a password.
mariadb <<'END'
CREATE DATABASE IF NOT EXISTS neutron CHARACTER SET utf8mb3;
CREATE USER IF NOT EXISTS neutron@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON neutron.* TO neutron@localhost;
END
if ! serves; then
    systemctl daemon-reload
    systemctl restart rabbitmq-server.service
    echo changed
fi
queue await_startup
if ! queue list_users --no-table-headers | cut -f1 | grep -qx neutron; then
    queue add_user neutron < "$secret"
    queue set_permissions neutron '.*' '.*' '.*'
    queue delete_user guest 2>/dev/null || true # whose password all know
    echo changed
fi
