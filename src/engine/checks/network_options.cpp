#include "engine/checks/network_options.hpp"

#include <algorithm>
#include <array>

#include "base/go_bool.hpp"
#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "network/bridge.hpp"

namespace consort::engine {

namespace {

constexpr std::string_view prefix = "com.docker.network.";

const char* gateway_mode_option(Family family) {
  return family == Family::v4 ? "bridge.gateway_mode_ipv4" : "bridge.gateway_mode_ipv6";
}

std::unexpected<Error> unsupported(const NetworkSpec& spec, const std::string& key, std::string hint) {
  Error error(Code::unsupported, "network " + spec.name + ": the option " + key + " is not supported");
  if (!hint.empty()) error = std::move(error).hint(std::move(hint));
  return fail(std::move(error).about(Subject::setting, "driver_opts/" + key));
}

std::unexpected<Error> cannot_parse(const char* name, const std::string& value, const std::string& why,
                                    const char* hint) {
  const std::string key = std::string(prefix) + name;
  return fail(Error(Code::invalid, "failed to parse " + key + " value: " + value + " (" + why + ")")
                  .hint(hint)
                  .about(Subject::setting, "driver_opts/" + key));
}

Result<> check_flag(const NetworkSpec& spec, const char* name) {
  const std::string value = network_option(spec, name);
  if (value.empty() || parse_go_bool(value)) return {};
  return cannot_parse(name, value, "strconv.ParseBool: parsing \"" + value + "\": invalid syntax", "use true or false");
}

std::optional<GatewayMode> mode_from(const std::string& text) {
  if (text.empty() || text == "nat") return GatewayMode::nat;
  if (text == "routed") return GatewayMode::routed;
  if (text == "nat-unprotected") return GatewayMode::nat_unprotected;
  if (text == "isolated") return GatewayMode::isolated;
  return std::nullopt;
}

Result<> check_gateway_mode(const NetworkSpec& spec, Family family) {
  const char* name = gateway_mode_option(family);
  const std::string value = network_option(spec, name);
  const std::optional<GatewayMode> mode = mode_from(value);
  if (!mode)
    return cannot_parse(name, value, "unknown gateway mode " + value, "use nat, routed, nat-unprotected or isolated");
  if (mode == GatewayMode::isolated && !spec.internal)
    return fail(Error(Code::invalid, "gateway mode 'isolated' can only be used for an internal network")
                    .hint("add internal: true to network " + spec.name)
                    .about(Subject::setting, "driver_opts/" + std::string(prefix) + name));
  return {};
}

Result<> check_bridge(const NetworkSpec& spec) {
  constexpr std::array<std::string_view, 9> known{"bridge.name",
                                                  "bridge.enable_icc",
                                                  "bridge.enable_ip_masquerade",
                                                  "bridge.host_binding_ipv4",
                                                  "bridge.gateway_mode_ipv4",
                                                  "bridge.gateway_mode_ipv6",
                                                  "bridge.inhibit_ipv4",
                                                  "driver.mtu",
                                                  "container_iface_prefix"};
  for (const auto& [key, value] : spec.driver_opts)
    if (key.starts_with(prefix) && std::ranges::count(known, key.substr(prefix.size())) == 0)
      return unsupported(spec, key, "");
  if (const std::string name = network_option(spec, "bridge.name"); !name.empty() && !is_interface_name(name))
    return fail(Error(Code::invalid, "invalid bridge name: " + name)
                    .hint("the name of an interface has 1 to 15 characters and no spaces, '/', ':' or '%'")
                    .about(Subject::setting, "driver_opts"));
  // With a number appended.
  if (const std::string inside = network_option(spec, "container_iface_prefix");
      !inside.empty() && !is_interface_name(inside + "00"))
    return fail(Error(Code::invalid, "invalid prefix of interfaces: " + inside)
                    .hint("at most 13 characters and no spaces, '/', ':' or '%'")
                    .about(Subject::setting, "driver_opts"));
  if (const std::string address = network_option(spec, "bridge.host_binding_ipv4");
      !address.empty() && !Address::parse(address))
    return cannot_parse("bridge.host_binding_ipv4", address, "nil ip", "it is an address of this host, as 127.0.0.1");
  for (const char* flag : {"bridge.enable_icc", "bridge.enable_ip_masquerade", "bridge.inhibit_ipv4"})
    TRY(check_flag(spec, flag));
  for (const Family family : {Family::v4, Family::v6}) TRY(check_gateway_mode(spec, family));
  return {};
}

struct FaceDriver {
  std::string_view name;  // of the driver, and of the kernel's kind of interface
  std::string_view default_mode;
  std::vector<std::string_view> modes, others;  // those that Docker has beside them
};

const FaceDriver* face_driver(const std::string& name) {
  static const std::array<FaceDriver, 2> drivers{
      FaceDriver{"macvlan", "bridge", {"bridge", "private", "vepa", "passthru"}, {}},
      FaceDriver{"ipvlan", "l2", {"l2"}, {"l3", "l3s"}}};
  const auto found = std::ranges::find(drivers, name, &FaceDriver::name);
  return found == drivers.end() ? nullptr : &*found;
}

std::string bare_option(const NetworkSpec& spec, const std::string& name) {
  const auto found = spec.driver_opts.find(name);
  return found == spec.driver_opts.end() ? "" : found->second;
}

Result<> check_face(const NetworkSpec& spec, const FaceDriver& driver) {
  const std::string driver_name(driver.name), mode_option = driver_name + "_mode";
  const std::string mode = bare_option(spec, mode_option);
  if (std::ranges::count(driver.others, mode) > 0)
    return unsupported(spec, mode_option + "=" + mode, "use the mode " + std::string(driver.default_mode));
  if (!mode.empty() && std::ranges::count(driver.modes, mode) == 0)
    return fail(Error(Code::invalid, "requested " + driver_name + " mode '" + mode + "' is not valid, '" +
                                         std::string(driver.default_mode) + "' mode is the " + driver_name +
                                         " driver default")
                    .about(Subject::setting, "driver_opts/" + mode_option));
  if (driver_name == "ipvlan" && !bare_option(spec, "ipvlan_flag").empty() &&
      bare_option(spec, "ipvlan_flag") != "bridge")
    return unsupported(spec, "ipvlan_flag", "");
  const std::string parent = bare_option(spec, "parent");
  if (parent == "lo")
    return fail(Error(Code::invalid, "loopback interface is not a valid " + driver_name + " parent link")
                    .about(Subject::setting, "driver_opts/parent"));
  if (parent.empty() || !is_interface_name(parent))
    return fail(Error(Code::unsupported, "network " + spec.name + ": a " + driver_name + " network needs a parent")
                    .why(parent.empty() ? "driver_opts has no parent" : "'" + parent + "' can't be an interface")
                    .hint("name the host interface that the containers share, e.g. parent: eth0 (`ip link` lists them)")
                    .about(Subject::setting, "driver_opts"));
  return {};
}

Result<> check_driver(const NetworkSpec& spec) {
  if (spec.driver == "bridge") return check_bridge(spec);
  if (const FaceDriver* driver = face_driver(spec.driver)) return check_face(spec, *driver);
  constexpr std::array<std::string_view, 3> others{"overlay", "host", "null"};
  if (std::ranges::count(others, spec.driver) == 0) {
    return fail(Error(Code::not_found, "plugin \"" + spec.driver + "\" not found").about(Subject::setting, "driver"));
  }
  return fail(Error(Code::unsupported, "network " + spec.name + ": the driver " + spec.driver + " is not supported")
                  .hint("use the driver bridge, or network_mode: host for the host's own network")
                  .about(Subject::setting, "driver"));
}

}  // namespace

std::string network_option(const NetworkSpec& spec, const char* name) {
  return bare_option(spec, std::string(prefix) + name);
}

Result<> check_network_options(const NetworkSpec& spec) {
  TRY(check_driver(spec));
  const std::string mtu = network_option(spec, "driver.mtu");
  if (const auto bytes = parse_unsigned(mtu); !mtu.empty() && (!bytes || !fitting<int>(*bytes)))
    return fail(Error(Code::invalid, "invalid MTU: " + mtu).about(Subject::setting, "driver_opts"));
  if (!spec.ipam_driver.empty() && spec.ipam_driver != "default")
    return fail(
        Error(Code::not_found, "plugin \"" + spec.ipam_driver + "\" not found").about(Subject::setting, "ipam/driver"));
  if (!spec.enable_ipv4 && !spec.enable_ipv6) return fail(Error(Code::invalid, "IPv4 or IPv6 must be enabled"));
  return {};
}

bool masquerades(const NetworkSpec& spec) {
  return parse_go_bool(network_option(spec, "bridge.enable_ip_masquerade")) != false;
}

GatewayMode gateway_mode(const NetworkSpec& spec, Family family) {
  if (spec.driver != "bridge") return GatewayMode::nat;
  return mode_from(network_option(spec, gateway_mode_option(family))).value_or(GatewayMode::nat);
}

bool bridge_has_gateway(const NetworkSpec& spec, Family family) {
  if (gateway_mode(spec, family) == GatewayMode::isolated) return false;
  return family == Family::v6 || parse_go_bool(network_option(spec, "bridge.inhibit_ipv4")) != true;
}

std::optional<FaceOf> face_of(const NetworkSpec& spec) {
  const FaceDriver* driver = face_driver(spec.driver);
  if (!driver) return std::nullopt;
  const std::string mode = bare_option(spec, spec.driver + "_mode");
  return FaceOf{bare_option(spec, "parent"), mode.empty() ? std::string(driver->default_mode) : mode};
}

}  // namespace consort::engine
