// The order in which a project's containers are stopped at the end: dependents before their dependencies.
#pragma once

#include <string>
#include <vector>

namespace consort::supervisor {

class StopOrder {
 public:
  struct Member {
    std::string id;
    std::string service;
    std::vector<std::string> depends_on;  // services
  };
  explicit StopOrder(std::vector<Member> members) : left_(members.begin(), members.end()) {}

  // The containers to stop now; each ID is returned once. A cycle is returned together.
  std::vector<std::string> next();
  void stopped(const std::string& id);
  bool done() const { return left_.empty(); }

 private:
  struct Left : Member {
    explicit Left(Member member) : Member(std::move(member)) {}
    bool told = false;
  };
  bool is_needed(const Left& member) const;

  std::vector<Left> left_;  // not ended yet
};

}  // namespace consort::supervisor
