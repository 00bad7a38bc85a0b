// The supervisor's end of the connection to the keeper (keeper/protocol.hpp).
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/fd.hpp"
#include "supervisor/keeper/protocol.hpp"

namespace consort::supervisor {

struct KeptExit {
  pid_t pid = 0;
  int wait_status = 0;
};

class KeeperLink {
 public:
  explicit KeeperLink(Fd socket) : socket_(std::move(socket)) {}
  int fd() const { return socket_.get(); }

  // What the keeper has for a new supervisor. Blocks until all of it has arrived.
  struct Inheritance {
    std::map<std::string, Fd> descriptors;
    std::vector<KeptExit> exits;
    int generation = 1;  // 1: the first supervisor
  };
  Result<Inheritance> inherit();

  // An error means that the keeper is gone; receive() reports that too, so callers of these functions need not check.
  void put(const std::string& name, int fd);       // fd is borrowed
  void remove(const std::string& name_or_prefix);  // "ID/*"
  void acknowledge(pid_t pid);
  void ready();
  void finished();

  // The next exit, if one has arrived. Code::not_found: the keeper has ended.
  Result<std::optional<KeptExit>> receive();

 private:
  void send(keeper::Kind kind, std::string_view name, pid_t pid, int fd);
  Fd socket_;
};

}  // namespace consort::supervisor
