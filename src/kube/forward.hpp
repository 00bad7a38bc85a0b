// Makes published ports of a project's services available on this machine while the command runs: each connection goes
// through the API to a ready pod.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/session.hpp"

namespace consort::kube {

struct Forward {
  std::string service;
  std::string address;          // on this machine; "": 127.0.0.1
  std::uint16_t here = 0;       // 0: any
  std::uint16_t here_last = 0;  // use the first free port up to this one; 0: just `here`
  std::uint16_t there = 0;      // in the container
};

class Forwards {
 public:
  // Listens on all of them or on none: Code::conflict for a port that is taken. The session is borrowed.
  static Result<std::unique_ptr<Forwards>> start(Session& session, const std::vector<Forward>& wanted);
  ~Forwards();  // closes all connections
  // The requested ports, with the port that each one got.
  std::vector<Forward> all() const;
  Forwards(const Forwards&) = delete;
  Forwards& operator=(const Forwards&) = delete;

 private:
  struct State;
  explicit Forwards(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::kube
