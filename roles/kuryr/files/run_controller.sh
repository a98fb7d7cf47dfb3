#!/usr/bin/env bash
# Runs MariaDB and RabbitMQ with what Neutron has in them; prints "changed" if it had to do something.
#
# usage: run_controller.sh FOLDER ADDRESS
set -euo pipefail

folder=$1
address=$2
secret=$folder/rabbitmq_password
definitions=$folder/rabbitmq_definitions.json

# Whether the running RabbitMQ was started for this address.
serves() {
    local pid
    pid=$(systemctl show --property MainPID --value rabbitmq-server.service)
    [ "${pid:-0}" != 0 ] && tr '\0' '\n' < "/proc/$pid/environ" | grep -qxF "RABBITMQ_NODE_IP_ADDRESS=$address"
}

if [ ! -e "$secret" ]; then
    (umask 077 && od -An -tx1 -w24 -N24 /dev/urandom | tr -d ' \n' > "$secret.new")
    mv "$secret.new" "$secret"
    rm -f "$definitions"
    echo changed
fi
# RabbitMQ takes these at its start, so that it never has the user guest, whose password all know. A password's hash is that
# of a salt of four bytes and the password, behind the salt: https://www.rabbitmq.com/docs/passwords
if [ ! -e "$definitions" ]; then
    (umask 077 && python3 - "$secret" > "$definitions.new" <<'END'
import base64, hashlib, json, os, sys
salt, password = os.urandom(4), open(sys.argv[1], "rb").read()
user = {
    "name": "neutron",
    "password_hash": base64.b64encode(salt + hashlib.sha256(salt + password).digest()).decode(),
    "hashing_algorithm": "rabbit_password_hashing_sha256",
    "tags": [],
}
access = {"user": "neutron", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
print(json.dumps({"vhosts": [{"name": "/"}], "users": [user], "permissions": [access]}))
END
    )
    chgrp rabbitmq "$definitions.new"
    chmod 640 "$definitions.new"
    systemctl stop rabbitmq-server.service # which has others, if it runs
    mv "$definitions.new" "$definitions"
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
# Whether RabbitMQ's port mapper listens where RabbitMQ asks it, and nowhere else.
mapped() {
    [ "$(ss --no-header --listening --tcp --numeric 'sport = 4369' | awk '{print $4}')" = 127.0.0.1:4369 ]
}

if ! serves || ! mapped; then
    systemctl daemon-reload
    systemctl stop rabbitmq-server.service epmd.service epmd.socket
    systemctl start epmd.socket
    systemctl restart rabbitmq-server.service
    echo changed
fi
