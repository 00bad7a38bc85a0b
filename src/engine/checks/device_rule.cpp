#include "engine/checks/device_rule.hpp"

#include "base/narrow.hpp"
#include "base/strings.hpp"

namespace consort::engine {

namespace {

// A device number as the kernel has it. False: it is neither a number nor "*".
bool read_number(const std::string& text, std::optional<std::int64_t>& into) {
  if (text == "*") return true;
  const auto number = parse_unsigned(text);
  if (!number) return false;
  into = fitting<std::uint32_t>(*number);
  return into.has_value();
}

}  // namespace

std::optional<runtime::DeviceRule> parse_device_rule(const std::string& text) {
  const std::vector<std::string> parts = split(text, ' ');
  if (parts.size() != 3) return std::nullopt;
  const std::string &type = parts[0], &access = parts[2];
  const std::vector<std::string> numbers = split(parts[1], ':');
  if (type != "a" && type != "b" && type != "c") return std::nullopt;
  if (access.empty() || access.size() > 3 || access.find_first_not_of("rwm") != std::string::npos) return std::nullopt;
  runtime::DeviceRule rule{.allow = true, .type = type[0], .access = access};
  if (numbers.size() != 2 || !read_number(numbers[0], rule.major) || !read_number(numbers[1], rule.minor))
    return std::nullopt;
  return rule;
}

}  // namespace consort::engine
