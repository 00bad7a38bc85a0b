// Files of containers: archive in and out, export, changes, commit.
#include <sys/stat.h>

#include "base/base64.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "engine/files.hpp"
#include "engine/images.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

using engine::ContainerDetails;

// Bits of Go's os.FileMode.
std::uint32_t go_mode(std::uint32_t mode) {
  std::uint32_t bits = mode & 0777;
  const auto add = [&](bool wanted, int bit) {
    if (wanted) bits |= std::uint32_t{1} << bit;
  };
  add(S_ISDIR(mode), 31);
  add(S_ISLNK(mode), 27);
  add(S_ISBLK(mode) || S_ISCHR(mode), 26);
  add(S_ISFIFO(mode), 25);
  add(S_ISSOCK(mode), 24);
  add((mode & S_ISUID) != 0, 23);
  add((mode & S_ISGID) != 0, 22);
  add(S_ISCHR(mode), 21);
  add((mode & S_ISVTX) != 0, 20);
  return bits;
}

Result<std::string> path_of(Call& call) {
  std::string path = call.query("path");
  if (path.empty()) return fail(http_error(400, "bad parameter: pathcannot be empty"));
  return path;
}

Result<engine::PathStat> stat_path(Call& call, const ContainerDetails& container, const std::string& path) {
  auto stat = TRY(call.engine())->files().stat(container.id, path);
  if (!stat && stat.error().code() == Code::not_found)
    return fail(http_error(404, "Could not find the file " + path + " in container " + call.variable("id")));
  return stat;
}

void add_stat(Call& call, const engine::PathStat& stat) {
  const Json json{{"name", stat.name},
                  {"size", stat.size},
                  {"mode", go_mode(stat.mode)},
                  {"mtime", go_time(stat.modified)},
                  {"linkTarget", stat.link_target}};
  call.add_header("X-Docker-Container-Path-Stat", base64_encode(dump_json(json)));
}

// The client asks only for the head, and does not want a body.
Result<> head_of_archive(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  const std::string path = TRY(path_of(call));
  add_stat(call, TRY(stat_path(call, container, path)));
  return call.empty(200);
}

// "/data/." is the content of the directory: names begin with "./".
Result<> get_archive(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  const std::string path = TRY(path_of(call));
  const engine::PathStat stat = TRY(stat_path(call, container, path));
  add_stat(call, stat);
  const std::string as = path.ends_with("/.") || stat.name == "/" ? "." : stat.name;
  engine::Engine& engine = *TRY(call.engine());
  return call.pipe_out(content::tar, [&](int out) { return engine.files().pack_path(container.id, path, as, out); });
}

Result<> put_archive(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  const std::string path = TRY(path_of(call));
  const engine::PathStat stat = TRY(stat_path(call, container, path));
  if (!S_ISDIR(stat.mode) && !S_ISLNK(stat.mode)) return fail(http_error(400, "extraction point is not a directory"));
  engine::Engine& engine = *TRY(call.engine());
  Result<> copied = call.body_to([&](int in) { return engine.copy_in(container.id, path, in); });
  if (!copied && copied.error().code() == Code::denied) return fail(http_error(400, copied.error().message()));
  TRY(std::move(copied));
  return call.empty(200);
}

Result<> export_container(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  engine::Engine& engine = *TRY(call.engine());
  return call.pipe_out("application/octet-stream",
                       [&](int out) { return engine.images().export_files(container.id, out); });
}

Result<> container_changes(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  Json rows = Json::array();
  for (const engine::PathChange& change : TRY(TRY(call.engine())->files().changes(container.id)))
    rows.push_back({{"Path", change.path}, {"Kind", static_cast<int>(change.kind)}});
  return call.json(200, rows.empty() ? Json(nullptr) : rows);
}

constexpr Route table[] = {
    {"HEAD", "/containers/{id}/archive", head_of_archive, Access::change, Reach::project},
    {"GET", "/containers/{id}/archive", get_archive, Access::change, Reach::project},
    {"PUT", "/containers/{id}/archive", put_archive, Access::change, Reach::project},
    {"GET", "/containers/{id}/export", export_container, Access::change, Reach::project},
    {"GET", "/containers/{id}/changes", container_changes, Access::look, Reach::project},
};

}  // namespace

std::span<const Route> container_file_routes() {
  return table;
}

}  // namespace consort::serve
