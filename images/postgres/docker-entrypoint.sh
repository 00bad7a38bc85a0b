#!/usr/bin/env bash
# The first start initialises PGDATA with a temporary server that listens on its unix socket only, runs what lies in
# /docker-entrypoint-initdb.d, stops that server cleanly, and then becomes the real one. Later starts just become it.
set -Eeuo pipefail

# NAME, or the content of the file that NAME_FILE names (for secrets); else the default.
setting() {
  local name=$1 file=${1}_FILE
  if [[ -n ${!name:-} && -n ${!file:-} ]]; then
    echo "error: both $name and $file are set" >&2
    exit 1
  fi
  if [[ -n ${!file:-} ]]; then
    export "$name=$(<"${!file}")"
  else
    export "$name=${!name:-${2:-}}"
  fi
  unset "$file"
}

require_password() {
  [[ -n $POSTGRES_PASSWORD || ${POSTGRES_HOST_AUTH_METHOD:-} == trust ]] && return
  cat >&2 <<-'TEXT'
	Error: Database is uninitialized and superuser password is not specified.
	       Set POSTGRES_PASSWORD to a non-empty value, or POSTGRES_HOST_AUTH_METHOD=trust to allow every connection without one.
	TEXT
  exit 1
}

initialise_cluster() {
  local password_file
  password_file=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file"
  local arguments=(--username="$POSTGRES_USER" --pwfile="$password_file" --encoding=UTF8 --locale="${LANG:-C.UTF-8}")
  [[ -n $POSTGRES_PASSWORD ]] || arguments=(--username="$POSTGRES_USER" --encoding=UTF8 --locale="${LANG:-C.UTF-8}")
  # POSTGRES_INITDB_ARGS is a list of words by contract.
  # shellcheck disable=SC2086
  initdb "${arguments[@]}" ${POSTGRES_INITDB_ARGS:-} ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"}
  rm -f "$password_file"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
}

sql() {
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --no-password "$@"
}

create_database() {
  [[ $POSTGRES_DB == postgres ]] && return
  sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
}

run_initialisation_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
    *.sh)
      echo "$0: running $file"
      if [[ -x $file ]]; then
        "$file"
      else
        # shellcheck disable=SC1090
        . "$file"
      fi
      ;;
    *.sql)
      echo "$0: running $file"
      sql --dbname "$POSTGRES_DB" -f "$file"
      ;;
    *.sql.gz)
      echo "$0: running $file"
      gunzip -c "$file" | sql --dbname "$POSTGRES_DB"
      ;;
    *.sql.xz)
      echo "$0: running $file"
      xzcat "$file" | sql --dbname "$POSTGRES_DB"
      ;;
    /docker-entrypoint-initdb.d/\*) ;;
    *) echo "$0: ignoring $file" ;;
    esac
  done
}

first_start() {
  require_password
  initialise_cluster
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  export PGPASSWORD=$POSTGRES_PASSWORD
  create_database
  run_initialisation_files
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
  echo
  echo 'PostgreSQL init process complete; ready for start up.'
  echo
}

[[ ${1:-} == -* ]] && set -- postgres "$@"
[[ ${1:-} == postgres ]] || exec "$@"

if [[ $(id -u) == 0 ]]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chmod 0700 "$PGDATA"
  find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
  find /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
  exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/var/lib/postgresql "$0" "$@"
fi

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  setting POSTGRES_PASSWORD
  setting POSTGRES_USER postgres
  setting POSTGRES_DB "$POSTGRES_USER"
  first_start
fi
exec "$@"
