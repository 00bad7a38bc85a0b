#include "engine/start/log_ship.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort::engine {

namespace {

constexpr std::size_t short_id = 12;
constexpr const char* journal_socket = "/run/systemd/journal/socket";

std::unexpected<Error> refuse(const std::string& text) {
  return fail(Error(Code::invalid, text).about(Subject::setting, "logging/options"));
}

std::string option(const LogSpec& log, const char* name, std::string fallback = {}) {
  const auto found = log.options.find(name);
  if (found == log.options.end()) return fallback;
  return found->second;
}

// In the order of their numbers in the protocol, as in syslog(3).
constexpr std::array<std::string_view, 24> facilities{
    "kern", "user", "mail", "daemon", "auth",   "syslog", "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
    "",     "",     "",     "",       "local0", "local1", "local2", "local3", "local4", "local5", "local6",   "local7"};

Result<unsigned> facility_of(const std::string& text) {
  if (text.empty()) return 3U;
  if (const auto number = parse_unsigned(text); number && *number < facilities.size())
    return static_cast<unsigned>(*number);
  const auto found = std::ranges::find(facilities, to_lower(text));
  if (found == facilities.end()) return refuse("invalid syslog facility");
  return static_cast<unsigned>(found - facilities.begin());
}

struct Place {
  std::string network;  // unixgram, unix, udp, tcp
  std::string host;     // or a path
  std::string port;
};

// "udp://host:514", "unix:///dev/log", "unixgram:///dev/log"; for fluentd also "host:port".
Result<Place> place_of(std::string_view text, std::string_view what, std::string_view default_port) {
  Place place;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos && what == "fluentd-address") {
    place.network = "tcp";
  } else if (scheme == std::string_view::npos) {
    return refuse(std::string(what) + " should be in form proto://address, got " + std::string(text));
  } else {
    place.network = text.substr(0, scheme);
    text.remove_prefix(scheme + 3);
  }
  if (place.network == "unix" || place.network == "unixgram") {
    place.host = text;
    return place;
  }
  if (place.network == "tcp+tls" || place.network == "tls")
    return fail(Error(Code::unsupported, "logging over TLS is not supported: " + std::string(what) + " " +
                                             place.network + "://" + std::string(text))
                    .hint("send to a relay on this machine that forwards over TLS")
                    .about(Subject::setting, "logging/options"));
  if (place.network != "udp" && place.network != "tcp") return refuse("unsupported scheme: '" + place.network + "'");
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && !text.substr(colon).contains(']');
  place.host = text.substr(0, has_port ? colon : text.size());
  if (place.host.starts_with('[') && place.host.ends_with(']'))
    place.host = place.host.substr(1, place.host.size() - 2);
  place.port = has_port ? text.substr(colon + 1) : default_port;
  const auto number = parse_unsigned(place.port);
  if (place.host.empty() || !number || *number == 0 || *number > 65535)
    return refuse("invalid " + std::string(what) + ": " + std::string(text));
  return place;
}

Result<Place> place_of(const LogSpec& log) {
  if (log.driver == "journald") return Place{"unixgram", journal_socket, ""};
  if (log.driver == "gelf") {
    const std::string address = option(log, "gelf-address");
    if (address.empty()) return refuse("gelf-address is a required parameter");
    return place_of(address, "gelf-address", "12201");
  }
  if (log.driver == "fluentd")
    return place_of(option(log, "fluentd-address", "tcp://127.0.0.1:24224"), "fluentd-address", "24224");
  const std::string address = option(log, "syslog-address");
  return address.empty() ? Place{"unixgram", "/dev/log", ""} : TRY(place_of(address, "syslog-address", "514"));
}

// {{.Name}} and the like: what Docker's templates support. Anything else is refused.
Result<std::string> fill_in(const std::string& form, const StringMap& values) {
  std::string text;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = form.find("{{", at);
    text += form.substr(at, open - at);
    if (open == std::string::npos) return text;
    const std::size_t close = form.find("}}", open);
    const std::string name(trim(form.substr(open + 2, close == std::string::npos ? close : close - open - 2)));
    const auto found = name.starts_with('.') ? values.find(name.substr(1)) : values.end();
    if (close == std::string::npos || found == values.end())
      return refuse("error in tag template: " + form +
                    ": use {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageID}}, "
                    "{{.ImageFullID}}, {{.ImageName}} and {{.DaemonName}}");
    text += found->second;
    at = close + 2;
  }
}

