// The two short forms with a grammar: "127.0.0.1:8000-8010:80/tcp" and "data:/var/lib:ro".
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/strings.hpp"
#include "compose/passes/canonical.hpp"

namespace consort::compose {

namespace {

struct PortRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

std::optional<std::uint32_t> port_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size() || value > 65535) {
    return std::nullopt;
  }
  return value;
}

std::optional<PortRange> port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    const auto number = port_number(text);
    return number ? std::optional(PortRange{*number, *number}) : std::nullopt;
  }
  const auto first = port_number(text.substr(0, dash));
  const auto last = port_number(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

bool is_address(const std::string& text) {
  in_addr four{};
  in6_addr six{};
  return inet_pton(AF_INET, text.c_str(), &four) == 1 || inet_pton(AF_INET6, text.c_str(), &six) == 1;
}

struct PortParts {
  std::string ip;
  std::string host;
  std::string container;
  std::string protocol = "tcp";
};

PortParts split_port(const std::string& text) {
  std::vector<std::string> parts = split(text, ':');
  PortParts made;
  made.container = parts.back();
  if (parts.size() > 1) made.host = parts[parts.size() - 2];
  if (parts.size() > 2) {
    parts.resize(parts.size() - 2);
    made.ip = join(parts, ":");
  }
  const std::vector<std::string> protocol = split(made.container, '/');
  made.container = protocol[0];
  if (protocol.size() > 1 && !protocol[1].empty()) made.protocol = to_lower(protocol[1]);
  return made;
}

struct PortFlaw {
  enum class Kind : std::uint8_t { none, address, missing, number, ranges, protocol };
  Kind kind = Kind::none;
  std::string why;     // in Docker's words
  std::string number;  // Kind::number: the text in its place
};

PortFlaw check_port(const std::string& text, PortParts& parts, PortRange& container, PortRange& host) {
  using Kind = PortFlaw::Kind;
  if (parts.ip.starts_with('[')) {
    if (!parts.ip.ends_with(']'))
      return {Kind::address, "Invalid ip address " + parts.ip + ": missing ']' in address", {}};
    parts.ip = parts.ip.substr(1, parts.ip.size() - 2);
  } else if (parts.ip.find(':') != std::string::npos) {
    return {Kind::address,
            "Invalid ip address " + parts.ip + ": too many colons in address; an IPv6 address needs brackets",
            {}};
  }
  if (!parts.ip.empty() && !is_address(parts.ip)) return {Kind::address, "Invalid ip address: " + parts.ip, {}};
  if (parts.container.empty()) return {Kind::missing, "No port specified: " + text + "<empty>", {}};
  const auto container_range = port_range(parts.container);
  if (!container_range) return {Kind::number, "Invalid containerPort: " + parts.container, parts.container};
  container = *container_range;
  if (!parts.host.empty()) {
    const auto host_range = port_range(parts.host);
    if (!host_range) return {Kind::number, "Invalid hostPort: " + parts.host, parts.host};
    host = *host_range;
    if (container.last - container.first != host.last - host.first && container.first != container.last) {
      return {Kind::ranges,
              "Invalid ranges specified for container and host Ports: " + parts.container + " and " + parts.host,
              {}};
    }
  }
  if (parts.protocol != "tcp" && parts.protocol != "udp" && parts.protocol != "sctp") {
    return {Kind::protocol, "Invalid proto: " + parts.protocol, {}};
  }
  return {};
}

// The most likely meaning of a port that cannot be parsed, "" if it cannot be guessed.
std::string better_port(const std::string& text, const PortParts& parts) {
  std::string right = text;
  for (const char* quote : {"\xE2\x80\x9C", "\xE2\x80\x9D", "\xE2\x80\x98", "\xE2\x80\x99", "\"", "'"})
    right = replace_all(right, quote, "");
  for (const char* scheme : {"http://", "https://", "tcp://", "udp://"}) right = replace_all(right, scheme, "");
  right = replace_all(right, "localhost:", "127.0.0.1:");
  for (const char* sign : {"->", "=>", "="}) right = replace_all(right, sign, ":");
  for (const std::string protocol : {"tcp", "udp", "sctp"}) {
    for (const char* sign : {" ", ":"}) {
      if (right.ends_with(sign + protocol))
        right = right.substr(0, right.size() - protocol.size() - 1) + "/" + protocol;
    }
  }
  right = replace_all(right, " ", "");
  if (const std::vector<std::string> all = split(text, ':');
      all.size() == 3 && is_address(all[1]) && !parts.ip.empty()) {
    right = all[1] + ":" + all[0] + ":" + all[2];
  }
  PortParts again = split_port(right);
  PortRange container;
  PortRange host;
  return right != text && check_port(right, again, container, host).kind == PortFlaw::Kind::none ? right : "";
}

void help_port(Diagnostic& made, const std::string& text, const PortParts& parts, const PortFlaw& flaw,
               const Node& item, Reporter& reporter) {
  using Kind = PortFlaw::Kind;
  made.label = flaw.why;
  const std::string right = better_port(text, parts);
  const bool digits = !flaw.number.empty() && flaw.number.find_first_not_of("0123456789") == std::string::npos;
  if (!right.empty()) {
    made.help = "write \"" + right + "\"";
    made.fixes.push_back(
        Fix{"write \"" + right + "\"", Certainty::certain, {reporter.edit(item.place, "\"" + right + "\"")}});
  } else if (text.find("{{") != std::string::npos) {
    made.label = "`{{ }}` is not expanded here";
    made.help = "write variables as ${NAME}, or have the tool that expands `{{ }}` generate this file";
  } else if (text.find(',') != std::string::npos) {
    made.label = "more than one port";
    made.help = "write one item for each: " + join(split(text, ','), " and ");
  } else if (flaw.kind == Kind::protocol) {
    made.help = "use tcp, udp or sctp";
  } else if (flaw.kind == Kind::address) {
    made.help = "write \"127.0.0.1:8000:80\" or \"[::1]:8000:80\"";
  } else if (flaw.kind == Kind::ranges) {
    made.label = "ranges of different lengths";
    made.help = "give as many host ports as container ports";
  } else if (digits) {
    made.label = flaw.number + " is more than 65535";
    made.help = "ports are numbers from 0 to 65535";
  } else {
    made.help = "write \"HOST:CONTAINER\", for example \"8000:80\"; ports are numbers from 0 to 65535";
  }
}

}  // namespace

