#include "build/cache/key.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"

namespace consort::build {
namespace {

constexpr std::size_t max_list_bytes = std::size_t{4} << 20;  // longer ones are explained without names
constexpr std::string_view key_version = "2";                 // of the format below; changing it invalidates all keys

std::string text_of(const std::optional<std::uint32_t>& value) {
  return value ? std::to_string(*value) : "-";
}

void describe(const CopyOperation& copy, StepKey& key) {
  key.add("destination", copy.destination);
  key.add("--chown", copy.chown);
  key.add("--chmod", copy.chmod);
  key.add("--exclude", join(copy.exclude, "\n"));
  key.add("--checksum", copy.checksum);
  std::string options;
  for (const bool option : {copy.unpack, copy.unpack_urls, copy.parents, copy.keep_git_dir, copy.link == Link::yes})
    options += option ? '1' : '0';
  key.add("options", options);
  for (const auto& source : copy.sources) {
    if (source.kind == CopySource::Kind::inline_file)
      key.add("here-document " + source.text, sha256_hex(source.content));
  }
}

void describe(const RunOperation& run, StepKey& key) {
  std::string words;
  for (const auto& word : run.argv) words += word + '\0';
  key.add("command", words);
  for (const auto& entry : run.environment) {
    const auto equals = entry.find('=');
    key.add("variable " + entry.substr(0, equals), entry.substr(equals + 1));
  }
  key.add("working directory", run.working_dir);
  key.add("user", run.user);
  key.add("--network", run.network);
  key.add("--security", run.insecure ? "insecure" : "sandbox");
  if (run.script) key.add("here-document " + run.script->first, sha256_hex(run.script->second));
  for (const auto& planned : run.mounts) {
    const RunMount& mount = planned.mount;
    key.add("--mount " + mount.target,
            // The id of a cache mount does not matter: its content is not part of the key either.
            std::to_string(static_cast<int>(mount.type)) + "," + mount.source + "," +
                (mount.type == RunMount::Type::cache ? "" : mount.id) + "," + mount.environment.value_or("") + "," +
                (mount.read_only ? "ro" : "rw") + "," + text_of(mount.mode) + "," + text_of(mount.uid) + "," +
                text_of(mount.gid) + "," + std::to_string(mount.size_bytes));
  }
}

void describe(const MakeDirectoryOperation& make, StepKey& key) {
  key.add("path", make.path);
  key.add("user", make.user);
}

std::map<std::string, std::string> lines_of(const std::string& list) {
  std::map<std::string, std::string> lines;
  for (const auto& line : split(list, '\n')) {
    const auto tab = line.find('\t');
    if (tab != std::string::npos) lines[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return lines;
}

std::string explain_files(const KeyPart& before, const KeyPart& now) {
  const auto old_lines = lines_of(before.list);
  const auto new_lines = lines_of(now.list);
  std::vector<std::string> changes;
  for (const auto& [path, digest] : new_lines) {
    const auto old = old_lines.find(path);
    if (old == old_lines.end()) {
      changes.push_back("file " + path + " is new");
    } else if (old->second != digest) {
      changes.push_back("file " + path + " changed");
    }
  }
  for (const auto& [path, digest] : old_lines) {
    if (!new_lines.contains(path)) changes.push_back("file " + path + " is gone");
  }
  if (changes.empty()) return now.name + " changed";
  constexpr std::size_t shown = 3;
  std::string text = join(std::span(changes).first(std::min(shown, changes.size())), ", ");
  if (changes.size() > shown) text += " and " + std::to_string(changes.size() - shown) + " more";
  return text;
}

}  // namespace

std::string StepKey::digest() const {
  std::string all(key_version);
  for (const auto& part : parts_) {
    all += '\0' + part.name + '\0' + std::to_string(part.digest.size()) + '\0' + part.digest;
  }
  return sha256_hex(all);
}

void StepKey::set_list(std::string_view name, std::string list) {
  const auto part = std::ranges::find(parts_, name, &KeyPart::name);
  if (part != parts_.end()) part->list = std::move(list);
}

std::string StepKey::to_json() const {
  Json array = Json::array();
  for (const auto& part : parts_) {
    // A value may contain a secret that a user has passed as an argument: only its digest is kept.
    const std::string value = part.digest.size() == 64 ? part.digest : sha256_hex(part.digest);
    array.push_back(Json::array({part.name, value, part.list.size() <= max_list_bytes ? part.list : ""}));
  }
  return dump_json(array);
}

std::vector<KeyPart> StepKey::from_json(std::string_view text) {
  std::vector<KeyPart> parts;
  const auto array = parse_json(text, "cache record");
  if (!array || !array->is_array()) return parts;
  for (const auto& item : *array) {
    if (!item.is_array() || item.size() != 3 || !item[0].is_string() || !item[1].is_string() || !item[2].is_string())
      return {};
    parts.push_back({item[0].get<std::string>(), item[1].get<std::string>(), item[2].get<std::string>()});
  }
  return parts;
}

void describe(const Operation& operation, StepKey& key) {
  constexpr std::array kinds{"copy", "run", "make folder"};
  key.add("instruction", kinds[operation.action.index()]);
  std::visit([&key](const auto& action) { describe(action, key); }, operation.action);
}

std::string changes_between(const std::vector<KeyPart>& before, const std::vector<KeyPart>& now) {
  const auto find = [](const std::vector<KeyPart>& parts, const std::string& name) {
    return std::ranges::find(parts, name, &KeyPart::name);
  };
  const auto same = [](const KeyPart& old, const KeyPart& current) {
    return old.digest == (current.digest.size() == 64 ? current.digest : sha256_hex(current.digest));
  };
  std::string base;
  std::vector<std::string> changes;
  for (const auto& part : now) {
    const auto old = find(before, part.name);
    if (old == before.end()) {
      changes.push_back(part.name + " is new");
    } else if (!same(*old, part)) {
      if (part.name == "base") {
        base = "what it builds on changed";
      } else {
        changes.push_back(part.list.empty() ? part.name + " changed" : explain_files(*old, part));
      }
    }
  }
  for (const auto& part : before) {
    if (find(now, part.name) == now.end()) changes.push_back(part.name + " is gone");
  }
  return changes.empty() ? base : join(changes, ", ");
}

std::string explain(const std::vector<KeyPart>& before, const std::vector<KeyPart>& now) {
  if (before.empty()) return "it has not been built here before";
  const std::string changes = changes_between(before, now);
  return changes.empty() ? "its result is no longer in the cache" : changes;
}

}  // namespace consort::build
