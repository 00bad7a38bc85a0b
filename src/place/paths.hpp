// Paths, timeouts and messages that the parts of this module share.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "place/holder/protocol.hpp"

namespace consort::place {

// The keeper answers at once, but the machine may be slow.
inline constexpr std::chrono::milliseconds answer_patience{20'000};
inline constexpr std::chrono::milliseconds link_patience{30'000};

std::string socket_path(const Roots& roots);
std::string lock_path(const Roots& roots);  // held while a process keeps or creates the place

struct Answer {
  Kind kind = Kind::failed;
  int error = 0;
  std::string text;
  std::vector<Fd> fds;
};
Result<Answer> receive_answer(int socket, std::chrono::milliseconds patience);

struct Welcome {
  Fd socket, user, mount, network;
};
// nullopt: there is no place.
Result<std::optional<Welcome>> connect_to(const Roots& roots);

// The command to type if pasta is missing or fails.
std::string link_hint();

}  // namespace consort::place
