#include "image/config.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_layers = 512;
constexpr std::size_t max_list = 65'536;

// Reads fields and records the first wrong type; absent and null are the same.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  std::string text(std::string_view key) {
    const Json* value = look(key);
    if (!value) return {};
    if (!value->is_string()) return wrong(key, "a string"), std::string();
    return value->get<std::string>();
  }
  std::int64_t number(std::string_view key) {
    const Json* value = look(key);
    if (!value) return 0;
    if (!value->is_number_integer()) return wrong(key, "a whole number"), 0;
    return value->get<std::int64_t>();
  }
  bool flag(std::string_view key) {
    const Json* value = look(key);
    if (!value) return false;
    if (!value->is_boolean()) return wrong(key, "true or false"), false;
    return value->get<bool>();
  }
  // A string counts as a list of one, as in Docker's StrSlice.
  std::vector<std::string> list(std::string_view key) {
    const Json* value = look(key);
    if (!value) return {};
    if (value->is_string()) return {value->get<std::string>()};
    if (!value->is_array() || value->size() > max_list)
      return wrong(key, "a list of strings"), std::vector<std::string>();
    std::vector<std::string> items;
    for (const Json& item : *value) {
      if (!item.is_string()) return wrong(key, "a list of strings"), items;
      items.push_back(item.get<std::string>());
    }
    return items;
  }
  // The keys of an object such as {"80/tcp": {}}, sorted.
  std::vector<std::string> keys(std::string_view key) {
    const Json* value = look(key);
    if (!value) return {};
    if (!value->is_object() || value->size() > max_list) return wrong(key, "an object"), std::vector<std::string>();
    std::vector<std::string> items;
    for (const auto& item : value->items()) items.push_back(item.key());
    std::ranges::sort(items);
    return items;
  }
  std::map<std::string, std::string> map(std::string_view key) {
    const Json* value = look(key);
    if (!value) return {};
    std::map<std::string, std::string> items;
    if (!value->is_object() || value->size() > max_list) return wrong(key, "an object"), items;
    for (const auto& item : value->items()) {
      if (!item.value().is_string()) return wrong(key, "an object of strings"), items;
      items[item.key()] = item.value().get<std::string>();
    }
    return items;
  }
  const Json* object(std::string_view key) {
    const Json* value = look(key);
    if (value && !value->is_object()) return wrong(key, "an object"), nullptr;
    return value;
  }
  const Json* array(std::string_view key) {
    const Json* value = look(key);
    if (value && !value->is_array()) return wrong(key, "a list"), nullptr;
    return value;
  }
  Result<> finish() {
    if (problem_.empty()) return {};
    return fail(Error(Code::invalid, "read image configuration").why(problem_));
  }

 private:
  const Json* look(std::string_view key) {
    const Json* value = find_key(object_, key);
    return value && !value->is_null() ? value : nullptr;
  }
  void wrong(std::string_view key, std::string_view expected) {
    if (problem_.empty()) problem_ = std::string(key) + " must be " + std::string(expected);
  }
  const Json& object_;
  std::string problem_;
};

Result<Healthcheck> read_healthcheck(const Json& object) {
  Reader reader(object);
  Healthcheck health;
  health.test = reader.list("Test");
  health.interval = Nanoseconds(reader.number("Interval"));
  health.timeout = Nanoseconds(reader.number("Timeout"));
  health.start_period = Nanoseconds(reader.number("StartPeriod"));
  health.start_interval = Nanoseconds(reader.number("StartInterval"));
  health.retries = static_cast<int>(std::clamp<std::int64_t>(reader.number("Retries"), 0, 1'000'000));
  TRY(reader.finish());
  return health;
}

Result<> read_defaults(const Json& object, ImageConfig& config) {
  Reader reader(object);
  config.env = reader.list("Env");
  config.entrypoint = reader.list("Entrypoint");
  config.cmd = reader.list("Cmd");
  config.user = reader.text("User");
  config.working_dir = reader.text("WorkingDir");
  config.stop_signal = reader.text("StopSignal");
  config.exposed_ports = reader.keys("ExposedPorts");
  config.volumes = reader.keys("Volumes");
  config.labels = reader.map("Labels");
  config.shell = reader.list("Shell");
  config.on_build = reader.list("OnBuild");
  config.args_escaped = reader.flag("ArgsEscaped");
  if (const Json* health = reader.object("Healthcheck")) config.healthcheck = TRY(read_healthcheck(*health));
  return reader.finish();
}

