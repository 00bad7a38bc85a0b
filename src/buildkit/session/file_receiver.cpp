#include "buildkit/session/file_receiver.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "base/os/files/file.hpp"
#include "base/os/files/open_resolved.hpp"
#include "buildkit/session/go_mode.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

constexpr std::size_t max_open = 64;  // files that are requested at the same time
constexpr std::size_t max_path = 4095;

std::unexpected<Error> bad(std::string_view path, std::string why) {
  return fail(Error(Code::invalid, "receive files").on("\"" + std::string(path) + "\"").why(std::move(why)));
}

timespec time_of(std::int64_t nanoseconds) {
  constexpr std::int64_t second = 1'000'000'000;
  std::int64_t rest = nanoseconds % second;
  std::int64_t whole = nanoseconds / second;
  if (rest < 0) {
    rest += second;
    --whole;
  }
  return {.tv_sec = whole, .tv_nsec = rest};
}

// A directory sorts right before its content, as if '/' were the lowest of all characters.
bool comes_before(std::string_view a, std::string_view b) {
  return std::ranges::lexicographical_compare(a, b, [](char x, char y) {
    const auto rank = [](char c) { return c == '/' ? 0U : static_cast<unsigned char>(c) + 1U; };
    return rank(x) < rank(y);
  });
}

bool is_clean(std::string_view path) {
  if (path.empty() || path.size() > max_path || path.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// Keeps attributes that may matter to an image, but none that affect this machine.
void set_attributes(int fd, const wire::Stat& stat) {
  for (const auto& [name, value] : stat.xattrs())
    if (name == "security.capability" || name.starts_with("user."))
      (void)::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0);  // not every file system has them
}

}  // namespace

FileReceiver::FileReceiver(Fd root, std::function<Result<>(std::string_view)> send, ReceiveLimits limits)
    : root_(std::move(root)), send_(std::move(send)), limits_(limits) {}

Result<> FileReceiver::take(std::string_view bytes) {
  wire::Packet packet;
  if (done_ || !packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(Error(Code::invalid, "receive files").why("that is no packet of a file transfer"));
  packet_bytes_ += bytes.size();
  switch (packet.type()) {
    case wire::Packet::STAT:
      if (listed_) return fail(Error(Code::invalid, "receive files").why("the list continues after its end"));
      if (packet.has_stat()) return take_entry(packet.stat());
      listed_ = true;
      return end_if_complete();
    case wire::Packet::DATA:
      return take_content(packet.id(), packet.data());
    case wire::Packet::FIN:
      if (!said_all_) return fail(Error(Code::invalid, "receive files").why("the sender ended before all was there"));
      done_ = true;
      return {};
    case wire::Packet::ERR:
      return fail(Error(Code::invalid).why("error from sender: " + packet.data()));
    default:
      return fail(Error(Code::invalid, "receive files").why("a receiver's packet came from the sender"));
  }
}

Result<> FileReceiver::take_entry(const wire::Stat& stat) {
  TRY(check_path(stat.path()));
  const std::uint32_t id = next_id_++;
  TRY(make_entry(stat, id));
  last_path_ = stat.path();
  return ask_for_more();
}

Result<> FileReceiver::check_path(const std::string& path) {
  if (!is_clean(path)) return bad(path, "not a path below a directory");
  // Each path once, and parents first: received files are never written to again.
  if (!last_path_.empty() && !comes_before(last_path_, path)) return bad(path, "it comes too late in the list");
  name_bytes_ += path.size();
  if (next_id_ >= limits_.entries || name_bytes_ > limits_.name_bytes)
    return fail(Error(Code::invalid, "receive files")
                    .why("there are too many")
                    .hint("exclude what the build does not need with .dockerignore"));
  return {};
}

// Below the root; every component must be a directory.
Result<Fd> FileReceiver::open_directory(const std::string& path) const {
  return open_resolved(root_.get(), path, O_PATH | O_DIRECTORY, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, "open directory");
}

Result<> FileReceiver::make_entry(const wire::Stat& stat, std::uint32_t id) {
  const std::string& path = stat.path();
  const Fd parent = TRY_WRAP(open_directory(directory_of(path)), "receive file", path);
  const std::string name = base_name(path);
  const std::uint32_t type = stat.mode() & go_mode::type;
  if (type == go_mode::directory) return make_directory(parent.get(), name, stat);
  if (type == go_mode::link) {
    if (stat.linkname().empty() || stat.linkname().size() > max_path) return bad(path, "the link names nothing");
    if (::symlinkat(stat.linkname().c_str(), parent.get(), name.c_str()) != 0) return fail_errno("make link", path);
    const timespec times[2] = {time_of(stat.mod_time()), time_of(stat.mod_time())};
    (void)::utimensat(parent.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
    return {};
  }
  if (type == go_mode::pipe) {
    if (::mkfifoat(parent.get(), name.c_str(), permissions_of_go(stat.mode())) != 0)
      return fail_errno("make named pipe", path);
    return {};
  }
  if (type == go_mode::socket) return {};  // a socket is useless without its listener
  if (type != 0) return bad(path, "a device file cannot be part of a build context");
  if (!stat.linkname().empty()) return make_hard_link(parent.get(), name, stat);
  return make_file(parent.get(), name, stat, id);
}

Result<> FileReceiver::make_directory(int parent, const std::string& name, const wire::Stat& stat) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) return fail_errno("make directory", stat.path());
  directories_.push_back({stat.path(), permissions_of_go(stat.mode()), stat.mod_time()});
  return {};
}

