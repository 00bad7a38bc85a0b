#include "cli/commands/cluster/forward_record.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <unistd.h>

#include "base/json.hpp"
#include "base/os/files/dir_stream.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/sockets/inet_address.hpp"
#include "base/roots.hpp"
#include "base/run_root.hpp"
#include "base/sha256.hpp"

namespace consort::cli {

namespace {

Result<std::string> directory() {
  return TRY(Roots::from_environment()).run + "/forwards";
}

// What the names of all records of the project begin with: each `up` of some of its services has one of its own.
std::string prefix_of(const kube::Session& session) {
  const std::string key = session.client.cluster().server + "\n" + session.space + "\n" + session.project_name;
  return sha256_hex(key).substr(0, 16) + "-";
}

std::vector<std::string> records_of(const std::string& directory, const std::string& prefix) {
  std::vector<std::string> paths;
  const DirStream stream(::opendir(directory.c_str()));
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr)
    if (std::string_view(entry->d_name).starts_with(prefix)) paths.push_back(join_path(directory, entry->d_name));
  return paths;
}

// Whether the `up` that wrote it still runs. The record of one that was killed is removed.
bool is_current(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  if (::flock(file.get(), LOCK_SH | LOCK_NB) != 0) return true;
  (void)remove_file(path);
  return false;
}

}  // namespace

Result<ForwardRecord> ForwardRecord::write(const kube::Session& session, const std::vector<kube::Forward>& forwards) {
  TRY(prepare_run_root(TRY(Roots::from_environment())));
  const std::string in = TRY(directory());
  TRY(make_directories(in, 0700));
  const std::string name = prefix_of(session) + std::to_string(::getpid());
  const std::string path = join_path(in, name), before = join_path(in, "new-" + name);
  Fd lock(::open(before.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!lock) return fail_errno("write", before);
  TRY(lock_exclusive(lock.get(), before));
  Json all = Json::array();
  for (const kube::Forward& each : forwards)
    all.push_back(Json{{"service", each.service},
                       {"port", each.there},
                       {"at", inet_text(each.address.empty() ? "127.0.0.1" : each.address, each.here)}});
  TRY(write_full(lock.get(), dump_json(all)));
  TRY(rename_path(before, path));
  return ForwardRecord(path, std::move(lock));
}

ForwardRecord::~ForwardRecord() {
  if (lock_) (void)remove_file(path_);
}

std::optional<std::string> forwarded_at(const kube::Session& session, const std::string& service, std::uint16_t port) {
  const auto in = directory();
  if (!in) return std::nullopt;
  for (const std::string& path : records_of(*in, prefix_of(session))) {
    if (!is_current(path)) continue;
    const auto text = read_file(path);
    const auto all = text ? parse_json(*text, path) : Result<Json>(Json::array());
    if (!all || !all->is_array()) continue;
    for (const Json& each : *all)
      if (get_string(each, "service") == service && get_int(each, "port") == port) return get_string(each, "at");
  }
  return std::nullopt;
}

}  // namespace consort::cli
