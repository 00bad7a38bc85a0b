// Creating and removing volumes: when a directory without a record is a new volume, and when it is a leftover.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/files/real_path.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "volume/volume.hpp"

namespace consort::volume {

namespace {

std::string all_volumes(const Roots& roots) {
  return roots.data + "/volumes";
}

std::string directory_of(const Roots& roots, const std::string& name) {
  return dir_name(roots.volume_data(name));
}

Trash trash_of(const Roots& roots) {
  return Trash(all_volumes(roots));
}

// As the table writes it: "\134" is a backslash, "\040" a blank.
std::string mount_point(std::string_view field) {
  std::string point;
  for (std::size_t i = 0; i < field.size(); ++i) {
    int code = 0;
    const char* const digits = field.data() + i + 1;
    const bool escaped =
        field[i] == '\\' && i + 3 < field.size() && std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3;
    point += escaped ? static_cast<char>(code) : field[i];
    if (escaped) i += 3;
  }
  return point;
}

// Mounts on a directory or below it.
Result<> check_nothing_mounted(const std::string& directory) {
  const std::string table = TRY(read_file("/proc/self/mountinfo"));
  for (const std::string& line : split(table, '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    if (fields.size() < 5) continue;
    const std::string point = mount_point(fields[4]);
    if (!lies_in(point, directory)) continue;
    return fail(
        Error(Code::conflict, "remove").on(point).why("something is mounted there").hint("`umount " + point + "`"));
  }
  return {};
}

// Versions before the trash existed marked a volume to be removed with a file inside its directory.
bool has_old_mark(const std::string& directory) {
  return path_exists(directory + "/removing");
}

// A file system made for the volume has lost+found from the start.
bool holds_files(const std::string& data) {
  const auto names = list_directory(data);
  return names && std::ranges::any_of(*names, [](const std::string& name) { return name != "lost+found"; });
}

Result<> check_is_new(const std::string& directory, const std::string& data, const std::string& name) {
  if (!holds_files(data)) return {};
  return fail(Error(Code::conflict, "create volume " + name)
                  .why(data + " contains files, but there is no record of such a volume")
                  .hint("they may be left over from a removed one: `mv " + directory +
                        " SOMEWHERE` to inspect them, and copy what you want to keep into the new volume"));
}

}  // namespace

Result<Fd> lock_volumes(const Roots& roots) {
  const std::string directory = all_volumes(roots);
  TRY(make_directories(directory, 0700));
  TRY(trash_of(roots).prepare());
  Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TRY(lock_exclusive(fd.get(), directory));
  return fd;
}

Result<> create_directory(const Roots& roots, const std::string& name, Recorded recorded) {
  const std::string directory = directory_of(roots, name);
  const std::string data = roots.volume_data(name);
  if (recorded == Recorded::no && path_exists(directory)) {
    if (has_old_mark(directory)) TRY(trash_of(roots).remove(directory));
    TRY(check_is_new(directory, data, name));
  }
  TRY(make_directories(directory, 0700));
  if (::mkdir(data.c_str(), 0755) != 0) {
    if (errno == EEXIST) return {};
    return fail_errno("create volume", name);
  }
  if (::chmod(data.c_str(), 0755) != 0) return fail_errno("set mode of volume", name);  // regardless of the umask
  return {};
}

Result<Removal> Removal::begin(const Roots& roots, const std::string& name) {
  Removal removal(trash_of(roots), directory_of(roots, name), trash_of(roots).aside(name));
  if (!path_exists(removal.directory_)) return removal;
  TRY_WRAP(check_nothing_mounted(removal.directory_), "remove volume", name);
  TRY_WRAP(move_directory(removal.directory_, removal.aside_), "remove volume", name);
  return removal;
}

Result<> Removal::take_back() {
  return path_exists(aside_) ? move_directory(aside_, directory_) : Result<>();
}

Result<Trash::Item> Removal::commit() {
  return trash_.take(aside_);
}

Result<> remove_files(const Roots& roots, Trash::Item item) {
  return trash_of(roots).remove(std::move(item));
}

std::vector<std::string> unsettled(const Roots& roots) {
  return trash_of(roots).set_aside();
}

Result<> settle(const Roots& roots, const std::string& name, Recorded recorded) {
  const std::string directory = directory_of(roots, name);
  const std::string aside = trash_of(roots).aside(name);
  if (!path_exists(aside)) return {};
  // Both exist: a crash of the machine kept one rename and lost another. Keep the directory that the volume has been
  // used with since then.
  if (recorded == Recorded::yes && !path_exists(directory)) return move_directory(aside, directory);
  (void)TRY(trash_of(roots).take(aside));
  return {};
}

Result<> sweep_files(const Roots& roots) {
  return trash_of(roots).sweep();
}

std::vector<std::string> all_directories(const Roots& roots) {
  std::vector<std::string> names = list_directory(all_volumes(roots)).value_or(std::vector<std::string>());
  std::erase_if(names, [](const std::string& name) { return !check_name(name); });
  return names;
}

Result<> sweep_unrecorded(const Roots& roots, const std::string& name) {
  const std::string directory = directory_of(roots, name);
  if (!has_old_mark(directory) && holds_files(roots.volume_data(name))) return {};
  if (!check_nothing_mounted(directory)) return {};  // it is being prepared as the mount point of a disk
  return trash_of(roots).remove(directory);
}

}  // namespace consort::volume
