// The protocol between Compose and the program that provides a service (docs/extension.md of Docker Compose):
// `PROGRAM compose --project-name=P up|down|stop --OPTION=VALUE... SERVICE`, and JSON messages on its standard output.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "project/exec/foreign_program.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

// One JSON object after the other out of pieces of text, however they are cut and whatever stands between: nothing,
// spaces or new lines.
class MessageReader {
 public:
  // `take` gets each whole object. Code::invalid for what cannot become one, or is longer than 1 MiB.
  Result<> feed(std::string_view piece, const std::function<Result<>(std::string_view object)>& take);
  bool between_objects() const { return object_.empty(); }
  const std::string& unfinished() const { return object_; }

 private:
  Result<> feed(char letter, const std::function<Result<>(std::string_view object)>& take);
  void follow(char letter);
  std::string object_;
  unsigned depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

struct ProviderCall {
  const std::string& project;  // borrowed, as all of these
  const std::string& service;
  const compose::Provider& provider;
  ProviderCommand command;
  const compose::StringMap& environment;  // with the PATH in which it is looked for
  const std::string& directory;
};

// What is told meanwhile; one thread.
struct ProviderListener {
  std::function<void(const std::string& line)> info;
  std::function<void(const std::string& text)> debug;  // may be empty
  std::function<void()> stopping;                      // of a stop that the program knows
};

// Code::not_found: there is no such program. All other errors say what the program said. A stop that the program does
// not know is nothing.
Result<ProviderAnswer> run_provider(const ProviderCall& call, const ProviderListener& listener,
                                    const Cancellation& cancel);

}  // namespace consort::project
