// Docker's API without a server: one request, answered in this process. For commands that must show, or be told, what
// `docker` is, in exactly its words.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::serve {

struct Question {
  std::string_view method = "GET";
  std::string target;     // "/containers/web/json?size=1", percent-encoded
  std::string body = {};  // JSON; "": none
};

class Service;  // serve/api/service.hpp

class Api {
 public:
  explicit Api(const Roots& roots);
  ~Api();
  // The body of the answer. What the API refuses is an error with its message: Code::not_found for 404 and the like.
  // Containers that are to go by themselves are looked after for as long as this object lives.
  Result<std::string> ask(const Question& question);

 private:
  std::unique_ptr<Service> service_;
};

}  // namespace consort::serve