StringMap values_of(const Container& container) {
  const std::string image_id = container.image_id.substr(container.image_id.find(':') + 1);
  return {{"ID", container.id.substr(0, short_id)},
          {"FullID", container.id},
          {"Name", container.name},
          {"ImageID", image_id.substr(0, short_id)},
          {"ImageFullID", container.image_id},
          {"ImageName", container.image},
          {"DaemonName", "docker"}};
}

// labels=a,b and env=X,Y: the container's labels and variables of those names, each as a field.
void add_extra(const LogSpec& log, const Container& container, const ProcessConfig& process, StringMap& fields,
               const std::function<std::string(const std::string&)>& named) {
  for (const std::string& name : split(option(log, "labels"), ','))
    if (const auto found = container.labels.find(name); found != container.labels.end())
      fields[named(name)] = found->second;
  for (const std::string& name : split(option(log, "env"), ','))
    for (const std::string& entry : process.environment)
      if (!name.empty() && entry.starts_with(name + "=")) fields[named(name)] = entry.substr(name.size() + 1);
}

// The journal's field names: upper case, digits and underscores, no underscore at the start.
std::string journal_name(const std::string& name) {
  std::string made = to_upper(name);
  for (char& c : made)
    if ((c < 'A' || c > 'Z') && (c < '0' || c > '9')) c = '_';
  made.erase(0, std::min(made.find_first_not_of('_'), made.size()));
  return made.empty() || (made[0] >= '0' && made[0] <= '9') ? "X" + made : made;
}

StringMap fields_of(const LogSpec& log, const Container& container, const ProcessConfig& process,
                    const std::string& tag) {
  const std::string id = container.id.substr(0, short_id);
  StringMap fields;
  if (log.driver == "journald") {
    fields = {{"CONTAINER_ID", id},
              {"CONTAINER_ID_FULL", container.id},
              {"CONTAINER_NAME", container.name},
              {"CONTAINER_TAG", tag},
              {"IMAGE_NAME", container.image}};
    add_extra(log, container, process, fields, journal_name);
  } else if (log.driver == "gelf") {
    fields = {{"container_id", container.id},
              {"container_name", container.name},
              {"image_id", container.image_id},
              {"image_name", container.image},
              {"command", join(container.command, " ")},
              {"tag", tag},
              {"created", format_rfc3339(container.created_at)}};
    add_extra(log, container, process, fields, [](const std::string& name) { return name; });
  } else if (log.driver == "fluentd") {
    fields = {{"container_id", container.id}, {"container_name", "/" + container.name}};
    add_extra(log, container, process, fields, [](const std::string& name) { return name; });
  }
  return fields;
}

