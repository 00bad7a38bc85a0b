// Formats containers as `ps` does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/state_text.hpp"
#include "engine/types.hpp"

namespace consort::cli {

using engine::status_text;

enum class Shorten : std::uint8_t { no, yes };  // no: --no-trunc

struct Publisher {
  std::string url;  // host address; "" if the port is only exposed
  std::uint16_t target = 0, published = 0;
  std::string protocol;
};
std::vector<Publisher> publishers(const engine::Container& container);  // sorted
std::string port_text(const std::vector<Publisher>& publishers);        // "0.0.0.0:80->80/tcp, 8000/tcp"

std::string command_text(const engine::Strings& command, Shorten shorten);  // quoted
std::string cut(const std::string& text, std::size_t most);  // shortened to `most` cells, ending in "…"

}  // namespace consort::cli
