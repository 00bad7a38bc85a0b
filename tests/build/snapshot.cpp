#include "snapshot.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "build/context/tree.hpp"
#include "build/exec/stage_files.hpp"

namespace consort::build {
namespace {

std::string hex(const FileHash& hash) {
  std::string out;
  for (const unsigned char c : hash) {
    out += "0123456789abcdef"[c >> 4];
    out += "0123456789abcdef"[c & 15];
  }
  return out;
}

std::string line_of(const FileEntry& entry) {
  const char type = S_ISREG(entry.mode)   ? 'f'
                    : S_ISDIR(entry.mode) ? 'd'
                    : S_ISLNK(entry.mode) ? 'l'
                    : S_ISCHR(entry.mode) ? 'c'
                    : S_ISBLK(entry.mode) ? 'b'
                                          : 'p';
  char mode[16];
  std::snprintf(mode, sizeof mode, "%04o", entry.mode & 07777);
  std::string line = std::string(1, type) + " " + (type == 'l' ? "0777" : mode) + " " + std::to_string(entry.uid) +
                     ":" + std::to_string(entry.gid) + " /" + entry.path;
  if (type == 'f') line += " " + std::to_string(entry.size) + " " + hex(entry.hash).substr(0, 16);
  if (type == 'l') line += " -> " + entry.target;
  if (type == 'c' || type == 'b')
    line += " " + std::to_string(major(entry.special)) + "," + std::to_string(minor(entry.special));
  return line + "\n";
}

}  // namespace

Result<std::string> describe_files(const image::Store& store, const image::Image& image) {
  Layers layers;
  for (const auto& layer : TRY(store.layers_of(image))) layers.directories.push_back(layer.directory);
  const image::LayerDraft scratch = TRY(store.new_layer());
  SourceTree tree = SourceTree::of(TRY(open_merged(layers, scratch.directory())), "image");
  auto entries = TRY(tree.walk("", {}));
  TRY(tree.hash("", entries));
  std::string out;
  for (const auto& entry : entries) {
    if (!entry.path.empty()) out += line_of(entry);
  }
  return out;
}

Result<std::string> describe_config(const image::Store& store, const image::Image& image) {
  const Json full = TRY(parse_json(TRY(store.raw_config_of(image)), "image config"));
  nlohmann::json out;  // sorted keys
  out["config"] = nlohmann::json::parse(full.value("config", Json::object()).dump());
  out["author"] = full.value("author", "");
  out["os"] = full.value("os", "");
  out["history"] = nlohmann::json::array();
  for (const auto& entry : full.value("history", Json::array())) {
    out["history"].push_back({{"created_by", entry.value("created_by", "")},
                              {"comment", entry.value("comment", "")},
                              {"empty_layer", entry.value("empty_layer", false)}});
  }
  out["layers"] = full["rootfs"]["diff_ids"].size();
  return out.dump(1) + "\n";
}

}  // namespace consort::build
