#include "supervisor/ship_unit.hpp"

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "base/os/files/file.hpp"

namespace consort::supervisor {

namespace {

constexpr std::size_t text_limit = 1 << 20;

std::string path_of(const std::string& log_path) {
  return log_path + ".driver.json";
}

}  // namespace

Result<> write_ship_unit(const std::string& log_path, const ShipUnit& unit) {
  const Json json{
      {"driver", unit.driver}, {"network", unit.network}, {"address", unit.address},   {"port", unit.port},
      {"tag", unit.tag},       {"format", unit.format},   {"facility", unit.facility}, {"sub_second", unit.sub_second},
      {"fields", unit.fields}};
  return write_file_atomic(path_of(log_path), dump_json(json), 0600);
}

Result<std::optional<ShipUnit>> read_ship_unit(const std::string& log_path) {
  const std::string path = path_of(log_path);
  auto text = read_file(path, text_limit);
  if (!text && text.error().code() == Code::not_found) return std::nullopt;
  if (!text) return std::unexpected(std::move(text).error());
  const Json json = TRY(parse_json(*text, path));
  ShipUnit unit;
  unit.driver = get_string(json, "driver");
  unit.network = get_string(json, "network");
  unit.address = get_string(json, "address");
  unit.port = saturated<std::uint16_t>(get_int(json, "port"));
  unit.tag = get_string(json, "tag");
  unit.format = get_string(json, "format");
  unit.facility = saturated<unsigned>(get_int(json, "facility", 3));
  unit.sub_second = get_bool(json, "sub_second");
  if (const Json* fields = find_key(json, "fields"); fields && fields->is_object())
    for (const auto& [name, value] : fields->items())
      if (value.is_string()) unit.fields[name] = value.get<std::string>();
  return unit;
}

}  // namespace consort::supervisor