Result<std::vector<HistoryEntry>> read_history(const Json& list) {
  if (list.size() > max_list) return fail(Code::invalid, "read image configuration", "history is too long");
  std::vector<HistoryEntry> history;
  for (const Json& item : list) {
    Reader reader(item);
    history.push_back({reader.text("created"), reader.text("created_by"), reader.text("author"), reader.text("comment"),
                       reader.flag("empty_layer")});
    TRY(reader.finish());
  }
  return history;
}

Result<std::vector<Digest>> read_diff_ids(const Json& rootfs) {
  Reader reader(rootfs);
  const auto texts = reader.list("diff_ids");
  TRY(reader.finish());
  if (texts.size() > max_layers)
    return fail(Error(Code::invalid, "read image configuration").why("more than 512 layers"));
  std::vector<Digest> ids;
  for (const std::string& text : texts) ids.push_back(TRY(Digest::parse(text)));
  return ids;
}

template <typename T>
void put(Json& object, const char* key, const T& value) {
  if (!value.empty()) object[key] = value;
}

Json key_object(const std::vector<std::string>& keys) {
  Json object = Json::object();
  for (const std::string& key : keys) object[key] = Json::object();
  return object;
}

Json format_healthcheck(const Healthcheck& health) {
  Json object = Json::object();
  put(object, "Test", health.test);
  const auto number = [&](const char* key, std::int64_t value) {
    if (value) object[key] = value;
  };
  number("Interval", health.interval.count());
  number("Timeout", health.timeout.count());
  number("StartPeriod", health.start_period.count());
  number("StartInterval", health.start_interval.count());
  number("Retries", health.retries);
  return object;
}

Json format_defaults(const ImageConfig& config) {
  Json object = Json::object();
  put(object, "User", config.user);
  if (!config.exposed_ports.empty()) object["ExposedPorts"] = key_object(config.exposed_ports);
  put(object, "Env", config.env);
  put(object, "Entrypoint", config.entrypoint);
  put(object, "Cmd", config.cmd);
  if (!config.volumes.empty()) object["Volumes"] = key_object(config.volumes);
  put(object, "WorkingDir", config.working_dir);
  put(object, "Labels", config.labels);
  put(object, "StopSignal", config.stop_signal);
  if (config.args_escaped) object["ArgsEscaped"] = true;
  if (config.healthcheck) object["Healthcheck"] = format_healthcheck(*config.healthcheck);
  put(object, "OnBuild", config.on_build);
  put(object, "Shell", config.shell);
  return object;
}

Json format_history(const std::vector<HistoryEntry>& history) {
  Json list = Json::array();
  for (const HistoryEntry& entry : history) {
    Json item = Json::object();
    put(item, "created", entry.created);
    put(item, "created_by", entry.created_by);
    put(item, "author", entry.author);
    put(item, "comment", entry.comment);
    if (entry.empty_layer) item["empty_layer"] = true;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace

Result<ImageConfig> parse_config(std::string_view json) {
  const Json root = TRY(parse_json(json, "image configuration"));
  if (!root.is_object()) return fail(Error(Code::invalid, "read image configuration").why("an object is expected"));
  ImageConfig config;
  Reader reader(root);
  config.platform = {reader.text("os"), reader.text("architecture"), reader.text("variant")};
  if (config.platform.os.empty()) config.platform.os = "linux";
  config.os_version = reader.text("os.version");
  config.author = reader.text("author");
  config.created = reader.text("created");
  if (const Json* defaults = reader.object("config")) TRY(read_defaults(*defaults, config));
  if (const Json* history = reader.array("history")) config.history = TRY(read_history(*history));
  if (const Json* rootfs = reader.object("rootfs")) config.diff_ids = TRY(read_diff_ids(*rootfs));
  TRY(reader.finish());
  return config;
}

std::string format_config(const ImageConfig& config) {
  Json root = Json::object();
  root["architecture"] = config.platform.architecture;
  root["config"] = format_defaults(config);
  put(root, "author", config.author);
  if (!config.build_cache.empty())
    if (auto records = parse_json(config.build_cache, "build cache"))
      root[std::string(build_cache_key)] = std::move(*records);
  put(root, "created", config.created);
  if (!config.history.empty()) root["history"] = format_history(config.history);
  root["os"] = config.platform.os;
  put(root, "os.version", config.os_version);
  Json ids = Json::array();
  for (const Digest& id : config.diff_ids) ids.push_back(id.text());
  root["rootfs"] = Json{{"type", "layers"}, {"diff_ids", std::move(ids)}};
  put(root, "variant", config.platform.variant);
  return dump_json(root);
}

}  // namespace consort::image
