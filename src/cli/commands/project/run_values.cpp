#include "cli/commands/project/run_values.hpp"

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::cli {

namespace {

struct PortRange {
  unsigned first = 0, last = 0;
};

Result<PortRange> parse_range(std::string_view text, std::string_view what) {
  const std::size_t dash = text.find('-');
  const auto first = parse_unsigned(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_unsigned(text.substr(dash + 1));
  if (!first || !last || *first > 65535 || *last > 65535 || *last < *first)
    return fail(Code::invalid, "Invalid " + std::string(what) + ": " + std::string(text));
  return PortRange{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

}  // namespace

Result<engine::MountSpec> parse_mount(const std::string& text, const std::string& directory,
                                      const compose::Project& project) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() > 3) return fail(Code::invalid, "invalid spec: " + text + ": too many colons");
  for (const std::string& part : parts)
    if (part.empty()) return fail(Code::invalid, "invalid spec: " + text + ": empty section between colons");
  engine::MountSpec mount;
  if (parts.size() == 1) {
    mount.target = parts[0];
    return mount;
  }
  mount.target = parts[1];
  const std::string& source = parts[0];
  if (source[0] == '/' || source[0] == '.' || source[0] == '~') {
    mount.type = engine::MountType::bind;
    mount.create_host_path = true;
    mount.source = join_path(directory, source);
  } else {
    const auto volume = project.volumes.find(source);
    mount.source = volume == project.volumes.end() ? source : volume->second.name;
  }
  if (parts.size() == 3)
    for (const std::string& option : split(parts[2], ',')) {
      if (option == "ro") mount.read_only = true;
      if (option == "nocopy") mount.nocopy = true;
      if (option == "z" || option == "Z") mount.selinux = option;
    }
  return mount;
}

Result<std::vector<engine::PortBinding>> parse_publish(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string protocol = slash == std::string::npos ? "tcp" : to_lower(text.substr(slash + 1));
  if (protocol != "tcp" && protocol != "udp") return fail(Code::invalid, "Invalid proto: " + protocol);
  std::string rest = text.substr(0, slash);
  const std::size_t last = rest.rfind(':');
  const PortRange target =
      TRY(parse_range(std::string_view(rest).substr(last == std::string::npos ? 0 : last + 1), "containerPort"));
  rest = last == std::string::npos ? "" : rest.substr(0, last);
  std::string host_ip;
  if (const std::size_t colon = rest.rfind(':'); colon != std::string::npos && !rest.ends_with(']')) {
    host_ip = rest.substr(0, colon);
    rest = rest.substr(colon + 1);
  }
  if (host_ip.starts_with('[') && host_ip.ends_with(']')) host_ip = host_ip.substr(1, host_ip.size() - 2);
  const PortRange published = rest.empty() ? PortRange{} : TRY(parse_range(rest, "hostPort"));
  const unsigned count = target.last - target.first + 1;
  const unsigned host_count = published.last - published.first + 1;
  if (!rest.empty() && host_count != count && count != 1)
    return fail(Code::invalid, "Invalid ranges specified for container and host Ports: " + text);
  std::vector<engine::PortBinding> bindings;
  for (unsigned i = 0; i < count; ++i) {
    engine::PortBinding binding;
    binding.host_ip = host_ip;
    binding.container_port = static_cast<std::uint16_t>(target.first + i);
    binding.protocol = protocol;
    if (!rest.empty()) binding.host_port = static_cast<std::uint16_t>(published.first + i);
    if (count == 1 && host_count > 1) binding.host_port_end = static_cast<std::uint16_t>(published.last);
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

Result<std::vector<std::string>> with_lines_of(const std::vector<std::string>& files,
                                               const std::vector<std::string>& entries) {
  std::vector<std::string> all;
  for (const std::string& path : files)
    for (const std::string& line : split(TRY(read_file(path)), '\n'))
      if (const std::string_view text = trim(line); !text.empty() && text[0] != '#') all.emplace_back(text);
  all.insert(all.end(), entries.begin(), entries.end());
  return all;
}

}  // namespace consort::cli
