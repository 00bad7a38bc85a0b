#include "cli/render/container_text.hpp"

#include <algorithm>
#include <tuple>

#include "base/cells.hpp"
#include "base/strings.hpp"
#include "engine/state_text.hpp"

namespace consort::cli {

namespace {

std::string address_text(const std::string& url) {
  return url.find(':') != std::string::npos ? "[" + url + "]" : url;
}

std::string range_text(unsigned first, unsigned last) {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

// Ports of one address and protocol that follow each other.
struct Range {
  std::string url, protocol;
  unsigned first, last;

  std::string text() const {
    const std::string ports = range_text(first, last);
    return (url.empty() ? ports : address_text(url) + ":" + ports + "->" + ports) + "/" + protocol;
  }
};

}  // namespace

std::vector<Publisher> publishers(const engine::Container& container) {
  std::vector<Publisher> result;
  for (const engine::BoundPort& port : container.state.ports)
    result.push_back({port.host_ip, port.container_port, port.host_port, port.protocol});
  for (const std::string& exposed : engine::shown_exposed(container)) {
    const std::size_t slash = exposed.find('/');
    const std::string_view numbers = std::string_view(exposed).substr(0, slash);
    const std::string protocol = slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
    const std::size_t dash = numbers.find('-');
    const auto first = parse_unsigned(numbers.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_unsigned(numbers.substr(dash + 1));
    if (!first || !last || *last > 65535) continue;
    for (std::uint64_t number = *first; number <= *last; ++number) {
      const bool published = std::ranges::any_of(
          result, [&](const Publisher& each) { return each.target == number && each.protocol == protocol; });
      if (!published) result.push_back({"", static_cast<std::uint16_t>(number), 0, protocol});
    }
  }
  std::ranges::sort(result, {}, [](const Publisher& each) {
    return std::make_tuple(each.target, each.url, each.published, each.protocol);
  });
  return result;
}

// As Docker does: ports that are published under their own number make ranges, the others stand alone behind them.
std::string port_text(const std::vector<Publisher>& ports) {
  std::vector<Range> ranges;
  std::vector<std::string> ended;
  std::vector<std::string> moved;
  for (const Publisher& port : ports) {
    if (!port.url.empty() && port.published != port.target) {
      moved.push_back(address_text(port.url) + ":" + std::to_string(port.published) + "->" +
                      std::to_string(port.target) + "/" + port.protocol);
      continue;
    }
    const auto found = std::ranges::find_if(
        ranges, [&](const Range& range) { return range.url == port.url && range.protocol == port.protocol; });
    if (found == ranges.end()) {
      ranges.push_back({port.url, port.protocol, port.target, port.target});
    } else if (port.target == found->last + 1) {
      found->last = port.target;
    } else {
      ended.push_back(found->text());
      found->first = found->last = port.target;
    }
  }
  std::vector<std::string> texts = std::move(ended);
  for (const Range& range : ranges) texts.push_back(range.text());
  texts.insert(texts.end(), moved.begin(), moved.end());
  return join(texts, ", ");
}

std::string cut(const std::string& text, std::size_t most) {
  return cells_of(text) <= most ? text : std::string(cut_to_cells(text, most - 1)) + "…";
}

std::string command_text(const engine::Strings& command, Shorten shorten) {
  const std::string whole = engine::command_line(command);
  std::string quoted = "\"";
  for (const char c : shorten == Shorten::yes ? cut(whole, 20) : whole) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (c == '\a') {
      quoted += "\\a";
    } else {
      quoted += c;
    }
  }
  return sanitized(quoted) + "\"";
}

}  // namespace consort::cli