std::vector<Node> parse_port(const Node& item, const std::string& path, Reporter& reporter, std::size_t& ports_left) {
  const std::string text = item.scalar_text();
  const PortParts as_written = split_port(text);
  PortParts parts = as_written;
  PortRange container;
  PortRange host;
  const PortFlaw flaw = check_port(text, parts, container, host);
  if (flaw.kind != PortFlaw::Kind::none) {
    Diagnostic& made = reporter.error("bad-port", path + ": " + flaw.why, item.place);
    help_port(made, text, as_written, flaw, item, reporter);
    return {};
  }
  const std::size_t count = container.last - container.first + 1;
  if (count > 1 && count > ports_left) {
    if (ports_left > 0) {
      reporter.error("too-large", path + ": the port ranges of this project contain too many ports", item.place).help =
          "use `network_mode: host` for a service that needs so many";
    }
    ports_left = 0;
    return {};
  }
  if (count > 1) ports_left -= count;
  std::vector<Node> made;
  for (std::uint32_t i = 0; i < count; ++i) {
    Node port = Node::make_mapping(item.place);
    port.set("mode", Node::make_string("ingress", item.place));
    if (!parts.ip.empty()) port.set("host_ip", Node::make_string(parts.ip, item.place));
    // Port 0 counts as unset.
    if (container.first + i > 0) port.set("target", Node::make_integer(container.first + i, item.place));
    if (!parts.host.empty()) {
      const bool range = container.first == container.last && host.first != host.last;
      port.set("published", Node::make_string(range ? parts.host : std::to_string(host.first + i), item.place));
    }
    port.set("protocol", Node::make_string(parts.protocol, item.place));
    made.push_back(std::move(port));
  }
  return made;
}

namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_path(std::string_view source) {
  if (source.empty()) return false;
  if (source[0] == '.' || source[0] == '/' || source[0] == '~') return true;
  if (source.starts_with("\\\\")) return true;
  return source.size() > 1 && is_letter(source[0]) && source[1] == ':';
}

Node& options_of(Node& mount, std::string_view kind) {
  if (Node* found = mount.find(kind)) return *found;
  return mount.set(kind, Node::make_mapping(mount.place), mount.place);
}

bool is_mount_option(std::string_view option) {
  constexpr std::array<std::string_view, 16> known{
      "ro",      "rw",     "nocopy",   "z",      "Z",         "shared",     "slave",         "private",
      "rshared", "rslave", "rprivate", "cached", "delegated", "consistent", "volume-nocopy", "bind"};
  return std::ranges::count(known, option) > 0;
}

