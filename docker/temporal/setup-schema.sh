#!/bin/sh
# Makes or upgrades the tables of Temporal's two stores. Run again, it finds nothing to do.
set -eu
SQL_PASSWORD="$(cat /run/secrets/temporal_database_password)"
export SQL_PASSWORD

schema() {
  temporal-sql-tool --plugin mysql8 --ep "$DATABASE_HOST" -p 3306 -u "$DATABASE_USER" --db "$1" setup-schema -v 0.0
  temporal-sql-tool --plugin mysql8 --ep "$DATABASE_HOST" -p 3306 -u "$DATABASE_USER" --db "$1" update-schema -d "/etc/temporal/schema/mysql/v8/$2/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
