"""The configuration of a test ZoneMinder (tests/parts/zoneminder.py): Apache, zm.conf, database rows."""

from typing import Final

APACHE: Final = """\
ServerRoot /usr/lib/apache2
ServerName {loopback}
Listen {loopback}:{port}
User www-data
Group www-data
PidFile /run/apache2.pid
DefaultRuntimeDir /run
ErrorLog /mnt/log/web.log
LoadModule mpm_prefork_module modules/mod_mpm_prefork.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule alias_module modules/mod_alias.so
LoadModule dir_module modules/mod_dir.so
LoadModule mime_module modules/mod_mime.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule headers_module modules/mod_headers.so
LoadModule expires_module modules/mod_expires.so
LoadModule php_module modules/libphp8.2.so
TypesConfig /etc/mime.types
AddType application/x-httpd-php .php
php_value date.timezone UTC
DocumentRoot /usr/share/zoneminder/www
Alias /zm /usr/share/zoneminder/www
<Directory /usr/share/zoneminder/www>
    Options FollowSymLinks
    DirectoryIndex index.php
    Require all granted
</Directory>
# Debian's package has no .htaccess files: without these rules every URL of the API is "not found".
<Directory /usr/share/zoneminder/www/api>
    RewriteEngine on
    RewriteBase /zm/api
    RewriteRule ^$ app/webroot/ [L]
    RewriteRule (.*) app/webroot/$1 [L]
</Directory>
<Directory /usr/share/zoneminder/www/api/app>
    RewriteEngine on
    RewriteBase /zm/api
    RewriteRule ^$ webroot/ [L]
    RewriteRule (.*) webroot/$1 [L]
</Directory>
<Directory /usr/share/zoneminder/www/api/app/webroot>
    RewriteEngine on
    RewriteBase /zm/api
    RewriteCond %{{REQUEST_FILENAME}} !-d
    RewriteCond %{{REQUEST_FILENAME}} !-f
    RewriteRule ^ index.php [L]
</Directory>
"""

SITE_CONF: Final = "ZM_DB_HOST=localhost:/run/db.sock\nZM_PATH_FFMPEG=/usr/bin/ffmpeg\n"

SITE_SQL: Final = """\
CREATE USER zmuser@localhost IDENTIFIED BY 'zmpass';
GRANT ALL ON zm.* TO zmuser@localhost;
UPDATE Config SET Value = 1 WHERE Name IN ('ZM_OPT_USE_AUTH', 'ZM_OPT_USE_API', 'ZM_OPT_CONTROL');
UPDATE Config SET Value = 'tests' WHERE Name = 'ZM_AUTH_HASH_SECRET';
UPDATE Config SET Value = 'hashed' WHERE Name = 'ZM_AUTH_RELAY';
UPDATE Config SET Value = 0
    WHERE Name IN ('ZM_CHECK_FOR_UPDATES', 'ZM_TELEMETRY_DATA', 'ZM_SHOW_PRIVACY');
UPDATE Users SET APIEnabled = 1;
"""

MONITOR_SQL: Final = """\
INSERT INTO Monitors (Name, Type, `Function`, Path, Width, Height, Colours, PreEventCount, PostEventCount,
                      MinSectionLength, Controllable, ControlId, ControlAddress, Sequence)
    VALUES ('{name}', 'Ffmpeg', 'Nodect', '{url}', {width}, {height}, 4, 3, 5,
            1, {ptz}, (SELECT Id FROM Controls WHERE Protocol = 'AxisV2'), '{address}', {sequence});
"""
