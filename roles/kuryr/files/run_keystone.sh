#!/usr/bin/env bash
# Runs Keystone with the users of Neutron and of Kuryr, and tells its catalog where Neutron is. Passwords are made once, and
# stay in files that root alone reads; Neutron's server gets its own in one.
#
# usage: run_keystone.sh FOLDER ADDRESS NEUTRON_URL
set -euo pipefail

folder=$1
url=http://$2:5000
neutron=$3
seconds=90

secret() { # FILE
    [ -e "$1" ] || { (umask 077 && od -An -tx1 -w24 -N24 /dev/urandom | tr -d ' \n' > "$1.new") && mv "$1.new" "$1"; }
}
manage() {
    runuser -u keystone -- env OS_BOOTSTRAP_PASSWORD="${password:-}" keystone-manage --config-file "$folder/keystone.conf" "$@"
}

# As the user keystone of the system, without a password.
mariadb <<'END'
CREATE DATABASE IF NOT EXISTS keystone CHARACTER SET utf8mb3;
CREATE USER IF NOT EXISTS keystone@localhost IDENTIFIED VIA unix_socket;
GRANT ALL ON keystone.* TO keystone@localhost;
END
manage db_sync
for keys in fernet credential; do
    [ -d "$folder/$keys-keys" ] || install -d -m 700 -o keystone -g keystone "$folder/$keys-keys"
    manage "${keys}_setup" --keystone-user keystone --keystone-group keystone
done
# Each of them binds ports to hosts or asks whose token it has been shown, for which Keystone wants the role admin.
for user in neutron kuryr; do
    secret "$folder/keystone_${user}_password"
    password=$(<"$folder/keystone_${user}_password") manage bootstrap --bootstrap-username "$user" \
        --bootstrap-project-name service --bootstrap-region-id RegionOne \
        --bootstrap-admin-url "$url/v3/" --bootstrap-internal-url "$url/v3/" --bootstrap-public-url "$url/v3/"
done
(umask 077 && cat > "$folder/keystone_authtoken.conf.new" <<END
[keystone_authtoken]
www_authenticate_uri = $url
auth_url = $url
auth_type = password
username = neutron
password = $(<"$folder/keystone_neutron_password")
project_name = service
user_domain_name = Default
project_domain_name = Default
service_token_roles_required = true
END
)
chgrp neutron "$folder/keystone_authtoken.conf.new"
chmod 640 "$folder/keystone_authtoken.conf.new"
mv "$folder/keystone_authtoken.conf.new" "$folder/keystone_authtoken.conf"

systemctl daemon-reload
systemctl enable --quiet keystone.service
systemctl restart keystone.service
deadline=$((SECONDS + seconds))
until curl --silent --fail --max-time 5 --output /dev/null "$url/v3"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "Keystone at $url does not answer after $seconds s: see 'journalctl -u keystone.service' on $(hostname)." >&2
        exit 1
    fi
    sleep 0.3
done

# Kuryr finds Neutron by the catalog only.
python3 - "$url/v3" "$neutron" "$folder/keystone_kuryr_password" <<'END'
import json, sys, urllib.request
from pathlib import Path

url, neutron, secret = sys.argv[1:]


def ask(method, path, body=None, token=""):
    headers = {"Content-Type": "application/json", "X-Auth-Token": token}
    request = urllib.request.Request(f"{url}/{path}", json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read()), answer.headers


domain = {"name": "Default"}
user = {"name": "kuryr", "domain": domain, "password": Path(secret).read_text()}
identity = {"methods": ["password"], "password": {"user": user}}
scope = {"project": {"name": "service", "domain": domain}}
token = ask("POST", "auth/tokens", {"auth": {"identity": identity, "scope": scope}})[1]["X-Subject-Token"]
services = ask("GET", "services?type=network", token=token)[0]["services"]
service = services[0] if services else ask(
    "POST", "services", {"service": {"type": "network", "name": "neutron"}}, token
)[0]["service"]
there = {
    one["interface"]: one
    for one in ask("GET", f"endpoints?service_id={service['id']}", token=token)[0]["endpoints"]
}
for interface in ("public", "internal", "admin"):
    endpoint = {"interface": interface, "service_id": service["id"], "url": neutron, "region_id": "RegionOne"}
    if interface not in there:
        ask("POST", "endpoints", {"endpoint": endpoint}, token)
    elif there[interface]["url"] != neutron:
        ask("PATCH", f"endpoints/{there[interface]['id']}", {"endpoint": endpoint}, token)
END
