#include "base/roots.hpp"

#include "base/os/files/dir_stream.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/os/files/reserve.hpp"
#include "base/run_root.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string or_else(std::string value, std::string fallback) {
  return value.empty() ? std::move(fallback) : value;
}

constexpr mode_t private_directory = 0700;
constexpr mode_t private_file = 0600;
constexpr mode_t for_others = S_IRWXG | S_IRWXO;

// The first name identifies a directory as one of our roots; a directory that has only the others is about to become
// one. lost+found exists if a file system was created for the root.
constexpr std::array<std::string_view, 6> data_names{"state.db", "layers", "blobs", "ingest", "reserve", "lost+found"};
constexpr std::array<std::string_view, 4> run_names{"boot-id", "projects", "runtime", "lost+found"};
// Shared by everybody, even when they happen to be empty.
constexpr std::array<std::string_view, 3> shared_directories{"/tmp", "/var/tmp", "/dev/shm"};

Result<std::vector<std::string>> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const DirStream stream(::opendir(directory.c_str()));
  if (!stream && errno == ENOENT) return names;
  if (!stream) return fail_errno("list", directory);
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

Result<> make_private(const std::string& path) {
  struct stat st;
  if (::lstat(path.c_str(), &st) != 0) return errno == ENOENT ? Result<>() : fail_errno("look at", path);
  const bool plain = S_ISDIR(st.st_mode) || S_ISREG(st.st_mode);
  if (!plain || !(st.st_mode & for_others)) return {};
  if (::chmod(path.c_str(), S_ISDIR(st.st_mode) ? private_directory : private_file) != 0 && errno != ENOENT)
    return fail_errno("set mode of", path);
  return {};
}

// Roots were not always private: each of these could be entered or read by others. The root's mode alone now keeps
// others out; this is against processes whose working directory is already inside.
Result<> close_earlier_data(const std::string& data) {
  for (const char* file : {"/state.db", "/state.db-wal", "/state.db-shm"}) TRY(make_private(data + file));
  for (const char* directory : {"/containers", "/volumes"}) {
    for (const std::string& name : TRY(names_in(data + directory))) {
      const std::string inside = data + directory + "/" + name;
      TRY(make_private(inside));
      if (directory != std::string_view("/containers")) continue;
      for (const char* file : {"/config.json", "/unit.json", "/log", "/seccomp.bpf", "/files"})
        TRY(make_private(inside + file));
    }
    TRY(make_private(data + directory));
  }
  return {};
}

std::string what_is_wrong(const std::string& path, const struct stat& st, const std::vector<std::string>& names,
                          std::span<const std::string_view> known) {
  if (st.st_uid != ::geteuid()) return "it belongs to another user";
  if (!(st.st_mode & for_others)) return {};
  if (std::ranges::find(shared_directories, path) != shared_directories.end()) return "it is a shared directory";
  // A reserve was once created in roots that were still open; a directory that only has its name may be anybody's.
  const auto is_known = [&](const std::string& name) {
    return std::ranges::find(known, name) != known.end() && (name != "reserve" || Reserve(path).is_ours());
  };
  const bool ours = std::ranges::find(names, known.front()) != names.end() || std::ranges::all_of(names, is_known);
  return ours ? "" : "other users can enter it, and it contains files that are not Consort's";
}

// The owner of a symlink can redirect it at any time, and in /tmp anybody may own it.
bool is_link_of_another(const std::string& path) {
  struct stat st;
  return ::lstat(path.c_str(), &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != ::geteuid() && st.st_uid != 0;
}

Error unusable_root(const std::string& path, const char* variable, std::string why) {
  return Error(Code::denied, "use " + path + " as " + variable)
      .why(std::move(why))
      .hint("use a directory of its own, which is created if it does not exist");
}

// What is left of the environment of whoever called `su` names a directory of theirs.
Error cannot_create(Error error, const std::string& path, const char* variable) {
  if (error.code() != Code::denied) return error;
  const std::string own = std::string("set ") + variable + " to a directory that you may write to";
  const std::string session = environment("XDG_RUNTIME_DIR");
  const bool of_session = !session.empty() && lies_in(path, session);
  return std::move(error).hint(
      of_session ? "XDG_RUNTIME_DIR is " + session + ", which is not yours: unset it, or " + own : own);
}

// Creates the directory, or closes it if it is ours and open, after `close_inside`.
template <typename Close>
Result<> own_root(const std::string& path, const char* variable, std::span<const std::string_view> known,
                  const Close& close_inside) {
  if (!path_exists(path)) {
    Result<> made = make_directories(dir_name(path));
    if (made && ::mkdir(path.c_str(), private_directory) != 0 && errno != EEXIST)
      made = fail_errno("create directory", path);
    if (!made) return fail(cannot_create(std::move(made).error(), path, variable));
  }
  if (is_link_of_another(path)) return fail(unusable_root(path, variable, "it is a symlink created by another user"));
  const struct stat st = TRY(stat_path(path));
  if (!S_ISDIR(st.st_mode)) return fail_errno(ENOTDIR, "create directory", path);
  if (st.st_uid == ::geteuid() && !(st.st_mode & for_others)) return {};
  const std::string wrong = what_is_wrong(path, st, TRY(names_in(path)), known);
  if (!wrong.empty()) return fail(unusable_root(path, variable, wrong));
  TRY(close_inside());
  if (::chmod(path.c_str(), private_directory) != 0) return fail_errno("set mode of", path);
  return {};
}

// Only a relative path needs the working directory, which may have been removed.
Result<std::string> absolute(const std::string& path) {
  return join_path(path.starts_with('/') ? "/" : TRY(current_directory()), path);
}

}  // namespace

Result<Roots> Roots::from_environment() {
  Roots roots;
  roots.data = environment("CONSORT_DATA_ROOT");
  roots.run = environment("CONSORT_RUN_ROOT");
  if (::geteuid() == 0) {
    roots.data = or_else(roots.data, "/var/lib/consort");
    roots.run = or_else(roots.run, "/run/consort");
  } else {
    const std::string home = or_else(environment("HOME"), "/");
    roots.data = or_else(roots.data, or_else(environment("XDG_DATA_HOME"), home + "/.local/share") + "/consort");
    const std::string fallback = "/tmp/consort-" + std::to_string(::getuid());
    const std::string run = environment("XDG_RUNTIME_DIR");
    roots.run = or_else(roots.run, run.empty() ? fallback : run + "/consort");
  }
  roots.data = TRY(absolute(roots.data));
  roots.run = TRY(absolute(roots.run));
  return roots;
}

Result<> Roots::prepare() const {
  TRY(own_root(data, "CONSORT_DATA_ROOT", data_names, [this] { return close_earlier_data(data); }));
  return prepare_run_root(*this);
}

Result<> prepare_run_root(const Roots& roots) {
  const std::string& run = roots.run;
  TRY(own_root(run, "CONSORT_RUN_ROOT", run_names, [] { return Result<>(); }));
  const std::string boot = std::string(trim(TRY(read_file("/proc/sys/kernel/random/boot_id"))));
  const std::string marker = run + "/boot-id";
  const Result<std::string> seen = read_file(marker);
  if (seen && *seen == boot) return {};
  if (seen) TRY(remove_tree(run + "/projects"));
  return write_file_atomic(marker, boot, 0600);
}

}  // namespace consort
