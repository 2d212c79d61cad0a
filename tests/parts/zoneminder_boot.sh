#!/bin/sh
# Starts ZoneMinder inside a private mount and process namespace (tests/parts/zoneminder.py, by unshare).
#
#   zoneminder_boot.sh mount TREE SESSION   as process 1 of the namespace, outside the tree: mounts, then itself
#   zoneminder_boot.sh run                  inside the tree: database, web server, daemons; then waits for ever
#
# The tree is mounted read-only; everything written goes to SESSION/data (seen as /mnt) or to memory. When
# process 1 ends, the kernel ends every process of the namespace and drops its mounts.
set -eu

mount_all() {
    tree=$1 session=$2 root=$2/root
    mount --bind "$tree" "$root"
    mount -o remount,ro,bind "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero full random urandom; do
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    mkdir "$root/dev/shm"
    for memory in dev/shm run tmp var/lib/php/sessions; do
        mount -t tmpfs -o mode=1777 tmpfs "$root/$memory"
    done
    mount --bind "$session/data" "$root/mnt"
    mount --bind "$session/data/etc-zm" "$root/etc/zm"
    mount --bind "$session/data/log" "$root/var/log"
    mount --bind "$session/data/cache" "$root/var/cache/zoneminder"
    exec chroot "$root" /bin/sh /mnt/boot.sh run
}

as_user() {
    user=$1
    shift
    setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
}

start_database() {
    install -d -o mysql -g mysql /mnt/mysql
    # Run as root it would change owners in the tree.
    as_user mysql mariadb-install-db --no-defaults --datadir=/mnt/mysql --skip-test-db --skip-name-resolve \
        --auth-root-authentication-method=normal >/mnt/log/install-db.log 2>&1
    as_user mysql mariadbd --no-defaults --datadir=/mnt/mysql --socket=/run/db.sock --skip-networking \
        --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=0 >/mnt/log/mariadb.log 2>&1 &
    for _ in $(seq 200); do
        [ -S /run/db.sock ] && break
        sleep 0.05
    done
    mariadb --no-defaults --socket=/run/db.sock </usr/share/zoneminder/db/zm_create.sql
    mariadb --no-defaults --socket=/run/db.sock zm </mnt/site.sql
}

start_daemons() {
    install -d -o www-data -g www-data /run/zm /tmp/zm
    as_user www-data zmpkg.pl start
}

run_all() {
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
    install -d -o www-data -g www-data /var/log/zm
    chgrp -R www-data /etc/zm
    chown -R www-data:www-data /var/cache/zoneminder
    echo "database ..."
    start_database
    echo "web server ..."
    apache2 -f /mnt/apache2.conf
    echo "daemons ..."
    start_daemons
    touch /mnt/ready
    # Process 1 must collect the daemons' children, and must not end.
    while :; do wait || true; sleep 1; done
}

case $1 in
mount) mount_all "$2" "$3" ;;
run) run_all ;;
esac
