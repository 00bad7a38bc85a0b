// Published ports of a project's services on this machine, as long as somebody wants them: each connection goes through
// the API to a pod that is ready.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/session.hpp"

namespace consort::kube {

struct Forward {
  std::string service;
  std::string address;          // of this machine; "": 127.0.0.1
  std::uint16_t here = 0;       // 0: any
  std::uint16_t here_last = 0;  // the first free one up to this; 0: just `here`
  std::uint16_t there = 0;      // of the container
};

class Forwards {
 public:
  // Listens on all of them at once, or on none: Code::conflict for a port that is taken. The session is borrowed.
  static Result<std::unique_ptr<Forwards>> start(Session& session, const std::vector<Forward>& wanted);
  ~Forwards();  // ends all connections
  // As they were wanted, with the port that each has got.
  std::vector<Forward> all() const;
  Forwards(const Forwards&) = delete;
  Forwards& operator=(const Forwards&) = delete;

 private:
  struct State;
  explicit Forwards(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::kube
