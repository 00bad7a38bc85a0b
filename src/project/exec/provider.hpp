// The protocol between Compose and the program that provides a service (docs/extension.md of Docker Compose): `PROGRAM
// compose --project-name=P up|down|stop --OPTION=VALUE... SERVICE`, with JSON messages on its standard output.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "project/exec/foreign_program.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

// Extracts JSON objects from pieces of text, however these are split and with or without white space between the
// objects.
class MessageReader {
 public:
  // `take` gets each complete object. Code::invalid for text that cannot become one or is longer than 1 MiB.
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
  const std::string& project;  // borrowed, as are the others
  const std::string& service;
  const compose::Provider& provider;
  ProviderCommand command;
  const compose::StringMap& environment;  // its PATH is searched for the program
  const std::string& directory;
};

// Receives the provider's messages; called from one thread.
struct ProviderListener {
  std::function<void(const std::string& line)> info;
  std::function<void(const std::string& text)> debug;  // may be empty
  std::function<void()> stopping;                      // for a stop that the program supports
};

// Code::not_found: there is no such program. All other errors have the program's message. A stop that the program does
// not support succeeds.
Result<ProviderAnswer> run_provider(const ProviderCall& call, const ProviderListener& listener,
                                    const Cancellation& cancel);

}  // namespace consort::project
