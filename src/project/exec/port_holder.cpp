#include "project/exec/port_holder.hpp"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>

#include "base/os/file.hpp"
#include "base/strings.hpp"

namespace consort::project {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

// Inodes of listening TCP and bound UDP sockets on that port.
std::set<std::string> sockets_on(std::uint16_t port) {
  std::array<char, 8> wanted{};
  std::snprintf(wanted.data(), wanted.size(), ":%04X", port);
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"}) {
    const auto text = read_file(table);
    if (!text) continue;
    const bool tcp = std::string_view(table).contains("tcp");
    for (const std::string& line : split(*text, '\n')) {
      std::vector<std::string> fields;
      for (std::string& field : split(line, ' '))
        if (!field.empty()) fields.push_back(std::move(field));
      // sl local remote state queues timer retransmits uid timeout inode
      if (fields.size() < 10 || !fields[1].ends_with(wanted.data())) continue;
      if (tcp && fields[3] != "0A") continue;  // TCP_LISTEN
      inodes.insert("socket:[" + fields[9] + "]");
    }
  }
  return inodes;
}

bool holds(const std::string& pid, const std::set<std::string>& sockets) {
  const std::string folder = "/proc/" + pid + "/fd";
  const Directory directory(::opendir(folder.c_str()), ::closedir);
  if (!directory) return false;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::array<char, 64> target{};
    const ssize_t length = ::readlink((folder + "/" + entry->d_name).c_str(), target.data(), target.size());
    if (length > 0 && sockets.contains(std::string(target.data(), static_cast<std::size_t>(length)))) return true;
  }
  return false;
}

std::string process_on(std::uint16_t port) {
  const std::set<std::string> sockets = sockets_on(port);
  if (sockets.empty()) return {};
  const Directory processes(::opendir("/proc"), ::closedir);
  if (!processes) return {};
  while (const dirent* entry = ::readdir(processes.get())) {
    const std::string pid = entry->d_name;
    if (!parse_unsigned(pid) || !holds(pid, sockets)) continue;
    const std::string name(trim(read_file("/proc/" + pid + "/comm").value_or("?")));
    return "process " + name + " (pid " + pid + ")";
  }
  return {};
}

}  // namespace

bool is_port_conflict(const Error& error) {
  const std::string message = error.message();
  return error.sys_errno() == EADDRINUSE || message.contains("address already in use") ||
         message.contains("port is already allocated");
}

std::optional<std::uint16_t> port_in(std::string_view message) {
  // "0.0.0.0:8000", "[::]:8000/tcp", "0.0.0.0:8000:172.18.0.2:80/tcp": the number after the first address.
  for (std::size_t i = 0; i + 1 < message.size(); ++i) {
    if (message[i] != ':' || i == 0 || (!std::isxdigit(static_cast<unsigned char>(message[i - 1])) && message[i - 1] != ']'))
      continue;
    std::size_t end = i + 1;
    while (end < message.size() && std::isdigit(static_cast<unsigned char>(message[end]))) ++end;
    const auto number = parse_unsigned(message.substr(i + 1, end - i - 1));
    const bool in_brackets = message.substr(i).find(']') < message.substr(i).find(' ');
    if (number && *number > 0 && *number <= 65535 && !in_brackets) return static_cast<std::uint16_t>(*number);
  }
  return std::nullopt;
}

std::string describe_port_holder(engine::Engine& engine, const Error& error) {
  const auto port = port_in(error.message());
  if (!port) return {};
  const std::string subject = "port " + std::to_string(*port);
  if (const auto containers = engine.list())
    for (const engine::Container& container : *containers)
      for (const engine::BoundPort& bound : container.state.ports)
        if (bound.host_port == *port)
          return subject + " is published by container " + container.name + " of project " + container.project +
                 "; stop it with `consort -p " + container.project + " stop " + container.service +
                 "`, or publish another port";
  const std::string process = process_on(*port);
  return process.empty() ? "" : subject + " is taken by " + process + "; stop it, or publish another port";
}

}  // namespace consort::project
