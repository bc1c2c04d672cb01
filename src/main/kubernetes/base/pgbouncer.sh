# Starts PgBouncer, on Kubernetes and in docker-compose.yml, with what the variables of its image cannot say.
set -eu

# The image writes the password between quotes, and in that file a quote is doubled.
DB_PASSWORD=$(printf '%s' "$DB_PASSWORD" | sed 's/"/""/g')

# Behind the dbname in pgbouncer.env: the last one counts.
DB_PORT="$DB_PORT dbname=${OMS_DB_NAME:-oms}"

exec /entrypoint.sh /usr/bin/pgbouncer /etc/pgbouncer/pgbouncer.ini
