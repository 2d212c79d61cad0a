#!/bin/sh
# Installs the programs that the tests run against, as root on Debian, and only what is missing.
# Called by `make test`. The PBXs and the VMS are trees of their own (trees.py).
set -eu

wanted="sip-tester baresip-core sox espeak-ng postgresql mmdebstrap iproute2 strace rtpengine-daemon rsyslog rsyslog-openssl"
no_cluster=/etc/postgresql-common/createcluster.d/sosbridge-tests.conf

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

install_packages() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

if ! command -v apt-get >/dev/null; then
    echo "not a Debian system: tests whose parts are missing will be skipped"
    exit 0
fi

missing=""
for package in $wanted; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing$missing ..."
if ! is_installed postgresql; then
    # The tests start a PostgreSQL of their own: installing the package must not leave one running.
    mkdir -p "$(dirname "$no_cluster")"
    echo "create_main_cluster = false" >"$no_cluster"
    trap 'rm -f "$no_cluster"' EXIT
fi
# The package lists of a fresh machine are empty or old: fetch them when the first try says so.
# shellcheck disable=SC2086  # a list of words
install_packages $missing 2>/dev/null || { apt-get update -qq && install_packages $missing; }
