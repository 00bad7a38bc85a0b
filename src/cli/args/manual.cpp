#include "cli/args/manual.hpp"

namespace consort::cli {

namespace {

constexpr Example example_table[] = {
    {"", "consort up -d", "Start everything in compose.yaml and return when it runs"},
    {"", "consort logs -f web", "Follow the output of the service web"},
    {"", "consort exec db psql -U postgres", "Open a database shell in the running service db"},
    {"", "consort down", "Stop and remove containers and networks; volumes are kept"},
    {"build", "consort build --no-cache web", "Build the image of web from scratch"},
    {"build", "consort build --explain", "Show for each step why it was or was not cached"},
    {"commit", "consort commit web team/web:fixed", "Keep what was changed in the container as an image"},
    {"config", "consort config -q", "Check the file: prints nothing if it is right"},
    {"config", "consort config --services", "List the services of the file"},
    {"config", "consort config --why services.web.image", "Show which file and line set this value"},
    {"cp", "consort cp ./dump.sql db:/tmp/", "Copy a file into a container"},
    {"cp", "consort cp web:/app/media - | tar tv", "Read a directory of a container as a tar archive"},
    {"down", "consort down -v", "Also delete the volumes: their data is lost"},
    {"down", "consort down --rmi local", "Also remove the images that were built for the project"},
    {"events", "consort events --json --since 1h", "What happened in the last hour, and what happens now"},
    {"exec", "consort exec web sh", "Open a shell in a running container"},
    {"exec", "consort exec -T db psql -U postgres < dump.sql", "Feed a file to a program in a container"},
    {"export", "consort export web -o web.tar", "Save the file system of a container"},
    {"image load", "docker save my/app | consort image load", "Take over an image from Docker"},
    {"image prune", "consort image prune --dry-run", "Show what could be removed and how much each would free"},
    {"image save", "consort image save my/app | ssh host consort image load", "Copy an image to another machine"},
    {"login", "consort login registry.example.com", "Ask for user and password, and keep them"},
    {"logs", "consort logs --since 10m --tail 100 web", "The last lines of the last ten minutes"},
    {"ls", "consort ls -a", "List the projects on this machine, stopped ones too"},
    {"port", "consort port web 8000", "Print the address on which port 8000 of web is published"},
    {"ps", "consort ps -a", "List the containers of the project, stopped ones too"},
    {"ps", "consort ps --format '{{.Name}} {{.Status}}'", "Print chosen columns"},
    {"restart", "consort restart web", "Stop and start the containers of web"},
    {"run", "consort run --rm web python manage.py migrate", "Run one command in a new container of web"},
    {"run", "consort run --rm -T db pg_dump -h db -U postgres app > app.sql", "Write a program's output to a file"},
    {"scale", "consort scale web=3", "Run three containers of web"},
    {"stop", "consort stop -t 30", "Give every container 30 seconds to end"},
    {"up", "consort up", "Start everything and show the output until Ctrl-C"},
    {"up", "consort up -d --wait", "Return when every service is running or healthy; fail if one is not"},
    {"up", "consort up -d --build web", "Build and replace web and what it depends on"},
    {"up", "consort up --dry-run", "Show what would be done, and why, without doing it"},
    {"up", "consort up --abort-on-container-exit --exit-code-from tests", "Run tests in CI and exit with their status"},
    {"network connect", "consort network connect --alias db shared shop-db-1",
     "Let another project reach a running container by the name db"},
    {"network create", "consort network create --subnet 10.9.0.0/24 shared", "Create a network for `external: true`"},
    {"volume clone", "consort volume clone app_data before-upgrade", "Keep a copy of the data on this machine"},
    {"volume export", "consort volume export app_data > data.tar", "Save the data of a volume"},
    {"volume import", "consort volume import app_data data.tar", "Bring it back, into a new volume or an empty one"},
    {"volume prune", "consort volume prune --all --dry-run", "Show which volumes no container uses"},
    {"wait", "consort wait job", "Wait for a job, and exit with its status"},
};

constexpr Entry variable_table[] = {
    {"COMPOSE_FILE", "Compose files, separated by \":\"; what -f would name"},
    {"COMPOSE_PATH_SEPARATOR", "What separates the files of COMPOSE_FILE instead of \":\""},
    {"COMPOSE_PROJECT_NAME", "Name of the project; what -p would name"},
    {"COMPOSE_PROFILES", "Profiles to activate, separated by commas; used if there is no --profile"},
    {"COMPOSE_ENV_FILES", "Environment files, separated by commas; used if there is no --env-file"},
    {"COMPOSE_DISABLE_ENV_FILE", "If true, .env is not read"},
    {"COMPOSE_PARALLEL_LIMIT", "How many operations run at a time; what --parallel would say"},
    {"COMPOSE_ANSI", "What --ansi would say: never, always or auto"},
    {"COMPOSE_PROGRESS", "What --progress would say: auto, tty, plain, json or quiet"},
    {"COMPOSE_REMOVE_ORPHANS", "If true, up, down and kill remove containers of services not in the file"},
    {"COMPOSE_IGNORE_ORPHANS", "If true, up does not warn of such containers"},
    {"COMPOSE_COMPATIBILITY", "If true, names of containers have underscores"},
    {"DOCKER_CONFIG", "Directory of config.json with the credentials of registries, instead of ~/.docker"},
    {"DOCKER_AUTH_CONFIG", "Credentials of registries as JSON; read before config.json"},
    {"CONTAINERS_REGISTRIES_CONF", "File of mirrors and insecure registries, see containers-registries.conf(5)"},
    {"HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "Proxies for registries and build contexts"},
    {"XDG_CACHE_HOME", "Where Compose files from registries and repositories are kept, instead of ~/.cache"},
    {"NO_COLOR", "If not empty, output has no colors"},
    {"SSH_AUTH_SOCK", "The SSH agent that build --ssh default passes on to steps"},
    {"CONSORT_DATA_ROOT", "Where images, containers and volumes are kept, instead of /var/lib/consort"},
    {"CONSORT_RUN_ROOT", "Where the state of running projects is kept, instead of /run/consort"},
    {"CONSORT_MAX_LAYER_SIZE", "What a layer of an image may unpack to, e.g. 8g; 64g if it is not set"},
    {"CONSORT_SETTINGS", "File of settings for all projects, instead of /etc/consort/consort.conf"},
    {"CONSORT_LIBEXEC", "Where consort-supervisor, consort-keeper and consort-init are"},
};

constexpr Entry file_table[] = {
    {"compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml",
     "The Compose file, looked for in this order here and in each parent directory; compose.override.yaml and its "
     "other spellings beside it are merged"},
    {".env", "Variables for the Compose file, beside it; COMPOSE_... settings too"},
    {"~/.docker/config.json", "Credentials of registries, as docker login writes them"},
    {"/etc/consort/consort.conf", "Settings for all projects: userns, published_ports"},
    {"/etc/containers/registries.conf", "Mirrors and insecure registries, with registries.conf.d beside it"},
    {"/etc/docker/daemon.json", "Its registry-mirrors, insecure-registries and runtimes count as well"},
    {"/etc/containers/certs.d, /etc/docker/certs.d", "Certificates for registries"},
    {"/var/lib/consort", "Images, containers and volumes; a volume's data is in volumes/NAME/_data"},
    {"/run/consort", "Control sockets and states of running projects; emptied by a reboot"},
};

constexpr Entry status_table[] = {
    {"0", "Success; also of an attached up whose containers ended by themselves"},
    {"1", "An error: a wrong flag, a wrong file, or something that failed"},
    {"126, 127", "exec: the program cannot be run, or is not there"},
    {"128 + N", "run, exec: the program was ended by signal N, e.g. 137 by SIGKILL"},
    {"130", "The command was interrupted by Ctrl-C or SIGTERM"},
    {"other",
     "That of the program in the container: of run and exec, of wait, and of up with --exit-code-from, "
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
