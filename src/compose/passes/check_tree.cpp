#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/strings.hpp"
#include "compose/passes/canonical.hpp"

namespace consort::compose {

namespace {

bool is_true(const Node* node) {
  return node && (node->boolean || (node->is_string() && to_lower(node->text) == "true"));
}

void check_volume(const Entry& entry, Reporter& reporter) {
  if (!is_true(entry.value.find("external"))) return;
  for (const Entry& each : entry.value.entries) {
    if (each.key == "external" || each.key == "name" || each.key.starts_with("x-")) continue;
    Diagnostic& made = reporter.error(
        "conflict", "volumes." + entry.key + ": conflicting parameters \"external\" and \"" + each.key + "\" specified",
        each.place);
    made.label = "an external volume was created elsewhere, with its own `" + each.key + "`";
    made.help = "remove `" + each.key + "`, or `external`";
  }
}

void check_file_object(std::string_view section, const Entry& entry, Reporter& reporter) {
  if (!entry.value.is_mapping()) return;
  const bool config = section == "configs";
  int given = 0;
  for (const std::string_view key : {"file", "environment", "content"}) {
    const Node* value = entry.value.find(key);
    given += value && value->place;  // without a place, it is from the variable of an included file
  }
  const std::string keys = config ? "file|environment|content" : "file|environment";
  const std::string path = std::string(section) + "." + entry.key;
  if (given > 1) {
    Diagnostic& made =
        reporter.error("conflict", path + ": " + keys + " attributes are mutually exclusive", entry.place);
    made.help = "keep one of them";
  } else if (given == 0 && !entry.value.find("driver") && !entry.value.find("external")) {
    Diagnostic& made = reporter.error("missing-key", path + ": one of " + keys + " must be set", entry.place);
    made.label = "where does the content come from?";
    made.help = "add `file: ./PATH`, `environment: VARIABLE` or `external: true`";
  }
}

void check_device_request(const Node& item, const std::string& path, Reporter& reporter) {
  const Node* count = item.find("count");
  const Node* ids = item.find("device_ids");
  if (!count || !ids) return;
  reporter.error("conflict", path + ": \"count\" and \"device_ids\" attributes are exclusive", item.place).help =
      "keep one of them";
}

void check_service(const Entry& entry, Reporter& reporter) {
  const std::string path = "services." + entry.key;
  if (const Node* ports = entry.value.find("ports")) {
    for (const Node& item : ports->items) {
      const Node* ip = item.find("host_ip");
      if (!ip) continue;
      in_addr four{};
      in6_addr six{};
      if (inet_pton(AF_INET, ip->text.c_str(), &four) == 1 || inet_pton(AF_INET6, ip->text.c_str(), &six) == 1)
        continue;
      reporter.error("bad-address", path + ".ports.[]: invalid ip address: " + ip->text, ip->place).label =
          "not an IP address";
    }
  }
  if (const Node* gpus = entry.value.find("gpus")) {
    for (const Node& item : gpus->items) check_device_request(item, path + ".gpus.[]", reporter);
  }
  const Node* node = entry.value.find("deploy");
  for (const std::string_view key : {"resources", "reservations", "devices"}) node = node ? node->find(key) : nullptr;
  if (node) {
    for (const Node& item : node->items) {
      check_device_request(item, path + ".deploy.resources.reservations.devices.[]", reporter);
    }
  }
  const Node* develop = entry.value.find("develop");
  if (const Node* watch = develop ? develop->find("watch") : nullptr) {
    for (const Node& item : watch->items) {
      const Node* watched = item.find("path");
      if (watched && watched->is_string() && watched->text.empty()) {
        reporter.error("bad-value", path + ".develop.watch.[].path: value can't be blank", watched->place);
      }
    }
  }
}

}  // namespace

void check_tree(const Node& root, Reporter& reporter) {
  if (const Node* services = root.find("services")) {
    for (const Entry& entry : services->entries) check_service(entry, reporter);
  }
  if (const Node* volumes = root.find("volumes")) {
    for (const Entry& entry : volumes->entries) check_volume(entry, reporter);
  }
  for (const std::string_view section : {"configs", "secrets"}) {
    if (const Node* objects = root.find(section)) {
      for (const Entry& entry : objects->entries) check_file_object(section, entry, reporter);
    }
  }
}

}  // namespace consort::compose
