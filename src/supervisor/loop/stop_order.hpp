// In which order the containers of one project are stopped when everything ends: dependents before what they depend on.
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

  // Whom to stop now; each id is given once. What nobody else can come before (a cycle) is given together.
  std::vector<std::string> next();
  void stopped(const std::string& id);
  bool done() const { return left_.empty(); }

 private:
  struct Left : Member {
    explicit Left(Member member) : Member(std::move(member)) {}
    bool told = false;
  };
  bool is_needed(const Left& member) const;

  std::vector<Left> left_;  // that have not ended yet
};

}  // namespace consort::supervisor