Result<> FileReceiver::make_file(int parent, const std::string& name, const wire::Stat& stat, std::uint32_t id) {
  // Created immediately, so that a later entry in the list may be a hard link to it.
  const Fd fd = TRY(open_at(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  set_attributes(fd.get(), stat);
  wanted_.push_back({id, stat.path(), permissions_of_go(stat.mode()), stat.mod_time()});
  return {};
}

Result<> FileReceiver::make_hard_link(int parent, const std::string& name, const wire::Stat& stat) {
  const std::string& target = stat.linkname();
  if (!is_clean(target)) return bad(stat.path(), "it is a hard link to " + target);
  const Fd directory = TRY_WRAP(open_directory(directory_of(target)), "receive hard link", stat.path());
  struct stat there {};
  if (::fstatat(directory.get(), base_name(target).c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("make hard link", stat.path());
  if (!S_ISREG(there.st_mode)) return bad(stat.path(), "it is a hard link to " + target + ", which is not a file");
  if (::linkat(directory.get(), base_name(target).c_str(), parent, name.c_str(), 0) != 0)
    return fail_errno("make hard link", stat.path());
  return {};
}

Result<> FileReceiver::ask_for_more() {
  while (!wanted_.empty() && open_.size() < max_open) {
    File file = std::move(wanted_.front());
    wanted_.pop_front();
    const Fd directory = TRY(open_directory(directory_of(file.path)));
    Fd fd = TRY(open_at(directory.get(), base_name(file.path), O_WRONLY | O_NOFOLLOW));
    wire::Packet request;
    request.set_type(wire::Packet::REQ);
    request.set_id(file.id);
    const std::uint32_t id = file.id;
    open_.emplace(id, OpenFile{std::move(file), std::move(fd)});
    TRY(send_(request.SerializeAsString()));
  }
  return {};
}

Result<> FileReceiver::take_content(std::uint32_t id, std::string_view data) {
  const auto found = open_.find(id);
  if (found == open_.end())
    return fail(Error(Code::invalid, "receive files").why("content came that was not asked for"));
  if (!data.empty()) {
    content_bytes_ += data.size();
    if (content_bytes_ > limits_.bytes)
      return fail(Error(Code::invalid, "receive files")
                      .why("they are too large")
                      .hint("exclude what the build does not need with .dockerignore"));
    TRY_WRAP(write_full(found->second.fd.get(), data), "receive file", found->second.file.path);
    return {};
  }
  OpenFile open = std::move(found->second);
  open_.erase(found);
  TRY(close(std::move(open)));
  TRY(ask_for_more());
  return end_if_complete();
}

Result<> FileReceiver::close(OpenFile open) {
  if (::fchmod(open.fd.get(), open.file.mode) != 0) return fail_errno("change mode", open.file.path);
  const timespec times[2] = {time_of(open.file.modified), time_of(open.file.modified)};
  (void)::futimens(open.fd.get(), times);  // a time that the file system cannot store is not an error
  return {};
}

Result<> FileReceiver::end_if_complete() {
  if (!listed_ || said_all_ || !wanted_.empty() || !open_.empty()) return {};
  TRY(close_directories());
  said_all_ = true;
  wire::Packet last;
  last.set_type(wire::Packet::FIN);
  return send_(last.SerializeAsString());
}

// Called at the end, deepest directories first, because creating files changes them.
Result<> FileReceiver::close_directories() {
  for (const Directory& directory : std::views::reverse(directories_)) {
    const Fd parent = TRY(open_directory(directory_of(directory.path)));
    const std::string name = base_name(directory.path);
    const timespec times[2] = {time_of(directory.modified), time_of(directory.modified)};
    (void)::utimensat(parent.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
    if (::fchmodat(parent.get(), name.c_str(), directory.mode, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("change mode", directory.path);
  }
  return {};
}

}  // namespace consort::buildkit
