#include "image/reference.hpp"

#include <algorithm>

#include "base/sha256.hpp"
#include "base/strings.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_name = 255;
constexpr std::size_t max_tag = 128;
constexpr std::string_view default_registry = "docker.io";
constexpr std::string_view official_prefix = "library/";

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || is_upper(c);
}

Error bad_reference(std::string_view text, std::string reason = {}) {
  std::string what = "invalid reference format";
  if (!reason.empty()) what += ": " + reason;
  return Error(Code::invalid, what)
      .hint("write it as [registry/]name[:tag][@sha256:...], not \"" + std::string(text) + "\"");
}

// Alphanumeric runs joined by one of . _ __ or any number of -
bool valid_component(std::string_view part) {
  if (part.empty() || !is_lower_alnum(part.front()) || !is_lower_alnum(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_alnum(part[i])) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    while (i < part.size() && !is_lower_alnum(part[i])) ++i;
    const std::string_view separator = part.substr(start, i - start);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
  }
  return true;
}

bool valid_repository(std::string_view path) {
  const auto parts = split(path, '/');
  return std::ranges::all_of(parts, [](const std::string& part) { return valid_component(part); });
}

bool valid_host_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
}

bool valid_ipv6(std::string_view host) {
  if (host.size() < 4 || !host.starts_with('[') || !host.ends_with(']')) return false;
  const std::string_view inner = host.substr(1, host.size() - 2);
  return std::ranges::all_of(inner, [](char c) { return c == ':' || c == '.' || is_hex(std::string_view(&c, 1)); });
}

bool valid_registry(std::string_view registry) {
  std::string_view host = registry;
  const std::size_t bracket = registry.rfind(']');
  const std::size_t colon = registry.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = parse_unsigned(registry.substr(colon + 1));
    if (!port || *port > 65535) return false;
    host = registry.substr(0, colon);
  }
  if (host.starts_with('[')) return valid_ipv6(host);
  const auto labels = split(host, '.');
  return std::ranges::all_of(labels, [](const std::string& label) { return valid_host_label(label); });
}

bool valid_tag(std::string_view tag) {
  if (tag.empty() || tag.size() > max_tag) return false;
  if (!is_alnum(tag.front()) && tag.front() != '_') return false;
  return std::ranges::all_of(tag, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

bool looks_like_registry(std::string_view first) {
  return first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
         std::ranges::any_of(first, is_upper);
}

// Splits "name:tag": a port's colon comes before a slash.
std::pair<std::string_view, std::string_view> split_tag(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find('/', colon) != std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon)};  // the colon distinguishes "no tag" from "empty tag"
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  const auto bad = [&](std::string why) {
    return fail(Error(Code::invalid, "invalid digest").on("\"" + std::string(text.substr(0, 160)) + "\"").why(why));
  };
  if (!text.starts_with(prefix)) return bad("only sha256 digests are supported");
  const std::string_view hex = text.substr(prefix.size());
  if (hex.size() != 64 || !is_hex(hex) || std::ranges::any_of(hex, is_upper))
    return bad("64 lower-case hexadecimal digits are expected");
  return Digest(std::string(hex));
}

Digest Digest::of(std::string_view content) {
  return Digest(sha256_hex(content));
}

Result<Reference> Reference::parse(std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest) return fail(bad_reference(text, digest.error().message()));
    reference.digest = *digest;
    rest = rest.substr(0, at);
  }
  if (rest.size() == 64 && is_hex(rest) && std::ranges::none_of(rest, is_upper))
    return fail(Error(Code::invalid, "invalid repository name (" + std::string(rest) +
                                         "), cannot specify 64-byte hexadecimal strings"));
  const auto [name, colon_tag] = split_tag(rest);
  if (!colon_tag.empty()) {
    reference.tag = colon_tag.substr(1);
    if (!valid_tag(reference.tag)) return fail(bad_reference(text));
  }

  const std::size_t slash = name.find('/');
  std::string_view path = name;
  reference.registry = default_registry;
  if (slash != std::string_view::npos && looks_like_registry(name.substr(0, slash))) {
    reference.registry = name.substr(0, slash);
    path = name.substr(slash + 1);
  }
  if (reference.registry == "index.docker.io") reference.registry = default_registry;
  reference.repository = path;
  if (reference.registry == default_registry && path.find('/') == std::string_view::npos)
    reference.repository = std::string(official_prefix) + std::string(path);
  if (!path.empty() && std::ranges::any_of(path, is_upper) && valid_repository(to_lower(reference.repository)))
    return fail(bad_reference(text, "repository name (" + reference.repository + ") must be lowercase"));
  if (!valid_registry(reference.registry) || !valid_repository(reference.repository)) return fail(bad_reference(text));
  if (reference.name().size() > max_name)
    return fail(bad_reference(text.substr(0, 80), "repository name must not be more than 255 characters"));
  if (reference.tag.empty() && !reference.digest) reference.tag = "latest";
  return reference;
}

std::string familiar_name(std::string_view full_name) {
  const std::string prefix = std::string(default_registry) + "/";
  if (!full_name.starts_with(prefix)) return std::string(full_name);
  std::string_view rest = full_name.substr(prefix.size());
  // "docker.io/a.b/c": without its registry it would be parsed as c on the registry a.b.
  if (const std::size_t slash = rest.find('/');
      slash != std::string_view::npos && looks_like_registry(rest.substr(0, slash)))
    return std::string(full_name);
  if (rest.starts_with(official_prefix) && rest.find('/', official_prefix.size()) == std::string_view::npos)
    rest.remove_prefix(official_prefix.size());
  return std::string(rest);
}

std::string Reference::name() const {
  return registry + "/" + repository;
}
std::string Reference::familiar_name() const {
  return image::familiar_name(name());
}

std::string Reference::full() const {
  return name() + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->text() : "");
}

std::string Reference::familiar() const {
  return familiar_name() + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->text() : "");
}

}  // namespace consort::image
