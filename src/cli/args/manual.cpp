#include "cli/args/manual.hpp"

namespace consort::cli {

namespace {

constexpr Example example_table[] = {
    {"", "consort up -d", "Start everything in compose.yaml, and return when it is running"},
    {"", "consort logs -f web", "Follow the output of the service web"},
    {"", "consort exec db psql -U postgres", "Open a database shell in the running service db"},
    {"", "consort down", "Stop and remove containers and networks; volumes are kept"},
    {"build", "consort build --no-cache web", "Build the image of web from scratch"},
    {"build", "consort build --explain", "Show for each step why it was or was not cached"},
    {"commit", "consort commit web team/web:fixed", "Save the changes in the container as an image"},
    {"config", "consort config -q", "Check the file; print nothing if it is valid"},
    {"config", "consort config --services", "List the services of the file"},
    {"config", "consort config --why services.web.image", "Show which file and line set this value"},
    {"cp", "consort cp ./dump.sql db:/tmp/", "Copy a file into a container"},
    {"cp", "consort cp web:/app/media - | tar tv", "Read a directory of a container as a tar archive"},
    {"down", "consort down -v", "Also delete the volumes: their data is lost"},
    {"down", "consort down --rmi local", "Also remove the images that were built for the project"},
    {"events", "consort events --json --since 1h", "Show the events of the last hour, then follow new ones"},
    {"exec", "consort exec web sh", "Open a shell in a running container"},
    {"exec", "consort exec -T db psql -U postgres < dump.sql", "Pipe a file into a program in a container"},
    {"export", "consort export web -o web.tar", "Save the file system of a container"},
    {"image load", "docker save my/app | consort image load", "Load an image from Docker"},
    {"image prune", "consort image prune --dry-run", "Show what could be removed and how much each would free"},
    {"image save", "consort image save my/app | ssh host consort image load", "Copy an image to another machine"},
    {"login", "consort login registry.example.com", "Prompt for username and password, and store them"},
    {"logs", "consort logs --since 10m --tail 100 web", "Show the last 100 lines of the last ten minutes"},
    {"ls", "consort ls -a", "List the projects on this machine, including stopped ones"},
    {"port", "consort port web 8000", "Print the address on which port 8000 of web is published"},
    {"port", "consort port lms_postgres", "List all published ports of this container"},
    {"ps", "consort ps -a", "List all containers of the project, including stopped ones"},
    {"ps", "consort ps --format '{{.Name}} {{.Status}}'", "Print chosen columns"},
    {"restart", "consort restart web", "Stop and start the containers of web"},
    {"run", "consort run --rm web python manage.py migrate", "Run one command in a new container of web"},
    {"run", "consort run --rm -T db pg_dump -h db -U postgres app > app.sql", "Write a program's output to a file"},
    {"scale", "consort scale web=3", "Run three containers of web"},
    {"stop", "consort stop -t 30", "Give each container 30 seconds to stop"},
    {"up", "consort up", "Start everything and show the output until Ctrl-C"},
    {"up", "consort up -d --wait", "Return when every service is running or healthy; fail if one is not"},
    {"up", "consort up -d --build web", "Build and recreate web and what it depends on"},
    {"up", "consort up --dry-run", "Show what would be done, and why, without doing it"},
    {"up", "consort up --abort-on-container-exit --exit-code-from tests",
     "Run tests in CI and exit with their exit code"},
    {"network connect", "consort network connect --alias db shared shop-db-1",
     "Connect shop-db-1 to the network shared under the additional name db"},
    {"network create", "consort network create --subnet 10.9.0.0/24 shared", "Create a network for `external: true`"},
    {"volume clone", "consort volume clone app_data before-upgrade", "Copy the data to another volume on this machine"},
    {"volume export", "consort volume export app_data > data.tar", "Save the data of a volume"},
    {"volume import", "consort volume import app_data data.tar", "Restore it into a new or empty volume"},
    {"volume prune", "consort volume prune --all --dry-run", "Show which volumes no container uses"},
    {"wait", "consort wait job", "Wait for the service job, and exit with its exit code"},
};

constexpr Entry variable_table[] = {
    {"COMPOSE_FILE", "Compose files, separated by \":\"; same as -f"},
    {"COMPOSE_PATH_SEPARATOR", "Separator to use in COMPOSE_FILE instead of \":\""},
    {"COMPOSE_PROJECT_NAME", "Project name; same as -p"},
    {"COMPOSE_PROFILES", "Profiles to activate, separated by commas; ignored if --profile is given"},
    {"COMPOSE_ENV_FILES", "Environment files, separated by commas; ignored if --env-file is given"},
    {"COMPOSE_DISABLE_ENV_FILE", "If true, .env is not read"},
    {"COMPOSE_PARALLEL_LIMIT", "Maximum number of parallel operations; same as --parallel"},
    {"COMPOSE_ANSI", "Same as --ansi: never, always or auto"},
    {"COMPOSE_PROGRESS", "Same as --progress: auto, tty, plain, json or quiet"},
    {"COMPOSE_REMOVE_ORPHANS", "If true, up, down and kill remove containers of services not defined in the file"},
    {"COMPOSE_IGNORE_ORPHANS", "If true, up does not warn about such containers"},
    {"COMPOSE_COMPATIBILITY", "If true, container names contain underscores"},
    {"DOCKER_CONFIG", "Directory of config.json with the credentials of registries, instead of ~/.docker"},
    {"DOCKER_AUTH_CONFIG", "Credentials of registries as JSON; read before config.json"},
    {"CONTAINERS_REGISTRIES_CONF",
     "Configuration file for mirrors and insecure registries, see containers-registries.conf(5)"},
    {"HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "Proxies for registries and build contexts"},
    {"XDG_CACHE_HOME", "Where Compose files from registries and repositories are kept, instead of ~/.cache"},
    {"NO_COLOR", "If not empty, output has no colors"},
    {"SSH_AUTH_SOCK", "The SSH agent that build --ssh default passes on to steps"},
    {"CONSORT_DATA_ROOT", "Where images, containers and volumes are kept, instead of /var/lib/consort"},
    {"CONSORT_RUN_ROOT", "Where the state of running projects is kept, instead of /run/consort"},
    {"CONSORT_MAX_LAYER_SIZE", "Maximum unpacked size of an image layer, e.g. 8g (default: 64g)"},
    {"CONSORT_SETTINGS", "File of settings for all projects, instead of /etc/consort/consort.conf"},
    {"CONSORT_LIBEXEC", "Directory of consort-supervisor, consort-keeper and consort-init"},
};

constexpr Entry file_table[] = {
    {"compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml",
     "The Compose file, searched for in this order in the current and each parent directory; compose.override.yaml (or "
     "the like) next to it is merged"},
    {".env", "Variables for the Compose file, in the same directory; may also contain COMPOSE_... settings"},
    {"~/.docker/config.json", "Credentials of registries, as docker login writes them"},
    {"/etc/consort/consort.conf", "Settings for all projects: userns, published_ports"},
    {"/etc/containers/registries.conf", "Mirrors and insecure registries, along with registries.conf.d"},
    {"/etc/docker/daemon.json", "Its registry-mirrors, insecure-registries and runtimes apply as well"},
    {"/etc/containers/certs.d, /etc/docker/certs.d", "Certificates for registries"},
    {"/var/lib/consort", "Images, containers and volumes; a volume's data is in volumes/NAME/_data"},
    {"/run/consort", "Control sockets and states of running projects; emptied by a reboot"},
};

constexpr Entry status_table[] = {
    {"0", "Success; also if the containers of an attached up exit by themselves"},
    {"1", "An error: an invalid flag, an invalid file, or a failure"},
    {"126, 127", "exec: the program cannot be run, or does not exist"},
    {"128 + N", "run, exec: the program was killed by signal N, e.g. 137 for SIGKILL"},
    {"130", "The command was interrupted by Ctrl-C or SIGTERM"},
    {"other",
     "The exit code of the program in the container: for run, exec and wait, and for up with --exit-code-from, "
     "--abort-on-container-exit or --abort-on-container-failure"},
};

}  // namespace

std::span<const Example> examples() {
  return example_table;
}
std::span<const Entry> environment_variables() {
  return variable_table;
}
std::span<const Entry> known_files() {
  return file_table;
}
std::span<const Entry> exit_statuses() {
  return status_table;
}

}  // namespace consort::cli
