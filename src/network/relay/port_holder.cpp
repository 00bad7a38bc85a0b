// Finds the process that holds a port: the socket's inode from /proc/net, then the process that has it open.
#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <set>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "network/ports.hpp"

namespace consort {

namespace {

constexpr std::string_view tcp_listening = "0A", connected = "01";

bool is_sought(PortHolder::By by, Protocol protocol, std::string_view state) {
  const bool listens = protocol == Protocol::tcp ? state == tcp_listening : state != connected;
  return listens == (by == PortHolder::By::name);
}

// The fields of a line of /proc/net/tcp that we need: 1 local address, 3 state, 9 inode.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!(line = trim(line)).empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return fields;
}

// In the form of the links in /proc/PID/fd.
void collect_sockets(const std::string& path, Protocol protocol, std::uint16_t port, PortHolder::By by,
                     std::set<std::string>& sockets) {
  const Result<std::string> text = read_file(path);
  if (!text) return;
  for (const std::string& line : split(*text, '\n')) {
    const std::vector<std::string_view> fields = fields_of(line);
    if (fields.size() < 10) continue;
    const std::size_t colon = fields[1].rfind(':');
    if (colon == std::string_view::npos) continue;
    unsigned found = 0;
    const std::string_view number = fields[1].substr(colon + 1);
    std::from_chars(number.data(), number.data() + number.size(), found, 16);
    if (found == port && is_sought(by, protocol, fields[3])) sockets.insert("socket:[" + std::string(fields[9]) + "]");
  }
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  DIR* processes = ::opendir("/proc");
  if (!processes) return pids;
  while (const dirent* entry = ::readdir(processes)) {
    if (const auto pid = parse_unsigned(entry->d_name)) pids.push_back(static_cast<pid_t>(*pid));
  }
  ::closedir(processes);
  return pids;
}

}  // namespace

PortHolderSearch::PortHolderSearch(Protocol protocol, std::uint16_t port) {
  const std::string file = "/proc/thread-self/net/" + std::string(to_string(protocol));
  for (const auto by : {PortHolder::By::name, PortHolder::By::connection}) {
    if (!sockets_.empty()) break;
    by_ = by;
    for (const char* family : {"", "6"}) collect_sockets(file + family, protocol, port, by, sockets_);
  }
  if (sockets_.empty()) return;
  processes_ = all_processes();
  if (by_ == PortHolder::By::connection) found_ = PortHolder{0, {}, by_};
}

bool PortHolderSearch::has_open(const std::string& process) const {
  const std::string directory = process + "/fd";
  DIR* fds = ::opendir(directory.c_str());
  if (!fds) return false;
  bool found = false;
  while (const dirent* entry = found ? nullptr : ::readdir(fds)) {
    std::array<char, 64> target;
    const ssize_t size = ::readlink((directory + "/" + entry->d_name).c_str(), target.data(), target.size());
    found = size > 0 && sockets_.contains(std::string(target.data(), static_cast<std::size_t>(size)));
  }
  ::closedir(fds);
  return found;
}

PortHolderSearch::Next PortHolderSearch::step() {
  if (processes_.empty()) return Next::finished;
  const pid_t pid = processes_.back();
  processes_.pop_back();
  const std::string directory = "/proc/" + std::to_string(pid);
  if (!has_open(directory)) return Next::step;
  const Result<std::string> comm = read_file(directory + "/comm");
  found_ = PortHolder{pid, comm ? std::string(trim(*comm)) : "?", by_};
  return Next::finished;
}

std::optional<PortHolder> find_port_holder(Protocol protocol, std::uint16_t port) {
  PortHolderSearch search(protocol, port);
  while (search.step() == SteppedWork::Next::step) continue;
  return search.found();
}

}  // namespace consort