// Warns of options that Docker Compose ignores because it does not know them.
void warn_of_options(const Node& item, Reporter& reporter) {
  const std::vector<std::string> parts = split(item.text, ':');
  if (parts.size() < 3 || parts.back().find('/') != std::string::npos || parts.back().find('$') != std::string::npos)
    return;
  for (const std::string& option : split(parts.back(), ',')) {
    if (is_mount_option(option)) continue;
    Diagnostic& made = reporter.warning("unknown-mount-option",
                                        "the mount option `" + option + "` is not known and does nothing", item.place);
    const std::string word = to_lower(replace_all(option, "_", ""));
    made.label = "not an option of a mount";
    made.help = word == "readonly" || word == "read" || word == "r" ? "write `ro`"
                : word == "readwrite" || word == "w"                ? "remove it: mounts are writable"
                                                                    : "use ro, rw, z, Z, nocopy or a propagation mode";
  }
}

// `d:/data` without a source: Docker Compose takes it for a Windows path, which the engine then rejects as a target.
void warn_of_drive(const Node& item, Reporter& reporter) {
  const std::string& text = item.text;
  if (text.size() < 3 || !is_letter(text[0]) || text[1] != ':') return;
  Diagnostic& made = reporter.warning(
      "drive-letter",
      "\"" + text + "\" is read as a path on the Windows drive " + text.substr(0, 2) + ", not as a volume", item.place);
  made.label = "one letter before a colon is a drive";
  made.help = "write {type: volume, source: " + text.substr(0, 1) + ", target: " + text.substr(2) +
              "}, or give the volume a longer name";
}

void mount_option(Node& mount, std::string_view option) {
  const Place place = mount.place;
  if (option == "ro") {
    mount.set("read_only", Node::make_boolean(true, place));
  } else if (option == "rw") {
    mount.erase("read_only");  // as in Docker Compose, which omits false: visible with --no-interpolate
  } else if (option == "nocopy") {
    options_of(mount, "volume").set("nocopy", Node::make_boolean(true, place));
  } else if (option == "z" || option == "Z") {
    options_of(mount, "bind").set("selinux", Node::make_string(std::string(option), place));
  } else if (option == "shared" || option == "slave" || option == "private" || option == "rshared" ||
             option == "rslave" || option == "rprivate") {
    options_of(mount, "bind").set("propagation", Node::make_string(std::string(option), place));
  }
}

std::string fill_mount(Node& mount, const std::string& text) {
  std::string source;
  std::string target;
  std::string field;
  int variables = 0;  // open `${`; colons inside them do not separate
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool end = i == text.size();
    const char c = end ? '\0' : text[i];
    if (c == '$' && i + 1 < text.size() && text[i + 1] == '{') ++variables;
    if (c == '}' && variables > 0) --variables;
    if (end && variables > 0) break;
    if (!end && (c != ':' || variables > 0 || (field.size() == 1 && is_letter(field[0])))) {
      field.push_back(c);
      continue;
    }
    if (field.empty()) return "empty section between colons";
    if (source.empty() && end) {
      target = field;
    } else if (source.empty()) {
      source = field;
    } else if (target.empty()) {
      target = field;
    } else if (c == ':') {
      return "too many colons";
    } else {
      for (const std::string& option : split(field, ',')) mount_option(mount, option);
    }
    field.clear();
  }
  if (!source.empty()) mount.set("source", Node::make_string(source, mount.place));
  if (!target.empty()) mount.set("target", Node::make_string(target, mount.place));
  return {};
}

}  // namespace

Node parse_mount(const Node& item, const std::string& path, Reporter& reporter) {
  const std::string text = item.scalar_text();
  Node mount = Node::make_mapping(item.place);
  if (text.empty()) {
    Diagnostic& made = reporter.error("bad-volume", path + ": invalid empty volume spec", item.place);
    made.help = "write SOURCE:TARGET, for example \"data:/var/lib/data\" or \"./src:/app\"";
    return mount;
  }
  if (text.size() < 3) {
    mount.set("type", Node::make_string("volume", item.place));
    mount.set("target", Node::make_string(text, item.place));
    return mount;
  }
  mount.set("type", Node::make_string("volume", item.place));
  const std::string why = fill_mount(mount, text);
  if (!why.empty()) {
    Diagnostic& made = reporter.error("bad-volume", "invalid spec: " + text + ": " + why, item.place);
    made.label = why;
    made.help = "write SOURCE:TARGET[:OPTIONS], for example \"./src:/app:ro\"";
    return mount;
  }
  warn_of_options(item, reporter);
  const Node* source = mount.find("source");
  if (!source) warn_of_drive(item, reporter);
  if (source && is_path(source->text)) {
    mount.set("type", Node::make_string("bind", item.place));
    options_of(mount, "bind").set("create_host_path", Node::make_boolean(true, item.place));
  } else {
    options_of(mount, "volume");
  }
  return mount;
}

}  // namespace consort::compose