// A name server may be slow: a command does this, never the supervisor's loop.
Result<std::string> look_up(const Place& place) {
  addrinfo hints{};
  hints.ai_socktype = place.network == "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found);
  if (failed != 0)
    return fail(Error(Code::not_found, "failed to initialize logging driver: dial " + place.network + ": lookup " +
                                           place.host + ": " + ::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return fail(Code::not_found, "look up", place.host);
  return std::string(text.data());
}

Result<> check_local(const LogSpec& log, const Place& place) {
  struct stat info {};
  if (::stat(place.host.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) return {};
  if (log.driver == "journald")
    return fail(Error(Code::not_found, "failed to initialize logging driver: journald is not enabled on this host")
                    .hint("use another driver, such as json-file"));
  return fail(Error(Code::not_found, "failed to initialize logging driver: no socket " + place.host)
                  .hint("is rsyslog or another syslog daemon running?"));
}

// The driver's options in addition to those that all drivers have.
Strings own_options(const std::string& driver) {
  if (driver == "syslog")
    return {"syslog-address",  "syslog-facility", "syslog-format",         "syslog-tls-ca-cert",
            "syslog-tls-cert", "syslog-tls-key",  "syslog-tls-skip-verify"};
  if (driver == "gelf")
    return {"gelf-address", "gelf-compression-type", "gelf-compression-level", "gelf-tcp-max-reconnect",
            "gelf-tcp-reconnect-delay"};
  if (driver == "fluentd")
    return {"fluentd-address",
            "fluentd-async",
            "fluentd-async-connect",
            "fluentd-buffer-limit",
            "fluentd-max-retries",
            "fluentd-request-ack",
            "fluentd-retry-wait",
            "fluentd-write-timeout",
            "fluentd-sub-second-precision",
            "fluentd-async-reconnect-interval"};
  return {};
}

std::unexpected<Error> unknown_option(const LogSpec& log, const std::string& key, const Strings& known) {
  Error error(Code::invalid, "unknown log opt '" + key + "' for " + log.driver + " log driver");
  if (const auto near = nearest(key, known)) error = std::move(error).hint("did you mean `" + *near + "`?");
  return fail(std::move(error).about(Subject::setting, "logging/options/" + key));
}

// In Docker's words. Messages are sent uncompressed, which every receiver accepts, so the compression options have no
// effect.
Result<> check_gelf(const LogSpec& log, const Place& place) {
  if (place.network != "udp" && place.network != "tcp") return refuse("gelf: endpoint needs to be TCP or UDP");
  const bool packed = log.options.contains("gelf-compression-type") || log.options.contains("gelf-compression-level");
  if (packed && place.network != "udp") return refuse("compression is only supported on UDP");
  constexpr std::array<std::string_view, 3> types{"gzip", "zlib", "none"};
  if (const std::string type = option(log, "gelf-compression-type", "none"); std::ranges::count(types, type) == 0)
    return refuse("unknown value \"" + type + "\" for log opt \"gelf-compression-type\" for gelf log driver");
  const std::string level = option(log, "gelf-compression-level", "1");
  if (const auto number = parse_signed(level); !number || *number < -1 || *number > 9)
    return refuse("unknown value \"" + level + "\" for log opt \"gelf-compression-level\" for gelf log driver");
  for (const char* name : {"gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"}) {
    const std::string value = option(log, name, "0");
    if (!parse_unsigned(value)) return refuse("\"" + std::string(name) + "\" must be a positive integer");
    if (log.options.contains(name) && place.network != "tcp")
      return refuse("\"" + std::string(name) + "\" is only valid for TCP");
  }
  return {};
}

}  // namespace

bool is_shipping(const std::string& driver) {
  constexpr std::array<std::string_view, 4> drivers{"syslog", "journald", "gelf", "fluentd"};
  return std::ranges::find(drivers, driver) != drivers.end();
}

Result<> validate_shipping(const LogSpec& log) {
  constexpr std::array<std::string_view, 9> common{
      "labels",         "env",           "tag", "mode", "max-buffer-size", "cache-disabled", "cache-max-size",
      "cache-max-file", "cache-compress"};
  const Strings own = own_options(log.driver);
  for (const auto& [key, value] : log.options)
    if (key.ends_with("-regex"))
      return fail(Error(Code::unsupported, "log opt '" + key + "' is not supported for " + log.driver)
                      .hint("name them with labels or env")
                      .about(Subject::setting, "logging/options"));
    else if (std::ranges::count(common, key) == 0 && std::ranges::count(own, key) == 0)
      return unknown_option(log, key, own);
  if (const std::string format = option(log, "syslog-format");
      !format.empty() && format != "rfc3164" && format != "rfc5424" && format != "rfc5424micro")
    return refuse("Invalid syslog format");
  (void)TRY(facility_of(option(log, "syslog-facility")));
  const Place place = TRY(place_of(log));
  if (log.driver == "gelf") TRY(check_gelf(log, place));
  (void)TRY(fill_in(option(log, "tag"), values_of(Container{})));
  return {};
}

Result<> prepare_shipping(const Container& container, const ProcessConfig& process, const LogSpec& log,
                          const std::string& log_path) {
  if (!is_shipping(log.driver)) return {};
  const Place place = TRY(place_of(log));
  supervisor::ShipUnit unit;
  unit.driver = log.driver;
  unit.network = place.network;
  unit.address = place.host;
  if (place.port.empty()) {
    TRY(check_local(log, place));
  } else {
    unit.address = TRY(look_up(place));
    unit.port = saturated<std::uint16_t>(parse_unsigned(place.port).value_or(0));
  }
  unit.tag = TRY(fill_in(option(log, "tag", "{{.ID}}"), values_of(container)));
  unit.format = option(log, "syslog-format");
  unit.facility = TRY(facility_of(option(log, "syslog-facility")));
  unit.sub_second = option(log, "fluentd-sub-second-precision") == "true";
  unit.fields = fields_of(log, container, process, unit.tag);
  return supervisor::write_ship_unit(log_path, unit);
}

}  // namespace consort::engine
