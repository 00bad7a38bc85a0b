// Which ports of this machine an attached `up` forwards, for other commands as long as it runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "kube/forward.hpp"

namespace consort::cli {

class ForwardRecord {
 public:
  // Of the session's project.
  static Result<ForwardRecord> write(const kube::Session& session, const std::vector<kube::Forward>& forwards);
  ForwardRecord(ForwardRecord&&) = default;
  ForwardRecord& operator=(ForwardRecord&&) = delete;
  ForwardRecord(const ForwardRecord&) = delete;
  ForwardRecord& operator=(const ForwardRecord&) = delete;
  ~ForwardRecord();

 private:
  ForwardRecord(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  Fd lock_;  // held as long as what it says is true, even if we are killed
};

// "127.0.0.1:8000": where a TCP port of a service is forwarded now; nullopt: nowhere.
std::optional<std::string> forwarded_at(const kube::Session& session, const std::string& service, std::uint16_t port);

}  // namespace consort::cli
